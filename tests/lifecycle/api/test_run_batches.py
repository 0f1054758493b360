import gzip
import json
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils.timezone import now

from ledger.models import Entry
from lifecycle.api.bodies import TooLarge, read_body
from lifecycle.models import IdempotencyKey, Run
from lifecycle.services import idempotency
from lifecycle.services.tokens import issue_token
from tests import make, traces

pytestmark = pytest.mark.django_db

RUNS = "/api/v1/runs/"
ENDED = "2026-01-02T10:00:00Z"


@pytest.fixture
def project():
    return make.small_project()


def said(name="1", **fields):
    return {"external_id": name, "kind": "TRN", "title": "Trained", "finished_at": ENDED} | fields


def token(project, scope="intake", bound=True):
    person = make.member(project)
    only = project if bound and scope == "intake" else None
    return issue_token(user=person, name="CI", scope=scope, days=9, actor=person, project=only)[1]


def put(client, body, key, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return client.put(RUNS, raw, content_type="application/json", headers=headers)


def test_a_batch_answers_for_each_run_in_its_order(client, project):
    key = token(project)
    with traces.one_entry("runs.recorded"):
        first = put(client, {"runs": [said("a"), said("b")]}, key)
    again = put(client, {"runs": [said("b", title="New"), said("a")]}, key).json()

    assert first.status_code == 200
    assert [each["outcome"] for each in first.json()["runs"]] == ["created", "created"]
    assert [(each["external_id"], each["outcome"]) for each in again["runs"]] == [
        ("b", "changed"), ("a", "unchanged"),
    ]  # fmt: skip
    assert again["runs"][0]["before"] == first.json()["runs"][1]["digest"]
    assert again["counts"] == {"created": 0, "updated": 0, "changed": 1, "unchanged": 1}
    assert Run.objects.get(pk=first.json()["runs"][0]["id"]).source == "api"


def test_clients_that_only_post_may(client, project):
    headers = {"Authorization": f"Bearer {token(project)}"}
    answer = client.post(RUNS, {"runs": [said()]}, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["counts"]["created"]) == (200, 1)


def test_the_same_key_and_body_give_the_same_answer_and_another_body_is_refused(client, project):
    key = token(project)
    first = put(client, {"runs": [said()]}, key, Idempotency_Key="k1")
    with traces.no_trace():
        again = put(client, {"runs": [said()]}, key, Idempotency_Key="k1")
        other = put(client, {"runs": [said("other")]}, key, Idempotency_Key="k1")
    elsewhere = put(client, {"runs": [said("other")]}, token(project), Idempotency_Key="k1")

    assert again.json() == first.json()
    assert first.json()["counts"]["created"] == 1
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    assert elsewhere.status_code == 200


def test_a_request_that_failed_gives_its_key_back(client, project):
    key = token(project)
    bad = put(client, {"runs": [said(task="9.9")]}, key, Idempotency_Key="k1")
    good = put(client, {"runs": [said()]}, key, Idempotency_Key="k1")
    assert (bad.status_code, good.status_code) == (400, 200)


def test_a_key_of_a_request_under_way_is_refused_and_one_that_died_is_taken_over(client, project):
    key = token(project)
    put(client, {"runs": [said()]}, key, Idempotency_Key="k1")
    IdempotencyKey.objects.update(answer=b"", begun_at=now())
    busy = put(client, {"runs": [said()]}, key, Idempotency_Key="k1")
    IdempotencyKey.objects.update(begun_at=now() - timedelta(minutes=2))
    later = put(client, {"runs": [said()]}, key, Idempotency_Key="k1")

    assert (busy.status_code, busy.json()["code"]) == (409, "in_progress")
    assert (later.status_code, later.json()["counts"]["unchanged"]) == (200, 1)


@pytest.mark.django_db(transaction=True)
def test_eight_requests_at_once_under_one_key_are_one(project):
    from django.test import Client

    key, answers = token(project), []

    def ask():
        answers.append(put(Client(), {"runs": [said()]}, key, Idempotency_Key="k1"))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert {each.status_code for each in answers} <= {200, 409}
    assert any(each.status_code == 200 for each in answers)
    assert Run.objects.count() == 1
    assert Entry.objects.filter(action="runs.recorded").count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_run_that_eight_send_at_once_is_kept_once(project):
    from django.test import Client

    key, answers = token(project), []

    def ask():
        answers.append(put(Client(), {"runs": [said()]}, key))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    outcomes = sorted(each.json()["runs"][0]["outcome"] for each in answers)
    assert outcomes == ["created"] + 7 * ["unchanged"]
    assert Run.objects.count() == 1
    assert Entry.objects.filter(action="runs.recorded").count() == 1


def test_keys_are_forgotten_after_a_week(client, project):
    put(client, {"runs": [said()]}, token(project), Idempotency_Key="k1")
    idempotency.forget(list(IdempotencyKey.objects.all()), now())
    assert IdempotencyKey.objects.count() == 0


def test_a_token_for_one_project_sends_to_no_other_and_reads_nothing(client, project):
    other = make.small_project()
    key = token(project)
    named = put(client, {"project": project.slug, "runs": [said()]}, key)
    strange = put(client, {"project": other.slug, "runs": [said()]}, key)
    read = client.get(RUNS, headers={"Authorization": f"Bearer {key}"})

    assert (named.status_code, strange.status_code, read.status_code) == (200, 403, 403)


@pytest.mark.parametrize(
    ("scope", "status"), [("write", 200), ("intake", 200), ("read", 403), ("gate_check", 403)]
)
def test_the_scope_of_a_token_decides(client, project, scope, status):
    body = {"project": project.slug, "runs": [said()]}
    assert put(client, body, token(project, scope, bound=False)).status_code == status


def test_a_project_is_named_or_known_and_visible(client, project):
    key = token(project, bound=False)
    nameless = put(client, {"runs": [said()]}, key)
    hidden = put(client, {"project": make.small_project().slug, "runs": [said()]}, key)

    assert (nameless.status_code, nameless.json()["where"]) == (400, "/project")
    assert hidden.status_code == 404


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "missing"),
        (b"\xff\xfe", "not_utf8"),
        (b'{"runs": [', "not_json"),
        (b'{"runs": [], "runs": []}', "duplicate_key"),
        (b'{"runs": [{"metrics": {"a": NaN}}]}', "not_finite"),
        (b'{"runs": [{"metrics": {"a": -Infinity}}]}', "not_finite"),
        (b'{"runs": [{"metrics": {"a": 1e999}}]}', "not_finite"),
        (b'{"runs": ' + b"[" * 100_000, "too_deep"),
        (b'{"runs": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001, "too_deep"),
        (b'{"runs": "' + b'\\"' * 200_000 + b"[" * 300, "not_json"),
        (b'{"runs": ["' + b"[" * 300 + b'"]}', "model_type"),
        (b'{"runs": [' + b"9" * 5_000 + b"]}", "number_too_long"),
        (b"[]", "not_an_object"),
        (b'{"runs": []}', "too_few"),
        (b'{"runs": {}}', "list_type"),
        (b'{"runs": [1]}', "model_type"),
        (b'{"runs": [], "more": 1}', "unknown_key"),
    ],
)
def test_a_body_that_is_no_batch_is_refused_with_a_reason(client, project, raw, code):
    key = token(project)
    with traces.no_trace():
        answer = put(client, raw, key)
    said = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert code in {said["code"], *(each["code"] for each in said.get("errors", ()))}
    assert Run.objects.count() == 0


