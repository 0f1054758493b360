from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from lifecycle.services.tokens import issue_token, revoke_token
from tests.lifecycle import running

pytestmark = pytest.mark.django_db


def key(user, scope="read"):
    return issue_token(user=user, name="CI", scope=scope, days=30, actor=user)


def ask(client, text, name="api:project-list"):
    return client.get(reverse(name), headers={"Authorization": f"Bearer {text}"})


@pytest.mark.parametrize("name", ["api:project-list", "api:run-list"])
def test_without_a_token_or_session_the_api_is_closed_and_says_what_it_wants(client, name):
    response = client.get(reverse(name))

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="gatebook"'
    assert response["Content-Type"] == "application/problem+json"


def test_a_token_lets_its_holder_in(client):
    project = running.project()
    _, text = key(running.manager_of(project))

    response = ask(client, text)

    assert [each["slug"] for each in response.json()["results"]] == [project.slug]


@pytest.mark.parametrize("text", ["", "gb_", "gb_x_y", "x y", "gb_000000000000_" + "a" * 43, "\u00e9" * 60])
def test_a_text_that_is_no_token_is_refused(client, text):
    response = client.get(
        reverse("api:project-list"), headers={"Authorization": f"Bearer {text}".encode().decode("latin-1")}
    )

    assert (response.status_code, response.json()["code"]) == (401, "authentication_failed")


def test_revoked_and_outdated_tokens_and_those_of_closed_people_are_refused(client):
    user = running.manager_of(running.project())
    (revoked, revoked_text), (outdated, outdated_text), (_, closed_text) = key(user), key(user), key(user)
    revoke_token(token=revoked, actor=user)
    outdated.expires_at = now() - timedelta(seconds=1)
    outdated.save()
    assert ask(client, closed_text).status_code == 200
    user.is_active = False
    user.save()

    for text in (revoked_text, outdated_text, closed_text):
        assert ask(client, text).status_code == 401


def test_a_reading_token_changes_nothing(client):
    user = running.manager_of(running.project())
    _, text = key(user, "read")

    response = client.post(
        reverse("api:run-list"),
        {},
        content_type="application/json",
        headers={"Authorization": f"Bearer {text}"},
    )

    assert (response.status_code, response.json()["code"]) == (403, "scope_too_narrow")


def test_a_gate_check_token_reaches_the_gate_check_only(client):
    _, text = key(running.manager_of(running.project()), "gate_check")

    assert ask(client, text).status_code == 403
    assert ask(client, text, "api:run-list").status_code == 403
    assert ask(client, text, "api:gate-checks").status_code != 403
