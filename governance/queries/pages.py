"""What pages of this app share: who sees which record, and phases with their gates as figures draw them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet

from governance.models import (
    Authorization,
    BreakGlass,
    Condition,
    Deployment,
    Feedback,
    Finding,
    Gate,
    Waiver,
)
from lifecycle.figures import RingPhase
from lifecycle.models import Phase, User
from lifecycle.queries.projects import projects_visible_to

_DRAWN_PHASES: dict[str, str] = {
    Phase.State.INHERITED: "done",
    Phase.State.PASSED: "done",
    Phase.State.PASSED_WITH_CONDITIONS: "done",
    Phase.State.DEFINING_REQUIREMENTS: "now",
    Phase.State.IN_PROGRESS: "now",
    Phase.State.IN_REVIEW: "now",
    Phase.State.REOPENED: "redo",
    Phase.State.ON_HOLD: "redo",
}
_DRAWN_GATES: dict[str, str] = {
    Gate.State.OPEN: "open",
    Gate.State.PASSED: "passed",
    Gate.State.CONDITIONAL: "conditional",
    Gate.State.LAPSED: "refused",
    Gate.State.REFUSED: "refused",
    Gate.State.HELD: "refused",
    Gate.State.STOPPED: "refused",
}


def gates_visible_to(user: User) -> QuerySet[Gate]:
    """The gates of all projects that the user sees. 1 query, project, phase and model included."""
    found = Gate.objects.select_related(
        "iteration__project__process_version", "phase", "model_version__project", "requested_by"
    )
    return found.filter(iteration__project__in=projects_visible_to(user).values("pk"))


def authorizations_visible_to(user: User) -> QuerySet[Authorization]:
    """The authorizations of all projects that the user sees. 1 query, project, gate and model included."""
    found = Authorization.objects.select_related(
        "project__process_version", "gate__iteration", "model_version"
    )
    return found.filter(project__in=projects_visible_to(user).values("pk"))


def deployments_visible_to(user: User) -> QuerySet[Deployment]:
    """The deployments of all projects that the user sees. 1 query, project and model included."""
    found = Deployment.objects.select_related("project__process_version", "model_version", "authorization")
    return found.filter(project__in=projects_visible_to(user).values("pk"))


def findings_visible_to(user: User) -> QuerySet[Finding]:
    """The findings of all projects that the user sees. 1 query, project and owner included."""
    found = Finding.objects.select_related("project__process_version", "owner", "resolved_by")
    return found.filter(project__in=projects_visible_to(user).values("pk"))


def conditions_visible_to(user: User) -> QuerySet[Condition]:
    """The conditions of all projects that the user sees. 1 query, gate, project and owner included."""
    found = Condition.objects.select_related(
        "gate__iteration__project__process_version", "gate__phase", "owner", "proposed_by"
    )
    return found.filter(gate__iteration__project__in=projects_visible_to(user).values("pk"))


def waivers_visible_to(user: User) -> QuerySet[Waiver]:
    """The waivers of all projects that the user sees. 1 query, gate, project and people included."""
    found = Waiver.objects.select_related(
        "gate__iteration__project__process_version", "gate__phase", "requested_by", "decided_by"
    )
    return found.filter(gate__iteration__project__in=projects_visible_to(user).values("pk"))


def feedback_visible_to(user: User) -> QuerySet[Feedback]:
    """The feedback of all projects that the user sees. 1 query, gate and project included."""
    found = Feedback.objects.select_related("gate__iteration__project__process_version", "gate__phase")
    return found.filter(gate__iteration__project__in=projects_visible_to(user).values("pk"))


def glass_visible_to(user: User) -> QuerySet[BreakGlass]:
    """The broken glass of all projects that the user sees. 1 query, project and model included."""
    found = BreakGlass.objects.select_related("project__process_version", "model_version", "asked_by")
    return found.filter(project__in=projects_visible_to(user).values("pk"))


def gate_keys(document: Mapping[str, Any]) -> dict[str, str]:
    """The key of the gate at the end of each phase, by the phase's key, of a process document as stored."""
    return {phase["key"]: phase.get("gate") or "" for phase in document.get("phases", [])}


def latest_rounds(gates: Iterable[Gate]) -> dict[str, Gate]:
    """Of each key the gate that was asked last; withdrawn ones don't count. All of one iteration."""
    asked = [gate for gate in gates if gate.state != Gate.State.WITHDRAWN]
    return {gate.key: gate for gate in sorted(asked, key=lambda gate: gate.round)}


def drawn_phase(
    phase: Phase, *, done: int, total: int, gate_key: str, gate: Gate | None, url: str = ""
) -> RingPhase:
    """A phase as ring and strip draw it."""
    state = _DRAWN_PHASES.get(phase.state, "todo")
    gate_state = _DRAWN_GATES[gate.state] if gate is not None else "todo"
    if phase.state == Phase.State.INHERITED:
        gate_state = "passed"
    elif phase.state == Phase.State.PASSED_WITH_CONDITIONS:
        gate_state = "conditional"
    return RingPhase(phase.key, phase.name, done, total, state, gate=gate_key, gate_state=gate_state, url=url)
