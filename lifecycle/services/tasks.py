"""Tasks: assigned, started, taken through their risks, verified by another person."""

import datetime as dt

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle import events, rules
from lifecycle.actions import LifecycleAction
from lifecycle.definitions import OpensOn
from lifecycle.errors import Invalid, Refused
from lifecycle.models import (
    EVIDENCE_STATES,
    TASK_STATES,
    Evidence,
    Phase,
    Project,
    Risk,
    Task,
    TaskDuty,
    User,
)
from lifecycle.services.furnishing import redate_handoffs
from lifecycle.services.proof import LIVE, is_proven, performers
from lifecycle.services.staleness import tell_evidence
from lifecycle.services.steps import allow, change, ensure_open, locked, record
from lifecycle.services.texts import prose

_S = Task.State
_WORKING = (Phase.State.IN_PROGRESS, Phase.State.PASSED_WITH_CONDITIONS)
_RELATED = ("phase__iteration__project", "phase__iteration__process_version")


@transaction.atomic
def assign_task(
    *,
    task: Task,
    actor: User,
    owner: User | None = None,
    accountable: User | None = None,
    due_on: dt.date | None = None,
) -> Task:
    """Set who does the task, who answers for it, until when; what is None stays as it is.

    Raises `Refused("not_member")` for a person who can not work in the project.
    """
    task = locked(task, *_RELATED)
    allow(rules.can_manage_project(actor, _project(task)), _("Only a manager assigns tasks."))
    ensure_open(task.phase.iteration)
    if task.state in (_S.VERIFIED, _S.NOT_APPLICABLE):
        raise Refused("wrong_state", _("This task is done: reopen it first."))
    for each in filter(None, (owner, accountable)):
        _ensure_takes_part(task, each)

    before = {"owner": task.owner_id, "accountable": task.accountable_id}
    task.owner, task.accountable = owner or task.owner, accountable or task.accountable
    task.due_on = due_on or task.due_on
    task.save(update_fields=["owner", "accountable", "due_on"])
    _record(
        LifecycleAction.TASK_ASSIGNED, task, actor, owner=task.owner_id, accountable=task.accountable_id,
        due_on=task.due_on.isoformat() if task.due_on else None, **{"from": before},
    )  # fmt: skip
    if task.owner_id is not None and task.owner_id != before["owner"]:
        event = events.TaskAssigned(task.pk, _project(task).pk, task.owner_id, actor.pk)
        events.task_assigned.send(sender=Task, event=event)
    return task


@transaction.atomic
def set_duty(*, task: Task, user: User, duty: str | None, actor: User) -> TaskDuty | None:
    """Say that a person is consulted (`C`) or informed (`I`); None takes the duty away."""
    task = locked(task, *_RELATED)
    allow(rules.can_manage_project(actor, _project(task)), _("Only a manager sets duties."))
    ensure_open(task.phase.iteration)
    if duty is not None and duty not in TaskDuty.Duty.values:
        raise Invalid("unknown_duty", _("The duty is C (consulted) or I (informed)."), "duty")
    if duty is not None and rules.role_in(user, _project(task)) is None:
        raise Refused("not_member", _("%(name)s does not belong to this project.") % {"name": user})

    if duty is None:
        TaskDuty.objects.filter(task=task, user=user).delete()
        found = None
    else:
        found, _made = TaskDuty.objects.update_or_create(task=task, user=user, defaults={"duty": duty})
    _record(LifecycleAction.TASK_DUTY_SET, task, actor, user=user.pk, duty=duty)
    return found


@transaction.atomic
def start_task(*, task: Task, actor: User) -> Task:
    """Begin a task, or go on with one that was reopened or blocked: its phase is in progress, it has an
    owner.
    """
    task = _for_work(task, actor)
    state = TASK_STATES.next(task.state, "start")
    if task.owner_id is None:
        raise Refused("no_owner", _("Somebody has to own this task first."))

    task.started_at = task.started_at or timezone.now()
    task.state_reason = ""
    return _move(
        task, state, LifecycleAction.TASK_STARTED, actor, "started_at", "state_reason", owner=task.owner_id
    )


@transaction.atomic
def identify_risks(*, task: Task, actor: User, none_statement_by: User | None = None) -> Task:
    """State that the task's risks are named.

    Without any risk a second person of the project says so (`none_statement_by`): `Refused("no_risks")` else.
    """
    task = _for_work(task, actor)
    state = TASK_STATES.next(task.state, "identify_risks")
    risks = list(task.risks.values_list("key", flat=True))
    if not risks:
        _check_none_statement(task, actor, none_statement_by)

    stated = none_statement_by.pk if none_statement_by and not risks else None
    return _move(
        task, state, LifecycleAction.TASK_RISKS_IDENTIFIED, actor, risks=risks, none_statement_by=stated
    )


@transaction.atomic
def accept_risks(*, task: Task, actor: User) -> Task:
    """State that every risk of the task is accepted or closed: `Refused("risks_open")` else.

    Where all evidence is there already, the task goes on to evidence attached at once.
    """
    task = _for_work(task, actor)
    state = TASK_STATES.next(task.state, "accept_risks")
    risks = list(task.risks.select_for_update().order_by("pk"))
    waiting = [risk.key for risk in risks if risk.state not in (Risk.State.ACCEPTED, Risk.State.CLOSED)]
    if waiting:
        text = _("These risks are neither accepted nor closed: %(risks)s.") % {"risks": ", ".join(waiting)}
        raise Refused("risks_open", text)

    if is_proven(task):
        state = TASK_STATES.next(state, "attach_evidence")
    accepted = {risk.key: risk.score for risk in risks}
    return _move(task, state, LifecycleAction.TASK_RISKS_ACCEPTED, actor, risks=accepted)


