"""Triggers of kind deployment, and of kind expiry for waivers, fire from what really happens."""

import datetime as dt

import pytest

from governance.models import Waiver
from governance.services.deployments import record_deployment, withdraw_deployment
from governance.services.due import end_waivers
from lifecycle.definitions.event_fields import EVENT_FIELDS
from lifecycle.models import Firing
from tests import make, make_gates

pytestmark = pytest.mark.django_db


@pytest.fixture
def given():
    found = make_gates.authorization()
    make.trigger(found.project, kind="deployment", condition="event.environment != ''", cooldown_hours=0)
    return found


def deploy(given):
    return record_deployment(
        iteration=given.gate.iteration, model_version=given.model_version, environment=given.environment,
        actor=given.project.created_by,
    )  # fmt: skip


def seen():
    return [each.observed for each in Firing.objects.order_by("pk")]


def test_every_step_of_a_deployment_is_an_event(given):
    first = deploy(given)
    second = deploy(given)
    withdraw_deployment(deployment=second, actor=given.project.created_by, reason="Too slow")

    events = seen()
    assert [(each["deployment"], each["state"]) for each in events] == [
        (first.pk, "live"), (first.pk, "replaced"), (second.pk, "live"), (second.pk, "withdrawn"),
    ]  # fmt: skip
    assert (events[0]["authorized"], events[0]["share"], events[3]["reason"]) == (True, 100, "Too slow")
    for each in events:
        assert set(each) <= EVENT_FIELDS["deployment"]


def test_a_trigger_may_suspend_what_has_just_been_deployed(given):
    make.trigger(
        given.project, key="T-stop", kind="deployment", condition="event.state == 'live'", mode="auto",
        action="suspend_authorization", cooldown_hours=0,
    )  # fmt: skip

    deployed = deploy(given)

    given.refresh_from_db()
    assert (deployed.state, given.state) == ("live", "suspended")


def test_a_waiver_that_has_run_out_is_an_event():
    gate = make_gates.unmet_gate()
    waiver = make_gates.granted(gate)
    make.trigger(gate.project, kind="expiry", condition="event.expired == 'waiver'", cooldown_hours=0)
    Waiver.objects.filter(pk=waiver.pk).update(expires_on=waiver.requested_at.date() - dt.timedelta(days=1))

    end_waivers([waiver], waiver.requested_at)
    end_waivers([waiver], waiver.requested_at)

    [event] = seen()
    assert (event["gate"], event["criterion"]) == (gate.key, waiver.criterion)
    assert set(event) <= EVENT_FIELDS["expiry"]
