"""An iteration and its phases."""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from lifecycle.models import Handoff, Iteration, Phase, Project, Task, User
from lifecycle.queries.handoffs import handoffs_of_iteration
from lifecycle.queries.projects import DONE
from lifecycle.queries.tasks import tasks_of


@dataclass(frozen=True)
class PhaseOverview:
    """A phase with its tasks in order. Counts leave out tasks that do not apply."""

    phase: Phase
    tasks: list[Task]

    @property
    def total(self) -> int:
        return len(self._applying)

    @property
    def done(self) -> int:
        return sum(task.state == Task.State.VERIFIED for task in self.tasks)

    @property
    def open(self) -> list[Task]:
        """The tasks that are neither verified nor excluded."""
        return [task for task in self.tasks if task.state not in DONE]

    @property
    def overdue(self) -> list[Task]:
        today = timezone.localdate()
        return [task for task in self.open if task.due_on is not None and task.due_on < today]

    @property
    def held_by(self) -> list[User]:
        """Who owns what is left, those with most of it first."""
        counts: dict[User, int] = defaultdict(int)
        for task in self.open:
            if task.owner is not None:
                counts[task.owner] += 1
        return sorted(counts, key=lambda user: (-counts[user], user.name, user.pk))

    @property
    def due_on(self) -> object:
        """When the last open task is due, None if none is."""
        return max((task.due_on for task in self.open if task.due_on), default=None)

    @property
    def _applying(self) -> list[Task]:
        return [task for task in self.tasks if task.state != Task.State.NOT_APPLICABLE]


@dataclass(frozen=True)
class IterationOverview:
    """An iteration with everything that its page shows of phases, tasks and handoffs."""

    iteration: Iteration
    phases: list[PhaseOverview]
    handoffs: list[Handoff]

    @property
    def done(self) -> int:
        return sum(phase.done for phase in self.phases)

    @property
    def total(self) -> int:
        return sum(phase.total for phase in self.phases)

    @property
    def overdue(self) -> list[Task]:
        """Overdue tasks, the oldest date first."""
        late = [task for phase in self.phases for task in phase.overdue]
        return sorted(late, key=lambda task: (str(task.due_on), task.pk))

    @property
    def unowned(self) -> list[Task]:
        """Open tasks without an owner or without anybody accountable."""
        left = [task for phase in self.phases for task in phase.open]
        return [task for task in left if task.owner_id is None or task.accountable_id is None]


def iterations_of(project: Project) -> QuerySet[Iteration]:
    """All iterations, newest first, with who or what opened them. 1 query."""
    found = project.iterations.select_related(
        "project", "opened_by", "firing__trigger", "process_version__process"
    )
    return found.order_by("-number")


def current_iteration(project: Project) -> Iteration | None:
    """The open iteration, else the last one. 1 query."""
    return iterations_of(project).first()


def iteration_overview(iteration: Iteration) -> IterationOverview:
    """Phases with their tasks and counts, and the handoffs. 3 queries."""
    tasks: dict[int, list[Task]] = defaultdict(list)
    for task in tasks_of(iteration):
        tasks[task.phase_id].append(task)
    phases = [PhaseOverview(phase, tasks[phase.pk]) for phase in iteration.phases.order_by("order")]
    return IterationOverview(iteration, phases, list(handoffs_of_iteration(iteration)))
