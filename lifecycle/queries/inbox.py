"""What waits for one person, sorted by the harm that waiting does."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle.inbox_sources import items_from_sources
from lifecycle.models import (
    Evidence,
    Exclusion,
    Firing,
    Handoff,
    Iteration,
    Membership,
    Phase,
    Project,
    Risk,
    Task,
    User,
)
from lifecycle.queries.absences import looked_after_by
from lifecycle.queries.projects import DONE, projects_visible_to

SOON = dt.timedelta(days=7)
MOST = 50
"""How many items of a kind are read and counted: nobody works through more at once."""
_URGENCIES = ("harm", "waiting", "late", "later")
_WORKING = (Phase.State.IN_PROGRESS, Phase.State.PASSED_WITH_CONDITIONS)


@dataclass(frozen=True)
class InboxItem:
    """One thing to do.

    `kind` is task, handoff_accept, handoff_returned, handoff_offer, verify, exclusion, firing, risk or what a
    source of a higher app calls it. `urgency` is harm
    (decide a firing or an escalated risk), waiting (others wait for you), late, later. The page to go to is
    `url_name` with `place`.
    """

    kind: str
    title: str
    why: str
    project: Project
    url_name: str
    pk: int
    urgency: str
    due_on: dt.date | None = None
    since: dt.datetime | None = None
    on_behalf_of: User | None = None
    """Who is away: the reader looks after it as their deputy, sees it and has it reassigned."""

    slug: str = ""
    """Of the project, where the page to go to is one of the project's."""

    @property
    def place(self) -> int | str:
        """What the page's address is made with."""
        return self.slug or self.pk

    @property
    def overdue(self) -> bool:
        return self.due_on is not None and self.due_on < timezone.localdate()


class Kind(NamedTuple):
    """Records of one kind that wait, the field that tells the oldest, and what makes an item of one."""

    make: Callable[[Any], InboxItem]
    rows: QuerySet[Any, Any]
    age: str


class Inbox(NamedTuple):
    """What waits, the most harmful first; `more` if there is more of some kind than is read."""

    items: list[InboxItem]
    more: bool


def inbox_of(user: User) -> list[InboxItem]:
    """What `read_inbox` finds, at its cost."""
    return read_inbox(user).items


def read_inbox(user: User) -> Inbox:
    """Tasks, handoffs, evidence, tailoring, firings and risks that wait for this person.

    Of each kind the oldest at most, as many as `MOST`.

    7 queries for any number and 1 for each source of a higher app, 3 more where the person looks after
    somebody who is away.
    """
    kinds = [_first(kind) for kind in kinds_of(user)]
    items = [item for kind in kinds for item in kind[:MOST]]
    items += [*_looked_after(user, looked_after_by(user)), *items_from_sources(user)]
    return Inbox(sorted(items, key=_by_harm), any(len(kind) > MOST for kind in kinds))


def kinds_of(user: User) -> list[Kind]:
    """What can wait for a person in their own right. No query.

    Their projects stand in the queries as a part: a list of a thousand is slow to send.
    """
    mine = Membership.objects.filter(user=user, left_at__isnull=True).order_by()
    managed = mine.filter(role=Membership.Role.MANAGER).values("project_id")
    judged = mine.filter(role__in=(Membership.Role.MANAGER, Membership.Role.REVIEWER)).values("project_id")
    return [
        Kind(_task_item, tasks_to_do([user]), "due_on"),
        Kind(_handoff_item, handoffs_to_move([user]), "due_on"),
        Kind(_verify_item, tasks_to_verify(user, judged), "due_on"),
        Kind(_exclusion_item, exclusions_to_decide(user, judged), "requested_at"),
        Kind(_firing_item, firings_to_decide(managed), "fired_at"),
        Kind(_risk_item, risks_to_decide(managed), "task__due_on"),
    ]


def _first(kind: Kind) -> list[InboxItem]:
    """The items of the oldest rows, and one more than is shown if there are more."""
    rows = kind.rows.order_by(F(kind.age).asc(nulls_last=True), "pk")
    return [kind.make(row) for row in rows[: MOST + 1]]


