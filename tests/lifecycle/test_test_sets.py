import pytest
from django.core.exceptions import PermissionDenied

from lifecycle.errors import Invalid, Refused
from lifecycle.models import Run, TestSet
from lifecycle.services.run_requests import request_evaluation, request_training
from lifecycle.services.runs import record_run
from lifecycle.services.test_sets import lock_test_set
from tests.lifecycle import running, watching

pytestmark = pytest.mark.django_db

BLIND = {"uri": "blind.csv", "format": "csv", "where": [{"column": "country", "op": "==", "value": "US"}]}


@pytest.fixture
def project():
    watching.sales()
    watching.sales("blind.csv", seed=3)
    return running.project()


@pytest.fixture
def model(project):
    return watching.trained(project)


def lock(project, **changes):
    given = {"name": "blind", "data": BLIND, "max_uses": 2, "actor": running.manager_of(project), **changes}
    return lock_test_set(project=project, **given)


def evaluate(project, model, once="", **changes):
    spec = {"data": BLIND, "target": "sold", "task": "regression", "metrics": ["mae"], **changes}
    return request_evaluation(
        project=project, iteration=None, task=None, title="Judge", spec=spec, model_version=model,
        actor=running.manager_of(project), once=once,
    )  # fmt: skip


def test_uses_are_counted_and_stand_in_the_record(project, model):
    held = lock(project)

    runs = [evaluate(project, model), evaluate(project, model)]
    watching.work()

    held.refresh_from_db()
    assert (held.uses, held.state) == (2, "used_up")
    for number, run in enumerate(runs, start=1):
        run.refresh_from_db()
        assert run.record["test_set"] == {"name": "blind", "version": 1, "use": number, "of": 2}
        assert run.spec["data"]["sha256"] == held.sha256


def test_after_the_last_use_none_is_begun(project, model):
    lock(project, max_uses=1)
    evaluate(project, model)
    before = len(running.actions())

    with pytest.raises(Refused) as no:
        evaluate(project, model)

    assert no.value.code == "test_set_used_up"
    assert (len(running.actions()), TestSet.objects.get().uses) == (before, 1)


def test_asking_again_under_the_same_name_is_the_same_use(project, model):
    lock(project)

    first = evaluate(project, model, once="a")
    again = evaluate(project, model, once="a")

    assert (first, TestSet.objects.get().uses) == (again, 1)


def test_a_new_version_can_be_used_again(project, model):
    lock(project, max_uses=1)
    evaluate(project, model)
    new = lock(project, max_uses=1)

    evaluate(project, model)

    new.refresh_from_db()
    assert (new.version, new.uses) == (2, 1)


def test_other_rows_of_the_file_are_no_use(project, model):
    lock(project)

    evaluate(project, model, data={**BLIND, "where": []})

    assert TestSet.objects.get().uses == 0


def test_a_file_that_was_changed_under_lock_fails_the_run(project, model):
    lock(project)
    run = evaluate(project, model)
    watching.sales("blind.csv", seed=4)

    watching.work()

    run.refresh_from_db()
    assert run.state == Run.State.FAILED
    assert "is not the one expected" in run.error


def test_nobody_trains_on_a_locked_test_set(project):
    lock(project)

    with pytest.raises(Refused) as no:
        request_training(
            project=project, iteration=None, task=None, title="Cheat", spec=watching.training(data=BLIND),
            actor=running.manager_of(project),
        )  # fmt: skip

    assert no.value.code == "test_set_locked"


def test_an_evaluation_that_ran_elsewhere_counts_too(project):
    held = lock(project, data={**BLIND, "where": []})

    record_run(
        project=project, iteration=None, task=None, kind="EVR", title="Elsewhere", source="mlflow",
        external_id="r1", record={"data": {"sha256": held.sha256}}, actor=running.manager_of(project),
    )  # fmt: skip

    held.refresh_from_db()
    assert held.uses == 1


def test_each_use_is_shown_to_triggers(project, model):
    watcher = running.trigger(project, kind="anomaly", condition="event.test_set_uses >= 2")
    lock(project)

    evaluate(project, model)
    assert not watcher.firings.exists()
    evaluate(project, model)

    assert "use 2 of 2" in watcher.firings.get().summary


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"max_uses": 0}, "max_uses"),
        ({"data": {"uri": "none.csv", "format": "csv"}}, "/data/uri"),
        ({"data": {"uri": "blind.csv"}}, "/format"),
        ({"data": {**BLIND, "sha256": "0" * 64}}, "/data/sha256"),
    ],
)
def test_a_bad_lock_names_the_place(project, change, where):
    with pytest.raises(Invalid) as no:
        lock(project, **change)

    assert no.value.where == where
    assert not TestSet.objects.exists()


def test_a_reviewer_locks_no_test_set(project):
    with pytest.raises(PermissionDenied):
        lock(project, actor=running.member(project, "reviewer"))
