"""What a monitoring run saw, as the events that triggers look at.

Every key is always there, so that a condition never stumbles over one that is missing; only `error_growth`
is there just where it was measured. Whether a value is bad is for the trigger's condition and params to say.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from lifecycle.executors.gains import gain
from lifecycle.models import Run

MOST_SLICES = 60


class Observation(NamedTuple):
    """One event: its kind (a kind of trigger) and what was seen."""

    kind: str
    event: dict[str, Any]


def observations_of(run: Run) -> list[Observation]:
    """The events of a finished monitoring run: drift and anomaly, and metric where labels were there."""
    record: Mapping[str, Any] = run.record
    found = [Observation("drift", _drift(run, record)), Observation("anomaly", _anomaly(run, record))]
    if record.get("metrics"):
        found.append(Observation("metric", _metric(run, record)))
    return found


def _common(run: Run, record: Mapping[str, Any], codes: frozenset[str]) -> dict[str, Any]:
    texts = [each["text"] for each in record.get("findings", []) if each["code"] in codes]
    return {
        "run": run.pk,
        "title": run.title,
        "verdict": record.get("verdict", "ok"),
        "rows": (record.get("rows") or {}).get("current", 0),
        "model": record.get("model_sha256") or "",
        "findings": len(texts),
        "summary": " ".join(texts)[:500],
    }


def _drift(run: Run, record: Mapping[str, Any]) -> dict[str, Any]:
    features: Mapping[str, Any] = record.get("features") or {}
    psi = {name: float(found.get("psi") or 0.0) for name, found in features.items()}
    codes = frozenset({"feature_drift", "share_drifted", "prediction_drift"})
    return {
        **_common(run, record, codes),
        "psi": max(psi.values(), default=0.0),
        "prediction_psi": float((record.get("prediction") or {}).get("psi") or 0.0),
        "share_drifted": float(record.get("share_drifted") or 0.0),
        "features": psi,
        "drifted": [name for name, found in features.items() if found.get("verdict") == "drift"],
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
    codes = frozenset({"unseen_categories", "more_missing", "out_of_range", "type_violation"})
    return {
        **_common(run, record, codes),
        "unseen_share": largest("unseen_share"),
        "out_of_range_share": largest("out_of_range_share"),
        "missing_increase": max(more_missing, default=0.0),
        "type_violations": sum(int(found.get("type_violations") or 0) for found in features.values()),
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
