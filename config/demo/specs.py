"""The specifications of the demo runs, each a plain dictionary as a person would write it."""

from typing import Any

Spec = dict[str, Any]

PIZZA_TEST_FROM = "2025-07-01"
PIZZA_WINDOW = ("2026-01-01", "2026-04-01")
PIZZA_SAME_SEASON = [
    {"column": "week", "op": "<", "value": PIZZA_WINDOW[0]},
    {"column": "month", "op": "in", "value": [1, 2, 3]},
]


def _between(column: str, start: str, end: str) -> list[Spec]:
    return [{"column": column, "op": ">=", "value": start}, {"column": column, "op": "<", "value": end}]


def _before(column: str, end: str) -> list[Spec]:
    return [{"column": column, "op": "<", "value": end}]


def _pizza_ranking(*, stock: bool) -> Spec:
    return {
        "group": ["store", "week"],
        "relevance": "base_demand",
        "k": 3,
        "feasible": "in_stock",
        "filter_infeasible": stock,
    }


def _pizza_pipeline() -> Spec:
    return {
        "estimator": "hist_gradient_boosting",
        "params": {"max_iter": 200, "learning_rate": 0.1, "max_leaf_nodes": 31, "min_samples_leaf": 20},
        "impute": "none",
        "encode": "ordinal",
    }


def _pizza_training(
    file: str, target: str, numeric: list[str], categorical: list[str], *, stock: bool, until: str
) -> Spec:
    return {
        "data": {"uri": f"pizzatron/{file}.parquet", "format": "parquet", "where": _before("week", until)},
        "target": target,
        "task": "ranking",
        "ranking": _pizza_ranking(stock=stock),
        "features": {"numeric": numeric, "categorical": categorical},
        "split": {"kind": "time", "column": "week", "at": PIZZA_TEST_FROM},
        "pipeline": _pizza_pipeline(),
        "metrics": ["ndcg_at_3", "infeasible_rate_at_3", "mae", "rmse", "r2", "bias"],
        "slices": [
            {"column": "month"},
            {"column": "country"},
            {"column": "region"},
            {"column": "store_size"},
            {"column": "store_type"},
            {"column": "holiday_week"},
        ],
        "baseline": {"kind": "column", "columns": ["last_year_demand"]},
        "seed": 7,
    }


_STORE = ["pizza", "region", "store_type", "store_size"]
_SEASON = ["week_of_year", "month", "temperature", "holiday_week"]


def pizzatron_first_try() -> Spec:
    """Iteration 1 with both mistakes: units sold as the target, and no look at the stock."""
    return _pizza_training(
        "us", "units_sold", [*_SEASON, "price_local"], _STORE, stock=False, until=PIZZA_WINDOW[0]
    )


def pizzatron_mended() -> Spec:
    """Iteration 1 mended: promotion-adjusted demand as the target, only what is in stock is recommended."""
    return _pizza_training(
        "us",
        "base_demand",
        [*_SEASON, "price_local", "stock_cover"],
        _STORE,
        stock=True,
        until=PIZZA_WINDOW[0],
    )


def pizzatron_all_markets() -> Spec:
    """Iteration 2: all three markets, prices in one currency, the country among the features."""
    return _pizza_training(
        "all",
        "base_demand",
        [*_SEASON, "price_usd", "stock_cover"],
        ["country", *_STORE],
        stock=True,
        until=PIZZA_WINDOW[1],
    )


def pizzatron_monitoring(country: str, model_sha256: str, *, reference: str = "us") -> Spec:
    """The first quarter of 2026 in `country` against the first quarters before it in `reference`.

    Both are names of files (us, it, jp); the reference is what the model was trained on. The season is
    the same on both sides, so that winter itself is not taken for drift.
    """
    return {
        "reference": {
            "uri": f"pizzatron/{reference}.parquet",
            "format": "parquet",
            "where": PIZZA_SAME_SEASON,
        },
        "current": {
            "uri": f"pizzatron/{country}.parquet",
            "format": "parquet",
            "where": _between("week", *PIZZA_WINDOW),
        },
        "features": {
            "numeric": ["price_local", "temperature", "stock_cover"],
            "categorical": ["pizza", "store_type", "store_size"],
        },
        "model_sha256": model_sha256,
        "task": "ranking",
        "target": "base_demand",
        "ranking": _pizza_ranking(stock=True),
        "metrics": ["ndcg_at_3", "infeasible_rate_at_3", "mae", "bias"],
        "slices": [{"column": "month"}, {"column": "region"}, {"column": "store_type"}],
        "baseline": {"kind": "column", "columns": ["last_year_demand"]},
        "limits": {
            "metrics": [
                {"metric": "ndcg_at_3", "op": ">=", "limit": 0.92},
                {"metric": "ndcg_at_3_vs_baseline", "op": ">=", "limit": 0.0},
            ]
        },
        "seed": 7,
    }


def pizzatron_evaluation(country: str, model_sha256: str, *, stock: bool = True) -> Spec:
    """A stored model judged on a country's own stores in the first quarter of 2026.

    Without `stock` the recommendations are judged as the first try would have given them.
    """
    watched = {**pizzatron_monitoring(country, model_sha256), "ranking": _pizza_ranking(stock=stock)}
    kept = ("model_sha256", "task", "target", "ranking", "metrics", "slices", "baseline", "seed")
    return {
        "data": watched["current"],
        **{key: watched[key] for key in kept},
        "limits": watched["limits"]["metrics"],
    }


