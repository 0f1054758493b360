import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lifecycle.intake.reading import read_runs
from lifecycle.queries import run_search
from lifecycle.services.run_intake import upsert_runs
from tests import make

pytestmark = pytest.mark.django_db

RUNS = "/api/v1/runs/"


@pytest.fixture
def project():
    return make.small_project()


@pytest.fixture
def find(client, project):
    """The external ids that a search gives, as the project's manager."""
    client.force_login(project.created_by)

    def ask(**asked):
        answer = client.get(RUNS, {"project": project.slug} | asked)
        assert answer.status_code == 200, answer.content
        return [each["external_id"] for each in answer.json()["results"]]

    return ask


def keep(project, *names, source="api", **fields):
    values = {"kind": "TRN", "title": "Trained", "finished_at": "2026-01-02T10:00:00Z"} | fields
    items = [{"external_id": name} | values for name in names]
    upsert_runs(project=project, source=source, runs=read_runs(items), actor=project.created_by)


def test_runs_are_found_by_source_name_and_time(project, find):
    keep(project, "a", title="Ridge 1", started_at="2026-01-02T08:00:00Z")
    keep(project, "b", title="Forest", started_at="2026-01-02T09:00:00Z", source="other")

    assert find(name="Rid") == ["a"]
    assert find(source="other") == ["b"]
    assert find(since="2026-01-02T08:30:00Z") == ["b"]
    assert find(until="2026-01-02T08:30:00Z") == ["a"]
    assert find() == ["b", "a"]


def test_runs_are_found_by_metric_and_parameter(project, find):
    keep(
        project, "a", metrics={"rmse": 0.2, "contains": 1.0}, parameters={"depth": 3, "name": "x", "lt": "y"}
    )
    keep(project, "b", metrics={"rmse": 0.4}, parameters={"depth": "3"})
    keep(project, "c", metrics={"rmse": "NaN"})

    assert find(metric="rmse<0.3") == ["a"]
    assert find(metric="rmse>=0.4") == ["b"]
    assert find(metric="contains>0") == ["a"]
    assert find(parameter="depth=3") == ["b", "a"]
    assert find(parameter="lt=y", metric="rmse<=0.2") == ["a"]
    assert find(parameter="name=") == []


@pytest.mark.parametrize("metric", ["rmse", "rmse<", "rmse<x", "rmse<1e999", "=3"])
def test_a_metric_is_compared_with_a_number(client, project, metric):
    client.force_login(project.created_by)
    assert client.get(RUNS, {"metric": metric}).status_code == 400


def test_a_search_inside_records_opens_a_bounded_number_and_goes_on_from_there(project, find, monkeypatch):
    monkeypatch.setattr(run_search, "LOOKED_AT", 2)
    keep(project, "a", "b", "c", "d", metrics={"rmse": 0.2})

    assert find(metric="rmse<1") == ["d", "c"]
    last = project.runs.get(external_id="c").pk
    assert find(metric="rmse<1", before=last) == ["b", "a"]


def test_a_search_costs_the_same_queries_however_many_are_found(project, find):
    keep(project, "a", metrics={"rmse": 0.2})
    with CaptureQueriesContext(connection) as one:
        find(metric="rmse<1")
    keep(project, "b", "c", metrics={"rmse": 0.2})
    with CaptureQueriesContext(connection) as three:
        find(metric="rmse<1")
    assert len(one) == len(three)


def test_the_answer_says_where_a_search_inside_records_goes_on(client, project, monkeypatch):
    monkeypatch.setattr(run_search, "LOOKED_AT", 2)
    client.force_login(project.created_by)
    for at, name in enumerate("abcde"):
        metrics = {"rmse": 0.9 if name in "de" else 0.2}
        keep(project, name, metrics=metrics, started_at=f"2026-01-02T0{at}:00:00Z")

    for more in ({}, {"since": "2026-01-01T00:00:00Z"}):
        asked = {"project": project.slug, "metric": "rmse<0.5", "page_size": 1} | more
        answer, seen = client.get(RUNS, asked).json(), []
        for _ in range(8):
            seen += [each["external_id"] for each in answer["results"]]
            if answer["next"] is None:
                break
            answer = client.get(answer["next"]).json()
        assert seen == ["c", "b", "a"], more


def test_a_search_by_time_is_sorted_by_time_and_paged_without_a_gap(client, project):
    client.force_login(project.created_by)
    for name, hour in (("a", 3), ("b", 1), ("c", 2), ("d", 2), ("e", 2)):
        keep(project, name, started_at=f"2026-01-02T0{hour}:00:00Z")
    keep(project, "none")

    asked = {"project": project.slug, "since": "2026-01-02T01:00:00Z", "page_size": 2}
    answer = client.get(RUNS, asked).json()
    seen = [[each["external_id"] for each in answer["results"]]]
    while answer["next"]:
        answer = client.get(answer["next"]).json()
        seen.append([each["external_id"] for each in answer["results"]])
    assert seen == [["a", "e"], ["d", "c"], ["b"]]


def test_a_row_of_the_list_says_what_the_run_itself_says(client, project):
    keep(project, "a", started_at="2026-01-02T08:00:00.250Z", url="https://tracker.example/a")
    client.force_login(project.created_by)
    [row] = client.get(RUNS).json()["results"]
    whole = client.get(f"{RUNS}{row['id']}/").json()
    assert row == {name: value for name, value in whole.items() if name not in ("spec", "record")}


def test_the_runs_of_a_project_that_one_does_not_see_are_not_listed(client, project):
    keep(project, "a")
    client.force_login(make.user())
    assert client.get(RUNS, {"project": project.slug}).json()["results"] == []
    assert client.get(RUNS).json()["results"] == []


def test_a_list_leaves_out_what_came_out(client, project):
    keep(project, "a", parent="p", url="https://tracker.example/a", started_at="2026-01-02T09:00:00Z")
    client.force_login(project.created_by)
    [row] = client.get(RUNS).json()["results"]
    assert (row["parent_external_id"], row["url"]) == ("p", "https://tracker.example/a")
    assert len(row["content_digest"]) == 64
    assert not {"record", "spec"} & set(row)
