import pytest
from django.utils import timezone

from lifecycle.models import Handoff, Iteration
from lifecycle.services.handoffs import (
    accept_handoff,
    cancel_handoff,
    offer_handoff,
    plan_handoff,
    return_handoff,
    set_parties,
    tick_criterion,
    withdraw_handoff,
)
from tests import make
from tests.traces import forbidden, invalid, one_entry, refused

pytestmark = pytest.mark.django_db

LINKS = {1: "s3://data/1", 2: "https://example.org/notes"}


def manager_of(handoff):
    return handoff.iteration.project.created_by


def tick_all(handoff):
    handoff.criteria.update(ticked_at=timezone.now())


def test_a_manager_plans_a_handoff():
    iteration = make.iteration()
    giver, taker = make.member(iteration.project), make.member(iteration.project)

    with one_entry("handoff.planned") as detail:
        handoff = plan_handoff(
            iteration=iteration, key="X1", title="Labels", phase_key="P1", deliverables=["Labels"],
            criteria=["All there", "Agreed"], giver=giver, taker=taker, actor=iteration.project.created_by,
        )  # fmt: skip

    assert list(handoff.criteria.values_list("order", "text")) == [(1, "All there"), (2, "Agreed")]
    assert (detail["giver"], detail["taker"], detail["iteration"]) == (giver.pk, taker.pk, 1)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("deliverables", [], "missing"),
        ("criteria", [], "missing"),
        ("criteria", ["ok", "\x01"], "control_character"),
        ("phase_key", "P9", "unknown_phase"),
        ("title", "x" * 601, "too_long"),
    ],
)
def test_a_handoff_is_not_planned_with_bad_input(field, value, code):
    iteration = make.iteration()
    values = {"key": "X1", "title": "Labels", "phase_key": "P1", "deliverables": ["L"], "criteria": ["C"]} | {
        field: value
    }

    with invalid(code):
        plan_handoff(iteration=iteration, actor=iteration.project.created_by, **values)


@pytest.mark.parametrize("state", ["planned", "returned"])
def test_a_manager_names_the_parties(state):
    handoff = make.handoff(state=state)
    project = handoff.iteration.project
    giver, taker = make.member(project), make.member(project, "reviewer")

    with one_entry("handoff.assigned") as detail:
        named = set_parties(handoff=handoff, giver=giver, taker=taker, actor=manager_of(handoff))

    assert (named.giver, named.taker) == (giver, taker)
    assert detail["from"] == {"giver": handoff.giver_id, "taker": handoff.taker_id}


def test_who_is_no_party():
    handoff = make.handoff()
    project, manager = handoff.iteration.project, manager_of(handoff)

    with refused("same_person", handoff):
        set_parties(handoff=handoff, giver=manager, taker=manager, actor=manager)
    for person in (make.user(), make.member(project, "auditor")):
        with refused("not_member", handoff):
            set_parties(handoff=handoff, giver=person, taker=manager, actor=manager)


@pytest.mark.parametrize("state", ["offered", "accepted", "cancelled"])
def test_the_parties_stay_once_it_is_on_offer(state):
    handoff = make.handoff(state=state)

    with refused("wrong_state", handoff):
        set_parties(handoff=handoff, giver=handoff.taker, taker=handoff.giver, actor=manager_of(handoff))


def test_the_giver_offers_what_is_tied_to_snapshots_and_links():
    handoff = make.handoff()
    snapshot = make.snapshot(handoff.iteration.project)

    with one_entry("handoff.offered") as detail:
        offered = offer_handoff(
            handoff=handoff, actor=handoff.giver, snapshots={1: snapshot}, references={2: LINKS[2]}
        )

    assert (offered.state, offered.rounds, offered.offered_at is None) == ("offered", 1, False)
    assert detail["deliverables"] == [
        {"order": 1, "digest": snapshot.digest, "reference": ""},
        {"order": 2, "digest": None, "reference": LINKS[2]},
    ]


def test_nothing_is_offered_half_or_to_nobody():
    handoff, foreign = make.handoff(), make.snapshot()

    with refused("deliverable_missing", handoff):
        offer_handoff(handoff=handoff, actor=handoff.giver, references={1: LINKS[1]})
    with invalid("unknown_deliverable", "deliverables/3"):
        offer_handoff(handoff=handoff, actor=handoff.giver, references={3: "x"})
    with invalid("other_project", "snapshots/1"):
        offer_handoff(handoff=handoff, actor=handoff.giver, snapshots={1: foreign})
    Handoff.objects.update(taker=None)
    with refused("no_taker", handoff):
        offer_handoff(handoff=handoff, actor=handoff.giver, references=LINKS)


def test_a_second_offer_begins_with_empty_ticks():
    handoff = make.handoff(state="returned")
    tick_all(handoff)

    with one_entry("handoff.offered"):
        again = offer_handoff(handoff=handoff, actor=handoff.giver)

    assert (again.rounds, again.decided_at, again.reason) == (2, None, "")
    assert again.criteria.filter(ticked_at__isnull=False).count() == 0


