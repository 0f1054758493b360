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

from lifecycle.executors.columns import MISSING, as_texts, try_numbers
from lifecycle.executors.datasets import Dataset, check_rows, read
from lifecycle.executors.drift import Drift, categorical_drift, numeric_drift
from lifecycle.executors.environment import code_version
from lifecycle.executors.evaluation import ModelLoader, refuse_other_task
from lifecycle.executors.findings import Finding, feature_findings, overall_findings
from lifecycle.executors.fitted import Model
from lifecycle.executors.judging import by_slice, check_limits, compare
from lifecycle.executors.progress import Progress, quiet
from lifecycle.executors.records import to_plain
from lifecycle.executors.specs import EvaluationSpec, MonitoringSpec, Slice, spec_digest
from lifecycle.executors.targets import baseline_scores, judged_columns, make_judge, read_answers
from lifecycle.executors.training import THREADS

Verdict = Literal["ok", "warning", "drift"]


@dataclass(frozen=True)
class MonitoringResult:
    """What a monitoring run leaves."""

    verdict: Verdict
    findings: list[Finding]
    share_drifted: float
    features: dict[str, dict[str, Any]]
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


def monitor(
    spec: MonitoringSpec, *, root: Path, model_loader: ModelLoader | None = None, progress: Progress = quiet
) -> MonitoringResult:
    """Data quality, drift of features and predictions, and performance where labels exist.

    The verdict is `drift` when the share of drifted features reaches its limit, when predictions
    drifted or when a metric breaks its limit; `warning` when anything else was found. Raises Invalid
    for input that cannot be used, ExecutorError (with the step) for what fails later.
    """
    started = time.monotonic()
    with threadpool_limits(limits=THREADS):
        progress("load model", 0.05)
        model = _model(spec, model_loader)
        progress("read data", 0.1)
        reference, current = _windows(spec, model, root)
        progress("measure drift", 0.3)
        features = {name: _feature(spec, name, reference, current) for name in spec.features.all}
        progress("measure predictions", 0.6)
        before = _scored(reference, model)
        now = _scored(current, model)
        prediction = _prediction(spec, model, before, now)
        progress("measure performance", 0.75)
        performance = _performance(spec, model, before, now)
    drifted = [name for name, found in features.items() if found["verdict"] == "drift"]
    share = len(drifted) / len(features)
    findings = [
        *(
            finding
            for name, found in features.items()
            for finding in feature_findings(name, found, spec.limits)
        ),
        *overall_findings(spec.limits, drifted, len(features), prediction, performance.limits),
    ]
    progress("done", 1.0)
    return MonitoringResult(
        verdict=_verdict(findings),
        findings=findings,
        share_drifted=share,
        features=features,
        prediction=prediction,
        target=performance.target,
        metrics=performance.current,
        metrics_reference=performance.reference,
        slices=performance.slices,
        limits=performance.limits,
        main_metric=performance.main,
        model_sha256=spec.model_sha256,
        reference=reference.to_record(),
        current=current.to_record(),
        rows={
            "reference": len(reference.frame),
            "current": len(current.frame),
            "labelled": performance.labelled,
        },
        seeds={"bootstrap": spec.seed},
        code=code_version(),
        spec_sha256=spec_digest(spec),
        duration_s=time.monotonic() - started,
    )


def _model(spec: MonitoringSpec, loader: ModelLoader | None) -> Model | None:
    if spec.model_sha256 is None or loader is None:
        return None
    model = loader(spec.model_sha256)
    refuse_other_task(model, spec.task)
    return model


def _windows(spec: MonitoringSpec, model: Model | None, root: Path) -> tuple[Dataset, Dataset]:
    inputs = [*spec.features.all, *(model.features.all if model else ())]
    columns = list(dict.fromkeys([*inputs, *judged_columns(spec)]))
    reference = read(spec.reference, root=root, columns=columns, where="/reference")
    current = read(spec.current, root=root, columns=columns, where="/current")
    check_rows(reference, "/reference")
    check_rows(current, "/current")
    return reference, current


def _feature(spec: MonitoringSpec, name: str, reference: Dataset, current: Dataset) -> dict[str, Any]:
    before, now = reference.frame[name], current.frame[name]
    missing = {"missing_reference": float(before.isna().mean()), "missing_current": float(now.isna().mean())}
    if name in spec.features.numeric:
        found = _numeric(*try_numbers(before), *try_numbers(now))
    else:
        found = _categorical(as_texts(before), as_texts(now))
    record = {**missing, **found}
    return {**record, "verdict": _feature_verdict(record, spec)}


