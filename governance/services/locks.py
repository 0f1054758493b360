"""What a decision locks, in the one order that every decision keeps."""

from __future__ import annotations

from django.db.models import QuerySet

from governance.models import Gate
from ledger.services import hold_ledger
from lifecycle.models import Handoff, Iteration, Phase, Project, Task, User


def lock_gate(gate: Gate) -> Gate:
    """The gate as it is now, locked until the transaction ends."""
    return (
        Gate.objects.select_for_update(of=("self",))
        .select_related("iteration__project", "phase", "model_version")
        .get(pk=gate.pk)
    )


def lock_iteration(iteration: Iteration) -> Iteration:
    """The iteration as it is now, locked behind its project: the order of every decision. 2 queries."""
    _lock(Project.objects.filter(pk=iteration.project_id))
    found = Iteration.objects.select_for_update(of=("self",))
    return found.select_related("project", "process_version").get(pk=iteration.pk)


def lock_for_decision(gate: Gate, signer: User | None = None) -> Gate:
    """The gate, locked with all that its decision may move; from here on no fact changes. 8 queries.

    Project, person, iteration, gate, phases, tasks and handoffs, then the ledger: whoever changes a fact
    records it, and so has either ended before or waits until the decision is made. Rows that others only
    refer to are locked so that they still can.
    """
    iteration = Iteration.objects.only("pk", "project_id").get(pk=gate.iteration_id)
    _lock(Project.objects.filter(pk=iteration.project_id))
    if signer is not None:
        _lock(User.objects.filter(pk=signer.pk))
    _lock(Iteration.objects.filter(pk=iteration.pk))
    found = lock_gate(gate)
    _lock(Phase.objects.filter(iteration=iteration).order_by("order"))
    _lock(Task.objects.filter(phase__iteration=iteration).order_by("pk"))
    _lock(Handoff.objects.filter(iteration=iteration).order_by("pk"))
    hold_ledger()
    # Read again what was fetched with the gate, now that it stands still.
    found.iteration.refresh_from_db()
    found.phase.refresh_from_db()
    return found


def _lock(
    rows: QuerySet[Project]
    | QuerySet[User]
    | QuerySet[Iteration]
    | QuerySet[Phase]
    | QuerySet[Task]
    | QuerySet[Handoff],
) -> None:
    list(rows.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
