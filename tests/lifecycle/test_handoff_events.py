"""Triggers of kind handoff fire from what really happens to handoffs."""

import datetime as dt

import pytest
from django.utils import timezone

from lifecycle.definitions.event_fields import EVENT_FIELDS
from lifecycle.models import Firing
from lifecycle.services.handoffs import accept_handoff, return_handoff, tick_criterion
from lifecycle.services.reminders import remind_of_handoffs
from tests import make

pytestmark = pytest.mark.django_db


def listening(project, condition):
    return make.trigger(project, kind="handoff", condition=condition, cooldown_hours=0)


def offered(**values):
    return make.handoff(make.iteration(make.small_project()), "offered", **values)


def seen():
    return [each.observed for each in Firing.objects.order_by("pk")]


def test_an_accepted_handoff_fires_what_listens_for_it():
    handoff = offered()
    listening(handoff.iteration.project, "event.state == 'accepted'")
    for each in handoff.criteria.all():
        tick_criterion(criterion=each, actor=handoff.taker)

    accept_handoff(handoff=handoff, actor=handoff.taker)

    [event] = seen()
    assert (event["handoff"], event["state"], event["overdue"]) == (handoff.key, "accepted", False)
    assert set(event) <= EVENT_FIELDS["handoff"]


def test_a_returned_handoff_tells_its_reason_and_round():
    handoff = offered()
    listening(handoff.iteration.project, "event.state == 'returned' && event.round >= 0")

    return_handoff(handoff=handoff, actor=handoff.taker, reason="Rows are missing.")

    assert [event["reason"] for event in seen()] == ["Rows are missing."]


def test_an_overdue_handoff_fires_once_for_each_date_when_it_is_late_enough(django_assert_num_queries):
    today = timezone.localdate()
    handoff = offered(due_on=today - dt.timedelta(days=2))
    listening(handoff.iteration.project, "event.overdue && event.days_late > 3")

    def look(days):
        remind_of_handoffs([handoff], timezone.now() + dt.timedelta(days=days))
        return [event["days_late"] for event in seen()]

    assert look(0) == []
    assert look(2) == [4]
    assert look(3) == [4]
    handoff.due_on = today
    handoff.save(update_fields=["due_on"])
    assert look(4) == [4, 4]
