"""What comes out of a gate: passed, with conditions or without, sent back, held, stopped, closed again."""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance import events
from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.models import GATE_STATES, Authorization, Condition, Gate
from governance.rules.gates import may_manage
from governance.services.authorizations import withdraw_authorization
from governance.services.evaluations import digest_now
from governance.services.gate_moments import refuse_unless_decidable
from governance.services.locks import lock_for_decision
from ledger.actors import SystemActor
from ledger.services import append
from lifecycle.models import Iteration, Phase, User
from lifecycle.services.phases import decide_phase, reopen_phase

_REFUSALS = {"iterate": "refuse", "hold": "hold", "stop": "stop"}
_OUTCOMES = {
    "pass": "pass", "pass_with_conditions": "conditional_pass", "refuse": "iterate", "hold": "hold",
    "stop": "stop",
}  # fmt: skip


def close_gate(*, gate: Gate, actor: User, event: str, reason: str, target_phase: str = "") -> Gate:
    """Move an open gate to its end and its phase along; the caller has locked it and asked who may.

    A pass with conditions proposed is a pass with conditions, and binds them. Raises `Refused` for an outcome
    that the definition does not have, and for a pass with a condition whose day is past.
    """
    conditions = list(gate.conditions.filter(state=Condition.State.PROPOSED))
    if event == "pass" and conditions:
        _refuse_missed(conditions)
        event = "pass_with_conditions"
    refuse_unknown_outcome(gate, event)
    gate.state = GATE_STATES.next(gate.state, event)
    gate.outcome_reason, gate.decided_at = reason, now()
    gate.save(update_fields=["state", "outcome_reason", "decided_at"])
    if event == "pass_with_conditions":
        gate.conditions.filter(state=Condition.State.PROPOSED).update(state=Condition.State.OPEN)
    action = Action.GATE_WITHDRAWN if event == "withdraw" else Action.GATE_DECIDED
    detail = {
        "iteration": gate.iteration.number,
        "gate": gate.key,
        "to": gate.state,
        "reason": reason,
        "target_phase": target_phase,
        "conditions": [each.pk for each in conditions],
    }
    append(actor=actor, action=action, subject=gate, project=gate.iteration.project.slug, detail=detail)
    _move_phase(gate, event, reason, target_phase)
    told = events.GateDecided(gate_id=gate.pk, project_id=gate.iteration.project_id, state=gate.state)
    events.gate_decided.send(sender=Gate, event=told)
    return gate


@transaction.atomic
def refuse_gate(
    *, gate: Gate, actor: User, reason: str, target_phase: str = "", outcome: str = "iterate"
) -> Gate:
    """Send the work back, hold or stop it without a signature: everybody can see that it is not met.

    `outcome` is iterate, hold or stop; `target_phase` is where the work goes on when it iterates, the gate's
    own phase if empty. Raises `Refused` if the gate is
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
    event = refusal_of(outcome)
    return close_gate(gate=gate, actor=actor, event=event, reason=reason, target_phase=target_phase)


def refusal_of(outcome: str) -> str:
    """The event of an outcome that is no pass. Raises `Invalid` for another one."""
    if outcome not in _REFUSALS:
        raise Invalid("outcome_unknown", _("Choose to iterate, to hold or to stop."), "outcome")
    return _REFUSALS[outcome]


def refuse_unknown_outcome(gate: Gate, event: str) -> None:
    """Raise `Refused` for what the definition of the gate does not let come out of it."""
    outcome = _OUTCOMES.get(event)
    known = gate.definition.get("outcomes")
    if outcome is not None and known is not None and outcome not in known:
        raise Refused("outcome_not_here", _("The definition of this gate has no such outcome."))


@transaction.atomic
def lapse_gate(*, gate: Gate, reason: str) -> Gate:
    """Close a passed gate again: what it was passed on does not hold. The site does, at a date.

    Its authorization is withdrawn, and its phase waits for a decision anew; the evidence stays as it is. A
    phase of an iteration that is over stays as it was.
    """
    gate = lock_for_decision(gate)
    gate.state = GATE_STATES.next(gate.state, "lapse")
    gate.outcome_reason = reason
    gate.save(update_fields=["state", "outcome_reason"])
    actor, project = SystemActor("lapse"), gate.iteration.project
    detail = {"iteration": gate.iteration.number, "gate": gate.key, "reason": reason}
    append(actor=actor, action=Action.GATE_LAPSED, subject=gate, project=project.slug, detail=detail)
    for given in Authorization.objects.filter(gate=gate).exclude(state=Authorization.State.WITHDRAWN):
        withdraw_authorization(authorization=given, actor=actor, reason=reason)
    passed = gate.phase.state in (Phase.State.PASSED, Phase.State.PASSED_WITH_CONDITIONS)
    if gate.ends_phase and passed and gate.iteration.state == Iteration.State.OPEN:
        decide_phase(phase=gate.phase, outcome="close_again", actor=actor, reason=reason)
    told = events.GateDecided(gate_id=gate.pk, project_id=project.pk, state=gate.state)
    events.gate_decided.send(sender=Gate, event=told)
    return gate


def _refuse_missed(conditions: list[Condition]) -> None:
    today = now().astimezone(dt.UTC).date()
    missed = next((each for each in conditions if each.due_on < today), None)
    if missed is not None:
        words = {"text": missed.text[:200], "day": missed.due_on.isoformat()}
        text = _("The day of a condition is past (%(day)s): %(text)s Drop it, or propose a new one.")
        raise Refused("condition_missed", text % words)


def _move_phase(gate: Gate, event: str, reason: str, target_phase: str) -> None:
    # No person passes a phase or sends it back: the gate does, once people have decided it.
    mover = SystemActor(f"gate {gate.key}")
    earlier = event == "refuse" and target_phase not in ("", gate.phase.key)
    if earlier:
        _send_back(gate, mover, reason, target_phase)
    elif event in ("hold", "stop"):
        if gate.ends_phase or event == "stop":
            decide_phase(phase=gate.phase, outcome=event, actor=mover, reason=reason)
    elif not gate.ends_phase:
        return  # its phase goes on, whatever was decided
    elif event in ("pass", "pass_with_conditions", "refuse"):
        outcome = "iterate" if event == "refuse" else event
        decide_phase(phase=gate.phase, outcome=outcome, actor=mover, reason=reason)
    elif gate.phase.state == Phase.State.IN_REVIEW and gate.iteration.state == Iteration.State.OPEN:
        decide_phase(phase=gate.phase, outcome="iterate", actor=mover, reason=reason)


def _send_back(gate: Gate, mover: SystemActor, reason: str, target_phase: str) -> None:
    target = gate.iteration.phases.filter(key=target_phase, order__lt=gate.phase.order).first()
    if target is None:
        problem = _("“%(phase)s” is not an earlier phase of this iteration.") % {"phase": target_phase}
        raise Invalid("phase_unknown", problem, "target_phase")
    if gate.phase.state == Phase.State.IN_REVIEW:
        decide_phase(phase=gate.phase, outcome="send_back", actor=mover, reason=reason)
    reopen_phase(phase=target, actor=mover, reason=reason)
