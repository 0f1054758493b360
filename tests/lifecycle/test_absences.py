import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from ledger.models import Payload
from lifecycle.models import Absence
from lifecycle.queries.absences import looked_after_by
from lifecycle.queries.inbox import inbox_of
from lifecycle.services.absences import cancel_absence, enter_absence
from lifecycle.services.handoffs import accept_handoff
from tests import make
from tests.traces import forbidden, invalid, one_entry, refused

pytestmark = pytest.mark.django_db


def day(away):
    return timezone.localdate() + dt.timedelta(days=away)


def enter(person, deputy, starts=0, ends=3, **fields):
    values = {
        "person": person,
        "deputy": deputy,
        "starts_on": day(starts),
        "ends_on": day(ends),
        "actor": person,
    }
    return enter_absence(**(values | fields))


def test_a_person_enters_days_away_and_the_reason_stays_out_of_the_ledger():
    person, deputy = make.user(), make.user()

    with one_entry("absence.entered") as detail:
        enter(person, deputy, reason="An operation")

    assert (detail["user"], detail["deputy"]) == (person.pk, deputy.pk)
    assert "operation" not in Payload.objects.last().body
    assert looked_after_by(deputy) == [person]


@pytest.mark.parametrize(("starts", "ends"), [(0, 0), (-5, 0), (3, 9), (1, 2)])
def test_days_away_do_not_overlap(starts, ends):
    person = make.user()
    enter(person, make.user())

    with refused("overlap"):
        enter(person, make.user(), starts, ends)


def test_days_after_and_ended_ones_do_not_overlap():
    person = make.user()
    cancel_absence(absence=enter(person, make.user()), actor=person)

    enter(person, make.user())
    enter(person, make.user(), 4, 5)

    assert Absence.objects.count() == 3


def test_a_deputy_is_somebody_else_who_is_there():
    person, away = make.user(), make.user()
    enter(away, make.user())

    with refused("same_person"):
        enter(person, person)
    with refused("deputy_absent"):
        enter(person, away)
    with refused("deputy_closed"):
        enter(person, make.user(is_active=False))
    with refused("deputy_closed"):
        enter(person, make.user(org_role="auditor"))


@pytest.mark.parametrize(
    ("starts", "ends", "code"), [(3, 2, "wrong_order"), (-3, -1, "in_the_past"), (0, 366, "too_long")]
)
def test_impossible_days_are_named(starts, ends, code):
    with invalid(code, "ends_on"):
        enter(make.user(), make.user(), starts, ends)


def test_the_person_and_administrators_enter_and_end_days_away():
    person, administrator = make.user(), make.user(org_role="administrator")

    with forbidden(person):
        enter(person, make.user(), actor=make.user())
    absence = enter(person, make.user(), actor=administrator)
    with forbidden(absence):
        cancel_absence(absence=absence, actor=absence.deputy)
    with one_entry("absence.cancelled"):
        cancel_absence(absence=absence, actor=administrator)
    with refused("over", absence):
        cancel_absence(absence=absence, actor=person)


def test_the_database_refuses_a_deputy_of_oneself_and_days_in_the_wrong_order():
    person = make.user()
    fields = {"person": person, "entered_by": person, "entered_at": timezone.now(), "starts_on": day(0)}

    for wrong in ({"deputy": person, "ends_on": day(1)}, {"deputy": make.user(), "ends_on": day(-1)}):
        with transaction.atomic(), pytest.raises(IntegrityError):
            Absence.objects.create(**fields, **wrong)


def test_a_deputy_sees_what_waits_in_projects_that_they_see():
    trip = make.iteration()
    person, deputy = make.member(trip.project), make.member(trip.project)
    make.task(make.phase(trip), owner=person)
    make.handoff(trip, "offered", taker=person)
    make.task(make.phase(make.iteration()), owner=person)
    enter(person, deputy)

    items = inbox_of(deputy)

    assert [(item.kind, item.on_behalf_of) for item in items] == [
        ("handoff_accept", person),
        ("task", person),
    ]
    assert all(item.on_behalf_of is None for item in inbox_of(person))


def test_a_deputy_may_not_act_in_the_absent_person_s_place():
    trip = make.iteration()
    person, deputy = make.member(trip.project), make.member(trip.project)
    handoff = make.handoff(trip, "offered", taker=person)
    enter(person, deputy)

    with forbidden(handoff):
        accept_handoff(handoff=handoff, actor=deputy)


def test_what_does_not_begin_today_is_not_looked_after_yet():
    person, deputy = make.user(), make.user()
    enter(person, deputy, 1, 2)

    assert looked_after_by(deputy) == []


@pytest.mark.parametrize("count", [1, 3])
def test_the_inbox_of_a_deputy_costs_the_same_for_any_number(django_assert_max_num_queries, count):
    trip = make.iteration()
    deputy = make.member(trip.project)
    for _ in range(count):
        person = make.member(trip.project)
        make.handoff(trip, "offered", taker=person)
        enter(person, deputy)

    with django_assert_max_num_queries(11):
        assert len(inbox_of(deputy)) == count


def test_days_away_are_entered_and_ended_on_a_page(client):
    person, deputy = make.user(), make.user()
    client.force_login(person)
    url = reverse("lifecycle:absences")
    sent = {"deputy": deputy.pk, "starts_on": day(0).isoformat(), "ends_on": day(2).isoformat()}

    done, again = client.post(url, sent), client.post(url, sent)
    absence = Absence.objects.get()
    client.force_login(make.user())
    stranger = client.post(reverse("lifecycle:absence-cancel", args=[absence.pk]))
    client.force_login(deputy)
    other = client.post(reverse("lifecycle:absence-cancel", args=[absence.pk]))

    assert (done.status_code, again.status_code) == (302, 422)
    assert "Another absence" in again.content.decode()
    assert (stranger.status_code, other.status_code) == (404, 403)
