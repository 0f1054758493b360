from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from governance.models import Deployment
from lifecycle.errors import Refused
from lifecycle.figures import HeatCell, HeatMap, HeatRow
from lifecycle.forms.monitoring_plans import PlanForm, fields_of
from lifecycle.models import MonitoringPlan, Run
from lifecycle.queries.monitoring_plans import window_lines, window_starts
from lifecycle.queries.plan_charts import plan_charts
from lifecycle.services.monitoring_windows import look_again, look_now, run_due_plans
from tests import make_gates
from tests.lifecycle import running, watching

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 2, 2, tzinfo=UTC)
WEEK = timedelta(days=7)
LIVE = {"uri": "live.csv", "format": "csv"}


@pytest.fixture
def project():
    watching.sales()
    watching.sales("live.csv", days=14, first=MONDAY, countries="US IT", wrong={"IT": 5.0}, seed=2)
    return running.project()


@pytest.fixture
def model(project):
    return watching.trained(project)


def get(client, user, name, *args, query=""):
    client.force_login(user)
    return client.get(reverse(f"lifecycle:{name}", args=args) + query)


def post(client, user, route, *args, **values):
    client.force_login(user)
    return client.post(reverse(f"lifecycle:{route}", args=args), values)


def filled(model, **changes):
    return {
        "name": "Sales", "model_version": model.pk, "environment": "production", "source": "live.csv",
        "format": "csv", "time_column": "day", "every": "week", "starts": "2026-02-02", "delay_hours": "0",
        "label_delay_hours": "0", "numeric": "price\nstock", "segments": "country", "task": "regression",
        "target": "sold", "metrics": "mae", "metric_limits": "mae <= 1.0\nmae[country=IT] <= 2",
        "slices": "country", "psi_warning": "0.1", "psi_drift": "0.25", "share_drifted": "0.3",
        "min_rows": "50", "min_segment_rows": "50", **changes,
    }  # fmt: skip


def test_a_person_defines_a_plan_looks_and_sees_what_drifted(client, project, model):
    manager = running.manager_of(project)
    assert b"Define a plan" in get(client, manager, "project-plans", project.slug).content

    made = post(
        client,
        manager,
        "plan-new",
        project.slug,
        **filled(model, every="month", starts="2026-02-01", late_after_hours="700"),
    )
    plan = MonitoringPlan.objects.get()
    assert made.url == reverse("lifecycle:monitoring-plan", args=[plan.pk])
    assert plan.spec["limits"]["metrics"][1]["slice"] == "country=IT"
    assert post(client, manager, "plan-act", plan.pk, "start").status_code == 302
    running_page = get(client, manager, "monitoring-plan", plan.pk).content.decode()
    assert "being looked at" in running_page
    assert "HX-Refresh" not in get(client, manager, "plan-progress", plan.pk).headers

    watching.work()
    assert get(client, manager, "plan-progress", plan.pk).headers["HX-Refresh"] == "true"
    text = get(client, manager, "monitoring-plan", plan.pk, query="?measure=metric:mae&part=country=IT")
    page = text.content.decode()
    assert "Late" in page
    assert "mae, country=IT" in page
    assert "Late" in get(client, manager, "project-plans", project.slug).content.decode()


