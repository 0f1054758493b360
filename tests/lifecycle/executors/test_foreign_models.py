"""Models that were made elsewhere: ONNX and skops, and everything that must not be loaded."""

import hashlib
import json
import pickle
import zipfile

import joblib
import numpy as np
import onnx
import pytest
import skops.io
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from lifecycle.executors import ExecutorError, Invalid, evaluate, load_model, parse_evaluation
from lifecycle.executors.specs import ModelInputs
from tests.lifecycle.executors import given

NUMBERS = ModelInputs.model_validate({"features": {"numeric": ["size", "group"]}, "classes": ["0", "1"]})
BOTH = {"features": {"numeric": ["size"], "categorical": ["colour"]}, "classes": ["0", "1"]}


@pytest.fixture
def fitted():
    frame = given.table()
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(
        frame[["size", "group"]].to_numpy(np.float32), frame["sold"]
    )


def put(root, content, name="model.onnx"):
    path = root / name
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def loaded(path, digest, inputs=NUMBERS, task="classification"):
    return load_model(path, digest, inputs=inputs, task=task)


def refused(path, digest, inputs=NUMBERS, task="classification"):
    with pytest.raises((Invalid, ExecutorError)) as no:
        loaded(path, digest, inputs, task)
    return getattr(no.value, "code", no.value.args[0]), str(no.value)


def evaluation(digest, inputs, **changes):
    return parse_evaluation(
        {
            "data": {"uri": "data.csv", "format": "csv"}, "model_sha256": digest, "target": "sold",
            "task": "classification", "metrics": ["roc_auc", "brier"], "inputs": inputs, **changes,
        }
    )  # fmt: skip


@pytest.mark.parametrize("options", [{"zipmap": False}, {}], ids=["tensor", "maps"])
def test_an_onnx_classifier_is_evaluated_as_scikit_learn_answers(tmp_path, fitted, options):
    given.write_csv(tmp_path)
    made = to_onnx(fitted, np.zeros((1, 2), np.float32), options={id(fitted): options} if options else None)
    path, digest = put(tmp_path, made.SerializeToString())
    inputs = NUMBERS.model_dump(mode="json")
    spec = evaluation(digest, inputs, robustness={"noise": [0.2], "missing": []})

    model = loaded(path, digest)
    result = evaluate(spec, root=tmp_path, model_loader=lambda _: model)

    frame = given.table()
    expected = fitted.predict_proba(frame[["size", "group"]].to_numpy(np.float32))[:, 1]
    assert np.allclose(model.score(frame), expected, atol=1e-5)
    assert result.metrics["roc_auc"] > 0.8
    assert result.quality["explainability"]["top"][0] == "size"
    assert result.quality["robustness"]["noise"][0]["drop"] > 0
    assert json.dumps(result.to_record(), allow_nan=False)


def test_an_onnx_model_with_one_input_a_column_takes_texts(tmp_path):
    frame = given.table()
    encoded = make_column_transformer((OneHotEncoder(), ["colour"]), (StandardScaler(), ["size"]))
    fitted = make_pipeline(encoded, LogisticRegression()).fit(frame[["size", "colour"]], frame["sold"])
    made = to_onnx(
        fitted,
        initial_types=[("size", FloatTensorType([None, 1])), ("colour", StringTensorType([None, 1]))],
        options={"zipmap": False},
    )
    path, digest = put(tmp_path, made.SerializeToString())

    model = loaded(path, digest, ModelInputs.model_validate(BOTH))

    expected = fitted.predict_proba(frame[["size", "colour"]])[:, 1]
    assert np.allclose(model.score(frame), expected, atol=1e-5)


def test_an_onnx_regression_gives_numbers(tmp_path):
    frame = given.table()
    fitted = LinearRegression().fit(frame[["size", "group"]].to_numpy(np.float32), frame["worth"])
    path, digest = put(tmp_path, to_onnx(fitted, np.zeros((1, 2), np.float32)).SerializeToString())

    model = loaded(path, digest, task="regression")

    assert np.allclose(model.score(frame), fitted.predict(frame[["size", "group"]].to_numpy()), atol=1e-3)


