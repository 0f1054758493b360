"""The evaluation executor: a stored model judged on data that it has not seen."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from threadpoolctl import threadpool_limits

from lifecycle.executors.columns import feature_frame
from lifecycle.executors.datasets import check_rows, read
from lifecycle.executors.environment import code_version
from lifecycle.executors.errors import Invalid
from lifecycle.executors.fitted import Model
from lifecycle.executors.importances import importance
from lifecycle.executors.judging import Judge, Values, by_slice, check_limits, compare
from lifecycle.executors.parts import Part
from lifecycle.executors.progress import Progress, quiet
from lifecycle.executors.quality import Facts, Quality, measure_stored
from lifecycle.executors.records import to_plain
from lifecycle.executors.repeats import halves
from lifecycle.executors.specs import EvaluationSpec, spec_digest
from lifecycle.executors.targets import Answers, baseline_scores, judged_columns, make_judge, read_answers
from lifecycle.executors.training import THREADS, interval_record

ModelLoader = Callable[[str], Model]
"""Gives the model of a SHA-256, its digest proven."""


@dataclass(frozen=True)
class EvaluationResult:
    """What an evaluation run leaves."""

    verdict: Literal["met", "not met", "not judged"]
    metrics: dict[str, float | None]
    baseline_metrics: dict[str, float | None]
    slices: dict[str, dict[str, Any]]
    interval: dict[str, Any] | None
    limits: list[dict[str, Any]]
    importances: list[dict[str, Any]]
    quality: dict[str, dict[str, Any]]
    quality_metrics: dict[str, float | None]
    main_metric: str
    target: str
    model_sha256: str
    data: dict[str, Any]
    rows: dict[str, int]
    seeds: dict[str, int]
    code: dict[str, str | None]
    spec_sha256: str
    duration_s: float

    def to_record(self) -> dict[str, Any]:
        """The result as JSON-able values; undefined numbers are None."""
        record: dict[str, Any] = to_plain(self)
        return record


def evaluate(
    spec: EvaluationSpec, *, root: Path, model_loader: ModelLoader, progress: Progress = quiet
) -> EvaluationResult:
    """Judges the model `spec.model_sha256` on `spec.data`, overall and by slice.

    Raises Invalid for input that cannot be used, ExecutorError (with the step) for what fails later.
    """
    started = time.monotonic()
    progress("load model", 0.05)
    model = model_loader(spec.model_sha256)
    refuse_other_task(model, spec.task)
    with threadpool_limits(limits=THREADS):
        progress("read data", 0.1)
        period = [spec.robustness.period] if spec.robustness and spec.robustness.period else []
        columns = list(dict.fromkeys([*model.features.all, *judged_columns(spec), *period]))
        dataset = read(spec.data, root=root, columns=columns)
        check_rows(dataset)
        answers = read_answers(
            dataset.frame, spec.target, spec.task, positive=spec.positive, classes=model.classes or None
        )
        progress("evaluate", 0.4)
        judge, floor = make_judge(spec, answers), baseline_scores(spec.baseline, None, answers)
        prediction = model.score(answers.frame)
        values, below = compare(judge, prediction, floor)
        slices = by_slice(
            judge, prediction, floor, answers.frame, spec.slices, seed=spec.seed, least=spec.min_slice_rows
        )
        limits = check_limits(spec.limits, values, slices)
        interval = interval_record(judge, prediction, seed=spec.seed)
        importances, measured = _quality(spec, model, answers, judge, values, below, interval, progress)
    progress("done", 1.0)
    return EvaluationResult(
        verdict="not judged" if not limits else "met" if all(item["holds"] for item in limits) else "not met",
        metrics=values,
        baseline_metrics=below,
        slices=slices,
        interval=interval,
        limits=limits,
        importances=importances,
        quality=measured.by_measure,
        quality_metrics=measured.flat,
        main_metric=spec.main,
        target=spec.target,
        model_sha256=spec.model_sha256,
        data=dataset.to_record(),
        rows={"judged": int(answers.truth.size), "unlabelled": answers.unlabelled},
        seeds={"bootstrap": spec.seed},
        code=code_version(),
        spec_sha256=spec_digest(spec),
        duration_s=time.monotonic() - started,
    )


def _quality(
    spec: EvaluationSpec,
    model: Model,
    answers: Answers,
    judge: Judge,
    values: Values,
    below: Values,
    interval: dict[str, Any] | None,
    progress: Progress,
) -> tuple[list[dict[str, Any]], Quality]:
    """Importance of the features and the quality measures; nothing where robustness was not asked for."""
    if spec.robustness is None:
        return [], Quality({}, {})
    progress("explain", 0.6)
    part = Part(answers, feature_frame(answers.frame, model.features), judge)
    found = importance(model, judge, part.prepared, seed=spec.seed)
    progress("measure quality", 0.8)
    column = spec.robustness.period
    facts = Facts(
        metrics=values, baseline=below, interval=interval, importances=found, size=0,
        period=halves(part, model, column, spec.main) if column else None,
    )  # fmt: skip
    return found, measure_stored(model, part, spec, facts)


def refuse_other_task(model: Model, task: str | None) -> None:
    """Raises Invalid when the model answers another kind of question than the one asked."""
    if task is not None and (model.task == "classification") != (task == "classification"):
        raise Invalid(
            "model_of_other_task", f"The model was trained for {model.task}, not for {task}.", "/task"
        )
