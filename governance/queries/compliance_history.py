"""How compliance came to be what it is: coverage over time, and what changed since an audit."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from governance.compliance.statuses import GOOD, Status
from governance.models import ControlChange, FrameworkUse, Review
from governance.queries.compliance import document_of, uses_in_force
from governance.queries.pages_compliance import Coverage
from lifecycle.figures import Series, SeriesChart
from lifecycle.models import Project

POINTS, MOST_CHANGES = 13, 300
WITHOUT_AUDIT = dt.timedelta(days=90)
"""So far is looked back when nobody has reviewed the system as a whole yet."""


@dataclass(frozen=True)
class ChangeLine:
    """One control that came to stand elsewhere."""

    change: ControlChange
    label: str
    title: str

    @property
    def worse(self) -> bool:
        return self.change.before in GOOD and self.change.after not in GOOD

    @property
    def better(self) -> bool:
        return self.change.after in GOOD and self.change.before not in GOOD


@dataclass(frozen=True)
class ThenAndNow:
    """The coverage of one framework on a day and today; `then` is None if it was not in use yet."""

    now: Coverage
    then: Coverage | None

    @property
    def difference(self) -> int:
        """Percentage points won or lost."""
        return self.now.share - self.then.share if self.then is not None else 0


@dataclass(frozen=True)
class HistoryPage:
    """What changed since a day. `audit` is the review that the day was taken from."""

    since: dt.date
    audit: Review | None
    lines: list[ChangeLine]
    more: int
    frameworks: list[ThenAndNow]
    chart: SeriesChart | None

    @property
    def worse(self) -> int:
        return sum(line.worse for line in self.lines)

    @property
    def better(self) -> int:
        return sum(line.better for line in self.lines)


def last_audit(project: Project) -> Review | None:
    """The last review of the system as a whole, None if there was none. 1 query."""
    found: Review | None = project.reviews.filter(kind=Review.Kind.SYSTEM).order_by("-done_at", "-pk").first()
    return found


def changes_since(project: Project, day: dt.date) -> QuerySet[ControlChange]:
    """What came to stand elsewhere since the beginning of a day (UTC), newest first."""
    found = ControlChange.objects.filter(use__project=project, changed_at__gte=_begin(day)).exclude(before="")
    found = found.select_related("use__framework").defer("use__framework__document")
    return found.order_by("-changed_at", "-pk")


def history_page(project: Project, today: dt.date, since: dt.date | None = None) -> HistoryPage:
    """What changed since a day, or since the last audit, and coverage over time. 5 queries."""
    audit = last_audit(project) if since is None else None
    day = since or (audit.done_at.astimezone(dt.UTC).date() if audit else today - WITHOUT_AUDIT)
    found = changes_since(project, day)
    lines = [_line(each) for each in found[:MOST_CHANGES]]
    more = max(0, found.count() - MOST_CHANGES) if len(lines) == MOST_CHANGES else 0
    uses = list(uses_in_force(project))
    changes = list(ControlChange.objects.filter(use__in=uses).order_by("changed_at", "pk"))
    now = _end(today)
    then = coverage_then(uses, changes, _begin(day))
    frameworks = [
        ThenAndNow(each, then.get(use.pk))
        for use in uses
        if (each := coverage_then([use], changes, now).get(use.pk)) is not None
    ]
    return HistoryPage(day, audit, lines, more, frameworks, coverage_chart(uses, changes, today))


def _line(change: ControlChange) -> ChangeLine:
    control = document_of(change.use.framework).control(change.control)
    if control is None:
        return ChangeLine(change, change.control, "")
    return ChangeLine(change, control.label, control.title)


def _begin(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)


def _end(day: dt.date) -> dt.datetime:
    return _begin(day) + dt.timedelta(days=1)


def coverage_then(
    uses: Iterable[FrameworkUse], changes: Iterable[ControlChange], moment: dt.datetime
) -> dict[int, Coverage]:
    """The coverage of each use just before a moment, by its key; without those that were not looked at yet.

    `changes` are in the order in which they happened.
    """
    by_pk = {use.pk: use for use in uses}
    stood: dict[int, dict[str, str]] = defaultdict(dict)
    for each in changes:
        if each.use_id in by_pk and each.changed_at < moment:
            stood[each.use_id][each.control] = each.after
    return {pk: Coverage(by_pk[pk], dict(Counter(controls.values()))) for pk, controls in stood.items()}


def coverage_chart(
    uses: Sequence[FrameworkUse], changes: Sequence[ControlChange], today: dt.date
) -> SeriesChart | None:
    """The share of controls that are met, week by week; None before there are two weeks."""
    if not changes:
        return None
    days = [today - dt.timedelta(days=7 * back) for back in reversed(range(POINTS))]
    met, broken = [], []
    for day in days:
        found = coverage_then(uses, changes, _end(day)).values()
        asked = sum(each.asked for each in found)
        met.append(sum(each.good for each in found) * 100 / asked if asked else None)
        broken.append(sum(each.broken for each in found) * 100 / asked if asked else None)
    if sum(value is not None for value in met) < 2:  # one point is no course
        return None
    return SeriesChart(
        title=_("Share of controls in per cent, all frameworks"),
        windows=[f"{day:%d.%m.}" for day in days],
        series=(Series(str(Status.MET.label), met), Series(str(Status.BROKEN.label), broken)),
        digits=0,
        from_zero=True,
    )
