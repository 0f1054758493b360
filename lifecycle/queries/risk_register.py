"""All risks of a project's last iteration: filtered, on the map, and what a manager has to decide first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.utils import timezone

from lifecycle.models import Iteration, Phase, Project, Risk, User

SCALE = range(1, 6)
SOON = dt.timedelta(days=14)
_SETTLED = (Risk.State.ACCEPTED, Risk.State.CLOSED)
_OFF_MAP = (Risk.State.IDENTIFIED, Risk.State.CLOSED)
"""Off the map: what nobody has assessed yet (its numbers are the process's own), and what is closed."""

SHOWN = ("open", "above", "escalated", "accepted", "ending", "closed", "all")
"""What the register can be narrowed to, in the order of its pills."""


@dataclass(frozen=True)
class Picked:
    """What the address asks for; unknown values count as none."""

    show: str = "all"
    phase: str = ""
    category: str = ""
    owner: str = ""
    text: str = ""
    now: tuple[int, int] | None = None
    before: tuple[int, int] | None = None

    @property
    def narrowed(self) -> bool:
        return self != Picked()


@dataclass(frozen=True)
class Cell:
    """One field of the map: how many risks are there now, and how many were at the beginning."""

    severity: int
    occurrence: int
    above: bool
    now: int
    before: int
    harm: int


@dataclass(frozen=True)
class Register:
    """Every risk of an iteration; `picked` says which of them are asked for."""

    project: Project
    iteration: Iteration | None
    risks: list[Risk]
    phases: list[Phase]
    picked: Picked
    today: dt.date

    def shows(self, risk: Risk, show: str) -> bool:
        """Whether the risk belongs to one of the groups of `SHOWN`."""
        state, until = risk.state, risk.accepted_until
        accepted = state == Risk.State.ACCEPTED
        return {
            "open": state not in _SETTLED,
            "above": self.is_above(risk),
            "escalated": state == Risk.State.ESCALATED,
            "accepted": accepted,
            "ending": accepted and until is not None and until <= self.today + SOON,
            "closed": state == Risk.State.CLOSED,
        }.get(show, True)

    def is_above(self, risk: Risk) -> bool:
        """Whether a risk that was assessed, and is neither accepted nor closed, is above the appetite."""
        quiet = (*_SETTLED, *_OFF_MAP)
        return risk.state not in quiet and (risk.score or 0) > self.project.risk_appetite

    @cached_property
    def found(self) -> list[Risk]:
        """The risks asked for: escalated ones first, then the highest score."""
        chosen = [risk for risk in self.risks if self._fits(risk)]
        order = {Risk.State.ESCALATED: 0, Risk.State.ACCEPTED: 2, Risk.State.CLOSED: 3}
        return sorted(chosen, key=lambda risk: (order.get(Risk.State(risk.state), 1), -(risk.score or 0)))

    @cached_property
    def escalated(self) -> list[Risk]:
        return [risk for risk in self.risks if risk.state == Risk.State.ESCALATED]

    @cached_property
    def above(self) -> list[Risk]:
        return [risk for risk in self.risks if self.is_above(risk)]

    @cached_property
    def unscored(self) -> int:
        """How many nobody has assessed."""
        return sum(risk.state == Risk.State.IDENTIFIED for risk in self.risks)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many risks are in each group."""
        return {show: sum(self.shows(risk, show) for risk in self.risks) for show in SHOWN}

    @cached_property
    def owners(self) -> list[User]:
        """Who owns a task with a risk, by name."""
        found = {risk.task.owner.pk: risk.task.owner for risk in self.risks if risk.task.owner is not None}
        return sorted(found.values(), key=lambda user: (user.name, user.pk))

    @cached_property
    def cells(self) -> list[list[Cell]]:
        """Rows from severity 5 down to 1, each with occurrence 1 to 5."""
        alive = [risk for risk in self.risks if risk.state not in _OFF_MAP]
        return [[self._cell(alive, s, o) for o in SCALE] for s in reversed(SCALE)]

    def _cell(self, alive: list[Risk], severity: int, occurrence: int) -> Cell:
        place = (severity, occurrence)
        here = [risk for risk in alive if place_now(risk) == place]
        return Cell(
            severity, occurrence, severity * occurrence > self.project.risk_appetite, len(here),
            sum(place_before(risk) == place for risk in alive), sum(self.is_above(risk) for risk in here),
        )  # fmt: skip

    def _fits(self, risk: Risk) -> bool:
        picked, owner = self.picked, risk.task.owner_id
        on_map = risk.state not in _OFF_MAP
        return (
            self.shows(risk, picked.show)
            and (not picked.phase or risk.task.phase.key == picked.phase)
            and (not picked.category or risk.category == picked.category)
            and (not picked.owner or picked.owner == ("none" if owner is None else str(owner)))
            and (picked.now is None or (on_map and place_now(risk) == picked.now))
            and (picked.before is None or (on_map and place_before(risk) == picked.before))
            and picked.text.casefold() in f"{risk.key} {risk.text} {risk.task.name}".casefold()
        )


def place_now(risk: Risk) -> tuple[int | None, int | None]:
    """(severity, occurrence) of what remains."""
    return risk.severity, risk.occurrence


def place_before(risk: Risk) -> tuple[int | None, int | None]:
    """(severity, occurrence) as first assessed."""
    return risk.inherent_severity, risk.inherent_occurrence


def picked_from(asked: Mapping[str, str]) -> Picked:
    """The filter that an address asks for."""
    show = asked.get("show", "")
    return Picked(
        show=show if show in SHOWN else "all",
        phase=asked.get("phase", ""),
        category=asked.get("category", ""),
        owner=asked.get("owner", ""),
        text=asked.get("q", "").strip()[:100],
        now=_place(asked.get("now", "")),
        before=_place(asked.get("before", "")),
    )


def risk_register(project: Project, iteration: Iteration | None, picked: Picked) -> Register:
    """The register of an iteration. 4 queries: risks with task and people, measures, performers, phases."""
    if iteration is None:
        return Register(project, None, [], [], picked, timezone.localdate())
    found = Risk.objects.filter(task__phase__iteration=iteration)
    found = found.select_related("task__phase", "task__owner", "accepted_by")
    risks = list(
        found.prefetch_related("actions__performer").order_by(
            "task__phase__order", "task__order", "key", "pk"
        )
    )
    for risk in risks:  # what is known already is not read again by those who ask for the project
        risk.task.phase.iteration = iteration
    phases = list(iteration.phases.order_by("order"))
    return Register(project, iteration, risks, phases, picked, timezone.localdate())


def _place(text: str) -> tuple[int, int] | None:
    """“4x3” as (severity, occurrence)."""
    parts = text.split("x")
    if len(parts) != 2 or any(part not in "12345" or len(part) != 1 for part in parts):
        return None
    return int(parts[0]), int(parts[1])
