"""Each bad input gives a clear message that names what and where, and leaves nothing behind."""

import numpy as np
import pandas as pd
import pytest

from lifecycle.executors import (
    ExecutorError,
    Invalid,
    parse_evaluation,
    parse_monitoring,
    parse_training,
    train,
)
from lifecycle.executors.datasets import read
from lifecycle.executors.errors import naming_the_step
from lifecycle.executors.specs import DataRef
from tests.lifecycle.executors import given


def refused(tmp_path, spec):
    models = tmp_path / "models"
    with pytest.raises(Invalid) as no:
        train(parse_training(spec), root=tmp_path, workdir=models)
    assert not models.exists()
    return no.value


def test_an_unknown_column_is_named_with_the_nearest(tmp_path):
    given.write_csv(tmp_path)

    no = refused(tmp_path, given.spec(features={"numeric": ["sice"], "categorical": ["colour"]}))

    assert no.code == "unknown_column"
    assert "“data.csv” has no column “sice”" in no.text
    assert "“size”" in no.text


def test_a_csv_with_three_rows_is_too_little(tmp_path):
    given.write_csv(tmp_path, given.table(3))

    no = refused(tmp_path, given.spec())

    assert (no.code, no.where) == ("too_few_rows", "/data/uri")
    assert "has 3 rows; at least 20" in no.text


def test_a_filter_that_leaves_too_little_is_named(tmp_path):
    given.write_csv(tmp_path)
    where = [{"column": "colour", "op": "==", "value": "violet"}]

    no = refused(tmp_path, given.spec(data={"uri": "data.csv", "format": "csv", "where": where}))

    assert (no.code, no.where) == ("too_few_rows", "/data/where")


def test_a_target_with_one_class_is_refused(tmp_path):
    given.write_csv(tmp_path, given.table().assign(sold=1))

    no = refused(tmp_path, given.spec())

    assert (no.code, no.where) == ("one_class", "/target")
    assert "one class only, “1”" in no.text


def test_a_class_that_only_the_test_set_has_is_refused(tmp_path):
    frame = given.table()
    frame["sold"] = (frame["day"] >= "2026-01-01").astype(int)
    given.write_csv(tmp_path, frame)

    no = refused(tmp_path, given.spec(split={"kind": "time", "column": "day", "at": "2026-01-01"}))

    assert (no.code, no.where) == ("one_class", "/split")


def test_a_target_missing_everywhere_is_refused(tmp_path):
    given.write_csv(tmp_path, given.table().assign(sold=np.nan))

    assert refused(tmp_path, given.spec()).code == "target_missing"


def test_a_feature_missing_everywhere_is_refused(tmp_path):
    given.write_csv(tmp_path, given.table().assign(size=np.nan))

    no = refused(tmp_path, given.spec())

    assert (no.code, no.where) == ("feature_all_missing", "/features/numeric/0")
    assert "“size” is missing (NaN) in all 400 rows" in no.text


def test_nan_everywhere_is_refused(tmp_path):
    frame = given.table()
    given.write_csv(tmp_path, pd.DataFrame(np.nan, index=frame.index, columns=frame.columns))

    assert refused(tmp_path, given.spec()).code == "target_missing"


def test_a_file_of_0_bytes_is_refused(tmp_path):
    (tmp_path / "data.csv").touch()

    no = refused(tmp_path, given.spec())

    assert (no.code, no.text) == ("file_empty", "The file “data.csv” has 0 bytes.")


def test_a_missing_file_is_named(tmp_path):
    assert refused(tmp_path, given.spec("gone.csv")).text == "There is no file “gone.csv”."


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "data.csv").mkdir()

    assert refused(tmp_path, given.spec()).code == "not_a_file"


@pytest.mark.parametrize(
    "uri", ["../secret.csv", "sub/../../secret.csv", "/etc/passwd", "file:///etc/passwd", "link.csv"]
)
def test_nothing_outside_the_root_is_read(tmp_path, uri):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    (root / "link.csv").symlink_to(tmp_path / "secret.csv")

    with pytest.raises(Invalid) as no:
        read(DataRef(uri=uri, format="csv"), root=root)

    assert no.value.code == "outside_root"


