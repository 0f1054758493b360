import json

import numpy as np
import pytest

from lifecycle.executors import (
    Invalid,
    evaluate,
    load_model,
    monitor,
    parse_evaluation,
    parse_training,
    parse_validation,
    train,
    validate_data,
)
from tests.lifecycle.executors import given


@pytest.fixture
def windows(tmp_path):
    given.write_csv(tmp_path, given.table(seed=1), "reference.csv")
    given.write_csv(tmp_path, given.table(seed=2), "current.csv")
    return tmp_path


@pytest.fixture
def model(windows):
    result = train(parse_training(given.spec("reference.csv")), root=windows, workdir=windows)
    return load_model(result.model_path, result.model_sha256)


def changed(root, **columns):
    given.write_csv(root, given.table(seed=2).assign(**columns), "current.csv")


def test_the_same_world_is_ok(windows):
    result = monitor(given.monitoring(), root=windows)

    assert result.verdict == "ok"
    assert result.findings == []
    assert result.rows == {"reference": 400, "current": 400, "labelled": 0}
    assert json.dumps(result.to_record(), allow_nan=False)


def test_a_shift_is_drift_and_said_in_a_sentence(windows):
    changed(windows, size=given.table(seed=2)["size"] + 30)

    result = monitor(given.monitoring(), root=windows)

    assert result.verdict == "drift"
    assert result.share_drifted == 0.5
    assert result.features["size"]["verdict"] == "drift"
    assert result.features["size"]["out_of_range"] > 0
    codes = [finding.code for finding in result.findings]
    assert codes == ["feature_drift", "out_of_range", "share_drifted"]
    assert "1 of 2 features drifted (size): 50%, limit 30%." in result.findings[-1].text


def test_one_drifted_feature_of_few_is_a_warning_only(windows):
    changed(windows, size=given.table(seed=2)["size"] + 30)

    result = monitor(given.monitoring(limits={"share_drifted": 0.8}), root=windows)

    assert result.verdict == "warning"


def test_unseen_categories_are_counted_and_named(windows):
    colours = given.table(seed=2)["colour"].replace({"red": "violet"})
    changed(windows, colour=colours)

    found = monitor(given.monitoring(), root=windows).features["colour"]

    assert found["unseen"] == int((colours == "violet").sum())
    assert found["unseen_categories"] == ["violet"]
    assert found["verdict"] == "drift"


def test_texts_among_numbers_and_gaps_are_counted_and_not_refused(windows):
    size = given.table(seed=2)["size"].astype(object)
    size[:3] = "n/k"
    size[3:83] = None
    changed(windows, size=size)

    result = monitor(given.monitoring(), root=windows)

    assert result.features["size"]["type_violations"] == 3
    assert result.features["size"]["missing_current"] == 0.2
    assert {"more_missing", "type_violation"} <= {finding.code for finding in result.findings}


def test_performance_and_prediction_drift_are_measured_where_labels_are(windows, model):
    spec = given.monitoring(
        model_sha256="0" * 64,
        task="classification",
        target="sold",
        metrics=["brier"],
        slices=[{"column": "colour"}],
        limits={"metrics": [{"metric": "brier", "op": "<=", "limit": 0.25}]},
    )

    result = monitor(spec, root=windows, model_loader=lambda _: model)

    assert result.verdict == "ok"
    assert result.prediction["verdict"] == "ok"
    assert result.metrics["brier"] == pytest.approx(result.metrics_reference["brier"], abs=0.05)
    assert set(result.slices) == {"colour=red", "colour=green", "colour=blue"}
    assert result.limits[0]["holds"]
    assert result.target["psi"] < 0.1


def test_a_metric_beyond_its_limit_decides(windows, model):
    changed(windows, sold=1 - given.table(seed=2)["sold"])
    spec = given.monitoring(
        model_sha256="0" * 64,
        task="classification",
        target="sold",
        limits={"metrics": [{"metric": "brier", "op": "<=", "limit": 0.25}]},
    )

    result = monitor(spec, root=windows, model_loader=lambda _: model)

    assert result.verdict == "drift"
    assert result.findings[-1].code == "metric_limit"


def test_a_limit_without_labels_is_said_not_to_be_measured(windows, model):
    changed(windows, sold=np.nan)
    spec = given.monitoring(
        model_sha256="0" * 64,
        task="classification",
        target="sold",
        limits={"metrics": [{"metric": "brier", "op": "<=", "limit": 0.25}]},
    )

    result = monitor(spec, root=windows, model_loader=lambda _: model)

    assert result.verdict == "warning"
    assert [finding.code for finding in result.findings] == ["metric_not_measured"]


