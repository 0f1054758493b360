"""The flights story: real flights of 2013, and a forecast of delays that the summer makes stale."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pandas as pd
from django.conf import settings

from config.demo import flights_data, outside, requirements, rounds, specs
from config.demo.compliance import take_stock
from config.demo.console import DemoConsole
from config.demo.rounds import Plan, Window
from config.demo.setting import next_iteration, set_up
from config.demo.work import Team, do_task, shown_by
from lifecycle.models import Project

SLUG = "flights"
SCOPE = {"origin": ["EWR", "JFK", "LGA"]}
MONTHS = ("April", "May", "June", "July", "August", "September", "October", "November", "December")
WORDS: dict[str, dict[str, Any]] = {
    "1.1": {
        "users": "passengers who choose a flight",
        "decision": "which flight is less likely to arrive late",
        "domain": "departures from Newark, Kennedy and LaGuardia",
        "not_used": "the delay at departure, which is not known when one books",
    },
    "1.2.2": {
        "metric": "Brier score of the forecast that a flight arrives 15 minutes late or more",
        "benchmark": "the carrier's own record",
        "slices": ["carrier", "origin"],
    },
    "5.4": {"rule": "without an authorized model the carrier's own record is shown"},
}


def tell(console: DemoConsole) -> Project:
    """Tell the whole story, or what of it has not happened yet. Needs a worker."""
    with console.step("Gather: the 336,776 flights that left New York in 2013"):
        flights_data.write(settings.GATEBOOK_DATA_ROOT)
    team = set_up(
        console,
        slug=SLUG,
        name="Flight delays",
        purpose="Forecasts for flights out of New York how likely it is that they arrive late.",
        requirements=requirements.flights_requirements(),
        title="A forecast from the winter's flights",
        reason="Passengers ask which flight to take; the flights of January to March are there.",
    )
    if team.iteration.number == 1:
        _winter(team)
        next_iteration(team, trigger="T-04", start_phase="P2", because="it trains on the summer as well")
    _to_july(team)
    take_stock(team, licence="CC0-1.0", owner="Marta Ibsen")
    return team.project


def _winter(team: Team) -> None:
    """Iteration 1: trained on January to March, watched month by month until something moves."""
    team.console.title("Iteration 1: January to March")
    with outside.tracker(team) as address:
        plan = _plan(
            "flights of January to March",
            last_month=3,
            elsewhere=lambda team: outside.challenger(team, address, last_month=3),
        )
        rounds.study(team, plan)
        rounds.prepare(team, plan)
        trained = rounds.train(team, plan, "winter", specs.flights_winter(), "January to March")
    rounds.evaluate(team, plan, trained)
    model = rounds.model_of(trained)
    rounds.authorize(team, plan, model, "Calibrated, and better than the carriers' own records.")
    rounds.deploy(team, plan, model)
    runs = rounds.watch(team, model, [_watched(month, reference_until=3) for month in range(4, 8)])
    elsewhere = outside.watched_by_evidently(team, model, month=7, until=3)
    do_task(team, "6.1", shown_by(*runs, elsewhere))


def _to_july(team: Team) -> None:
    """Iteration 2: trained on January to July, watched for the rest of the year."""
    team.console.title("Iteration 2: January to July")
    plan = _plan("flights of January to July", last_month=7)
    rounds.prepare(team, plan)
    trained = rounds.train(team, plan, "july", specs.flights_to_july(), "January to July")
    rounds.evaluate(team, plan, trained)
    model = rounds.model_of(trained)
    rounds.authorize(team, plan, model, "Holds in the summer months too.")
    rounds.deploy(team, plan, model)
    runs = rounds.watch(team, model, [_watched(month, reference_until=7) for month in range(8, 13)])
    do_task(team, "6.1", shown_by(*runs))


def _plan(data: str, *, last_month: int, elsewhere: Callable[[Team], None] | None = None) -> Plan:
    return Plan(
        data=data,
        validation=specs.flights_validation(last_month),
        blind=[_blind(last_month)],
        scope=SCOPE,
        drill=_drill,
        words=WORDS,
        returned_for="The sheet does not say what becomes of cancelled flights." if last_month == 3 else "",
        outside=elsewhere,
    )


def _blind(last_month: int) -> Window:
    title = "flights held back from the training"
    return Window(f"to{last_month}", title, lambda digest: specs.flights_evaluation(last_month, digest))


def _watched(month: int, *, reference_until: int) -> Window:
    return Window(
        f"{month:02}",
        f"{MONTHS[month - 4]} 2013",
        lambda digest: specs.flights_monitoring(month, digest, reference_until=reference_until),
    )


def _drill() -> dict[str, Any]:
    """Every carrier's record is computed afresh, and it is timed: what is shown without a model."""
    begun = time.monotonic()
    path = settings.GATEBOOK_DATA_ROOT / "flights" / "flights.parquet"
    frame = pd.read_parquet(path, columns=["carrier", "late"]).dropna()
    shares = frame.groupby("carrier")["late"].mean()
    seconds = round(time.monotonic() - begun, 3)
    return {"fallback": "the carrier's own record", "carriers": len(shares), "seconds": seconds}
