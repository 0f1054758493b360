"""The training executor: a specification and a file in, a measured and stored model out."""

import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lifecycle.executors.columns import as_numbers, feature_frame, refuse_empty_features
from lifecycle.executors.datasets import Dataset, check_rows, read
from lifecycle.executors.environment import code_version
from lifecycle.executors.errors import Invalid, naming_the_step
from lifecycle.executors.fitted import Model, build_pipeline
from lifecycle.executors.gains import gain
from lifecycle.executors.judging import LEVEL, RESAMPLES, Judge, by_slice, compare
from lifecycle.executors.progress import Progress, quiet
from lifecycle.executors.records import to_plain
from lifecycle.executors.specs import RandomSplit, TimeSplit, TrainingSpec, spec_digest
from lifecycle.executors.targets import Answers, baseline_scores, judged_columns, make_judge, read_answers

THREADS = 1
"""One thread: sums are then in one order, so a model has the same bytes on a machine of any size."""
MIN_PART = 10
"""Fewest rows in the training set and in the test set."""
IMPORTANCE_ROWS = 3000
IMPORTANCE_REPEATS = 3
IMPORTANCE_KEPT = 15


@dataclass(frozen=True)
class TrainingResult:
    """What a training run leaves: everything needed to judge it and to do it again."""

    parameters: dict[str, Any]
    metrics: dict[str, float | None]
    metrics_train: dict[str, float | None]
    baseline_metrics: dict[str, float | None]
    slices: dict[str, dict[str, Any]]
    interval: dict[str, Any] | None
    importances: list[dict[str, Any]]
    main_metric: str
    features: dict[str, list[str]]
    target: str
    classes: tuple[str, ...]
    data: dict[str, Any]
    split: dict[str, Any]
    seeds: dict[str, int]
    code: dict[str, str | None]
    spec_sha256: str
    model_path: Path
    model_sha256: str
    model_bytes: int
    notes: list[str]
    duration_s: float

    def to_record(self) -> dict[str, Any]:
        """The result as JSON-able values; undefined numbers are None, the path is a file name only."""
        record: dict[str, Any] = to_plain(self)
        return record


@dataclass(frozen=True)
class _Part:
    answers: Answers
    prepared: pd.DataFrame
    judge: Judge


def train(spec: TrainingSpec, *, root: Path, workdir: Path, progress: Progress = quiet) -> TrainingResult:
    """Trains, judges and stores a model. The same specification, data and libraries give the same bytes.

    Raises Invalid for input that cannot be used, ExecutorError (with the step) for what fails later.
    The model lies in `workdir` as `<sha256>.skops`.
    """
    started = time.monotonic()
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(limits=THREADS):
        warnings.simplefilter("always")
        progress("read data", 0.05)
        dataset = read(spec.data, root=root, columns=_columns(spec))
        check_rows(dataset)
        learn, test = _parts(spec, dataset)
        progress("fit", 0.25)
        model = _fit(spec, learn)
        progress("evaluate", 0.7)
        judged = _judge(spec, model, learn, test)
        progress("explain", 0.85)
        importances = importance(model, test.judge, test.prepared, seed=spec.seed)
        progress("save model", 0.95)
        path, digest, size = model.save(workdir)
    progress("done", 1.0)
    return TrainingResult(
        parameters=_flat_parameters(spec),
        importances=importances,
        main_metric=spec.main,
        features={"numeric": list(spec.features.numeric), "categorical": list(spec.features.categorical)},
        target=spec.target,
        classes=model.classes,
        data=dataset.to_record(),
        split=_split_record(spec, learn, test, len(dataset.frame)),
        seeds=_seeds(spec),
        code=code_version(),
        spec_sha256=spec_digest(spec),
        model_path=path,
        model_sha256=digest,
        model_bytes=size,
        notes=_notes(caught),
        duration_s=time.monotonic() - started,
        **judged,
    )


def _columns(spec: TrainingSpec) -> list[str]:
    at = [spec.split.column] if isinstance(spec.split, TimeSplit) else []
    return list(dict.fromkeys([*spec.features.all, *judged_columns(spec), *at]))


