from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.db import connection

from lifecycle.errors import Invalid, Refused
from lifecycle.events import run_ended
from lifecycle.executors import ExecutorError
from lifecycle.models import Firing, Job, ModelVersion, Run
from lifecycle.queries.runs import latest_run, monitoring_windows, runs_of
from lifecycle.services import run_execution, runs
from lifecycle.services.outbox import deliver
from tests.lifecycle import running

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project(settings, tmp_path):
    settings.GATEBOOK_DATA_ROOT = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.OUTBOX_RETRY_SECONDS = 0
    running.data()
    return running.project()


def request(project, **fields):
    return runs.request_training(
        **{
            "project": project,
            "iteration": None,
            "task": None,
            "title": "Ridge",
            "spec": running.training(),
            "actor": running.manager_of(project),
            **fields,
        }
    )


def work(run: Run) -> Run:
    deliver(Job.objects.get(key=f"run:{run.pk}").pk)
    run.refresh_from_db()
    return run


def monitoring(project, *, shift, model=None) -> Run:
    running.data("now.csv", shift=shift, seed=2)
    spec = {
        "reference": {"uri": "rides.csv", "format": "csv"},
        "current": {"uri": "now.csv", "format": "csv"},
        "features": {"numeric": ["x", "z"]},
        **({"task": "regression", "target": "y"} if model else {}),
    }
    run = runs.request_monitoring(
        project=project,
        iteration=None,
        task=None,
        title="This week",
        spec=spec,
        model_version=model,
        actor=running.manager_of(project),
    )
    return work(run)


def test_a_request_writes_run_job_and_one_entry(project):
    run = request(project)

    job = Job.objects.get()
    assert (run.state, len(run.spec_digest), job.task, job.args) == (
        "queued",
        64,
        "runs.execute",
        {"run_id": run.pk},
    )
    assert running.actions() == ["run.requested"]


def test_a_specification_that_cannot_work_is_refused_with_its_place_and_leaves_nothing(project):
    spec = running.training(pipeline={"estimator": "ridge", "params": {"alhpa": 1}})

    with pytest.raises(Invalid) as no:
        request(project, spec=spec)

    assert no.value.where == "/pipeline/params/alhpa"
    assert (Run.objects.count(), Job.objects.count(), running.actions()) == (0, 0, [])


@pytest.mark.parametrize("role", ["reviewer", "auditor", None])
def test_only_managers_and_contributors_ask_for_runs(project, role):
    actor = running.member(project, role) if role else running.person()

    with pytest.raises(PermissionDenied):
        request(project, actor=actor)

    assert (Run.objects.count(), Job.objects.count(), running.actions()) == (0, 0, [])


def test_a_closed_project_gets_no_runs(project):
    project.state = "closed"
    project.save()

    with pytest.raises(Refused) as no:
        request(project)

    assert no.value.code == "project_closed"


def test_a_run_belongs_to_the_iteration_of_its_own_project(project):
    other = running.iteration(running.project())

    with pytest.raises(Invalid) as no:
        request(project, iteration=other)

    assert no.value.where == "iteration"


def test_the_same_request_is_one_run_and_another_under_its_name_is_refused(project):
    first, again = request(project, once="k1"), request(project, once="k1")

    assert again.pk == first.pk
    assert running.actions() == ["run.requested"]
    with pytest.raises(Refused) as no:
        request(project, once="k1", spec=running.training(seed=2))
    assert no.value.code == "key_reused"


def test_training_ends_with_a_record_and_a_model_version_named_by_its_digest(project):
    run = work(request(project))

    assert (run.state, run.error, run.progress) == ("finished", "", 1.0)
    assert run.record["metrics"]["r2"] > 0.99
    version = run.model_version
    assert (version.number, version.digest) == (1, run.record["model_sha256"])
    assert default_storage.size(f"models/{version.digest}.skops") == version.size
    assert running.actions() == ["run.requested", "run.started", "run.finished"]


def test_the_same_training_again_is_the_same_model_version(project):
    first, second = work(request(project)), work(request(project))

    assert first.pk != second.pk
    assert ModelVersion.objects.count() == 1
    other = running.training(seed=5, split={"kind": "random", "seed": 5})
    assert work(request(project, spec=other)).model_version.number == 2


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        ({"data": {"uri": "../secret.csv", "format": "csv"}}, "/data/uri", "outside the folder"),
        ({"data": {"uri": "none.csv", "format": "csv"}}, "/data/uri", "no file “none.csv”"),
        ({"target": "yy"}, "/data", "no column “yy”. Did you mean “y”?"),
    ],
)
def test_data_that_cannot_be_right_are_refused_before_a_run_is_recorded(project, change, where, says):
    with pytest.raises(Invalid) as no:
        request(project, spec=running.training(**change))

    assert no.value.where == where
    assert says in no.value.text
    assert not Run.objects.exists()
    assert running.actions() == []


def test_data_that_went_away_meanwhile_fail_the_run_with_a_sentence(project):
    run = request(project)
    (Path(settings.GATEBOOK_DATA_ROOT) / "rides.csv").unlink()

    run = work(run)

    assert run.state == "failed"
    assert "There is no file “rides.csv”" in run.error
    assert Job.objects.get().state == Job.State.DONE
    assert running.actions() == ["run.requested", "run.started", "run.failed"]


def test_an_error_that_nobody_expected_is_tried_again_and_then_names_the_step(project, monkeypatch):
    def burst(run, progress):
        progress("fit", 0.3)
        raise OSError("disk full")

    monkeypatch.setitem(run_execution.EXECUTORS, "TRN", burst)
    run = request(project)

    for _ in range(6):
        work(run)

    assert (run.state, run.attempts) == ("failed", 5)
    assert run.error == "OSError: disk full (last step: fit)"
    assert running.actions("run.started", "run.failed") == ["run.started"] * 5 + ["run.failed"]