def _numeric(
    before: NDArray[np.float64],
    before_faults: NDArray[np.bool_],
    now: NDArray[np.float64],
    now_faults: NDArray[np.bool_],
) -> dict[str, Any]:
    del before_faults  # the reference was checked when it was trained on; what counts is the current window
    known = before[np.isfinite(before)]
    low, high = (float(known.min()), float(known.max())) if known.size else (None, None)
    outside = (now < known.min()) | (now > known.max()) if known.size else np.isfinite(now)
    return {
        "kind": "numeric",
        **_drift_record(numeric_drift(before, now)),
        "reference_range": [low, high],
        "out_of_range": int(outside.sum()),
        "out_of_range_share": float(outside.mean()),
        "type_violations": int(now_faults.sum()),
        "reference_mean": float(known.mean()) if known.size else None,
        "current_mean": _mean(now),
    }


def _mean(values: NDArray[np.float64]) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else None


def _categorical(before: NDArray[np.object_], now: NDArray[np.object_]) -> dict[str, Any]:
    known = {str(item) for item in before} | {MISSING}
    unseen = [str(item) for item in now if str(item) not in known]
    return {
        "kind": "categorical",
        **_drift_record(categorical_drift(before, now)),
        "unseen": len(unseen),
        "unseen_share": len(unseen) / max(len(now), 1),
        "unseen_categories": sorted(set(unseen))[:20],
    }


def _drift_record(drift: Drift) -> dict[str, Any]:
    record: dict[str, Any] = to_plain(drift)
    return record


def _feature_verdict(found: dict[str, Any], spec: MonitoringSpec) -> Verdict:
    limits = spec.limits
    statistic = found["statistic"] if found["kind"] == "numeric" else None
    if (
        found["psi"] >= limits.psi_drift
        or found.get("unseen_share", 0) > limits.unseen_share
        or (limits.ks_statistic is not None and statistic is not None and statistic >= limits.ks_statistic)
        or (limits.p_value is not None and found["p_value"] is not None and found["p_value"] < limits.p_value)
    ):
        return "drift"
    if (
        found["psi"] >= limits.psi_warning
        or found["missing_current"] - found["missing_reference"] > limits.missing_increase
        or found.get("out_of_range_share", 0) > limits.out_of_range_share
        or found.get("type_violations", 0)
    ):
        return "warning"
    return "ok"


def _scored(window: Dataset, model: Model | None) -> _Scored:
    return _Scored(window.frame, model.score(window.frame) if model else None)


def _prediction(
    spec: MonitoringSpec, model: Model | None, reference: _Scored, current: _Scored
) -> dict[str, Any] | None:
    before, now = reference.answers, current.answers
    if model is None or before is None or now is None:
        return None
    if before.ndim == 2:  # several classes: what moved is the mix of the answers
        labels = np.array(model.classes, dtype=object)
        drift = categorical_drift(labels[before.argmax(axis=1)], labels[now.argmax(axis=1)])
        means: dict[str, Any] = {}
    else:
        drift = numeric_drift(before, now)
        means = {"reference_mean": float(before.mean()), "current_mean": float(now.mean())}
    psi = drift.psi
    verdict = (
        "drift" if psi >= spec.limits.psi_drift else "warning" if psi >= spec.limits.psi_warning else "ok"
    )
    return {**_drift_record(drift), **means, "verdict": verdict}


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
    cut = by_slice(judge, prediction, floor, answers.frame, slices, seed=spec.seed)
    return values, cut, answers.truth


def _target_drift(before: NDArray[np.float64], now: NDArray[np.float64], model: Model) -> dict[str, Any]:
    """How the true answers themselves moved: numbers, or the shares of the classes."""
    if not model.classes:
        means = {"reference_mean": float(before.mean()), "current_mean": float(now.mean())}
        return {**_drift_record(numeric_drift(before, now)), **means}
    names = np.array(model.classes, dtype=object)
    return _drift_record(categorical_drift(names[before.astype(int)], names[now.astype(int)]))


def _verdict(findings: list[Finding]) -> Verdict:
    if any(finding.severity == "drift" and finding.decides for finding in findings):
        return "drift"
    return "warning" if findings else "ok"
