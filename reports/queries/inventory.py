"""The inventory of AI systems as documents: as it stands now, for what a reader sees."""

from datetime import UTC, datetime

from django.utils.translation import gettext as _

from governance.queries.inventory import SystemLine, lines_of, systems
from lifecycle.models import User
from reports.documents import Mark, State
from reports.papers.inventory import SystemFacts


def systems_for(reader: User, moment: datetime) -> list[SystemFacts]:
    """Every system that a reader sees, by name. 5 queries."""
    return [_facts(each, moment) for each in lines_of(systems(reader))]


def _facts(line: SystemLine, moment: datetime) -> SystemFacts:
    entry = line.entry
    late = entry is not None and entry.next_review_on < moment.astimezone(UTC).date()
    return SystemFacts(
        name=line.project.name,
        purpose=line.project.purpose,
        risk_class=str(line.project.get_risk_class_display()),
        owner=str(entry.owner) if entry else "",
        deputy=str(entry.deputy) if entry and entry.deputy else "",
        live=tuple(
            _("model %(n)d in %(place)s") % {"n": each.model_version.number, "place": each.environment}
            for each in line.live
        ),
        uses=tuple(map(str, entry.approved_uses)) if entry else (),
        incidents=line.open_incidents,
        late=late,
        mark=_mark(line, late=late),
        reviewed_on=line.last_review.done_at.astimezone(UTC).date() if line.last_review else None,
        review_due=entry.next_review_on if entry else None,
    )


def _mark(line: SystemLine, *, late: bool) -> Mark:
    if late:
        return Mark(state=State.BAD, word=_("review overdue"))
    if line.open_incidents:
        return Mark(state=State.WARN, word=_("incident open"))
    if line.entry is None:
        return Mark(state=State.WARN, word=_("no entry"))
    return Mark(state=State.OK, word=_("in order"))
