"""What this app tells upwards. Sent with `send()` in the transaction: a receiver that fails undoes it all."""

from dataclasses import dataclass

from django.dispatch import Signal


@dataclass(frozen=True)
class RunEnded:
    """A run has finished or failed; kind, state and source are told so that most listeners need not look."""

    run_id: int
    project_id: int
    kind: str
    state: str
    source: str


@dataclass(frozen=True)
class RunContentChanged:
    """The source of a run that had ended says something else than before, or that the run was deleted.

    The digests are SHA-256 of the run's content before and after (`Run.content_digest`). Told once for each
    change, in its transaction; the run's row is new already.
    """

    run_id: int
    project_id: int
    before_digest: str
    after_digest: str
    batch_id: int
    deleted_at_source: bool


@dataclass(frozen=True)
class EvidenceChanged:
    """Evidence was attached, verified, rejected or expired."""

    evidence_id: int
    task_id: int
    project_id: int


@dataclass(frozen=True)
class EvidenceSourceChanged:
    """The source of a frozen snapshot was found changed, gone, or as it was again (`state` says which)."""

    snapshot_id: int
    project_id: int
    state: str


@dataclass(frozen=True)
class TriggerStarted:
    """A firing's action starts; a higher app carries out what is its own (suspend an authorization)."""

    firing_id: int
    project_id: int
    action: str


@dataclass(frozen=True)
class PhaseChanged:
    """A phase has moved to another state."""

    phase_id: int
    project_id: int
    state: str


@dataclass(frozen=True)
class HandoffMoved:
    """A handoff has moved to another state."""

    handoff_id: int
    project_id: int
    state: str
    actor_id: int


@dataclass(frozen=True)
class TaskAssigned:
    """A task has another owner than before."""

    task_id: int
    project_id: int
    owner_id: int
    actor_id: int


@dataclass(frozen=True)
class TasksAssigned:
    """Many tasks were assigned in one step, which the ledger's entry `entry` begins.

    `shares` says who came to what: (person, duty, ids), the duty being R does, A answers for, C is asked
    about, I is told of these tasks, H gives or takes these handoffs.
    """

    project_id: int
    actor_id: int
    entry: int
    shares: tuple[tuple[int, str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class TaskMoved:
    """A task has moved to another state by a step of its own."""

    task_id: int
    project_id: int
    state: str


@dataclass(frozen=True)
class FiringWaits:
    """A firing waits for a person."""

    firing_id: int
    project_id: int


@dataclass(frozen=True)
class RequirementChanged:
    """A requirement has a new version."""

    requirement_id: int
    project_id: int


@dataclass(frozen=True)
class RiskEscalated:
    """A risk that measures do not lower waits for a manager."""

    risk_id: int
    project_id: int
    actor_id: int
    reason: str


@dataclass(frozen=True)
class TestSetUsed:
    """An evaluation has used a locked test set."""

    __test__ = False

    test_set_id: int
    project_id: int
    run_id: int


run_ended = Signal()
run_content_changed = Signal()
evidence_changed = Signal()
evidence_source_changed = Signal()
trigger_started = Signal()
phase_changed = Signal()
handoff_moved = Signal()
task_assigned = Signal()
tasks_assigned = Signal()
task_moved = Signal()
firing_waits = Signal()
requirement_changed = Signal()
risk_escalated = Signal()
test_set_used = Signal()
