"""What a project does differently from its process: more tasks, and tasks that do not apply.

Extra tasks carry keys that begin with X; extra risks come from `risks.add_risk`, with such keys too. That a
task does not apply is asked by one person and approved by another.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.definitions import EvidenceKind
from lifecycle.errors import Invalid, Refused
from lifecycle.models import EXCLUSION_STATES, TASK_STATES, Exclusion, Phase, Project, Task, User
from lifecycle.services.furnishing import Cast, assigned_detail
from lifecycle.services.steps import allow, change, ensure_open, locked, record
from lifecycle.services.texts import line, prose

_OWN_KEY = re.compile(r"X([1-9][0-9]*)")
_P = Phase.State
_GROWING = (_P.NOT_STARTED, _P.DEFINING_REQUIREMENTS, _P.IN_PROGRESS, _P.REOPENED, _P.ON_HOLD)


@transaction.atomic
def add_task(
    *, phase: Phase, name: str, summary: str, role: str, evidence_kinds: Sequence[str], actor: User,
    mandatory: bool = True, due_on: dt.date | None = None,
) -> Task:  # fmt: skip
    """Add a task that the process does not have, with a key of its own: X1, X2 ... in the iteration.

    Whoever alone has the role owns it. Raises `Refused("phase_settled")` for a phase that is under review or
    over, `Invalid` for an unknown role or kind of evidence.
    """
    phase = locked(phase, "iteration__project", "iteration__process_version")
    iteration = phase.iteration
    allow(rules.can_manage_project(actor, iteration.project), _("Only a manager adds tasks."))
    name, summary = line(name, "name"), prose(summary, "summary", needed=False)
    _check_choices(phase, role, evidence_kinds)
    ensure_open(iteration)
    if phase.state not in _GROWING:
        words = {"phase": phase, "state": phase.get_state_display().lower()}
        raise Refused("phase_settled", _("%(phase)s is %(state)s: no task can be added.") % words)

    cast = Cast(iteration.project)
    order = (phase.tasks.aggregate(last=Max("order"))["last"] or 0) + 1
    task = Task.objects.create(
        phase=phase, key=_next_key(phase), name=name, summary=summary, order=order, role=role,
        mandatory=mandatory, evidence_kinds=list(dict.fromkeys(evidence_kinds)), owner=cast.only([role]),
        accountable=cast.manager, due_on=due_on,
    )  # fmt: skip
    record(
        LifecycleAction.TASK_ADDED, task, actor=actor, project=iteration.project, iteration=iteration,
        phase=phase.key, name=name, role=role, mandatory=mandatory, evidence_kinds=task.evidence_kinds,
        due_on=due_on.isoformat() if due_on else None, to=task.state, **assigned_detail(task),
    )  # fmt: skip
    return task


@transaction.atomic
def request_exclusion(*, task: Task, actor: User, reason: str) -> Exclusion:
    """Ask that an optional task does not apply; it stays as it is until a second person approves.

    Raises `Refused` (`mandatory`, `already_requested`, or the task's state does not allow it).
    """
    task = locked(task, "phase__iteration__project")
    allow(rules.can_contribute(actor, _project(task)), _("You do not work in this project."))
    reason = prose(reason, "reason")
    _ensure_excludable(task)
    if task.exclusions.filter(state=Exclusion.State.REQUESTED).exists():
        raise Refused("already_requested", _("This is already asked and waits for a second person."))

    exclusion = Exclusion.objects.create(
        task=task, reason=reason, requested_by=actor, requested_at=timezone.now()
    )
    _record(LifecycleAction.EXCLUSION_REQUESTED, exclusion, actor, task, to=exclusion.state, reason=reason)
    return exclusion


@transaction.atomic
def approve_exclusion(*, exclusion: Exclusion, actor: User) -> Exclusion:
    """Agree, as a second person who may review, that the task does not apply.

    Raises `Refused("own_approval")` for whoever asked.
    """
    task, exclusion = _locked(exclusion)
    allow(rules.can_review(actor, _project(task)), _("Only reviewers and managers approve this."))
    if exclusion.requested_by_id == actor.pk:
        raise Refused("own_approval", _("You asked for this: a second person has to approve."))
    state = EXCLUSION_STATES.next(exclusion.state, "approve")
    _ensure_excludable(task)
    before, task.state = task.state, TASK_STATES.next(task.state, "exclude")

    task.state_reason = exclusion.reason
    task.save(update_fields=["state", "state_reason"])
    _decide(exclusion, state, actor)
    record(
        LifecycleAction.TASK_EXCLUDED, task, actor=actor, project=_project(task),
        iteration=task.phase.iteration, task=task.pk, key=task.key, phase=task.phase.key,
        **change(before, task.state), reason=exclusion.reason, approver=actor.pk,
        requested_by=exclusion.requested_by_id, exclusion=exclusion.pk,
    )  # fmt: skip
    return exclusion


@transaction.atomic
def decline_exclusion(*, exclusion: Exclusion, actor: User, reason: str) -> Exclusion:
    """Say that the task does apply; whoever may review says why."""
    task, exclusion = _locked(exclusion)
    allow(rules.can_review(actor, _project(task)), _("Only reviewers and managers decide this."))
    reason = prose(reason, "reason")
    if exclusion.requested_by_id == actor.pk:
        raise Refused("own_approval", _("You asked for this: withdraw it instead."))
    state = EXCLUSION_STATES.next(exclusion.state, "decline")
    ensure_open(task.phase.iteration)

    exclusion.decision = reason
    before = _decide(exclusion, state, actor)
    _record(
        LifecycleAction.EXCLUSION_DECLINED, exclusion, actor, task, **change(before, state), reason=reason
    )
    return exclusion


@transaction.atomic
def withdraw_exclusion(*, exclusion: Exclusion, actor: User) -> Exclusion:
    """Take one's own request back; a manager may take back that of somebody who left."""
    task, exclusion = _locked(exclusion)
    mine = exclusion.requested_by_id == actor.pk and rules.can_contribute(actor, _project(task))
    allow(mine or rules.can_manage_project(actor, _project(task)), _("Only who asked withdraws this."))
    state = EXCLUSION_STATES.next(exclusion.state, "withdraw")

    before = _decide(exclusion, state, actor)
    _record(LifecycleAction.EXCLUSION_WITHDRAWN, exclusion, actor, task, **change(before, state))
    return exclusion


def _check_choices(phase: Phase, role: str, kinds: Sequence[str]) -> None:
    known = {part["code"] for part in phase.iteration.process_version.document["roles"]}
    if role not in known:
        raise Invalid("unknown_role", _("The process has no such role."), "role")
    if not kinds:
        raise Invalid("missing", _("Say what proves the task."), "evidence_kinds")
    if set(kinds) - set(EvidenceKind):
        raise Invalid("unknown_kind", _("There is no such kind of evidence."), "evidence_kinds")


def _next_key(phase: Phase) -> str:
    """The next free key of the whole iteration, also beside keys of the process that begin with X."""
    keys = Task.objects.filter(phase__iteration=phase.iteration_id).values_list("key", flat=True)
    numbers = [int(match[1]) for key in keys if (match := _OWN_KEY.fullmatch(key))]
    return f"X{max(numbers, default=0) + 1}"


def _locked(exclusion: Exclusion) -> tuple[Task, Exclusion]:
    """The task's lock comes first, as in every service of tasks."""
    task = locked(exclusion.task, "phase__iteration__project")
    return task, locked(exclusion)


def _ensure_excludable(task: Task) -> None:
    ensure_open(task.phase.iteration)
    TASK_STATES.next(task.state, "exclude")
    if task.mandatory:
        raise Refused("mandatory", _("The process makes this task mandatory."))


def _decide(exclusion: Exclusion, state: str, actor: User) -> str:
    before, exclusion.state = str(exclusion.state), state
    exclusion.decided_by, exclusion.decided_at = actor, timezone.now()
    exclusion.save(update_fields=["state", "decided_by", "decided_at", "decision"])
    return before


def _record(action: LifecycleAction, exclusion: Exclusion, actor: User, task: Task, **detail: object) -> None:
    record(
        action, exclusion, actor=actor, project=_project(task), iteration=task.phase.iteration, task=task.pk,
        key=task.key, phase=task.phase.key, **detail,
    )  # fmt: skip


def _project(task: Task) -> Project:
    return task.phase.iteration.project
