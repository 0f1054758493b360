"""The doors for specifications: plain data in, a checked specification out, or `Invalid` with the place."""

import difflib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lifecycle.executors.errors import Invalid, nearest
from lifecycle.executors.estimators import ESTIMATORS, check_estimator
from lifecycle.executors.monitoring_specs import DriftLimits, MonitoringSpec, Window
from lifecycle.executors.plan_specs import PlanSpec, first_start, windows
from lifecycle.executors.specs import (
    Baseline,
    DataRef,
    EvaluationSpec,
    Features,
    Judged,
    Part,
    PipelineSpec,
    RandomSplit,
    Ranking,
    Slice,
    TimeSplit,
    TrainingSpec,
    known_metrics,
)
from lifecycle.executors.validation_specs import ValidationSpec
from lifecycle.shapes import fault_words

Spec = TypeVar("Spec", bound=Part)


def _parse(kind: type[Spec], data: Mapping[str, Any]) -> Spec:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "/" + "/".join(str(step) for step in first["loc"] if step not in ("time", "random"))
        text = fault_words(first)
        if first["type"] == "extra_forbidden":
            text = f"“{first['loc'][-1]}” is not a known key here. {_near_key(kind, str(first['loc'][-1]))}"
        more = error.error_count() - 1
        also = f" ({more} more fault{'s' if more > 1 else ''})" if more else ""
        raise Invalid("bad_specification", f"{where}: {text.strip()}{also}", where) from error


def _near_key(kind: type[BaseModel], key: str) -> str:
    parts = (
        kind,
        DataRef,
        Features,
        TimeSplit,
        RandomSplit,
        PipelineSpec,
        Slice,
        Ranking,
        Baseline,
        DriftLimits,
        Window,
        PlanSpec,
    )
    names = {name for part in parts for name in part.model_fields}
    close = difflib.get_close_matches(key, sorted(names), n=1)
    return f"Did you mean “{close[0]}”?" if close else ""


def _check_metrics(names: tuple[str, ...], known: tuple[str, ...], task: str, where: str) -> None:
    for position, name in enumerate(names):
        if name not in known:
            raise Invalid(
                "unknown_metric",
                f"“{name}” is not a metric of {task}. {nearest(name, known)}",
                f"{where}/{position}",
            )


def _check_judged(spec: Judged) -> None:
    _check_metrics(spec.metrics, spec.known_metrics, spec.task, "/metrics")
    if spec.main_metric and spec.main_metric not in spec.known_metrics:
        hint = nearest(spec.main_metric, spec.known_metrics)
        text = f"“{spec.main_metric}” is not a metric of {spec.task}. {hint}"
        raise Invalid("unknown_metric", text, "/main_metric")


def parse_training(data: Mapping[str, Any]) -> TrainingSpec:
    """A checked training specification; raises Invalid naming what is wrong and where."""
    spec = _parse(TrainingSpec, data)
    check_estimator(spec.pipeline.estimator, spec.pipeline.params, spec.task)
    if spec.pipeline.impute == "none" and not ESTIMATORS[spec.pipeline.estimator].takes_missing:
        text = f"“{spec.pipeline.estimator}” cannot take missing values: choose median or mean."
        raise Invalid("impute_needed", text, "/pipeline/impute")
    if spec.baseline and spec.baseline.pipeline:
        simple = spec.baseline.pipeline
        check_estimator(simple.estimator, simple.params, spec.task, where="/baseline/pipeline")
    if spec.target in spec.features.all:
        raise Invalid("target_leaks", f"The target “{spec.target}” is also a feature.", "/features")
    _check_judged(spec)
    return spec


def parse_evaluation(data: Mapping[str, Any]) -> EvaluationSpec:
    """A checked evaluation specification; raises Invalid."""
    spec = _parse(EvaluationSpec, data)
    _check_judged(spec)
    if spec.baseline and spec.baseline.kind != "column":
        text = "An evaluation has no training rows to learn a baseline from: use the kind “column”."
        raise Invalid("baseline_needs_training", text, "/baseline/kind")
    return spec


def parse_monitoring(data: Mapping[str, Any]) -> MonitoringSpec:
    """A checked monitoring specification; raises Invalid."""
    spec = _parse(MonitoringSpec, data)
    if spec.task:
        _check_metrics(spec.metrics, known_metrics(spec.task, spec.ranking), spec.task, "/metrics")
    if spec.baseline and spec.baseline.kind != "column":
        text = "Monitoring has no training rows to learn a baseline from: use the kind “column”."
        raise Invalid("baseline_needs_training", text, "/baseline/kind")
    return spec


def parse_plan(data: Mapping[str, Any]) -> PlanSpec:
    """A checked plan, the specification of its runs included; raises Invalid."""
    plan = _parse(PlanSpec, data)
    start = first_start(plan.every, plan.starts)
    end = next(windows(plan.every, start, start + timedelta(days=32)))[1]
    reference = plan.reference or plan.source
    parse_monitoring(plan.run_spec(start, end, "all", "0" * 64, reference))
    return plan


def parse_data(data: Mapping[str, Any]) -> DataRef:
    """A checked reference to data; raises Invalid."""
    return _parse(DataRef, data)


def parse_validation(data: Mapping[str, Any]) -> ValidationSpec:
    """A checked data-validation specification; raises Invalid."""
    return _parse(ValidationSpec, data)
