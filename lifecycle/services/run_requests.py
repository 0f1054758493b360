"""Asking for runs: the specification is checked first, then run and job come into being together."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import rfc8785
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.actors import Actor
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
from lifecycle.models import Iteration, ModelVersion, Project, Run, Task
from lifecycle.rules import can_contribute, is_machine
from lifecycle.services.outbox import enqueue
from lifecycle.services.run_records import check_place, enter
from lifecycle.services.steps import allow, locked, person
from lifecycle.services.texts import line


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
    title, digest = line(title, "title"), _digest(spec)
    external_id = f"{actor.actor_key}:{once}" if once else ""
    earlier = project.runs.filter(source="builtin", external_id=external_id).first() if once else None
    if earlier is not None:
        return _the_same(earlier, project, kind, digest)
    check_place(project, iteration, task, model_version)

    run = Run.objects.create(
        project=project,
        iteration=iteration,
        task=task,
        kind=kind,
        title=title,
        external_id=external_id,
        spec=spec.model_dump(mode="json"),
        spec_digest=digest,
        model_version=model_version,
        started_by=person(actor),
        created_at=now(),
    )
    enter(
        run, LifecycleAction.RUN_REQUESTED, actor, spec=run.spec_digest, task=task.key if task else None,
        model=model_version.digest if model_version else None,
    )  # fmt: skip
    enqueue(task="runs.execute", args={"run_id": run.pk}, key=f"run:{run.pk}")
    return run


def _digest(spec: Part) -> str:
    """The specification's digest; Invalid for what no database or canonical JSON can hold."""
    if "\\u0000" in json.dumps(spec.model_dump(mode="json")):
        raise Invalid("null_character", _("The specification contains a null character."))
    try:
        return spec_digest(spec)
    except rfc8785.CanonicalizationError as error:
        raise Invalid("not_canonical", _("A number in the specification is too large.")) from error


def _the_same(earlier: Run, project: Project, kind: Run.Kind, digest: str) -> Run:
    if (earlier.project_id, earlier.kind, earlier.spec_digest) != (project.pk, kind, digest):
        raise Refused("key_reused", _("This key has already been used for another run."))
    return earlier


REQUESTS: dict[str, Callable[..., Run]] = {
    Run.Kind.TRAINING: request_training,
    Run.Kind.EVALUATION: request_evaluation,
    Run.Kind.DATA_VALIDATION: request_data_validation,
    Run.Kind.MONITORING: request_monitoring,
}
"""Which function asks for a run of which kind."""
