import json
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from lifecycle.models import Run
from lifecycle.queries import pages_runs
from tests import make
from tests.lifecycle import running

pytestmark = pytest.mark.django_db

DRIFT = {
    "verdict": "drift",
    "main_metric": "accuracy",
    "metrics": {"accuracy": 0.71},
    "metrics_reference": {"accuracy": 0.9},
    "limits": [
        {"metric": "accuracy", "slice": None, "op": ">=", "limit": 0.8, "holds": False, "text": "Low."}
    ],
    "findings": [{"severity": "drift", "text": "“price” moved."}],
    "features": {
        "price": {
            "psi": 0.4,
            "histogram": {"edges": [0, 1, 2], "reference": [0.5, 0.5], "current": [0.1, 0.9]},
        },
        "kind": {
            "psi": 0.01,
            "histogram": {"categories": ["a", "b"], "reference": [0.5, 0.5], "current": [0.5, 0.5]},
        },
    },
    "slices": {"country=IT": {"rows": 50, "small": True, "accuracy": 0.6, "baseline_accuracy": 0.7}},
}  # fmt: skip


def get(client, user, name, *args, query=""):
    client.force_login(user)
    return client.get(reverse(f"lifecycle:{name}", args=args) + query)


def ask(client, user, project, kind="TRN", **values):
    client.force_login(user)
    return client.post(reverse("lifecycle:run-new", args=[project.slug]) + f"?kind={kind}", values)


def test_anonymous_people_are_sent_to_the_log_in(client):
    run = make.run()
    for name, arg in (
        ("run", run.pk),
        ("project-runs", run.project.slug),
        ("project-monitoring", run.project.slug),
    ):
        assert client.get(reverse(f"lifecycle:{name}", args=[arg])).status_code == 302


def test_a_stranger_finds_no_run(client):
    run, stranger = make.run(), make.user()
    assert get(client, stranger, "run", run.pk).status_code == 404
    assert get(client, stranger, "run-progress", run.pk).status_code == 404
    for name in ("project-runs", "project-monitoring", "run-new"):
        assert get(client, stranger, name, run.project.slug).status_code == 404


def test_a_run_shows_what_was_asked_and_what_came_out(client):
    run = make.run(record=DRIFT, spec={"seed": 41})
    text = get(client, run.project.created_by, "run", run.pk).content.decode()
    assert "0.7100" in text
    assert "country=IT" in text
    assert "“price” moved." in text
    assert "&quot;seed&quot;: 41" in text


@pytest.mark.parametrize(
    "record", [{}, {"metrics": None, "slices": [], "limits": "x"}, {"metrics": {"auc": None}}]
)
def test_a_record_of_another_shape_breaks_no_page(client, record):
    run = make.run(kind="MON", record=record)
    assert get(client, run.project.created_by, "run", run.pk).status_code == 200
    assert get(client, run.project.created_by, "project-monitoring", run.project.slug).status_code == 200


def test_a_failed_run_says_why(client):
    run = make.run(state="failed", error="The file is <gone>.")
    text = get(client, run.project.created_by, "run", run.pk).content.decode()
    assert "The file is &lt;gone&gt;." in text
    assert "hx-get" not in text


def test_a_run_under_way_is_asked_for_until_it_has_ended(client):
    run = make.run(state="running", progress=0.25, step="fitting")
    manager = run.project.created_by
    assert f"/runs/{run.pk}/progress/" in get(client, manager, "run", run.pk).content.decode()
    bar = get(client, manager, "run-progress", run.pk)
    assert "every 2s" in bar.content.decode()
    assert 'value="0.250"' in bar.content.decode()
    Run.objects.filter(pk=run.pk).update(state="failed", error="Over.", finished_at=run.created_at)
    ended = get(client, manager, "run-progress", run.pk)
    assert ended.headers["HX-Refresh"] == "true"
    assert "every 2s" not in ended.content.decode()


def test_runs_are_narrowed_by_kind_and_state_and_come_in_pages(client):
    home = make.small_project()
    for _each in range(26):
        make.run(home, title="Training of many")
    make.run(home, "EVR", title="One evaluation")
    first = get(client, home.created_by, "project-runs", home.slug).content.decode()
    assert "27 runs" in first
    assert "page=2" in first
    narrowed = get(client, home.created_by, "project-runs", home.slug, query="?kind=EVR").content.decode()
    assert "One evaluation" in narrowed
    assert "Training of many" not in narrowed
    odd = get(client, home.created_by, "project-runs", home.slug, query="?kind=XXX&state=zzz&page=99")
    assert odd.status_code == 200


def test_the_number_of_queries_of_the_list_does_not_grow(client, django_assert_max_num_queries):
    home = make.small_project()
    make.run(home, started_by=home.created_by)
    client.force_login(home.created_by)
    address = reverse("lifecycle:project-runs", args=[home.slug])
    with django_assert_max_num_queries(25) as first:
        client.get(address)
    for _each in range(2):
        make.run(home, started_by=home.created_by, model_version=make.model_version(home))
    with django_assert_max_num_queries(len(first)):
        client.get(address)


