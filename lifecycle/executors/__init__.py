"""The built-in executors: real training, evaluation, monitoring and data validation.

Pure functions from a specification and files to a result that can be recorded; no database. Start
with `parse_training` and `train`. Described in docs/executors.md.

What computes is loaded when it is first asked for: scikit-learn and pandas take seconds, and web processes
and most commands only read specifications and records.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from lifecycle.executors.errors import ExecutorError, Invalid
from lifecycle.executors.monitoring_specs import MonitoringSpec
from lifecycle.executors.parsing import (
    parse_evaluation,
    parse_monitoring,
    parse_plan,
    parse_training,
    parse_validation,
)
from lifecycle.executors.plan_specs import PlanSpec
from lifecycle.executors.progress import Progress
from lifecycle.executors.specs import EvaluationSpec, TrainingSpec, spec_digest
from lifecycle.executors.validation_specs import ValidationSpec

if TYPE_CHECKING:
    from lifecycle.executors.evaluation import EvaluationResult, ModelLoader, evaluate
    from lifecycle.executors.fitted import Model, load_model
    from lifecycle.executors.monitoring import MonitoringResult, monitor
    from lifecycle.executors.training import TrainingResult, train
    from lifecycle.executors.validation import DataReport, validate_data
else:
    _WHERE = {
        "evaluation": ("EvaluationResult", "ModelLoader", "evaluate"),
        "fitted": ("Model", "load_model"),
        "monitoring": ("MonitoringResult", "monitor"),
        "training": ("TrainingResult", "train"),
        "validation": ("DataReport", "validate_data"),
    }
    _MODULES = {name: module for module, names in _WHERE.items() for name in names}

    def __getattr__(name: str) -> object:  # PEP 562
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = found
        return found


__all__ = [
    "DataReport",
    "EvaluationResult",
    "EvaluationSpec",
    "ExecutorError",
    "Invalid",
    "Model",
    "ModelLoader",
    "MonitoringResult",
    "MonitoringSpec",
    "PlanSpec",
    "Progress",
    "TrainingResult",
    "TrainingSpec",
    "ValidationSpec",
    "evaluate",
    "load_model",
    "monitor",
    "parse_evaluation",
    "parse_monitoring",
    "parse_plan",
    "parse_training",
    "parse_validation",
    "spec_digest",
    "train",
    "validate_data",
]
