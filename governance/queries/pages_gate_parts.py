"""The rows of a gate's page: a criterion, a piece of evidence, a person who may not sign."""

from __future__ import annotations

from dataclasses import dataclass

from governance.models import CriterionResult, Waiver
from lifecycle.definitions.cel_words import words_of
from lifecycle.figures import Bullet
from lifecycle.models import Evidence, User

Verdict = CriterionResult.Verdict


@dataclass(frozen=True)
class CriterionLine:
    """A criterion with its picture, where it compares a number."""

    result: CriterionResult
    bullet: Bullet | None
    waiver: Waiver | None = None

    @property
    def state(self) -> str:
        """The word of the design system: what only advises and is not met warns."""
        if self.result.verdict == Verdict.NOT_MET and not self.result.blocking:
            return "warn"
        return self.result.verdict

    @property
    def deviates(self) -> bool:
        return self.result.verdict != Verdict.MET

    @property
    def compared(self) -> str:
        """What the expression compares, in words made from it; empty where it says no more than its title."""
        said = words_of(self.result.expression)
        return "" if said.rstrip(".") == self.result.words.rstrip(".") else said

    @property
    def may_be_waived(self) -> bool:
        """A blocking criterion that is not met and has no waiver; what holds all gates is settled."""
        passes = self.result.verdict in (Verdict.MET, Verdict.WAIVED)
        held = self.result.key in ("findings-settled", "changes-settled")
        return self.result.blocking and not passes and self.waiver is None and not held


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
