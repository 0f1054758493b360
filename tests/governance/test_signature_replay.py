"""A signature is given once, for what was shown, from this site: no replay, no form of another one."""

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from governance.models import Signoff
from tests import make, make_gates
from tests.governance import doors
from tests.governance.doors import DOORS, REFUSED, SIGNED, sign_at
from tests.governance.given import reviewers

pytestmark = pytest.mark.django_db


@pytest.fixture
def gate():
    return doors.gate()


@pytest.mark.parametrize("door", DOORS)
def test_a_signature_is_not_replayed(gate, door):
    (reviewer,) = reviewers(gate, 1)
    shown = make_gates.evaluation_of(gate).digest
    assert sign_at(door, gate, reviewer) == SIGNED[door]
    assert sign_at(door, gate, reviewer) in REFUSED[door]

    make_gates.finding(gate.iteration.project)
    make_gates.evaluation(gate)
    assert sign_at(door, gate, reviewer, digest=shown) in REFUSED[door], "an old digest"
    assert Signoff.objects.count() == 1


def test_a_form_from_another_site_signs_nothing(gate):
    (reviewer,) = reviewers(gate, 1)
    client = Client(enforce_csrf_checks=True)
    client.force_login(reviewer)
    given = {
        "digest": make_gates.evaluation_of(gate).digest, "decision": "approve", "meaning": "approval",
        "password": make.PASSWORD,
    }  # fmt: skip
    page = client.post(
        reverse("governance:gate-sign", args=[gate.pk]), given, headers={"origin": "https://evil.example"}
    )
    api = APIClient(enforce_csrf_checks=True)
    api.cookies = client.cookies
    answer = api.post(reverse("api:gate-signoffs", args=[gate.pk]), given, format="json")

    assert (page.status_code, answer.status_code) == (403, 403)
    assert not Signoff.objects.exists()
