"""Phases: started, their requirements agreed, reviewed, decided, reopened."""

import datetime as dt

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle import events, rules
from lifecycle.actions import LifecycleAction
from lifecycle.definitions import OpensOn
from lifecycle.errors import Invalid, Refused
from lifecycle.models import PHASE_STATES, Phase, Requirement, Task
from lifecycle.services.furnishing import Cast, assigned_detail, document_of, furnish_phase, redate_handoffs
from lifecycle.services.staleness import Stale, expire_from
from lifecycle.services.steps import allow, change, ensure_open, locked, record
from lifecycle.services.texts import prose

_S = Phase.State
_SETTLED = (_S.PASSED, _S.PASSED_WITH_CONDITIONS, _S.INHERITED)
_OUTCOMES = ("pass", "pass_with_conditions", "iterate", "send_back", "close_again", "hold", "stop")
_NEED_REASON = ("send_back", "close_again", "hold", "stop")
_BY_HAND = ("hold", "stop")


@transaction.atomic
def start_phase(*, phase: Phase, actor: Actor) -> Phase:
    """Begin, or begin again, a phase whose predecessor is passed or inherited. Tasks are dated from today."""
    phase = _locked(phase)
    _allow_managing(actor, phase)
    ensure_open(phase.iteration)
    state = PHASE_STATES.next(phase.state, "start")
    previous = phase.iteration.phases.filter(order__lt=phase.order).order_by("-order").first()
    if previous is not None and previous.state not in _SETTLED:
        raise Refused("previous_phase_open", _("%(phase)s is not passed yet.") % {"phase": previous})

    today = timezone.localdate()
    if phase.started_at is None:
        _redate_tasks(phase, today)
    phase.started_at, phase.ended_at = timezone.now(), None
    redate_handoffs(phase.iteration, OpensOn.PHASE_STARTED, phase.key, today)
    return _move(phase, state, LifecycleAction.PHASE_STARTED, actor, "started_at", "ended_at")


@transaction.atomic
def agree_requirements(*, phase: Phase, actor: Actor) -> Phase:
    """Agree what the phase has to reach; its tasks may begin.

    Raises `Refused("requirements_draft")` while a requirement that its gate checks is a draft.
    """
    phase = _locked(phase)
    _allow_managing(actor, phase)
    ensure_open(phase.iteration)
    state = PHASE_STATES.next(phase.state, "agree_requirements")
    gate = document_of(phase.iteration).phase(phase.key).gate
    current = phase.iteration.project.requirements.exclude(state=Requirement.State.SUPERSEDED).filter(
        gate=gate or ""
    )
    drafts = [each.key for each in current if each.state == Requirement.State.DRAFT]
    if drafts:
        text = _("These requirements are not agreed: %(keys)s.") % {"keys": ", ".join(drafts)}
        raise Refused("requirements_draft", text)

    agreed = {each.key: each.version for each in current}
    return _move(phase, state, LifecycleAction.PHASE_AGREED, actor, requirements=agreed)


@transaction.atomic
def request_review(*, phase: Phase, actor: Actor) -> Phase:
    """Submit a phase to its gate: every mandatory task is verified or does not apply.

    Raises `Refused("tasks_open")` with the keys of those that are not.
    """
    phase = _locked(phase)
    allow(
        rules.can_contribute(actor, phase.iteration.project), _("Only those who work here request a review.")
    )
    ensure_open(phase.iteration)
    state = PHASE_STATES.next(phase.state, "request_review")
    tasks = list(phase.tasks.select_for_update().order_by("pk"))
    done = (Task.State.VERIFIED, Task.State.NOT_APPLICABLE)
    waiting = [task.key for task in tasks if task.mandatory and task.state not in done]
    if waiting:
        text = _("These tasks are not verified: %(tasks)s.") % {"tasks": ", ".join(waiting)}
        raise Refused("tasks_open", text)

    return _move(phase, state, LifecycleAction.PHASE_SUBMITTED, actor)


@transaction.atomic
def decide_phase(*, phase: Phase, outcome: str, actor: Actor, reason: str = "") -> Phase:
    """Carry out what a gate has decided, or hold or stop a running phase.

    `outcome` is pass, pass_with_conditions, iterate, send_back, close_again, hold or stop; the last four need
    a reason. A person only holds or stops: the other outcomes come from a gate. Sending back expires the
    evidence of this and later phases; a phase that is closed again waits for its gate with its evidence.
    """
    phase = _locked(phase)
    project = phase.iteration.project
    allow(
        rules.is_machine(actor) or rules.can_review(actor, project), _("Only reviewers and managers decide.")
    )
    by_hand = outcome not in _OUTCOMES or outcome in _BY_HAND
    allow(rules.is_machine(actor) or by_hand, _("Only a gate passes a phase or sends it back."))
    if outcome not in _OUTCOMES:
        raise Invalid("unknown_outcome", _("There is no such outcome."), "outcome")
    reason = prose(reason, "reason", needed=outcome in _NEED_REASON)
    ensure_open(phase.iteration)
    state = PHASE_STATES.next(phase.state, outcome)

    stale = expire_from(phase, reason) if outcome == "send_back" else Stale()
    if state in (_S.PASSED, _S.PASSED_WITH_CONDITIONS):
        _redate_after_pass(phase)
    phase.ended_at = None if state in (_S.IN_PROGRESS, _S.IN_REVIEW) else timezone.now()
    moved = _move(
        phase, state, LifecycleAction.PHASE_DECIDED, actor, "ended_at",
        outcome=outcome, reason=reason, **stale.detail,
    )  # fmt: skip
    stale.tell()
    return moved


