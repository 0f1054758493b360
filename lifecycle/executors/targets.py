"""The true answers in a table: numbers, or classes by number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecycle.executors.columns import as_numbers, as_texts
from lifecycle.executors.errors import Invalid, nearest
from lifecycle.executors.judging import Judge
from lifecycle.executors.monitoring_specs import MonitoringSpec
from lifecycle.executors.ranking import candidates
from lifecycle.executors.specs import Baseline, Judged, Scalar

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """The rows that have a true answer, and the answers (class numbers when there are classes)."""

    frame: pd.DataFrame
    truth: Floats
    classes: tuple[str, ...]
    positive: int | None
    unlabelled: int


def read_answers(
    frame: pd.DataFrame,
    target: str,
    task: str,
    *,
    positive: Scalar | None = None,
    classes: Sequence[str] | None = None,
) -> Answers:
    """The rows of `frame` with a target, and the targets; raises Invalid.

    Refused are a target missing everywhere, with one class only (when the classes are to be learned
    here), with a class that the model does not know, or not finite.
    """
    there = frame[target].notna().to_numpy(dtype=bool)
    if not there.any():
        raise Invalid(
            "target_missing", f"The target “{target}” is missing in all {len(frame)} rows.", "/target"
        )
    kept = frame.loc[there].reset_index(drop=True)
    unlabelled = int((~there).sum())
    if task != "classification":
        numbers = as_numbers(kept[target], where="/target")
        if not np.isfinite(numbers).all():
            raise Invalid("infinite_values", f"The target “{target}” holds infinite values.", "/target")
        return Answers(kept, numbers, (), None, unlabelled)
    labels = as_texts(kept[target])
    known = tuple(classes) if classes is not None else _classes(labels, target)
    return Answers(kept, _numbers(labels, known, target), known, _positive(known, positive), unlabelled)


def _classes(labels: NDArray[np.object_], target: str) -> tuple[str, ...]:
    found = tuple(sorted({str(label) for label in labels}))
    if len(found) == 1:
        text = f"The target “{target}” has one class only, “{found[0]}”: there is nothing to tell apart."
        raise Invalid("one_class", text, "/target")
    if len(found) > 50:
        text = f"The target “{target}” has {len(found)} classes; at most 50 make sense. Is it a regression?"
        raise Invalid("too_many_classes", text, "/target")
    return found


def _numbers(labels: NDArray[np.object_], known: tuple[str, ...], target: str) -> Floats:
    strangers = sorted({str(label) for label in labels} - set(known))
    if strangers:
        text = f"The target “{target}” holds the class “{strangers[0]}”, which the model does not know."
        raise Invalid("unknown_class", text, "/target")
    place = {label: number for number, label in enumerate(known)}
    return np.array([place[str(label)] for label in labels], dtype=np.float64)


def _positive(classes: tuple[str, ...], wanted: Scalar | None) -> int | None:
    if len(classes) != 2:
        return None
    if wanted is None:
        return 1
    if str(wanted) not in classes:
        text = f"The positive class “{wanted}” does not occur. {nearest(str(wanted), classes)}"
        raise Invalid("unknown_class", text, "/positive")
    return classes.index(str(wanted))


def make_judge(spec: Judged, answers: Answers) -> Judge:
    """What judges predictions for the rows of `answers`."""
    return Judge(
        task=spec.task,
        names=spec.chosen_metrics,
        main=spec.main,
        truth=answers.truth,
        positive=answers.positive,
        threshold=spec.threshold,
        candidates=candidates(answers.frame, spec.ranking) if spec.ranking else None,
    )


def judged_columns(spec: Judged | MonitoringSpec) -> list[str]:
    """The columns that judging needs beyond the features."""
    return [
        *([spec.target] if spec.target else []),
        *(cut.column for cut in spec.slices),
        *(cut.column for cut in getattr(spec, "segments", ())),
        *(spec.baseline.columns if spec.baseline else ()),
        *(spec.ranking.columns if spec.ranking else ()),
    ]


def baseline_scores(baseline: Baseline | None, train: Answers | None, test: Answers) -> Floats | None:
    """What the baseline answers for the rows of `test`.

    `train` is needed for the kinds that learn from it. A group or value that is missing gets the mean.
    """
    if baseline is None:
        return None
    if baseline.kind == "column":
        values = as_numbers(test.frame[baseline.columns[0]], where="/baseline/columns/0")
        return np.where(np.isfinite(values), values, np.nanmean(values) if np.isfinite(values).any() else 0.0)
    if train is None:
        raise Invalid(
            "baseline_needs_training", "There are no training rows to learn a baseline from.", "/baseline"
        )
    if len(train.classes) > 2:
        if baseline.kind == "group_mean":
            raise Invalid(
                "baseline_not_for_task", "“group_mean” needs two classes or a number.", "/baseline/kind"
            )
        shares = np.bincount(train.truth.astype(int), minlength=len(train.classes)) / train.truth.size
        return np.tile(shares, (test.truth.size, 1))
    truth = train.truth if train.positive is None else (train.truth == train.positive).astype(float)
    mean = float(truth.mean())
    if baseline.kind == "constant":
        return np.full(test.truth.size, mean)
    return _group_means(list(baseline.columns), train.frame, truth, test.frame, mean)


def _group_means(
    columns: list[str], train: pd.DataFrame, truth: Floats, test: pd.DataFrame, fallback: float
) -> Floats:
    def keys(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
        return list(zip(*(as_texts(frame[name]) for name in columns), strict=True))

    means = pd.Series(truth).groupby(pd.Index(keys(train), tupleize_cols=False)).mean().to_dict()
    return np.array([means.get(key, fallback) for key in keys(test)], dtype=np.float64)