def test_a_limit_on_the_test_statistic_and_on_p_is_kept(windows):
    changed(windows, size=given.table(seed=2)["size"] + 3)

    by_statistic = monitor(given.monitoring(limits={"ks_statistic": 0.05}), root=windows)
    by_p = monitor(given.monitoring(limits={"p_value": 0.01}), root=windows)

    assert by_statistic.features["size"]["verdict"] == by_p.features["size"]["verdict"] == "drift"


def test_a_current_window_without_a_column_is_refused(windows):
    given.write_csv(windows, given.table().drop(columns="size"), "current.csv")

    with pytest.raises(Invalid) as no:
        monitor(given.monitoring(), root=windows)

    assert (no.value.code, no.value.where) == ("unknown_column", "/current")


def evaluation(**changes):
    kept = ("target", "task", "metrics", "slices", "seed")
    return parse_evaluation(
        {
            "data": {"uri": "current.csv", "format": "csv"},
            "model_sha256": "0" * 64,
            **{key: given.spec()[key] for key in kept},
            **changes,
        }
    )


def test_an_evaluation_judges_a_stored_model_against_limits(windows, model):
    limits = [
        {"metric": "roc_auc", "op": ">=", "limit": 0.7},
        {"metric": "roc_auc", "op": ">=", "limit": 0.999, "slice": "colour=red"},
        {"metric": "roc_auc", "op": ">=", "limit": 0.5, "slice": "colour=violet"},
    ]

    met = evaluate(evaluation(limits=limits[:1]), root=windows, model_loader=lambda _: model)
    missed = evaluate(evaluation(limits=limits), root=windows, model_loader=lambda _: model)

    assert met.verdict == "met"
    assert missed.verdict == "not met"
    assert [item["holds"] for item in missed.limits] == [True, False, False]
    assert "was not measured" in missed.limits[2]["text"]
    assert json.dumps(missed.to_record(), allow_nan=False)


def test_an_evaluation_refuses_a_class_that_the_model_does_not_know(windows, model):
    changed(windows, sold=2)

    with pytest.raises(Invalid) as no:
        evaluate(evaluation(), root=windows, model_loader=lambda _: model)

    assert no.value.code == "unknown_class"


def test_an_evaluation_refuses_a_model_of_another_task(windows, model):
    with pytest.raises(Invalid) as no:
        evaluate(
            evaluation(task="regression", target="worth", metrics=["mae"]),
            root=windows,
            model_loader=lambda _: model,
        )

    assert no.value.code == "model_of_other_task"


def validation(**changes):
    return parse_validation({"data": {"uri": "current.csv", "format": "csv"}, **changes})


def test_a_data_report_profiles_every_column(windows):
    report = validate_data(validation(), root=windows)

    assert report.verdict == "valid"
    assert report.profile["colour"]["categories"].keys() == {"red", "green", "blue"}
    assert report.profile["size"]["mean"] == pytest.approx(50, abs=2)
    assert json.dumps(report.to_record(), allow_nan=False)


def test_a_data_report_names_each_fault(windows):
    size = given.table()["size"].astype(object)
    size[0] = "big"
    colour = given.table()["colour"].astype(object)
    colour[:40] = None
    frame = given.table().assign(size=size, colour=colour, sold=5)
    given.write_csv(windows, frame, "current.csv")
    spec = validation(
        min_rows=1000,
        unique=["group"],
        columns=[
            {"name": "size", "kind": "number", "minimum": 0, "maximum": 60},
            {"name": "colour", "kind": "text", "allowed": ["red", "green"]},
            {"name": "sold", "kind": "boolean"},
            {"name": "day", "kind": "date"},
            {"name": "sise", "kind": "number"},
        ],
    )

    report = validate_data(spec, root=windows)

    assert report.verdict == "invalid"
    rules = {(violation.rule, violation.column) for violation in report.violations}
    assert rules == {
        ("min_rows", ""),
        ("unique", "group"),
        ("type", "size"),
        ("maximum", "size"),
        ("missing", "colour"),
        ("allowed", "colour"),
        ("type", "sold"),
        ("column_missing", "sise"),
    }
    assert report.violation_rate == 1.0
