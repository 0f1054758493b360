"""Pizzatron's answer: what one store should promote in one week, with a reason for each item."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from config.demo.pizzatron_data import COVER_NEEDED
from ledger.errors import Invalid
from lifecycle.executors import Model
from lifecycle.executors.errors import nearest


@dataclass(frozen=True)
class Recommendation:
    """One pizza to promote; `expected_demand` in pizzas a week, `stock_cover` in weeks of usual sales."""

    rank: int
    pizza: str
    expected_demand: float
    last_year_demand: float
    stock_cover: float
    reason: str


@dataclass(frozen=True)
class LeftOut:
    """A pizza that would have been recommended, had the ingredients been there."""

    pizza: str
    expected_demand: float
    stock_cover: float
    reason: str


@dataclass(frozen=True)
class Advice:
    """The recommendations for a store and week, the best first."""

    country: str
    store: str
    week: str
    promote: tuple[Recommendation, ...]
    left_out: tuple[LeftOut, ...]


def store_week(data: Path, *, country: str, store: str, week: str) -> pd.DataFrame:
    """The menu of a store in the week that holds the day `week` (ISO date).

    `data` is a file that `pizzatron_data.write` has made. Raises Invalid naming what is not known.
    """
    frame = pd.read_parquet(data)
    frame = _only(frame, "country", country.upper())
    frame = _only(frame, "store", store)
    try:
        day = pd.Timestamp(week).normalize()
    except ValueError as error:
        raise Invalid("bad_week", f"“{week}” is no date such as 2026-02-09.", "week") from error
    monday = day - pd.Timedelta(days=day.day_of_week)
    chosen = frame[frame["week"] == monday]
    if chosen.empty:
        first, last = frame["week"].min().date(), frame["week"].max().date()
        text = f"There is no week of {monday.date()}; the data reach from {first} to {last}."
        raise Invalid("unknown_week", text, "week")
    return chosen.reset_index(drop=True)


def _only(frame: pd.DataFrame, column: str, value: str) -> pd.DataFrame:
    kept = frame[frame[column] == value]
    if kept.empty:
        known = sorted(str(item) for item in frame[column].unique())
        raise Invalid(f"unknown_{column}", f"There is no {column} “{value}”. {nearest(value, known)}", column)
    return kept


def recommend(model: Model, store_frame: pd.DataFrame, k: int = 3) -> Advice:
    """The `k` pizzas with the highest expected demand among those whose ingredients suffice.

    `store_frame` holds the menu of one store and week, as `store_week` gives it. Raises Invalid for
    an empty menu or a missing column.
    """
    if store_frame.empty:
        raise Invalid("empty_menu", "There is no pizza to choose from.", "store_frame")
    ranked = store_frame.assign(expected=model.score(store_frame)).sort_values(
        ["expected", "pizza"], ascending=[False, True], ignore_index=True
    )
    possible = ranked[ranked["in_stock"]].head(k)
    worst = float(possible["expected"].min()) if len(possible) else float("-inf")
    missing = ranked[~ranked["in_stock"] & (ranked["expected"] > worst)].head(k)
    first = ranked.iloc[0]
    return Advice(
        country=str(first["country"]),
        store=str(first["store"]),
        week=first["week"].date().isoformat(),
        promote=tuple(
            _recommendation(rank, row) for rank, (_, row) in enumerate(possible.iterrows(), start=1)
        ),
        left_out=tuple(_left_out(row) for _, row in missing.iterrows()),
    )


def _recommendation(rank: int, row: "pd.Series[Any]") -> Recommendation:
    expected, before, cover = (
        float(row["expected"]),
        float(row["last_year_demand"]),
        float(row["stock_cover"]),
    )
    parts = [f"about {expected:.0f} guests would order it anyway", _against(expected, before)]
    if row["holiday_week"]:
        parts.append("it is a holiday week")
    parts.append(f"the ingredients last {cover:.1f} weeks")
    reason = "; ".join(part for part in parts if part)
    return Recommendation(
        rank, str(row["pizza"]), round(expected, 1), before, cover, reason[0].upper() + reason[1:] + "."
    )


def _against(expected: float, before: float) -> str:
    """How the store compares with what its region sold in the same week last year."""
    if before <= 0:
        return ""
    change = expected / before - 1
    if abs(change) < 0.05:
        return "as many as in a usual store of the region a year ago"
    word = "more" if change > 0 else "fewer"
    return f"{abs(change):.0%} {word} than in a usual store of the region a year ago"


def _left_out(row: "pd.Series[Any]") -> LeftOut:
    cover = float(row["stock_cover"])
    reason = f"The ingredients last {cover:.1f} weeks only; a promotion needs {COVER_NEEDED:.1f}."
    return LeftOut(str(row["pizza"]), round(float(row["expected"]), 1), cover, reason)