@pytest.mark.parametrize("uri", ["http://example.org/x.csv", "s3://bucket/x.csv", "file://host/x.csv"])
def test_only_files_are_read(tmp_path, uri):
    with pytest.raises(Invalid) as no:
        read(DataRef(uri=uri, format="csv"), root=tmp_path)

    assert no.value.code == "scheme_not_allowed"


def test_a_file_uri_below_the_root_is_read(tmp_path):
    given.write_csv(tmp_path, name="with space.csv")

    dataset = read(DataRef(uri=(tmp_path / "with space.csv").as_uri(), format="csv"), root=tmp_path)

    assert len(dataset.frame) == 400


def test_a_null_character_is_refused(tmp_path):
    with pytest.raises(Invalid) as no:
        read(DataRef(uri="a\0b.csv", format="csv"), root=tmp_path)

    assert no.value.code == "bad_uri"


def test_a_broken_csv_names_the_line(tmp_path):
    (tmp_path / "data.csv").write_text("size,colour,sold\n1,red,0\n2,red,0,7,8,9\n")

    no = refused(tmp_path, given.spec())

    assert no.code == "not_parsable"
    assert "at line 3" in no.text


def test_a_csv_whose_every_line_is_too_long_is_not_shifted(tmp_path):
    (tmp_path / "data.csv").write_text("size,colour,sold\n" + "1,red,0,9\n" * 30)

    no = refused(tmp_path, given.spec())

    assert no.code == "not_parsable"
    assert "at line 2" in no.text


def test_a_csv_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "data.csv").write_bytes("größe,colour,sold\n1,red,0\n".encode("latin-1"))

    assert refused(tmp_path, given.spec()).code == "not_parsable"


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    given.write_csv(tmp_path)

    assert refused(tmp_path, given.spec(data={"uri": "data.csv", "format": "parquet"})).code == "not_parsable"


def test_a_column_name_that_stands_twice_is_refused(tmp_path):
    (tmp_path / "data.csv").write_text("size,size,sold\n" + "1,2,0\n" * 30)

    no = refused(tmp_path, given.spec())

    assert no.code == "duplicate_columns"
    assert "“size” 2 times" in no.text


def test_infinite_values_are_refused(tmp_path):
    frame = given.table()
    frame.loc[4, "size"] = np.inf
    frame.to_parquet(tmp_path / "data.parquet")

    no = refused(tmp_path, given.spec(data={"uri": "data.parquet", "format": "parquet"}))

    assert (no.code, no.where) == ("infinite_values", "/features/numeric/0")
    assert "row 5" in no.text


def test_a_text_among_the_numbers_is_named(tmp_path):
    frame = given.table().astype({"size": object})
    frame.loc[2, "size"] = "large"
    given.write_csv(tmp_path, frame)

    no = refused(tmp_path, given.spec())

    assert no.code == "not_a_number"
    assert "row 3 of the data used holds 'large'" in no.text


def test_a_file_with_another_digest_is_refused(tmp_path):
    given.write_csv(tmp_path)

    no = refused(tmp_path, given.spec(data={"uri": "data.csv", "format": "csv", "sha256": "0" * 64}))

    assert (no.code, no.where) == ("digest_differs", "/data/sha256")


def test_a_file_beyond_the_size_limit_is_not_read(tmp_path):
    given.write_csv(tmp_path)

    with pytest.raises(Invalid) as no:
        read(DataRef(uri="data.csv", format="csv"), root=tmp_path, max_bytes=100)

    assert no.value.code == "file_too_large"


