"""Which frameworks are held here, and how many projects are measured by each."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from governance.compliance.catalogue import checks
from governance.compliance.documents import ControlDocument
from governance.models import Framework
from governance.queries.compliance import document_of


@dataclass(frozen=True)
class HeldFramework:
    """One version of a framework with its size and its use."""

    framework: Framework
    controls: int
    automatic: int
    projects: int


def frameworks_held() -> list[HeldFramework]:
    """All versions, the current one of each first. 1 query, and 1 for a version that is not in memory yet."""
    in_use = Count("uses", filter=Q(uses__ended_at__isnull=True))
    found = Framework.objects.defer("document").annotate(projects=in_use).select_related("added_by")
    lines = []
    for each in found.order_by("title", "key", "-current", "-added_at", "-pk"):
        controls = list(document_of(each).controls)
        automatic = sum(_is_automatic(one) for one in controls)
        lines.append(HeldFramework(each, len(controls), automatic, each.projects))
    return lines


def _is_automatic(control: ControlDocument) -> bool:
    """Whether records can answer it: each of its checks judges some."""
    known = checks()
    judged = [key in known and known[key].judges is not None for key in control.checks]
    return all(judged) and (bool(judged) or control.judges is not None)
