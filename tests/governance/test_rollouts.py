# ruff: noqa: E501
"""Deployments step by step: each step asks the gate check, each way back is one action."""

import pytest
from django.db import IntegrityError, transaction

from governance.models import Deployment, GateAsk
from governance.queries.gate_checks import gate_check
from governance.services.authorizations import suspend_authorization, withdraw_authorization
from governance.services.deployments import record_deployment, withdraw_deployment
from governance.services.rollouts import (
    abort_deployment,
    advance_deployment,
    note_metric,
    pause_deployment,
    resume_deployment,
    roll_back,
)
from tests import make, make_gates
from tests.governance.given import entry_of, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def given():
    return make_gates.authorization()


def deploy(given, **changes):
    values = {
        "iteration": given.gate.iteration, "model_version": given.model_version,
        "environment": given.environment, "actor": given.project.created_by,
    } | changes  # fmt: skip
    return record_deployment(**values)


def canary(given, **changes):
    return deploy(given, **({"strategy": "canary", "steps": [5, 50, 100]} | changes))


def _second(given):
    from governance.models import Authorization

    version = make.model_version(given.project)
    gate = make_gates.gate(make_gates.project())
    return Authorization.objects.create(
        project=given.project, gate=gate, model_version=version, model_digest=version.digest,
        environment=given.environment, scope=given.scope, valid_from=given.valid_from,
        valid_until=given.valid_until,
    )  # fmt: skip


def test_a_canary_goes_step_by_step_and_replaces_what_was_live_at_the_last(given):
    live, boss = deploy(given), given.project.created_by
    rolling = canary(given)
    assert (rolling.state, rolling.share, rolling.next_share) == ("rolling", 5, 50)
    assert Deployment.objects.get(pk=live.pk).state == "live"

    with entry_of("deployment.advanced"):
        rolling = advance_deployment(deployment=rolling, actor=boss)
    assert (rolling.state, rolling.share) == ("rolling", 50)
    with entry_of("deployment.ended", "deployment.advanced"):
        rolling = advance_deployment(deployment=rolling, actor=boss)

    assert (rolling.state, rolling.share, rolling.next_share) == ("live", 100, None)
    assert Deployment.objects.get(pk=live.pk).state == "replaced"
    asked = GateAsk.objects.filter(point="deployment").values_list("scope", flat=True)
    assert [each["traffic_share"] for each in asked] == [["100"], ["50"], ["5"], ["100"]]
    with refused("no_next_step"):
        advance_deployment(deployment=rolling, actor=boss)


@pytest.mark.parametrize(("strategy", "steps"), [("blue_green", [0, 100]), ("shadow", [0, 100])])
def test_what_begins_beside_the_traffic_switches_or_grows(given, strategy, steps):
    rolling = deploy(given, strategy=strategy)

    assert (rolling.share, rolling.steps, rolling.state) == (0, steps, "rolling")
    assert advance_deployment(deployment=rolling, actor=given.project.created_by).state == "live"


def test_pizzatron_in_japan_is_refused_when_only_the_united_states_is_authorized(given):
    for strategy in Deployment.Strategy.values:
        with refused("not_authorized"):
            deploy(given, scope={"country": ["JP"]}, strategy=strategy)
    with refused("not_authorized"):
        deploy(given, scope={"country": ["US"], "segment": ["retail"]})

    last = GateAsk.objects.first()
    assert (last.allow, last.point) == (False, "deployment")
    assert GateAsk.objects.filter(reason__contains="JP").count() == len(Deployment.Strategy.values)


def test_a_share_beyond_the_authorized_one_is_refused_at_its_step():
    given = make_gates.authorization(scope={"country": ["US"], "traffic_share": ["25%"]})
    boss = given.project.created_by
    with refused("not_authorized"):
        deploy(given)
    rolling = canary(given, steps=[5, 25, 100])
    assert rolling.scope == {"country": ["US"]}
    rolling = advance_deployment(deployment=rolling, actor=boss)

    with refused("not_authorized"):
        advance_deployment(deployment=rolling, actor=boss)

    assert Deployment.objects.get(pk=rolling.pk).share == 25
    assert "more than the authorized 25%" in GateAsk.objects.first().reason


@pytest.mark.parametrize(
    ("asked", "allowed"), [("25", True), ("25.0%", True), ("26", False), ("-1", False), ("all", False), ("250", False)]
)  # fmt: skip
def test_shares_are_compared_as_numbers(asked, allowed):
    given = make_gates.authorization(scope={"traffic_share": ["25"]})
    found = gate_check(
        model_digest=given.model_digest, environment="production",
        scope={"traffic_share": [asked], "country": ["JP"]},
    )  # fmt: skip
    assert found.allow is allowed, found.reason


def test_the_next_step_is_refused_once_the_authorization_is_suspended(given):
    rolling, boss = canary(given), given.project.created_by
    suspend_authorization(authorization=given, actor=boss, reason="Drift")

    with refused("not_authorized"):
        advance_deployment(deployment=rolling, actor=boss)


