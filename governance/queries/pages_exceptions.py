"""What is not as the rules want it: findings, waivers, conditions, broken glass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import DateField, F, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Coalesce, TruncDate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.models import BreakGlass, Condition, Finding, Waiver
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


KINDS = {
    "glass": gettext_lazy("Broken glass"),
    "finding": gettext_lazy("Finding"),
    "condition": gettext_lazy("Condition"),
    "waiver": gettext_lazy("Waiver"),
}
SORTS: Mapping[str, tuple[str, ...]] = {
    "what": ("what",), "kind": ("kind", "ends", "what"), "project": ("home", "ends", "what"),
    "until": ("ends", "home", "what"),
}  # fmt: skip
_NEVER = dt.date(9999, 12, 31)
_COLUMNS = ("kind", "pk", "ends", "home", "what")


def standing_exceptions(user: User, *, kind: str = "", words: str = "") -> QuerySet[Any, Any]:
    """Every exception that stands in the projects that the user sees, what ends first first, as tuples that
    begin with kind and primary key; narrowed to one of `KINDS` and to words in it or in its project's name.
    """
    parts = [
        _narrowed(part, words).order_by().values_list(*_COLUMNS)
        for name, part in _standing(user).items()
        if kind not in KINDS or kind == name
    ]
    found = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    return found.order_by(*SORTS["until"], "pk")


def _narrowed(part: QuerySet[Any], words: str) -> QuerySet[Any]:
    return part.filter(Q(what__icontains=words) | Q(home__icontains=words)) if words else part


def count_exceptions(user: User) -> int:
    """How many exceptions stand in the projects that the user sees. 1 query."""
    parts = [part.order_by().values_list("kind", "pk") for part in _standing(user).values()]
    return parts[0].union(*parts[1:], all=True).count()


def _standing(user: User) -> dict[str, QuerySet[Any]]:
    """What stands, by kind, each with when it ends, where it is and what it says."""
    seen = projects_visible_to(user).order_by().values("pk")
    gated = {"gate__iteration__project__in": seen}
    home, of_gate = F("project__name"), F("gate__iteration__project__name")
    ends = TruncDate("ends_at", tzinfo=dt.UTC)
    found: dict[str, tuple[QuerySet[Any], Any, Any, Any]] = {
        "glass": (BreakGlass.objects.filter(project__in=seen, state__in=_GLASS), ends, home, F("reason")),
        "finding": (
            Finding.objects.filter(project__in=seen).exclude(state=Finding.State.VERIFIED),
            F("due_on"), home, F("title"),
        ),
        "condition": (
            Condition.objects.filter(**gated, state=Condition.State.OPEN), F("due_on"), of_gate, F("text"),
        ),
        "waiver": (
            Waiver.objects.filter(**gated, state__in=_WAIVERS), F("expires_on"), of_gate, F("words"),
        ),
    }  # fmt: skip
    text, day = TextField(), DateField()
    return {
        kind: part.annotate(
            kind=Value(kind), ends=Coalesce(until, Value(_NEVER), output_field=day), home=place,
            what=Cast(said, text),
        )
        for kind, (part, until, place, said) in found.items()
    }  # fmt: skip


def exception_lines(keys: Sequence[tuple[str, int]]) -> list[ExceptionLine]:
    """The exceptions with these kinds and primary keys, in this order. At most 4 queries."""
    records: dict[tuple[str, int], ExceptionLine] = {}
    for kind, (rows, line) in _RECORDS.items():
        wanted = [pk for found, pk in keys if found == kind]
        if wanted:
            records |= {(kind, each.pk): line(each) for each in rows().filter(pk__in=wanted)}
    return [records[key] for key in keys if key in records]


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


_RECORDS: dict[str, tuple[Callable[[], QuerySet[Any]], Callable[[Any], ExceptionLine]]] = {
    "glass": (
        lambda: BreakGlass.objects.select_related("project", "model_version__project", "asked_by"), _glass
    ),
    "finding": (lambda: Finding.objects.select_related("project", "owner"), _finding),
    "condition": (
        lambda: Condition.objects.select_related("gate__iteration__project", "owner"), _condition
    ),
    "waiver": (
        lambda: Waiver.objects.select_related("gate__iteration__project", "requested_by"), _waiver
    ),
}  # fmt: skip


def _standing_first(found: Iterable[T], stands: Callable[[T], bool]) -> list[T]:
    listed = list(found)
    past = [each for each in listed if not stands(each)]
    return [each for each in listed if stands(each)] + past[:MOST_PAST]
