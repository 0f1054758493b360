import shutil

import pytest

from lifecycle.models import Job, ModelVersion, Run
from lifecycle.services.runs import request_training
from tests.lifecycle import running

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def training(project, **changes) -> Run:
    return request_training(
        project=project,
        iteration=None,
        task=None,
        title="Forest",
        spec=running.training(**changes),
        actor=running.manager_of(project),
    )


def long_training(project) -> Run:
    """Some seconds of honest work: many deep trees on many rows."""
    running.data(rows=20_000)
    forest = {"estimator": "random_forest", "params": {"n_estimators": 60}}
    return training(project, pipeline=forest)


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def test_a_worker_killed_in_the_middle_of_a_training_loses_nothing_and_it_ends_once(workers):
    run = long_training(running.project())
    first = workers.start()
    workers.wait_until(lambda: fresh(run).step == "fit")

    workers.kill(first)
    assert fresh(run).state == "running"
    workers.start()
    workers.wait_until(lambda: Job.objects.get().state in ("done", "failed"))

    run = fresh(run)
    assert (run.state, run.attempts, run.error) == ("finished", 2, "")
    assert ModelVersion.objects.get().digest == run.record["model_sha256"]
    assert running.actions() == ["run.requested", "run.started", "run.started", "run.finished"]


def test_work_that_was_asked_for_while_the_broker_was_gone_is_done_when_it_is_back(workers, tmp_path):
    running.data()
    shutil.rmtree(tmp_path / "broker")

    run = training(running.project())
    assert (fresh(run).state, Job.objects.get().sent_at) == ("queued", None)

    for name in ("queue", "control"):
        (tmp_path / "broker" / name).mkdir(parents=True)
    workers.start()
    workers.wait_until(lambda: fresh(run).state == "finished")
    workers.wait_until(lambda: Job.objects.get().state == "done")


def test_messages_that_the_broker_loses_are_sent_again(workers, tmp_path):
    running.data()
    run = training(running.project())
    for message in (tmp_path / "broker" / "queue").iterdir():
        message.unlink()

    workers.start()
    workers.wait_until(lambda: fresh(run).state == "finished")
    assert running.actions("run.finished") == ["run.finished"]


def test_two_workers_and_many_copies_of_the_message_make_one_end(workers):
    running.data()
    workers.start()
    workers.start()
    project = running.project()
    runs = [training(project, seed=seed) for seed in range(4)]
    Job.objects.update(sent_at=None)  # so that the sweep sends copies at once

    workers.wait_until(lambda: not Job.objects.exclude(state="done").exists())

    assert [fresh(run).attempts for run in runs] == [1, 1, 1, 1]
    assert running.actions("run.finished") == ["run.finished"] * 4
