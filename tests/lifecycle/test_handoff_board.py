import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from lifecycle.queries.handoff_board import handoff_board
from tests import make

pytestmark = pytest.mark.django_db

RTL = "مرحبا 🚕 " * 33


@pytest.fixture
def trip():
    return make.iteration()


def get(client, user, trip, query=""):
    client.force_login(user)
    return client.get(reverse("lifecycle:project-handoff-board", args=[trip.project.slug]) + query)


def cards(trip, state):
    column = next(each for each in handoff_board(trip) if each.state == state)
    return {card.handoff.pk: card for card in column.cards}


def test_the_clock_runs_on_whoever_holds_it(trip):
    now = timezone.now()
    offered = make.handoff(trip, "offered", offered_at=now - dt.timedelta(days=5))
    returned = make.handoff(trip, "returned", decided_at=now - dt.timedelta(days=2))
    planned, accepted = make.handoff(trip), make.handoff(trip, "accepted")

    on_offer, back = cards(trip, "offered")[offered.pk], cards(trip, "returned")[returned.pk]

    assert (on_offer.holder, round(on_offer.days)) == (offered.taker, 5)
    assert (back.holder, round(back.days)) == (returned.giver, 2)
    assert (on_offer.age.over, back.age.over) != ("", "")
    assert cards(trip, "planned")[planned.pk].holder == planned.giver
    assert cards(trip, "planned")[planned.pk].age is None
    assert cards(trip, "accepted")[accepted.pk].holder is None


def test_late_ones_come_first_and_are_marked(client, trip):
    today = timezone.localdate()
    late = make.handoff(trip, "offered", due_on=today - dt.timedelta(days=3), title="Waits long")
    make.handoff(trip, "offered", due_on=today)
    make.handoff(trip, "accepted", due_on=today - dt.timedelta(days=9))

    assert next(iter(cards(trip, "offered"))) == late.pk
    text = get(client, trip.project.created_by, trip).content.decode()
    assert "1 handoff is late" in text
    assert "3 days late" in text
    assert text.count("is-late") == 1


def test_cancelled_ones_are_not_on_the_board(client, trip):
    make.handoff(trip, "cancelled", title="Dropped", reason="No")
    assert "Dropped" not in get(client, trip.project.created_by, trip).content.decode()


def test_list_and_board_lead_to_each_other(client, trip):
    make.handoff(trip)
    board = reverse("lifecycle:project-handoff-board", args=[trip.project.slug])
    listed = reverse("lifecycle:project-handoffs", args=[trip.project.slug])
    assert listed in get(client, trip.project.created_by, trip).content.decode()
    assert board in client.get(listed).content.decode()
    assert get(client, trip.project.created_by, trip, "?iteration=9").status_code == 404


def test_a_project_without_an_iteration_has_an_empty_board(client):
    project = make.small_project()
    client.force_login(project.created_by)
    answer = client.get(reverse("lifecycle:project-handoff-board", args=[project.slug]))
    assert "No handoffs" in answer.content.decode()


def test_strangers_find_no_board_and_auditors_read_it(client, trip):
    assert get(client, make.user(), trip).status_code == 404
    answer = get(client, make.user(org_role="auditor"), trip)
    assert answer.status_code == 200
    assert "<form" not in answer.content.decode().split("<main")[1]


def test_a_long_name_from_right_to_left_with_emoji_is_shown_as_it_is(client, trip):
    make.handoff(trip, "offered", title=RTL.strip())
    text = get(client, trip.project.created_by, trip).content.decode()
    assert RTL.strip() in text
    assert 'dir="auto"' in text


def test_the_board_costs_the_same_for_one_handoff_and_for_three(client, trip, django_assert_max_num_queries):
    counts = []
    for number in range(2):
        for _again in range(1 + number):
            make.handoff(trip, "offered")
        get(client, trip.project.created_by, trip)
        with django_assert_max_num_queries(25) as seen:
            client.get(reverse("lifecycle:project-handoff-board", args=[trip.project.slug]))
        counts.append(len(seen))
    assert counts[0] == counts[1]
