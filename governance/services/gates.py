"""Gates: asked for, evaluated, refused, withdrawn."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance import events
from governance.actions import GovernanceAction as Action
from governance.criteria import Check, Judgement, defined_check, judge, metric_expression, read_criterion
from governance.errors import Invalid, Refused
from governance.models import GATE_STATES, CriterionResult, Evaluation, Gate
from governance.queries.facts import Facts, facts_of, is_agreed
from governance.rules.gates import has_seat, may_ask, may_manage
from governance.services.locks import lock_for_decision, lock_gate
from ledger.actors import SystemActor
from ledger.services import append
from lifecycle.definitions import Gate as GateDefinition
from lifecycle.definitions import ProcessDocument
from lifecycle.models import Iteration, ModelVersion, Phase, Project, SourceState, User
from lifecycle.services.phases import decide_phase, reopen_phase


@transaction.atomic
def open_gate(
    *,
    iteration: Iteration,
    key: str,
    actor: User,
    model_version: ModelVersion | None = None,
    environment: str = "",
    scope: dict[str, list[str]] | None = None,
) -> Gate:
    """Ask for a decision. The definition is frozen into the gate, so that later changes can't alter it.

    A gate that authorizes needs the model version and the environment. Raises `Invalid` for a key that the
    process does not have or a scope of another form, `Refused` if the phase is not in review or the gate is
    already open.
    """
    iteration = Iteration.objects.select_for_update().select_related("project").get(pk=iteration.pk)
    if not may_ask(actor, iteration.project):
        raise PermissionDenied(_("Only people who work on this project can ask for a decision."))
    definition = _definition(iteration, key)
    environment = environment.strip()
    phase = iteration.phases.select_for_update().get(key=definition.between[0])
    _refuse_when_over(iteration)
    _refuse_wrong_moment(iteration, phase, key)
    _refuse_half_asked(definition, iteration, model_version, environment, scope or {})

    gate = Gate.objects.create(
        iteration=iteration,
        phase=phase,
        key=key,
        round=iteration.gates.filter(key=key).count() + 1,
        name=definition.name,
        question=definition.question,
        definition=definition.model_dump(mode="json"),
        model_version=model_version,
        environment=environment,
        scope=scope or {},
        requested_by=actor,
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
def evaluate_gate(*, gate: Gate, actor: User) -> Evaluation:
    """Judge every criterion now and keep the result; if nothing changed since the last time, give that one.

    Raises `Refused` unless the gate is open.
    """
    gate = lock_gate(gate)
    if not (may_ask(actor, gate.iteration.project) or has_seat(actor, gate)):
        raise PermissionDenied(_("Only people of this project can have a gate evaluated."))
    refuse_unless_open(gate)
    _refuse_when_over(gate.iteration)
    facts, judgements = look_at(gate)
    subject = subject_of(gate, facts, judgements)
    digest = hashlib.sha256(subject).hexdigest()
    last = gate.evaluations.order_by("-evaluated_at", "-pk").first()
    if last is not None and last.digest == digest:
        return last

    verdict = all(given.verdict == "met" for given in judgements if given.check.blocking)
    evaluation = Evaluation.objects.create(
        gate=gate, verdict=verdict, subject=subject.decode(), digest=digest, evaluated_at=now()
    )
    CriterionResult.objects.bulk_create(
        _result(evaluation, order, given) for order, given in enumerate(judgements, start=1)
    )
    unmet = [given.check.key for given in judgements if given.verdict != "met"]
    detail = {
        "iteration": gate.iteration.number,
        "gate": gate.key,
        "verdict": verdict,
        "digest": digest,
        "not_met": unmet,
    }
    append(
        actor=actor,
        action=Action.GATE_EVALUATED,
        subject=gate,
        project=gate.iteration.project.slug,
        detail=detail,
    )
    told = events.GateEvaluated(evaluation_id=evaluation.pk, project_id=gate.iteration.project_id)
    events.gate_evaluated.send(sender=Evaluation, event=told)
    return evaluation


@transaction.atomic
def refuse_gate(*, gate: Gate, actor: User, reason: str, target_phase: str = "") -> Gate:
    """Send the work back without a signature: the criteria are not met and everybody can see it.

    `target_phase` is where the work goes on; the gate's own phase if empty. Raises `Refused` if the gate is
    not open or its criteria are met (then it takes a reviewer's signature to say no), `Invalid` without a
    reason or for a later phase.
    """
    gate = lock_for_decision(gate)
    if not may_manage(actor, gate.iteration.project):
        raise PermissionDenied(_("Only a manager of the project can send the work back."))
    refuse_unless_decidable(gate)
    last = gate.evaluations.order_by("-evaluated_at", "-pk").first()
    if last is not None and digest_now(gate) != last.digest:
        raise Refused("changed_since_shown", _("Something changed since the evaluation: evaluate again."))
    if last is None or last.verdict:
        raise Refused("criteria_met", _("The criteria are met: a reviewer decides, with a signature."))
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why."), "reason")
    return close_gate(gate=gate, actor=actor, event="refuse", reason=reason, target_phase=target_phase)


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


def close_gate(*, gate: Gate, actor: User, event: str, reason: str, target_phase: str = "") -> Gate:
    """Move an open gate to its end and its phase along; the caller has locked it and asked who may."""
    gate.state = GATE_STATES.next(gate.state, event)
    gate.outcome_reason, gate.decided_at = reason, now()
    gate.save(update_fields=["state", "outcome_reason", "decided_at"])
    action = Action.GATE_WITHDRAWN if event == "withdraw" else Action.GATE_DECIDED
    detail = {
        "iteration": gate.iteration.number,
        "gate": gate.key,
        "to": gate.state,
        "reason": reason,
        "target_phase": target_phase,
    }
    append(actor=actor, action=action, subject=gate, project=gate.iteration.project.slug, detail=detail)
    _move_phase(gate, event, reason, target_phase)
    told = events.GateDecided(gate_id=gate.pk, project_id=gate.iteration.project_id, state=gate.state)
    events.gate_decided.send(sender=Gate, event=told)
    return gate


def look_at(gate: Gate) -> tuple[Facts, list[Judgement]]:
    """The facts as they are now and what each criterion says of them."""
    facts = facts_of(gate)
    return facts, [judge(check, facts.variables) for check in checks_of(gate, facts)]


def digest_now(gate: Gate) -> str:
    """The digest that an evaluation would have now. Records nothing."""
    facts, judgements = look_at(gate)
    return hashlib.sha256(subject_of(gate, facts, judgements)).hexdigest()


def checks_of(gate: Gate, facts: Facts) -> list[Check]:
    """The criteria of the frozen definition, then the project's requirements for this gate."""
    defined = [defined_check(item) for item in gate.definition["criteria"]]
    asked = [
        Check(
            key=item.key,
            words=item.statement,
            expression=metric_expression(item.metric, item.slice, item.operator, item.limit),
            blocking=item.blocking,
            metric=item.metric,
            slice=item.slice,
            operator=item.operator,
            limit=item.limit,
            agreed=is_agreed(item),
        )
        for item in facts.requirements_at(gate)
    ]
    return asked + defined


def subject_of(gate: Gate, facts: Facts, judgements: list[Judgement]) -> bytes:
    """Canonical JSON of exactly what is decided on; its SHA-256 is what a signature binds to."""
    return rfc8785.dumps(
        {
            "gate": {
                "key": gate.key,
                "round": gate.round,
                "project": gate.iteration.project.slug,
                "iteration": gate.iteration.number,
                "definition": gate.definition,
            },
            "model": gate.model_version.digest if gate.model_version else None,
            "environment": gate.environment,
            "scope": gate.scope,
            "criteria": [_as_signed(given) for given in judgements],
            "evidence": sorted(
                [item.task.key, item.snapshot.kind, item.snapshot.digest, item.state]
                for item in facts.evidence
            ),
            "risks": facts.variables["risks"],
            "findings": facts.variables["findings"],
            **_sources(facts),
        }
    )


def _sources(facts: Facts) -> dict[str, list[list[str]]]:
    """The evidence whose source is no longer what was frozen, or was not for a while; nothing without any."""
    found = sorted({(item.snapshot.digest, item.snapshot.source_state) for item in facts.evidence})
    moved = [list(pair) for pair in found if pair[1] != SourceState.SAME]
    return {"sources": moved} if moved else {}


def _as_signed(given: Judgement) -> dict[str, Any]:
    return {
        "key": given.check.key,
        "words": given.check.words,
        "expression": given.check.expression,
        "blocking": given.check.blocking,
        "verdict": str(given.verdict),
        "observed": given.observed,
        "limit": given.check.limit,
        "previous": given.previous,
    }


def _result(evaluation: Evaluation, order: int, given: Judgement) -> CriterionResult:
    check = given.check
    return CriterionResult(
        evaluation=evaluation,
        order=order,
        key=check.key,
        words=check.words,
        expression=check.expression,
        blocking=check.blocking,
        verdict=given.verdict,
        reason=given.reason,
        metric=check.metric,
        slice=check.slice,
        operator=check.operator,
        observed=given.observed,
        limit=check.limit,
        previous=given.previous,
    )


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


def _refuse_wrong_moment(iteration: Iteration, phase: Phase, key: str) -> None:
    if iteration.gates.filter(key=key, state=Gate.State.OPEN).exists():
        raise Refused("gate_already_open", _("Gate %(key)s is already open.") % {"key": key})
    _refuse_unless_in_review(phase)


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


def refuse_unless_open(gate: Gate) -> None:
    """Raise `Refused` for a gate that has been decided."""
    if gate.state != Gate.State.OPEN:
        words = {"key": gate.key, "state": gate.get_state_display().lower()}
        raise Refused("gate_not_open", _("Gate %(key)s is already %(state)s.") % words)


def refuse_unless_decidable(gate: Gate) -> None:
    """Raise `Refused` unless the gate is open and its phase in review, in an iteration that goes on."""
    refuse_unless_open(gate)
    _refuse_when_over(gate.iteration)
    _refuse_unless_in_review(gate.phase)


def _refuse_when_over(iteration: Iteration) -> None:
    if iteration.state != Iteration.State.OPEN or iteration.project.state != Project.State.ACTIVE:
        raise Refused("iteration_closed", _("This iteration is over; work goes on in a new one."))


def _refuse_unless_in_review(phase: Phase) -> None:
    if phase.state != Phase.State.IN_REVIEW:
        words = {"phase": phase, "state": phase.get_state_display().lower()}
        raise Refused("phase_not_in_review", _("%(phase)s is %(state)s, not in review.") % words)


def _move_phase(gate: Gate, event: str, reason: str, target_phase: str) -> None:
    # No person passes a phase or sends it back: the gate does, once people have decided it.
    mover = SystemActor(f"gate {gate.key}")
    if event == "pass":
        decide_phase(phase=gate.phase, outcome="pass", actor=mover, reason=reason)
    elif event == "withdraw":
        if gate.phase.state == Phase.State.IN_REVIEW and gate.iteration.state == Iteration.State.OPEN:
            decide_phase(phase=gate.phase, outcome="iterate", actor=mover, reason=reason)
    elif not target_phase or target_phase == gate.phase.key:
        decide_phase(phase=gate.phase, outcome="iterate", actor=mover, reason=reason)
    else:
        target = gate.iteration.phases.filter(key=target_phase, order__lt=gate.phase.order).first()
        if target is None:
            problem = _("“%(phase)s” is not an earlier phase of this iteration.") % {"phase": target_phase}
            raise Invalid("phase_unknown", problem, "target_phase")
        decide_phase(phase=gate.phase, outcome="send_back", actor=mover, reason=reason)
        reopen_phase(phase=target, actor=mover, reason=reason)
