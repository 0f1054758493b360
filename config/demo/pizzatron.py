"""The Pizzatron story: a model is refused, mended, deployed, found drifting and sent round again."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from django.conf import settings

from config.demo import pizzatron_data, requirements, rounds, specs
from config.demo.compliance import take_stock
from config.demo.console import DemoConsole
from config.demo.recommendations import fallback
from config.demo.rounds import Plan, Window
from config.demo.setting import next_iteration, require, set_up
from config.demo.work import Team, ask_gate, do_task, shown_by, sign, unmet
from config.demo.worker import DemoError
from governance.models import Gate
from governance.services.gates import refuse_gate
from lifecycle.models import Project

SLUG = "pizzatron"
COUNTRIES = {"us": "the United States", "it": "Italy", "jp": "Japan"}
MISTAKE = (
    "Coupons were counted as demand, so that pineapple and anchovy became the Christmas best-seller, and the "
    "stock was not looked at: three of ten promotions in December could not have been baked."
)
WORDS: dict[str, dict[str, Any]] = {
    "1.1": {
        "users": "owners of franchises",
        "decision": "which three pizzas to promote next week",
        "domain": "stores in the United States",
        "out_of_scope": ["Italy", "Japan"],
        "constraint": "what is promoted must be in stock",
    },
    "1.2.2": {
        "metric": "ndcg_at_3 on demand without coupons",
        "benchmark": "the same week of last year",
        "slices": ["month", "region"],
    },
    "5.4": {"rule": "nothing is recommended that is out of stock; unknown countries get the benchmark"},
}


def tell(console: DemoConsole, *, leave_gate: bool = False) -> Project:
    """Tell the whole story, or what of it has not happened yet. Needs a worker.

    `leave_gate` ends it at the last deployment decision, with one of its two signatures.
    """
    with console.step("Gather: sales of stores in the United States, Italy and Japan"):
        pizzatron_data.write(settings.GATEBOOK_DATA_ROOT)
    team = set_up(
        console,
        slug=SLUG,
        name="Pizzatron",
        purpose="Recommends up to three promotions for a store and week to the owners of pizza franchises.",
        requirements=requirements.pizzatron_requirements(),
        title="Promotions for stores in the United States",
        reason="Owners ask which pizzas to promote; the sales of two years are there.",
    )
    if team.iteration.number == 1:
        _at_home(team)
        next_iteration(team, trigger="T-06", start_phase="P2", because="it trains on all three markets")
    _everywhere(team, leave_gate=leave_gate)
    take_stock(team, licence="made by Gatebook for this story", owner="Marta Ibsen")
    return team.project


def _at_home(team: Team) -> None:
    """Iteration 1. The first candidate is refused; the mended one goes live; abroad it would not do."""
    team.console.title("Iteration 1: the United States")
    plan = _plan("us", {"country": ["US"]}, "The data sheet does not say how coupons are marked.")
    rounds.study(team, plan)
    rounds.prepare(team, plan)
    if not team.iteration.gates.filter(key="G4", state=Gate.State.REFUSED).exists():
        _refused(team, replace(plan, blind=[_blind("us", stock=False)]))
    spec, title = specs.pizzatron_mended(), "demand without coupons, what is in stock"
    trained = rounds.train(team, plan, "mended", spec, title)
    rounds.evaluate(team, plan, trained)
    model = rounds.model_of(trained)
    comment = "December holds, and nothing is recommended that is out of stock. For the United States only."
    rounds.authorize(team, plan, model, comment)
    rounds.deploy(team, plan, model)
    runs = rounds.watch(team, model, [_watched(country, "us") for country in COUNTRIES])
    do_task(team, "6.1", shown_by(runs[0]))


def _refused(team: Team, plan: Plan) -> None:
    """The first try takes units sold for demand and does not look at the stock. The gate sees both."""
    trained = rounds.train(team, plan, "first", specs.pizzatron_first_try(), "units sold, as first thought")
    rounds.evaluate(team, plan, trained)
    model = rounds.model_of(trained)
    evaluation = ask_gate(team, "G4", model=model, environment=rounds.ENVIRONMENT, scope={"country": ["US"]})
    if evaluation.verdict:
        raise DemoError("The first candidate should not have met the criteria.")
    for reason in unmet(evaluation):
        team.console.line(f"G4 not met: {reason}")
    refuse_gate(gate=evaluation.gate, actor=team.who("marta"), reason=MISTAKE, target_phase="P3")
    team.console.line("G4 Deployment decision: refused, back to modeling.")


def _everywhere(team: Team, *, leave_gate: bool) -> None:
    """Iteration 2: one model for all three markets, which has to hold in each of them."""
    team.console.title("Iteration 2: all three markets")
    require(team.project, requirements.pizzatron_country_requirements(), team.who("marta"))
    plan = _plan("all", {"country": ["US", "IT", "JP"]}, "")
    rounds.prepare(team, plan)
    trained = rounds.train(team, plan, "all", specs.pizzatron_all_markets(), "all markets, one currency")
    rounds.evaluate(team, plan, trained)
    model = rounds.model_of(trained)
    comment = "Every country holds against its own benchmark."
    if leave_gate:
        asked = ask_gate(team, "G4", model=model, environment=rounds.ENVIRONMENT, scope=dict(plan.scope))
        sign(team, asked, "saskia", comment)
        team.console.line("G4 Deployment decision: one signature is missing. Log in as dario.")
        return
    rounds.authorize(team, plan, model, comment)
    rounds.deploy(team, plan, model)
    runs = rounds.watch(team, model, [_watched(country, country) for country in COUNTRIES])
    do_task(team, "6.1", shown_by(*runs))


def _plan(file: str, scope: rounds.Scope, returned_for: str) -> Plan:
    judged = [file] if file != "all" else list(COUNTRIES)
    return Plan(
        data="American sales" if file == "us" else "sales of all three markets",
        validation=specs.pizzatron_validation(file),
        blind=[_blind(country) for country in judged],
        scope=scope,
        drill=_drill,
        words=WORDS,
        returned_for=returned_for,
    )


def _blind(country: str, *, stock: bool = True) -> Window:
    title = f"weeks of {COUNTRIES[country]} that nobody trained on"
    return Window(country, title, lambda digest: specs.pizzatron_evaluation(country, digest, stock=stock))


def _watched(country: str, reference: str) -> Window:
    title = f"first quarter of 2026 in {COUNTRIES[country]}"
    return Window(
        country, title, lambda digest: specs.pizzatron_monitoring(country, digest, reference=reference)
    )


def _drill() -> dict[str, Any]:
    """Every American store is answered by last year's demand, and it is timed."""
    begun = time.monotonic()
    answered = fallback(settings.GATEBOOK_DATA_ROOT)
    seconds = round(time.monotonic() - begun, 3)
    return {"fallback": "last year's demand", "stores_answered": answered, "seconds": seconds}
