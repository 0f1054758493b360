"""What a trigger starts: every kind of run that the built-in executors carry out."""

import pytest

from lifecycle.errors import Refused
from lifecycle.models import Run
from lifecycle.services.firings import fire_manually, handle_event
from tests.lifecycle import running, watching

pytestmark = pytest.mark.django_db

CHECK = {"data": {"uri": "sales.csv", "format": "csv"}, "columns": [{"name": "price", "kind": "number"}]}
JUDGE = {
    "data": {"uri": "sales.csv", "format": "csv"}, "target": "sold", "task": "regression", "metrics": ["mae"],
}  # fmt: skip


@pytest.fixture
def project():
    watching.sales()
    return running.project()


def fired(project, action, **params):
    trigger = running.trigger(project, kind="manual", action=action, mode="auto", params=params)
    firing = fire_manually(trigger=trigger, actor=running.manager_of(project), reason="Now")
    watching.work()
    firing.refresh_from_db()
    return firing


@pytest.mark.parametrize(
    ("action", "name", "spec", "kind"),
    [
        ("start_validation", "validation", CHECK, "DVR"),
        ("start_evaluation", "evaluation", JUDGE, "EVR"),
        ("start_training", "training", watching.training(), "TRN"),
    ],
)
def test_a_trigger_starts_a_run_after_its_params_and_then_as_the_last_one(project, action, name, spec, kind):
    watching.trained(project)
    first = fired(project, action, **{name: spec})
    assert first.state == "started", first.outcome
    again = fired(project, action)
    assert again.state == "started", again.outcome

    runs = list(project.runs.filter(kind=kind, state=Run.State.FINISHED).order_by("pk"))
    assert len(runs) >= 2
    assert runs[-1].spec_digest == runs[-2].spec_digest
    assert runs[-1].label in again.outcome


def test_a_trigger_looks_at_the_windows_of_a_plan(project):
    watching.sales("live.csv")
    plan = watching.plan(project, spec=watching.plan_spec(every="month"))
    firing = fired(project, "start_monitoring", plan=plan.key)
    assert firing.state == "started"
    assert plan.windows.count() >= 1
    assert set(project.runs.filter(kind="MON").values_list("state", flat=True)) == {"finished"}
    with pytest.raises(Refused) as no:
        fired(project, "start_monitoring")
    assert no.value.code == "nothing_due"


@pytest.mark.parametrize("action", ["start_validation", "start_evaluation", "start_training"])
def test_without_anything_to_repeat_the_firing_waits_and_says_why(project, action):
    trigger = running.trigger(project, action=action, mode="auto")
    handle_event(project=project, kind="drift", event={}, event_key="one")
    firing = trigger.firings.get()
    assert firing.state == "waiting"
    assert "no finished" in firing.outcome
    assert not project.runs.exists()
