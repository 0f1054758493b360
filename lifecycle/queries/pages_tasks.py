"""The tasks of an iteration as their page lists them."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from lifecycle.models import Iteration, Phase, Task, User
from lifecycle.queries.iterations import IterationOverview, PhaseOverview, iteration_overview
from lifecycle.queries.pages import kinds_by_task
from lifecycle.queries.projects import DONE
from lifecycle.sorting import Sorting


@dataclass(frozen=True)
class TaskLine:
    """A task in a list, with the kinds of evidence that are there already."""

    task: Task
    present: frozenset[str]

    @property
    def kinds(self) -> list[tuple[str, bool]]:
        """Each kind that the task needs, and whether it is there."""
        return [(kind, kind in self.present) for kind in self.task.evidence_kinds]

    @property
    def done(self) -> bool:
        return self.task.state in DONE

    @property
    def late(self) -> bool:
        due: dt.date | None = self.task.due_on
        return not self.done and due is not None and due < timezone.localdate()


SORTS: Mapping[str, Callable[[TaskLine], Any]] = {
    "task": lambda line: line.task.name,
    "owner": lambda line: line.task.owner.name if line.task.owner else None,
    "due": lambda line: line.task.due_on,
    "state": lambda line: str(line.task.get_state_display()),
}


@dataclass(frozen=True)
class PhaseLines:
    """A phase with those of its tasks that the filter lets through."""

    overview: PhaseOverview
    lines: list[TaskLine]

    @property
    def phase(self) -> Phase:
        return self.overview.phase


@dataclass(frozen=True)
class TaskList:
    """All that the page of tasks shows of one iteration."""

    work: IterationOverview
    phases: list[PhaseLines] = field(default_factory=list)

    @property
    def owners(self) -> list[User]:
        """Everybody who owns a task of the iteration, by name."""
        found = {each.owner for phase in self.work.phases for each in phase.tasks if each.owner}
        return sorted(found, key=lambda user: (user.name, user.pk))

    @property
    def shown(self) -> int:
        return sum(len(phase.lines) for phase in self.phases)


def task_list(
    iteration: Iteration,
    *,
    phase: str = "",
    owner: str = "",
    state: str = "",
    sorting: Sorting | None = None,
) -> TaskList:
    """The phases of an iteration with their tasks; narrowed to a phase's key, an owner's id, a state.

    `sorting` is of the tasks inside each phase, by `SORTS`. `owner` may be `none`; `state` may be `open` or
    `late`. 4 queries.
    """
    work, kinds = iteration_overview(iteration), kinds_by_task(iteration)
    phases = []
    for part in work.phases:
        lines = [TaskLine(task, frozenset(kinds.get(task.pk, ()))) for task in part.tasks]
        wanted = [line for line in lines if _owned(line, owner) and _in_state(line, state)]
        if phase in ("", part.phase.key):
            phases.append(PhaseLines(part, sorting.rows(wanted) if sorting else wanted))
    return TaskList(work, phases)


def _owned(line: TaskLine, owner: str) -> bool:
    if owner == "none":
        return line.task.owner_id is None
    return owner in ("", str(line.task.owner_id))


def _in_state(line: TaskLine, state: str) -> bool:
    special = {"": True, "open": not line.done, "late": line.late}
    return special.get(state, line.task.state == state)
