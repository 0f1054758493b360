"""Every project that somebody sees at one glance, without its records: for lists of hundreds.

A glance is a line of plain values. What a page shows of a project besides is read for the projects on it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone

from lifecycle.models import Firing, Handoff, Iteration, Membership, Phase, Project, Run, Task, User
from lifecycle.queries.columns import Seconds, as_text, moment, value_of
from lifecycle.queries.projects import DONE, OPEN_HANDOFFS, latest_iterations, projects_visible_to

_ACTIVE = frozenset(
    (
        Phase.State.DEFINING_REQUIREMENTS.value,
        Phase.State.IN_PROGRESS.value,
        Phase.State.IN_REVIEW.value,
        Phase.State.REOPENED.value,
        Phase.State.ON_HOLD.value,
    )
)
Keys = QuerySet[Any, Any]
"""The primary keys of records, as a part of another query: a list of a thousand is slow to send."""

_COLUMNS = ("pk", "slug", "name", "state", "risk_class", "manager")


@dataclass(frozen=True, slots=True)
class PhaseGlance:
    """A phase of an iteration, in the order of the process."""

    order: int
    key: str
    name: str
    state: str
    started: float | None
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Glance:
    """How one project stands. `iteration` is the key of the latest, None before the first.

    `role` and `crisp_roles` are the reader's in the project; `current` is the phase that work is in;
    `verdict` and `monitored` (seconds since 1970) those of the last
    finished monitoring run, empty if nothing was monitored.
    """

    pk: int
    slug: str
    name: str
    state: str
    risk_class: str
    manager: str
    role: str = ""
    crisp_roles: tuple[str, ...] = ()
    iteration: int | None = None
    version: int | None = None
    current: PhaseGlance | None = None
    overdue_tasks: int = 0
    overdue_handoffs: int = 0
    waiting_firings: int = 0
    verdict: str = ""
    monitored: float | None = None

    @property
    def monitored_at(self) -> dt.datetime | None:
        """When the last monitoring run finished."""
        return moment(self.monitored)

    @property
    def closed(self) -> bool:
        return self.state == Project.State.CLOSED


def glances(user: User) -> list[Glance]:
    """All visible projects, by name. 8 queries for any number, and no record is made of their rows."""
    seen, today = projects_visible_to(user).select_related(None).order_by(), timezone.localdate()
    manager = Coalesce(NullIf("created_by__name", Value("")), "created_by__username")
    rows: list[tuple[int, str, str, str, str, str]] = list(
        seen.annotate(manager=manager).order_by("name", "pk").values_list(*_COLUMNS)
    )
    keys = seen.values("pk")
    latest = latest_iterations(keys).order_by()
    iterations = {
        project: (pk, version)
        for project, pk, version in latest.values_list("project_id", "pk", "process_version_id")
    }
    places, monitored, phases = _places(user), _monitored(keys), _phases(latest.values("pk"))
    tasks, handoffs = _overdue_tasks(keys, today), _overdue_handoffs(keys, today)
    firings = _waiting_firings(keys)
    found = []
    for row in rows:
        key = row[0]
        role, crisp_roles = places.get(key, ("", ()))
        iteration, version = iterations.get(key, (None, None))
        verdict, at = monitored.get(key, ("", None))
        found.append(
            Glance(
                *row, role=role, crisp_roles=crisp_roles, iteration=iteration, version=version,
                current=phases.get(iteration or 0), overdue_tasks=tasks.get(key, 0),
                overdue_handoffs=handoffs.get(key, 0), waiting_firings=firings.get(key, 0),
                verdict=verdict or "", monitored=at,
            )
        )  # fmt: skip
    return found


def _places(user: User) -> dict[int, tuple[str, tuple[str, ...]]]:
    found = Membership.objects.filter(user=user, left_at__isnull=True).order_by()
    rows = found.annotate(codes=as_text("crisp_roles")).values_list("project_id", "role", "codes")
    return {project: (role, tuple(value_of(codes) or ())) for project, role, codes in rows}


def _phases(iterations: Keys) -> dict[int, PhaseGlance]:
    """The phase that work is in, by iteration: the last one that has begun and is not passed, else the first
    one open. None where all are passed.
    """
    here = Phase.objects.filter(iteration=OuterRef("iteration"))
    before = here.filter(state=Phase.State.NOT_STARTED, order__lt=OuterRef("order"))
    first = Q(state=Phase.State.NOT_STARTED) & ~Exists(here.filter(state__in=_ACTIVE)) & ~Exists(before)
    rows = (
        Phase.objects.filter(Q(state__in=_ACTIVE) | first, iteration__in=iterations)
        .order_by("order")
        .annotate(started=Seconds("started_at"))
        .values_list("iteration_id", "order", "key", "name", "state", "started")
    )
    return {row[0]: PhaseGlance(*row[1:]) for row in rows}


def _overdue_tasks(projects: Keys, today: dt.date) -> dict[int, int]:
    late = Task.objects.filter(
        phase__iteration__project__in=projects,
        phase__iteration__state=Iteration.State.OPEN,
        due_on__lt=today,
    ).exclude(state__in=DONE)
    return _counted(late.values_list("phase__iteration__project"))


def _overdue_handoffs(projects: Keys, today: dt.date) -> dict[int, int]:
    late = Handoff.objects.filter(
        iteration__project__in=projects,
        iteration__state=Iteration.State.OPEN,
        state__in=OPEN_HANDOFFS,
        due_on__lt=today,
    )
    return _counted(late.values_list("iteration__project"))


def _waiting_firings(projects: Keys) -> dict[int, int]:
    waiting = Firing.objects.filter(trigger__project__in=projects, state=Firing.State.WAITING)
    return _counted(waiting.values_list("trigger__project"))


def _counted(rows: QuerySet[Any, Any]) -> dict[int, int]:
    return dict(rows.order_by().annotate(count=Count("*")))


def _monitored(projects: Keys) -> dict[int, tuple[str | None, float | None]]:
    runs = Run.objects.filter(project__in=projects, kind=Run.Kind.MONITORING, state=Run.State.FINISHED)
    last = runs.order_by().values("project").annotate(last=Max("pk")).values("last")
    rows = (
        Run.objects.filter(pk__in=last)
        .order_by()
        .annotate(verdict=KeyTextTransform("verdict", "record"), at=Seconds("finished_at"))
        .values_list("project_id", "verdict", "at")
    )
    return {project: (verdict, at) for project, verdict, at in rows}
