"""The rows of a gate's page: a criterion, a piece of evidence, a person who may not sign."""

from __future__ import annotations

from dataclasses import dataclass

from governance.models import CriterionResult
from lifecycle.figures import Bullet
from lifecycle.models import Evidence, User

Verdict = CriterionResult.Verdict


@dataclass(frozen=True)
class CriterionLine:
    """A criterion with its picture, where it compares a number."""

    result: CriterionResult
    bullet: Bullet | None

    @property
    def state(self) -> str:
        """The word of the design system: what only advises and is not met warns."""
        if self.result.verdict == Verdict.NOT_MET and not self.result.blocking:
            return "warn"
        return self.result.verdict

    @property
    def deviates(self) -> bool:
        return self.result.verdict != Verdict.MET


@dataclass(frozen=True)
class EvidenceLine:
    """A piece of evidence as the evaluation saw it, and what became of it since."""

    task: str
    kind: str
    digest: str
    state: str
    evidence: Evidence | None

    @property
    def changed_to(self) -> str:
        """The present state, where it is another one than was looked at."""
        now = self.evidence
        return str(now.get_state_display()) if now is not None and now.state != self.state else ""


@dataclass(frozen=True)
class Barred:
    """Somebody who may not sign, with the ledger entry that shows why; without one: no seat."""

    user: User
    text: str
    entry: int | None
