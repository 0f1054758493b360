"""Runs among the peers: puts many finished runs into an MLflow store at once, as years of logging leave them.

Usage: fill_mlflow.py STORE EXPERIMENT COUNT
"""

import sys
import uuid

from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric, SqlParam, SqlRun, SqlTag
from sqlalchemy import create_engine, insert

STEPS = 3
CHUNK = 1000


def rows(experiment, numbers):
    found = {SqlRun: [], SqlParam: [], SqlTag: [], SqlMetric: [], SqlLatestMetric: []}
    for number in numbers:
        key, start = (
            uuid.uuid5(uuid.NAMESPACE_OID, f"{experiment}/{number}").hex,
            1_700_000_000_000 + number // 7,
        )
        found[SqlRun].append({
            "run_uuid": key, "name": f"run {number}", "experiment_id": experiment, "user_id": "ada",
            "status": "FINISHED", "start_time": start, "end_time": start + 1000, "lifecycle_stage": "active",
            "source_type": "LOCAL", "source_name": "", "entry_point_name": "", "source_version": "",
            "artifact_uri": "file:///none",
        })  # fmt: skip
        for at in range(3):
            found[SqlParam].append({"run_uuid": key, "key": f"param {at}", "value": f"{number}.{at}"})
        found[SqlTag].append({"run_uuid": key, "key": "team", "value": f"team {number % 5}"})
        for step in range(STEPS):
            point = {
                "run_uuid": key, "key": "loss", "value": number / (step + 1), "timestamp": start + step,
                "step": step, "is_nan": False,
            }  # fmt: skip
            found[SqlMetric].append(point)
        found[SqlLatestMetric].append(point)
    return found


store, experiment, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
engine = create_engine(store)
for first in range(0, count, CHUNK):
    with engine.begin() as connection:
        for model, values in rows(experiment, range(first, min(first + CHUNK, count))).items():
            connection.execute(insert(model), values)
