"""The two stories are true of their data: measured, not asserted."""

import hashlib

import pandas as pd
import pytest

from config.demo import flights_data, pizzatron_data, requirements, specs
from config.demo.advice import recommend, store_week
from config.demo.pizzatron_menu import UNITED_STATES
from ledger.errors import Invalid
from lifecycle.executors import (
    load_model,
    monitor,
    parse_evaluation,
    parse_monitoring,
    parse_training,
    parse_validation,
    train,
    validate_data,
)
from lifecycle.executors.judging import check_limits
from lifecycle.executors.specs import MetricLimit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    pizzatron_data.write(folder)
    flights_data.write(folder)
    return folder


@pytest.fixture(scope="module")
def trained(root):
    def make(spec):
        return train(parse_training(spec), root=root, workdir=root / "models")

    return {
        "first": make(specs.pizzatron_first_try()),
        "mended": make(specs.pizzatron_mended()),
        "all": make(specs.pizzatron_all_markets()),
        "winter": make(specs.flights_winter()),
        "july": make(specs.flights_to_july()),
    }


@pytest.fixture(scope="module")
def watch(root):
    def load(sha256):
        return load_model(root / "models" / f"{sha256}.skops", sha256)

    def look(spec):
        return monitor(parse_monitoring(spec), root=root, model_loader=load)

    return look


def missed(needs, result):
    limits = [
        MetricLimit(metric=need["metric"], op=need["operator"], limit=need["limit"], slice=need["slice"])
        for need in needs
    ]
    checked = check_limits(limits, result.metrics, result.slices)
    return [need["key"] for need, found in zip(needs, checked, strict=True) if not found["holds"]]


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_generator_gives_the_same_bytes_twice(root, tmp_path):
    again = pizzatron_data.write(tmp_path)

    for name, path in again.items():
        assert digest(path) == digest(root / "pizzatron" / f"{name}.parquet")


def test_the_generated_sales_are_complete(root):
    frame = pd.read_parquet(root / "pizzatron" / "all.parquet")

    assert tuple(frame.columns) == pizzatron_data.COLUMNS
    assert not frame.isna().any().any()
    assert len(frame) == 117 * (40 * 10 + 15 * 9 + 15 * 9)
    assert not frame.duplicated(["week", "store", "pizza"]).any()


def test_another_seed_gives_other_sales():
    one, two = pizzatron_data.generate(UNITED_STATES), pizzatron_data.generate(UNITED_STATES, seed=5)

    assert not one["units_sold"].equals(two["units_sold"])


def test_the_clearance_sold_what_nobody_wants(root):
    frame = pd.read_parquet(root / "pizzatron" / "us.parquet")
    december = frame[(frame["year"] == 2024) & (frame["month"] == 12)].groupby("pizza")

    assert december["units_sold"].mean().idxmax() == pizzatron_data.CLEARED
    assert december["base_demand"].mean().idxmin() == pizzatron_data.CLEARED


@pytest.mark.parametrize("file", ["us", "it", "jp", "all"])
def test_the_generated_sales_are_valid(root, file):
    assert validate_data(parse_validation(specs.pizzatron_validation(file)), root=root).violations == []


def test_the_first_try_is_good_on_average_and_fails_in_december_and_on_stock(trained):
    assert missed(requirements.pizzatron_requirements(), trained["first"]) == [
        "christmas-quality",
        "christmas-better-than-last-year",
        "no-empty-shelves",
        "christmas-shelves",
    ]


def test_the_mended_model_holds_all_requirements(trained):
    assert missed(requirements.pizzatron_requirements(), trained["mended"]) == []


def test_the_model_of_all_markets_holds_in_each_country(trained):
    needs = requirements.pizzatron_requirements() + requirements.pizzatron_country_requirements()

    assert missed(needs, trained["all"]) == []


@pytest.mark.parametrize(("country", "verdict"), [("us", "ok"), ("it", "drift"), ("jp", "drift")])
def test_the_american_model_drifts_abroad_only(trained, watch, country, verdict):
    result = watch(specs.pizzatron_monitoring(country, trained["mended"].model_sha256))

    assert result.verdict == verdict
    assert bool(result.features["pizza"]["unseen"]) == (verdict == "drift")
    assert (result.metrics["ndcg_at_3_vs_baseline"] > 0) == (verdict == "ok")


@pytest.mark.parametrize("country", ["us", "it", "jp"])
def test_the_model_of_all_markets_is_at_home_everywhere(trained, watch, country):
    result = watch(specs.pizzatron_monitoring(country, trained["all"].model_sha256, reference=country))

    assert result.verdict == "ok"


def test_the_first_try_recommends_pineapple_and_anchovy_at_christmas_and_the_mended_one_does_not(
    root, trained
):
    menu = store_week(root / "pizzatron" / "us.parquet", country="us", store="US-001", week="2025-12-24")

    def answer(key):
        return recommend(load_model(trained[key].model_path, trained[key].model_sha256), menu)

    first, mended = answer("first"), answer("mended")
    wanted = [item.pizza for item in first.promote] + [item.pizza for item in first.left_out]
    assert pizzatron_data.CLEARED in wanted
    assert pizzatron_data.CLEARED not in [item.pizza for item in mended.promote]
    assert [item.rank for item in mended.promote] == [1, 2, 3]
    assert all(item.stock_cover >= pizzatron_data.COVER_NEEDED for item in mended.promote)
    assert all("weeks" in item.reason for item in mended.promote)


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ({"country": "FR", "store": "US-001", "week": "2025-12-24"}, "unknown_country"),
        ({"country": "US", "store": "US-999", "week": "2025-12-24"}, "unknown_store"),
        ({"country": "US", "store": "US-001", "week": "2035-12-24"}, "unknown_week"),
        ({"country": "US", "store": "US-001", "week": "Christmas"}, "bad_week"),
    ],
)
def test_a_store_or_week_that_is_not_there_is_named(root, place, code):
    with pytest.raises(Invalid) as no:
        store_week(root / "pizzatron" / "all.parquet", **place)

    assert no.value.code == code


def test_an_evaluation_specification_is_valid():
    assert parse_evaluation(specs.pizzatron_evaluation("it", "0" * 64)).limits


def test_all_flights_are_there_and_the_departure_delay_is_not(root):
    frame = pd.read_parquet(root / "flights" / "flights.parquet")

    assert len(frame) == 336_776
    assert "dep_delay" not in frame.columns
    assert frame["late"].isna().sum() == frame["arr_delay"].isna().sum() == 9_430
    assert frame.groupby("month")["late"].mean().idxmax() == 12


def test_both_flight_models_hold_their_requirements(trained):
    for key in ("winter", "july"):
        assert missed(requirements.flights_requirements(), trained[key]) == []


@pytest.mark.parametrize(("month", "verdict"), [(4, "ok"), (5, "ok"), (6, "drift"), (7, "drift")])
def test_the_summer_is_what_the_winter_model_did_not_know(trained, watch, month, verdict):
    result = watch(specs.flights_monitoring(month, trained["winter"].model_sha256))

    assert result.verdict == verdict
    assert all(found["verdict"] == "ok" for found in result.features.values())  # the flights are the same


def test_the_model_to_july_is_right_in_august(trained, watch):
    result = watch(specs.flights_monitoring(8, trained["july"].model_sha256, reference_until=7))

    assert result.verdict == "ok"
