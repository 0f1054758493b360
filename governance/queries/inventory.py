"""All AI systems of the organization that a person sees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from governance.models import Deployment, Incident, InventoryEntry, Review
from lifecycle.models import Project, User
from lifecycle.queries.projects import projects_visible_to
from lifecycle.spreadsheets import line_of


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
            "; ".join(
                f"{self.project} model {each.model_version.number} in {each.environment}"
                for each in self.live
            ),
            self.last_review.done_at.date().isoformat() if self.last_review else "",
            self.entry.next_review_on.isoformat() if self.entry else "",
        ]


def systems(user: User, words: str = "", risk_class: str = "") -> QuerySet[Project]:
    """Every project that the person sees, by name, narrowed to words in name or purpose and to a class."""
    found = projects_visible_to(user).select_related(None).order_by("name", "pk")
    if words:
        found = found.filter(Q(name__icontains=words) | Q(purpose__icontains=words))
    return found.filter(risk_class=risk_class) if risk_class in Project.RiskClass.values else found


def lines_of(projects: Iterable[Project]) -> list[SystemLine]:
    """What the inventory says of these projects, in their order. 4 queries, whatever their number."""
    projects = list(projects)
    pks = [each.pk for each in projects]
    entries = {
        each.project_id: each
        for each in InventoryEntry.objects.filter(project__in=pks).select_related("owner", "deputy")
    }
    live: dict[int, list[Deployment]] = defaultdict(list)
    running = Deployment.objects.filter(project__in=pks, state=Deployment.State.LIVE)
    for each in running.select_related("model_version").order_by("environment", "pk"):
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
    head = ["system", "purpose", "owner", "risk_class", "in_production", "last_review", "next_review"]
    return line_of(head) + "".join(line_of(map(str, line.cells)) for line in lines)
