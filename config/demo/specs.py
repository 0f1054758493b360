"""The specifications of the demo runs, and the requirements that their gates check.

Every function gives a plain dictionary, as a person would write it. The limits were set from what an
honest model reaches on these data, with a margin.
"""

from typing import Any

Spec = dict[str, Any]

PIZZA_TEST_FROM = "2025-07-01"
PIZZA_WINDOW = ("2026-01-01", "2026-04-01")
PIZZA_SAME_SEASON = ("2025-01-01", "2025-04-01")


def _between(column: str, start: str, end: str) -> list[Spec]:
    return [{"column": column, "op": ">=", "value": start}, {"column": column, "op": "<", "value": end}]


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


def _pizza_training(file: str, target: str, numeric: list[str], categorical: list[str], *, stock: bool) -> Spec:
    return {
        "data": {"uri": f"pizzatron/{file}.parquet", "format": "parquet"},
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
    return _pizza_training("us", "units_sold", [*_SEASON, "price_local"], _STORE, stock=False)


def pizzatron_mended() -> Spec:
    """Iteration 1 mended: promotion-adjusted demand as the target, only what is in stock is recommended."""
    return _pizza_training("us", "base_demand", [*_SEASON, "price_local", "stock_cover"], _STORE, stock=True)


def pizzatron_all_markets() -> Spec:
    """Iteration 2: all three markets, prices in one currency, the country among the features."""
    return _pizza_training(
        "all", "base_demand", [*_SEASON, "price_usd", "stock_cover"], ["country", *_STORE], stock=True
    )
