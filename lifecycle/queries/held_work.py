"""What a person holds, counted, for pages: a leaver may hold thousands of things."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from lifecycle.models import Handoff, Membership, Project, QualityAction, Task, User
from lifecycle.paging import Chained
from lifecycle.queries.open_work import handoffs_held, measures_held, tasks_held


@dataclass(frozen=True)
class HeldWork:
    """Open tasks, handoffs and measures of one person, and the projects that nobody else manages."""

    person: User
    owned: int
    accountable: int
    tasks: int
    handoffs: int
    measures: int
    alone: int
    task_roles: frozenset[str] = frozenset()
    """The role codes of the tasks and measures."""

    @property
    def held(self) -> bool:
        """Whether anything needs a new holder; memberships as such do not."""
        return bool(self.tasks or self.handoffs or self.measures or self.alone)

    @property
    def rows(self) -> Chained:
        """Everything, for a paginator: projects without another manager first, as they stop the leaving."""
        parts: list[tuple[str, QuerySet[Any]]] = [
            ("alone", _managed_alone(self.person)),
            ("task", _tasks(self.person)),
            ("handoff", _handoffs(self.person)),
            ("measure", _measures(self.person)),
        ]
        return Chained(parts, (self.alone, self.tasks, self.handoffs, self.measures))

    @cached_property
    def roles(self) -> list[str]:
        """The role codes by which the open work can be told apart, in order. 2 queries."""
        person, handoffs = self.person, handoffs_held(self.person).order_by()
        codes = set(self.task_roles)
        for lists in (
            handoffs.filter(giver=person).values_list("giver_roles", flat=True).distinct(),
            handoffs.filter(taker=person).values_list("taker_roles", flat=True).distinct(),
        ):
            codes |= {code for each in lists for code in each}
        return sorted(codes)


def held_work_of(person: User) -> HeldWork:
    """How much a person holds in open iterations of active projects. 4 queries."""
    by_role = (
        tasks_held(person)
        .order_by()
        .values_list("role")
        .annotate(
            tasks=Count("*"),
            owned=Count("pk", filter=Q(owner=person)),
            accountable=Count("pk", filter=Q(accountable=person)),
        )
    )
    tasks = list(by_role)
    measures = dict(
        measures_held(person).order_by().values_list("risk__task__role").annotate(count=Count("*"))
    )
    return HeldWork(
        person=person,
        tasks=sum(row[1] for row in tasks),
        owned=sum(row[2] for row in tasks),
        accountable=sum(row[3] for row in tasks),
        handoffs=handoffs_held(person).count(),
        measures=sum(measures.values()),
        alone=_managed_alone(person).count(),
        task_roles=frozenset(row[0] for row in tasks) | frozenset(measures),
    )


def _managed_alone(person: User) -> QuerySet[Project]:
    places = Membership.objects.filter(
        project=OuterRef("pk"), role=Membership.Role.MANAGER, left_at__isnull=True
    )
    mine, others = places.filter(user=person), places.filter(user__is_active=True).exclude(user=person)
    found = Project.objects.filter(Exists(mine), ~Exists(others), state=Project.State.ACTIVE)
    return found.order_by("name", "pk")


def _tasks(person: User) -> QuerySet[Task]:
    return tasks_held(person).select_related("phase__iteration__project").order_by("pk")


def _handoffs(person: User) -> QuerySet[Handoff]:
    return handoffs_held(person).select_related("iteration__project").order_by("pk")


def _measures(person: User) -> QuerySet[QualityAction]:
    return measures_held(person).select_related("risk__task__phase__iteration__project").order_by("pk")
