import pytest
from django.urls import reverse

from lifecycle.models import Firing, Handoff, Trigger
from tests import make

pytestmark = pytest.mark.django_db


def get(client, user, name, *args, query=""):
    client.force_login(user)
    return client.get(reverse(f"lifecycle:{name}", args=args) + query)


def post(client, user, name, *args, **values):
    client.force_login(user)
    return client.post(reverse(f"lifecycle:{name}", args=args), values)


def test_anonymous_people_are_sent_to_the_log_in(client):
    handoff = make.handoff()
    assert client.get(reverse("lifecycle:handoff", args=[handoff.pk])).status_code == 302


def test_a_stranger_finds_no_handoff(client):
    handoff, stranger = make.handoff(state="offered"), make.user()
    assert get(client, stranger, "handoff", handoff.pk).status_code == 404
    assert post(client, stranger, "handoff-act", handoff.pk, "accept").status_code == 404
    assert post(client, stranger, "handoff-tick", handoff.pk, 1, ticked="1").status_code == 404
    assert get(client, stranger, "project-handoffs", handoff.iteration.project.slug).status_code == 404


def test_auditors_see_a_handoff_and_cannot_move_it(client):
    handoff, auditor = make.handoff(state="offered"), make.user(org_role="auditor")
    answer = get(client, auditor, "handoff", handoff.pk)
    assert answer.status_code == 200
    assert "<form" not in answer.content.decode().split("<main")[1]
    for name in ("accept", "return", "withdraw", "cancel", "parties", "offer"):
        assert post(client, auditor, "handoff-act", handoff.pk, name).status_code == 403
    assert post(client, auditor, "handoff-tick", handoff.pk, 1, ticked="1").status_code == 403


def test_getting_a_step_is_not_allowed(client):
    handoff = make.handoff()
    for name, last in (("handoff-act", "offer"), ("handoff-tick", 1)):
        assert get(client, handoff.giver, name, handoff.pk, last).status_code == 405
    assert post(client, handoff.giver, "handoff-act", handoff.pk, "eat").status_code == 404


def test_the_giver_ties_the_deliverables_and_offers(client):
    handoff = make.handoff()
    snapshot = make.snapshot(handoff.iteration.project)
    bare = post(client, handoff.giver, "handoff-act", handoff.pk, "offer", **{"snapshot-1": snapshot.pk})
    assert bare.status_code == 422
    assert "Without snapshot or reference" in bare.content.decode()
    sent = {"snapshot-1": snapshot.pk, "reference-2": "shelf 4"}
    assert post(client, handoff.giver, "handoff-act", handoff.pk, "offer", **sent).status_code == 302
    handoff.refresh_from_db()
    assert handoff.state == Handoff.State.OFFERED
    assert [each.snapshot for each in handoff.deliverables.all()] == [snapshot, None]


def test_the_taker_ticks_every_criterion_before_accepting(client):
    handoff = make.handoff(state="offered")
    early = post(client, handoff.taker, "handoff-act", handoff.pk, "accept")
    assert early.status_code == 422
    assert "not ticked" in early.content.decode()
    for order in (1, 2):
        assert post(client, handoff.taker, "handoff-tick", handoff.pk, order, ticked="1").status_code == 302
    again = post(client, handoff.taker, "handoff-tick", handoff.pk, 1, ticked="1")
    assert again.status_code == 422
    assert post(client, handoff.taker, "handoff-tick", handoff.pk, 9, ticked="1").status_code == 404
    assert post(client, handoff.taker, "handoff-act", handoff.pk, "accept").status_code == 302
    handoff.refresh_from_db()
    assert handoff.state == Handoff.State.ACCEPTED


def test_a_handoff_is_returned_with_a_reason_withdrawn_and_cancelled(client):
    handoff = make.handoff(state="offered")
    assert post(client, handoff.taker, "handoff-act", handoff.pk, "return", reason="").status_code == 422
    assert post(client, handoff.giver, "handoff-act", handoff.pk, "return", reason="x").status_code == 403
    assert post(client, handoff.taker, "handoff-act", handoff.pk, "return", reason="Half.").status_code == 302
    assert "Half." in get(client, handoff.giver, "handoff", handoff.pk).content.decode()
    other = make.handoff(state="offered")
    assert post(client, other.giver, "handoff-act", other.pk, "withdraw").status_code == 302
    assert (
        post(client, other.giver, "handoff-act", other.pk, "cancel", reason="Not needed.").status_code == 302
    )


