"""Trains again: with other seeds, on other folds, on an older period. One good run may be luck."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

from lifecycle.executors.fitted import Model
from lifecycle.executors.gains import gain
from lifecycle.executors.parts import Part, fit
from lifecycle.executors.progress import Progress
from lifecycle.executors.specs import TimeSplit, TrainingSpec

_EARLIER = 0.75
"""Share of the rows, oldest first, that the training on an older period learns from."""


@dataclass(frozen=True)
class Repeats:
    """What came of training again; None where it was not asked for."""

    seeds: dict[str, Any] | None
    folds: dict[str, Any] | None


NOT_REPEATED = Repeats(None, None)


def repeat(spec: TrainingSpec, learn: Part, test: Part, first: float | None, progress: Progress) -> Repeats:
    """Cross-validation on the training rows and trainings with other seeds, judged by the main metric.

    `first` is the metric of the run's own seed. What would begin after `study.max_seconds` is left out.
    """
    until = time.monotonic() + spec.study.max_seconds
    folds = _folds(spec, learn, until, progress) if spec.study.folds else None
    seeds = _seeds(spec, learn, test, first, until, progress) if spec.study.seeds else None
    return Repeats(seeds, folds)


def _seeds(
    spec: TrainingSpec, learn: Part, test: Part, first: float | None, until: float, progress: Progress
) -> dict[str, Any]:
    wanted = spec.study.seeds or 0
    runs = [{"seed": spec.seed, "value": first}]
    for number in range(1, wanted):
        if time.monotonic() > until:
            break
        progress(f"seed {number + 1} of {wanted}", 0.5 + 0.5 * number / wanted)
        seed = spec.seed + number
        model = fit(spec, learn, seed=seed)
        value = test.judge.measure(model.score_prepared(test.prepared), [spec.main])[spec.main]
        runs.append({"seed": seed, "value": value})
    return _summary(spec.main, runs, wanted)


def _folds(spec: TrainingSpec, learn: Part, until: float, progress: Progress) -> dict[str, Any]:
    wanted = spec.study.folds or 0
    runs = []
    for number, (rows, held) in enumerate(_fold_rows(spec, learn, wanted)):
        if time.monotonic() > until:
            break
        progress(f"fold {number + 1} of {wanted}", 0.5 * number / wanted)
        model = fit(spec, learn.of(spec, rows))
        kept = learn.of(spec, held)
        value = kept.judge.measure(model.score_prepared(kept.prepared), [spec.main])[spec.main]
        runs.append({"fold": number + 1, "rows": int(held.sum()), "value": value})
    return _summary(spec.main, runs, wanted)


def _fold_rows(
    spec: TrainingSpec, learn: Part, folds: int
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Training and held rows of each fold: later ones for a split by time, whole groups for a ranking."""
    size = learn.answers.truth.size
    order, groups = np.arange(size), None
    maker: Any
    if isinstance(spec.split, TimeSplit):
        order = period_order(learn, spec.split.column)
        maker = TimeSeriesSplit(folds)
    elif learn.judge.candidates is not None:
        maker, groups = GroupKFold(folds, shuffle=True, random_state=spec.seed), learn.judge.candidates.group
    elif spec.task == "classification":
        maker = StratifiedKFold(folds, shuffle=True, random_state=spec.seed)
    else:
        maker = KFold(folds, shuffle=True, random_state=spec.seed)
    for rows, held in maker.split(order, learn.answers.truth.astype(int), groups):
        yield _mask(size, order[rows]), _mask(size, order[held])


def _mask(size: int, places: NDArray[Any]) -> NDArray[np.bool_]:
    mask = np.zeros(size, dtype=bool)
    mask[places] = True
    return mask


def period_order(part: Part, column: str) -> NDArray[np.int64]:
    """The places of the rows, the earliest first; rows without a time last."""
    return np.asarray(part.answers.frame[column].argsort(kind="stable"), dtype=np.int64)


def _summary(metric: str, runs: list[dict[str, Any]], wanted: int) -> dict[str, Any]:
    values = np.array([run["value"] for run in runs if run["value"] is not None], dtype=np.float64)
    several = values.size > 1
    return {
        "metric": metric,
        "n": int(values.size),
        "asked": wanted,
        "mean": float(values.mean()) if values.size else None,
        "std": float(values.std(ddof=1)) if several else None,
        "min": float(values.min()) if values.size else None,
        "max": float(values.max()) if values.size else None,
        "runs": runs,
        "left_out": wanted - len(runs),
    }


def period_shift(spec: TrainingSpec, learn: Part, test: Part, model: Model) -> dict[str, Any] | None:
    """How the main metric does in a later period than it was learned from; None without a column of time.

    With a split by time the test set is later already, and its later half is held against its earlier one.
    Else a second model learns from the earliest three quarters of the training rows and answers the rest.
    """
    column = spec.study.robustness.period
    if isinstance(spec.split, TimeSplit):
        return halves(test, model, column or spec.split.column, spec.main)
    if column is None:
        return None
    order = period_order(learn, column)
    cut = int(order.size * _EARLIER)
    earlier, later = (learn.of(spec, _mask(order.size, part)) for part in (order[:cut], order[cut:]))
    if len(np.unique(earlier.answers.truth)) < min(len(earlier.answers.classes), 2):
        return None  # an early period that holds one class alone teaches nothing
    older = fit(spec, earlier)
    now = later.judge.measure(older.score_prepared(later.prepared), [spec.main])[spec.main]
    before = test.judge.measure(model.score_prepared(test.prepared), [spec.main])[spec.main]
    return _shift(column, "trained on the earliest three quarters", before, now, spec.main)


def halves(part: Part, model: Model, column: str, main: str) -> dict[str, Any]:
    """The main metric in the earlier and in the later half of the rows."""
    order = period_order(part, column)
    values = []
    for places in (order[: order.size // 2], order[order.size // 2 :]):
        rows = _mask(order.size, places)
        prediction = model.score_prepared(part.prepared.loc[rows].reset_index(drop=True))
        values.append(part.judge.of(rows).measure(prediction, [main])[main])
    return _shift(column, "the later half of the test set", values[0], values[1], main)


def _shift(column: str, how: str, before: float | None, now: float | None, main: str) -> dict[str, Any]:
    better = gain(main, now, before)
    return {"column": column, "how": how, "value": now, "drop": -better if better is not None else None}
