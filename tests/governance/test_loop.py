"""The loop closes by itself: a plan's window fails for one country, and triggers do what they are there for.

The chain of the story F3 (a model trained on one country, let loose on another), with real runs on tiny data.
"""

from datetime import UTC, datetime, timedelta

import pytest

from governance.models import Authorization
from lifecycle.models import Run
from lifecycle.services.monitoring_windows import run_due_plans
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


def test_one_bad_window_alone_fires_nothing_where_two_running_are_asked_for(home, model):
    patient = trigger(home, "notify", consecutive=2)
    hasty = trigger(home, "notify", cooldown_hours=24 * 365)

    watch(home, model, weeks=1)
    assert (patient.firings.count(), hasty.firings.count()) == (0, 1)

    run_due_plans(MONDAY + 2 * WEEK)
    watching.work()
    assert patient.firings.count() == 1
    states = sorted(hasty.firings.values_list("state", flat=True))
    assert states == ["merged", "started"]


def test_a_trigger_shortens_the_authorization_of_the_model_that_drifts_and_starts_a_training(home, model):
    given = make_gates.authorization(home, model_version=model)
    before = given.valid_until
    trigger(home, "shorten_authorization", params={"days": 2})
    trigger(home, "start_training")

    watch(home, model)

    given.refresh_from_db()
    assert given.valid_until < before - timedelta(days=20)
    assert given.state == Authorization.State.ACTIVE
    assert Run.objects.filter(kind="TRN", started_by=None, state="queued").count() == 1
    assert running.actions("authorization.shortened") == ["authorization.shortened"]
