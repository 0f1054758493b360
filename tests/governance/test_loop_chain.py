"""The loop closes by itself: a plan's window fails for one country, and triggers do what they are there for.

The chain of the story F3 (a model trained on one country, let loose on another), with real runs on tiny data.
"""

from datetime import UTC, datetime, timedelta

import pytest

from governance.models import Authorization, Finding
from lifecycle.models import Run
from lifecycle.services.iterations import stop_iteration
from lifecycle.services.monitoring_windows import run_due_plans
from lifecycle.services.run_requests import request_evaluation, request_training
from lifecycle.services.test_sets import lock_test_set
from tests import make_gates
from tests.lifecycle import running, watching

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 2, 2, tzinfo=UTC)
WEEK = timedelta(days=7)
ITALY = [{"metric": "mae", "op": "<=", "limit": 1.0, "slice": "country=IT"}]
CONDITION = 'event.broken.exists(name, name.contains("["))'


@pytest.fixture
def home():
    watching.sales()  # what the model learns from: the United States alone
    watching.sales("live.csv", days=28, first=MONDAY, countries="US IT", wrong={"IT": 5.0}, seed=2)
    return make_gates.project()


@pytest.fixture
def model(home):
    return watching.trained(home)


def trigger(home, action, **fields):
    given = {"kind": "metric", "mode": "auto", "action": action, "condition": CONDITION, **fields}
    return running.trigger(home, **given)


def watch(home, model, weeks=1):
    spec = watching.plan_spec(slices=[{"column": "country"}], min_slice_rows=50, limits={"metrics": ITALY})
    watching.plan(home, model, spec=spec)
    for week in range(weeks):
        run_due_plans(MONDAY + (week + 1) * WEEK)
        watching.work()


def judge(home, model, where="IT"):
    run = request_evaluation(
        project=home, iteration=None, task=None, title="Judge Italy", model_version=model,
        actor=home.created_by,
        spec={
            "data": {"uri": "italy.csv", "format": "csv"}, "target": "sold", "task": "regression",
            "metrics": ["mae"], "limits": [{"metric": "mae", "op": "<=", "limit": 1.0}],
        },
    )  # fmt: skip
    watching.work()
    run.refresh_from_db()
    return run


def test_a_slice_that_fails_goes_round_the_whole_loop(home, model):
    stop_iteration(iteration=home.iterations.get(), actor=home.created_by, reason="Deployed")
    trigger(home, "open_finding", params={"severity": "high"})
    opens = trigger(home, "open_iteration", target_phase="P2")
    told = trigger(home, "notify")

    watch(home, model)  # 1: the run fails on Italy, with measured value and limit

    run = Run.objects.get(kind="MON")
    assert run.record["verdict"] == "drift"
    assert [(each["slice"], each["holds"]) for each in run.record["limits"]] == [("country=IT", False)]
    finding = Finding.objects.get(project=home)  # 2: said to somebody
    assert (finding.severity, finding.state) == ("high", "open")
    assert "country=IT" in finding.detail
    reopened = home.iterations.get(state="open")  # 4: work begins again, and says why
    assert (reopened.start_phase, reopened.firing.trigger) == ("P2", opens)
    assert reopened.firing.run == run
    assert told.firings.get().state == "started"

    watching.sales("italy.csv", countries="IT", wrong={"IT": 5.0}, seed=3)  # 6: a local test set, locked
    lock_test_set(
        project=home, name="italy", data={"uri": "italy.csv", "format": "csv"}, max_uses=2,
        actor=home.created_by,
    )  # fmt: skip
    assert judge(home, model).record["verdict"] == "not met"

    watching.sales("both.csv", countries="US IT", wrong={"IT": 5.0}, seed=4)  # 7, 8: trained on both
    again = request_training(
        project=home, iteration=reopened, task=None, title="Train on both", actor=home.created_by,
        spec=watching.training(
            data={"uri": "both.csv", "format": "csv"},
            features={"numeric": ["price", "stock"], "categorical": ["country"]},
        ),
    )  # fmt: skip
    watching.work()
    again.refresh_from_db()
    judged = judge(home, again.model_version)
    assert judged.record["verdict"] == "met"
    assert judged.record["test_set"] == {"name": "italy", "version": 1, "use": 2, "of": 2}


def test_a_trigger_suspends_the_authorization_of_the_model_that_drifts(home, model):
    given = make_gates.authorization(home, model_version=model)
    trigger(home, "suspend_authorization")

    watch(home, model)

    given.refresh_from_db()
    assert given.state == Authorization.State.SUSPENDED
