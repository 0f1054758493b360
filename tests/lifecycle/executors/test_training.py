import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.metrics import brier_score_loss, roc_auc_score

from lifecycle.executors import ExecutorError, Invalid, load_model, parse_training, spec_digest, train
from lifecycle.executors.modelfiles import dump_model
from lifecycle.executors.training import split_rows
from tests.lifecycle.executors import given


def run(tmp_path, spec, **kwargs):
    return train(parse_training(spec), root=tmp_path, workdir=tmp_path / "models", **kwargs)


def test_training_measures_and_stores_a_model(tmp_path):
    given.write_csv(tmp_path)
    steps = []

    result = run(tmp_path, given.spec(), progress=lambda step, share: steps.append((step, share)))

    assert result.metrics["roc_auc"] > 0.8
    assert result.metrics["roc_auc_vs_baseline"] == pytest.approx(result.metrics["roc_auc"] - 0.5)
    assert set(result.slices) == {"colour=red", "colour=green", "colour=blue"}
    assert result.interval["low"] < result.metrics["roc_auc"] < result.interval["high"]
    assert result.importances[0]["feature"] == "size"
    assert result.split["train_rows"] == 300
    assert result.data["sha256"] == hashlib.sha256((tmp_path / "data.csv").read_bytes()).hexdigest()
    assert result.model_path.read_bytes()
    assert steps[-1] == ("done", 1.0)
    assert [share for _, share in steps] == sorted(share for _, share in steps)


def test_the_record_is_json_without_nan(tmp_path):
    given.write_csv(tmp_path)

    record = run(tmp_path, given.spec()).to_record()

    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["model_path"] == f"{record['model_sha256']}.skops"
    assert record["code"]["scikit-learn"]
    assert record["seeds"] == {"estimator": 3, "bootstrap": 3, "importance": 3, "split": 3}
    assert record["spec_sha256"] == spec_digest(given.training())


def test_metrics_are_those_of_scikit_learn(tmp_path):
    given.write_csv(tmp_path)
    frame = given.table()
    spec = given.spec(split={"kind": "time", "column": "day", "at": "2025-10-01"})

    result = run(tmp_path, spec)

    test = frame[frame["day"] >= "2025-10-01"]
    share = load_model(result.model_path, result.model_sha256).score(test)
    assert result.metrics["roc_auc"] == pytest.approx(roc_auc_score(test["sold"], share))
    assert result.metrics["brier"] == pytest.approx(brier_score_loss(test["sold"], share))
    assert result.metrics["accuracy"] == pytest.approx(((share >= 0.5) == test["sold"]).mean())


@pytest.mark.parametrize(
    ("task", "estimator"),
    [
        ("classification", "logistic_regression"),
        ("classification", "decision_tree"),
        ("classification", "random_forest"),
        ("classification", "gradient_boosting"),
        ("classification", "hist_gradient_boosting"),
        ("classification", "k_nearest_neighbours"),
        ("classification", "dummy"),
        ("regression", "linear_regression"),
        ("regression", "ridge"),
        ("regression", "decision_tree"),
        ("regression", "random_forest"),
        ("regression", "gradient_boosting"),
        ("regression", "hist_gradient_boosting"),
        ("regression", "k_nearest_neighbours"),
        ("regression", "dummy"),
    ],
)
def test_every_estimator_is_trained_stored_and_loaded_the_same_twice(tmp_path, task, estimator):
    frame = given.table(120)
    frame.loc[3, "size"] = np.nan
    frame.loc[5, "colour"] = None
    given.write_csv(tmp_path, frame)
    params = {"n_estimators": 10} if estimator in ("random_forest", "gradient_boosting") else {}
    params |= {"max_iter": 10} if estimator == "hist_gradient_boosting" else {}
    spec = given.spec(
        task=task,
        target="sold" if task == "classification" else "worth",
        pipeline={"estimator": estimator, "params": params, "min_frequency": 2},
        metrics=[],
    )

    first, second = run(tmp_path, spec), run(tmp_path, spec)

    assert first.model_sha256 == second.model_sha256
    assert first.metrics == second.metrics
    assert first.slices == second.slices
    assert load_model(first.model_path, first.model_sha256).score(frame).shape == (120,)


def test_the_model_is_the_same_in_another_process(tmp_path):
    given.write_csv(tmp_path)
    spec = given.spec(pipeline={"estimator": "hist_gradient_boosting", "params": {"max_iter": 20}})
    script = (
        "import json, pathlib, sys\n"
        "from lifecycle.executors import parse_training, train\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "spec = parse_training(json.loads(sys.argv[2]))\n"
        "print(train(spec, root=root, workdir=root / 'other').model_sha256)\n"
    )

    here = run(tmp_path, spec)
    there = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), json.dumps(spec)],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert there.stdout.strip() == here.model_sha256


