"""The six quality measures of a model (Studer et al. 2021, table 2), each filled with what was measured.

Performance, robustness, scalability, explainability, model complexity and resource demand. Times are those of
the machine that ran: they are compared with a limit, never with another machine's.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.executors.columns import MISSING
from lifecycle.executors.complexity import complexity
from lifecycle.executors.fitted import Model
from lifecycle.executors.gains import gain
from lifecycle.executors.importances import sample_rows
from lifecycle.executors.judging import Judge
from lifecycle.executors.parts import Part
from lifecycle.executors.repeats import NOT_REPEATED, Repeats
from lifecycle.executors.specs import EvaluationSpec, Robustness, Study

BATCH_ROWS = 10_000


@dataclass(frozen=True)
class Facts:
    """What the run has found out before the measures are put together. `size` is the model's, in bytes."""

    metrics: dict[str, float | None]
    baseline: dict[str, float | None]
    interval: dict[str, Any] | None
    importances: list[dict[str, Any]]
    period: dict[str, Any] | None
    size: int
    metrics_train: dict[str, float | None] = field(default_factory=dict)
    fit_seconds: float = 0.0
    train_rows: int = 0
    repeated: Repeats = NOT_REPEATED


@dataclass(frozen=True)
class Quality:
    """The measures by name, and their numbers in one flat list for limits."""

    by_measure: dict[str, dict[str, Any]]
    flat: dict[str, float | None]


def measure(model: Model, test: Part, study: Study, seed: int, facts: Facts) -> Quality:
    """All six measures of a trained model."""
    speed = speed_of(model, test.prepared, study.latency_calls)
    strong = robustness_of(model, test.judge, test.prepared, study.robustness, seed)
    if facts.period is not None:
        strong["period"] = facts.period
    by_measure = {
        "performance": _performance(test.judge, facts),
        "robustness": strong,
        "scalability": _scalability(speed, facts),
        "explainability": _explainability(facts.importances),
        "model_complexity": _complexity(model, test.judge, facts),
        "resource_demand": _resources(speed, facts.size),
    }
    return Quality(by_measure, flat(by_measure))


def measure_stored(model: Model, test: Part, spec: EvaluationSpec, facts: Facts) -> Quality:
    """The measures of a model that was trained before: all but what only its training knows."""
    asked = spec.robustness or Robustness()
    speed = speed_of(model, test.prepared, spec.latency_calls)
    strong = robustness_of(model, test.judge, test.prepared, asked, spec.seed)
    if facts.period is not None:
        strong["period"] = facts.period
    by_measure = {
        "performance": _performance(test.judge, facts),
        "robustness": strong,
        "scalability": {"throughput_rows_s": speed["rows_s"]},
        "explainability": _explainability(facts.importances),
        "model_complexity": {**complexity(model.pipeline), "features": len(model.features.all)},
        "resource_demand": _resources(speed, facts.size),
    }
    return Quality(by_measure, flat(by_measure))


def _resources(speed: dict[str, float], size: int) -> dict[str, Any]:
    return {
        "size_mb": size / 1e6 if size else None,
        "latency_p50_ms": speed["p50_ms"],
        "latency_p95_ms": speed["p95_ms"],
        "seconds_per_1000": 1000 / speed["rows_s"] if speed["rows_s"] else None,
    }


def _performance(judge: Judge, facts: Facts) -> dict[str, Any]:
    seeds, folds = facts.repeated.seeds, facts.repeated.folds
    interval = facts.interval or {}
    return {
        "metric": judge.main,
        "value": facts.metrics.get(judge.main),
        "low": interval.get("low"),
        "high": interval.get("high"),
        "baseline": facts.baseline.get(judge.main),
        "seed_mean": seeds["mean"] if seeds else None,
        "seed_std": seeds["std"] if seeds else None,
        "n_seeds": seeds["n"] if seeds else None,
        "fold_mean": folds["mean"] if folds else None,
        "fold_std": folds["std"] if folds else None,
        "n_folds": folds["n"] if folds else None,
    }


