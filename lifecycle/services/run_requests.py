"""Asking for runs: the specification is checked first, then run and job come into being together."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import rfc8785
from django.conf import settings
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
from lifecycle.executors.specs import EvaluationSpec, Part, TrainingSpec
from lifecycle.executors.validation_specs import ValidationSpec
from lifecycle.models import Iteration, ModelVersion, Project, Run, Task
from lifecycle.rules import can_contribute, is_machine
from lifecycle.services.look_ahead import look_ahead
from lifecycle.services.outbox import enqueue
from lifecycle.services.run_records import check_place, enter
from lifecycle.services.steps import allow, locked, person
from lifecycle.services.test_sets import pinned, refuse_training_on, use_test_set
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


@transaction.atomic
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
    """Ask for an evaluation of a model version; `spec` need not name its digest. Raises as above.

    On the rows of a locked test set it counts as a use of it; Refused when there is none left.
    """
    checked = parse_evaluation(_naming_model(spec, model_version))
    if once and (earlier := _earlier(project, actor, once)) is not None:
        return _the_same(earlier, project, Run.Kind.EVALUATION, _digest(_as_asked(checked, earlier)))
    _allow(project, actor)
    checked, test_set = pinned(locked(project), checked)
    run = _request(Run.Kind.EVALUATION, project, iteration, task, title, checked, model_version, actor, once)
    if test_set is not None:
        use_test_set(test_set=test_set, run=run, actor=actor)
    return run


def _as_asked(spec: EvaluationSpec, earlier: Run) -> EvaluationSpec:
    """The specification with the digest that a locked test set has given the earlier run's data."""
    given = (earlier.spec.get("data") or {}).get("sha256") if spec.data.sha256 is None else None
    return spec.model_copy(update={"data": spec.data.model_copy(update={"sha256": given})}) if given else spec


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
    """Ask for a check of a data set against the rules for its columns. Raises as above.

    Refused for other rules under the name and version of a schema that has been used.
    """
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
    look_first: bool = True,
) -> Run:
    """Ask for a look at a window of data; what it finds is put before the triggers. Raises as above.

    Without `look_first` data that is not there does not refuse the request: the run then says so.
    """
    checked = parse_monitoring(_naming_model(spec, model_version) if model_version else spec)
    return _request(
        Run.Kind.MONITORING, project, iteration, task, title, checked, model_version, actor, once,
        look_first=look_first,
    )  # fmt: skip


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
    *,
    look_first: bool = True,
) -> Run:
    project = locked(project)
    _allow(project, actor)
    title, digest = line(title, "title"), _digest(spec)
    external_id = f"{actor.actor_key}:{once}" if once else ""
    earlier = _earlier(project, actor, once)
    if earlier is not None:
        return _the_same(earlier, project, kind, digest)
    check_place(project, iteration, task, model_version)
    if isinstance(spec, TrainingSpec):
        refuse_training_on(project, spec.data)
    if isinstance(spec, ValidationSpec):
        _refuse_other_schema(project, spec)
    if look_first:
        look_ahead(spec, settings.GATEBOOK_DATA_ROOT)

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


def _allow(project: Project, actor: Actor) -> None:
    allow(
        is_machine(actor) or can_contribute(actor, project), _("Only managers and contributors ask for runs.")
    )


def _earlier(project: Project, actor: Actor, once: str) -> Run | None:
    """The run that was asked for under this name before."""
    named = f"{actor.actor_key}:{once}"
    return project.runs.filter(source="builtin", external_id=named).first() if once else None


def _refuse_other_schema(project: Project, spec: ValidationSpec) -> None:
    """A name and version stand for the same rules for ever."""
    named = spec.schema_version
    if named is None:
        return
    earlier = project.runs.filter(
        kind=Run.Kind.DATA_VALIDATION,
        source="builtin",
        spec__schema_version__name=named.name,
        spec__schema_version__version=named.version,
    ).first()
    if earlier is None or spec_digest(parse_validation(earlier.spec).rules) == spec_digest(spec.rules):
        return
    text = _(
        "Version %(version)d of the schema “%(name)s” has other rules (see %(run)s): give it a new number."
    )
    raise Refused(
        "schema_changed", text % {"version": named.version, "name": named.name, "run": earlier.label}
    )


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
