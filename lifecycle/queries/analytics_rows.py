"""The rows of the tables of the analytics. All times are seconds, all rates are parts of 1."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class PhaseTime:
    """Time from the first start of a phase to its last pass, over iterations; `review` waited."""

    key: str
    name: str
    passed: int
    running: int
    starts: int
    median: float | None
    slow: float | None
    review: float


@dataclass(frozen=True)
class WorkTime:
    """Sums over the tasks of a phase: worked on, and waiting for somebody else."""

    key: str
    name: str
    tasks: int
    working: float
    verification: float
    blocked: float

    @property
    def waiting(self) -> float:
        return self.verification + self.blocked

    @property
    def share(self) -> float | None:
        """The part that was waiting, 0 to 1."""
        whole = self.working + self.waiting
        return self.waiting / whole if whole else None


@dataclass(frozen=True)
class HandoffTime:
    """Offers and returns of one kind of handoff; `median` from the offer to the decision."""

    key: str
    name: str
    offered: int
    accepted: int
    returned: int
    median: float | None

    @property
    def rate(self) -> float:
        """The part of offers that came back, 0 to 1."""
        return self.returned / self.offered if self.offered else 0.0


@dataclass(frozen=True)
class Holding:
    """Who had handoffs in hand, and how long; `kind` is person or role."""

    kind: str
    name: str
    handoffs: int
    held: float
    longest: float
    now: int


@dataclass(frozen=True)
class Loop:
    """Work that went round again: a phase reopened, or an iteration begun for a reason."""

    kind: str
    project: str
    iteration: int
    phase: str
    at: dt.datetime | None
    reason: str


@dataclass(frozen=True)
class GateRounds:
    """How often a gate was opened until it was passed; `median` from opening to decision."""

    key: str
    name: str
    opened: int
    passed: int
    refused: int
    median: float | None
