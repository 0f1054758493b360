"""The doors by which a decision is reached: the page, the API with a session, the API with a token.

All lead to the same service, so each defect is tried at each of them.
"""

from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from lifecycle.services.tokens import issue_token
from tests import make, make_gates
from tests.governance.given import first_task, measured

DOORS = ("page", "api", "api_token")
SIGNED = {"page": 302, "api": 201, "api_token": 201}
REFUSED = {"page": (403, 422), "api": (400, 403, 409), "api_token": (400, 403, 409)}


def gate():
    """An open gate that asks for two signatures, evaluated."""
    asked = make_gates.gate()
    make_gates.evaluation(asked)
    return asked


def measured_gate():
    """The same, over a requirement that a run of this model meets."""
    home = make_gates.project()
    make.requirement(home, gate="G1", key="accuracy")
    asked = make_gates.gate(home)
    record = {"metrics": {"accuracy": 0.95}}
    measured(first_task(asked), asked.model_version, record, state="verified")
    make_gates.evaluation(asked)
    return asked


def web(person):
    """A browser in which this person is logged in."""
    client = Client()
    client.force_login(person)
    return client


def api(person, scope=""):
    """A client of the API, by session, or with a token of this scope."""
    client = APIClient()
    if scope:
        _token, secret = issue_token(user=person, actor=person, name="t", scope=scope, days=1)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    else:
        client.force_login(person)
    return client


def sign_at(door, gate, person, **changes):
    """The status of an attempt to sign, by this door."""
    given = {
        "digest": make_gates.evaluation_of(gate).digest, "decision": "approve", "meaning": "approval",
        "password": make.PASSWORD,
    } | changes  # fmt: skip
    given = {key: value for key, value in given.items() if value is not None}
    if door == "page":
        return web(person).post(reverse("governance:gate-sign", args=[gate.pk]), given).status_code
    client = api(person, "write" if door == "api_token" else "")
    return client.post(reverse("api:gate-signoffs", args=[gate.pk]), given, format="json").status_code


def may_run(gate):
    """What the API of the gate check says, asked as a deployer does."""
    asked = {"model_digest": gate.model_version.digest, "environment": gate.environment}
    client = api(gate.iteration.project.created_by)
    return client.get(reverse("api:gate-checks"), asked).json()["decision"]
