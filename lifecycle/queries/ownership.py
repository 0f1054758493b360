"""Who does, answers for and holds what in an iteration."""

from collections import defaultdict
from dataclasses import dataclass, field

from lifecycle.models import Handoff, Iteration, Membership, Task, TaskDuty, User
from lifecycle.queries.handoffs import handoffs_of_iteration
from lifecycle.queries.projects import DONE, members_of
from lifecycle.queries.tasks import tasks_of


@dataclass
class Holder:
    """What waits with one person: open tasks they own, handoffs that are theirs to move."""

    user: User
    crisp_roles: list[str] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    handoffs: list[Handoff] = field(default_factory=list)


@dataclass(frozen=True)
class DutyRow:
    """A task and the letters (R, A, C, I) of each person, by the person's id."""

    task: Task
    letters: dict[int, list[str]]

    @property
    def gap(self) -> str:
        """What is missing: `nobody`, `owner`, `accountable`, or empty."""
        if self.task.owner_id is None and self.task.accountable_id is None:
            return "nobody"
        if self.task.accountable_id is None:
            return "accountable"
        return "owner" if self.task.owner_id is None else ""


@dataclass(frozen=True)
class Matrix:
    """The ownership matrix of an iteration: members as columns, tasks as rows."""

    members: list[Membership]
    rows: list[DutyRow]

    @property
    def gaps(self) -> list[DutyRow]:
        return [row for row in self.rows if row.gap and row.task.state not in DONE]

    def load(self, user: User) -> int:
        """How many open tasks this person does or answers for."""
        mine = [row for row in self.rows if {"R", "A"} & set(row.letters.get(user.pk, []))]
        return sum(row.task.state not in DONE for row in mine)


def who_holds_what(iteration: Iteration) -> list[Holder]:
    """Everybody with open tasks or handoffs to move, those with most first. 3 queries."""
    roles = {each.user_id: each.crisp_roles for each in members_of(iteration.project)}
    holders: dict[int, Holder] = {}

    def holder(user: User) -> Holder:
        return holders.setdefault(user.pk, Holder(user, roles.get(user.pk, [])))

    for task in tasks_of(iteration).exclude(state__in=DONE):
        if task.owner is not None:
            holder(task.owner).tasks.append(task)
    for handoff in handoffs_of_iteration(iteration):
        mover = _mover(handoff)
        if mover is not None:
            holder(mover).handoffs.append(handoff)
    return sorted(holders.values(), key=lambda each: (-len(each.tasks) - len(each.handoffs), each.user.name))


def ownership_matrix(iteration: Iteration) -> Matrix:
    """All tasks with the duties of all members. 3 queries."""
    duties: dict[int, list[TaskDuty]] = defaultdict(list)
    for duty in TaskDuty.objects.filter(task__phase__iteration=iteration).order_by("pk"):
        duties[duty.task_id].append(duty)
    rows = [DutyRow(task, _letters(task, duties[task.pk])) for task in tasks_of(iteration)]
    return Matrix(members=list(members_of(iteration.project)), rows=rows)


def _letters(task: Task, duties: list[TaskDuty]) -> dict[int, list[str]]:
    letters: dict[int, list[str]] = defaultdict(list)
    if task.accountable_id is not None:
        letters[task.accountable_id].append("A")
    if task.owner_id is not None:
        letters[task.owner_id].append("R")
    for duty in duties:
        letters[duty.user_id].append(duty.duty)
    return dict(letters)


def _mover(handoff: Handoff) -> User | None:
    """Whose turn it is: the taker's once it is offered, the giver's before."""
    if handoff.state == Handoff.State.OFFERED:
        return handoff.taker
    return handoff.giver if handoff.state in (Handoff.State.PLANNED, Handoff.State.RETURNED) else None