def test_the_form_takes_a_plan_apart_and_puts_it_together_again(project, model):
    plan = watching.plan(
        project, model,
        spec=watching.plan_spec(
            segments=[{"column": "country"}], binning="sturges", schedule="0 6 * * 1",
            source={**LIVE, "where": [{"column": "stock", "op": ">", "value": 1}]},
            limits={"metrics": [{"metric": "mae", "op": "<=", "limit": 1.5}], "unseen_share": 0.5},
        ),
    )  # fmt: skip
    start = fields_of(plan.spec)
    form = PlanForm(models=[model], initial=start)
    data = {
        name: form[name].field.prepare_value(start[name]) if name in start else "" for name in form.fields
    }
    kept = {"name": "Sales", "environment": "production", "model_version": model.pk}
    usual = {"psi_warning": 0.1, "psi_drift": 0.25, "share_drifted": 0.3, "delay_hours": 0,
             "label_delay_hours": 0, "min_rows": 50, "min_segment_rows": 50}  # fmt: skip
    again = PlanForm(
        {**data, **kept, **{name: start.get(name, value) for name, value in usual.items()}}, models=[model]
    )

    assert again.is_valid(), again.errors
    with pytest.raises(Refused) as no:
        watching.plan(project, model, spec=again.spec())
    assert no.value.code == "unchanged"


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"numeric": "prize"}, "numeric", "prize"),
        ({"metric_limits": "mae about 1"}, "metric_limits", "mae about 1"),
        ({"schedule": "daily"}, "schedule", ""),
        ({"further": "{"}, "further", "JSON"),
        ({"further": '{"every": "day"}'}, "further", "every"),
        ({"time_column": "dya"}, "source", "dya"),
        ({"source": "../live.csv"}, "source", "outside"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_kept(client, project, model, change, field, words):
    answer = post(client, running.manager_of(project), "plan-new", project.slug, **filled(model, **change))
    assert answer.status_code == 422
    wrong = answer.context["form"].errors
    assert words in str(wrong.get(field, wrong))
    assert not MonitoringPlan.objects.exists()


def test_strangers_find_nothing_and_reviewers_change_nothing(client, project, model):
    plan = watching.plan(project, model)
    stranger, reviewer = running.person(), running.member(project, "reviewer")
    assert get(client, stranger, "monitoring-plan", plan.pk).status_code == 404
    assert post(client, stranger, "plan-act", plan.pk, "pause").status_code == 404
    assert get(client, reviewer, "monitoring-plan", plan.pk).status_code == 200
    assert post(client, reviewer, "plan-act", plan.pk, "pause").status_code == 403
    assert get(client, reviewer, "plan-new", project.slug).status_code == 403


def test_looking_now_asks_once_and_refuses_when_nothing_is_due(project, model):
    plan = watching.plan(project, model, spec=watching.plan_spec(schedule="0 6 1 1 *"))
    manager = running.manager_of(project)
    runs = look_now(plan=plan, actor=manager, now=MONDAY + 2 * WEEK)
    assert [run.started_by for run in runs] == [manager, manager]
    before = len(running.actions())
    with pytest.raises(Refused) as no:
        look_now(plan=plan, actor=manager, now=MONDAY + 2 * WEEK)
    assert no.value.code == "nothing_due"
    assert len(running.actions()) == before


def test_a_window_that_was_late_is_looked_at_again_when_its_data_has_come(project, model):
    plan = watching.plan(project, model)
    run_due_plans(MONDAY + 3 * WEEK)
    watching.work()
    late = plan.windows.get(start=MONDAY + 2 * WEEK)
    scored = plan.windows.get(start=MONDAY)
    manager = running.manager_of(project)
    assert late.run.record["verdict"] == "late"

    watching.sales("live.csv", days=7, first=MONDAY + 2 * WEEK, append=True)
    again = look_again(window=late, actor=manager)
    watching.work()

    late.refresh_from_db()
    assert (late.run, late.run.record["verdict"]) == (again, "ok")
    assert late.run.record["plan"]["key"] == plan.key
    assert running.actions("monitoring.looked_again") == ["monitoring.looked_again"]
    with pytest.raises(Refused) as no:
        look_again(window=scored, actor=manager)
    assert no.value.code == "window_scored"


def test_charts_mark_limits_deployments_and_what_was_not_scored(project, model):
    given = make_gates.authorization()
    Deployment.objects.create(
        project=project, iteration=given.gate.iteration, model_version=model, environment="production",
        deployed_by=running.manager_of(project), deployed_at=MONDAY + WEEK,
    )  # fmt: skip
    from lifecycle.monitoring_marks import marks_of

    plan = watching.plan(project, model, spec=watching.plan_spec(segments=[{"column": "country"}]))
    run_due_plans(MONDAY + 3 * WEEK)
    watching.work()
    lines = window_lines(plan, list(window_starts(plan)))
    marks = marks_of(project, "production")

    charts = plan_charts(plan, lines, marks, measure="feature:price")
    assert charts.chart is not None
    assert [limit.value for limit in charts.chart.limits] == [0.1, 0.25]
    assert [(event.window, event.name) for event in charts.chart.events] == [(1, f"model {model.number}")]
    assert charts.chart.series[0].values[-1] is None
    assert charts.heat is not None
    assert charts.heat.rows[0].cells[-1] == HeatCell(None, "late")
    assert {part.key for part in charts.parts} >= {"", "country=US"}


def test_a_heat_map_says_what_it_shows_without_colour():
    row = HeatRow("price", (HeatCell(0.3), HeatCell(0.15), HeatCell(None, "late")))
    drawn = HeatMap("PSI", ["1 May", "2 May", "3 May"], (row,), near=0.1, limit=0.25)
    cells = drawn.lines[0]["cells"]
    assert [cell["state"] for cell in cells] == ["bad", "warn", "none"]
    assert cells[2]["said"] == "price, 3 May: late"
    assert "1 times" in drawn.label


def test_the_queries_of_the_page_do_not_grow_with_the_windows(
    client, project, model, django_assert_num_queries
):
    manager = running.manager_of(project)
    plan = watching.plan(project, model)
    client.force_login(manager)
    address = reverse("lifecycle:monitoring-plan", args=[plan.pk])

    def count():
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as seen:
            assert client.get(address).status_code == 200
        return len(seen)

    run_due_plans(MONDAY + WEEK)
    watching.work()
    client.get(address)
    one = count()
    run_due_plans(MONDAY + 3 * WEEK)
    watching.work()
    assert count() <= one <= 25


def test_the_api_defines_looks_and_lists(client, project, model):
    manager = running.manager_of(project)
    client.force_login(manager)
    body = {
        "project": project.slug, "name": "Sales", "model_digest": model.digest, "environment": "production",
        "spec": watching.plan_spec(),
    }  # fmt: skip
    made = client.post("/api/v1/monitoring-plans/", body, content_type="application/json")
    assert made.status_code == 201, made.json()
    url = f"/api/v1/monitoring-plans/{made.json()['id']}/"
    looked = client.post(f"{url}look/", content_type="application/json")
    assert (looked.status_code, Run.objects.filter(kind="MON").count()) == (202, len(looked.json()["runs"]))
    assert client.post(f"{url}pause/", content_type="application/json").json()["state"] == "paused"
    assert client.post(f"{url}look/", content_type="application/json").json()["code"] == "plan_not_active"
    assert client.post(f"{url}resume/", content_type="application/json").json()["state"] == "active"
    windows = client.get(f"{url}windows/").json()["results"]
    assert len(windows) == len(looked.json()["runs"])
    assert (
        client.get(f"/api/v1/monitoring-plans/?project={project.slug}").json()["results"][0]["key"] == "sales"
    )
    bad = client.post(
        "/api/v1/monitoring-plans/", {**body, "spec": {}, "name": "X"}, content_type="application/json"
    )
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_specification")
