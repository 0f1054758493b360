"""Holds one column of the current window against the reference: what is recorded, and how it is judged."""

from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecycle.executors.columns import MISSING, as_texts, try_numbers
from lifecycle.executors.drift import Drift, categorical_drift, numeric_drift
from lifecycle.executors.monitoring_specs import DriftLimits, MonitoringSpec
from lifecycle.executors.records import to_plain

Verdict = Literal["ok", "warning", "drift"]
Floats = NDArray[np.float64]

UNSCORED = ("empty", "no_reference", "same_constant")
"""States of a feature about whose distribution nothing can be said: it has no index then, and not zero."""


def watch_feature(spec: MonitoringSpec, name: str, reference: pd.DataFrame, current: pd.DataFrame) -> Any:
    """The record of one feature: state, drift, missing, out of range, unseen, and its verdict."""
    before, now = reference[name], current[name]
    missing = {"missing_reference": float(before.isna().mean()), "missing_current": float(now.isna().mean())}
    if name in spec.features.numeric:
        found = _numeric(spec, before, now)
    else:
        found = _categorical(spec, before, now)
    record = {**missing, "state": feature_state(before, now), **found}
    if record["state"] in UNSCORED:
        record |= {"psi": None, "js": None, "statistic": None, "p_value": None}
    return {**record, "verdict": feature_verdict(record, spec.limits)}


def feature_state(before: "pd.Series[Any]", now: "pd.Series[Any]") -> str:
    """`scored`, or what is odd: empty, no_reference, constant, same_constant."""
    values, known = now.dropna().unique(), before.dropna().unique()
    if not len(values):
        return "empty" if len(known) else "no_reference"
    if not len(known):
        return "no_reference"
    if len(values) > 1 or len(now) < 2:
        return "scored"
    return "same_constant" if len(known) == 1 and str(known[0]) == str(values[0]) else "constant"


def _numeric(spec: MonitoringSpec, reference: "pd.Series[Any]", current: "pd.Series[Any]") -> dict[str, Any]:
    # What is no number in the reference was found when it was trained on; what counts is the current window.
    (before, _faults), (now, faults) = try_numbers(reference), try_numbers(current)
    known = before[np.isfinite(before)]
    low, high = (float(known.min()), float(known.max())) if known.size else (None, None)
    outside = (now < known.min()) | (now > known.max()) if known.size else np.isfinite(now)
    return {
        "kind": "numeric",
        **drift_record(numeric_drift(before, now, spec.binning)),
        "reference_range": [low, high],
        "out_of_range": int(outside.sum()),
        "out_of_range_share": float(outside.mean()),
        "type_violations": int(faults.sum()),
        "reference_mean": mean(known),
        "current_mean": mean(now),
    }


def mean(values: Floats) -> float | None:
    """The mean of the finite values; None if there is none."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else None


def _categorical(
    spec: MonitoringSpec, reference: "pd.Series[Any]", current: "pd.Series[Any]"
) -> dict[str, Any]:
    before, now = as_texts(reference), as_texts(current)
    if spec.binning == "sturges":  # which leaves missing values out
        compared = before[reference.notna().to_numpy(bool)], now[current.notna().to_numpy(bool)]
    else:
        compared = before, now
    known = {str(item) for item in before} | {MISSING}
    unseen = [str(item) for item in now if str(item) not in known]
    return {
        "kind": "categorical",
        **drift_record(categorical_drift(*compared, spec.binning, spec.chi_squared)),
        "unseen": len(unseen),
        "unseen_share": len(unseen) / max(len(now), 1),
        "unseen_categories": sorted(set(unseen))[:20],
    }


def drift_record(drift: Drift) -> dict[str, Any]:
    """The measures of drift as plain values."""
    record: dict[str, Any] = to_plain(drift)
    return record


def feature_verdict(found: dict[str, Any], limits: DriftLimits) -> Verdict:
    """How the record of a feature stands to the limits."""
    if (
        found["state"] == "empty"
        or _moved(found, limits)
        or found.get("unseen_share", 0) > limits.unseen_share
    ):
        return "drift"
    if (
        (found["psi"] or 0) >= limits.psi_warning
        or found["state"] == "constant"
        or found["missing_current"] - found["missing_reference"] > limits.missing_increase
        or found.get("out_of_range_share", 0) > limits.out_of_range_share
        or found.get("type_violations", 0)
    ):
        return "warning"
    return "ok"


def _moved(found: dict[str, Any], limits: DriftLimits) -> bool:
    statistic = found["statistic"] if found["kind"] == "numeric" else None
    return any(
        (
            (found["psi"] or 0) >= limits.psi_drift,
            limits.js_distance is not None and (found["js"] or 0) >= limits.js_distance,
            limits.ks_statistic is not None and (statistic or 0) >= limits.ks_statistic,
            limits.p_value is not None and _below(found["p_value"], limits.p_value),
        )
    )


def _below(value: float | None, limit: float) -> bool:
    return value is not None and value < limit


def prediction_verdict(psi: float, limits: DriftLimits) -> Verdict:
    """How the drift of the predictions stands to the limits."""
    return "drift" if psi >= limits.psi_drift else "warning" if psi >= limits.psi_warning else "ok"


def watch_predictions(
    spec: MonitoringSpec, classes: tuple[str, ...], before: Floats, now: Floats
) -> dict[str, Any]:
    """The drift of the answers: of numbers and chances, or of the mix of more than two classes."""
    means: dict[str, Any] = {}
    if before.ndim == 2:
        names = np.array(classes, dtype=object)
        drift = categorical_drift(
            names[before.argmax(axis=1)], names[now.argmax(axis=1)], spec.binning, spec.chi_squared
        )
    else:
        drift = numeric_drift(before, now, spec.binning)
        means = {"reference_mean": mean(before), "current_mean": mean(now)}
    return {**drift_record(drift), **means, "verdict": prediction_verdict(drift.psi, spec.limits)}
