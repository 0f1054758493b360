"""People are matched to seats: no first fit, and one person is one person under any number of accounts."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.models import Authorization, Gate
from governance.queries.seats import Seat, seated, seats_of
from governance.services.signoffs import approvals
from lifecycle.models import User
from lifecycle.rules.identity import normalized_email, same_people
from tests import make, make_gates
from tests.governance.given import refused, reviewers, sign

pytestmark = pytest.mark.django_db

roles = st.frozensets(st.sampled_from("abc"))


def best(people, seats):
    """How many seats can be filled, by trying every order: the slow way that needs no theory."""
    tries = permutations(range(len(people)), min(len(people), len(seats)))
    pick = permutations(range(len(seats)), min(len(people), len(seats)))
    orders = list(pick)
    return max(
        (
            sum(bool(people[person] & seats[seat].roles) for person, seat in zip(some, order, strict=True))
            for some in tries
            for order in orders
        ),
        default=0,
    )


@settings(deadline=None)  # the first call imports scipy
@given(st.lists(roles, max_size=4), st.lists(roles.filter(bool).map(Seat), max_size=4))
def test_as_many_seats_are_filled_as_can_be_and_nobody_sits_twice(people, seats):
    found = seated(people, seats)

    taken = [index for index in found if index is not None]
    assert len(taken) == len(set(taken)) == best(people, seats)
    assert all(
        people[index] & seat.roles for index, seat in zip(found, seats, strict=True) if index is not None
    )


def test_who_could_sit_anywhere_does_not_take_the_seat_that_another_one_needs():
    both, only_first = frozenset("ab"), frozenset("a")

    # First fit gives seat a to the first person, and the second one finds no seat.
    assert seated([both, only_first], [Seat(frozenset("a")), Seat(frozenset("b"))]) == [1, 0]


def test_a_gate_asks_for_so_many_of_any_role_or_for_named_seats():
    assert (
        seats_of({"signatures": {"required": 2, "roles": ["reviewer"]}})
        == [Seat(frozenset({"reviewer"}))] * 2
    )
    named = {"seats": [{"role": "RC"}, {"roles": ["DX", "RC"], "required": 2}]}
    assert [sorted(seat.roles) for seat in seats_of({"signatures": named})] == [
        ["RC"],
        ["DX", "RC"],
        ["DX", "RC"],
    ]


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("Ann@Example.org", "ann@example.org"),
        (" ann@example.org ", "ann@example.org"),
        ("ann+work@example.org", "ann@example.org"),
        ("a.n.n+x@googlemail.com", "ann@gmail.com"),
        ("ａｎｎ@example.org", "ann@example.org"),
        ("ann@example.org.", "ann@example.org"),
    ],
)
def test_one_mailbox_has_one_spelling(written, same):
    assert normalized_email(written) == normalized_email(same)


def test_dots_matter_where_the_provider_says_so():
    assert normalized_email("a.b@example.org") != normalized_email("ab@example.org")


def test_an_account_that_shares_with_two_others_makes_all_three_one_person():
    one = User(pk=1, email="a@x.org")
    two = User(pk=2, email="b@x.org", identity_subject="idp|7")
    bridge = User(pk=3, email="A@x.org", identity_subject="idp|7")

    assert [sorted(each.pk for each in group) for group in same_people([one, two, bridge])] == [[1, 2, 3]]
    assert len(same_people([User(pk=1), User(pk=2)])) == 2, "no address says nothing"


def seats_gate(*seats, **fields):
    """A gate that asks for these seats."""
    document = make_gates.gate_document()
    home = make.project(document=document)
    make.phase(make.iteration(home), "P1", "in_review")
    gate = make_gates.gate(home, **fields)
    gate.definition["signatures"]["seats"] = list(seats)
    gate.save(update_fields=["definition"])
    make_gates.evaluation(gate)
    return gate


def test_a_gate_with_two_seats_passes_whoever_signs_first():
    gate = seats_gate({"role": "DS"}, {"role": "PO"})
    project = gate.iteration.project
    both, only = make.member(project, "reviewer", "DS", "PO"), make.member(project, "reviewer", "DS")

    sign(gate, both)
    sign(gate, only)

    assert Gate.objects.get().state == "passed"


def test_two_people_for_the_same_seat_do_not_fill_the_other_one():
    gate = seats_gate({"role": "DS"}, {"role": "PO"})
    for _ in range(2):
        sign(gate, make.member(gate.iteration.project, "reviewer", "DS"))

    assert Gate.objects.get().state == "open"
    assert approvals(make_gates.evaluation_of(gate)) == 1


@pytest.mark.parametrize(
    "shared", [{"email": "Same+2@example.org"}, {"identity_subject": "https://idp.example|42"}]
)
def test_a_second_account_of_one_person_is_no_second_signature(shared):
    gate = make_gates.gate()
    make_gates.evaluation(gate)
    first = make.user(email="same@example.org", identity_subject="https://idp.example|42")
    second = make.user(**shared)
    for account in (first, second):
        make.member(gate.iteration.project, "reviewer", user=account)
    sign(gate, first)

    with refused("already_signed"):
        sign(gate, second)

    assert not Authorization.objects.exists()


def test_who_took_part_under_another_account_may_not_sign():
    gate = make_gates.gate()
    make_gates.evaluation(gate)
    asked_by = gate.requested_by
    other = make.member(gate.iteration.project, "reviewer", user=make.user(email=asked_by.email.upper()))

    with refused("forbidden"):
        sign(gate, other)


def test_an_account_that_somebody_else_may_use_signs_nothing():
    gate = make_gates.gate()
    make_gates.evaluation(gate)
    (person,) = reviewers(gate, 1)
    from django.utils import timezone

    User.objects.filter(pk=person.pk).update(bar_reason="password_reset", barred_at=timezone.now())

    with refused("account_barred"):
        sign(gate, person)


def test_what_was_signed_with_an_account_found_taken_over_fills_no_seat_while_the_gate_is_open():
    import datetime as dt

    from django.utils import timezone

    from lifecycle.services.accounts import report_compromise

    gate = make_gates.gate()
    make_gates.evaluation(gate)
    taken, second, third = reviewers(gate, 3)
    sign(gate, taken)
    report_compromise(
        person=taken, actor=make.user(org_role="administrator"), reason="Phished",
        since=timezone.now() - dt.timedelta(hours=1),
    )  # fmt: skip

    sign(gate, second)
    assert Gate.objects.get().state == "open"
    sign(gate, third)
    assert Gate.objects.get().state == "passed"
