"""The parts that describe work: phases, tasks with their proof, risks and quality-assurance methods."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lifecycle.definitions.base import Code, Count, Flag, Key, Line, Name, Part, PhaseKey, Text

Score = Annotated[Count, Field(ge=1, le=5)]
Days = Annotated[Count, Field(ge=0, le=3650)]


class EvidenceKind(StrEnum):
    """What a piece of evidence is: five kinds of run, a recorded review, a document."""

    DATA_VALIDATION = "DVR"
    TRAINING = "TRN"
    EVALUATION = "EVR"
    DEPLOYMENT = "DPR"
    MONITORING = "MON"
    REVIEW = "REV"
    DOCUMENT = "DOC"


class Provability(StrEnum):
    """How far a real run can prove that a task is done."""

    RUN = "run"
    RUN_AND_REVIEW = "run_and_review"
    REVIEW = "review"


class RiskCategory(StrEnum):
    """The first three are the paper's; the others widen them."""

    TECHNICAL = "technical"
    OPERATIONAL = "operational"
    ECONOMIC = "economic"
    LEGAL = "legal"
    ETHICAL = "ethical"
    SECURITY = "security"


class Source(Part):
    """Something the definition rests on. `citation` is what `sources` of other parts begin with."""

    id: Key
    title: Line
    citation: Name
    url: str = Field(default="", max_length=500)


class Role(Part):
    """A role in the process, such as data scientist; people are given roles in a project."""

    code: Code
    name: Name


class Stage(Part):
    """One of the broad stages that tasks are grouped in beside the phases."""

    code: Code
    name: Name


class Phase(Part):
    """A phase of the process. `gate` is the key of the gate that ends it."""

    key: PhaseKey
    name: Name
    aliases: tuple[Name, ...] = ()
    purpose: Text
    starts_when: Text
    ends_when: Text
    gate: Key | None = None
    sources: tuple[Name, ...] = ()


class EvidenceRequest(Part):
    """One piece of evidence that proves a task: its kind, what it must show, the fields it must hold."""

    kind: EvidenceKind
    asks: Text
    fields: tuple[Name, ...] = ()


class Proof(Part):
    """What shows that a task is done."""

    provability: Provability
    evidence: tuple[EvidenceRequest, ...] = Field(min_length=1)


class Task(Part):
    """A task of a phase. `after` names tasks of the same phase that come first.

    `due_days` counts from the start of the phase. `plain_step` is the step (1 to 8) of the plain
    view gather, study, prepare, create, train, evaluate, deploy, monitor.
    """

    key: Key
    phase: PhaseKey
    name: Name
    summary: Text
    stage: Code | None = None
    inputs: tuple[Line, ...] = ()
    outputs: tuple[Line, ...] = ()
    requirements: tuple[Line, ...] = ()
    owner: Code
    support: tuple[Code, ...] = ()
    optional: Flag = False
    after: tuple[Key, ...] = ()
    due_days: Days = 14
    plain_step: Annotated[Count, Field(ge=1, le=8)] | None = None
    proof: Proof
    sources: tuple[Name, ...] = ()


class Risk(Part):
    """Something that may go wrong. Without `tasks` it concerns every task of the phase."""

    key: Key
    phase: PhaseKey
    tasks: tuple[Key, ...] = ()
    text: Line
    category: RiskCategory
    severity: Score = 3
    occurrence: Score = 3
    methods: tuple[Key, ...] = ()
    sources: tuple[Name, ...] = ()


class Method(Part):
    """A quality-assurance method that lowers risks."""

    key: Key
    name: Name
    text: Text
    sources: tuple[Name, ...] = ()
