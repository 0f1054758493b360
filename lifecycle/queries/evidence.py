"""Evidence of a project with what became of its sources, and one snapshot with all that rests on it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from lifecycle.models import Deliverable, Evidence, Project, Snapshot, SourceChange, SourceState, User
from lifecycle.queries.projects import projects_visible_to

DIFFERS = (SourceState.CHANGED, SourceState.GONE)


@dataclass(frozen=True)
class SnapshotPage:
    """A snapshot, the tasks and handoffs that rest on it, and each time its source was seen to differ."""

    snapshot: Snapshot
    evidence: list[Evidence]
    deliverables: list[Deliverable]
    changes: list[SourceChange]

    @property
    def latest(self) -> SourceChange | None:
        """What was seen last; None while the source never differed."""
        return self.changes[0] if self.changes else None

    @property
    def text(self) -> str:
        """The content as people read JSON."""
        return json.dumps(json.loads(self.snapshot.content), indent=2, ensure_ascii=False)


def snapshots_visible_to(user: User) -> QuerySet[Snapshot]:
    """The snapshots of all projects that the user sees. 1 query, project and run included."""
    found = Snapshot.objects.select_related("project__process_version", "run__iteration")
    return found.filter(project__in=projects_visible_to(user).values("pk"))


def evidence_list(project: Project, *, source: str = "", kind: str = "") -> QuerySet[Evidence]:
    """The evidence of a project, newest first, without the frozen content. 1 query a page.

    `source` is a source state, or `differs` for all that no longer say what was frozen.
    """
    found = Evidence.objects.filter(snapshot__project=project)
    if source == "differs":
        found = found.filter(snapshot__source_state__in=DIFFERS)
    elif source:
        found = found.filter(snapshot__source_state=source)
    if kind:
        found = found.filter(snapshot__kind=kind)
    return (
        found.select_related("snapshot__run", "task__phase__iteration", "attached_by", "verified_by")
        .defer("snapshot__content", "snapshot__run__record", "snapshot__run__spec")
        .order_by("-attached_at", "-pk")
    )


def source_counts(project: Project) -> dict[str, int]:
    """How many pieces of evidence a project has in each source state. 1 query."""
    rows = Evidence.objects.filter(snapshot__project=project).order_by()
    found = rows.values_list("snapshot__source_state").annotate(count=Count("pk"))
    return dict.fromkeys(SourceState.values, 0) | dict(found)


def snapshot_page(snapshot: Snapshot) -> SnapshotPage:
    """All that is known of a snapshot. 3 queries."""
    evidence = snapshot.evidence.select_related("task__phase__iteration", "attached_by", "verified_by")
    deliverables = snapshot.deliverables.select_related("handoff__iteration")
    return SnapshotPage(
        snapshot=snapshot,
        evidence=list(evidence.order_by("pk")),
        deliverables=list(deliverables.order_by("pk")),
        changes=list(snapshot.source_changes.order_by("-pk")[:20]),
    )
