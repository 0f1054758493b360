"""Gaps turned into tasks: a manager opens one, its owner closes it once the control is met.

Owner, due date, inbox, reminders and evidence are those of the task of the lifecycle; what stands here is
which control it is there for. The task itself goes its own way: a second person verifies it, or agrees that
it does not apply.
"""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.compliance.documents import ControlDocument
from governance.compliance.statuses import Status
from governance.errors import Invalid, Refused
from governance.models import CONTROL_TASK_STATES, ControlTask, FrameworkUse
from governance.queries.compliance import document_of
from governance.queries.control_tasks import DONE, SETTLED, is_gap, status_of, with_status
from governance.rules.gates import may_manage
from ledger.services import append
from lifecycle.definitions import EvidenceKind
from lifecycle.models import TASK_STATES, Exclusion, Iteration, Phase, Project, Task, User
from lifecycle.rules.projects import can_contribute, can_take_part
from lifecycle.services.tailoring import add_task, request_exclusion
from lifecycle.services.tasks import assign_task


@transaction.atomic
def open_control_task(
    *, use: FrameworkUse, control: str, actor: User, owner: User, due_on: dt.date, place: Task | Phase
) -> ControlTask:
    """Have a gap closed by somebody until a day: in an open task, or in a new one of a phase (`place`).

    A manager's to do; the place is of the project's open iteration. A new task is optional: no phase waits
    for it. Raises `PermissionDenied`; `Invalid` for an unknown control, a day that is past, a person who can
    take no task, a place of another iteration; `Refused`: `no_gap`, `task_open` for a control that has an
    open one already, `use_ended`, and what adding and assigning a task refuse.
    """
    project = Project.objects.select_for_update(no_key=True).get(pk=use.project_id)
    if not may_manage(actor, project):
        raise PermissionDenied(_("Only a manager opens tasks."))
    wanted = _control_with_gap(use, control)
    _refuse_second(project, use.framework.key, control)
    if due_on < timezone.localdate():
        raise Invalid("day_unfit", _("This day is past."), "due_on")
    if not can_take_part(owner, project):
        words = {"name": owner}
        raise Invalid("not_member", _("%(name)s can not take tasks in this project.") % words, "owner")
    task = _task_at(place, project, wanted, use, actor=actor, owner=owner, due_on=due_on)
    task = assign_task(task=task, actor=actor, owner=owner, due_on=due_on)
    opened = ControlTask.objects.create(
        project=project, framework_key=use.framework.key, control=control, label=wanted.label, task=task,
        made_for_it=isinstance(place, Phase), opened_by=actor, opened_at=now(),
    )  # fmt: skip
    _record(
        Action.CONTROL_TASK_OPENED, opened, actor, owner=owner.pk, due_on=due_on.isoformat(),
        status=status_of(use, control), made_for_it=opened.made_for_it,
    )  # fmt: skip
    return opened


@transaction.atomic
def close_control_task(*, control_task: ControlTask, actor: User) -> ControlTask:
    """Say that the gap is closed: the task's owner, or a manager, once the control is met or has no bearing.

    A task that was added for the gap and has not got far asks to be left out, which a second person decides.
    Raises `PermissionDenied`, `Refused("not_met")`, or that the state does not allow it.
    """
    found = _locked(control_task)
    owner = found.task.owner_id == actor.pk and can_take_part(actor, found.project)
    if not (owner or may_manage(actor, found.project)):
        raise PermissionDenied(_("Only its owner or a manager closes this."))
    status = vars(with_status(ControlTask.objects.filter(pk=found.pk)).get())["status"]
    state = CONTROL_TASK_STATES.next(found.state, "close")
    if status not in SETTLED:
        label = Status(status).label if status else _("out of use")
        raise Refused("not_met", _("The control is not met yet: %(status)s.") % {"status": label})
    because = _("%(control)s: %(status)s") % {"control": found.label, "status": Status(status).label}
    return _end(found, state, Action.CONTROL_TASK_CLOSED, actor, because)


@transaction.atomic
def drop_control_task(*, control_task: ControlTask, actor: User, reason: str) -> ControlTask:
    """Take the task from the control although the gap is not closed, with a reason. A manager's to do."""
    found = _locked(control_task)
    if not may_manage(actor, found.project):
        raise PermissionDenied(_("Only a manager drops this."))
    state = CONTROL_TASK_STATES.next(found.state, "drop")
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why."), "reason")
    return _end(found, state, Action.CONTROL_TASK_DROPPED, actor, reason.strip())