def test_the_form_is_filled_with_the_last_specification_of_the_kind(client):
    home = make.small_project()
    make.run(home, spec={"seed": 17})
    text = get(client, home.created_by, "run-new", home.slug).content.decode()
    assert "&quot;seed&quot;: 17" in text
    assert get(client, home.created_by, "run-new", home.slug, query="?kind=DPR").status_code == 404


def test_only_those_who_work_here_ask_for_runs(client):
    home = make.small_project()
    for who in (make.member(home, "reviewer"), make.member(home, "auditor"), make.user(org_role="auditor")):
        assert get(client, who, "run-new", home.slug).status_code == 403
        assert ask(client, who, home, title="x", spec="{}").status_code == 403


def test_a_specification_that_is_no_json_is_answered_with_line_and_column(client):
    home = make.small_project()
    answer = ask(client, home.created_by, home, title="Mine", spec='{"seed": }')
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Line 1, column 10" in text
    assert 'value="Mine"' in text
    assert "{&quot;seed&quot;: }" in text
    for odd in ("[]", '{"a": NaN}', "[" * 3000):
        assert ask(client, home.created_by, home, title="Mine", spec=odd).status_code == 422


def test_what_is_wrong_with_a_specification_is_said_where_it_is(client):
    home = make.small_project()
    spec = running.training(split={"kind": "random", "test_share": 7, "seed": 1})
    answer = ask(client, home.created_by, home, title="Mine", spec=json.dumps(spec))
    assert answer.status_code == 422
    assert "/split" in answer.content.decode()
    assert not Run.objects.exists()


def test_a_good_specification_is_queued_for_the_task(client):
    task = make.task(state="instantiated")
    home = task.phase.iteration.project
    spec = json.dumps(running.training())
    answer = ask(client, home.created_by, home, title="First", spec=spec, task=task.pk)
    run = Run.objects.get()
    assert answer.status_code == 302
    assert answer.url == reverse("lifecycle:run", args=[run.pk])
    assert (run.task, run.iteration, run.state) == (task, task.phase.iteration, Run.State.QUEUED)


def test_monitoring_shows_windows_drift_slices_and_what_fired(client):
    home = make.small_project()
    model = make.model_version(home)
    calm = {**DRIFT, "findings": [], "features": {}, "metrics": {"accuracy": 0.9}, "limits": []}
    early = make.run(home, "MON", record=calm, model_version=model, title="Week 1")
    late = make.run(home, "MON", record=DRIFT, model_version=model, title="Week 2")
    make.firing(make.trigger(home), run=late, summary="Inputs drift")
    text = get(client, home.created_by, "project-monitoring", home.slug).content.decode()
    assert "accuracy is outside its limit" in text
    assert "1 of 2 over" in text
    assert "Inputs drift" in text
    first = get(
        client, home.created_by, "project-monitoring", home.slug, query=f"?run={early.pk}"
    ).content.decode()
    assert "All is steady" in first
    assert get(client, home.created_by, "project-monitoring", home.slug, query="?run=x²").status_code == 200


def test_monitoring_without_windows_says_so(client):
    home = make.small_project()
    assert "No window yet" in get(client, home.created_by, "project-monitoring", home.slug).content.decode()


def test_the_number_of_queries_of_monitoring_does_not_grow(client, django_assert_max_num_queries):
    home = make.small_project()
    address = reverse("lifecycle:project-monitoring", args=[home.slug])
    client.force_login(home.created_by)
    make.firing(make.trigger(home), run=make.run(home, "MON", record=DRIFT))
    with django_assert_max_num_queries(25) as first:
        client.get(address)
    for _each in range(2):
        make.firing(make.trigger(home), run=make.run(home, "MON", record=DRIFT))
    with django_assert_max_num_queries(len(first)):
        client.get(address)


def test_the_list_is_searched_by_name_metric_and_parameter(client):
    run = make.run(title="Ridge 7")
    Run.objects.filter(pk=run.pk).update(record={"metrics": {"rmse": 0.2}, "parameters": {"depth": 3}})
    user = running.manager_of(run.project)
    for words, fits in (
        ("Rid", True), ("rmse<0.3", True), ("depth=3", True), ("Forest", False), ("rmse<0.1", False),
        ("depth=4", False), ("<", False), ("=", False), ("a<b=\x00", False), ("rmse<1e999", False),
    ):  # fmt: skip
        answer = get(client, user, "project-runs", run.project.slug, query="?" + urlencode({"words": words}))
        assert answer.status_code == 200
        assert ("Ridge 7" in answer.content.decode()) is fits, words


def test_only_the_newest_are_paged_and_sorted_and_the_page_says_so(client, monkeypatch):
    monkeypatch.setattr(pages_runs, "MOST_PAGED", 2)
    first = make.run(title="Oldest")
    user = running.manager_of(first.project)
    for title in ("Middle", "Newest"):
        make.run(project=first.project, title=title)
    text = get(client, user, "project-runs", first.project.slug, query="?sort=run").content.decode()
    assert text.index("Middle") < text.index("Newest")
    assert "Oldest" not in text
    assert "that fit are listed" in text
