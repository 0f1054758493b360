"""All projects of a person at a glance, what does harm first.

`standings` is light and holds every project, for counting and sorting; `lines_of` reads the records of those
that a page shows.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from django.db.models import Count, F
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.models import Deployment, Finding, Gate
from governance.queries.pages import drawn_phase, latest_rounds
from governance.rules.gates import place_fills
from lifecycle.figures import PhaseStrip
from lifecycle.models import Iteration, ProcessVersion, Project, User
from lifecycle.queries.columns import as_text, value_of
from lifecycle.queries.glances import Glance, Keys, PhaseGlance, glances
from lifecycle.queries.projects import projects_visible_to, steps_of

HARM, LATE, MINE, COURSE, REST = range(5)
MOST_CARDS = 12
_DAY = 86_400.0
_ALARMS = ("drift", "alarm", "not_met", "invalid", "failed")


class OpenGate(NamedTuple):
    """A gate that waits for a decision; `mine` if it asks for the reader's signature."""

    pk: int
    key: str
    mine: bool


@dataclass(frozen=True)
class Standing:
    """One project of the portfolio. `environments` are those in which it runs now; `process` holds the name
    of each phase and the key of the gate at its end, by the phase's key.
    """

    glance: Glance
    process: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    gates: Sequence[OpenGate] = ()
    environments: Sequence[str] = ()

    @property
    def current(self) -> PhaseGlance | None:
        return self.glance.current

    @property
    def open_gate(self) -> OpenGate | None:
        """The gate that waits for a decision, if one does."""
        return self.gates[0] if self.gates else None

    @property
    def my_gates(self) -> list[OpenGate]:
        """Those that wait for the reader."""
        return [gate for gate in self.gates if gate.mine]

    @property
    def next_gate(self) -> str:
        """The key of the gate that the current phase leads to; empty if none is ahead."""
        current = self.current
        return self.process.get(current.key, ("", ""))[1] if current else ""

    @property
    def age(self) -> int | None:
        """Days since the current phase began, None if none has."""
        begun = self.current.started if self.current else None
        return None if begun is None else int((time.time() - begun) // _DAY)

    @property
    def late(self) -> int:
        return self.glance.overdue_tasks + self.glance.overdue_handoffs

    @cached_property
    def rank(self) -> int:
        """HARM, LATE, MINE, COURSE or REST: the order in which projects need somebody."""
        if self.glance.closed or self.glance.iteration is None:
            return REST
        if self.environments and self.glance.verdict in _ALARMS:
            return HARM
        if self.late or self.glance.waiting_firings:
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
        if self.glance.closed:
            return "closed", _("Closed")
        if self.glance.iteration is None:
            return "not_started", _("No iteration yet")
        if self.rank == HARM:
            return "bad", _("Drift while live")
        if self.glance.waiting_firings:
            count = self.glance.waiting_firings
            return "warn", ngettext("%d firing to decide", "%d firings to decide", count) % count
        if self.late:
            return "late", ngettext("%d thing overdue", "%d things overdue", self.late) % self.late
        if self.my_gates:
            return "your_turn", _("Gate waits for you")
        if self.open_gate is not None:
            return "open", _("Gate %s is open") % self.open_gate.key
        return "ok", _("On course")


SORTS: Mapping[str, Callable[[Standing], Any]] = {
    "project": lambda each: each.glance.name,
    "state": lambda each: (each.rank, each.state[1]),
    "phase": lambda each: (each.current.order, each.age or 0) if each.current else None,
    "gate": lambda each: each.open_gate.key if each.open_gate else each.next_gate or None,
    "live": lambda each: min(each.environments, default=None),
    "monitoring": lambda each: each.glance.monitored,
    "late": lambda each: each.glance.overdue_handoffs,
    "manager": lambda each: each.glance.manager,
}


def standings(user: User) -> list[Standing]:
    """Every visible project, what does harm first. 11 queries for any number."""
    rows = glances(user)
    seen = projects_visible_to(user).order_by().values("pk")
    live, gates = _live(seen), _open_gates(seen, rows)
    keys = _keys({row.version for row in rows if row.version is not None})
    found = [
        Standing(row, keys.get(row.version or 0, {}), gates.get(row.pk, ()), live.get(row.pk, ()))
        for row in rows
    ]
    return sorted(found, key=lambda each: (each.rank, each.glance.name))


def _live(seen: Keys) -> dict[int, list[str]]:
    running = Deployment.objects.filter(project__in=seen, state=Deployment.State.LIVE)
    found: dict[int, list[str]] = defaultdict(list)
    for project, environment in running.order_by().values_list("project_id", "environment"):
        found[project].append(environment)
    return found


def _open_gates(seen: Keys, rows: Iterable[Glance]) -> dict[int, list[OpenGate]]:
    """The open gates of the latest iterations, by project. Of a definition, its signatures are read."""
    by_iteration = {row.iteration: row for row in rows if row.iteration is not None}
    opened = (
        Gate.objects.filter(iteration__project__in=seen, state=Gate.State.OPEN)
        .order_by("opened_at", "pk")
        .annotate(signatures=as_text(F("definition__signatures")))
        .values_list("iteration_id", "pk", "key", "signatures")
    )
    found: dict[int, list[OpenGate]] = defaultdict(list)
    for iteration, pk, key, signatures in opened:
        if place := by_iteration.get(iteration):
            mine = place_fills(place.role, place.crisp_roles, value_of(signatures))
            found[place.pk].append(OpenGate(pk, key, mine))
    return found


def findings_among(rows: Iterable[Standing]) -> dict[int, int]:
    """How many findings stand in each of these projects. 1 query."""
    keys = [row.glance.pk for row in rows]
    found = Finding.objects.filter(project__in=keys).exclude(state=Finding.State.VERIFIED)
    return dict(found.order_by().values_list("project").annotate(count=Count("*")))


@dataclass(frozen=True)
class Line:
    """A project of the page with what its line shows besides: the picture of its phases, what is live."""

    standing: Standing
    project: Project
    iteration: Iteration | None
    strip: PhaseStrip | None
    live: list[Deployment]


def lines_of(shown: Sequence[Standing]) -> list[Line]:
    """These projects in this order. 5 queries for any number."""
    keys = [each.glance.pk for each in shown]
    running = [each.glance.iteration for each in shown if each.glance.iteration is not None]
    projects = Project.objects.select_related("created_by").in_bulk(keys)
    iterations, steps = Iteration.objects.in_bulk(running), steps_of(running)
    gates = _by(Gate.objects.filter(iteration__in=running).defer("definition"), "iteration_id")
    live = Deployment.objects.filter(project__in=keys, state=Deployment.State.LIVE)
    deployed = _by(live.select_related("model_version"), "project_id")
    return [
        Line(
            each,
            projects[each.glance.pk],
            iterations.get(each.glance.iteration or 0),
            _strip(each, steps, gates),
            deployed[each.glance.pk],
        )
        for each in shown
    ]


def _strip(each: Standing, steps: Mapping[int, Any], gates: Mapping[int, list[Gate]]) -> PhaseStrip | None:
    """The phases and gates of the latest iteration, None before the first."""
    if each.glance.iteration is None or not steps[each.glance.iteration]:
        return None
    asked = latest_rounds(gates[each.glance.iteration])
    keys = {phase: gate for phase, (_name, gate) in each.process.items()}
    return PhaseStrip(
        tuple(
            drawn_phase(
                step.phase,
                done=step.done,
                total=step.total,
                gate_key=keys.get(step.phase.key, ""),
                gate=asked.get(keys.get(step.phase.key, "")),
            )
            for step in steps[each.glance.iteration]
        )
    )


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
    begun = [each for each in found if each.glance.iteration is not None]
    # Those of one version share their process, so that each is read once.
    shared = {id(each.process): each.process for each in begun}.values()
    processes = {tuple((key, name) for key, (name, _gate) in process.items()) for process in shared}
    if len(processes) != 1:
        return []
    inside: dict[str, list[Standing]] = defaultdict(list)
    for each in begun:
        if each.current is not None:
            inside[each.current.key].append(each)
    return [Column(key, name, inside[key]) for key, name in next(iter(processes))]


def _keys(versions: set[int]) -> dict[int, dict[str, tuple[str, str]]]:
    """Phases and gates of each process version in use: a document is read once, however many follow it."""
    read = ProcessVersion.objects.in_bulk(versions)
    return {
        pk: {
            phase["key"]: (str(phase["name"]), str(phase.get("gate") or ""))
            for phase in version.document.get("phases", [])
        }
        for pk, version in read.items()
    }


def _by(records: Iterable[Any], name: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for record in records:
        found[getattr(record, name)].append(record)
    return found
