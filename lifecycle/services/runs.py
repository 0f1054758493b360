"""Runs: asked for by a person or a trigger, carried out by a worker, ended exactly once."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.actors import Actor, SystemActor
from lifecycle import events
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.executors import (
    parse_evaluation,
    parse_monitoring,
    parse_training,
    parse_validation,
    spec_digest,
)
from lifecycle.executors.specs import Part
from lifecycle.models import RUN_STATES, Iteration, ModelVersion, Project, Run, Task
from lifecycle.rules import can_contribute, can_take_part, is_machine
from lifecycle.services import steps
from lifecycle.services.model_store import StoredModel
from lifecycle.services.outbox import enqueue
from lifecycle.services.steps import allow, ensure_active, ensure_open, ensure_same_project, locked, person
from lifecycle.services.texts import line

MACHINE = SystemActor("runs")
ENDED = frozenset({Run.State.FINISHED, Run.State.FAILED})


def request_training(
    *,
    project: Project,
    iteration: Iteration | None,
    task: Task | None,
    title: str,
    spec: Mapping[str, Any],
    actor: Actor,
    model_version: None = None,
    once: str = "",
) -> Run:
    """Ask for a training; its model becomes a model version of the project when it ends.

    `once` names the request: asked again with the same name and specification, the first run is the answer.
    Raises Invalid for a specification that cannot be carried out, Refused and PermissionDenied.
    """
    del model_version
    checked = parse_training(spec)
    return _request(Run.Kind.TRAINING, project, iteration, task, title, checked, None, actor, once)


def request_evaluation(
    *,
    project: Project,
    iteration: Iteration | None,
    task: Task | None,
    title: str,
    spec: Mapping[str, Any],
    model_version: ModelVersion,
    actor: Actor,
    once: str = "",
) -> Run:
    """Ask for an evaluation of a model version; `spec` need not name its digest. Raises as above."""
    checked = parse_evaluation(_naming_model(spec, model_version))
    return _request(Run.Kind.EVALUATION, project, iteration, task, title, checked, model_version, actor, once)


def request_data_validation(
    *,
    project: Project,
    iteration: Iteration | None,
    task: Task | None,
    title: str,
    spec: Mapping[str, Any],
    actor: Actor,
    model_version: None = None,
    once: str = "",
) -> Run:
    """Ask for a check of a data set against the rules for its columns. Raises as above."""
    del model_version
    checked = parse_validation(spec)
    return _request(Run.Kind.DATA_VALIDATION, project, iteration, task, title, checked, None, actor, once)


def request_monitoring(
    *,
    project: Project,
    iteration: Iteration | None,
    task: Task | None,
    title: str,
    spec: Mapping[str, Any],
    model_version: ModelVersion | None,
    actor: Actor,
    once: str = "",
) -> Run:
    """Ask for a look at a window of data; what it finds is put before the triggers. Raises as above."""
    checked = parse_monitoring(_naming_model(spec, model_version) if model_version else spec)
    return _request(Run.Kind.MONITORING, project, iteration, task, title, checked, model_version, actor, once)


def _naming_model(spec: Mapping[str, Any], model_version: ModelVersion) -> dict[str, Any]:
    named = spec.get("model_sha256") or model_version.digest
    if named != model_version.digest:
        text = _("The specification names another model than model version %(number)d.")
        raise Invalid("other_model", text % {"number": model_version.number}, "/model_sha256")
    return {**spec, "model_sha256": named}


@transaction.atomic
def _request(
    kind: Run.Kind,
    project: Project,
    iteration: Iteration | None,
    task: Task | None,
    title: str,
    spec: Part,
    model_version: ModelVersion | None,
    actor: Actor,
    once: str,
) -> Run:
    project = locked(project)
    allow(
        is_machine(actor) or can_contribute(actor, project), _("Only managers and contributors ask for runs.")
    )
    title = line(title, "title")
    external_id = f"{actor.actor_key}:{once}" if once else ""
    earlier = Run.objects.filter(source="builtin", external_id=external_id).first() if once else None
    if earlier is not None:
        return _the_same(earlier, project, kind, spec)
    _check_place(project, iteration, task, model_version)

    run = Run.objects.create(
        project=project,
        iteration=iteration,
        task=task,
        kind=kind,
        title=title,
        external_id=external_id,
        spec=spec.model_dump(mode="json"),
        spec_digest=spec_digest(spec),
        model_version=model_version,
        started_by=person(actor),
        created_at=now(),
    )
    _record(
        run, LifecycleAction.RUN_REQUESTED, actor, spec=run.spec_digest, task=task.key if task else None,
        model=model_version.digest if model_version else None,
    )  # fmt: skip
    enqueue(task="runs.execute", args={"run_id": run.pk}, key=f"run:{run.pk}")
    return run


def _the_same(earlier: Run, project: Project, kind: Run.Kind, spec: Part) -> Run:
    if (earlier.project_id, earlier.kind, earlier.spec_digest) != (project.pk, kind, spec_digest(spec)):
        raise Refused("key_reused", _("This key has already been used for another run."))
    return earlier


def _check_place(
    project: Project, iteration: Iteration | None, task: Task | None, model_version: ModelVersion | None
) -> None:
    ensure_active(project)
    if model_version is not None:
        ensure_same_project(project, model_version.project_id, "model_version")
    if iteration is not None:
        ensure_same_project(project, iteration.project_id, "iteration")
        ensure_open(iteration)
    if task is not None and (iteration is None or task.phase.iteration_id != iteration.pk):
        raise Invalid("other_iteration", _("The task belongs to another iteration."), "task")


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
    known = Run.objects.filter(source=source, external_id=external_id).first() if external_id else None
    if known is not None:
        return known
    _check_place(project, iteration, task, model_version)
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
    _record(run, LifecycleAction.RUN_FINISHED, actor, source=source, metrics=record.get("metrics"),
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
    _record(run, LifecycleAction.RUN_STARTED, MACHINE, attempt=run.attempts)
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
    run = locked(run, "project")
    if run.state in ENDED:
        return run

    if model is not None:
        run.model_version = _model_version(run.project, model)
    run.state = RUN_STATES.next(run.state, "finish")
    run.record = dict(record)
    run.progress, run.step, run.finished_at = 1.0, "", now()
    run.save(update_fields=["state", "record", "progress", "step", "finished_at", "model_version"])
    _record(
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
    _record(run, LifecycleAction.RUN_FAILED, MACHINE, error=run.error[:2000], attempt=run.attempts)
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
    events.run_ended.send(sender=Run, event=events.RunEnded(run_id=run.pk, project_id=run.project_id))


def _record(run: Run, action: LifecycleAction, actor: Actor, **detail: object) -> None:
    steps.record(
        action, run, actor=actor, project=run.project, iteration=run.iteration,
        kind=run.kind, title=run.title, **detail,
    )  # fmt: skip


REQUESTS: dict[str, Callable[..., Run]] = {
    Run.Kind.TRAINING: request_training,
    Run.Kind.EVALUATION: request_evaluation,
    Run.Kind.DATA_VALIDATION: request_data_validation,
    Run.Kind.MONITORING: request_monitoring,
}
"""Which function asks for a run of which kind."""
