"""Where a project stands, for machines: as plain data."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from governance.compliance.applicability import no_bearing
from governance.compliance.statuses import Status
from governance.models import CheckRecord, FrameworkUse
from governance.queries.compliance import classification_of, document_of, result_of
from governance.queries.control_tasks import control_task_data, open_tasks_of
from governance.queries.pages_compliance import check_keys, coverage_in, record_url
from lifecycle.models import Project


def coverage_data(project: Project) -> dict[str, Any]:
    """How much of each framework is met. 3 queries."""
    look = getattr(project, "compliance_look", None)
    return {
        "project": project.slug,
        "looked_at": look.looked_at if look is not None else None,
        "ledger_index": look.ledger_index if look is not None else None,
        "frameworks": [
            {
                "framework": each.use.framework.key, "version": each.use.framework.version,
                "title": each.use.framework.title, "asked": each.asked, "good": each.good,
                "percent": each.share, "counts": each.counts,
            }
            for each in coverage_in(project)
        ],
    }  # fmt: skip


def controls_data(use: FrameworkUse) -> list[dict[str, Any]]:
    """Each control with its status, the records behind it, the task of its gap. 6 queries for any number."""
    document, project = document_of(use.framework), use.project
    statuses = dict(use.standings.values_list("control", "status"))
    said = project.control_exclusions.filter(framework_key=use.framework.key, ended_at__isnull=True)
    excluded = dict(said.values_list("control", "reason"))
    result = result_of(classification_of(project))
    evidence, opened = _evidence(use), open_tasks_of(use)
    return [
        {
            "id": control.id, "label": control.label, "title": control.title,
            "status": statuses.get(control.id, Status.NOT_STARTED.value), "checks": list(control.checks),
            "reason": excluded.get(control.id) or no_bearing(control, result),
            "evidence": [line for key in check_keys(use, control) for line in evidence[key]],
            "gap_task": control_task_data(opened[control.id]) if control.id in opened else None,
        }
        for control in document.controls
    ]  # fmt: skip


def _evidence(use: FrameworkUse) -> dict[str, list[dict[str, Any]]]:
    found = defaultdict[str, list[dict[str, Any]]](list)
    records = CheckRecord.objects.filter(standing__project=use.project).select_related("standing")
    for each in records.order_by("pk"):
        key = each.standing.check_key
        found[key].append(
            {
                "check": key, "kind": each.kind, "id": each.record_id, "label": each.label,
                "says": each.says, "why": each.why,
                "url": record_url(use.project, each.kind, each.record_id),
            }
        )  # fmt: skip
    return found