def pizzatron_validation(file: str) -> Spec:
    """What the sales of a market (us, it, jp, all) must be like before anybody trains on them."""
    return {
        "data": {"uri": f"pizzatron/{file}.parquet", "format": "parquet"},
        "unique": ["week", "store", "pizza"],
        "min_rows": 5000,
        "columns": [
            {"name": "week", "kind": "date"},
            {"name": "country", "kind": "text", "allowed": ["US", "IT", "JP"]},
            {"name": "store", "kind": "text"},
            {"name": "pizza", "kind": "text"},
            {"name": "price_usd", "kind": "number", "minimum": 2, "maximum": 60},
            {"name": "temperature", "kind": "number", "minimum": -40, "maximum": 50},
            {"name": "stock_cover", "kind": "number", "minimum": 0, "maximum": 52},
            {"name": "in_stock", "kind": "boolean"},
            {"name": "units_sold", "kind": "number", "minimum": 0, "maximum": 5000},
            {"name": "base_demand", "kind": "number", "minimum": 0, "maximum": 5000},
        ],
    }


FLIGHT_LAST_DAY = 24
"""Later days of each month are kept for the blind test."""

_FLIGHT_NUMERIC = ["hour", "sched_dep_minutes", "sched_arr_minutes", "distance", "weekday"]
_FLIGHT_CATEGORICAL = ["carrier", "origin", "dest"]
_FLIGHT_METRICS = ["brier", "log_loss", "roc_auc", "calibration_gap", "accuracy", "recall", "precision"]
_FLIGHT_SLICES = [{"column": "carrier"}, {"column": "origin"}, {"column": "date", "bin": "month"}]


def _flights(first_month: int, last_month: int) -> Spec:
    return {
        "uri": "flights/flights.parquet",
        "format": "parquet",
        "where": [
            {"column": "month", "op": ">=", "value": first_month},
            {"column": "month", "op": "<=", "value": last_month},
        ],
    }


def _flights_training(last_month: int, numeric: list[str]) -> Spec:
    data = _flights(1, last_month)
    seen = {"column": "day", "op": "<=", "value": FLIGHT_LAST_DAY}
    return {
        "data": {**data, "where": [*data["where"], seen]},
        "target": "late",
        "task": "classification",
        "positive": 1,
        "threshold": 0.3,
        "features": {"numeric": numeric, "categorical": _FLIGHT_CATEGORICAL},
        "split": {"kind": "random", "test_share": 0.25, "seed": 13},
        "pipeline": {
            "estimator": "hist_gradient_boosting",
            "params": {"max_iter": 120, "learning_rate": 0.08, "max_leaf_nodes": 15, "min_samples_leaf": 50},
            "impute": "none",
            "encode": "ordinal",
        },
        "metrics": _FLIGHT_METRICS,
        "slices": _FLIGHT_SLICES,
        "baseline": {"kind": "group_mean", "columns": ["carrier"]},
        "seed": 13,
    }


def flights_winter() -> Spec:
    """Iteration 1: January to March, a quarter of the flights held back for the test."""
    return _flights_training(3, _FLIGHT_NUMERIC)


def flights_to_july() -> Spec:
    """Iteration 2, after the summer's drift: January to July."""
    return _flights_training(7, _FLIGHT_NUMERIC)


def flights_monitoring(month: int, model_sha256: str, *, reference_until: int = 3) -> Spec:
    """One month (4 to 12) against the months that the model was trained on."""
    return {
        "reference": _flights(1, reference_until),
        "current": _flights(month, month),
        "features": {"numeric": _FLIGHT_NUMERIC, "categorical": _FLIGHT_CATEGORICAL},
        "model_sha256": model_sha256,
        "task": "classification",
        "target": "late",
        "threshold": 0.3,
        "metrics": _FLIGHT_METRICS,
        "slices": _FLIGHT_SLICES[:2],
        "limits": {
            "metrics": [
                {"metric": "brier", "op": "<=", "limit": 0.2},
                {"metric": "calibration_gap", "op": "<=", "limit": 0.075},
            ]
        },
        "seed": 13,
    }


def flights_evaluation(last_month: int, model_sha256: str) -> Spec:
    """A stored model judged on the last days of the months that it was trained on, which it never saw."""
    watched = flights_monitoring(last_month, model_sha256, reference_until=last_month)
    kept = ("model_sha256", "task", "target", "threshold", "metrics", "slices", "seed")
    data = _flights(1, last_month)
    blind = {"column": "day", "op": ">", "value": FLIGHT_LAST_DAY}
    return {
        "data": {**data, "where": [*data["where"], blind]},
        "positive": 1,
        **{key: watched[key] for key in kept},
    }


def flights_validation(last_month: int) -> Spec:
    """What the flights of January to `last_month` must be like before anybody trains on them."""
    return {
        "data": _flights(1, last_month),
        "min_rows": 50_000,
        "columns": [
            {"name": "date", "kind": "date"},
            {"name": "month", "kind": "number", "minimum": 1, "maximum": 12},
            {"name": "hour", "kind": "number", "minimum": 0, "maximum": 24},
            {"name": "carrier", "kind": "text"},
            {"name": "origin", "kind": "text", "allowed": ["EWR", "JFK", "LGA"]},
            {"name": "dest", "kind": "text"},
            {"name": "distance", "kind": "number", "minimum": 10, "maximum": 6000},
        ],
    }
