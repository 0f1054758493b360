"""Faults put into the product by hand, each of which the random walk around the gates has to find.

Not part of the suite: `pytest tests/governance/gate_walk_faults.py` runs it (some minutes). What each fault
took to be found is told in docs/gate-walk.md.
"""

import inspect
import sys
import textwrap
from importlib import import_module

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.governance.gate_walk import Clock, GateWalk, Home

pytestmark = pytest.mark.django_db

SIGN, SEATS = "governance.services.signoffs", "governance.queries.seats"
CHECK, LIMITS = "governance.queries.gate_checks", "governance.queries.limits"
STALE, LAPSE = "governance.services.staleness", "governance.services.lapses"
# What is wrong: the function, what stands in it, and what stands there instead.
FAULTS = {
    "those who took part may sign": [
        (SIGN, "_refuse_who_may_not", "if bar is not None", "if False"),
        (SEATS, "approving", "and user.actor_key not in barred", ""),
    ],
    "accounts are counted, not people": [
        (
            "lifecycle.rules.identity",
            "same_people",
            "asked = list(users)",
            "return [[each] for each in users]",
        ),
    ],
    "accounts are told apart among the signers only": [
        ("lifecycle.rules.identity", "same_people", "if around:", "if False:"),
    ],
    "any role fills any seat": [
        (SEATS, "_roles", "place.role, *place.crisp_roles", '"reviewer", "DS", "PO"')
    ],
    "what was shown is not compared": [
        (SIGN, "_what_was_seen", "last.digest != digest or digest_now(gate) != digest", "False"),
    ],
    "unmet criteria can be approved": [(SIGN, "_sign", "not evaluation.verdict", "False")],
    "a signature before the last change counts": [
        (SEATS, "approving", "evaluation.signoffs.filter(", "gate.signoffs.filter("),
    ],
    "a changed requirement makes nothing stale": [
        (
            LAPSE,
            "lapse_on_entry",
            "in _OF_PROJECTS:",
            'in _OF_PROJECTS and "requirement" not in event.action:',
        ),
    ],
    "expired evidence makes nothing stale": [(STALE, "_evidence", "if change is not None", "if False")],
    "new evidence makes nothing stale": [(STALE, "_evidence", "(task, digest) not in seen", "False")],
    "a finding makes nothing stale": [(STALE, "_findings", "(after - before).items()", "()")],
    "a reopened risk makes nothing stale": [(STALE, "_risks", 'present["risks"]', "()")],
    "an account found taken over counts on": [(SEATS, "_approvals", "~Exists(taken), ", "")],
    "an authorization outlives its waivers": [
        (LIMITS, "latest_end", "for day in waivers.values_list", "for day in waivers.none().values_list")
    ],
    "an authorization outlives its conditions": [
        (
            LIMITS,
            "latest_end",
            "for day in conditions.values_list",
            "for day in conditions.none().values_list",
        )
    ],
    "an authorization outlives an accepted risk": [(LIMITS, "latest_end", "_accepted_until(gate)", "()")],
    "a revoked waiver ends nothing": [
        ("governance.services.waivers", "_lapse_what_rests_on", "for gate in resting", "for gate in ()"),
    ],
    "an authorization holds at the moment it ends": [
        (CHECK, "_objections", "now >= given.valid_until", "now > given.valid_until")
    ],
    "the scope is not looked at": [(CHECK, "_objections", "in scope.items()", "in ()")],
    "the environment is not looked at": [(CHECK, "gate_check", "given.environment == environment", "True")],
    "a suspended authorization holds": [
        (
            CHECK,
            "_objections",
            "given.state != Authorization.State.ACTIVE",
            "given.state == Authorization.State.WITHDRAWN",
        ),
    ],
    "a clock that went back is believed": [(CHECK, "_objections", "now < last - CLOCK_TOLERANCE", "False")],
    "expiring evidence is two transactions": [
        ("lifecycle.services.evidence", "expire_evidence", "@transaction.atomic\n", ""),
    ],
    "signing is two transactions": [(SIGN, "_sign", "@transaction.atomic\n", "")],
}


def put_in(patch, fault):
    """Make the functions anew with the fault in them, wherever they were imported."""
    for place, name, old, new in FAULTS[fault]:
        module = import_module(place)
        right = getattr(module, name)
        source = textwrap.dedent(inspect.getsource(right))
        assert source.count(old) == 1, f"{name} has no such place: {old}"
        made = dict(vars(module))
        exec(
            compile(f"from __future__ import annotations\n{source.replace(old, new)}", f"<{fault}>", "exec"),
            made,
        )
        wrong = (
            type(right)(made[name].__code__, vars(module), name, right.__defaults__) if False else made[name]
        )
        for each in list(sys.modules.values()):
            for key, value in list(getattr(each, "__dict__", {}).items()):
                if value is right and each.__name__.split(".")[0] in ("governance", "lifecycle", "tests"):
                    patch.setattr(each, key, wrong)


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_found(fault, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.datetime", Clock)
    GateWalk.home = Home()
    GateWalk.seen.clear()
    put_in(monkeypatch, fault)
    walk = settings(
        max_examples=80, stateful_step_count=260, deadline=None, derandomize=True, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck), database=None, report_multiple_bugs=False,
    )  # fmt: skip

    with pytest.raises(Exception) as found:  # noqa: PT011  (whatever it is that tells)
        run_state_machine_as_test(GateWalk, settings=walk)

    sys.stdout.write(f"\n| {fault} | {GateWalk.seen['steps']} | {type(found.value).__name__} |\n")