def _parts(spec: TrainingSpec, dataset: Dataset) -> tuple[_Part, _Part]:
    answers = read_answers(dataset.frame, spec.target, spec.task, positive=spec.positive)
    refuse_empty_features(answers.frame, spec.features)
    prepared = feature_frame(answers.frame, spec.features)
    in_test = split_rows(spec, answers.frame)
    for name, rows in (("training", ~in_test), ("test", in_test)):
        if rows.sum() < MIN_PART:
            text = (
                f"The split leaves {int(rows.sum())} rows for the {name} set; at least {MIN_PART} are needed."
            )
            raise Invalid("split_too_small", text, "/split")
    if spec.task == "classification" and np.unique(answers.truth[~in_test]).size < len(answers.classes):
        missing = set(range(len(answers.classes))) - {
            int(item) for item in np.unique(answers.truth[~in_test])
        }
        text = f"The training set has no row of the class “{answers.classes[min(missing)]}”."
        raise Invalid("one_class", text, "/split")
    return _part(spec, answers, prepared, ~in_test), _part(spec, answers, prepared, in_test)


def _part(spec: TrainingSpec, answers: Answers, prepared: pd.DataFrame, rows: NDArray[np.bool_]) -> _Part:
    kept = Answers(
        frame=answers.frame.loc[rows].reset_index(drop=True),
        truth=answers.truth[rows],
        classes=answers.classes,
        positive=answers.positive,
        unlabelled=answers.unlabelled,
    )
    return _Part(kept, prepared.loc[rows].reset_index(drop=True), make_judge(spec, kept))


def split_rows(spec: TrainingSpec, frame: pd.DataFrame) -> NDArray[np.bool_]:
    """True for the rows of the test set; raises Invalid when the split column cannot be ordered."""
    if isinstance(spec.split, TimeSplit):
        return _split_by_time(spec.split, frame)
    rng = np.random.default_rng(spec.split.seed)
    if spec.ranking:  # a group must not be half in the training set: its rows share what is learned
        group = frame.groupby(list(spec.ranking.group), dropna=False, observed=True).ngroup().to_numpy()
        drawn = rng.random(int(group.max()) + 1) < spec.split.test_share
        return np.asarray(drawn[group], dtype=bool)
    test = np.zeros(len(frame), dtype=bool)
    test[rng.permutation(len(frame))[: round(len(frame) * spec.split.test_share)]] = True
    return test


def _split_by_time(split: TimeSplit, frame: pd.DataFrame) -> NDArray[np.bool_]:
    column = frame[split.column]
    if pd.api.types.is_numeric_dtype(column):
        if isinstance(split.at, str):
            raise Invalid("bad_split", f"“{split.column}” holds numbers, but “at” is a text.", "/split/at")
        numbers = as_numbers(column, where="/split/column")
        _refuse_gaps(np.isnan(numbers), split.column)
        return np.asarray(numbers >= split.at, dtype=bool)
    try:
        times, at = pd.to_datetime(column), pd.Timestamp(split.at)
        later = times >= at
    except (ValueError, TypeError) as error:
        text = f"“{split.column}” and “at” ({split.at!r}) must both be dates: {error}"
        raise Invalid("bad_split", text, "/split") from error
    _refuse_gaps(times.isna().to_numpy(dtype=bool), split.column)
    return later.to_numpy(dtype=bool)


def _refuse_gaps(missing: NDArray[np.bool_], column: str) -> None:
    if missing.any():
        text = f"“{column}” is missing in {int(missing.sum())} rows, which then belong to neither set."
        raise Invalid("bad_split", text, "/split/column")


def _fit(spec: TrainingSpec, learn: _Part) -> Model:
    pipeline = build_pipeline(spec.pipeline, spec.features, spec.task, spec.seed)
    classes = spec.task == "classification"
    truth = learn.answers.truth.astype(np.int64) if classes else learn.answers.truth
    with naming_the_step("fit"):
        pipeline.fit(learn.prepared, truth)
    return Model(
        pipeline, spec.features, spec.task, spec.target, learn.answers.classes, learn.answers.positive
    )