def test_another_seed_gives_another_model(tmp_path):
    given.write_csv(tmp_path)
    pipeline = {"estimator": "random_forest", "params": {"n_estimators": 5}}

    one = run(tmp_path, given.spec(pipeline=pipeline, seed=1))
    two = run(tmp_path, given.spec(pipeline=pipeline, seed=2))

    assert one.model_sha256 != two.model_sha256


def test_rows_without_a_target_are_left_out_and_counted(tmp_path):
    frame = given.table().astype({"sold": float})
    frame.loc[:9, "sold"] = np.nan
    given.write_csv(tmp_path, frame)

    result = run(tmp_path, given.spec())

    assert result.split["unlabelled_rows"] == 10
    assert result.split["train_rows"] + result.split["test_rows"] == 390


def test_several_classes_have_macro_metrics(tmp_path):
    given.write_csv(tmp_path)
    spec = given.spec(
        target="colour",
        features={"numeric": ["size", "worth"]},
        slices=[],
        metrics=[],
        pipeline={"estimator": "random_forest", "params": {"n_estimators": 20}},
    )

    result = run(tmp_path, spec)

    assert result.classes == ("blue", "green", "red")
    assert 0 < result.metrics["f1"] < 1
    assert result.metrics["calibration_gap"] is None
    assert result.metrics["roc_auc"] is not None


def test_a_warning_of_the_library_becomes_a_note(tmp_path):
    given.write_csv(tmp_path)
    spec = given.spec(pipeline={"estimator": "logistic_regression", "params": {"max_iter": 10, "C": 1e6}})

    notes = run(tmp_path, spec).notes

    assert any(note.startswith("ConvergenceWarning") for note in notes)


def test_a_ranking_counts_what_cannot_be_done(tmp_path):
    given.write_csv(tmp_path)

    free = run(tmp_path, given.ranking())
    filtered = run(tmp_path, given.ranking(filter_infeasible=True))

    assert 0 < free.metrics["infeasible_rate_at_2"] < 0.5
    assert filtered.metrics["infeasible_rate_at_2"] == 0
    assert free.main_metric == "ndcg_at_2"
    assert 0.5 < free.metrics["ndcg_at_2"] <= 1


def test_a_random_split_keeps_the_groups_of_a_ranking_whole(tmp_path):
    frame = given.table()
    spec = parse_training(given.ranking())

    in_test = split_rows(spec, frame)

    assert (frame.assign(test=in_test).groupby("group")["test"].nunique() == 1).all()
    assert 0.1 < in_test.mean() < 0.4


def test_a_tampered_model_is_not_loaded(tmp_path):
    given.write_csv(tmp_path)
    result = run(tmp_path, given.spec())
    data = bytearray(result.model_path.read_bytes())
    data[len(data) // 2] ^= 1
    result.model_path.write_bytes(data)

    with pytest.raises(Invalid) as no:
        load_model(result.model_path, result.model_sha256)

    assert no.value.code == "model_digest_differs"


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(Invalid) as no:
        load_model(tmp_path / "gone.skops", "0" * 64)

    assert no.value.code == "model_missing"


def test_a_model_with_a_foreign_type_is_not_loaded(tmp_path):
    path = tmp_path / "foreign.skops"
    skops.io.dump({"format": "gatebook-model/1", "pipeline": Path}, path)

    with pytest.raises(Invalid) as no:
        load_model(path, hashlib.sha256(path.read_bytes()).hexdigest())

    assert no.value.code == "model_type_not_trusted"
    assert "pathlib" in no.value.text


def test_a_file_that_is_no_model_is_not_loaded(tmp_path):
    path = tmp_path / "text.skops"
    path.write_text("no model")
    other = tmp_path / "other.skops"
    other.write_bytes(dump_model({"format": "something else"}))

    with pytest.raises(Invalid) as no:
        load_model(path, hashlib.sha256(path.read_bytes()).hexdigest())
    assert (no.value.code, no.value.where) == ("model_format_unknown", "/model_sha256")
    with pytest.raises((ExecutorError, Invalid)):
        load_model(other, hashlib.sha256(other.read_bytes()).hexdigest())


def test_a_model_file_holds_no_pickle_and_no_date(tmp_path):
    given.write_csv(tmp_path)
    result = run(tmp_path, given.spec())

    with zipfile.ZipFile(result.model_path) as archive:
        names = archive.namelist()
        dates = {info.date_time for info in archive.infolist()}

    assert dates == {(1980, 1, 1, 0, 0, 0)}
    assert names == sorted(names)
    assert {Path(name).suffix for name in names} <= {".npy", ".json"}
