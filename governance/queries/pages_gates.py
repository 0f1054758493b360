"""The gates of a project by iteration, with what can be asked for next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery

from governance.models import Evaluation, Gate, Signoff
from governance.queries.pages import gate_keys, latest_rounds
from lifecycle.definitions import Gate as GateDefinition
from lifecycle.models import Iteration, Phase, Project
from lifecycle.queries.iterations import iterations_of
from lifecycle.sorting import Sorting

SORTS: Mapping[str, Callable[[Gate], Any]] = {
    "gate": lambda gate: (gate.key, gate.round),
    "model": lambda gate: gate.model_version.number if gate.model_version else None,
    "criteria": lambda gate: vars(gate)["verdict"],
    "approvals": lambda gate: vars(gate)["approvals"],
    "state": lambda gate: str(gate.get_state_display()),
    "date": lambda gate: gate.decided_at or gate.opened_at,
}


@dataclass(frozen=True)
class Ahead:
    """A gate of the open iteration that nobody asks for at present, and the phase before it."""

    key: str
    name: str
    question: str
    phase: Phase
    last: Gate | None

    @property
    def may_be_opened(self) -> bool:
        return self.phase.state == Phase.State.IN_REVIEW

    @property
    def may_be_submitted(self) -> bool:
        return self.phase.state == Phase.State.IN_PROGRESS


@dataclass(frozen=True)
class IterationGates:
    """One iteration with the gates that were asked for in it, the last one first."""

    iteration: Iteration
    gates: list[Gate]
    ahead: list[Ahead]


def gates_by_iteration(project: Project, sorting: Sorting | None = None) -> list[IterationGates]:
    """Every gate of a project, annotated with `verdict` and `approvals` of its last evaluation. 3 queries.

    `sorting` is of the gates inside each iteration, by `SORTS`.
    """
    iterations = list(iterations_of(project))
    last = Evaluation.objects.filter(gate=OuterRef("pk")).order_by("-evaluated_at", "-pk")
    gates = (
        Gate.objects.filter(iteration__project=project)
        .select_related("phase", "model_version", "requested_by")
        .annotate(
            verdict=Subquery(last.values("verdict")[:1]),
            approvals=Count(
                "signoffs",
                filter=Q(
                    signoffs__decision=Signoff.Decision.APPROVE,
                    signoffs__evaluation=Subquery(last.values("pk")[:1]),
                ),
            ),
        )
        .order_by("-opened_at", "-pk")
    )
    asked: dict[int, list[Gate]] = {each.pk: [] for each in iterations}
    for gate in gates:
        asked[gate.iteration_id].append(gate)
    phases = list(Phase.objects.filter(iteration__in=iterations[:1]).order_by("order"))
    return [
        IterationGates(
            each, _sorted(asked[each.pk], sorting), _ahead(each, phases, asked[each.pk]) if place == 0 else []
        )
        for place, each in enumerate(iterations)
    ]


def _sorted(gates: list[Gate], sorting: Sorting | None) -> list[Gate]:
    return sorting.rows(gates) if sorting else gates


def gate_definition(iteration: Iteration, key: str) -> GateDefinition | None:
    """What the process of the iteration says of a gate, None if it has no such gate. No query."""
    found = next((gate for gate in iteration.process_version.document["gates"] if gate["key"] == key), None)
    return GateDefinition.model_validate(found) if found is not None else None


def _ahead(iteration: Iteration, phases: list[Phase], asked: list[Gate]) -> list[Ahead]:
    if iteration.state != Iteration.State.OPEN:
        return []
    settled = (Phase.State.PASSED, Phase.State.PASSED_WITH_CONDITIONS, Phase.State.INHERITED)
    keys, last = gate_keys(iteration.process_version.document), latest_rounds(asked)
    found = []
    for phase in phases:
        definition = gate_definition(iteration, keys.get(phase.key, ""))
        gate = last.get(keys.get(phase.key, ""))
        is_open = gate is not None and gate.state == Gate.State.OPEN
        if definition is not None and not is_open and phase.state not in settled:
            found.append(Ahead(definition.key, definition.name, definition.question, phase, gate))
    return found
