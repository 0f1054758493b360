"""Signatures given in order: a seat is filled only after those named before it, behind every door."""

import pytest
from django.urls import reverse

from governance.models import Authorization, Gate, Signoff
from tests import make, make_gates
from tests.governance.given import refused, sign
from tests.governance.test_defects import DOORS, SIGNED, sign_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def gate():
    asked = make_gates.gate()
    signatures = {"seats": [{"role": "DS"}, {"role": "PO"}], "in_order": True}
    asked.definition["signatures"] |= signatures
    asked.save(update_fields=["definition"])
    make_gates.evaluation(asked)
    return asked


@pytest.fixture
def people(gate):
    return [make.member(gate.iteration.project, "reviewer", role) for role in ("DS", "PO")]


def test_the_second_seat_waits_for_the_first(gate, people):
    scientist, owner = people
    with refused("not_your_turn"):
        sign(gate, owner)

    sign(gate, scientist)
    sign(gate, owner)

    assert Gate.objects.get().state == "passed"
    assert Authorization.objects.count() == 1


@pytest.mark.parametrize("door", DOORS)
def test_the_order_holds_behind_every_door(gate, people, door):
    scientist, owner = people

    assert sign_at(door, gate, owner) in (400, 409, 422)
    assert not Signoff.objects.exists()
    assert sign_at(door, gate, scientist) == SIGNED[door]
    assert sign_at(door, gate, owner) == SIGNED[door]


def test_who_fits_either_seat_takes_the_first_and_never_holds_the_order_up(gate, people):
    scientist, _owner = people
    both = make.member(gate.iteration.project, "reviewer", "DS", "PO")

    sign(gate, both)
    # As the owner then, since nobody else fits the first seat any less.
    sign(gate, scientist)

    assert Gate.objects.get().state == "passed"


def test_saying_no_and_acknowledging_wait_for_nobody(gate, people):
    sign(gate, people[1], decision="acknowledge")
    sign(gate, make.member(gate.iteration.project, "reviewer", "PO"), decision="reject", comment="No")

    assert Gate.objects.get().state == "refused"


def test_the_page_says_whose_turn_it_is(gate, people, client):
    scientist, owner = people
    client.force_login(owner)
    page = client.get(reverse("governance:gate", args=[gate.pk])).content.decode()
    assert "Signatures are given in order: DS first." in page

    client.force_login(scientist)
    assert (
        "Sign with this decision" in client.get(reverse("governance:gate", args=[gate.pk])).content.decode()
    )
