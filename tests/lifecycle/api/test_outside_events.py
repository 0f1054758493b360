import base64
import json
from datetime import timedelta

import pytest
from django.utils.timezone import now

from lifecycle.models import LineageEvent, ReceivedEvent, Run
from lifecycle.services.tokens import issue_token
from tests import make, traces
from tests.lifecycle.test_lineage_intake import event

pytestmark = pytest.mark.django_db

CLOUD, LINEAGE, BATCH = "/api/v1/cloudevents/", "/api/v1/lineage", "/api/v1/lineage/batch"
STRUCTURED, MANY = "application/cloudevents+json", "application/cloudevents-batch+json"


@pytest.fixture
def project():
    return make.small_project()


@pytest.fixture
def send(client, project):
    """Posts as a member whose token is for the project."""
    person = make.member(project)
    _, key = issue_token(user=person, name="CI", scope="intake", days=9, actor=person, project=project)

    def post(url, body, kind="application/json", **headers):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {"Authorization": f"Bearer {key}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return client.post(url, raw, content_type=kind, headers=named)

    return post


def run(name="1", **fields):
    values = {"external_id": name, "kind": "TRN", "title": "T", "finished_at": "2026-01-02T10:00:00Z"}
    return values | fields


def cloud(number="1", **fields):
    values = {"specversion": "1.0", "id": number, "source": "/ci", "type": "gatebook.run", "data": run()}
    return values | fields


def outcomes(answer):
    assert answer.status_code == 200, answer.content
    return [each["outcome"] for each in answer.json()]


def test_an_event_in_each_mode_is_taken(send):
    assert outcomes(send(CLOUD, cloud("1"), STRUCTURED)) == ["taken"]
    batch = [cloud("2", data=run("2")), cloud("3", data=run("3"))]
    assert outcomes(send(CLOUD, batch, MANY)) == ["taken", "taken"]
    head = {"ce-specversion": "1.0", "ce-id": "4", "ce-source": "%2Fci", "ce-type": "gatebook.run"}
    assert outcomes(send(CLOUD, run("4"), **head)) == ["taken"]
    encoded = base64.b64encode(json.dumps(run("5")).encode()).decode()
    plain = cloud("5", data_base64=encoded)
    plain.pop("data")
    assert outcomes(send(CLOUD, plain, STRUCTURED)) == ["taken"]
    assert set(Run.objects.values_list("external_id", flat=True)) == {f"/ci#{n}" for n in range(1, 6)}


def test_an_event_is_taken_once_by_source_and_id(send):
    send(CLOUD, cloud(), STRUCTURED)
    with traces.no_trace():
        again = send(CLOUD, [cloud(), cloud()], MANY)
        reused = send(CLOUD, cloud(data=run(title="Other")), STRUCTURED)
    elsewhere = send(CLOUD, cloud(source="/other"), STRUCTURED)

    assert outcomes(again) == ["duplicate", "duplicate"]
    assert (reused.status_code, reused.json()["code"]) == (409, "id_reused")
    assert outcomes(elsewhere) == ["taken"]
    assert Run.objects.count() == 2


def test_the_latest_word_about_a_run_counts_in_whatever_order_it_comes(send):
    early = cloud("1", time="2026-01-02T10:00:00Z", data=run(title="Early"))
    late = cloud("2", time="2026-01-02T11:00:00Z", data=run(title="Late"))
    between = cloud("3", time="2026-01-02T10:30:00Z", data=run(title="Between"))

    assert outcomes(send(CLOUD, [late, early], MANY)) == ["taken", "superseded"]
    assert outcomes(send(CLOUD, between, STRUCTURED)) == ["superseded"]
    assert Run.objects.get().title == "Late"
    assert ReceivedEvent.objects.count() == 3


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"specversion": "0.3"}, "unknown_specversion", "/0/specversion"),
        ({"specversion": 1}, "unknown_specversion", "/0/specversion"),
        ({"specversion": None}, "string_type", "/0/specversion"),
        ({"id": ""}, "string_too_short", "/0/id"),
        ({"source": 7}, "string_type", "/0/source"),
        ({"type": "other"}, "unknown_type", "/0/type"),
        ({"datacontenttype": "text/xml"}, "unknown_content_type", "/0/datacontenttype"),
        ({"time": "noon"}, "datetime_from_date_parsing", "/0/time"),
        ({"data": None}, "no_data", "/0/data"),
        ({"data": []}, "not_an_object", "/0/data"),
        ({"data": {"external_id": "1"}}, "missing", "/0/data/kind"),
        ({"data_base64": "!"}, "data_twice", "/0/data_base64"),
        ({"data": run(metrics={"a": 2**70})}, "not_json", "/data"),
    ],
)
def test_a_wrong_event_is_refused_by_place_and_none_of_its_batch_is_taken(send, change, code, where):
    with traces.no_trace():
        said = send(CLOUD, [cloud("9") | change, cloud("8", data=run("8"))], MANY).json()
    found = {(said["code"], said.get("where"))} | {
        (each["code"], each["where"]) for each in said.get("errors", ())
    }
    assert (code, where) in found or where in {place for _code, place in found}
    assert (Run.objects.count(), ReceivedEvent.objects.count()) == (0, 0)