def test_a_pipeline_that_skops_saved_elsewhere_is_used(tmp_path, fitted):
    path, digest = put(tmp_path, skops.io.dumps(fitted), "model.skops")
    frame = given.table()

    model = loaded(path, digest)

    assert model.classes == ("0", "1")
    named = frame[["size", "group"]].astype(float)
    assert np.allclose(model.score(frame), fitted.predict_proba(named.to_numpy())[:, 1])


def test_a_model_that_does_not_say_what_it_takes_has_to_be_told(tmp_path, fitted):
    path, digest = put(tmp_path, to_onnx(fitted, np.zeros((1, 2), np.float32)).SerializeToString())

    assert refused(path, digest, inputs=None)[0] == "inputs_needed"
    few = ModelInputs.model_validate({"features": {"numeric": ["size"]}, "classes": ["0", "1"]})
    assert refused(path, digest, few)[0] == "onnx_input"
    nameless = ModelInputs.model_validate({"features": {"numeric": ["size", "group"]}})
    assert refused(path, digest, nameless)[0] == "classes_needed"
    wrong = NUMBERS.model_copy(update={"positive": "yes"})
    assert refused(path, digest, wrong)[0] == "unknown_class"


class Bomb:
    def __reduce__(self):
        return (open, ("/tmp/gatebook-was-here", "w"))


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_is_never_loaded(tmp_path, protocol):
    path, digest = put(tmp_path, pickle.dumps(Bomb(), protocol=protocol))

    code, text = refused(path, digest)

    assert code in ("model_is_pickle", "model_format_unknown")
    assert protocol < 2 or "A pickle is a program" in text


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3)])
def test_joblib_files_are_refused(tmp_path, fitted, compress):
    joblib.dump(fitted, tmp_path / "m.joblib", compress=compress)
    path, digest = put(tmp_path, (tmp_path / "m.joblib").read_bytes())

    assert refused(path, digest)[0] == "model_is_pickle"


def test_a_skops_file_with_a_type_off_the_list_is_refused(tmp_path):
    class Odd(LogisticRegression):
        pass

    Odd.__module__ = "odd"
    frame = given.table()
    path, digest = put(tmp_path, skops.io.dumps(Odd().fit(frame[["size"]], frame["sold"])), "model.skops")

    code, text = refused(path, digest)

    assert code == "model_type_not_trusted"
    assert "odd.Odd" in text


def archive(root, parts):
    path = root / "model.skops"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"schema.json": b"{}", "a.npy": b"\0" * 40_000_000}, "model_unpacks_too_large"),
        ({f"{number}.npy": b"" for number in range(20_001)}, "model_unpacks_too_large"),
        ({"../../outside.npy": b"1"}, "model_path_escapes"),
        ({"schema.json": b"{}", "data.pkl": b"1"}, "model_is_pickle"),
        ({"schema.json": b"not json"}, "load model"),
        ({"other.txt": b"1"}, "load model"),
    ],
)
def test_a_made_up_archive_is_refused(tmp_path, parts, code):
    found, _text = refused(*archive(tmp_path, parts))

    assert found == code


def graph(node, *tensors):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2])
    made = helper.make_graph([node], "g", [x], [y], list(tensors))
    return helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    )


def test_an_onnx_model_with_numbers_in_another_file_is_refused(tmp_path):
    weights = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0])
    weights.ClearField("float_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="/etc/passwd")
    model = graph(helper.make_node("Add", ["x", "w"], ["y"]), weights)

    code, text = refused(*put(tmp_path, model.SerializeToString()))

    assert code == "onnx_external_data"
    assert "/etc/passwd" in text


def test_an_onnx_model_with_operators_of_others_is_refused(tmp_path):
    hidden = helper.make_node("Run", ["x"], ["y"], domain="mine")
    inner = helper.make_graph(
        [hidden], "inner", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2])]
    )
    branch = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)

    assert refused(*put(tmp_path, graph(hidden).SerializeToString()))[0] == "onnx_custom_operator"
    assert refused(*put(tmp_path, graph(branch).SerializeToString()))[0] == "onnx_custom_operator"


@pytest.mark.parametrize(
    "content", [b"", b"\x08", b"\x08\x07garbage", b"hello", onnx.ModelProto(ir_version=8)]
)
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    raw = content if isinstance(content, bytes) else content.SerializeToString()

    assert refused(*put(tmp_path, raw))[0] == "model_format_unknown"
