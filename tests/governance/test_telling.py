"""Who hears of gates and authorizations, and what ends by its date."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from governance.models import Authorization, Deployment
from governance.services.authorizations import resume_authorization, suspend_authorization
from governance.services.gates import evaluate_gate, withdraw_gate
from ledger.models import Entry
from lifecycle.models import Firing, Notice
from lifecycle.services.sweeps import sweep_day
from tests import make, make_gates
from tests.governance.given import reviewers

pytestmark = pytest.mark.django_db


def told(person) -> list[str]:
    return sorted(Notice.objects.filter(person=person).values_list("kind", flat=True))


def authorized():
    """A gate with its authorization, all that was told about it forgotten."""
    gate = make_gates.gate()
    make_gates.signed(gate, *reviewers(gate))
    Notice.objects.all().delete()
    gate.iteration.handoffs.update(state="cancelled")  # they have dates of their own
    return Authorization.objects.select_related("project", "model_version").get(gate=gate)


def test_those_who_may_sign_hear_of_an_evaluation_that_can_be_approved():
    gate = make_gates.gate()
    free, elsewhere = reviewers(gate, 1)[0], make.user()
    owner = gate.phase.tasks.get(key="1.1").owner
    Notice.objects.all().delete()
    gate.evaluations.all().delete()

    for _ in range(2):
        evaluate_gate(gate=gate, actor=gate.requested_by)

    assert told(free) == ["gate_to_sign"]
    assert told(elsewhere) == told(gate.requested_by) == []
    assert owner is None or told(owner) == []


def test_those_who_asked_and_managers_hear_how_it_ended():
    gate = make_gates.gate()
    manager, stranger = gate.iteration.project.created_by, make.user()

    withdraw_gate(gate=gate, actor=manager, reason="Asked too early")

    assert "gate_decided" in told(manager)
    assert "gate_decided" in told(gate.requested_by)
    assert told(stranger) == []
    assert Notice.objects.filter(kind="gate_decided").first().text == "Asked too early"


def test_each_suspension_is_news_to_those_who_rely_on_it():
    given = authorized()
    manager = given.project.created_by

    for _ in range(2):
        suspend_authorization(authorization=given, actor=manager, reason="Drift")
        resume_authorization(authorization=given, actor=manager, reason="Mended")

    assert told(manager) == ["authorization_stopped", "authorization_stopped"]


@pytest.mark.parametrize(("days", "kinds"), [(15, []), (13, ["authorization_ending"])])
def test_an_authorization_that_ends_soon_is_told_once(days, kinds):
    given = authorized()
    moment = given.valid_until - timedelta(days=days)

    for later in range(2):
        sweep_day(moment + timedelta(hours=later))

    assert told(given.project.created_by) == kinds


def test_one_that_has_ended_is_told_and_shown_to_triggers_once():
    given = authorized()
    condition = 'event.expired == "authorization"'
    trigger = make.trigger(given.project, kind="expiry", condition=condition, action="notify")
    before = Entry.objects.count()

    for later in (1, 2, 3):
        sweep_day(given.valid_until + timedelta(days=later))

    [firing] = Firing.objects.filter(trigger=trigger)
    assert firing.observed["model"] == given.model_digest
    assert told(given.project.created_by) == ["authorization_ending", "firing_to_decide"]
    assert Entry.objects.count() == before + 1
    given.refresh_from_db()
    assert given.state == "active"


def test_a_withdrawn_authorization_ends_in_silence():
    given = authorized()
    Authorization.objects.update(state="withdrawn")

    sweep_day(given.valid_until - timedelta(days=1))

    assert not Notice.objects.exists()


@pytest.mark.parametrize(("days", "count"), [(180, 0), (182, 1)])
def test_the_age_of_a_live_model_is_shown_to_triggers_and_fires_once(days, count):
    given = authorized()
    Deployment.objects.create(
        project=given.project, iteration=given.gate.iteration, model_version=given.model_version,
        authorization=given, environment="production", deployed_by=given.project.created_by,
        deployed_at=now(),
    )  # fmt: skip
    condition = "has(event.model_age_days) && event.model_age_days > params.days"
    trigger = make.trigger(
        given.project, kind="expiry", condition=condition, params={"days": 180}, action="notify"
    )

    for later in range(3):
        sweep_day(given.model_version.created_at + timedelta(days=days + later * (count * 7), hours=1))

    assert trigger.firings.count() == count