def test_a_clock_that_is_a_day_ahead_is_refused(send):
    ahead = (now() + timedelta(days=1)).isoformat()
    said = send(CLOUD, cloud(time=ahead), STRUCTURED).json()
    assert (said["code"], said["where"]) == ("in_the_future", "/time")


def test_lineage_and_reports_come_as_events_too(send):
    told = cloud("1", type="io.openlineage.event", data=event())
    report = {"metrics": [{"metric_name": "RowCount()", "value": 5}]}
    seen = cloud("2", type="ai.evidently.report", data=report)
    assert outcomes(send(CLOUD, [told, seen], MANY)) == ["taken", "taken"]
    assert set(Run.objects.values_list("kind", flat=True)) == {"DVR", "MON"}


def test_one_lineage_event_answers_204_and_again(send):
    assert send(LINEAGE, event()).status_code == 204
    assert send(LINEAGE, event()).status_code == 204
    assert (Run.objects.count(), LineageEvent.objects.count()) == (1, 1)


def test_a_batch_of_lineage_keeps_what_is_good_and_names_what_is_not(send):
    answer = send(BATCH, [event(), event() | {"eventTime": "x"}, 7]).json()

    assert answer["status"] == "partial_success"
    assert answer["summary"] == {
        "received": 3, "successful": 1, "failed": 2, "retriable": 0, "non_retriable": 2,
    }  # fmt: skip
    assert [(each["index"], each["retriable"]) for each in answer["failed_events"]] == [
        (1, False),
        (2, False),
    ]
    assert Run.objects.count() == 1
    assert send(BATCH, [event()]).json()["status"] == "success"
    assert send(BATCH, [7]).json()["status"] == "failure"
    assert send(BATCH, {}).status_code == 400
    assert send(BATCH, [7] * 1001).status_code == 400


def test_without_a_project_of_its_own_a_token_goes_by_parameter_or_namespace(client, project):
    person = make.member(project)
    _, key = issue_token(user=person, name="CI", scope="write", days=9, actor=person)

    def post(url, body):
        return client.post(
            url, body, content_type="application/json", headers={"Authorization": f"Bearer {key}"}
        )

    named = event(job={"namespace": project.slug, "name": "x"})
    nowhere = post(LINEAGE, event())
    assert post(LINEAGE, named).status_code == 204
    assert post(f"{LINEAGE}?project={project.slug}", event()).status_code == 204
    assert (nowhere.status_code, nowhere.json()["code"]) == (400, "no_project")
    hidden = event(job={"namespace": make.small_project().slug, "name": "x"})
    assert post(LINEAGE, hidden).json()["code"] == "no_project"
    assert post(f"{BATCH}?project={project.slug}", [named]).json()["status"] == "success"


@pytest.mark.parametrize("url", [CLOUD, LINEAGE, BATCH, "/api/v1/evidently/"])
def test_the_doors_are_closed_to_strangers_and_to_tokens_that_read(client, project, url):
    person = make.member(project)
    _, key = issue_token(user=person, name="CI", scope="read", days=9, actor=person)
    reading = {"Authorization": f"Bearer {key}"}
    assert client.post(url, {}, content_type="application/json").status_code == 401
    assert client.post(url, {}, content_type="application/json", headers=reading).status_code == 403