def test_the_manager_names_two_different_people(client):
    handoff = make.handoff(giver=None, taker=None)
    manager = handoff.iteration.project.created_by
    other = make.member(handoff.iteration.project)
    same = post(client, manager, "handoff-act", handoff.pk, "parties", giver=other.pk, taker=other.pk)
    assert same.status_code == 422
    assert "two people" in same.content.decode()
    assert (
        post(
            client, manager, "handoff-act", handoff.pk, "parties", giver=manager.pk, taker=other.pk
        ).status_code
        == 302
    )


def test_handoffs_are_grouped_by_state(client):
    trip = make.iteration()
    make.handoff(trip, "offered", title="On the table")
    text = get(client, trip.project.created_by, "project-handoffs", trip.project.slug).content.decode()
    assert "1 handoff waits for an answer" in text
    assert "On the table" in text
    odd = get(client, trip.project.created_by, "project-handoffs", trip.project.slug, query="?iteration=9")
    assert odd.status_code == 404


def test_the_number_of_queries_of_handoffs_does_not_grow(client, django_assert_max_num_queries):
    trip = make.iteration()
    handoff = make.handoff(trip, "offered")
    client.force_login(trip.project.created_by)
    addresses = [
        reverse("lifecycle:project-handoffs", args=[trip.project.slug]),
        reverse("lifecycle:handoff", args=[handoff.pk]),
    ]
    for address in addresses:
        with django_assert_max_num_queries(25) as first:
            client.get(address)
        make.handoff(trip, "offered")
        make.handoff(trip, "returned")
        with django_assert_max_num_queries(len(first)):
            client.get(address)


def test_a_manager_decides_about_a_firing(client):
    firing = make.firing()
    home = firing.trigger.project
    manager, contributor = home.created_by, make.member(home)
    assert "/start/" in get(client, manager, "firing", firing.pk).content.decode()
    assert "/start/" not in get(client, contributor, "firing", firing.pk).content.decode()
    assert post(client, contributor, "firing-act", firing.pk, "reject", reason="x").status_code == 403
    assert post(client, make.user(org_role="auditor"), "firing-act", firing.pk, "start").status_code == 403
    assert post(client, make.user(), "firing-act", firing.pk, "start").status_code == 404
    assert get(client, manager, "firing-act", firing.pk, "start").status_code == 405
    assert post(client, manager, "firing-act", firing.pk, "reject", reason=" ").status_code == 422
    assert post(client, manager, "firing-act", firing.pk, "reject", reason="A holiday.").status_code == 302
    firing.refresh_from_db()
    assert (firing.state, firing.outcome) == (Firing.State.REJECTED, "A holiday.")
    late = post(client, manager, "firing-act", firing.pk, "start")
    assert late.status_code == 422


def test_a_firing_that_is_started_does_what_its_trigger_is_for(client):
    firing = make.firing()
    home = firing.trigger.project
    assert post(client, home.created_by, "firing-act", firing.pk, "start").status_code == 302
    assert home.iterations.get().firing == firing
    assert "Iteration 1" in get(client, home.created_by, "firing", firing.pk).content.decode()


def test_a_trigger_is_fired_by_hand_and_switched_off(client):
    trigger = make.trigger(action="notify")
    manager = trigger.project.created_by
    assert post(client, make.user(), "trigger-fire", trigger.pk, reason="x").status_code == 404
    assert (
        post(client, make.member(trigger.project), "trigger-fire", trigger.pk, reason="x").status_code == 403
    )
    assert post(client, manager, "trigger-fire", trigger.pk, reason="").status_code == 422
    assert post(client, manager, "trigger-fire", trigger.pk, reason="A drill").status_code == 302
    assert trigger.firings.get().state == Firing.State.STARTED
    assert post(client, manager, "trigger-switch", trigger.pk, enabled="0").status_code == 302
    assert not Trigger.objects.get(pk=trigger.pk).enabled
    refused = post(client, manager, "trigger-fire", trigger.pk, reason="Again")
    assert refused.status_code == 422
    assert "switched off" in refused.content.decode()


def test_triggers_and_firings_stand_on_one_page(client, django_assert_max_num_queries):
    firing = make.firing(summary="Prices moved")
    home = firing.trigger.project
    text = get(client, home.created_by, "project-triggers", home.slug).content.decode()
    assert "1 firing waits for a decision" in text
    assert "Prices moved" in text
    address = reverse("lifecycle:project-triggers", args=[home.slug])
    with django_assert_max_num_queries(25) as first:
        client.get(address)
    for _each in range(2):
        make.firing(make.trigger(home))
    with django_assert_max_num_queries(len(first)):
        client.get(address)
    assert get(client, make.user(), "project-triggers", home.slug).status_code == 404
