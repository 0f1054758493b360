import pytest
from django.core.exceptions import PermissionDenied

from lifecycle.errors import Invalid, Refused
from lifecycle.models import Reproduction, Run
from lifecycle.services.reproductions import differences, request_reproduction
from tests.lifecycle import running, watching

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    watching.sales()
    return running.project()


@pytest.fixture
def original(project):
    watching.trained(project)
    return Run.objects.get(kind="TRN")


def again(run, **changes):
    made = request_reproduction(run=run, actor=running.manager_of(run.project), **changes)
    watching.work()
    made.refresh_from_db()
    return made


def test_the_same_data_and_record_give_the_same_bytes(original):
    before = len(running.actions())

    found = again(original)

    assert found.state == "same"
    assert all(each["difference"] == 0 for each in found.differences)
    assert {"mae", "rmse", "baseline: mae"} <= {each["metric"] for each in found.differences}
    assert running.actions("reproduction.asked", "reproduction.settled") == [
        "reproduction.asked", "reproduction.settled",
    ]  # fmt: skip
    assert len(running.actions()) > before


@pytest.mark.parametrize(("moved", "state"), [(0.0005, "within"), (0.5, "differs")])
def test_what_differs_is_held_against_the_tolerance(original, moved, state):
    original.record["metrics"]["mae"] += moved
    Run.objects.filter(pk=original.pk).update(record=original.record, model_version=None)

    found = again(original)

    assert found.state == state


def test_data_that_changed_fail_the_reproduction(original):
    watching.sales(seed=9)

    found = again(original)

    assert (found.state, found.differences) == ("failed", [])
    assert "is not the one expected" in found.run.error


def test_a_metric_that_is_missing_on_one_side_is_not_within_tolerance():
    first, second = Run(record={"metrics": {"mae": 1.0, "r2": None}}), Run(record={"metrics": {"r2": None}})

    found = {each["metric"]: each["within"] for each in differences(first, second, 1.0)}

    assert found == {"mae": False, "r2": True}


@pytest.mark.parametrize("tolerance", [-1.0, float("nan"), 2.0])
def test_an_odd_tolerance_is_refused(original, tolerance):
    with pytest.raises(Invalid):
        request_reproduction(run=original, actor=running.manager_of(original.project), tolerance=tolerance)

    assert not Reproduction.objects.exists()


def test_only_finished_trainings_of_ours_are_done_again(original):
    Run.objects.filter(pk=original.pk).update(kind="EVR")

    with pytest.raises(Refused):
        request_reproduction(run=original, actor=running.manager_of(original.project))


def test_a_reviewer_does_not_ask_for_it(original):
    with pytest.raises(PermissionDenied):
        request_reproduction(run=original, actor=running.member(original.project, "reviewer"))
