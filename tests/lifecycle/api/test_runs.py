import pytest
from django.urls import reverse
from django.utils.timezone import now

from lifecycle.models import Job, ModelVersion, Run
from tests.lifecycle import running

pytestmark = pytest.mark.django_db

RUNS = "/api/v1/runs/"


@pytest.fixture
def project():
    return running.project()


def run_in(project, **fields) -> Run:
    values = {"kind": "TRN", "title": "Ridge", "started_by": running.manager_of(project), "created_at": now()}
    return Run.objects.create(project=project, **{**values, **fields})


def wish(project, **changes):
    return {"project": project.slug, "kind": "TRN", "title": "Ridge", "spec": running.training(), **changes}


def post(client, body, **headers):
    return client.post(RUNS, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("count", [1, 4])
def test_the_list_shows_the_runs_of_visible_projects_only_at_a_constant_cost(
    client, project, count, django_assert_num_queries
):
    mine = [run_in(project) for _ in range(count)]
    run_in(running.project())
    client.force_login(running.manager_of(project))

    with django_assert_num_queries(4):  # session, person, projects, runs
        rows = client.get(RUNS).json()["results"]

    assert [row["id"] for row in rows] == [run.pk for run in reversed(mine)]
    assert "record" not in rows[0]


def test_the_list_is_narrowed_by_project_kind_and_state(client, project):
    wanted = run_in(project, kind="MON", state="finished", finished_at=now())
    run_in(project)
    client.force_login(running.manager_of(project))

    rows = client.get(RUNS, {"project": project.slug, "kind": "MON", "state": "finished"}).json()["results"]

    assert [row["id"] for row in rows] == [wanted.pk]
    assert client.get(RUNS, {"kind": "XXX"}).status_code == 400
    assert client.get(RUNS, {"project": "\0"}).status_code == 400


def test_the_detail_holds_specification_and_record_and_is_hidden_from_strangers(client, project):
    run = run_in(project, spec={"task": "regression"}, record={"metrics": {"mae": 1.5}})
    detail = reverse("api:run-detail", args=[run.pk])
    client.force_login(running.manager_of(project))

    found = client.get(detail).json()

    assert (found["spec"], found["record"]) == ({"task": "regression"}, {"metrics": {"mae": 1.5}})
    client.force_login(running.person())
    assert client.get(detail).status_code == 404
    assert client.get(f"{RUNS}999999999999999999/").status_code == 404


def test_asking_for_a_training_queues_it_in_the_open_iteration(client, project):
    iteration = running.iteration(project)
    client.force_login(running.manager_of(project))

    response = post(client, wish(project))

    assert response.status_code == 201
    assert (response.json()["state"], response.json()["iteration"]) == ("queued", iteration.number)
    assert Job.objects.get().args == {"run_id": response.json()["id"]}


def test_the_same_idempotency_key_gives_the_same_run(client, project):
    client.force_login(running.manager_of(project))
    named = {"Idempotency-Key": "build-7"}

    first, again = post(client, wish(project), **named), post(client, wish(project), **named)
    other = post(client, wish(project, spec=running.training(seed=9)), **named)

    assert (first.status_code, again.status_code, first.json()["id"]) == (201, 201, again.json()["id"])
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"spec": {"target": "y"}}, "/data"),
        ({"spec": running.training(seed=-1)}, "/seed"),
        ({"iteration": 77}, "/iteration"),
        ({"task": "9.9"}, "/task"),
        ({"kind": "EVR"}, "/model_digest"),
        ({"kind": "EVR", "model_digest": "0" * 64}, "/model_digest"),
        ({"model_digest": "0" * 64}, "/model_digest"),
        ({"title": "bell \x07"}, "title"),
        ({"spec": running.training(data={"uri": "a\0b", "format": "csv"})}, ""),
    ],
)
def test_what_is_wrong_is_answered_with_its_place_and_leaves_nothing(client, project, change, where):
    running.iteration(project)
    client.force_login(running.manager_of(project))

    response = post(client, wish(project, **change))

    assert response.status_code == 400
    assert response.json().get("where", "") == where
    assert Run.objects.count() == 0


@pytest.mark.parametrize("body", [{}, [], {"project": "x"}, {"spec": 1}])
def test_a_body_of_the_wrong_shape_is_a_problem_document(client, project, body):
    client.force_login(running.manager_of(project))

    response = post(client, body)

    assert (response.status_code, response.json()["code"]) == (400, "invalid")


def test_reviewers_see_runs_and_ask_for_none_and_strangers_find_no_project(client, project):
    client.force_login(running.member(project, "reviewer"))
    assert post(client, wish(project)).status_code == 403

    client.force_login(running.person())
    assert post(client, wish(project)).status_code == 404
    assert Run.objects.count() == 0


def test_an_evaluation_names_its_model_by_digest(client, project):
    version = ModelVersion.objects.create(
        project=project, number=1, digest="a" * 64, path="models/a.skops", size=1, created_at=now()
    )
    client.force_login(running.manager_of(project))
    spec = {"data": {"uri": "rides.csv", "format": "csv"}, "target": "y", "task": "regression"}

    response = post(client, wish(project, kind="EVR", spec=spec, model_digest=version.digest))

    assert (response.status_code, response.json()["model_digest"]) == (201, version.digest)


def test_a_project_is_found_by_its_slug_by_those_who_see_it(client, project):
    running.project()
    client.force_login(running.manager_of(project))
    detail = reverse("api:project-detail", args=[project.slug])

    assert client.get(detail).json()["process"] == project.process_version.process.key
    client.force_login(running.person())
    assert client.get(detail).status_code == 404
    assert client.get(reverse("api:project-list")).json()["results"] == []


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_nothing_is_changed_in_place(client, project, method):
    run = run_in(project)
    client.force_login(running.manager_of(project))

    response = getattr(client, method)(reverse("api:run-detail", args=[run.pk]))

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