def test_a_roll_out_is_paused_resumed_and_aborted_with_reasons(given):
    boss = given.project.created_by
    live, rolling = deploy(given), canary(given)
    with entry_of("deployment.paused"):
        pause_deployment(deployment=rolling, actor=boss, reason="Support is closed")
    with refused(_code_of_transition()):
        advance_deployment(deployment=rolling, actor=boss)
    with entry_of("deployment.resumed"):
        resume_deployment(deployment=rolling, actor=boss, reason="Open again")
    with refused("reason_missing"):
        abort_deployment(deployment=rolling, actor=boss, reason=" ")
    with entry_of("deployment.aborted"):
        aborted = abort_deployment(deployment=rolling, actor=boss, reason="Angry guests")

    assert (aborted.state, aborted.state_reason) == ("aborted", "Angry guests")
    assert Deployment.objects.get(pk=live.pk).state == "live"


def _code_of_transition():
    from governance.models import DEPLOYMENT_STATES
    from ledger.errors import Refused

    with pytest.raises(Refused) as no:
        DEPLOYMENT_STATES.next("paused", "advance")
    return no.value.code


def test_one_roll_out_at_a_time_in_an_environment(given):
    canary(given)
    with refused("rollout_under_way"):
        canary(given)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_gates.deployment(given, state="paused", share=5)


@pytest.mark.parametrize(
    ("strategy", "steps", "place"),
    [
        ("surprise", None, "strategy"), ("canary", [0, 100], "steps"), ("canary", [50, 5, 100], "steps"),
        ("canary", [5, 50], "steps"), ("canary", [100], "steps"), ("canary", [5, 101], "steps"),
        ("canary", [5.5, 100], "steps"), ("canary", [True, 100], "steps"), ("full", [5, 100], "steps"),
        ("blue_green", [0, 50, 100], "steps"), ("shadow", [5, 100], "steps"),
        ("canary", [*range(1, 30), 100], "steps"),
    ],
)  # fmt: skip
def test_steps_that_cannot_be_are_refused_with_their_place(given, strategy, steps, place):
    from governance.errors import Invalid

    with pytest.raises(Invalid) as no:
        deploy(given, strategy=strategy, steps=steps)
    assert no.value.where == place
    assert not Deployment.objects.exists()


RULE = {"metric": "error_rate", "op": ">", "limit": 0.05}


@pytest.mark.parametrize(
    ("value", "state"), [(0.05, "rolling"), (0.051, "aborted"), (float("nan"), "aborted")]
)
def test_the_abort_metric_ends_it(given, value, state):
    rolling = canary(given, abort_metric=RULE)
    note_metric(deployment=rolling, actor=given.project.created_by, metric="error_rate", value=value)

    rolling.refresh_from_db()
    assert rolling.state == state


def test_a_monitoring_run_ends_it_too(given):
    from lifecycle.services.runs import record_run

    rolling = canary(given, abort_metric=RULE)
    record_run(
        project=given.project, iteration=given.gate.iteration, task=None, kind="MON", title="Seen",
        source="api", external_id="1", model_version=given.model_version, record={"metrics": {"error_rate": 0.2}},
        actor=given.project.created_by,
    )  # fmt: skip

    rolling.refresh_from_db()
    assert rolling.state == "aborted"
    assert "error_rate > 0.05" in rolling.state_reason


@pytest.mark.parametrize(
    "rule", [{"metric": "", "op": ">", "limit": 1}, {"metric": "x", "op": "=", "limit": 1}, {"metric": "x", "op": ">", "limit": "1"}]
)  # fmt: skip
def test_an_abort_metric_that_says_nothing_is_refused(given, rule):
    with refused("bad_abort_metric"):
        canary(given, abort_metric=rule)
    rolling = canary(given)
    with refused("other_metric"):
        note_metric(deployment=rolling, actor=given.project.created_by, metric="x", value=1.0)


def test_a_roll_back_returns_to_the_last_authorized_version_in_one_action(given):
    boss, new = given.project.created_by, _second(given)
    old = deploy(given)
    live = deploy(given, model_version=new.model_version)

    back = roll_back(project=given.project, environment="production", actor=boss, reason="Wrong prices")

    live.refresh_from_db()
    assert (live.state, live.state_reason) == ("rolled_back", "Wrong prices")
    assert (back.state, back.model_version, back.returns_from) == ("live", old.model_version, live)
    assert back.authorization == given


def test_a_roll_back_skips_what_is_no_longer_authorized(given):
    boss, new = given.project.created_by, _second(given)
    deploy(given)
    live = deploy(given, model_version=new.model_version)
    withdraw_authorization(authorization=given, actor=boss, reason="Bad data")

    with refused("nowhere_to_return"):
        roll_back(project=given.project, environment="production", actor=boss, reason="Wrong prices")
    live.refresh_from_db()
    assert live.state == "live"


def test_a_roll_back_of_a_roll_out_keeps_what_is_live(given):
    boss, new = given.project.created_by, _second(given)
    live = deploy(given)
    rolling = canary(given, model_version=new.model_version)

    with entry_of("deployment.aborted"):
        back = roll_back(project=given.project, environment="production", actor=boss, reason="Slow")

    rolling.refresh_from_db()
    assert (back, rolling.state) == (live, "aborted")


def test_who_does_not_work_here_moves_nothing(given):
    rolling = canary(given)
    for person in (
        make.member(given.project, "reviewer"),
        make.member(given.project, "auditor"),
        make.user(),
    ):
        with refused("forbidden"):
            advance_deployment(deployment=rolling, actor=person)
        with refused("forbidden"):
            abort_deployment(deployment=rolling, actor=person, reason="No")
        with refused("forbidden"):
            roll_back(project=given.project, environment="production", actor=person, reason="No")
        with refused("forbidden"):
            withdraw_deployment(deployment=rolling, actor=person, reason="No")
