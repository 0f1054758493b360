"""All projects of a person at a glance, what does harm first."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.models import Deployment, Finding, Gate
from governance.queries.pages import drawn_phase, gate_keys, latest_rounds
from governance.rules.gates import fills_seat
from lifecycle.figures import PhaseStrip
from lifecycle.models import Iteration, Membership, ProcessVersion, Project, User
from lifecycle.queries.projects import PortfolioRow, portfolio

HARM, LATE, MINE, COURSE, REST = range(5)
MOST_CARDS = 12
_ALARMS = ("drift", "alarm", "not_met", "invalid", "failed")


@dataclass(frozen=True)
class Standing:
    """One project of the portfolio. `live` runs now; `my_gates` wait for the reader."""

    row: PortfolioRow
    gate_keys: dict[str, str] = field(default_factory=dict)
    gates: list[Gate] = field(default_factory=list)
    my_gates: list[Gate] = field(default_factory=list)
    live: list[Deployment] = field(default_factory=list)
    findings: int = 0

    @property
    def project(self) -> Project:
        return self.row.project

    @property
    def strip(self) -> PhaseStrip | None:
        """The phases and gates of the latest iteration, None before the first."""
        if not self.row.phases:
            return None
        asked = latest_rounds(self.gates)
        keys = self.gate_keys
        return PhaseStrip(
            tuple(
                drawn_phase(
                    step.phase,
                    done=step.done,
                    total=step.total,
                    gate_key=keys.get(step.phase.key, ""),
                    gate=asked.get(keys.get(step.phase.key, "")),
                )
                for step in self.row.phases
            )
        )

    @property
    def open_gate(self) -> Gate | None:
        """The gate that waits for a decision, if one does."""
        return next((gate for gate in self.gates if gate.state == Gate.State.OPEN), None)

    @property
    def next_gate(self) -> str:
        """The key of the gate that the current phase leads to; empty if none is ahead."""
        current = self.row.current
        return self.gate_keys.get(current.phase.key, "") if current else ""

    @property
    def age(self) -> int | None:
        """Days since the current phase began, None if none has."""
        begun = self.row.current.phase.started_at if self.row.current else None
        return (timezone.now() - begun) // dt.timedelta(days=1) if begun else None

    @property
    def late(self) -> int:
        return self.row.overdue_tasks + self.row.overdue_handoffs

    @property
    def rank(self) -> int:
        """HARM, LATE, MINE, COURSE or REST: the order in which projects need somebody."""
        if self.project.state == Project.State.CLOSED or self.row.iteration is None:
            return REST
        if self.live and self.row.verdict in _ALARMS:
            return HARM
        if self.late or self.row.waiting_firings:
            return LATE
        return MINE if self.my_gates else COURSE

    @property
    def is_harmed(self) -> bool:
        return self.rank == HARM

    @property
    def needs_somebody(self) -> bool:
        return self.rank in (HARM, LATE)

    @property
    def state(self) -> tuple[str, str]:
        """(state word of the design system, what is the matter in a few words)."""
        if self.project.state == Project.State.CLOSED:
            return "closed", _("Closed")
        if self.row.iteration is None:
            return "not_started", _("No iteration yet")
        if self.rank == HARM:
            return "bad", _("Drift while live")
        if self.row.waiting_firings:
            count = self.row.waiting_firings
            return "warn", ngettext("%d firing to decide", "%d firings to decide", count) % count
        if self.late:
            return "late", ngettext("%d thing overdue", "%d things overdue", self.late) % self.late
        if self.my_gates:
            return "your_turn", _("Gate waits for you")
        if self.open_gate is not None:
            return "open", _("Gate %s is open") % self.open_gate.key
        return "ok", _("On course")


SORTS: Mapping[str, Callable[[Standing], Any]] = {
    "project": lambda each: each.project.name,
    "state": lambda each: (each.rank, each.state[1]),
    "phase": lambda each: (each.row.current.phase.order, each.age or 0) if each.row.current else None,
    "gate": lambda each: each.open_gate.key if each.open_gate else each.next_gate or None,
    "live": lambda each: min((one.environment for one in each.live), default=None),
    "monitoring": lambda each: each.row.monitoring.finished_at if each.row.monitoring else None,
    "late": lambda each: each.row.overdue_handoffs,
    "manager": lambda each: each.project.created_by.name,
}


@dataclass(frozen=True)
class Column:
    """One phase of the board with the projects that are in it."""

    key: str
    name: str
    standings: list[Standing]

    @property
    def shown(self) -> list[Standing]:
        """The ones that need somebody most."""
        return self.standings[:MOST_CARDS]

    @property
    def more(self) -> int:
        """How many are not shown."""
        return len(self.standings) - len(self.shown)


def board(found: list[Standing]) -> list[Column]:
    """The projects by the phase that they are in; empty unless all follow the same phases. No query."""
    begun = [each for each in found if each.row.phases]
    phases = {tuple((step.phase.key, step.phase.name) for step in each.row.phases) for each in begun}
    if len(phases) != 1:
        return []
    return [
        Column(key, name, [each for each in begun if each.row.current and each.row.current.phase.key == key])
        for key, name in next(iter(phases))
    ]


def standings(user: User) -> list[Standing]:
    """Every visible project with its gates, live versions and findings. 13 queries for any number."""
    rows = portfolio(user)
    projects = [row.project.pk for row in rows]
    iterations = [row.iteration for row in rows if row.iteration is not None]
    gates = _by(
        Gate.objects.filter(iteration__in=[each.pk for each in iterations]).select_related("model_version"),
        "iteration_id",
    )
    live = _by(
        Deployment.objects.filter(project__in=projects, state=Deployment.State.LIVE).select_related(
            "model_version"
        ),
        "project_id",
    )
    open_findings = Finding.objects.filter(project__in=projects).exclude(state=Finding.State.VERIFIED)
    findings = dict(open_findings.order_by().values_list("project").annotate(count=Count("*")))
    keys = _keys(iterations)
    places = {each.project_id: each for each in Membership.objects.filter(user=user, left_at__isnull=True)}
    found = [
        Standing(
            row=row,
            gate_keys=keys.get(row.iteration.process_version_id, {}) if row.iteration else {},
            gates=asked,
            my_gates=[
                gate
                for gate in asked
                if gate.state == Gate.State.OPEN and fills_seat(places.get(row.project.pk), gate)
            ],
            live=live.get(row.project.pk, []),
            findings=findings.get(row.project.pk, 0),
        )
        for row in rows
        for asked in [gates.get(row.iteration.pk, []) if row.iteration else []]
    ]
    return sorted(found, key=lambda each: (each.rank, each.project.name))


def _keys(iterations: list[Iteration]) -> dict[int, dict[str, str]]:
    """Gates by phase for each process version in use: a document is read once, however many follow it."""
    versions = ProcessVersion.objects.in_bulk({each.process_version_id for each in iterations})
    return {pk: gate_keys(version.document) for pk, version in versions.items()}


def _by(records: Iterable[Any], name: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for record in records:
        found[getattr(record, name)].append(record)
    return found
