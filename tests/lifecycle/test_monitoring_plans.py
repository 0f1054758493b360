import itertools
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied

from lifecycle.errors import Invalid, Refused
from lifecycle.executors.plan_specs import first_start, windows
from lifecycle.models import MonitoringPlan, MonitoringWindow, Run
from lifecycle.services.monitoring_plans import define_plan, pause_plan, resume_plan
from lifecycle.services.monitoring_windows import run_due_plans
from tests.lifecycle import running, watching

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 2, 2, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def project():
    watching.sales()
    watching.sales("live.csv", days=28, first=MONDAY, seed=2)
    return running.project()


@pytest.fixture
def model(project):
    return watching.trained(project)


def seen(plan):
    return [(each.start, each.stage, each.run.record.get("verdict")) for each in plan.windows.all()]


def test_a_plan_is_defined_with_one_entry_and_looks_at_nothing_yet(project, model):
    before = len(running.actions())
    plan = watching.plan(project, model)

    assert running.actions()[before:] == ["monitoring.planned"]
    assert (plan.version, plan.key, plan.first_start) == (1, "sales", MONDAY)
    assert not plan.windows.exists()


def test_missed_windows_are_caught_up_and_each_is_looked_at_once(project, model):
    plan = watching.plan(project, model)

    first = run_due_plans(MONDAY + 3 * WEEK)
    again = run_due_plans(MONDAY + 3 * WEEK + timedelta(hours=1))
    watching.work()

    assert (len(first), again) == (3, [])
    assert seen(plan) == [(MONDAY + n * WEEK, "all", "ok") for n in range(3)]
    record = plan.windows.first().run.record
    assert record["plan"] == {
        "key": "sales", "version": 1, "sha256": plan.spec_digest, "environment": "production", "stage": "all",
        "defined_at": plan.created_at.isoformat(),
    }  # fmt: skip
    assert record["rows"]["current"] == 280
    assert plan.windows.first().run.title == "Sales: week of 2026-02-02"


def test_performance_is_measured_when_labels_have_come(project, model):
    plan = watching.plan(project, model, spec=watching.plan_spec(label_delay_hours=168))

    inputs = run_due_plans(MONDAY + WEEK)
    labels = run_due_plans(MONDAY + 2 * WEEK)
    watching.work()

    assert [run.title for run in inputs] == ["Sales: week of 2026-02-02"]
    assert len(labels) == 2
    by_stage = {each.stage: each.run for each in plan.windows.filter(start=MONDAY).select_related("run")}
    for run in by_stage.values():
        run.refresh_from_db()
    assert by_stage["inputs"].record["metrics"] == {}
    assert by_stage["labels"].record["metrics"]["mae"] < 1


def test_windows_without_data_say_so(project, model):
    plan = watching.plan(project, model)

    run_due_plans(MONDAY + 6 * WEEK)
    watching.work()

    verdicts = [verdict for _start, _stage, verdict in seen(plan)]
    assert verdicts == ["ok", "ok", "ok", "ok", "late", "late"]


def test_a_source_that_is_not_there_is_a_failed_run_and_not_a_lost_one(project, model):
    plan = watching.plan(
        project, model, spec=watching.plan_spec(source={"uri": "later.csv", "format": "csv"})
    )

    run_due_plans(MONDAY + WEEK)
    watching.work()

    run = plan.windows.get().run
    assert run.state == Run.State.FAILED
    assert "There is no file “later.csv”" in run.error


def test_a_new_version_goes_on_where_the_one_before_has_come(project, model):
    plan = watching.plan(project, model)
    run_due_plans(MONDAY + WEEK)
    spec = watching.plan_spec(min_rows=60)

    new = watching.plan(project, model, spec=spec)
    run_due_plans(MONDAY + 2 * WEEK)

    plan.refresh_from_db()
    assert (plan.state, new.version, new.state) == ("superseded", 2, "active")
    assert new.first_start == MONDAY + WEEK
    assert [each.start for each in new.windows.all()] == [MONDAY + WEEK]
    assert plan.windows.count() == 1


