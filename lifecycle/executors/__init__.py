"""The built-in executors: real training, evaluation, monitoring and data validation.

Pure functions from a specification and files to a result that can be recorded; no database. Start
with `parse_training` and `train`. Described in docs/executors.md.
"""

from lifecycle.executors.errors import ExecutorError, Invalid
from lifecycle.executors.evaluation import EvaluationResult, ModelLoader, evaluate
from lifecycle.executors.fitted import Model, load_model
from lifecycle.executors.monitoring import MonitoringResult, monitor
from lifecycle.executors.parsing import (
    parse_evaluation,
    parse_monitoring,
    parse_training,
    parse_validation,
)
from lifecycle.executors.specs import (
    EvaluationSpec,
    MonitoringSpec,
    TrainingSpec,
    ValidationSpec,
    spec_digest,
)
from lifecycle.executors.training import TrainingResult, train
from lifecycle.executors.validation import DataReport, validate_data

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
    "TrainingResult",
    "TrainingSpec",
    "ValidationSpec",
    "evaluate",
    "load_model",
    "monitor",
    "parse_evaluation",
    "parse_monitoring",
    "parse_training",
    "parse_validation",
    "spec_digest",
    "train",
    "validate_data",
]
