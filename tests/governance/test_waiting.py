"""Gates stand in the inbox of those whose signature they wait for, and of nobody else."""

import pytest
from django.utils import timezone

from governance.queries.waiting import gates_to_sign
from lifecycle.queries.counts import counts_of
from lifecycle.queries.inbox import inbox_of
from tests import make, make_gates

pytestmark = pytest.mark.django_db


@pytest.fixture
def home():
    return make_gates.project()


@pytest.fixture
def gate(home):
    return make_gates.gate(home)


def waits_for(person):
    kinds = [item.kind for item in inbox_of(person)]
    assert counts_of(person).inbox == len(kinds)
    return kinds == ["sign"]


def test_a_reviewer_is_asked_once_the_gate_is_evaluated_and_until_they_signed(home, gate):
    reviewer = make.member(home, "reviewer")
    assert not waits_for(reviewer)

    make_gates.evaluation(gate)
    assert waits_for(reviewer)
    make_gates.signed(gate, reviewer)

    assert not waits_for(reviewer)


def test_a_new_evaluation_asks_for_the_signature_again(home, gate):
    reviewer = make.member(home, "reviewer")
    make_gates.signed(gate, reviewer)

    make_gates.finding(home)
    make_gates.evaluation(gate)

    assert waits_for(reviewer)


@pytest.mark.parametrize("role", ["contributor", "auditor"])
def test_who_has_no_seat_is_not_asked(home, gate, role):
    make_gates.evaluation(gate)

    assert gates_to_sign(make.member(home, role)) == []


def test_who_left_or_is_a_stranger_is_not_asked(home, gate):
    make_gates.evaluation(gate)

    assert gates_to_sign(make.member(home, "reviewer", left_at=timezone.now())) == []
    assert gates_to_sign(make.user(org_role="process_owner")) == []


def test_who_owns_ran_or_proved_something_of_the_iteration_is_not_asked(home, gate):
    make_gates.evaluation(gate)
    phase = gate.iteration.phases.get(key="P2")
    owner, starter, giver, free = (make.member(home, "reviewer") for _each in range(4))
    task = make.task(phase, "2.1", owner=owner)
    make.run(home, iteration=gate.iteration, started_by=starter)
    make.evidence(task, attached_by=giver)

    asked = [person for person in (owner, starter, giver, free) if gates_to_sign(person)]

    assert asked == [free]


def test_a_decided_gate_asks_nobody(home, gate):
    first, second, third = (make.member(home, "reviewer") for _each in range(3))
    make_gates.signed(gate, first, second)

    assert gates_to_sign(third) == []


def test_it_costs_one_query_for_any_number_of_gates(django_assert_num_queries):
    reviewer = make.user()
    for _each in range(3):
        home = make_gates.project()
        make.member(home, "reviewer", user=reviewer)
        make_gates.evaluation(make_gates.gate(home))

    with django_assert_num_queries(1):
        assert len(gates_to_sign(reviewer)) == 3
