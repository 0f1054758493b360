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


class Criterion(Part):
    """One check of a gate. `words` is for people; when absent they are made from the expression."""

    key: Slug
    words: Text | None = None
    expression: Expression
    blocking: Flag = True
    why: Text


class Signatures(Part):
    """How many different people sign, in which roles, and what their signature means."""

    required: Count = 1
    roles: tuple[Code, ...] = Field(default=("reviewer",), min_length=1)
    meaning: Text


class Gate(Part):
    """A check between phases (`between` holds the phase left and, if another follows, the one entered).

    `authorizes` is true for a gate whose pass lets a model version be deployed. `validity_days` says how
    long a pass is good for.
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
    outcomes: tuple[Outcome, ...] = Field(default=tuple(Outcome), min_length=1)
    sources: tuple[Name, ...] = ()