def test_what_an_earlier_version_has_begun_it_finishes(project, model):
    spec = watching.plan_spec(label_delay_hours=168)
    plan = watching.plan(project, model, spec=spec)
    run_due_plans(MONDAY + WEEK)
    new = watching.plan(project, model, spec=spec | {"min_rows": 60})

    run_due_plans(MONDAY + 3 * WEEK)

    assert set(plan.windows.values_list("start", "stage")) == {(MONDAY, "inputs"), (MONDAY, "labels")}
    assert MONDAY not in new.windows.values_list("start", flat=True)


def test_the_same_again_is_no_new_version(project, model):
    watching.plan(project, model)

    with pytest.raises(Refused) as no:
        watching.plan(project, model)

    assert no.value.code == "unchanged"


def test_a_paused_plan_looks_at_nothing_until_it_is_resumed(project, model):
    plan = watching.plan(project, model)
    manager = running.manager_of(project)

    pause_plan(plan=plan, actor=manager)
    assert run_due_plans(MONDAY + WEEK) == []
    with pytest.raises(Refused):
        pause_plan(plan=plan, actor=manager)
    resume_plan(plan=plan, actor=manager)

    assert len(run_due_plans(MONDAY + WEEK)) == 1


def test_a_schedule_says_when_windows_are_looked_for(project, model):
    plan = watching.plan(project, model, spec=watching.plan_spec(schedule="0 6 * * *"))

    run_due_plans(MONDAY + WEEK - timedelta(hours=3))
    plan.refresh_from_db()
    assert plan.next_look_at == MONDAY + WEEK + timedelta(hours=6)
    assert run_due_plans(MONDAY + WEEK + timedelta(hours=5)) == []
    assert len(run_due_plans(MONDAY + WEEK + timedelta(hours=6))) == 1


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"time_column": "dya"}, "unknown_column", "/source"),
        ({"features": {"numeric": ["prize"]}}, "unknown_column", "/reference"),
        ({"schedule": "every day"}, "bad_schedule", "/schedule"),
        ({"every": "year"}, "bad_specification", "/every"),
        ({"metrics": ["maee"]}, "unknown_metric", "/metrics/0"),
        ({"limits": {"psi_drift": 0}}, "bad_specification", "/limits/psi_drift"),
        ({"target": None, "label_delay_hours": 5, "metrics": []}, "bad_specification", "/"),
        ({"reference": {"uri": "none.csv", "format": "csv"}}, "file_missing", "/reference/uri"),
        ({"source": {"uri": "../x.csv", "format": "csv"}}, "outside_root", "/source/uri"),
    ],
)
def test_a_bad_plan_names_the_place_and_leaves_nothing(project, model, change, code, where):
    before = len(running.actions())

    with pytest.raises(Invalid) as no:
        watching.plan(project, model, spec=watching.plan_spec(**change))

    assert (no.value.code, no.value.where) == (code, where)
    assert not MonitoringPlan.objects.exists()
    assert len(running.actions()) == before


def test_only_people_who_work_on_the_project_define_plans(project, model):
    with pytest.raises(PermissionDenied):
        define_plan(
            project=project, name="Sales", model_version=model, environment="production",
            spec=watching.plan_spec(), actor=running.member(project, "reviewer"),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("every", "moment", "first"),
    [
        ("hour", "2026-02-03T10:30", "2026-02-03T11:00"),
        ("day", "2026-02-03T00:00", "2026-02-03T00:00"),
        ("day", "2026-02-03T00:01", "2026-02-04T00:00"),
        ("week", "2026-02-03T00:00", "2026-02-09T00:00"),
        ("month", "2026-12-02T00:00", "2027-01-01T00:00"),
    ],
)
def test_windows_begin_with_whole_hours_days_weeks_and_months(every, moment, first):
    begin = first_start(every, datetime.fromisoformat(moment).replace(tzinfo=UTC))
    ends = list(windows(every, begin, begin + timedelta(days=70)))

    assert begin == datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(ends))


def test_a_window_is_one_row_whatever_happens(project, model):
    plan = watching.plan(project, model)
    run_due_plans(MONDAY + WEEK)
    MonitoringPlan.objects.update(next_look_at=None)

    assert run_due_plans(MONDAY + WEEK) == []
    assert MonitoringWindow.objects.filter(plan=plan).count() == 1
