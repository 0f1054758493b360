"""Gate evaluations: each criterion as it was judged, and who signed what."""

from dataclasses import dataclass
from datetime import datetime

from reports.documents.measures import Bound
from reports.documents.states import Mark


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One judged criterion: in words, as expression, what was observed, and why the verdict is as it is.

    `value`, `limit` and `bound` are set where the criterion compares one number with a limit, so that it
    can be drawn; `observed` is always printed.
    """

    code: str
    words: str
    expression: str
    observed: str
    mark: Mark
    reason: str = ""
    evidence: str = ""
    value: float | None = None
    limit: float | None = None
    bound: Bound = Bound.AT_LEAST
    digits: int = 3
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One person's electronic signature: printed name, UTC time, meaning, decision and the digest of what
    was seen.
    """

    name: str
    role: str
    at: datetime
    meaning: str
    mark: Mark
    digest: str
    method: str = ""
    comment: str = ""
    entry: int | None = None
    stale: bool = False


@dataclass(frozen=True, kw_only=True)
class GateEvaluation:
    """One recorded evaluation of a gate. `package_digest` names what the signers saw, `entry` the ledger
    entry. `waiting` while the gate is not decided.
    """

    code: str
    title: str
    question: str
    evaluated_at: datetime
    mark: Mark
    package_digest: str
    model: str = ""
    model_digest: str = ""
    environment: str = ""
    entry: int | None = None
    criteria: tuple[Criterion, ...] = ()
    signatures: tuple[Signature, ...] = ()
    signatures_needed: int = 0
    waiting: bool = False
