"""The process that a project follows, and who holds which part of it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Person:
    """A member of the project. `key` is the actor key that the ledger uses."""

    key: str
    name: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PhaseDefinition:
    """One phase of the process with the stages its tasks belong to and the code of the gate that closes
    it.
    """

    number: int
    name: str
    stages: tuple[str, ...] = ()
    tasks: int = 0
    gate: str = ""


@dataclass(frozen=True, kw_only=True)
class HandoffDefinition:
    """A handoff that the process foresees, between two roles."""

    code: str
    title: str
    giver: str
    taker: str


@dataclass(frozen=True, kw_only=True)
class GateDefinition:
    """A gate that the process foresees. `question` is what it decides."""

    code: str
    title: str
    question: str
    criteria: int
    signatures: int


@dataclass(frozen=True, kw_only=True)
class Duty:
    """Who answers for a piece of work, who does it, who is asked and told: keys of people."""

    phase: int
    work: str
    accountable: tuple[str, ...] = ()
    responsible: tuple[str, ...] = ()
    consulted: tuple[str, ...] = ()
    informed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Process:
    """The pinned process version; `digest` names its document."""

    name: str
    version: str
    digest: str
    published_at: datetime | None = None
    phases: tuple[PhaseDefinition, ...] = ()
    handoffs: tuple[HandoffDefinition, ...] = ()
    gates: tuple[GateDefinition, ...] = ()
