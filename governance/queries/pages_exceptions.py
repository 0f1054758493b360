"""What is not as the rules want it: findings, waivers, conditions, broken glass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import F, Q, QuerySet, Value
from django.utils.translation import gettext as _

from governance.models import BreakGlass, Condition, Finding, Waiver
from governance.queries.pages import findings_visible_to
from lifecycle.models import Project, User
from lifecycle.queries.projects import projects_visible_to

T = TypeVar("T")

MOST_PAST = 50
_WAIVERS = (Waiver.State.ASKED, Waiver.State.GRANTED)
_GLASS = (BreakGlass.State.ASKED, BreakGlass.State.OPEN)


@dataclass(frozen=True)
class ExceptionsPage:
    """All exceptions of a project, those that stand first."""

    findings: list[Finding]
    waivers: list[Waiver]
    conditions: list[Condition]
    glass: list[BreakGlass]

    @property
    def standing(self) -> list[Finding]:
        return [each for each in self.findings if each.stands]

    @property
    def holding(self) -> list[Finding]:
        return [each for each in self.standing if each.holds]

    @property
    def waived(self) -> list[Waiver]:
        return [each for each in self.waivers if each.state in _WAIVERS]

    @property
    def conditions_open(self) -> list[Condition]:
        return [each for each in self.conditions if each.state == Condition.State.OPEN]

    @property
    def glass_open(self) -> list[BreakGlass]:
        return [each for each in self.glass if each.state in _GLASS]

    @property
    def total(self) -> int:
        """How many stand."""
        listed = (self.standing, self.waived, self.conditions_open, self.glass_open)
        return sum(len(each) for each in listed)


def exceptions_of(project: Project) -> ExceptionsPage:
    """What stands and the last of what does not any more. 4 queries."""
    findings = project.findings.select_related("owner", "resolved_by", "verified_by", "opened_by")
    waivers = waivers_in(Q(gate__iteration__project=project))
    conditions = Condition.objects.filter(gate__iteration__project=project).exclude(
        state__in=(Condition.State.PROPOSED, Condition.State.DROPPED)
    )
    glass = project.broken_glass.select_related("model_version", "asked_by", "decided_by", "finding")
    return ExceptionsPage(
        findings=_standing_first(findings.order_by("-opened_at", "-pk")[:500], lambda each: each.stands),
        waivers=_standing_first(waivers, lambda each: each.state in _WAIVERS),
        conditions=_standing_first(
            conditions.select_related("gate__iteration", "owner", "ended_by").order_by("due_on", "pk")[:500],
            lambda each: each.state == Condition.State.OPEN,
        ),
        glass=_standing_first(glass.order_by("-asked_at", "-pk")[:500], lambda each: each.state in _GLASS),
    )


def waivers_in(which: Q) -> QuerySet[Waiver]:
    """Waivers with their gate and people, the newest first."""
    related = ("gate__iteration__project", "requested_by", "decided_by")
    return Waiver.objects.filter(which).select_related(*related).order_by("-requested_at", "-pk")


@dataclass(frozen=True)
class ExceptionLine:
    """One exception that stands, whatever it is, as a row of the list over all projects."""

    kind: str
    what: str
    why: str
    project: Project
    until: dt.date | None
    person: User | None
    record: Finding | Waiver | Condition | BreakGlass
    anchor: str


def standing_exceptions(user: User) -> list[ExceptionLine]:
    """Every exception that stands in the projects that the user sees, what ends first first. 4 queries."""
    seen = projects_visible_to(user).values("pk")
    findings = findings_visible_to(user).exclude(state=Finding.State.VERIFIED)
    findings = findings.defer("project__process_version__document")
    waivers = waivers_in(Q(gate__iteration__project__in=seen, state__in=_WAIVERS))
    conditions = Condition.objects.filter(
        gate__iteration__project__in=seen, state=Condition.State.OPEN
    ).select_related("gate__iteration__project", "owner")
    glass = BreakGlass.objects.filter(project__in=seen, state__in=_GLASS)
    lines = [
        *map(_glass, glass.select_related("project", "model_version", "asked_by")),
        *map(_finding, findings),
        *map(_condition, conditions),
        *map(_waiver, waivers),
    ]
    never = dt.date.max
    return sorted(lines, key=lambda line: (line.until or never, line.project.name, line.what))


def count_exceptions(user: User) -> int:
    """How many exceptions stand in the projects that the user sees. 1 query."""
    seen = projects_visible_to(user).order_by().values("pk")
    parts = [
        Finding.objects.filter(project__in=seen).exclude(state=Finding.State.VERIFIED),
        Waiver.objects.filter(gate__iteration__project__in=seen, state__in=_WAIVERS),
        Condition.objects.filter(gate__iteration__project__in=seen, state=Condition.State.OPEN),
        BreakGlass.objects.filter(project__in=seen, state__in=_GLASS),
    ]
    found = [part.order_by().values(kind=Value(number), key=F("pk")) for number, part in enumerate(parts)]
    return found[0].union(*found[1:], all=True).count()


def _glass(each: BreakGlass) -> ExceptionLine:
    until = each.ends_at.date() if each.ends_at else None
    return ExceptionLine(
        _("Broken glass"), str(each), each.reason, each.project, until, each.asked_by, each, "glass"
    )


def _finding(each: Finding) -> ExceptionLine:
    why = _("Holds every gate closed.") if each.holds else each.detail
    return ExceptionLine(
        _("Finding"), each.title, why, each.project, each.due_on, each.owner, each, f"finding-{each.pk}"
    )


def _condition(each: Condition) -> ExceptionLine:
    why = _("Condition of %(gate)s") % {"gate": each.gate}
    return ExceptionLine(
        _("Condition"), each.text, why, each.gate.project, each.due_on, each.owner, each, "conditions"
    )


def _waiver(each: Waiver) -> ExceptionLine:
    why = _("Excused at %(gate)s: %(why)s") % {"gate": each.gate, "why": each.justification}
    return ExceptionLine(
        _("Waiver"), each.words, why, each.gate.project, each.expires_on, each.requested_by, each, "waivers"
    )


def _standing_first(found: Iterable[T], stands: Callable[[T], bool]) -> list[T]:
    listed = list(found)
    past = [each for each in listed if not stands(each)]
    return [each for each in listed if stands(each)] + past[:MOST_PAST]
