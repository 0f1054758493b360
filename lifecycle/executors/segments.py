"""Drift inside parts of the data, such as each country: what an average over all of them hides."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecycle.executors.columns import binned
from lifecycle.executors.monitoring_specs import MonitoringSpec
from lifecycle.executors.watching import watch_feature, watch_predictions

MOST_SEGMENTS = 40
_LEFT_OUT = ("histogram", "reference_range", "unseen_categories")

Floats = NDArray[np.float64]


def watch_segments(
    spec: MonitoringSpec,
    reference: pd.DataFrame,
    current: pd.DataFrame,
    answers: tuple[Floats | None, Floats | None],
    classes: tuple[str, ...],
) -> dict[str, dict[str, Any]]:
    """The drift of each feature and of the predictions in each segment, keyed like `country=IT`.

    At most the 40 largest values of a column in the current window. A segment is `scored`, or `too_few` rows
    are in one of the windows, or it is `new`: the reference does not know it.
    """
    found: dict[str, dict[str, Any]] = {}
    for position, cut in enumerate(spec.segments):
        where = f"/segments/{position}/column"
        before = pd.Series(binned(reference[cut.column], cut.bin, where))
        now = pd.Series(binned(current[cut.column], cut.bin, where))
        for label in sorted(str(each) for each in now.value_counts().index[:MOST_SEGMENTS]):
            rows = (before == label).to_numpy(bool), (now == label).to_numpy(bool)
            found[f"{cut.name}={label}"] = _segment(spec, reference, current, answers, classes, rows)
    return found


def _segment(
    spec: MonitoringSpec,
    reference: pd.DataFrame,
    current: pd.DataFrame,
    answers: tuple[Floats | None, Floats | None],
    classes: tuple[str, ...],
    rows: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> dict[str, Any]:
    sizes = {"rows": int(rows[1].sum()), "reference_rows": int(rows[0].sum())}
    if not sizes["reference_rows"]:
        return {**sizes, "state": "new", "verdict": "not scored"}
    if min(sizes.values()) < spec.min_segment_rows:
        return {**sizes, "state": "too_few", "verdict": "not scored"}
    before, now = reference.loc[rows[0]], current.loc[rows[1]]
    watched = [name for name in spec.features.all if name not in {cut.column for cut in spec.segments}]
    features = {name: _short(watch_feature(spec, name, before, now)) for name in watched}
    prediction = None
    if answers[0] is not None and answers[1] is not None:
        prediction = _short(watch_predictions(spec, classes, answers[0][rows[0]], answers[1][rows[1]]))
    drifted = [name for name, each in features.items() if each["verdict"] == "drift"]
    share = len(drifted) / max(len(features), 1)
    moved = bool(drifted) and share >= spec.limits.share_drifted
    moved = moved or (prediction is not None and prediction["verdict"] == "drift")
    return {
        **sizes,
        "state": "scored",
        "verdict": "drift" if moved else "ok",
        "share_drifted": share,
        "drifted": drifted,
        "features": features,
        "prediction": prediction,
    }


def _short(record: dict[str, Any]) -> dict[str, Any]:
    """Without what only a chart of the whole window shows."""
    return {name: value for name, value in record.items() if name not in _LEFT_OUT}
