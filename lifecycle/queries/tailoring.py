"""What a project does differently from its process."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lifecycle.models import TASK_STATES, Exclusion, Iteration, Phase, Project, Risk, Task

_GROWING = ("not_started", "defining_requirements", "in_progress", "reopened", "on_hold")
_OWN = r"^X[1-9][0-9]*$"


@dataclass(frozen=True)
class Tailoring:
    """All of it, newest iteration first; `open_tasks` and `phases` are what can still be tailored."""

    iteration: Iteration | None
    tasks: list[Task]
    risks: list[Risk]
    exclusions: list[Exclusion]
    phases: list[Phase]
    open_tasks: list[Task]

    @property
    def waiting(self) -> list[Exclusion]:
        return [each for each in self.exclusions if each.state == Exclusion.State.REQUESTED]

    @property
    def decided(self) -> list[Exclusion]:
        return [each for each in self.exclusions if each.state != Exclusion.State.REQUESTED]

    @property
    def excludable(self) -> list[Task]:
        """Optional tasks of the open iteration that may still be left out and that nobody asked about."""
        asked = {each.task_id for each in self.waiting}
        return [
            task
            for task in self.open_tasks
            if not task.mandatory and task.pk not in asked and TASK_STATES.can(task.state, "exclude")
        ]

    @property
    def title(self) -> str:
        """The finding, in a sentence."""
        added, waits = len(self.tasks) + len(self.risks), len(self.waiting)
        dropped = sum(each.state == Exclusion.State.APPROVED for each in self.exclusions)
        words = [
            (added, ngettext("%d addition", "%d additions", added)),
            (dropped, ngettext("%d task that does not apply", "%d tasks that do not apply", dropped)),
            (waits, ngettext("%d request waits", "%d requests wait", waits)),
        ]
        said = ", ".join(text % number for number, text in words if number)
        return said or _("The project does what its process says")


def tailoring_of(project: Project) -> Tailoring:
    """Extra tasks and risks, tasks that do not apply, and what could be tailored now. 6 queries."""
    iteration = (
        project.iterations.filter(state=Iteration.State.OPEN).select_related("process_version").first()
    )
    phases = list(iteration.phases.order_by("order")) if iteration else []
    open_tasks: list[Task] = []
    if iteration:
        found = Task.objects.filter(phase__iteration=iteration).select_related("phase")
        open_tasks = list(found.order_by("phase__order", "order"))
    tasks = Task.objects.filter(phase__iteration__project=project, key__regex=_OWN)
    tasks = tasks.select_related("phase__iteration", "owner").order_by("-phase__iteration__number", "pk")
    risks = Risk.objects.filter(task__phase__iteration__project=project, key__regex=_OWN)
    risks = risks.select_related("task__phase__iteration")
    exclusions = Exclusion.objects.filter(task__phase__iteration__project=project)
    return Tailoring(
        iteration=iteration,
        tasks=list(tasks),
        risks=list(risks.order_by("-task__phase__iteration__number", "pk")),
        exclusions=list(exclusions.select_related("task__phase__iteration", "requested_by", "decided_by")),
        phases=[each for each in phases if each.state in _GROWING], open_tasks=open_tasks,
    )  # fmt: skip
