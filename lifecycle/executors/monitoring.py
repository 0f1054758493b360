"""The monitoring executor: a current window of data held against a reference window."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lifecycle.executors.datasets import Dataset, check_rows, read
from lifecycle.executors.drift import categorical_drift, numeric_drift
from lifecycle.executors.environment import code_version
from lifecycle.executors.evaluation import ModelLoader, refuse_other_task
from lifecycle.executors.findings import (
    Finding,
    feature_findings,
    overall_findings,
    segment_findings,
    window_findings,
)
from lifecycle.executors.fitted import Model
from lifecycle.executors.judging import by_slice, check_limits, compare
from lifecycle.executors.monitoring_specs import MonitoringSpec
from lifecycle.executors.progress import Progress, quiet
from lifecycle.executors.records import to_plain
from lifecycle.executors.segments import watch_segments
from lifecycle.executors.specs import EvaluationSpec, Slice, spec_digest
from lifecycle.executors.targets import baseline_scores, judged_columns, make_judge, read_answers
from lifecycle.executors.training import THREADS
from lifecycle.executors.watching import drift_record, watch_feature, watch_predictions
from lifecycle.executors.windows import Cut, cut_window

Verdict = Literal["ok", "warning", "drift", "empty", "too_few", "late"]


@dataclass(frozen=True)
class MonitoringResult:
    """What a monitoring run leaves. A window that cannot be scored has its state as verdict."""

    verdict: Verdict
    window: dict[str, Any]
    findings: list[Finding]
    share_drifted: float | None
    features: dict[str, dict[str, Any]]
    segments: dict[str, dict[str, Any]]
    prediction: dict[str, Any] | None
    target: dict[str, Any] | None
    metrics: dict[str, float | None]
    metrics_reference: dict[str, float | None]
    slices: dict[str, dict[str, Any]]
    limits: list[dict[str, Any]]
    main_metric: str | None
    model_sha256: str | None
    reference: dict[str, Any]
    current: dict[str, Any]
    rows: dict[str, int]
    binning: str
    seeds: dict[str, int]
    code: dict[str, str | None]
    spec_sha256: str
    duration_s: float

    def to_record(self) -> dict[str, Any]:
        """The result as JSON-able values; undefined numbers are None."""
        record: dict[str, Any] = to_plain(self)
        return record


@dataclass(frozen=True)
class _Scored:
    """A window with the answers that the model gives for its rows (none without a model)."""

    frame: pd.DataFrame
    answers: NDArray[np.float64] | None


@dataclass(frozen=True)
class _Performance:
    main: str | None
    current: dict[str, float | None]
    reference: dict[str, float | None]
    slices: dict[str, dict[str, Any]]
    target: dict[str, Any] | None
    limits: list[dict[str, Any]]
    labelled: int


@dataclass(frozen=True)
class _Watched:
    """All that was measured of a window; nothing of one that cannot be scored."""

    features: dict[str, dict[str, Any]]
    segments: dict[str, dict[str, Any]]
    prediction: dict[str, Any] | None
    performance: _Performance

    @property
    def drifted(self) -> list[str]:
        return [name for name, found in self.features.items() if found["verdict"] == "drift"]


_NOTHING = _Watched({}, {}, None, _Performance(None, {}, {}, {}, None, [], 0))


def monitor(
    spec: MonitoringSpec, *, root: Path, model_loader: ModelLoader | None = None, progress: Progress = quiet
) -> MonitoringResult:
    """Data quality, drift of features and predictions, and performance where labels exist.

    The verdict is `drift` when the share of drifted features reaches its limit in the whole window or in a
    segment, when predictions drifted or when a metric breaks its limit; `warning` when anything else was
    found; and `empty`, `too_few` or `late` when the window cannot be scored. Raises Invalid for input that
    cannot be used, ExecutorError (with the step) for what fails later.
    """
    started = time.monotonic()
    with threadpool_limits(limits=THREADS):
        progress("load model", 0.05)
        model = _model(spec, model_loader)
        progress("read data", 0.1)
        reference, cut = _windows(spec, model, root)
        scored = cut.state == "scored"
        watched = _watch(spec, model, reference, cut.dataset, progress) if scored else _NOTHING
    findings = _findings(spec, cut, watched)
    progress("done", 1.0)
    performance = watched.performance
    return MonitoringResult(
        verdict=_verdict(findings) if cut.state == "scored" else cut.state,
        window=cut.record,
        findings=findings,
        share_drifted=len(watched.drifted) / len(watched.features) if watched.features else None,
        features=watched.features,
        segments=watched.segments,
        prediction=watched.prediction,
        target=performance.target,
        metrics=performance.current,
        metrics_reference=performance.reference,
        slices=performance.slices,
        limits=performance.limits,
        main_metric=performance.main,
        model_sha256=spec.model_sha256,
        reference=reference.to_record(),
        current=cut.dataset.to_record(),
        rows={
            "reference": len(reference.frame),
            "current": len(cut.dataset.frame),
            "labelled": performance.labelled,
        },
        binning=spec.binning,
        seeds={"bootstrap": spec.seed},
        code=code_version(),
        spec_sha256=spec_digest(spec),
        duration_s=time.monotonic() - started,
    )


def _watch(
    spec: MonitoringSpec, model: Model | None, reference: Dataset, current: Dataset, progress: Progress
) -> _Watched:
    progress("measure drift", 0.3)
    features = {name: watch_feature(spec, name, reference.frame, current.frame) for name in spec.features.all}
    progress("measure predictions", 0.5)
    before, now = _scored(reference, model), _scored(current, model)
    prediction = _prediction(spec, model, before, now)
    progress("measure segments", 0.6)
    classes = model.classes if model else ()
    segments = watch_segments(spec, before.frame, now.frame, (before.answers, now.answers), classes)
    progress("measure performance", 0.75)
    return _Watched(features, segments, prediction, _performance(spec, model, before, now))


def _findings(spec: MonitoringSpec, cut: Cut, watched: _Watched) -> list[Finding]:
    if cut.state != "scored":
        return window_findings(cut.record)
    by_feature = (
        finding
        for name, found in watched.features.items()
        for finding in feature_findings(name, found, spec.limits)
    )
    return [
        *by_feature,
        *segment_findings(watched.segments, spec.limits),
        *overall_findings(
            spec.limits,
            watched.drifted,
            len(watched.features),
            watched.prediction,
            watched.performance.limits,
        ),
    ]


def _model(spec: MonitoringSpec, loader: ModelLoader | None) -> Model | None:
    if spec.model_sha256 is None or loader is None:
        return None
    model = loader(spec.model_sha256)
    refuse_other_task(model, spec.task)
    return model


def _windows(spec: MonitoringSpec, model: Model | None, root: Path) -> tuple[Dataset, Cut]:
    inputs = [*spec.features.all, *(model.features.all if model else ())]
    columns = list(dict.fromkeys([*inputs, *judged_columns(spec)]))
    reference = read(spec.reference, root=root, columns=columns, where="/reference")
    timed = [spec.window.column] if spec.window else []
    current = read(spec.current, root=root, columns=dict.fromkeys([*columns, *timed]), where="/current")
    check_rows(reference, "/reference")
    return reference, cut_window(spec, current)


def _scored(window: Dataset, model: Model | None) -> _Scored:
    return _Scored(window.frame, model.score(window.frame) if model else None)


def _prediction(
    spec: MonitoringSpec, model: Model | None, reference: _Scored, current: _Scored
) -> dict[str, Any] | None:
    before, now = reference.answers, current.answers
    if model is None or before is None or now is None:
        return None
    return watch_predictions(spec, model.classes, before, now)


def _performance(
    spec: MonitoringSpec, model: Model | None, reference: _Scored, current: _Scored
) -> _Performance:
    labelled = spec.target is not None and bool(current.frame[spec.target].notna().any())
    if model is None or spec.target is None or spec.task is None or not labelled:
        return _Performance(None, {}, {}, {}, None, check_limits(spec.limits.metrics, {}, {}), 0)
    asked = EvaluationSpec(
        data=spec.current,
        target=spec.target,
        task=spec.task,
        threshold=spec.threshold,
        metrics=spec.metrics,
        slices=spec.slices,
        min_slice_rows=spec.min_slice_rows,
        baseline=spec.baseline,
        ranking=spec.ranking,
        seed=spec.seed,
        model_sha256=spec.model_sha256 or "",
    )
    values, slices, truth = _measured(asked, model, current, spec.slices)
    before: dict[str, float | None] = {}
    target = None
    if reference.frame[spec.target].notna().any():
        before, _, known = _measured(asked, model, reference, ())
        target = _target_drift(known, truth, model)
    limits = check_limits(spec.limits.metrics, values, slices)
    return _Performance(asked.main, values, before, slices, target, limits, int(truth.size))


def _measured(
    spec: EvaluationSpec, model: Model, window: _Scored, slices: Iterable[Slice]
) -> tuple[dict[str, float | None], dict[str, dict[str, Any]], NDArray[np.float64]]:
    positive = model.classes[model.positive] if model.positive is not None else None
    answers = read_answers(
        window.frame, spec.target, spec.task, positive=positive, classes=model.classes or None
    )
    judge, floor = make_judge(spec, answers), baseline_scores(spec.baseline, None, answers)
    given = window.answers if window.answers is not None else model.score(window.frame)
    prediction = given[window.frame[spec.target].notna().to_numpy(dtype=bool)]
    values, _ = compare(judge, prediction, floor)
    cut = by_slice(judge, prediction, floor, answers.frame, slices, seed=spec.seed, least=spec.min_slice_rows)
    return values, cut, answers.truth


def _target_drift(before: NDArray[np.float64], now: NDArray[np.float64], model: Model) -> dict[str, Any]:
    """How the true answers themselves moved: numbers, or the shares of the classes."""
    if not model.classes:
        means = {"reference_mean": float(before.mean()), "current_mean": float(now.mean())}
        return {**drift_record(numeric_drift(before, now)), **means}
    names = np.array(model.classes, dtype=object)
    return drift_record(categorical_drift(names[before.astype(int)], names[now.astype(int)]))


def _verdict(findings: list[Finding]) -> Verdict:
    if any(finding.severity == "drift" and finding.decides for finding in findings):
        return "drift"
    return "warning" if findings else "ok"
