"""Gates: asked for, and taken back. What else happens to them lies beside: evaluations, outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.criteria import read_criterion
from governance.errors import Invalid, Refused
from governance.models import Gate
from governance.queries.subjects import checks_of, look_at, subject_of
from governance.rules.gates import may_ask, may_manage
from governance.services.evaluations import digest_now, evaluate_gate
from governance.services.gate_moments import (
    refuse_unless_decidable,
    refuse_unless_open,
    refuse_when_over,
    refuse_wrong_phase,
)
from governance.services.locks import lock_for_decision, lock_iteration
from governance.services.outcomes import close_gate, refuse_gate
from ledger.actors import Actor
from ledger.services import append
from lifecycle.definitions import Gate as GateDefinition
from lifecycle.definitions import ProcessDocument
from lifecycle.models import Iteration, ModelVersion, Phase, User

__all__ = [
    "checks_of",
    "close_gate",
    "digest_now",
    "evaluate_gate",
    "look_at",
    "open_gate",
    "refuse_gate",
    "refuse_unless_decidable",
    "refuse_unless_open",
    "subject_of",
    "withdraw_gate",
]


@transaction.atomic
def open_gate(
    *,
    iteration: Iteration,
    key: str,
    actor: User | Actor,
    model_version: ModelVersion | None = None,
    environment: str = "",
    scope: dict[str, list[str]] | None = None,
) -> Gate:
    """Ask for a decision. The definition is frozen into the gate, so that later changes can't alter it.

    A gate that authorizes needs the model version and the environment. One that comes due is opened by the
    site itself. Raises `Invalid` for a key that the
    process does not have or a scope of another form, `Refused` if the phase is not in review or the gate is
    already open.
    """
    iteration = lock_iteration(iteration)
    person = actor if isinstance(actor, User) else None
    if person is not None and not may_ask(person, iteration.project):
        raise PermissionDenied(_("Only people who work on this project can ask for a decision."))
    definition = _definition(iteration, key)
    environment = environment.strip()
    phase = iteration.phases.select_for_update().get(key=definition.between[0])
    ends_phase = definition.every_days is None and _gate_of(iteration, phase) in ("", key)
    refuse_when_over(iteration)
    _refuse_wrong_moment(iteration, phase, key, ends_phase=ends_phase)
    _refuse_other_class(iteration, definition)
    _refuse_half_asked(definition, iteration, model_version, environment, scope or {})

    gate = Gate.objects.create(
        iteration=iteration,
        phase=phase,
        key=key,
        ends_phase=ends_phase,
        round=iteration.gates.filter(key=key).count() + 1,
        name=definition.name,
        question=definition.question,
        definition=definition.model_dump(mode="json"),
        model_version=model_version,
        environment=environment,
        scope=scope or {},
        requested_by=person,
        opened_at=now(),
    )
    detail = {
        "iteration": iteration.number,
        "gate": key,
        "round": gate.round,
        "model": model_version.digest if model_version else None,
        "environment": environment,
        "scope": gate.scope,
    }
    append(
        actor=actor, action=Action.GATE_OPENED, subject=gate, project=iteration.project.slug, detail=detail
    )
    return gate


@transaction.atomic
def withdraw_gate(*, gate: Gate, actor: User, reason: str) -> Gate:
    """Take the question back, with a reason; a phase in review goes on with its work.

    Possible even where the phase was reopened or the iteration is over, so that no question stays for ever.
    Raises `Refused` unless the gate is open.
    """
    gate = lock_for_decision(gate)
    if not may_manage(actor, gate.iteration.project):
        raise PermissionDenied(_("Only a manager of the project can withdraw a gate."))
    refuse_unless_open(gate)
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why."), "reason")
    return close_gate(gate=gate, actor=actor, event="withdraw", reason=reason)


def _definition(iteration: Iteration, key: str) -> GateDefinition:
    document = ProcessDocument.model_validate(iteration.process_version.document)
    try:
        definition = document.gate(key)
    except KeyError:
        known = ", ".join(item.key for item in document.gates)
        problem = _("This process has no gate %(key)s; it has %(known)s.") % {"key": key, "known": known}
        raise Invalid("gate_unknown", problem, "key") from None
    for number, criterion in enumerate(definition.criteria):
        read_criterion(criterion.expression, where=f"gates.{key}.criteria[{number}].expression")
    return definition


def _gate_of(iteration: Iteration, phase: Phase) -> str:
    """The key of the gate that the process names as the end of this phase; empty if it names none."""
    parts = iteration.process_version.document["phases"]
    return next((part.get("gate") or "" for part in parts if part["key"] == phase.key), "")


def _refuse_wrong_moment(iteration: Iteration, phase: Phase, key: str, *, ends_phase: bool) -> None:
    if iteration.gates.filter(key=key, state=Gate.State.OPEN).exists():
        raise Refused("gate_already_open", _("Gate %(key)s is already open.") % {"key": key})
    refuse_wrong_phase(phase, ends_phase=ends_phase)


def _refuse_other_class(iteration: Iteration, definition: GateDefinition) -> None:
    if not definition.holds_for(iteration.project.risk_class):
        words = {"class": iteration.project.get_risk_class_display(), "key": definition.key}
        raise Refused(
            "gate_not_for_class", _("Gate %(key)s does not hold for this project: %(class)s.") % words
        )


def _refuse_half_asked(
    definition: GateDefinition,
    iteration: Iteration,
    model_version: ModelVersion | None,
    environment: str,
    scope: Mapping[str, Sequence[object]],
) -> None:
    if model_version is not None and model_version.project_id != iteration.project_id:
        raise Invalid("model_of_other_project", _("This model belongs to another project."), "model_version")
    if definition.authorizes and model_version is None:
        raise Invalid("model_missing", _("Say which model version is to be deployed."), "model_version")
    if definition.authorizes and not environment.strip():
        raise Invalid("environment_missing", _("Say which environment."), "environment")
    for key, values in scope.items():
        if not key or not values or not all(isinstance(value, str) and value for value in values):
            raise Invalid("scope_unreadable", _("A scope lists at least one value."), f"scope.{key}")