def _by_harm(item: InboxItem) -> tuple[int, dt.date, str, int]:
    return _URGENCIES.index(item.urgency), item.due_on or dt.date.max, item.kind, item.pk


def _looked_after(user: User, absent: list[User]) -> list[InboxItem]:
    """What waits for those who are away, in projects that the deputy sees. What waits for a role is left
    out: whoever has the role sees it, and a deputy gets none.
    """
    if not absent:
        return []
    seen = set(projects_visible_to(user).values_list("pk", flat=True).order_by())
    people = {each.pk: each for each in absent}
    tasks, handoffs = (
        tasks_to_do(absent).order_by("due_on", "pk"),
        handoffs_to_move(absent).order_by("due_on", "pk"),
    )
    items = [(task.owner_id, _task_item(task)) for task in tasks[:MOST]]
    items += [(_mover(handoff), _handoff_item(handoff)) for handoff in handoffs[:MOST]]
    return [
        replace(item, on_behalf_of=people[holder])
        for holder, item in items
        if holder in people and item.project.pk in seen
    ]


def _mover(handoff: Handoff) -> int | None:
    return handoff.taker_id if handoff.state == Handoff.State.OFFERED else handoff.giver_id


def tasks_to_do(people: Iterable[User]) -> QuerySet[Task]:
    """What these people own and have not proven yet."""
    done = (*DONE, Task.State.EVIDENCE_ATTACHED)
    mine = Task.objects.filter(
        owner__in=people, phase__state__in=_WORKING, phase__iteration__state=Iteration.State.OPEN
    ).exclude(state__in=done)
    return mine.select_related("phase__iteration__project")


def _task_item(task: Task) -> InboxItem:
    late = task.due_on is not None and task.due_on < timezone.localdate()
    return InboxItem(
        kind="task", title=str(task), why=_next_step(task), project=task.phase.iteration.project,
        url_name="lifecycle:task", pk=task.pk, urgency="late" if late else "later", due_on=task.due_on,
        since=task.started_at,
    )  # fmt: skip


def _next_step(task: Task) -> str:
    if task.state_reason and task.state in (Task.State.REOPENED, Task.State.BLOCKED, Task.State.MITIGATING):
        return f"{task.get_state_display()}: {task.state_reason}"
    return {
        Task.State.PLANNED: _("Start it."),
        Task.State.INSTANTIATED: _("Name its risks."),
        Task.State.RISKS_IDENTIFIED: _("Assess its risks."),
        Task.State.MITIGATING: _("Work on its risks until all are accepted."),
        Task.State.RISKS_ACCEPTED: _("Attach the evidence that proves it."),
        Task.State.REOPENED: _("It was reopened."),
        Task.State.BLOCKED: _("It is blocked."),
    }.get(Task.State(task.state), "")


def handoffs_to_move(people: Iterable[User]) -> QuerySet[Handoff]:
    """What these people have to accept, to mend or soon to offer."""
    soon = timezone.localdate() + SOON
    turn = (
        Q(taker__in=people, state=Handoff.State.OFFERED)
        | Q(giver__in=people, state=Handoff.State.RETURNED)
        | Q(giver__in=people, state=Handoff.State.PLANNED, due_on__lte=soon)
    )
    found = Handoff.objects.filter(turn, iteration__state=Iteration.State.OPEN)
    return found.select_related("giver", "taker", "iteration__project")


def _handoff_item(handoff: Handoff) -> InboxItem:
    late = handoff.due_on is not None and handoff.due_on < timezone.localdate()
    if handoff.state == Handoff.State.OFFERED:
        kind, urgency = "handoff_accept", "waiting"
        why = _("%(giver)s offers it: check the criteria, accept or return.") % {"giver": handoff.giver}
    elif handoff.state == Handoff.State.RETURNED:
        kind, urgency = "handoff_returned", "waiting"
        why = _("%(taker)s returned it: %(reason)s") % {"taker": handoff.taker, "reason": handoff.reason}
    else:
        kind, urgency = "handoff_offer", "late" if late else "later"
        why = (
            _("Offer it to %(taker)s.") % {"taker": handoff.taker}
            if handoff.taker
            else _("Nobody takes it yet.")
        )
    return InboxItem(
        kind=kind, title=str(handoff), why=why, project=handoff.iteration.project,
        url_name="lifecycle:handoff",
        pk=handoff.pk, urgency=urgency, due_on=handoff.due_on, since=handoff.offered_at,
    )  # fmt: skip


