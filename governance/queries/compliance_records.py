"""The records of a project as checks see them: plain, by kind, each with its key and its label.

What is judged is what stands: the work behind the version that is live, or of the latest iteration when
nothing is. Times are given as ages in whole days, so that an expression needs no clock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from governance.models import Deployment, Incident
from lifecycle.models import Evidence, Iteration, Membership, Project, Task

NEVER = 100_000
"""The age in days of what has not happened."""

Record = dict[str, Any]
Gathering = Callable[["Scope"], list[Record]]
_GATHERINGS: dict[str, Gathering] = {}


def gathers(kind: str) -> Callable[[Gathering], Gathering]:
    """Register the decorated function as the source of records of one kind."""

    def register(work: Gathering) -> Gathering:
        _GATHERINGS[kind] = work
        return work

    return register


def known_kinds() -> frozenset[str]:
    """The kinds of records that a check may be about."""
    return frozenset(_GATHERINGS)


@dataclass
class Scope:
    """What is looked at of a project: read once and shared by all kinds of records."""

    project: Project
    now: dt.datetime
    iterations: list[Iteration] = field(default_factory=list)
    live: list[Deployment] = field(default_factory=list)
    past: list[Deployment] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    members: dict[int, Membership] = field(default_factory=dict)
    cache: dict[str, Any] = field(default_factory=dict)

    @property
    def base(self) -> Iteration | None:
        """The iteration whose work stands: that of the newest live version, else the latest."""
        if self.live:
            return max((each.iteration for each in self.live), key=lambda each: each.number)
        return self.iterations[-1] if self.iterations else None

    @property
    def models(self) -> set[int]:
        """The model versions that are live, else those that the work has evidence of."""
        live = {each.model_version_id for each in self.live}
        if live:
            return live
        return {
            each.snapshot.run.model_version_id
            for each in self.evidence
            if each.snapshot.run is not None and each.snapshot.run.model_version_id is not None
        }

    def age(self, moment: dt.datetime | None) -> int:
        """Days in the calendar (UTC) since a moment, the same all day; `NEVER` if it has not come."""
        return (self.today - moment.astimezone(dt.UTC).date()).days if moment is not None else NEVER

    def days_left(self, day: dt.date | None) -> int:
        """Days until a day (UTC), negative when it is past; `NEVER` without one."""
        return (day - self.today).days if day is not None else NEVER

    @property
    def today(self) -> dt.date:
        """The day in UTC as of which everything is counted."""
        return self.now.astimezone(dt.UTC).date()


def scope_of(project: Project, now: dt.datetime) -> Scope:
    """Read what all checks rest on. 6 queries, whatever the number of records."""
    scope = Scope(project, now)
    scope.iterations = list(project.iterations.order_by("number"))
    deployed = project.deployments.select_related("iteration", "authorization__gate", "model_version")
    every = list(deployed.order_by("-deployed_at", "-pk")[:100])
    scope.live = [each for each in every if each.state == Deployment.State.LIVE]
    scope.past = [each for each in every if each.state != Deployment.State.LIVE]
    places = project.memberships.filter(left_at__isnull=True).select_related("user")
    scope.members = {each.user_id: each for each in places}
    scope.tasks = _standing_tasks(scope)
    standing = Evidence.objects.filter(task__in=[each.pk for each in scope.tasks])
    scope.evidence = list(
        standing.select_related("snapshot__run", "task")
        .defer("snapshot__content", "snapshot__run__record", "snapshot__run__spec")
        .order_by("attached_at", "pk")
    )
    return scope


def _standing_tasks(scope: Scope) -> list[Task]:
    """Each task of the process where it was done last, up to the iteration whose work stands. 1 query."""
    base = scope.base
    if base is None:
        return []
    upto = Q(phase__iteration__project=scope.project, phase__iteration__number__lte=base.number)
    found = Task.objects.filter(upto).select_related("phase__iteration", "owner")
    newest: dict[str, Task] = {}
    for task in found.order_by("phase__iteration__number", "phase__order", "order"):
        newest[task.key] = task
    return list(newest.values())


def records_of(scope: Scope) -> Mapping[str, list[Record]]:
    """All records by kind. About 25 queries, whatever their number."""
    return {kind: gather(scope) for kind, gather in _GATHERINGS.items()}


def last_trouble(scope: Scope) -> dt.datetime | None:
    """When the last incident became known, None if there was none. 1 query, once."""
    if "trouble" not in scope.cache:
        found = Incident.objects.filter(project=scope.project).order_by("-aware_at")
        scope.cache["trouble"] = found.values_list("aware_at", flat=True).first()
    moment: dt.datetime | None = scope.cache["trouble"]
    return moment
