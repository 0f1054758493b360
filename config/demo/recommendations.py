"""Pizzatron's answers: what a store should promote, by the authorized model, else by the benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from django.conf import settings

from config.demo.advice import recommend, store_week
from governance.models import Deployment
from governance.queries.gate_checks import Decision, gate_check
from ledger.errors import Invalid
from lifecycle.executors import load_model
from lifecycle.services.model_store import local_model

SLUG = "pizzatron"
ENVIRONMENT = "production"
BEST = 3


@dataclass(frozen=True)
class Suggestion:
    """One pizza to promote, and why."""

    pizza: str
    reason: str


@dataclass(frozen=True)
class Answer:
    """What Pizzatron says to one store for one week.

    `decision` is the gate check's answer for the live model, None if nothing is live. Unless it allows, the
    benchmark answers and `by_model` is false.
    """

    store: str
    country: str
    week: str
    suggestions: tuple[Suggestion, ...]
    decision: Decision | None
    by_model: bool


def sales() -> Path:
    """The file with the sales of all markets. Raises `Invalid` before the story was told."""
    path = settings.GATEBOOK_DATA_ROOT / "pizzatron" / "all.parquet"
    if not path.exists():
        raise Invalid("no_data", "There are no sales yet: run ./gatebook demo first.", "store")
    return Path(path)


def choices() -> tuple[list[str], list[str]]:
    """The stores, and the twelve newest weeks, that can be asked about."""
    frame = pd.read_parquet(sales(), columns=["week", "store"])
    weeks = sorted((f"{week:%Y-%m-%d}" for week in frame["week"].unique()), reverse=True)
    return sorted(str(store) for store in frame["store"].unique()), weeks[:12]


def answer(*, store: str, week: str = "") -> Answer:
    """Recommend up to three promotions for a store (such as IT-003) and the week of a day, or the newest.

    The live deployment's model is asked only if the gate check allows its digest in production for the
    store's country. Raises `Invalid` for a store or week that is not known.
    """
    country = store.partition("-")[0]
    rows = store_week(sales(), country=country, store=store, week=week or choices()[1][0])
    day = rows["week"].iloc[0].date().isoformat()
    live = (
        Deployment.objects.filter(project__slug=SLUG, environment=ENVIRONMENT, state=Deployment.State.LIVE)
        .select_related("model_version")
        .first()
    )
    if live is None:
        return Answer(store, country, day, _benchmark(rows), None, by_model=False)
    digest = live.model_version.digest
    decision = gate_check(model_digest=digest, environment=ENVIRONMENT, scope={"country": [country]})
    if not decision.allow:
        return Answer(store, country, day, _benchmark(rows), decision, by_model=False)
    with local_model(live.model_version.path) as path:
        advice = recommend(load_model(path, digest), rows, k=BEST)
    found = tuple(Suggestion(item.pizza, item.reason) for item in advice.promote)
    return Answer(store, country, day, found, decision, by_model=True)


def fallback(root: Path) -> int:
    """Answer every American store's newest week from the benchmark alone; how many got an answer."""
    frame = pd.read_parquet(root / "pizzatron" / "us.parquet")
    newest = frame[frame["week"] == frame["week"].max()]
    return sum(1 for _store, rows in newest.groupby("store") if _benchmark(rows))


def _benchmark(rows: pd.DataFrame) -> tuple[Suggestion, ...]:
    there = rows[rows["in_stock"]].sort_values("last_year_demand", ascending=False).head(BEST)
    return tuple(Suggestion(str(pizza), "Sold best in the same week last year.") for pizza in there["pizza"])