def _control_with_gap(use: FrameworkUse, control: str) -> ControlDocument:
    if FrameworkUse.objects.filter(pk=use.pk, ended_at__isnull=False).exists():
        raise Refused("use_ended", _("The project is no longer measured by this framework."))
    found = document_of(use.framework).control(control)
    if found is None:
        words = {"id": control, "framework": use.framework}
        raise Invalid("control_unknown", _("%(framework)s has no control “%(id)s”.") % words, "control")
    status = status_of(use, control)
    if not is_gap(status):
        words = {"status": Status(status).label}
        raise Refused("no_gap", _("This control is no gap: %(status)s.") % words)
    return found


def _refuse_second(project: Project, framework: str, control: str) -> None:
    at = {"framework_key": framework, "control": control, "state": ControlTask.State.OPEN}
    first = project.control_tasks.filter(**at).select_related("task").first()
    if first is not None:
        raise Refused("task_open", _("A task is open for it already: %(task)s.") % {"task": first.task})


def _task_at(
    place: Task | Phase, project: Project, control: ControlDocument, use: FrameworkUse, *, actor: User,
    owner: User, due_on: dt.date,
) -> Task:  # fmt: skip
    phase = place.phase if isinstance(place, Task) else place
    if phase.iteration.project_id != project.pk or phase.iteration.state != Iteration.State.OPEN:
        raise Invalid("place_unfit", _("Choose a place in the project's open iteration."), "place")
    if isinstance(place, Task):
        if place.state in DONE:
            raise Invalid("place_unfit", _("This task is done: choose another."), "place")
        return place
    kinds = [each for each in control.evidence if each in set(EvidenceKind)]
    words = {"control": control.label, "title": control.title}
    return add_task(
        phase=place, name=(_("Close the gap of %(control)s: %(title)s") % words)[:300],
        summary=_("%(framework)s, %(control)s: %(title)s") % {**words, "framework": use.framework.title},
        role=_role_for(owner, place), evidence_kinds=kinds or [EvidenceKind.DOCUMENT], actor=actor,
        mandatory=False, due_on=due_on,
    )  # fmt: skip


def _role_for(owner: User, phase: Phase) -> str:
    """A role of the process that the owner has in the project, else the first one."""
    known = [part["code"] for part in phase.iteration.process_version.document["roles"]]
    own = owner.memberships.filter(project=phase.iteration.project_id, left_at__isnull=True).first()
    return str(next((code for code in known if own is not None and code in own.crisp_roles), known[0]))


def _locked(control_task: ControlTask) -> ControlTask:
    found = ControlTask.objects.select_for_update(of=("self",), no_key=True)
    return found.select_related("project", "task__phase__iteration__project").get(pk=control_task.pk)


def _end(found: ControlTask, state: str, action: Action, actor: User, because: str) -> ControlTask:
    found.state, found.ended_by, found.ended_at, found.ended_because = state, actor, now(), because
    found.save(update_fields=["state", "ended_by", "ended_at", "ended_because"])
    _record(action, found, actor, reason=because)
    if _is_left_over(found, actor):
        request_exclusion(task=found.task, actor=actor, reason=because)
    return found


def _is_left_over(ended: ControlTask, actor: User) -> bool:
    """Whether the task was there for this gap alone, and has not got so far that it is finished instead."""
    task = ended.task
    iteration = task.phase.iteration
    return (
        ended.made_for_it
        and not task.mandatory
        and iteration.state == Iteration.State.OPEN
        and TASK_STATES.can(task.state, "exclude")
        and can_contribute(actor, ended.project)
        and not task.control_tasks.filter(state=ControlTask.State.OPEN).exists()
        and not task.exclusions.filter(state=Exclusion.State.REQUESTED).exists()
    )


def _record(action: Action, about: ControlTask, actor: User, **detail: object) -> None:
    told = {
        "framework": about.framework_key, "control": about.control, "task": about.task_id, "to": about.state,
        **detail,
    }  # fmt: skip
    append(actor=actor, action=action, subject=about, project=about.project.slug, detail=told)