def _judge(spec: TrainingSpec, model: Model, learn: _Part, test: _Part) -> dict[str, Any]:
    prediction = model.score_prepared(test.prepared)
    floor = baseline_scores(spec.baseline, learn.answers, test.answers)
    with naming_the_step("evaluate"):
        values, below = compare(test.judge, prediction, floor)
        return {
            "metrics": values,
            "baseline_metrics": below,
            "metrics_train": learn.judge.measure(model.score_prepared(learn.prepared)),
            "slices": by_slice(
                test.judge,
                prediction,
                floor,
                test.answers.frame,
                spec.slices,
                seed=spec.seed,
                least=spec.min_slice_rows,
            ),
            "interval": interval_record(test.judge, prediction, seed=spec.seed),
        }


def interval_record(judge: Judge, prediction: NDArray[np.float64], *, seed: int) -> dict[str, Any] | None:
    """The interval of the main metric and how it was made; None when it is not defined."""
    found = judge.interval(prediction, seed=seed)
    if found is None:
        return None
    method = "percentile bootstrap (Efron 1979)"
    return {
        "metric": judge.main,
        "level": LEVEL,
        "method": method,
        "resamples": RESAMPLES,
        "seed": seed,
        **found,
    }


def importance(model: Model, judge: Judge, prepared: pd.DataFrame, *, seed: int) -> list[dict[str, Any]]:
    """By how much the main metric worsens when a feature is shuffled (Breiman 2001), largest first.

    Measured on at most 3,000 rows of the test set (whole groups of a ranking), three times.
    """
    rng = np.random.default_rng(seed)
    rows = _sample(judge, rng)
    part, sample = judge.of(rows), prepared.loc[rows].reset_index(drop=True)
    base = part.measure(model.score_prepared(sample), [judge.main])[judge.main]
    found: list[dict[str, Any]] = []
    for name in model.features.all:
        drops = []
        for _ in range(IMPORTANCE_REPEATS):
            shuffled = sample.assign(**{name: sample[name].to_numpy()[rng.permutation(len(sample))]})
            value = part.measure(model.score_prepared(shuffled), [judge.main])[judge.main]
            worse = gain(judge.main, base, value)
            if worse is not None:
                drops.append(worse)
        if drops:
            found.append({"feature": name, "mean": float(np.mean(drops)), "std": float(np.std(drops))})
    return sorted(found, key=lambda item: -item["mean"])[:IMPORTANCE_KEPT]


def _sample(judge: Judge, rng: np.random.Generator) -> NDArray[np.bool_]:
    if judge.truth.size <= IMPORTANCE_ROWS:
        return np.ones(judge.truth.size, dtype=bool)
    if judge.candidates is None:
        rows = np.zeros(judge.truth.size, dtype=bool)
        rows[rng.choice(judge.truth.size, IMPORTANCE_ROWS, replace=False)] = True
        return rows
    groups, sizes = np.unique(judge.candidates.group, return_counts=True)
    order = rng.permutation(groups.size)
    fit = np.cumsum(sizes[order]) <= IMPORTANCE_ROWS
    return np.isin(judge.candidates.group, groups[order[fit]])


def _flat_parameters(spec: TrainingSpec) -> dict[str, Any]:
    pipeline = spec.pipeline.model_dump(mode="json", exclude={"params"})
    flat = {"task": spec.task, "target": spec.target, "threshold": spec.threshold}
    if spec.ranking:
        flat |= {f"ranking.{key}": value for key, value in spec.ranking.model_dump(mode="json").items()}
    return flat | pipeline | {f"params.{key}": value for key, value in spec.pipeline.params.items()}


def _seeds(spec: TrainingSpec) -> dict[str, int]:
    split = {"split": spec.split.seed} if isinstance(spec.split, RandomSplit) else {}
    return {"estimator": spec.seed, "bootstrap": spec.seed, "importance": spec.seed, **split}


def _split_record(spec: TrainingSpec, learn: _Part, test: _Part, rows: int) -> dict[str, Any]:
    return {
        **spec.split.model_dump(mode="json"),
        "rows": rows,
        "train_rows": int(learn.answers.truth.size),
        "test_rows": int(test.answers.truth.size),
        "unlabelled_rows": learn.answers.unlabelled,
    }


def _notes(caught: list[warnings.WarningMessage]) -> list[str]:
    lines = (f"{item.category.__name__}: {str(item.message).strip().splitlines()[0]}" for item in caught)
    return list(dict.fromkeys(lines))[:20]
