"""One trip round the cycle: phases, tasks, handoffs, and the runs and gates that belong to it."""

from dataclasses import dataclass
from datetime import date, datetime

from reports.documents.gates import GateEvaluation
from reports.documents.runs import Run
from reports.documents.states import Mark


@dataclass(frozen=True, kw_only=True)
class EvidenceItem:
    """A frozen snapshot that proves something. `digest` is its SHA-256, `proves` the code of the task or
    criterion.
    """

    code: str
    kind: str
    title: str
    digest: str
    frozen_at: datetime
    proves: str = ""
    frozen_by: str = ""
    source: str = ""
    """What became of the record that it was taken of, in words; empty while that is unchanged."""


@dataclass(frozen=True, kw_only=True)
class PhaseState:
    """Where a phase of an iteration stands."""

    number: int
    name: str
    mark: Mark
    tasks_done: int = 0
    tasks_total: int = 0
    opened_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task of an iteration with its owner and the evidence that closed it."""

    code: str
    phase: int
    title: str
    owner: str
    mark: Mark
    due_on: date | None = None
    evidence: tuple[EvidenceItem, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Handoff:
    """Deliverables from one person to another."""

    code: str
    title: str
    giver: str
    taker: str
    mark: Mark
    due_on: date | None = None
    offered_at: datetime | None = None
    decided_at: datetime | None = None
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class Iteration:
    """Why it was opened, and all that happened in it."""

    number: int
    reason: str
    opened_by: str
    opened_at: datetime
    mark: Mark
    closed_at: datetime | None = None
    start_phase: str = ""
    phases: tuple[PhaseState, ...] = ()
    tasks: tuple[Task, ...] = ()
    handoffs: tuple[Handoff, ...] = ()
    runs: tuple[Run, ...] = ()
    gates: tuple[GateEvaluation, ...] = ()
    evidence: tuple[EvidenceItem, ...] = ()
