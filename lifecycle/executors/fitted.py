"""A fitted model with all that is needed to use it: features, task, classes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from lifecycle.executors.columns import feature_frame
from lifecycle.executors.datasets import check_columns
from lifecycle.executors.errors import ExecutorError, Invalid, naming_the_step, nearest
from lifecycle.executors.estimators import make_estimator
from lifecycle.executors.modelfiles import model_format, prove_digest, read_model_file, save_model
from lifecycle.executors.onnxfiles import load_onnx
from lifecycle.executors.specs import Features, ModelInputs, PipelineSpec, Task

FORMAT = "gatebook-model/1"


@dataclass(frozen=True)
class Model:
    """A fitted pipeline and how to read its answers.

    `classes` are the texts of the classes in the order of the probabilities; `positive` is the place
    of the positive one when there are two; both are empty or None for other tasks.
    """

    pipeline: Any
    features: Features
    task: Task
    target: str
    classes: tuple[str, ...] = ()
    positive: int | None = None

    def score(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """One number a row: a prediction, or the probability of the positive class.

        With more than two classes a matrix, one probability a class. Raises Invalid for a missing
        column or an unreadable value, ExecutorError when the pipeline fails.
        """
        check_columns(self.features.all, frame.columns, "The data", "/features")
        return self.score_prepared(feature_frame(frame, self.features))

    def score_prepared(self, prepared: pd.DataFrame) -> NDArray[np.float64]:
        """Like `score`, for a frame that `feature_frame` has made."""
        with naming_the_step("predict"):
            if self.task != "classification":
                return np.asarray(self.pipeline.predict(prepared), dtype=np.float64)
            shares = np.asarray(self.pipeline.predict_proba(prepared), dtype=np.float64)
            return shares if self.positive is None else shares[:, self.positive]

    def save(self, folder: Path) -> tuple[Path, str, int]:
        """Writes the model as `<sha256>.skops`; gives path, digest and size in bytes."""
        content = {
            "format": FORMAT,
            "pipeline": self.pipeline,
            "numeric": list(self.features.numeric),
            "categorical": list(self.features.categorical),
            "task": self.task,
            "target": self.target,
            "classes": list(self.classes),
            "positive": self.positive,
        }
        with naming_the_step("save model"):
            return save_model(content, folder)


def load_model(
    path: Path,
    expected_sha256: str,
    *,
    inputs: ModelInputs | None = None,
    task: Task | None = None,
    target: str = "",
) -> Model:
    """The model in `path`, once its digest is proven; raises Invalid or ExecutorError.

    A model of Gatebook's own says how it is used. For an ONNX model, or a pipeline that skops saved
    elsewhere, `inputs` and `task` say it.
    """
    prove_digest(path, expected_sha256)
    if model_format(path) == "onnx":
        asked = _asked(path, inputs, task)
        return _foreign(load_onnx(path, asked), asked, task or "regression", target, asked.classes)
    content = read_model_file(path, expected_sha256)
    if not (isinstance(content, dict) and content.get("format") == FORMAT):
        asked = _asked(path, inputs, task)
        if not hasattr(content, "predict"):
            raise ExecutorError("load model", f"“{path.name}” holds no model.")
        classes = tuple(str(each) for each in getattr(content, "classes_", ()))
        named = content if hasattr(content, "feature_names_in_") else _Nameless(content)
        return _foreign(named, asked, task or "regression", target, classes or asked.classes)
    return Model(
        pipeline=content["pipeline"],
        features=Features(numeric=tuple(content["numeric"]), categorical=tuple(content["categorical"])),
        task=content["task"],
        target=content["target"],
        classes=tuple(content["classes"]),
        positive=content["positive"],
    )


class _Nameless:
    """A pipeline that was trained on a matrix: it takes columns by their place."""

    def __init__(self, pipeline: Any) -> None:
        self.steps = getattr(pipeline, "steps", [("estimator", pipeline)])
        self._pipeline = pipeline

    def predict(self, frame: pd.DataFrame) -> Any:
        return self._pipeline.predict(frame.to_numpy())

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        return self._pipeline.predict_proba(frame.to_numpy())


def _asked(path: Path, inputs: ModelInputs | None, task: str | None) -> ModelInputs:
    if inputs is None or task is None:
        text = f"“{path.name}” does not say which features it takes: name them in “inputs”, and the task."
        raise Invalid("inputs_needed", text, "/inputs")
    return inputs


def _foreign(pipeline: Any, asked: ModelInputs, task: Task, target: str, classes: tuple[str, ...]) -> Model:
    if task != "classification":
        return Model(pipeline, asked.features, task, target)
    if len(classes) < 2:
        raise Invalid(
            "classes_needed", "Name the classes in the order of the probabilities.", "/inputs/classes"
        )
    positive = classes.index(asked.positive) if asked.positive in classes else len(classes) - 1
    if asked.positive is not None and asked.positive not in classes:
        hint = nearest(asked.positive, classes)
        text = f"The positive class “{asked.positive}” is not among the classes. {hint}"
        raise Invalid("unknown_class", text, "/inputs/positive")
    return Model(pipeline, asked.features, task, target, classes, positive if len(classes) == 2 else None)


def build_pipeline(spec: PipelineSpec, features: Features, task: str, seed: int) -> Any:
    """An unfitted scikit-learn pipeline: columns prepared, then the estimator."""
    steps = []
    if features.numeric:
        steps.append(("numeric", _numeric_steps(spec), list(features.numeric)))
    if features.categorical:
        steps.append(("categorical", _encoder(spec), list(features.categorical)))
    columns = ColumnTransformer(steps, remainder="drop", verbose_feature_names_out=False)
    estimator = make_estimator(spec.estimator, spec.params, task, seed)
    return Pipeline([("columns", columns), ("estimator", estimator)])


def _numeric_steps(spec: PipelineSpec) -> Any:
    steps: list[tuple[str, Any]] = []
    if spec.impute != "none":
        steps.append(("impute", SimpleImputer(strategy=spec.impute, keep_empty_features=True)))
    if spec.scale:
        steps.append(("scale", StandardScaler()))
    return Pipeline(steps) if steps else "passthrough"


def _encoder(spec: PipelineSpec) -> Any:
    if spec.encode == "one_hot":
        unknown = "infrequent_if_exist" if spec.min_frequency else "ignore"
        return OneHotEncoder(handle_unknown=unknown, min_frequency=spec.min_frequency, sparse_output=False)
    return OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, min_frequency=spec.min_frequency
    )
