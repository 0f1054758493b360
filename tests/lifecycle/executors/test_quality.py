import json

import numpy as np
import pytest

from lifecycle.executors import Invalid, parse_training, train
from tests.lifecycle.executors import given

MEASURES = [
    "performance", "robustness", "scalability", "explainability", "model_complexity", "resource_demand",
]  # fmt: skip
FOREST = {"estimator": "random_forest", "params": {"n_estimators": 5, "max_depth": 3}}


def trained(root, steps=None, **changes):
    given.write_csv(root)
    told = (lambda step, share: steps.append((step, share))) if steps is not None else (lambda *_: None)
    return train(parse_training(given.spec(**changes)), root=root, workdir=root, progress=told)


def test_a_training_fills_all_six_measures(tmp_path):
    result = trained(tmp_path, study={"robustness": {"period": "day"}})
    quality = result.quality

    assert list(quality) == MEASURES
    assert quality["performance"]["value"] == result.metrics["roc_auc"]
    assert quality["robustness"]["noise"][1]["level"] == 0.5
    assert quality["robustness"]["noise"][1]["drop"] > quality["robustness"]["noise"][0]["drop"]
    assert quality["robustness"]["missing"][0]["drop"] > 0
    assert quality["robustness"]["period"]["column"] == "day"
    assert quality["scalability"]["throughput_rows_s"] > 0
    assert quality["explainability"]["top"][0] == "size"
    assert quality["model_complexity"] | {"parameters_per_row": 0, "train_gap": 0} == {
        "estimator": "LogisticRegression", "parameters": 5, "depth": None, "features": 2,
        "parameters_per_row": 0, "train_gap": 0,
    }  # fmt: skip
    assert quality["resource_demand"]["latency_p95_ms"] >= quality["resource_demand"]["latency_p50_ms"] > 0
    flat = result.quality_metrics
    assert {"noise_drop", "missing_drop", "period_drop", "latency_p95_ms", "size_mb", "parameters"} <= set(
        flat
    )
    assert json.dumps(result.to_record(), allow_nan=False)


def test_a_seed_study_gives_mean_and_spread_and_the_steps_are_told(tmp_path):
    steps = []
    result = trained(tmp_path, steps, pipeline=FOREST, study={"seeds": 4, "folds": 3})

    values = [run["value"] for run in result.seed_study["runs"]]
    assert values[0] == result.metrics["roc_auc"]
    assert result.seed_study["n"] == 4
    assert result.seed_study["mean"] == pytest.approx(np.mean(values))
    assert result.seed_study["std"] == pytest.approx(np.std(values, ddof=1))
    assert result.quality_metrics["seed_std"] > 0
    assert result.cross_validation["n"] == 3
    assert sum(run["rows"] for run in result.cross_validation["runs"]) == 300
    names = [step for step, _share in steps]
    assert {"fold 3 of 3", "seed 4 of 4"} <= set(names)
    shares = [share for _step, share in steps]
    assert shares == sorted(shares)


def test_a_study_that_takes_too_long_says_what_it_left_out(tmp_path):
    result = trained(tmp_path, study={"seeds": 20, "max_seconds": 1e-9})

    assert (result.seed_study["n"], result.seed_study["left_out"]) == (1, 19)
    assert result.seed_study["std"] is None


def test_a_candidate_has_to_be_better_than_a_simple_pipeline(tmp_path):
    simple = {"kind": "pipeline", "pipeline": {"estimator": "decision_tree", "params": {"max_depth": 1}}}
    result = trained(tmp_path, baseline=simple)

    gained = result.metrics["roc_auc"] - result.baseline_metrics["roc_auc"]
    assert result.metrics["roc_auc_vs_baseline"] == pytest.approx(gained)
    assert gained > 0


def test_folds_follow_time_when_the_split_does_and_the_later_half_is_looked_at(tmp_path):
    split = {"kind": "time", "column": "day", "at": "2025-11-01"}
    result = trained(tmp_path, split=split, study={"folds": 2})

    assert result.cross_validation["n"] == 2
    assert result.quality["robustness"]["period"]["how"] == "the later half of the test set"


@pytest.mark.parametrize(
    ("pipeline", "depth"),
    [
        (FOREST, 3),
        ({"estimator": "hist_gradient_boosting", "params": {"max_iter": 3, "max_depth": 2}}, 2),
        ({"estimator": "gradient_boosting", "params": {"n_estimators": 3, "max_depth": 2}}, 2),
        ({"estimator": "k_nearest_neighbours"}, None),
        ({"estimator": "dummy"}, None),
    ],
)
def test_the_size_of_every_kind_of_model_is_told(tmp_path, pipeline, depth):
    found = trained(tmp_path, pipeline=pipeline).quality["model_complexity"]

    assert found["depth"] == depth
    assert pipeline["estimator"] == "dummy" or found["parameters"] > 0


def test_a_small_slice_is_marked_by_the_count_that_was_asked_for(tmp_path):
    few = trained(tmp_path, min_slice_rows=5).slices
    many = trained(tmp_path, min_slice_rows=90).slices

    assert not any(part["small"] for part in few.values())
    assert all(part["small"] for part in many.values())


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"study": {"seeds": 1}}, "/study/seeds"),
        ({"study": {"folds": 11}}, "/study/folds"),
        ({"study": {"robustness": {"noise": [2]}}}, "/study/robustness/noise/0"),
        ({"baseline": {"kind": "pipeline"}}, "/baseline"),
        ({"baseline": {"kind": "pipeline", "pipeline": {"estimator": "os.system"}}},
         "/baseline/pipeline/estimator"),
        ({"baseline": {"kind": "constant", "pipeline": {"estimator": "dummy"}}}, "/baseline"),
    ],
)  # fmt: skip
def test_a_bad_study_names_the_place(change, where):
    with pytest.raises(Invalid) as no:
        parse_training(given.spec(**change))

    assert no.value.where == where
