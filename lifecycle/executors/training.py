"""The training executor: a specification and a file in, a measured and stored model out."""

import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lifecycle.executors.columns import feature_frame, refuse_empty_features
from lifecycle.executors.datasets import Dataset, check_rows, read
from lifecycle.executors.environment import code_version
from lifecycle.executors.errors import Invalid, naming_the_step
from lifecycle.executors.fitted import Model
from lifecycle.executors.importances import importance
from lifecycle.executors.judging import LEVEL, RESAMPLES, Judge, by_slice, compare
from lifecycle.executors.parts import Part, fit, make_part
from lifecycle.executors.progress import Progress, quiet
from lifecycle.executors.quality import Facts, measure
from lifecycle.executors.records import to_plain
from lifecycle.executors.repeats import period_shift, repeat
from lifecycle.executors.specs import RandomSplit, TimeSplit, TrainingSpec, spec_digest
from lifecycle.executors.splits import split_rows
from lifecycle.executors.targets import baseline_scores, judged_columns, read_answers

THREADS = 1
"""One thread: sums are then in one order, so a model has the same bytes on a machine of any size."""
MIN_PART = 10
"""Fewest rows in the training set and in the test set."""


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
    quality: dict[str, dict[str, Any]]
    quality_metrics: dict[str, float | None]
    seed_study: dict[str, Any] | None
    cross_validation: dict[str, Any] | None
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
        fit_started = time.monotonic()
        model = fit(spec, learn)
        fit_seconds = time.monotonic() - fit_started
        progress("evaluate", 0.45)
        judged = _judge(spec, model, learn, test)
        progress("explain", 0.5)
        importances = importance(model, test.judge, test.prepared, seed=spec.seed)
        progress("save model", 0.55)
        path, digest, size = model.save(workdir)
        repeated = repeat(spec, learn, test, judged["metrics"][spec.main], _within(progress, 0.6, 0.85))
        progress("measure quality", 0.87)
        period = period_shift(spec, learn, test, model)
        measured = measure(model, test, spec.study, spec.seed, Facts(
            metrics=judged["metrics"], metrics_train=judged["metrics_train"], interval=judged["interval"],
            baseline=judged["baseline_metrics"], importances=importances, period=period,
            size=size, fit_seconds=fit_seconds, train_rows=int(learn.answers.truth.size), repeated=repeated,
        ))  # fmt: skip
    progress("done", 1.0)
    return TrainingResult(
        parameters=_flat_parameters(spec),
        importances=importances,
        quality=measured.by_measure,
        quality_metrics=measured.flat,
        seed_study=repeated.seeds,
        cross_validation=repeated.folds,
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
    at += [spec.study.robustness.period] if spec.study.robustness.period else []
    return list(dict.fromkeys([*spec.features.all, *judged_columns(spec), *at]))


def _parts(spec: TrainingSpec, dataset: Dataset) -> tuple[Part, Part]:
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
    return make_part(spec, answers, prepared, ~in_test), make_part(spec, answers, prepared, in_test)


def _judge(spec: TrainingSpec, model: Model, learn: Part, test: Part) -> dict[str, Any]:
    prediction = model.score_prepared(test.prepared)
    floor = _baseline(spec, learn, test)
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


def _baseline(spec: TrainingSpec, learn: Part, test: Part) -> NDArray[np.float64] | None:
    """What the baseline answers for the test rows; a simple pipeline is trained on the same rows first."""
    if spec.baseline is None or spec.baseline.pipeline is None:
        return baseline_scores(spec.baseline, learn.answers, test.answers)
    return fit(spec, learn, pipeline=spec.baseline.pipeline).score_prepared(test.prepared)


def _within(progress: Progress, low: float, high: float) -> Progress:
    """The progress of a part of the run, as progress of the whole."""
    return lambda step, share: progress(step, low + (high - low) * share)


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


def _flat_parameters(spec: TrainingSpec) -> dict[str, Any]:
    pipeline = spec.pipeline.model_dump(mode="json", exclude={"params"})
    flat = {"task": spec.task, "target": spec.target, "threshold": spec.threshold}
    if spec.ranking:
        flat |= {f"ranking.{key}": value for key, value in spec.ranking.model_dump(mode="json").items()}
    return flat | pipeline | {f"params.{key}": value for key, value in spec.pipeline.params.items()}


def _seeds(spec: TrainingSpec) -> dict[str, int]:
    split = {"split": spec.split.seed} if isinstance(spec.split, RandomSplit) else {}
    return {"estimator": spec.seed, "bootstrap": spec.seed, "importance": spec.seed, **split}


def _split_record(spec: TrainingSpec, learn: Part, test: Part, rows: int) -> dict[str, Any]:
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