@pytest.mark.parametrize(
    ("change", "code", "where", "says"),
    [
        (
            {"pipeline": {"estimator": "ridge"}},
            "estimator_of_other_task",
            "/pipeline/estimator",
            "classification",
        ),
        (
            {"pipeline": {"estimator": "random_forrest"}},
            "unknown_estimator",
            "/pipeline/estimator",
            "“random_forest”",
        ),
        ({"pipeline": {"estimator": "os.system"}}, "unknown_estimator", "/pipeline/estimator", "list"),
        (
            {"pipeline": {"estimator": "random_forest", "params": {"n_estimator": 5}}},
            "unknown_parameter",
            "/pipeline/params/n_estimator",
            "“n_estimators”",
        ),
        (
            {"pipeline": {"estimator": "random_forest", "params": {"n_estimators": 10**9}}},
            "parameter_out_of_range",
            "/pipeline/params/n_estimators",
            "from 1 to 500",
        ),
        (
            {"pipeline": {"estimator": "random_forest", "params": {"n_estimators": True}}},
            "parameter_out_of_range",
            "/pipeline/params/n_estimators",
            "whole number",
        ),
        (
            {"pipeline": {"estimator": "logistic_regression", "impute": "none"}},
            "impute_needed",
            "/pipeline/impute",
            "missing",
        ),
        ({"metrics": ["acuracy"]}, "unknown_metric", "/metrics/0", "“accuracy”"),
        ({"main_metric": "rmse"}, "unknown_metric", "/main_metric", "classification"),
        ({"features": {"numeric": ["sold"]}}, "target_leaks", "/features", "“sold”"),
        ({"features": {"numeric": ["size", "size"]}}, "bad_specification", "/features", "size"),
        ({"features": {}}, "bad_specification", "/features", "at least one feature"),
        ({"slicez": []}, "bad_specification", "/slicez", "“slices”"),
        ({"split": {"kind": "time", "column": "day"}}, "bad_specification", "/split/at", "is missing"),
        ({"ranking": {"group": ["group"], "relevance": "worth"}}, "bad_specification", "/", "ranking"),
        ({"baseline": {"kind": "group_mean"}}, "bad_specification", "/baseline", "group by"),
        ({"positive": 5}, "unknown_class", "/positive", "“5”"),
        ({"split": {"kind": "random", "test_share": 0.01}}, "split_too_small", "/split", "test set"),
        ({"split": {"kind": "time", "column": "colour", "at": "2025-06-01"}}, "bad_split", "/split", "dates"),
        ({"slices": [{"column": "colour", "bin": "month"}]}, "not_a_date", "/slices/0/column", "month"),
        (
            {
                "data": {
                    "uri": "data.csv",
                    "format": "csv",
                    "where": [{"column": "size", "op": "<", "value": "x"}],
                }
            },
            "bad_condition",
            "/data/where/0",
            "“size”",
        ),
        (
            {
                "data": {
                    "uri": "data.csv",
                    "format": "csv",
                    "where": [{"column": "size", "op": "in", "value": 1}],
                }
            },
            "bad_specification",
            "/data/where/0",
            "list",
        ),
    ],
)
def test_a_bad_specification_names_what_and_where(tmp_path, change, code, where, says):
    given.write_csv(tmp_path)

    no = refused(tmp_path, given.spec(**change))

    assert (no.code, no.where) == (code, where)
    assert says in no.text


def test_a_worth_below_zero_cannot_be_ranked(tmp_path):
    given.write_csv(tmp_path, given.table().assign(worth=-1.0))

    assert refused(tmp_path, given.ranking()).code == "bad_relevance"


def test_a_column_that_is_not_yes_or_no_cannot_say_what_is_feasible(tmp_path):
    given.write_csv(tmp_path)

    assert refused(tmp_path, given.ranking(feasible="colour")).code == "not_yes_no"


def test_an_evaluation_or_monitoring_cannot_learn_a_baseline():
    judged = {
        key: value for key, value in given.spec().items() if key not in ("features", "split", "pipeline")
    }
    watched = {
        "reference": {"uri": "a", "format": "csv"},
        "current": {"uri": "b", "format": "csv"},
        "features": {"numeric": ["size"]},
        "baseline": {"kind": "constant"},
    }

    with pytest.raises(Invalid, match="no training rows"):
        parse_evaluation(judged | {"model_sha256": "0" * 64})
    with pytest.raises(Invalid, match="no training rows"):
        parse_monitoring(watched)


def test_performance_needs_a_model():
    with pytest.raises(Invalid, match="model_sha256"):
        given.monitoring(target="sold")


def test_what_a_library_raises_is_wrapped_with_the_step():
    with pytest.raises(ExecutorError) as no, naming_the_step("fit"):
        pd.DataFrame({"a": [1]}).loc[7]

    assert (no.value.step, no.value.text) == ("fit", "KeyError: 7")
