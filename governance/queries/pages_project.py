"""A project at a glance: where the iteration stands, what comes next, how it came here."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction
from governance.models import Deployment, Finding, Gate
from governance.queries.pages import drawn_phase, gate_keys, latest_rounds
from ledger.models import Entry
from ledger.queries import entries_of_project
from lifecycle.figures import (
    IterationTimeline,
    PhaseRing,
    RingLoop,
    TimelineGate,
    TimelineMark,
    TimelinePhase,
    TimelineRow,
    TimelineSpan,
)
from lifecycle.models import Firing, Iteration, Membership, Phase, Project, Run
from lifecycle.queries.iterations import IterationOverview, PhaseOverview, iteration_overview, iterations_of
from lifecycle.queries.ownership import Holder, who_holds_what
from lifecycle.queries.projects import members_of
from lifecycle.queries.runs import latest_run

_TIMELINE_GATES: dict[str, str] = {Gate.State.OPEN: "open", Gate.State.PASSED: "passed"}


@dataclass(frozen=True)
class PhaseLine:
    """One row of the table of phases."""

    work: PhaseOverview
    gate_key: str
    gate: Gate | None

    @property
    def gate_name(self) -> str:
        """The gate in words, such as "G4 passed"."""
        if self.gate is None:
            inherited = self.work.phase.state == Phase.State.INHERITED
            return (_("%s inherited") if inherited else _("%s not open")) % self.gate_key
        return f"{self.gate.key} {self.gate.get_state_display().lower()}"


@dataclass(frozen=True)
class Way:
    """One way back in the iteration: from which phase to which, when and why."""

    source: str
    target: str
    at: dt.datetime
    why: str


@dataclass(frozen=True)
class Overview:
    """All that the page of a project shows; `iteration` is the open one, else the last, None before any."""

    project: Project
    iterations: list[Iteration]
    work: IterationOverview | None
    phases: dict[int, list[Phase]]
    gates: dict[int, list[Gate]]
    ways: list[Way]
    deployments: list[Deployment]
    findings: list[Finding]
    firings: list[Firing]
    holders: list[Holder]
    members: list[Membership]
    monitoring: Run | None
    role_names: dict[str, str] = field(default_factory=dict)

    @property
    def iteration(self) -> Iteration | None:
        return self.iterations[0] if self.iterations else None

    @property
    def live(self) -> list[Deployment]:
        return [each for each in self.deployments if each.state == Deployment.State.LIVE]

    @property
    def waiting_firings(self) -> list[Firing]:
        return [each for each in self.firings if each.state == Firing.State.WAITING]

    @property
    def open_gates(self) -> list[Gate]:
        """Gates that wait for a decision, of any iteration."""
        return [gate for found in self.gates.values() for gate in found if gate.state == Gate.State.OPEN]

    @property
    def held(self) -> list[tuple[Holder, str]]:
        """Who holds what, each with the name of their first role."""
        names = self.role_names
        return [(each, names.get((each.crisp_roles or [""])[0], "")) for each in self.holders]

    @property
    def lines(self) -> list[PhaseLine]:
        """The phases of the iteration with their last gates."""
        if self.work is None:
            return []
        keys, asked = self._asked(self.work.iteration)
        return [
            PhaseLine(work, keys.get(work.phase.key, ""), asked.get(keys.get(work.phase.key, "")))
            for work in self.work.phases
        ]

    @property
    def ring(self) -> PhaseRing | None:
        if self.work is None:
            return None
        iteration = self.work.iteration
        days = ((iteration.closed_at or timezone.now()) - iteration.opened_at).days + 1
        return PhaseRing(
            phases=tuple(
                drawn_phase(
                    line.work.phase,
                    done=line.work.done,
                    total=line.work.total,
                    gate_key=line.gate_key,
                    gate=line.gate,
                )
                for line in self.lines
            ),
            top=_("Iteration"),
            big=str(iteration.number),
            sub=_("day %d") % days,
            loops=tuple(RingLoop(way.source, way.target) for way in self.ways),
        )

    @property
    def timeline(self) -> IterationTimeline | None:
        """All iterations along the calendar, the first one on top; None before any phase has begun."""
        rows = [self._row(iteration) for iteration in reversed(self.iterations)]
        rows = [row for row in rows if row.phases]
        return IterationTimeline(tuple(rows), timezone.now()) if rows else None

    def _asked(self, iteration: Iteration) -> tuple[dict[str, str], dict[str, Gate]]:
        keys = gate_keys(iteration.process_version.document)
        return keys, latest_rounds(self.gates.get(iteration.pk, []))

    def _row(self, iteration: Iteration) -> TimelineRow:
        now = timezone.now()
        live = [each for each in self.deployments if each.iteration_id == iteration.pk]
        # What begins once a version is live is drawn as its time in production.
        until = min((each.deployed_at for each in live), default=now)
        marks = [
            TimelineMark(each.fired_at, each.trigger.key)
            for each in self.firings
            if each.pk == iteration.firing_id
        ]
        return TimelineRow(
            name=_("Iteration %d") % iteration.number,
            note=_cut(iteration.title),
            phases=tuple(
                TimelinePhase(
                    phase.key,
                    phase.started_at,
                    phase.ended_at or iteration.closed_at or now,
                    drawn_phase(phase, done=0, total=0, gate_key="", gate=None).state,
                )
                for phase in self.phases.get(iteration.pk, [])
                if phase.started_at is not None and phase.started_at <= until
            ),
            gates=tuple(
                TimelineGate(gate.decided_at or now, _TIMELINE_GATES.get(gate.state, "refused"))
                for gate in self.gates.get(iteration.pk, [])
                if gate.state != Gate.State.WITHDRAWN
            ),
            live=tuple(
                TimelineSpan(_("model %d") % each.model_version.number, each.deployed_at, each.ended_at)
                for each in live
            ),
            triggers=tuple(marks),
        )


def project_overview(project: Project) -> Overview:
    """A project with its iterations, gates, live versions and what is open. 14 queries."""
    iterations = list(iterations_of(project))
    latest = iterations[0] if iterations else None
    phases: dict[int, list[Phase]] = defaultdict(list)
    for phase in Phase.objects.filter(iteration__project=project).order_by("order"):
        phases[phase.iteration_id].append(phase)
    gates: dict[int, list[Gate]] = defaultdict(list)
    asked = Gate.objects.filter(iteration__project=project).select_related("phase", "model_version")
    for gate in asked.order_by("opened_at", "pk"):
        gates[gate.iteration_id].append(gate)
    return Overview(
        project=project,
        iterations=iterations,
        work=iteration_overview(latest) if latest else None,
        phases=phases,
        gates=gates,
        ways=_ways(latest, phases.get(latest.pk, []), gates.get(latest.pk, [])) if latest else [],
        deployments=list(project.deployments.select_related("model_version").order_by("deployed_at")),
        findings=list(project.findings.exclude(state=Finding.State.VERIFIED).select_related("owner")),
        firings=list(Firing.objects.filter(trigger__project=project).select_related("trigger")),
        holders=who_holds_what(latest) if latest else [],
        members=list(members_of(project)),
        monitoring=latest_run(project, Run.Kind.MONITORING),
        role_names=_role_names(latest or project),
    )


def _ways(iteration: Iteration, phases: list[Phase], gates: list[Gate]) -> list[Way]:
    """What sent the work round again: the firing that began it, then what gates decided. 1 query."""
    ways = []
    if iteration.firing is not None and phases:
        why = f"{iteration.firing.trigger.key}: {iteration.firing.summary}"
        ways.append(Way(phases[-1].key, iteration.start_phase, iteration.opened_at, why))
    refused = {str(gate.pk): gate for gate in gates if gate.state == Gate.State.REFUSED}
    decided = entries_of_project(iteration.project.slug).filter(
        action=GovernanceAction.GATE_DECIDED, subject_type="governance.gate", subject_id__in=refused
    )
    for entry in decided.order_by("index"):
        gate = refused[entry.subject_id]
        target = _target(entry)
        if target and target != gate.phase.key:
            why = _("%(gate)s refused: %(why)s") % {"gate": gate.key, "why": gate.outcome_reason}
            ways.append(Way(gate.phase.key, target, entry.recorded_at, why))
    return ways


def _target(entry: Entry) -> str:
    detail: dict[str, Any] = entry.payload.content.get("detail") or {}
    return str(detail.get("target_phase") or "")


def _role_names(source: Iteration | Project) -> dict[str, str]:
    roles = source.process_version.document.get("roles", [])
    return {role["code"]: role["name"] for role in roles}


def _cut(text: str, length: int = 26) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