def tasks_to_verify(user: User, project_ids: list[int] | QuerySet[Any, Any]) -> QuerySet[Task]:
    """What others have proven. Whose evidence or run it is as well does not verify it."""
    own = Evidence.objects.filter(
        Q(attached_by=user) | Q(snapshot__run__started_by=user),
        task=OuterRef("pk"),
        state__in=("attached", "verified"),
    )
    found = Task.objects.filter(
        phase__iteration__project__in=project_ids,
        phase__iteration__state=Iteration.State.OPEN,
        phase__state__in=_WORKING,
        state=Task.State.EVIDENCE_ATTACHED,
    ).exclude(Q(owner=user) | Exists(own))
    return found.select_related("owner", "phase__iteration__project")


def _verify_item(task: Task) -> InboxItem:
    return InboxItem(
        kind="verify", title=str(task),
        why=_("%(owner)s has attached all evidence: verify it.") % {"owner": task.owner},
        project=task.phase.iteration.project, url_name="lifecycle:task", pk=task.pk, urgency="waiting",
        due_on=task.due_on,
    )  # fmt: skip


def exclusions_to_decide(user: User, project_ids: list[int] | QuerySet[Any, Any]) -> QuerySet[Exclusion]:
    """That a task should not apply, asked by somebody else."""
    found = Exclusion.objects.filter(
        task__phase__iteration__project__in=project_ids,
        task__phase__iteration__state=Iteration.State.OPEN,
        state=Exclusion.State.REQUESTED,
    ).exclude(requested_by=user)
    return found.select_related("requested_by", "task__phase__iteration__project")


def _exclusion_item(exclusion: Exclusion) -> InboxItem:
    project, words = (
        exclusion.task.phase.iteration.project,
        {"name": exclusion.requested_by, "reason": exclusion.reason},
    )
    return InboxItem(
        kind="exclusion", title=str(exclusion.task), project=project,
        why=_("%(name)s says that it does not apply: %(reason)s") % words,
        url_name="lifecycle:project-tailoring", pk=exclusion.pk, slug=project.slug, urgency="waiting",
        since=exclusion.requested_at,
    )  # fmt: skip


def firings_to_decide(project_ids: list[int] | QuerySet[Any, Any]) -> QuerySet[Firing]:
    """Triggers that fired and wait for a manager's word."""
    found = Firing.objects.filter(trigger__project__in=project_ids, state=Firing.State.WAITING)
    return found.select_related("trigger__project")


def _firing_item(firing: Firing) -> InboxItem:
    return InboxItem(
        kind="firing", title=firing.summary, project=firing.trigger.project,
        why=_("Trigger %(trigger)s would: %(action)s.")
        % {"trigger": firing.trigger, "action": firing.trigger.get_action_display()},
        url_name="lifecycle:firing", pk=firing.pk, urgency="harm", since=firing.fired_at,
    )  # fmt: skip


def risks_to_decide(project_ids: list[int] | QuerySet[Any, Any]) -> QuerySet[Risk]:
    """What measures have not brought below the appetite."""
    found = Risk.objects.filter(
        task__phase__iteration__project__in=project_ids,
        task__phase__iteration__state=Iteration.State.OPEN,
        state=Risk.State.ESCALATED,
    )
    return found.select_related("task__phase__iteration__project")


def _risk_item(risk: Risk) -> InboxItem:
    return InboxItem(
        kind="risk", title=str(risk), why=_("Measures have not brought it below the appetite: decide."),
        project=risk.task.phase.iteration.project, url_name="lifecycle:task", pk=risk.task_id, urgency="harm",
        due_on=risk.task.due_on,
    )  # fmt: skip
