"""The tasks in which gaps of controls are closed, seen from the control, the task and the person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from governance.compliance.documents import ControlDocument
from governance.compliance.statuses import GOOD, Status
from governance.models import ControlStanding, ControlTask, FrameworkUse
from lifecycle.models import Iteration, Phase, Project, Task, User
from lifecycle.queries.projects import projects_visible_to

DONE = (Task.State.VERIFIED, Task.State.NOT_APPLICABLE)
GROWING = (
    Phase.State.NOT_STARTED, Phase.State.DEFINING_REQUIREMENTS, Phase.State.IN_PROGRESS,
    Phase.State.REOPENED, Phase.State.ON_HOLD,
)  # fmt: skip
SETTLED = frozenset({*GOOD, Status.NOT_APPLICABLE})
"""Where a control is no gap (any more)."""

MOST = 50


def status_of(use: FrameworkUse, control: str) -> str:
    """Where a control stands, as it was last looked at. 1 query."""
    found = use.standings.filter(control=control).values_list("status", flat=True).first()
    return found or Status.NOT_STARTED


def is_gap(status: str) -> bool:
    """Whether a control that stands there is one."""
    return status not in SETTLED


def control_tasks_visible_to(user: User) -> QuerySet[ControlTask]:
    """Of the projects that a person sees, with task, owner and iteration."""
    return _with_task().filter(project__in=projects_visible_to(user).values("pk"))


def _with_task() -> QuerySet[ControlTask]:
    return ControlTask.objects.select_related(
        "project", "task__owner", "task__phase__iteration", "opened_by", "ended_by"
    )


def open_tasks_of(use: FrameworkUse) -> dict[str, ControlTask]:
    """The open task of each control of a framework that has one. 1 query."""
    found = _with_task().filter(
        project=use.project_id, framework_key=use.framework.key, state=ControlTask.State.OPEN
    )
    return {each.control: each for each in found}


def tasks_of_control(use: FrameworkUse, control: str) -> list[ControlTask]:
    """All that were opened for a control, the last first. 1 query."""
    found = _with_task().filter(project=use.project_id, framework_key=use.framework.key, control=control)
    return list(found.order_by("-opened_at", "-pk")[:MOST])


def words_for(each: ControlTask, status: str | None) -> str:
    """What is to be done next with an open task of a control that stands there."""
    if status is None:
        return _("The project is no longer measured by the framework: a manager drops the task.")
    if not is_gap(status):
        return _("The control is met: the owner of the task or a manager closes this.")
    if each.task.state in DONE or each.task.phase.iteration.state != Iteration.State.OPEN:
        return _("The task is over and the control is not met: drop it, and open another.")
    return _("It is closed once the control is met.")


def with_status(found: QuerySet[ControlTask]) -> QuerySet[ControlTask]:
    """The same with `status`: where the control stands now, None if the framework is out of use."""
    return found.annotate(status=Subquery(_standings().values("status")[:1]))


def _standings() -> QuerySet[ControlStanding]:
    return ControlStanding.objects.filter(
        use__project=OuterRef("project"), use__framework__key=OuterRef("framework_key"),
        use__ended_at__isnull=True, control=OuterRef("control"),
    )  # fmt: skip


def open_for_task(task: Task) -> QuerySet[ControlTask]:
    """What a task of the lifecycle is there for, with where each control stands. 1 query."""
    found = ControlTask.objects.filter(task=task, state=ControlTask.State.OPEN).select_related(
        "project", "task__phase__iteration"
    )
    return with_status(found).order_by("framework_key", "pk")


@dataclass(frozen=True)
class Places:
    """Where a gap can be closed: open tasks of the present iteration, phases that can take another one."""

    usual: list[Task]
    others: list[Task]
    phases: list[Phase]


def places_for(project: Project, control: ControlDocument) -> Places:
    """The places for a task of this control; `usual` are those that the framework names. 2 queries."""
    open_ = {"iteration__state": Iteration.State.OPEN, "iteration__project": project}
    phases = Phase.objects.filter(**open_, state__in=GROWING).select_related("iteration").order_by("order")
    tasks = Task.objects.filter(**{f"phase__{name}": value for name, value in open_.items()})
    listed = list(tasks.exclude(state__in=DONE).select_related("phase").order_by("phase__order", "order"))
    usual = [each for each in listed if each.key in control.tasks]
    return Places(usual, [each for each in listed if each not in usual], list(phases))


def control_tasks_data(found: Iterable[ControlTask]) -> list[dict[str, Any]]:
    """As plain data, for machines."""
    return [control_task_data(each) for each in found]


def control_task_data(each: ControlTask) -> dict[str, Any]:
    """One task with what it is opened for."""
    owner = each.task.owner
    return {
        "id": each.pk, "framework": each.framework_key, "control": each.control, "label": each.label,
        "state": each.state, "task": each.task_id, "task_key": each.task.key, "task_name": each.task.name,
        "task_state": each.task.state, "owner": owner.username if owner else None,
        "due_on": each.task.due_on, "made_for_it": each.made_for_it, "opened_at": each.opened_at,
        "ended_at": each.ended_at, "ended_because": each.ended_because,
    }  # fmt: skip
