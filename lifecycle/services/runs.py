"""Runs: asked for by a person or a trigger, carried out by a worker, ended exactly once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.actors import Actor, SystemActor
from lifecycle import events
from lifecycle.actions import LifecycleAction
from lifecycle.models import RUN_STATES, Iteration, ModelVersion, Project, Run, Task
from lifecycle.rules import can_take_part, is_machine
from lifecycle.services.data_uses import note_data
from lifecycle.services.model_store import StoredModel
from lifecycle.services.run_records import check_place, enter
from lifecycle.services.run_requests import (
    REQUESTS,
    request_data_validation,
    request_evaluation,
    request_monitoring,
    request_training,
)
from lifecycle.services.steps import allow, locked, person
from lifecycle.services.texts import line

__all__ = [
    "ENDED",
    "REQUESTS",
    "begin_run",
    "fail_run",
    "finish_run",
    "record_run",
    "report_progress",
    "request_data_validation",
    "request_evaluation",
    "request_monitoring",
    "request_training",
]

MACHINE = SystemActor("runs")
ENDED = frozenset({Run.State.FINISHED, Run.State.FAILED})


@transaction.atomic
def record_run(
    *,
    project: Project,
    iteration: Iteration | None,
    task: Task | None,
    kind: str,
    title: str,
    source: str,
    external_id: str,
    record: Mapping[str, Any],
    actor: Actor,
    model_version: ModelVersion | None = None,
    started_at: datetime | None = None,
) -> Run:
    """Record a run that has already happened elsewhere (a deployment, a connector's training), as finished.

    `source` and `external_id` name it: recorded again, the run that is there is the answer.
    """
    project = locked(project)
    allow(
        is_machine(actor) or can_take_part(actor, project),
        _("Only people who work on the project record runs."),
    )
    known = project.runs.filter(source=source, external_id=external_id).first() if external_id else None
    if known is not None:
        return known
    check_place(project, iteration, task, model_version)
    moment = now()
    run = Run.objects.create(
        project=project,
        iteration=iteration,
        task=task,
        kind=kind,
        title=line(title, "title"),
        source=source,
        external_id=external_id,
        record=dict(record),
        model_version=model_version,
        state=Run.State.FINISHED,
        progress=1.0,
        started_by=person(actor),
        created_at=moment,
        started_at=started_at or moment,
        finished_at=moment,
    )
    note_data(project, [(run.pk, run.record)])
    enter(run, LifecycleAction.RUN_FINISHED, actor, source=source, metrics=record.get("metrics"),
            model=model_version.digest if model_version else None)  # fmt: skip
    _tell(run)
    return run


@transaction.atomic
def begin_run(*, run: Run) -> Run:
    """A worker takes the run up. Each attempt leaves an entry of its own, so that a crash can be seen later.

    An ended run is given back as it is.
    """
    run = locked(run, "project")
    if run.state in ENDED:
        return run

    run.state = RUN_STATES.next(run.state, "begin")
    run.attempts += 1
    run.progress, run.step = 0.0, ""
    run.started_at = run.started_at or now()
    run.save(update_fields=["state", "attempts", "progress", "step", "started_at"])
    enter(run, LifecycleAction.RUN_STARTED, MACHINE, attempt=run.attempts)
    return run


def report_progress(*, run: Run, share: float, step: str) -> None:
    """Note how far the run is (0 to 1); no entry, and nothing if the run has ended. 1 query."""
    open_run = Run.objects.filter(pk=run.pk, state=Run.State.RUNNING)
    open_run.update(progress=min(max(share, 0.0), 1.0), step=step[:200])


@transaction.atomic
def finish_run(*, run: Run, record: Mapping[str, Any], model: StoredModel | None = None) -> Run:
    """The run has ended well: its record and its model are kept, and whoever listens is told.

    Called twice, by two workers that each thought the other dead, the first call counts.
    """
    locked(run.project)  # as everybody does before they record: the triggers that hear of it lock it too
    run = locked(run, "project")
    if run.state in ENDED:
        return run

    if model is not None:
        run.model_version = _model_version(run.project, model)
    run.state = RUN_STATES.next(run.state, "finish")
    run.record = dict(record)
    run.progress, run.step, run.finished_at = 1.0, "", now()
    run.save(update_fields=["state", "record", "progress", "step", "finished_at", "model_version"])
    note_data(run.project, [(run.pk, run.record)])
    enter(
        run, LifecycleAction.RUN_FINISHED, MACHINE, spec=run.spec_digest, metrics=record.get("metrics"),
        model=run.model_version.digest if run.model_version else None,
        verdict=record.get("verdict"), attempt=run.attempts,
    )  # fmt: skip
    _tell(run)
    return run


@transaction.atomic
def fail_run(*, run: Run, error: str) -> Run:
    """The run has ended badly; `error` says in a sentence why. Nothing if it has ended before."""
    run = locked(run, "project")
    if run.state in ENDED:
        return run

    run.state = RUN_STATES.next(run.state, "fail")
    run.error = error.strip() or _("It failed without saying why.")
    run.finished_at = now()
    run.save(update_fields=["state", "error", "finished_at"])
    enter(run, LifecycleAction.RUN_FAILED, MACHINE, error=run.error[:2000], attempt=run.attempts)
    _tell(run)
    return run


def _model_version(project: Project, model: StoredModel) -> ModelVersion:
    """The project's version of this artifact; the same bytes made again are the same version."""
    locked(project)  # numbers are given out one at a time
    known = ModelVersion.objects.filter(project=project, digest=model.digest).first()
    if known is not None:
        return known
    last = ModelVersion.objects.filter(project=project).order_by("-number").first()
    return ModelVersion.objects.create(
        project=project,
        number=last.number + 1 if last else 1,
        digest=model.digest,
        path=model.name,
        size=model.size,
        created_at=now(),
    )


def _tell(run: Run) -> None:
    told = events.RunEnded(
        run_id=run.pk, project_id=run.project_id, kind=run.kind, state=run.state, source=run.source
    )
    events.run_ended.send(sender=Run, event=told)
