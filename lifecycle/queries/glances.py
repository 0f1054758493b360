"""Every project that somebody sees at one glance, without its records: for lists of hundreds.

A glance is a line of plain values. What a page shows of a project besides is read for the projects on it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Max, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone

from lifecycle.models import Firing, Handoff, Iteration, Membership, Phase, Project, Run, Task, User
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
_COLUMNS = ("pk", "slug", "name", "state", "risk_class", "manager")


@dataclass(frozen=True, slots=True)
class PhaseGlance:
    """A phase of an iteration, in the order of the process."""

    order: int
    key: str
    name: str
    state: str
    started_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Glance:
    """How one project stands. `iteration` is the key of the latest, None before the first.

    `role` and `crisp_roles` are the reader's in the project; `verdict` and `monitored_at` those of the last
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
    phases: tuple[PhaseGlance, ...] = ()
    overdue_tasks: int = 0
    overdue_handoffs: int = 0
    waiting_firings: int = 0
    verdict: str = ""
    monitored_at: dt.datetime | None = None

    @property
    def current(self) -> PhaseGlance | None:
        """The phase that work is in: the last one that has begun and is not passed, else the first one
        open.
        """
        active = [phase for phase in self.phases if phase.state in _ACTIVE]
        ahead = [phase for phase in self.phases if phase.state == Phase.State.NOT_STARTED]
        return active[-1] if active else ahead[0] if ahead else None

    @property
    def closed(self) -> bool:
        return self.state == Project.State.CLOSED


def glances(user: User) -> list[Glance]:
    """All visible projects, by name. 8 queries for any number, and no record is made of their rows."""
    manager = Coalesce(NullIf("created_by__name", Value("")), "created_by__username")
    seen = projects_visible_to(user).order_by("name", "pk").annotate(manager=manager)
    projects = list(seen.values_list(*_COLUMNS))
    keys, today = [row[0] for row in projects], timezone.localdate()
    iterations = {
        project: (pk, version)
        for project, pk, version in latest_iterations(keys)
        .order_by()
        .values_list("project_id", "pk", "process_version_id")
    }
    places, monitored = _places(user), _monitored(keys)
    phases = _phases(pk for pk, _version in iterations.values())
    tasks, handoffs = _overdue_tasks(keys, today), _overdue_handoffs(keys, today)
    firings = _waiting_firings(keys)
    found = []
    for row in projects:
        key = row[0]
        role, crisp_roles = places.get(key, ("", ()))
        iteration, version = iterations.get(key, (None, None))
        verdict, at = monitored.get(key, ("", None))
        found.append(
            Glance(
                *row, role, tuple(crisp_roles), iteration, version,
                tuple(phases[iteration]) if iteration is not None else (),
                tasks.get(key, 0), handoffs.get(key, 0), firings.get(key, 0), str(verdict or ""), at,
            )
        )  # fmt: skip
    return found


def _places(user: User) -> dict[int, tuple[str, list[str]]]:
    found = Membership.objects.filter(user=user, left_at__isnull=True).order_by()
    rows = found.values_list("project_id", "role", "crisp_roles")
    return {project: (role, crisp_roles or []) for project, role, crisp_roles in rows}


def _phases(iterations: Iterable[int]) -> dict[int, list[PhaseGlance]]:
    rows = (
        Phase.objects.filter(iteration__in=list(iterations))
        .order_by("order")
        .values_list("iteration_id", "order", "key", "name", "state", "started_at")
    )
    found: dict[int, list[PhaseGlance]] = defaultdict(list)
    for iteration, *phase in rows:
        found[iteration].append(PhaseGlance(*phase))
    return found


def _overdue_tasks(project_ids: list[int], today: dt.date) -> dict[int, int]:
    late = Task.objects.filter(
        phase__iteration__project__in=project_ids,
        phase__iteration__state=Iteration.State.OPEN,
        due_on__lt=today,
    ).exclude(state__in=DONE)
    return _counted(late.values_list("phase__iteration__project"))


def _overdue_handoffs(project_ids: list[int], today: dt.date) -> dict[int, int]:
    late = Handoff.objects.filter(
        iteration__project__in=project_ids,
        iteration__state=Iteration.State.OPEN,
        state__in=OPEN_HANDOFFS,
        due_on__lt=today,
    )
    return _counted(late.values_list("iteration__project"))


def _waiting_firings(project_ids: list[int]) -> dict[int, int]:
    waiting = Firing.objects.filter(trigger__project__in=project_ids, state=Firing.State.WAITING)
    return _counted(waiting.values_list("trigger__project"))


def _counted(rows: QuerySet[Any, Any]) -> dict[int, int]:
    return dict(rows.order_by().annotate(count=Count("*")))


def _monitored(project_ids: list[int]) -> dict[int, tuple[str | None, dt.datetime | None]]:
    runs = Run.objects.filter(project__in=project_ids, kind=Run.Kind.MONITORING, state=Run.State.FINISHED)
    last = runs.order_by().values("project").annotate(last=Max("pk")).values("last")
    rows = Run.objects.filter(pk__in=last).order_by().annotate(verdict=F("record__verdict"))
    return {
        project: (verdict, at)
        for project, verdict, at in rows.values_list("project_id", "verdict", "finished_at")
    }