def test_every_wrong_field_is_named_and_nothing_is_kept(client, project):
    body = {"runs": [said("a"), said("b", metrics={"f1": "high"}), said("c", tags={"t": 7}, odd=1)]}
    answer = put(client, body, token(project)).json()

    assert {each["where"] for each in answer["errors"]} == {
        "/runs/1/metrics/f1", "/runs/2/tags/t", "/runs/2/odd",
    }  # fmt: skip
    assert Run.objects.count() == 0


def test_a_million_tags_are_refused(client, project):
    tags = {f"{n:x}": "" for n in range(600_000)}
    answer = put(client, {"runs": [said(tags=tags)]}, token(project))
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (400, "/runs/0/tags")
    many = {f"{n:x}": "" for n in range(1_000_000)}
    assert put(client, {"runs": [said(tags=many)]}, token(project)).status_code == 413


class Endless:
    """A stream of blanks that remembers how many were read."""

    def __init__(self):
        self.count = 0

    def read(self, size):
        self.count += size
        return b" " * size


def test_a_body_that_is_too_large_is_refused_before_it_is_read(client, project, settings):
    said_so, silent = Endless(), Endless()
    with pytest.raises(TooLarge):
        read_body(said_so, {"Content-Length": "100000000"})
    with pytest.raises(TooLarge):
        read_body(silent, {})
    answer = put(client, b" " * (settings.GATEBOOK_INTAKE_BYTES + 1), token(project))

    assert said_so.count == 0
    assert silent.count == settings.GATEBOOK_INTAKE_BYTES + 1
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_gzipped_body_is_read_and_a_bomb_is_not(client, project):
    key = token(project)
    good = put(client, gzip.compress(json.dumps({"runs": [said()]}).encode()), key, Content_Encoding="gzip")
    bomb = put(client, gzip.compress(b" " * 200_000_000, 1), key, Content_Encoding="gzip")
    torn = put(client, gzip.compress(b'{"runs": []}')[:-6], key, Content_Encoding="gzip")
    odd = put(client, b"{}", key, Content_Encoding="br")

    assert [each.status_code for each in (good, bomb, torn, odd)] == [200, 413, 400, 415]


def test_too_many_runs_are_refused_before_they_are_read(client, project):
    answer = put(client, {"runs": [{}] * 1001}, token(project))
    assert (answer.status_code, answer.json()["code"]) == (400, "too_many_runs")
