"""What may be used, what is used, and what is still to be put right."""

from dataclasses import dataclass
from datetime import date, datetime

from reports.documents.states import Mark


@dataclass(frozen=True, kw_only=True)
class Authorization:
    """Permission for one model digest in one environment. `reason` says why it was withdrawn, if it was."""

    code: str
    model: str
    model_digest: str
    environment: str
    mark: Mark
    valid_from: datetime
    valid_until: datetime | None = None
    scope: str = ""
    gate: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What was put where, under which authorization (empty if under none)."""

    code: str
    at: datetime
    environment: str
    model: str
    model_digest: str
    by: str
    mark: Mark
    authorization: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class CheckCount:
    """How often a deployment check gave an answer, and its usual reason."""

    mark: Mark
    count: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """A justified exception to one criterion for a time."""

    code: str
    criterion: str
    reason: str
    granted_by: str
    valid_until: date | None
    mark: Mark


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that must be put right. `closed_on` is None while it is open."""

    code: str
    text: str
    owner: str
    opened_on: date
    mark: Mark
    due_on: date | None = None
    closed_on: date | None = None
