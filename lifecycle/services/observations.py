"""What a monitoring run saw, as the events that triggers look at.

Every key is always there, so that a condition never stumbles over one that is missing; only `error_growth`
is there just where it was measured. Whether a value is bad is for the trigger's condition and params to say.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from lifecycle.executors.gains import gain
from lifecycle.models import Run

MOST_SLICES = 60
SCORED = "scored"
QUIET: Mapping[str, Any] = {
    "run": 0, "title": "", "verdict": "", "rows": 0, "model": "", "findings": 0, "summary": "", "plan": "",
    "window": SCORED, "unseen_share": 0.0, "out_of_range_share": 0.0, "missing_increase": 0.0,
    "type_violations": 0, "violations": 0, "violation_rows": 0, "violation_rate": 0.0, "overlap_rows": 0,
    "test_set": "", "test_set_uses": 0,
}  # fmt: skip
"""An anomaly in which nothing was seen: whoever reports one says what differs from it."""


class Observation(NamedTuple):
    """One event: its kind (a kind of trigger) and what was seen."""

    kind: str
    event: dict[str, Any]


def observations_of(run: Run) -> list[Observation]:
    """The events of a finished run that triggers look at.

    A monitoring run: drift and anomaly, and metric where labels were there; of a window that could not be
    scored anomaly alone, so that it is never taken for a quiet one. A data validation: anomaly.
    """
    record: Mapping[str, Any] = run.record
    if run.kind == Run.Kind.DATA_VALIDATION:
        return [Observation("anomaly", _validated(run, record))]
    anomaly = Observation("anomaly", _anomaly(run, record))
    if _window(record) != SCORED:
        return [anomaly]
    found = [Observation("drift", _drift(run, record)), anomaly]
    if record.get("metrics"):
        found.append(Observation("metric", _metric(run, record)))
    return found


def _window(record: Mapping[str, Any]) -> str:
    """How the window was: scored, or why not. Records of connectors say nothing and are scored."""
    return str((record.get("window") or {}).get("state") or SCORED)


def _common(run: Run, record: Mapping[str, Any], codes: frozenset[str]) -> dict[str, Any]:
    texts = [each["text"] for each in record.get("findings", []) if each["code"] in codes]
    return {
        "run": run.pk,
        "title": run.title,
        "verdict": record.get("verdict", "ok"),
        "rows": (record.get("rows") or {}).get("current", 0),
        "model": record.get("model_sha256") or "",
        "findings": len(texts),
        "window": _window(record),
        "plan": str((record.get("plan") or {}).get("key") or ""),
        "summary": " ".join(texts)[:500],
    }


def _drift(run: Run, record: Mapping[str, Any]) -> dict[str, Any]:
    features: Mapping[str, Any] = record.get("features") or {}
    psi = {name: float(found.get("psi") or 0.0) for name, found in features.items()}
    codes = frozenset({"feature_drift", "share_drifted", "prediction_drift", "segment_drift"})
    segments: Mapping[str, Any] = record.get("segments") or {}
    return {
        **_common(run, record, codes),
        "psi": max(psi.values(), default=0.0),
        "prediction_psi": float((record.get("prediction") or {}).get("psi") or 0.0),
        "share_drifted": float(record.get("share_drifted") or 0.0),
        "features": psi,
        "drifted": [name for name, found in features.items() if found.get("verdict") == "drift"],
        "js": max((float(found.get("js") or 0.0) for found in features.values()), default=0.0),
        "segments_drifted": [name for name, found in segments.items() if found.get("verdict") == "drift"],
        **_error_growth(record),
    }


def _error_growth(record: Mapping[str, Any]) -> dict[str, float]:
    """By which share of its reference value the main metric is worse; negative when it is better."""
    name = record.get("main_metric") or ""
    reference = (record.get("metrics_reference") or {}).get(name)
    gained = gain(name, (record.get("metrics") or {}).get(name), reference)
    return {} if gained is None or not reference else {"error_growth": -gained / abs(reference)}


def _anomaly(run: Run, record: Mapping[str, Any]) -> dict[str, Any]:
    features: Mapping[str, Any] = record.get("features") or {}

    def largest(key: str) -> float:
        return max((float(found.get(key) or 0.0) for found in features.values()), default=0.0)

    more_missing = (
        float(found.get("missing_current") or 0.0) - float(found.get("missing_reference") or 0.0)
        for found in features.values()
    )
    codes = frozenset(
        {
            "unseen_categories", "more_missing", "out_of_range", "type_violation", "feature_empty",
            "feature_constant", "segment_new", "window_empty", "window_too_few", "window_late",
        }
    )  # fmt: skip
    return {
        **QUIET,
        **_common(run, record, codes),
        "unseen_share": largest("unseen_share"),
        "out_of_range_share": largest("out_of_range_share"),
        "missing_increase": max(more_missing, default=0.0),
        "type_violations": sum(int(found.get("type_violations") or 0) for found in features.values()),
    }


def _validated(run: Run, record: Mapping[str, Any]) -> dict[str, Any]:
    texts = [each["text"] for each in record.get("violations") or []]
    return {
        **QUIET,
        "run": run.pk,
        "title": run.title,
        "verdict": record.get("verdict", ""),
        "rows": (record.get("data") or {}).get("rows", 0),
        "violations": len(texts),
        "violation_rows": record.get("violation_rows") or 0,
        "violation_rate": float(record.get("violation_rate") or 0.0),
        "overlap_rows": record.get("overlap_rows") or 0,
        "summary": " ".join(texts)[:500],
    }


def _metric(run: Run, record: Mapping[str, Any]) -> dict[str, Any]:
    slices: Mapping[str, Any] = record.get("slices") or {}
    broken = [each for each in record.get("limits") or [] if not each.get("holds")]
    codes = frozenset({"metric_limit", "metric_not_measured"})
    main = record.get("main_metric") or ""
    return {
        **_common(run, record, codes),
        "main_metric": main,
        "value": record["metrics"].get(main),
        "reference_value": (record.get("metrics_reference") or {}).get(main),
        "metrics": dict(record["metrics"]),
        "slices": dict(list(slices.items())[:MOST_SLICES]),
        "limits_broken": len(broken),
        "broken": [_named(each) for each in broken],
    }


def _named(limit: Mapping[str, Any]) -> str:
    return f"{limit['metric']}[{limit['slice']}]" if limit.get("slice") else str(limit["metric"])