def test_a_step_that_failed_is_not_tried_again(project, monkeypatch):
    def fail(run, progress):
        raise ExecutorError("fit", "does not converge")

    monkeypatch.setitem(run_execution.EXECUTORS, "TRN", fail)

    run = work(request(project))

    assert (run.state, run.error, run.attempts) == ("failed", "fit: does not converge", 1)


def test_the_end_of_a_run_counts_once(project):
    run = work(request(project))

    runs.finish_run(run=run, record={"metrics": {"r2": 0.0}})
    runs.fail_run(run=run, error="too late")
    run_execution.execute_run(run_id=run.pk)

    run.refresh_from_db()
    assert (run.state, run.attempts) == ("finished", 1)
    assert run.record["metrics"]["r2"] > 0.99
    assert running.actions("run.finished", "run.failed", "run.started") == ["run.started", "run.finished"]


def test_a_receiver_that_fails_undoes_the_end(project):
    def refuse(**kwargs):
        raise RuntimeError("not now")

    run = runs.begin_run(run=request(project))
    run_ended.connect(refuse)
    try:
        with pytest.raises(RuntimeError):
            runs.finish_run(run=run, record={})
    finally:
        run_ended.disconnect(refuse)

    run.refresh_from_db()
    assert run.state == "running"
    assert running.actions("run.finished") == []


def test_evaluation_judges_the_model_that_it_names(project):
    version = work(request(project)).model_version
    spec = {
        "data": {"uri": "rides.csv", "format": "csv"},
        "target": "y",
        "task": "regression",
        "limits": [{"metric": "mae", "op": "<=", "limit": 1.0}],
    }
    asked = {
        "project": project,
        "iteration": None,
        "task": None,
        "title": "Look",
        "actor": running.manager_of(project),
    }

    run = work(runs.request_evaluation(**asked, spec=spec, model_version=version))

    assert (run.state, run.record["verdict"], run.model_version) == ("finished", "met", version)
    with pytest.raises(Invalid) as no:
        runs.request_evaluation(**asked, spec={**spec, "model_sha256": "0" * 64}, model_version=version)
    assert no.value.where == "/model_sha256"


def test_a_model_of_another_project_is_not_loaded(project):
    version = work(request(project)).model_version
    stranger = running.project()
    spec = {
        "reference": {"uri": "rides.csv", "format": "csv"},
        "current": {"uri": "rides.csv", "format": "csv"},
        "features": {"numeric": ["x"]},
        "model_sha256": version.digest,
    }

    run = runs.request_monitoring(
        project=stranger, iteration=None, task=None, title="Peek", spec=spec, model_version=None,
        actor=running.manager_of(stranger),
    )  # fmt: skip

    assert work(run).state == "failed"
    assert "no model with this digest" in run.error


def test_data_validation_ends_with_its_report(project):
    spec = {
        "data": {"uri": "rides.csv", "format": "csv"},
        "columns": [{"name": "x", "kind": "number", "maximum": 1}],
    }

    run = work(
        runs.request_data_validation(
            project=project,
            iteration=None,
            task=None,
            title="Check",
            spec=spec,
            actor=running.manager_of(project),
        )
    )

    assert run.state == "finished"
    assert run.record


def test_monitoring_puts_what_it_saw_before_the_triggers_in_the_same_transaction(project):
    running.trigger(project, kind="drift", condition="event.psi >= params.psi", params={"psi": 0.25})
    running.trigger(project, kind="metric", condition='event.main_metric == "rmse" && event.value > 5.0')
    model = work(request(project)).model_version

    calm = monitoring(project, shift=0.0, model=model)
    assert (calm.state, Firing.objects.count()) == ("finished", 0)

    moved = monitoring(project, shift=8.0, model=model)

    firing = Firing.objects.get()
    assert (firing.run, firing.event_key, firing.state) == (moved, f"run:{moved.pk}", "waiting")
    assert firing.observed["psi"] > 1
    assert firing.observed["drifted"] == ["x"]
    assert "“x” moved" in firing.summary
    assert running.actions("trigger.fired") == ["trigger.fired"]


def test_a_run_that_happened_elsewhere_is_recorded_once(project):
    elsewhere = {
        "project": project, "iteration": None, "task": None, "kind": "DPR", "title": "Put live",
        "source": "ci", "external_id": "42", "record": {"environment": "prod"},
        "actor": running.manager_of(project),
    }  # fmt: skip

    first, again = runs.record_run(**elsewhere), runs.record_run(**elsewhere)

    assert (first.pk, first.state) == (again.pk, "finished")
    assert running.actions() == ["run.finished"]


def test_queries_find_runs_at_constant_cost_and_never_those_of_another_project(
    project, django_assert_num_queries
):
    model = work(request(project)).model_version
    windows = [monitoring(project, shift=shift, model=model) for shift in (0.0, 1.0, 2.0)]
    other = request(running.project())

    with django_assert_num_queries(1):
        listed = list(runs_of(project))
        assert all(run.project.slug and run.started_by.name for run in listed)
    assert other not in listed
    assert len(listed) == 4
    assert latest_run(project, "MON", model_version=model) == windows[-1]
    assert latest_run(project, "EVR") is None
    assert [run.pk for run in monitoring_windows(project, limit=2)] == [run.pk for run in windows[1:]]


def test_progress_of_a_run_that_has_ended_is_not_written(project):
    run = work(request(project))

    runs.report_progress(run=run, share=0.5, step="late")

    run.refresh_from_db()
    assert (run.progress, run.step) == (1.0, "")
    assert connection.in_atomic_block is False
