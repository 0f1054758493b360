"""Judges answers: overall, by slice, with an interval, against a baseline and against limits.

Training, evaluation and monitoring share this.
"""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecycle.executors import metrics as metric
from lifecycle.executors.columns import binned
from lifecycle.executors.gains import gain
from lifecycle.executors.ranking import Candidates, GroupScores, score_groups
from lifecycle.executors.specs import MetricLimit, Slice

Floats = NDArray[np.float64]
Values = dict[str, float | None]

RESAMPLES = 200
LEVEL = 0.95
MAX_SLICES = 40
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True)
class Judge:
    """Truth and rules by which predictions for the same rows are judged."""

    task: str
    names: tuple[str, ...]
    main: str
    truth: Floats
    positive: int | None
    threshold: float
    candidates: Candidates | None

    def of(self, rows: NDArray[np.bool_]) -> "Judge":
        """The same for some of the rows."""
        kept = self.candidates.of(rows) if self.candidates else None
        return Judge(self.task, self.names, self.main, self.truth[rows], self.positive, self.threshold, kept)

    def measure(self, prediction: Floats, names: Sequence[str] | None = None) -> Values:
        """The metrics by name."""
        groups = score_groups(self.candidates, prediction) if self.candidates else None
        return {name: self._one(name, prediction, groups) for name in (names or self.names)}

    def _one(self, name: str, prediction: Floats, groups: GroupScores | None) -> float | None:
        if groups is not None and name.startswith("ndcg"):
            return float(groups.ndcg.mean()) if groups.ndcg.size else None
        if groups is not None and name.startswith("infeasible_rate"):
            return groups.infeasible_rate
        if self.task == "classification":
            numbers = self.truth.astype(np.int64)
            return metric.classification(
                name, numbers, prediction, positive=self.positive, threshold=self.threshold
            )
        return metric.regression(name, self.truth, prediction)

    def interval(self, prediction: Floats, *, seed: int) -> dict[str, Any] | None:
        """A 95 % percentile interval of the main metric from 200 seeded resamples (Efron 1979).

        What is resampled is the unit that the metric is a mean of: rows, or groups of a ranking.
        """
        draws = self._draws(prediction, np.random.default_rng(seed))
        if draws.size < RESAMPLES // 2:
            return None
        low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return {"low": float(low), "high": float(high)}

    def _draws(self, prediction: Floats, rng: np.random.Generator) -> Floats:
        units = self._units(prediction)
        if units is not None:
            if units.size == 0:
                return np.empty(0)
            return np.array([units[rng.integers(0, units.size, units.size)].mean() for _ in range(RESAMPLES)])
        values = []
        for _ in range(RESAMPLES):
            rows = rng.integers(0, self.truth.size, self.truth.size)
            drawn = Judge(
                self.task, self.names, self.main, self.truth[rows], self.positive, self.threshold, None
            )
            value = drawn.measure(prediction[rows], [self.main])[self.main]
            if value is not None:
                values.append(value)
        return np.array(values)

    def _units(self, prediction: Floats) -> Floats | None:
        if self.candidates and self.main.startswith("ndcg"):
            return score_groups(self.candidates, prediction).ndcg
        if self.candidates and self.main.startswith("infeasible_rate"):
            return np.empty(0)  # a handful of misses: an interval from resampling would be too narrow
        if self.task == "classification":
            if self.positive is None:
                return None
            return metric.contributions(
                self.main, (self.truth == self.positive).astype(np.float64), prediction
            )
        return metric.contributions(self.main, self.truth, prediction)


def compare(judge: Judge, prediction: Floats, baseline: Floats | None) -> tuple[Values, Values]:
    """The metrics, with `<main>_vs_baseline` among them, and those of the baseline."""
    values = judge.measure(prediction)
    if baseline is None:
        return values, {}
    floor = judge.measure(baseline)
    values[f"{judge.main}_vs_baseline"] = gain(judge.main, values[judge.main], floor[judge.main])
    return values, floor


def by_slice(
    judge: Judge,
    prediction: Floats,
    baseline: Floats | None,
    frame: pd.DataFrame,
    slices: Iterable[Slice],
    *,
    seed: int,
    least: int,
) -> dict[str, dict[str, Any]]:
    """The metrics in each slice, keyed like `month=12`, with the number of rows.

    At most the 40 largest values of a column are kept; a slice of fewer than `least` rows is marked small:
    its values say little, and no limit is taken to hold there.
    """
    found: dict[str, dict[str, Any]] = {}
    for position, cut in enumerate(slices):
        labels = pd.Series(binned(frame[cut.column], cut.bin, f"/slices/{position}/column"))
        for label in _sorted_labels(labels.value_counts().index[:MAX_SLICES]):
            rows = (labels == label).to_numpy(dtype=bool)
            part = judge.of(rows)
            floor = None if baseline is None else baseline[rows]
            values, below = compare(part, prediction[rows], floor)
            found[f"{cut.name}={label}"] = {
                "rows": int(rows.sum()),
                "small": bool(rows.sum() < least),
                **values,
                **({f"baseline_{judge.main}": below[judge.main]} if below else {}),
                "interval": part.interval(prediction[rows], seed=seed) if _quick(judge) else None,
            }
    return found


def _quick(judge: Judge) -> bool:
    return judge.main.startswith("ndcg") or judge.main in ("mae", "brier", "log_loss")


def _sorted_labels(labels: Iterable[Any]) -> list[str]:
    texts = [str(label) for label in labels]
    return sorted(texts, key=lambda text: (0, int(text), "") if text.isdigit() else (1, 0, text))


def check_limits(
    limits: Iterable[MetricLimit], overall: Values, slices: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Each limit with the value observed and whether it holds.

    What was not measured does not hold, nor what was measured on too few rows of a slice.
    """
    checked = []
    for limit in limits:
        source = overall if limit.slice is None else slices.get(limit.slice, {})
        value = source.get(limit.metric)
        rows: Any = source.get("rows") if limit.slice and source.get("small") else None
        small = int(rows) if rows is not None else None
        holds = value is not None and small is None and _OPERATORS[limit.op](value, limit.limit)
        checked.append(
            {
                "metric": limit.metric,
                "slice": limit.slice,
                "op": limit.op,
                "limit": limit.limit,
                "value": value,
                "holds": holds,
                "text": _limit_text(limit, value, small, holds=holds),
            }
        )
    return checked


def _limit_text(limit: MetricLimit, value: float | None, small: int | None, *, holds: bool) -> str:
    place = f" for {limit.slice}" if limit.slice else ""
    wanted = f"{limit.op} {limit.limit:g}"
    if value is None:
        return f"{limit.metric}{place} was not measured; it should be {wanted}."
    if small is not None:
        return f"{limit.metric}{place} is {value:.4g} on {small} rows only: too few to hold against {wanted}."
    verdict = f"within {wanted}." if holds else f"but should be {wanted}."
    return f"{limit.metric}{place} is {value:.4g}, {verdict}"