@transaction.atomic
def verify_task(*, task: Task, actor: User) -> Task:
    """Confirm that the evidence proves the task; the evidence is verified with it.

    Raises `Refused("own_work")` for whoever owns the task, attached evidence or started a run behind it, and
    `Refused("evidence_missing")` when a kind of evidence has gone.
    """
    task = _for_review(task, actor)
    state = TASK_STATES.next(task.state, "verify")
    evidence = list(
        task.evidence.select_for_update(of=("self",))
        .filter(state__in=LIVE)
        .select_related("snapshot__run")
        .order_by("pk")
    )
    if actor.pk in performers(task, evidence):
        raise Refused("own_work", _("Nobody verifies their own work: another person has to."))
    if not is_proven(task):
        raise Refused("evidence_missing", _("Not all evidence that this task needs is there."))

    now = timezone.now()
    fresh = [each for each in evidence if each.state == Evidence.State.ATTACHED]
    for each in fresh:
        each.state = EVIDENCE_STATES.next(each.state, "verify")
        each.verified_by, each.verified_at = actor, now
        each.save(update_fields=["state", "verified_by", "verified_at"])
    task.verified_at, task.verified_by = now, actor
    redate_handoffs(task.phase.iteration, OpensOn.TASK_VERIFIED, task.key, timezone.localdate())
    moved = _move(
        task, state, LifecycleAction.TASK_VERIFIED, actor, "verified_at", "verified_by",
        evidence={str(each.pk): each.snapshot.digest for each in evidence},
    )  # fmt: skip
    for each in fresh:
        tell_evidence(each, task.phase.iteration.project_id)
    return moved


@transaction.atomic
def reject_evidence(*, task: Task, actor: User, reason: str) -> Task:
    """Refuse the attached evidence: it stays, marked rejected, and the task goes back."""
    task = _for_review(task, actor)
    reason = prose(reason, "reason")
    state = TASK_STATES.next(task.state, "reject_evidence")
    evidence = list(task.evidence.select_for_update().filter(state=Evidence.State.ATTACHED).order_by("pk"))

    for each in evidence:
        each.state, each.state_reason = EVIDENCE_STATES.next(each.state, "reject"), reason
        each.save(update_fields=["state", "state_reason"])
    task.state_reason = reason
    moved = _move(
        task, state, LifecycleAction.EVIDENCE_REJECTED, actor, "state_reason",
        reason=reason, evidence=[each.pk for each in evidence],
    )  # fmt: skip
    for each in evidence:
        tell_evidence(each, task.phase.iteration.project_id)
    return moved


@transaction.atomic
def block_task(*, task: Task, actor: User, reason: str) -> Task:
    """Note that the task waits for something; starting it again ends the wait."""
    task = locked(task, *_RELATED)
    allow(rules.can_contribute(actor, _project(task)), _("You do not work in this project."))
    reason = prose(reason, "reason")
    ensure_open(task.phase.iteration)
    state = TASK_STATES.next(task.state, "block")

    task.state_reason = reason
    return _move(task, state, LifecycleAction.TASK_BLOCKED, actor, "state_reason", reason=reason)


@transaction.atomic
def reopen_task(*, task: Task, actor: User, reason: str) -> Task:
    """Open a verified or excluded task again while its phase is at work. Its evidence stays as it is."""
    task = _for_work(task, actor)
    reason = prose(reason, "reason")
    state = TASK_STATES.next(task.state, "reopen")

    task.state_reason, task.verified_at, task.verified_by = reason, None, None
    return _move(
        task,
        state,
        LifecycleAction.TASK_REOPENED,
        actor,
        "state_reason",
        "verified_at",
        "verified_by",
        reason=reason,
    )


def _for_work(task: Task, actor: User) -> Task:
    """The locked task, once it is sure that the actor works here and the phase is at work."""
    task = locked(task, *_RELATED)
    allow(rules.can_contribute(actor, _project(task)), _("You do not work in this project."))
    _ensure_working(task)
    return task


def _for_review(task: Task, actor: User) -> Task:
    task = locked(task, *_RELATED)
    allow(rules.can_review(actor, _project(task)), _("Only reviewers and managers judge evidence."))
    _ensure_working(task)
    return task


def _ensure_working(task: Task) -> None:
    ensure_open(task.phase.iteration)
    if task.phase.state not in _WORKING:
        words = {"phase": task.phase, "state": task.phase.get_state_display().lower()}
        raise Refused("phase_not_in_progress", _("%(phase)s is not in progress but %(state)s.") % words)


def _ensure_takes_part(task: Task, user: User) -> None:
    if not rules.can_take_part(user, _project(task)):
        raise Refused("not_member", _("%(name)s can not take tasks in this project.") % {"name": user})


def _check_none_statement(task: Task, actor: User, second: User | None) -> None:
    if second is None:
        text = _("Name a risk, or have a second person state that there is none.")
        raise Refused("no_risks", text)
    if second.pk == actor.pk:
        raise Refused("own_approval", _("A second person has to state that there is no risk."))
    _ensure_takes_part(task, second)


def _project(task: Task) -> Project:
    return task.phase.iteration.project


def _record(action: LifecycleAction, task: Task, actor: User, **detail: object) -> None:
    record(
        action, task, actor=actor, project=_project(task), iteration=task.phase.iteration,
        task=task.pk, key=task.key, phase=task.phase.key, **detail,
    )  # fmt: skip


def _move(
    task: Task, state: str, action: LifecycleAction, actor: User, *fields: str, **detail: object
) -> Task:
    before, task.state = task.state, state
    task.save(update_fields=["state", *fields])
    _record(action, task, actor, **change(before, state), **detail)
    events.task_moved.send(sender=Task, event=events.TaskMoved(task.pk, _project(task).pk, state))
    return task
