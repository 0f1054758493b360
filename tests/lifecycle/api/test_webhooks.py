"""Webhooks: only what is signed, new and small is taken, and that once."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from django.utils.timezone import now

from ledger.models import Entry
from lifecycle.models import Connector, Delivery, Gap, Job, Sync
from lifecycle.services.connectors import change_connector
from tests import make

pytestmark = pytest.mark.django_db

SECRET = "a-secret-of-the-webhook"
BODY = json.dumps(
    {
        "entity": "model_version",
        "action": "created",
        "timestamp": "x",
        "data": {"name": "flights", "version": "3"},
    }
).encode()


@pytest.fixture
def connector():
    administrator = make.user(org_role="administrator")
    made = make.connector(key="tracker", created_by=administrator)
    return change_connector(
        connector=made, name="T", url="https://mlflow.example", auth="none", webhook_secret=SECRET,
        actor=administrator,
    )  # fmt: skip


def send(
    client, body=BODY, *, secret=SECRET, delivery="d-1", at=None, key="tracker", signature=None, **headers
):
    stamp = str(int(time.time()) if at is None else at)
    mac = hmac.new(secret.encode(), f"{delivery}.{stamp}.".encode() + body, hashlib.sha256).digest()
    given = {
        "X-MLflow-Delivery-Id": delivery, "X-MLflow-Timestamp": stamp,
        "X-MLflow-Signature": signature if signature is not None else "v1," + base64.b64encode(mac).decode(),
    } | headers  # fmt: skip
    return client.post(
        f"/api/v1/webhooks/mlflow/{key}/", body, content_type="application/json", headers=given
    )


def nothing_was_taken():
    return (Delivery.objects.count(), Sync.objects.count(), Job.objects.count()) == (0, 0, 0)


def test_a_signed_webhook_is_taken_and_has_the_tracker_looked_at(client, connector):
    answer = send(client)

    assert (answer.status_code, answer.json()) == (202, {"outcome": "taken"})
    taken = Delivery.objects.get()
    assert (taken.event, taken.subject) == ("model_version.created", "flights/3")
    assert Sync.objects.get().reason == "webhook"


def test_a_delivery_that_comes_again_is_taken_once(client, connector):
    answers = [send(client).status_code for _ in range(3)]

    assert answers == [202, 200, 200]
    assert (Delivery.objects.count(), Sync.objects.count()) == (1, 1)


def test_an_id_that_comes_with_another_body_is_refused(client, connector):
    send(client)

    answer = send(client, BODY.replace(b'"3"', b'"4"'))

    assert (answer.status_code, answer.json()["code"]) == (409, "other_body")
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret": "another-secret-altogether"}, "bad_signature"),
        ({"signature": "v1,AAAA"}, "bad_signature"),
        ({"signature": "v1,%%%"}, "bad_signature"),
        ({"signature": "v2,AAAA"}, "bad_signature"),
        ({"signature": ""}, "no_signature"),
        ({"delivery": ""}, "no_signature"),
        ({"delivery": "d" * 200}, "no_signature"),
        ({"at": int(time.time()) - 3600}, "too_old"),
        ({"at": int(time.time()) + 86_400}, "too_old"),
        ({"at": int(time.time()) - 86_400}, "too_old"),
        ({"at": "-5"}, "bad_timestamp"),
        ({"at": "9" * 30}, "bad_timestamp"),
        ({"at": ""}, "no_signature"),
    ],
)
def test_what_does_not_prove_itself_is_refused(client, connector, changes, code):
    entries = Entry.objects.count()

    answer = send(client, **changes)

    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert nothing_was_taken()
    assert Entry.objects.count() == entries
    assert SECRET not in answer.text


def test_a_body_that_was_changed_on_the_way_is_refused(client, connector):
    stamp = str(int(time.time()))
    mac = hmac.new(SECRET.encode(), f"d-1.{stamp}.".encode() + BODY, hashlib.sha256).digest()
    right = "v1," + base64.b64encode(mac).decode()

    assert send(client, BODY + b" ", at=stamp, signature=right).status_code == 401
    assert send(client, BODY, at=stamp, signature=f"v1,AAAA {right}").status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        b"", b"no json", b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"entity": 7, "action": "x"}',
        b'{"entity": "model_version", "action": "created", "data": {"name": "flights"}}',
        b'{"entity": "model_version", "action": "created", "data": 3}',
    ],
)  # fmt: skip
def test_a_signed_body_that_is_no_event_is_said_to_be_none(client, connector, body):
    answer = send(client, body)

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert nothing_was_taken()


def test_events_that_are_not_followed_are_taken_quietly(client, connector):
    body = json.dumps({"entity": "prompt", "action": "created", "data": {"name": "x"}}).encode()

    assert send(client, body).status_code == 202
    assert Delivery.objects.get().subject == ""


def test_a_webhook_beyond_ten_megabytes_is_refused(client, connector):
    assert send(client, b"x" * 10_000_001).status_code == 413
    assert nothing_was_taken()


@pytest.mark.parametrize("change", [{"enabled": False}, {"sealed_webhook_secret": ""}, {"key": "other"}])
def test_a_connector_is_closed_to_webhooks_unless_it_says_otherwise(client, connector, change):
    Connector.objects.update(**change)

    assert send(client).status_code == 404
    assert nothing_was_taken()


def test_a_webhook_needs_no_session_and_no_csrf_token(connector):
    from django.test import Client

    assert send(Client(enforce_csrf_checks=True)).status_code == 202


def test_a_webhook_that_comes_late_closes_its_gap(client, connector):
    sync = Sync.objects.create(
        connector=connector, reason="schedule", state="finished", asked_at=now(), finished_at=now()
    )
    gap = Gap.objects.create(
        connector=connector, sync=sync, event="model_version.created", subject="flights/3", found_at=now()
    )

    send(client)

    gap.refresh_from_db()
    assert gap.announced_at is not None
