"""One framework in one project, as what is written in OSCAL needs it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from governance.compliance.applicability import no_bearing
from governance.compliance.documents import ControlDocument, FrameworkDocument
from governance.compliance.statuses import Status
from governance.models import FrameworkUse
from governance.queries.compliance import classification_of, document_of, result_of, uses_in_force
from lifecycle.models import Project


@dataclass(frozen=True)
class OscalStanding:
    """One framework in one project: where each control stands, why some have no bearing."""

    use: FrameworkUse
    document: FrameworkDocument
    statuses: dict[str, str]
    reasons: dict[str, str]

    @property
    def applying(self) -> list[ControlDocument]:
        left = Status.NOT_APPLICABLE
        return [each for each in self.document.controls if self.statuses.get(each.id) != left]


def oscal_standings(project: Project, key: str) -> list[OscalStanding]:
    """Each framework in use, or the one with this key. 4 queries and 1 for each framework's controls."""
    result = result_of(classification_of(project))
    said = defaultdict[str, dict[str, str]](dict)
    for each in project.control_exclusions.filter(ended_at__isnull=True):
        said[each.framework_key][each.control] = each.reason
    found = []
    for use in uses_in_force(project):
        if key and use.framework.key != key:
            continue
        document = document_of(use.framework)
        statuses = dict(use.standings.values_list("control", "status"))
        reasons = {
            control.id: said[use.framework.key].get(control.id) or no_bearing(control, result) or "–"
            for control in document.controls
            if statuses.get(control.id) == Status.NOT_APPLICABLE
        }
        found.append(OscalStanding(use, document, statuses, reasons))
    return found
