"""Every door for what ran elsewhere, and every body that no door takes."""

import gzip
import json

import pytest

from lifecycle.models import LineageEvent, ReceivedEvent, Run
from lifecycle.services.tokens import issue_token
from tests import make, traces
from tests.lifecycle.test_lineage_intake import event

pytestmark = pytest.mark.django_db

RUN = {"external_id": "1", "kind": "TRN", "title": "T", "finished_at": "2026-01-02T10:00:00Z"}
CLOUD = {"specversion": "1.0", "id": "1", "source": "/ci", "type": "gatebook.run", "data": RUN}
DOORS = {
    "runs": ("put", "/api/v1/runs/", "application/json", {"runs": [RUN]}),
    "posted runs": ("post", "/api/v1/runs/", "application/json", {"runs": [RUN]}),
    "cloud event": ("post", "/api/v1/cloudevents/", "application/cloudevents+json", CLOUD),
    "cloud events": ("post", "/api/v1/cloudevents/", "application/cloudevents-batch+json", [CLOUD]),
    "lineage": ("post", "/api/v1/lineage", "application/json", event()),
    "lineage batch": ("post", "/api/v1/lineage/batch", "application/json", [event()]),
    "evidently": ("post", "/api/v1/evidently/", "application/json", {"metrics": []}),
}
"""Method, address, content type and a good body; evidently's own layouts have tests of their own."""


@pytest.fixture
def send(client):
    """Sends bytes to a door, as a member whose token is for the project."""
    project = make.small_project()
    person = make.member(project)
    _, key = issue_token(user=person, name="CI", scope="intake", days=9, actor=person, project=project)

    def ask(door, raw, **headers):
        method, url, kind, _good = DOORS[door]
        named = {"Authorization": f"Bearer {key}"} | headers
        return getattr(client, method)(url, raw, content_type=kind, headers=named)

    return ask


def raw(door):
    return json.dumps(DOORS[door][3]).encode()


@pytest.mark.parametrize("door", [door for door in DOORS if door != "evidently"])
def test_a_good_body_is_taken_once(send, door):
    assert send(door, raw(door)).status_code in (200, 204)
    assert send(door, raw(door)).status_code in (200, 204)
    assert Run.objects.count() == 1


BAD = {
    "nothing": (b"", {400}),
    "invalid UTF-8": (b'{"runs": "\xff\xfe"}', {400}),
    "half a text": (b'{"runs": ["a', {400}),
    "the wrong thing": (b'"a text"', {400}),
    "a number": (b"7", {400}),
    "null": (b"null", {400}),
    "deep nesting": (b"[" * 50_000, {400}),
    "deep objects": (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, {400}),
    "a key twice": (b'{"runs": [], "runs": []}', {400}),
    "a number without end": (b'{"a": ' + b"9" * 9_000 + b"}", {400}),
    "a number too large": (b'{"a": 1e999}', {400}),
    "another encoding": ('{"runs": []}'.encode("utf-16"), {400}),
    "too many bytes": (b" " * 10_000_001, {413}),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("door", DOORS)
def test_a_bad_body_is_refused_in_words_and_nothing_of_it_is_kept(send, door, what):
    body, status = BAD[what]
    with traces.no_trace():
        answer = send(door, body)
    assert answer.status_code in status, answer.content[:300]
    assert answer["Content-Type"] == "application/problem+json"
    said = answer.json()
    assert said["code"]
    assert said["detail"]
    assert (Run.objects.count(), ReceivedEvent.objects.count(), LineageEvent.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize("door", DOORS)
def test_a_bomb_and_a_torn_gzip_are_refused(send, door):
    bomb, torn = gzip.compress(b" " * 100_000_000, 1), gzip.compress(raw(door))[:-6]
    with traces.no_trace():
        assert send(door, bomb, **{"Content-Encoding": "gzip"}).status_code == 413
        assert send(door, torn, **{"Content-Encoding": "gzip"}).status_code == 400
        assert send(door, torn, **{"Content-Encoding": "br"}).status_code == 415
    assert Run.objects.count() == 0


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "kind", ["text/csv", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_another_content_type_is_refused(client, door, kind):
    project = make.small_project()
    person = make.member(project)
    _, key = issue_token(user=person, name="CI", scope="intake", days=9, actor=person, project=project)
    method, url, _kind, _good = DOORS[door]
    answer = getattr(client, method)(
        url, b"a,b", content_type=kind, headers={"Authorization": f"Bearer {key}"}
    )
    assert (answer.status_code, answer["Content-Type"]) == (415, "application/problem+json")


ODD = ["\x00", "\ud800", "a\nb"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("door", [door for door in DOORS if door != "evidently"])
def test_odd_characters_in_a_name_are_refused(send, door, odd):
    body = json.loads(json.dumps(DOORS[door][3]))
    if door in ("runs", "posted runs"):
        body["runs"][0]["external_id"] = odd
    elif door == "lineage batch":
        body[0]["job"]["name"] = odd
    elif door == "lineage":
        body["job"]["name"] = odd
    else:
        (body[0] if isinstance(body, list) else body)["id"] = odd
    answer = send(door, json.dumps(body).encode())
    if door == "lineage batch":
        assert answer.json()["status"] == "failure"
    else:
        assert answer.status_code == 400, answer.content[:200]
    assert Run.objects.count() == 0