def test_the_taker_ticks_and_unticks_criteria():
    handoff = make.handoff(state="offered")
    criterion = handoff.criteria.first()

    with one_entry("handoff.ticked") as detail:
        ticked = tick_criterion(criterion=criterion, actor=handoff.taker)
    with refused("no_change", criterion):
        tick_criterion(criterion=criterion, actor=handoff.taker)
    with one_entry("handoff.ticked"):
        unticked = tick_criterion(criterion=criterion, actor=handoff.taker, ticked=False)

    assert (ticked.ticked_at is None, unticked.ticked_at) == (False, None)
    assert (detail["criterion"], detail["ticked"]) == (1, True)


def test_a_handoff_is_accepted_once_every_criterion_is_ticked():
    handoff = make.handoff(state="offered")

    with refused("criteria_open", handoff):
        accept_handoff(handoff=handoff, actor=handoff.taker)
    tick_all(handoff)
    with one_entry("handoff.accepted") as detail:
        accepted = accept_handoff(handoff=handoff, actor=handoff.taker)

    assert (accepted.state, accepted.decided_at is None) == ("accepted", False)
    assert (detail["from"], detail["to"], detail["round"]) == ("offered", "accepted", 1)


def test_a_handoff_is_returned_with_a_reason():
    handoff = make.handoff(state="offered")

    with invalid("missing", "reason"):
        return_handoff(handoff=handoff, actor=handoff.taker, reason=" ")
    with one_entry("handoff.returned") as detail:
        returned = return_handoff(handoff=handoff, actor=handoff.taker, reason="Last year's data")

    assert (returned.state, returned.reason, detail["reason"]) == (
        "returned",
        "Last year's data",
        "Last year's data",
    )


def test_an_offer_is_withdrawn_by_its_giver():
    handoff = make.handoff(state="offered")

    with one_entry("handoff.withdrawn"):
        assert withdraw_handoff(handoff=handoff, actor=handoff.giver).state == "planned"


@pytest.mark.parametrize("state", ["planned", "offered", "returned"])
def test_a_handoff_is_cancelled_by_giver_or_manager(state):
    one = make.handoff(state=state)
    two = make.handoff(one.iteration, state)

    with one_entry("handoff.cancelled"):
        cancelled = cancel_handoff(handoff=one, actor=one.giver, reason="Not needed")
    with one_entry("handoff.cancelled"):
        cancel_handoff(handoff=two, actor=manager_of(two), reason="Not needed")

    assert (cancelled.state, cancelled.reason, cancelled.decided_at) == ("cancelled", "Not needed", None)


def test_the_parties_do_their_own_part_only():
    handoff = make.handoff(state="offered")
    criterion, project = handoff.criteria.first(), handoff.iteration.project
    others = [
        handoff.giver,
        project.created_by,
        make.member(project),
        make.member(project, "auditor"),
        make.user(),
    ]

    for person in others:
        with forbidden(criterion):
            tick_criterion(criterion=criterion, actor=person)
        with forbidden(handoff):
            accept_handoff(handoff=handoff, actor=person)
        with forbidden(handoff):
            return_handoff(handoff=handoff, actor=person, reason="I want")
    for person in [handoff.taker, *others[1:]]:
        with forbidden(handoff):
            withdraw_handoff(handoff=handoff, actor=person)
        with forbidden(handoff):
            offer_handoff(handoff=handoff, actor=person)
    for person in [handoff.taker, *others[2:]]:
        with forbidden(handoff):
            cancel_handoff(handoff=handoff, actor=person, reason="I want")
        with forbidden(handoff):
            set_parties(handoff=handoff, giver=person, taker=handoff.taker, actor=person)


def test_a_party_that_left_the_project_does_nothing():
    handoff = make.handoff(state="offered")
    handoff.taker.memberships.update(left_at=timezone.now())

    with forbidden(handoff):
        accept_handoff(handoff=handoff, actor=handoff.taker)


@pytest.mark.parametrize("state", ["planned", "accepted", "returned", "cancelled"])
def test_only_what_is_on_offer_is_decided(state):
    handoff = make.handoff(state=state)
    criterion = handoff.criteria.first()

    with refused("wrong_state", handoff):
        accept_handoff(handoff=handoff, actor=handoff.taker)
    with refused("wrong_state", handoff):
        return_handoff(handoff=handoff, actor=handoff.taker, reason="No")
    with refused("not_on_offer", criterion):
        tick_criterion(criterion=criterion, actor=handoff.taker)


def test_no_handoff_moves_in_an_iteration_that_is_over():
    handoff = make.handoff(state="offered")
    Iteration.objects.update(state="completed", closed_at=timezone.now())

    with refused("iteration_closed", handoff):
        return_handoff(handoff=handoff, actor=handoff.taker, reason="No")