def robustness_of(
    model: Model, judge: Judge, prepared: pd.DataFrame, asked: Robustness, seed: int
) -> dict[str, Any]:
    """The main metric when inputs are disturbed, on at most 3,000 rows, and by how much it is worse."""
    rng = np.random.default_rng(seed)
    rows = sample_rows(judge, rng)
    part, sample = judge.of(rows), prepared.loc[rows].reset_index(drop=True)
    base = part.measure(model.score_prepared(sample), [judge.main])[judge.main]

    def under(disturbed: pd.DataFrame, level: float) -> dict[str, Any]:
        value = part.measure(model.score_prepared(disturbed), [judge.main])[judge.main]
        better = gain(judge.main, value, base)
        return {"level": level, "value": value, "drop": -better if better is not None else None}

    numeric, categorical = list(model.features.numeric), list(model.features.categorical)
    noise = [under(_noisy(sample, numeric, level, rng), level) for level in asked.noise] if numeric else []
    missing = [under(_holed(sample, numeric, categorical, level, rng), level) for level in asked.missing]
    return {"metric": judge.main, "value": base, "noise": noise, "missing": missing}


def _noisy(sample: pd.DataFrame, names: list[str], level: float, rng: np.random.Generator) -> pd.DataFrame:
    changed = sample.copy()
    for name in names:
        spread = float(np.nanstd(sample[name])) if sample[name].notna().any() else 0.0
        changed[name] = sample[name] + rng.normal(0, level * spread, len(sample))
    return changed


def _holed(
    sample: pd.DataFrame, numeric: list[str], categorical: list[str], share: float, rng: np.random.Generator
) -> pd.DataFrame:
    changed = sample.copy()
    for name in numeric:
        changed.loc[rng.random(len(sample)) < share, name] = np.nan
    for name in categorical:
        changed.loc[rng.random(len(sample)) < share, name] = MISSING
    return changed


def speed_of(model: Model, prepared: pd.DataFrame, calls: int) -> dict[str, float]:
    """Milliseconds for one row (median and 95th percentile of `calls`), and rows a second in one batch."""
    one = [prepared.iloc[[number % len(prepared)]].reset_index(drop=True) for number in range(calls)]
    model.score_prepared(one[0])  # the first call pays for what is loaded then
    times = [_timed(model, row) * 1000 for row in one]
    repeats = min(max(BATCH_ROWS // max(len(prepared), 1), 1), 20)
    batch = pd.concat([prepared] * repeats, ignore_index=True).iloc[:BATCH_ROWS]
    return {
        "p50_ms": float(np.quantile(times, 0.5)),
        "p95_ms": float(np.quantile(times, 0.95)),
        "rows_s": len(batch) / max(_timed(model, batch), 1e-9),
    }


def _timed(model: Model, rows: pd.DataFrame) -> float:
    started = time.perf_counter()
    model.score_prepared(rows)
    return time.perf_counter() - started


def _scalability(speed: dict[str, float], facts: Facts) -> dict[str, Any]:
    return {
        "throughput_rows_s": speed["rows_s"],
        "train_seconds": facts.fit_seconds,
        "train_rows": facts.train_rows,
        "train_rows_s": facts.train_rows / max(facts.fit_seconds, 1e-9),
    }


def _explainability(importances: list[dict[str, Any]]) -> dict[str, Any]:
    """How few features carry the model, and how sure their importance is."""
    worth = [max(each["mean"], 0.0) for each in importances]
    whole = sum(worth)
    if not whole:
        return {"top": [], "top3_share": None, "features_for_90": None, "spread": None}
    shares = np.cumsum(sorted(worth, reverse=True)) / whole
    first = importances[0]
    return {
        "top": [each["feature"] for each in importances[:3]],
        "top3_share": float(shares[min(2, len(shares) - 1)]),
        "features_for_90": int(np.searchsorted(shares, 0.9) + 1),
        "spread": first["std"] / first["mean"] if first["mean"] > 0 else None,
    }


def _complexity(model: Model, judge: Judge, facts: Facts) -> dict[str, Any]:
    found = complexity(model.pipeline)
    return {
        **found,
        "features": len(model.features.all),
        "parameters_per_row": found["parameters"] / facts.train_rows
        if found["parameters"] is not None
        else None,
        "train_gap": gain(judge.main, facts.metrics_train.get(judge.main), facts.metrics.get(judge.main)),
    }


def flat(by_measure: dict[str, dict[str, Any]]) -> dict[str, float | None]:
    """The numbers under one name each, such as `latency_p95_ms`, `seed_std`, `noise_drop` (worst)."""
    found: dict[str, float | None] = {}
    for name, values in by_measure.items():
        if name == "robustness":
            for kind in ("noise", "missing"):
                drops = [each["drop"] for each in values.get(kind, []) if each["drop"] is not None]
                found[f"{kind}_drop"] = max(drops) if drops else None
            found["period_drop"] = (values.get("period") or {}).get("drop")
            continue
        for key, value in values.items():
            if key in ("metric", "value", "low", "high", "baseline", "top") or isinstance(value, str):
                continue
            found[key] = None if value is None else float(value)
    return found