@transaction.atomic
def reopen_phase(*, phase: Phase, actor: Actor, reason: str) -> Phase:
    """Open a passed or inherited phase again; a manager or a trigger may.

    What rested on it expires: the evidence of this and of later phases, whose tasks and passes are reopened.
    An inherited phase gets its tasks now.
    """
    phase = _locked(phase)
    allow(
        rules.is_machine(actor) or rules.can_manage_project(actor, phase.iteration.project),
        _("Only a manager reopens a phase."),
    )
    reason = prose(reason, "reason")
    ensure_open(phase.iteration)
    state = PHASE_STATES.next(phase.state, "reopen")

    stale = expire_from(phase, reason)
    made = list[Task]()
    if not phase.tasks.exists():
        cast, today = Cast(phase.iteration.project), timezone.localdate()
        made = furnish_phase(phase, document_of(phase.iteration), cast, today)
    assigned = [assigned_detail(task) for task in made if task.owner_id]
    phase.ended_at = None
    moved = _move(
        phase,
        state,
        LifecycleAction.PHASE_REOPENED,
        actor,
        "ended_at",
        reason=reason,
        assigned=assigned,
        **stale.detail,
    )
    stale.tell()
    return moved


@transaction.atomic
def resume_phase(*, phase: Phase, actor: Actor) -> Phase:
    """Go on with a phase that was on hold."""
    phase = _locked(phase)
    _allow_managing(actor, phase)
    ensure_open(phase.iteration)
    state = PHASE_STATES.next(phase.state, "resume")

    phase.ended_at = None
    return _move(phase, state, LifecycleAction.PHASE_RESUMED, actor, "ended_at")


@transaction.atomic
def close_conditions(*, phase: Phase, actor: Actor) -> Phase:
    """Turn a pass with conditions into a pass, once no task of the phase is open."""
    phase = _locked(phase)
    allow(
        rules.is_machine(actor) or rules.can_review(actor, phase.iteration.project),
        _("Only reviewers and managers close conditions."),
    )
    ensure_open(phase.iteration)
    state = PHASE_STATES.next(phase.state, "close_conditions")
    done = (Task.State.VERIFIED, Task.State.NOT_APPLICABLE)
    if phase.tasks.filter(mandatory=True).exclude(state__in=done).exists():
        raise Refused("tasks_open", _("Tasks of this phase are not verified."))

    return _move(phase, state, LifecycleAction.PHASE_DECIDED, actor, outcome="close_conditions")


def _locked(phase: Phase) -> Phase:
    return locked(phase, "iteration__project", "iteration__process_version")


def _allow_managing(actor: Actor, phase: Phase) -> None:
    project = phase.iteration.project
    allow(rules.can_manage_project(actor, project), _("Only a manager moves a phase on."))


def _move(
    phase: Phase, state: str, action: LifecycleAction, actor: Actor, *fields: str, **detail: object
) -> Phase:
    """Save, record and tell."""
    before, phase.state = phase.state, state
    phase.save(update_fields=["state", *fields])
    iteration = phase.iteration
    record(
        action, phase, actor=actor, project=iteration.project, iteration=iteration,
        phase=phase.key, **change(before, state), **detail,
    )  # fmt: skip
    event = events.PhaseChanged(phase_id=phase.pk, project_id=iteration.project_id, state=state)
    events.phase_changed.send(sender=Phase, event=event)
    return phase


def _redate_tasks(phase: Phase, today: dt.date) -> None:
    days = {part.key: part.due_days for part in document_of(phase.iteration).tasks_of(phase.key)}
    tasks = list(phase.tasks.filter(key__in=days))
    for task in tasks:
        task.due_on = today + dt.timedelta(days=days[task.key])
    Task.objects.bulk_update(tasks, ["due_on"])


def _redate_after_pass(phase: Phase) -> None:
    gate = document_of(phase.iteration).phase(phase.key).gate
    if gate is not None:
        redate_handoffs(phase.iteration, OpensOn.GATE_PASSED, gate, timezone.localdate())
