"""Generates the weekly sales of the Pizzatron story: seeded, documented, always the same bytes.

One row is one pizza in one store in one week, from January 2024 to March 2026. How a week comes about:

* The demand of a pizza depends on the store's type and size, the season, the temperature, holiday
  weeks, its price, and on what the people of that store happen to like.
* Some pizzas are promoted with coupons. Coupons bring extra buyers for that week, and a fifth of those
  who would have come anyway uses one too. So `units_sold` of a promoted pizza says more about the
  coupon than about the pizza. In December 2024 the American stores cleared their anchovies with coupons
  at half the price: Pineapple and Anchovy was sold like nothing else, and nobody wants it otherwise.
* `base_demand` is the promotion-adjusted demand as an analyst would estimate it from the tills: orders
  without a coupon (those refused for want of ingredients included), divided by four fifths where a
  coupon was around. It is an estimate with the noise of counting, not the demand itself.
* `stock_cover` is Monday's stock of the scarcest ingredient in weeks of usual sales; `in_stock` says
  whether it covers a promoted week (1.2). After the clearance anchovies are hardly bought any more.
* `last_year_demand` is the mean `base_demand` of the pizza in the region in the same week a year ago:
  the rule of thumb that owners went by, and the benchmark for every model.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from config.demo.pizzatron_menu import MARKETS, STORE_SIZES, STORE_TYPES, Market

SEED = 20240101
FIRST_WEEK = "2023-01-02"  # a year before the data begin, for `last_year_demand`
DATA_FROM = "2024-01-01"
WEEKS = 169  # to the end of March 2026
COVER_NEEDED = 1.2
CLEARED = "Pineapple and Anchovy"
SIZE_FACTOR = {"small": 0.7, "medium": 1.0, "large": 1.45}
COUPON_BUYERS = 0.2
"""Share of the usual buyers who use a coupon when there is one (the analyst's figure)."""
COLUMNS = (
    "week",
    "year",
    "month",
    "week_of_year",
    "country",
    "region",
    "store",
    "store_type",
    "store_size",
    "pizza",
    "price_local",
    "price_usd",
    "promoted",
    "promotion_depth",
    "temperature",
    "holiday_week",
    "stock_cover",
    "in_stock",
    "units_sold",
    "base_demand",
    "last_year_demand",
)


def generate(market: Market, seed: int = SEED) -> pd.DataFrame:
    """The sales of one market, ordered by week, store and pizza."""
    rng = np.random.default_rng([seed, *market.country.encode()])
    frame = _calendar(market).merge(_stores(market), how="cross")
    frame = frame.merge(_weather(market, rng), on=["week", "store"])
    frame = frame.merge(_menu(market), how="cross")
    frame = frame.sort_values(["week", "store", "pizza"], ignore_index=True)
    _prices(frame, market, rng)
    _promotions(frame, rng)
    demand = _demand(frame, rng)
    _stock(frame, demand, rng)
    _sales(frame, demand, rng)
    _last_year(frame)
    kept = frame[frame["week"] >= pd.Timestamp(DATA_FROM)].reset_index(drop=True)
    return kept[list(COLUMNS)]


def write(root: Path) -> dict[str, Path]:
    """Writes `pizzatron/{us,it,jp,all}.parquet` below `root`; gives the paths by these names."""
    folder = root / "pizzatron"
    folder.mkdir(parents=True, exist_ok=True)
    frames = {market.country.lower(): generate(market) for market in MARKETS}
    frames["all"] = pd.concat([frames["us"], frames["it"], frames["jp"]], ignore_index=True)
    paths = {}
    for name, frame in frames.items():
        paths[name] = folder / f"{name}.parquet"
        frame.to_parquet(paths[name], index=False)
    return paths


def _calendar(market: Market) -> pd.DataFrame:
    weeks = pd.date_range(FIRST_WEEK, periods=WEEKS, freq="7D")
    middle = weeks + pd.Timedelta(days=3)  # a week belongs to the month and year of its Thursday (ISO 8601)
    number = weeks.isocalendar().week.to_numpy(dtype=np.int64)
    return pd.DataFrame(
        {
            "week": weeks.astype("datetime64[ms]"),
            "year": middle.year.to_numpy(dtype=np.int64),
            "month": middle.month.to_numpy(dtype=np.int64),
            "week_of_year": number,
            "holiday_week": np.isin(number, market.holidays),
            # 1 in mid January, -1 in mid July
            "winter_now": np.cos(2 * np.pi * (number - 2.5) / 52.18),
        }
    )


def _stores(market: Market) -> pd.DataFrame:
    regions = list(market.regions)
    numbers = range(market.stores)
    return pd.DataFrame(
        {
            "country": market.country,
            "store": [f"{market.country}-{number + 1:03d}" for number in numbers],
            "region": [regions[number % len(regions)] for number in numbers],
            "store_type": [STORE_TYPES[(number // len(regions)) % 3] for number in numbers],
            "store_size": [STORE_SIZES[(number * 7 // 3) % 3] for number in numbers],
        }
    )


def _weather(market: Market, rng: np.random.Generator) -> pd.DataFrame:
    """Mean temperature of each store's week: the region's season, the region's week, the store's place."""
    calendar, stores = _calendar(market), _stores(market)
    shocks = {region: rng.normal(0, 1.0, len(calendar)) for region in market.regions}
    parts = []
    for store, region in zip(stores["store"], stores["region"], strict=True):
        mean, swing = market.regions[region]
        usual = mean - swing * calendar["winter_now"].to_numpy()
        measured = np.round(usual + shocks[region] + rng.normal(0, 2.0, len(calendar)), 1)
        parts.append(
            pd.DataFrame(
                {
                    "week": calendar["week"],
                    "store": store,
                    "temperature": measured,
                    "warmer": measured - usual,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _menu(market: Market) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "pizza": [item.name for item in market.menu],
            "usual_demand": [item.demand for item in market.menu],
            "winter": [item.winter for item in market.menu],
            "festive": [item.festive for item in market.menu],
            "usual_usd": [item.usd for item in market.menu],
            "usual_stock": [item.stock for item in market.menu],
            **{
                f"taste_{kind}": [item.tastes[place] for item in market.menu]
                for place, kind in enumerate(STORE_TYPES)
            },
        }
    )


def _prices(frame: pd.DataFrame, market: Market, rng: np.random.Generator) -> None:
    pairs = frame["store"] + "/" + frame["pizza"]
    codes, names = pd.factorize(pairs, sort=True)
    own = rng.uniform(0.92, 1.08, len(names))[codes]  # owners set prices within a band
    yearly = 1 + 0.01 * (frame["year"] - 2024)
    local = frame["usual_usd"] * market.price_level * market.local_per_usd * own * yearly
    frame["price_local"] = np.round(local / market.round_to) * market.round_to
    frame["price_usd"] = np.round(frame["price_local"] / market.local_per_usd, 2)
    frame["liked_here"] = rng.normal(0, 0.10, len(names))[codes]


def _promotions(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    promoted = rng.random(len(frame)) < 0.18
    depth = np.where(promoted, rng.choice([0.1, 0.2, 0.3], len(frame)), 0.0)
    clearance = (
        (frame["country"] == "US")
        & (frame["pizza"] == CLEARED)
        & (frame["year"] == 2024)
        & (frame["month"] == 12)
        & (rng.random(len(frame)) < 0.95)
    )
    frame["promotion_depth"] = np.where(clearance, 0.5, depth)
    frame["promoted"] = frame["promotion_depth"] > 0
    frame["clearance"] = clearance


def _demand(frame: pd.DataFrame, rng: np.random.Generator) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """The mean weekly demand without any coupon."""
    taste = np.select(
        [frame["store_type"] == kind for kind in STORE_TYPES],
        [frame[f"taste_{kind}"] for kind in STORE_TYPES],
    )
    size = frame["store_size"].map(SIZE_FACTOR).to_numpy(dtype=np.float64)
    season = np.exp(frame["winter"] * frame["winter_now"])
    weather = np.exp(-0.01 * frame["winter"] * frame["warmer"] * 4)
    festive = np.where(frame["holiday_week"], frame["festive"] * 1.1, 1.0)
    usual_price = frame.groupby("pizza")["price_usd"].transform("mean")
    price = (frame["price_usd"] / usual_price) ** -1.2
    chance = np.exp(frame["liked_here"] + rng.normal(0, 0.06, len(frame)))
    demand = frame["usual_demand"] * taste * size * season * weather * festive * price * chance
    return np.asarray(demand, dtype=np.float64)


def _stock(frame: pd.DataFrame, demand: Any, rng: np.random.Generator) -> None:
    cover = frame["usual_stock"] * np.exp(rng.normal(0, 0.28, len(frame)))
    cleared = (frame["country"] == "US") & (frame["pizza"] == CLEARED)
    after = cleared & (frame["week"] >= pd.Timestamp("2025-01-06"))
    stocked = np.where(frame["clearance"], 12.0, np.where(after, 0.45 * cover, cover))
    frame["stock_cover"] = np.round(stocked, 2)
    frame["in_stock"] = frame["stock_cover"] >= COVER_NEEDED
    frame["stock_units"] = np.floor(stocked * demand)


def _sales(frame: pd.DataFrame, demand: Any, rng: np.random.Generator) -> None:
    promoted = frame["promoted"].to_numpy()
    share = np.where(promoted, np.clip(rng.normal(COUPON_BUYERS, 0.04, len(frame)), 0.05, 0.4), 0.0)
    ordinary = rng.poisson(demand * (1 - share))
    pull = np.where(frame["clearance"], 10.0, 3.0 * frame["promotion_depth"])
    with_coupon = np.where(promoted, rng.poisson(demand * (share + pull)), 0)
    frame["units_sold"] = np.minimum(ordinary + with_coupon, frame["stock_units"]).astype(np.int64)
    frame["base_demand"] = np.round(ordinary / np.where(promoted, 1 - COUPON_BUYERS, 1.0), 1)


def _last_year(frame: pd.DataFrame) -> None:
    keys = ["region", "pizza", "week"]
    means: pd.DataFrame = frame.groupby(keys)["base_demand"].mean().reset_index()
    means["week"] = (means["week"] + pd.Timedelta(weeks=52)).astype("datetime64[ms]")
    means = means.rename(columns={"base_demand": "last_year_demand"})
    joined = frame[keys].merge(means, on=keys, how="left")
    frame["last_year_demand"] = joined["last_year_demand"].round(1).to_numpy()
