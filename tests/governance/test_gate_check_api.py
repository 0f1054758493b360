"""`GET /api/v1/gate-checks/`: for deployers, by token or session."""

import pytest
from django.urls import reverse

from lifecycle.models import ApiToken
from lifecycle.services.tokens import issue_token
from tests import make, make_gates

pytestmark = pytest.mark.django_db

ZEROS = "0" * 64


def bearer(user, scope):
    _, text = issue_token(user=user, name="deployer", scope=scope, days=30, actor=user)
    return {"Authorization": f"Bearer {text}"}


def ask(client, method="get", headers=None, **question):
    return getattr(client, method)(reverse("api:gate-checks"), question, headers=headers or {})


@pytest.mark.parametrize("scope", [each for each in ApiToken.Scope.values if each != "intake"])
def test_every_token_may_ask_that_is_not_for_intake_alone(client, scope):
    given = make_gates.authorization()

    answer = ask(
        client, headers=bearer(make.user(), scope), model_digest=given.model_digest, environment="production",
        scope="country=US",
    )  # fmt: skip

    assert (answer.status_code, answer.json()["decision"]) == (200, "allow")
    assert answer.json()["authorization"]["id"] == given.pk


def test_a_token_for_intake_sends_runs_and_asks_nothing(client):
    given = make_gates.authorization()

    answer = ask(
        client, headers=bearer(make.user(), "intake"), model_digest=given.model_digest,
        environment="production",
    )  # fmt: skip

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_too_narrow")
    assert "decision" not in answer.json()


def test_an_auditor_may_ask_too(client):
    auditor = make.user(org_role="auditor")

    answer = ask(client, headers=bearer(auditor, "read"), model_digest=ZEROS, environment="production")

    assert (answer.status_code, answer.json()["decision"]) == (200, "deny")


def test_a_denial_is_an_answer_with_reasons(client):
    client.force_login(make.user())

    answer = ask(client, model_digest=f"sha256:{ZEROS}", environment="production")

    assert answer.status_code == 200
    assert (answer.json()["decision"], answer.json()["authorization"]) == ("deny", None)
    assert answer.json()["reasons"]


def test_without_log_in_nobody_is_told_anything(client):
    answer = ask(client, model_digest=ZEROS, environment="production")

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("question", "where"),
    [
        ({}, "model_digest"),
        ({"model_digest": ZEROS}, "environment"),
        ({"model_digest": "abc", "environment": "production"}, "model_digest"),
        ({"model_digest": "\x00", "environment": "production"}, "model_digest"),
        ({"model_digest": ZEROS, "environment": "production", "scope": "Italy"}, "scope"),
    ],
)
def test_a_bad_call_is_a_problem_that_names_the_place(client, question, where):
    client.force_login(make.user())

    answer = ask(client, **question)

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["where"] == where


@pytest.mark.parametrize("environment", ["\x00", "x" * 5000, "ünïcode ☂", "'; drop table"])
def test_strange_environments_are_denied_like_any_unknown_one(client, environment):
    given = make_gates.authorization()
    client.force_login(make.user())

    answer = ask(client, model_digest=given.model_digest, environment=environment)

    assert (answer.status_code, answer.json()["decision"]) == (200, "deny")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_gate_check_is_asked_and_never_changed(client, method):
    answer = ask(client, method, headers=bearer(make.user(), "write"))

    assert answer.status_code == 405
