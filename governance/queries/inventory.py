"""All AI systems of the organization that a person sees."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from governance.models import Deployment, Incident, InventoryEntry, Review
from governance.queries.production_out import cell
from lifecycle.models import Project, User
from lifecycle.queries.projects import projects_visible_to


@dataclass(frozen=True)
class SystemLine:
    """One AI system: the project, its entry if there is one, what is live, when it was reviewed."""

    project: Project
    entry: InventoryEntry | None
    live: list[Deployment]
    last_review: Review | None
    open_incidents: int

    @property
    def cells(self) -> list[object]:
        """As a row of a table."""
        return [
            self.project.name,
            self.project.purpose,
            self.entry.owner if self.entry else "",
            self.project.risk_class,
            "; ".join(f"{each.model_version} in {each.environment}" for each in self.live),
            self.last_review.done_at.date().isoformat() if self.last_review else "",
            self.entry.next_review_on.isoformat() if self.entry else "",
        ]


def inventory_for(user: User) -> list[SystemLine]:
    """Every project that the person sees, by name. 5 queries, whatever their number."""
    projects = list(projects_visible_to(user).order_by("name", "pk"))
    pks = [each.pk for each in projects]
    entries = {
        each.project_id: each
        for each in InventoryEntry.objects.filter(project__in=pks).select_related("owner", "deputy")
    }
    live: dict[int, list[Deployment]] = defaultdict(list)
    running = Deployment.objects.filter(project__in=pks, state=Deployment.State.LIVE)
    for each in running.select_related("model_version__project").order_by("environment"):
        live[each.project_id].append(each)
    reviews = {
        each.project_id: each
        for each in Review.objects.filter(project__in=pks, kind=Review.Kind.SYSTEM).order_by("done_at", "pk")
    }
    incidents: dict[int, int] = defaultdict(int)
    waiting = Incident.objects.filter(project__in=pks).exclude(state=Incident.State.CLOSED)
    for pk in waiting.values_list("project_id", flat=True):
        incidents[pk] += 1
    return [
        SystemLine(each, entries.get(each.pk), live[each.pk], reviews.get(each.pk), incidents[each.pk])
        for each in projects
    ]


def as_csv(lines: Iterable[SystemLine]) -> str:
    """A line a system, with a head; what a spreadsheet would take for a formula stays a text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(
        ["system", "purpose", "owner", "risk_class", "in_production", "last_review", "next_review"]
    )
    for line in lines:
        writer.writerow([cell(str(value)) for value in line.cells])
    return out.getvalue()
