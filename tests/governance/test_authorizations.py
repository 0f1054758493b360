"""Authorizations: given once by a passed gate, suspended, resumed, withdrawn."""

import pytest

from governance.models import Authorization, Gate
from governance.services.authorizations import (
    give_authorization,
    resume_authorization,
    suspend_authorization,
    withdraw_authorization,
)
from ledger.actors import SystemActor
from lifecycle.models import Trigger
from lifecycle.services.triggers import fire_manually
from tests import make, make_gates
from tests.governance.given import entry_of, refused, reviewers

pytestmark = pytest.mark.django_db

MACHINE = SystemActor("trigger T-04")


@pytest.fixture
def given():
    return make_gates.authorization()


def manager(given):
    return given.project.created_by


def test_a_gate_gives_its_authorization_exactly_once(given):
    with refused("already_authorized"):
        give_authorization(gate=given.gate, actor=manager(given))


def test_a_gate_that_is_open_or_refused_authorizes_nothing():
    gate = make_gates.gate()

    with refused("gate_not_passed"):
        give_authorization(gate=gate, actor=gate.requested_by)


def test_a_passed_gate_whose_definition_does_not_say_so_authorizes_nothing():
    gate = make_gates.gate(make_gates.project(authorizes=False))
    make_gates.signed(gate, *reviewers(gate))

    assert Gate.objects.get().state == "passed"
    with refused("gate_authorizes_nothing"):
        give_authorization(gate=gate, actor=gate.requested_by)


def test_a_manager_suspends_and_resumes_with_a_reason(given):
    with entry_of("authorization.suspended"):
        suspend_authorization(authorization=given, actor=manager(given), reason="Complaints")
    given.refresh_from_db()
    assert (given.state, given.state_reason) == ("suspended", "Complaints")

    with entry_of("authorization.resumed"):
        resume_authorization(authorization=given, actor=manager(given), reason="Looked into")
    given.refresh_from_db()
    assert given.state == "active"


def test_what_is_withdrawn_stays_withdrawn(given):
    with entry_of("authorization.withdrawn"):
        withdraw_authorization(authorization=given, actor=manager(given), reason="Retired")

    for act in (suspend_authorization, resume_authorization, withdraw_authorization):
        with refused("wrong_state"):
            act(authorization=given, actor=manager(given), reason="Again")


@pytest.mark.parametrize("act", [suspend_authorization, withdraw_authorization])
@pytest.mark.parametrize("role", ["reviewer", "contributor", "auditor", None])
def test_only_a_manager_moves_an_authorization(given, act, role):
    person = make.member(given.project, role) if role else make.user()

    with refused("forbidden"):
        act(authorization=given, actor=person, reason="No")


@pytest.mark.parametrize("act", [suspend_authorization, withdraw_authorization])
def test_moving_an_authorization_needs_a_reason(given, act):
    with refused("reason_missing"):
        act(authorization=given, actor=manager(given), reason=" ")


def test_a_trigger_suspends_what_is_authorized_in_its_project_only(given):
    other = make_gates.authorization()
    trigger = make.trigger(given.project, action="suspend_authorization")

    with entry_of("trigger.fired", "firing.started", "authorization.suspended"):
        fire_manually(trigger=trigger, actor=manager(given), reason="Drift")

    states = dict(Authorization.objects.values_list("pk", "state"))
    assert states == {given.pk: "suspended", other.pk: "active"}
    assert Trigger.objects.filter(firings__state="started").count() == 1


def test_a_machine_suspends_with_its_own_name(given):
    suspend_authorization(authorization=given, actor=MACHINE, reason="Drift")

    assert Authorization.objects.get().state == "suspended"
