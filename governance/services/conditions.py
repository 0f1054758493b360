"""Conditions of a pass: proposed while the gate is open, bound by the pass, fulfilled or missed."""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.models import CONDITION_STATES, GATE_STATES, Authorization, Condition, Gate
from governance.queries.limits import latest_end
from governance.rules.gates import has_seat, may_judge, may_manage, membership_of
from governance.services.gate_moments import refuse_unless_open
from governance.services.locks import lock_for_decision, lock_gate
from governance.services.outcomes import lapse_gate, refuse_unknown_outcome
from ledger.actors import Actor, SystemActor
from ledger.services import append
from lifecycle.models import Iteration, Membership, Phase, Task, User
from lifecycle.services.phases import close_conditions

LONGEST = dt.timedelta(days=365)


@transaction.atomic
def propose_condition(*, gate: Gate, actor: User, text: str, owner: User, due_on: dt.date) -> Condition:
    """Ask for something to be done after the pass: by its owner, until a day. It becomes what is signed.

    Who may sign the gate, or manages the project, may. Raises `Refused` unless the gate is open and may be
    passed with conditions, `Invalid` for no text, a day that is past or more than a year away, an owner who
    does not work here.
    """
    gate = lock_gate(gate)
    project = gate.iteration.project
    if not (has_seat(actor, gate) or may_manage(actor, project)):
        raise PermissionDenied(_("Only who signs this gate proposes conditions."))
    refuse_unless_open(gate)
    refuse_unknown_outcome(gate, "pass_with_conditions")
    if not text.strip():
        raise Invalid("text_missing", _("Say what has to be done."), "text")
    _refuse_day(due_on)
    place = membership_of(owner, project)
    if place is None or place.role == Membership.Role.AUDITOR:
        raise Invalid("owner_unknown", _("The owner is somebody who works in this project."), "owner")
    condition = Condition.objects.create(
        gate=gate, text=text.strip(), owner=owner, due_on=due_on, proposed_by=actor, proposed_at=now()
    )
    detail = {"text": condition.text, "owner": owner.pk, "due_on": due_on.isoformat()}
    _record(condition, actor, Action.CONDITION_PROPOSED, **detail)
    return condition


@transaction.atomic
def drop_condition(*, condition: Condition, actor: User) -> Condition:
    """Take a proposal back, before the gate is decided."""
    gate = lock_gate(condition.gate)
    condition = _locked(condition)
    if not (actor.pk == condition.proposed_by_id or has_seat(actor, gate) or may_manage(actor, gate.project)):
        raise PermissionDenied(_("Only who signs this gate drops conditions."))
    refuse_unless_open(gate)
    _end(condition, "drop", actor)
    _record(condition, actor, Action.CONDITION_DROPPED)
    return condition


@transaction.atomic
def fulfil_condition(*, condition: Condition, actor: User, note: str) -> Condition:
    """Confirm that a condition is fulfilled, and by what. Somebody who judges does, and not its owner.

    The last one turns the pass into one without conditions, and its authorization runs on to its full
    validity. Raises `Invalid` without a note, `Refused` after its day.
    """
    gate = lock_for_decision(condition.gate)
    condition = _locked(condition)
    if not may_judge(actor, gate.project):
        raise PermissionDenied(_("Only reviewers and managers confirm that a condition is fulfilled."))
    if actor.pk == condition.owner_id:
        raise PermissionDenied(_("Whoever owns a condition does not confirm it."))
    if not note.strip():
        raise Invalid("note_missing", _("Say what shows that it is fulfilled."), "note")
    if condition.due_on < _today():
        raise Refused("condition_missed", _("Its day is past: the gate closes again."))
    condition.note = note.strip()
    _end(condition, "fulfil", actor)
    last = not gate.conditions.filter(state=Condition.State.OPEN).exists()
    if last:
        gate.state = GATE_STATES.next(gate.state, "fulfil")
        gate.save(update_fields=["state"])
    _extend(gate)
    _record(condition, actor, Action.CONDITION_FULFILLED, note=condition.note, gate_state=gate.state)
    waits = gate.phase.state == Phase.State.PASSED_WITH_CONDITIONS
    if last and gate.ends_phase and waits and gate.iteration.state == Iteration.State.OPEN:
        _close(gate)
    return condition


@transaction.atomic
def miss_condition(*, condition: Condition) -> Condition:
    """Note that a condition was not fulfilled in time: the gate closes again. The site does this."""
    gate = lock_for_decision(condition.gate)
    condition = _locked(condition)
    if condition.state != Condition.State.OPEN or condition.due_on >= _today():
        return condition
    actor = SystemActor("lapse")
    _end(condition, "miss", None)
    _record(condition, actor, Action.CONDITION_MISSED)
    if GATE_STATES.can(gate.state, "lapse"):
        words = {"text": condition.text[:200], "day": condition.due_on.isoformat()}
        lapse_gate(gate=gate, reason=_("A condition was not fulfilled by %(day)s: %(text)s") % words)
    return condition


def _close(gate: Gate) -> None:
    """Turn the phase's pass into one without conditions; not while a task of it was opened again since."""
    done = (Task.State.VERIFIED, Task.State.NOT_APPLICABLE)
    if not gate.phase.tasks.filter(mandatory=True).exclude(state__in=done).exists():
        close_conditions(phase=gate.phase, actor=SystemActor(f"gate {gate.key}"))


def _extend(gate: Gate) -> None:
    for given in Authorization.objects.select_for_update().filter(gate=gate):
        given.valid_until = latest_end(gate, given.valid_from)
        given.save(update_fields=["valid_until"])


def _end(condition: Condition, event: str, actor: User | None) -> None:
    condition.state = CONDITION_STATES.next(condition.state, event)
    condition.ended_by, condition.ended_at = actor, now()
    condition.save(update_fields=["state", "note", "ended_by", "ended_at"])


def _locked(condition: Condition) -> Condition:
    found = Condition.objects.select_for_update(of=("self",)).select_related("owner")
    return found.get(pk=condition.pk)


def _record(condition: Condition, actor: Actor, action: Action, **detail: object) -> None:
    gate = condition.gate
    known = {"iteration": gate.iteration.number, "gate": gate.key, "condition": condition.pk}
    append(
        actor=actor, action=action, subject=condition, project=gate.project.slug, detail={**known, **detail}
    )


def _refuse_day(due_on: dt.date) -> None:
    if not _today() <= due_on <= _today() + LONGEST:
        raise Invalid("day_unfit", _("The day lies between today and a year from now."), "due_on")


def _today() -> dt.date:
    return now().astimezone(dt.UTC).date()
