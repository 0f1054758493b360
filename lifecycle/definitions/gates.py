"""Gates: what must be seen, the criteria in CEL, who signs."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lifecycle.definitions.base import (
    Code,
    Count,
    Expression,
    Flag,
    Key,
    Line,
    Name,
    Part,
    PhaseKey,
    Slug,
    Text,
)

PROJECT_ROLES = ("manager", "contributor", "reviewer", "auditor")
"""Roles that a person has in a project; a signature may ask for these or for roles of the process."""


class Outcome(StrEnum):
    """What may come out of a gate."""

    PASS = "pass"  # noqa: S105 - the outcome's name, not a secret
    CONDITIONAL_PASS = "conditional_pass"  # noqa: S105 - likewise
    ITERATE = "iterate"
    HOLD = "hold"
    STOP = "stop"


class RiskClass(StrEnum):
    """How much harm a project can do; the classes of a project."""

    MINIMAL = "minimal"
    LIMITED = "limited"
    HIGH = "high"


class Criterion(Part):
    """One check of a gate. `words` is for people; when absent they are made from the expression."""

    key: Slug
    words: Text | None = None
    expression: Expression
    blocking: Flag = True
    why: Text


class Seat(Part):
    """Signatures of people with one of these roles; each of them takes another person."""

    roles: tuple[Code, ...] = Field(min_length=1)
    required: Annotated[Count, Field(ge=1, le=20)] = 1


class Signatures(Part):
    """How many different people sign, in which roles, and what their signature means.

    Without `seats` it is `required` people of any of the roles. With `seats` each seat wants its own, and
    with `in_order` a seat is filled only after those that are named before it.
    """

    required: Count = 1
    roles: tuple[Code, ...] = Field(default=("reviewer",), min_length=1)
    seats: tuple[Seat, ...] = ()
    in_order: Flag = False
    meaning: Text


class Gate(Part):
    """A check between phases (`between` holds the phase left and, if another follows, the one entered).

    `authorizes` is true for a gate whose pass lets a model version be deployed. `validity_days` says how
    long a pass is good for. `every_days` makes it come due again so long after it was decided, without an
    end of its phase. It holds for projects of the `risk_classes`, for all if none is named.
    """

    key: Key
    name: Name
    question: Text
    between: tuple[PhaseKey, ...] = Field(min_length=1, max_length=2)
    authorizes: Flag = False
    must_see: tuple[Line, ...] = ()
    criteria: tuple[Criterion, ...] = Field(min_length=1)
    signatures: Signatures
    validity_days: Annotated[Count, Field(ge=1, le=3650)] = 365
    every_days: Annotated[Count, Field(ge=1, le=3650)] | None = None
    risk_classes: tuple[RiskClass, ...] = ()
    outcomes: tuple[Outcome, ...] = Field(default=tuple(Outcome), min_length=1)
    sources: tuple[Name, ...] = ()

    def holds_for(self, risk_class: str) -> bool:
        """Whether projects of this risk class have to pass it."""
        return not self.risk_classes or risk_class in self.risk_classes


class SignedChange(StrEnum):
    """What may change after a gate was signed."""

    MODEL = "model"
    EVIDENCE_REJECTED = "evidence_rejected"
    EVIDENCE_EXPIRED = "evidence_expired"
    EVIDENCE_ADDED = "evidence_added"
    EVIDENCE_SOURCE = "evidence_source"
    MEASUREMENT = "measurement"
    CRITERION = "criterion"
    REQUIREMENT = "requirement"
    WAIVER = "waiver"
    RISK_REOPENED = "risk_reopened"
    RISK_ADDED = "risk_added"
    FINDING_OPENED = "finding_opened"
    SIGNER = "signer"


class MaterialChange(Part):
    """Whether a change makes what was signed stale. A change that the table does not name does."""

    key: SignedChange
    material: Flag = True
    why: Text
