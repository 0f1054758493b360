"""Runs that a tracker no longer knows: not deleted, which can be undone, but removed for good."""

import json
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now

from lifecycle.connectors.mlflow import Tracker
from lifecycle.errors import Invalid, Refused
from lifecycle.intake.outside_run import OutsideRun
from lifecycle.models import Connector, Run, RunHistory, SourceRecord, Sync
from lifecycle.services.connector_syncs import MACHINE, advance
from lifecycle.services.run_intake import upsert_runs

MOST_A_SYNC = 500
_SAID = ("parameters", "tags", "code", "environment", "owners", "detail", "inputs", "outputs")


def note_gone(sync: Sync, experiment: SourceRecord, tracker: Tracker) -> int:
    """Ask after each run that this full sync has not seen; returns how many are gone.

    The tracker says of each by itself that it does not know it: an incomplete page takes nothing away.
    """
    missing = (
        SourceRecord.objects.filter(
            connector=sync.connector, kind=SourceRecord.Kind.RUN, parent=experiment.external_id
        )
        .exclude(state=SourceRecord.State.GONE)
        .exclude(seen_in=sync.pk)
    )
    gone = [
        each
        for each in missing.select_related("run__project").order_by("pk")[:MOST_A_SYNC]
        if not tracker.run_is_there(each.external_id)
    ]
    for each in gone:
        _note(sync, each)
    return len(gone)


@transaction.atomic
def _note(sync: Sync, row: SourceRecord) -> None:
    row.state, row.open, row.changed_at = SourceRecord.State.GONE, False, now()
    if row.run is not None:
        row.refusal = _say_deleted(sync.connector, row.run)
    row.save(update_fields=["state", "open", "changed_at", "refusal"])
    advance(sync, sync.position, counts={"gone": 1}, step=sync.step)


def _say_deleted(connector: Connector, run: Run) -> str:
    """Tell the intake that the run is deleted, with all else as it was; why not, if that fails."""
    try:
        upsert_runs(project=run.project, source=connector.source, runs=[as_said(run)], actor=MACHINE)
    except (Invalid, Refused, PermissionDenied) as error:
        return str(error)
    return ""


def as_said(run: Run) -> OutsideRun:
    """What the source of a run said of it last, as the intake took it, but deleted."""
    record: dict[str, Any] = run.record
    history = RunHistory.objects.filter(run=run).first()
    said: dict[str, Any] = {
        "external_id": run.external_id, "kind": run.kind, "title": run.title, "state": run.state,
        "error": run.error, "url": run.url, "parent": run.parent_external_id, "started_at": run.started_at,
        "finished_at": run.finished_at, "deleted": True,
        "metrics": {**record.get("metrics", {}), **record.get("metrics_not_finite", {})},
        "histories": json.loads(history.text) if history is not None else {},
        "model": record.get("model"),
    }  # fmt: skip
    return OutsideRun.model_validate(said | {name: record[name] for name in _SAID if name in record})
