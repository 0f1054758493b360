"""What was seen running, as pages and the API show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Q, QuerySet

from governance.models import RunningPlace, Sighting
from lifecycle.models import Connector, Project, User
from lifecycle.queries.projects import projects_visible_to
from lifecycle.rules.people import sees_everything
from lifecycle.sorting import words

SORTS: Mapping[str, Any] = {
    "where": [words("where")],
    "project": [words("project__name"), words("where")],
    "environment": [words("environment"), words("where")],
    "state": ["state", words("where")],
    "seen": ["last_seen_at"],
    "since": ["changed_at"],
}
STATES = Sighting.State


def sightings_visible_to(user: User) -> QuerySet[Sighting]:
    """What was seen in the projects that the user sees; what is nobody's, to those who see everything."""
    seen = Q(project__in=projects_visible_to(user).order_by().values("pk"))
    if sees_everything(user):
        seen |= Q(project__isnull=True)
    return Sighting.objects.filter(seen).select_related("project", "authorization", "finding", "place")


def narrowed(
    found: QuerySet[Sighting], *, state: str = "", environment: str = "", text: str = ""
) -> QuerySet[Sighting]:
    """Only those of a state (none: all that stands), an environment, with a text in names or digest."""
    found = found.filter(state=state) if state in STATES.values else found.exclude(state=STATES.GONE)
    if environment:
        found = found.filter(environment=environment)
    if text:
        named = Q(where__icontains=text) | Q(source__icontains=text) | Q(what__icontains=text)
        found = found.filter(named | Q(digest__startswith=text.lower().removeprefix("sha256:")))
    return found


def in_order(found: QuerySet[Sighting]) -> QuerySet[Sighting]:
    """What may not run first, then the newest change."""
    return found.order_by("-state", "-changed_at", "-pk")


def counts_of(found: QuerySet[Sighting]) -> dict[str, int]:
    """How many there are in each state. 1 query."""
    rows = found.select_related(None).order_by().values_list("state").annotate(n=Count("pk"))
    counted = dict.fromkeys(STATES.values, 0) | dict(rows)
    counted["standing"] = counted[STATES.AUTHORIZED] + counted[STATES.UNAUTHORIZED]
    return counted


def environments_in(found: QuerySet[Sighting]) -> list[str]:
    """Where anything was seen. 1 query."""
    rows = found.select_related(None).order_by().values_list("environment", flat=True).distinct()
    return sorted(rows)


def places_in(project: Project) -> list[RunningPlace]:
    """Where it is looked in a project. 1 query."""
    found = project.running_places.filter(retired_at__isnull=True)
    return list(found.select_related("connector", "created_by").order_by("pk"))


def connectors_there() -> QuerySet[Connector]:
    """The trackers whose aliases may be looked at."""
    return Connector.objects.filter(enabled=True).order_by("name", "pk")
