"""Loads ONNX models: only what the file itself holds, and only the operators of ONNX.

Needs the extra `onnx`. A model that keeps numbers in other files, or asks for operators that a library would
have to bring, is refused before anything of it runs.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecycle.executors.errors import ExecutorError, Invalid
from lifecycle.executors.specs import ModelInputs

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
"""The operator sets of the standard; others are a program that is not in the file."""
_TYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(string)": object,
}


class OnnxPipeline:
    """An ONNX model that answers like a fitted pipeline: `predict`, and `predict_proba` for classes."""

    def __init__(self, session: Any, inputs: ModelInputs) -> None:
        self._session = session
        self._features = inputs.features.all
        self._classes = inputs.classes

    def predict(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """The first output as one number a row."""
        answers = self._session.run(None, self._feed(frame))
        return np.asarray(answers[0], dtype=np.float64).reshape(len(frame), -1)[:, 0]

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """The last output as one probability a class; ExecutorError if it does not hold that."""
        shares = self._session.run(None, self._feed(frame))[-1]
        if isinstance(shares, list) and shares and isinstance(shares[0], dict):
            named = [{str(key): value for key, value in row.items()} for row in shares]
            missing = sorted(set(self._classes) - set(named[0]))
            if missing:
                raise Invalid(
                    "unknown_class", f"The model gives no probability for “{missing[0]}”.", "/inputs/classes"
                )
            shares = [[row[name] for name in self._classes] for row in named]
        matrix = np.asarray(shares, dtype=np.float64)
        if matrix.ndim != 2 or matrix.shape[1] != len(self._classes):
            text = f"The model gives {matrix.shape[1:]} numbers a row for {len(self._classes)} classes."
            raise ExecutorError("predict", text)
        return matrix

    def _feed(self, frame: pd.DataFrame) -> dict[str, Any]:
        wanted = self._session.get_inputs()
        if len(wanted) == 1 and self._takes_all(wanted[0]):
            values = frame[list(self._features)].to_numpy()
            return {wanted[0].name: np.ascontiguousarray(values, dtype=_TYPES[wanted[0].type])}
        return {each.name: self._column(each, frame) for each in wanted}

    def _takes_all(self, tensor: Any) -> bool:
        width = tensor.shape[-1] if len(tensor.shape) == 2 else None
        return width == len(self._features) or (width is None and len(self._features) > 1)

    def _column(self, tensor: Any, frame: pd.DataFrame) -> NDArray[Any]:
        values = frame[tensor.name].to_numpy()
        return np.asarray(values.astype(_TYPES[tensor.type])).reshape(-1, 1)


def load_onnx(path: Path, inputs: ModelInputs) -> OnnxPipeline:
    """The model, once it was found to be whole and plain; raises Invalid, or ExecutorError."""
    onnx, runtime = _library("onnx"), _library("onnxruntime")
    content = path.read_bytes()
    check_onnx(onnx, content, path.name)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # it raises types of its own library for each kind of fault
        first = (str(error).strip().splitlines() or [""])[0][:300]
        raise ExecutorError("load model", f"“{path.name}” cannot be loaded: {first}") from error
    _check_inputs(session, inputs, path.name)
    return OnnxPipeline(session, inputs)


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        text = "ONNX models need the extra “onnx” to be installed."
        raise Invalid("onnx_not_installed", text, "/model_sha256") from error


def check_onnx(onnx: Any, content: bytes, name: str) -> None:
    """Raises Invalid for a file that is no model, keeps data elsewhere or needs operators of others."""
    try:
        model = onnx.ModelProto.FromString(content)
    except Exception as error:  # protobuf's own DecodeError, which has no stable home
        raise Invalid("model_format_unknown", f"“{name}” is no ONNX model.", "/model_sha256") from error
    if not model.HasField("graph"):
        raise Invalid("model_format_unknown", f"“{name}” holds no graph.", "/model_sha256")
    if model.functions:
        text = f"“{name}” brings functions of its own: {model.functions[0].name}."
        raise Invalid("onnx_custom_operator", text, "/model_sha256")
    for node in _nodes(model.graph):
        if node.domain not in DOMAINS:
            text = f"“{name}” needs the operator “{node.domain}.{node.op_type}”, which is not ONNX's own."
            raise Invalid("onnx_custom_operator", text, "/model_sha256")
    for tensor in _tensors(model.graph):
        if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
            place = next((each.value for each in tensor.external_data if each.key == "location"), "")
            text = f"“{name}” keeps “{tensor.name}” in another file (“{place}”), which is not read."
            raise Invalid("onnx_external_data", text, "/model_sha256")


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _graphs(inner)


def _nodes(graph: Any) -> Iterator[Any]:
    for each in _graphs(graph):
        yield from each.node


def _tensors(graph: Any) -> Iterator[Any]:
    for each in _graphs(graph):
        yield from each.initializer
        for sparse in each.sparse_initializer:
            yield from (sparse.values, sparse.indices)  # noqa: PD011  # of a protobuf message
        for node in each.node:
            for attribute in node.attribute:
                yield from attribute.tensors
                if attribute.HasField("t"):
                    yield attribute.t


def _check_inputs(session: Any, inputs: ModelInputs, name: str) -> None:
    wanted, features = session.get_inputs(), inputs.features.all
    unknown = [each.type for each in wanted if each.type not in _TYPES]
    if unknown:
        raise Invalid(
            "onnx_input", f"“{name}” takes {unknown[0]}, which no column can be.", "/inputs/features"
        )
    width = wanted[0].shape[-1] if len(wanted) == 1 and len(wanted[0].shape) == 2 else None
    if len(wanted) == 1 and isinstance(width, int) and width > 1 and width != len(features):
        text = f"“{name}” takes {width} numbers a row; “inputs” names {len(features)} features."
        raise Invalid("onnx_input", text, "/inputs/features")
    if len(wanted) == 1 and (width is None or width == len(features)):
        return
    missing = [each.name for each in wanted if each.name not in features]
    if missing:
        text = f"“{name}” takes “{missing[0]}”, which “inputs” does not name."
        raise Invalid("onnx_input", text, "/inputs/features")
