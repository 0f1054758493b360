"""What records looked like at a moment, where they keep no time of their changes: read off the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from governance.models import Authorization
from ledger.models import Entry
from ledger.queries import Head, entries_of_project
from lifecycle.models import QualityAction, Risk

RISK, MEASURE, GIVEN = (
    each._meta.label_lower  # as entries call their subjects
    for each in (Risk, QualityAction, Authorization)
)


@dataclass
class RatedThen:
    """A risk as its entries left it."""

    state: str = str(Risk.State.IDENTIFIED)
    severity: int | None = None
    occurrence: int | None = None
    inherent: tuple[int, int] | None = None
    accepted_by: str = ""


@dataclass(frozen=True)
class Pasts:
    """Risks, measures and authorizations at a moment, by id.

    `later` are (type, id) of records that were changed after it. What has entries neither before nor after
    was never changed by a service, and is as it stands.
    """

    risks: Mapping[int, RatedThen] = field(default_factory=dict)
    measures: Mapping[int, str] = field(default_factory=dict)
    given: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    later: frozenset[tuple[str, int]] = frozenset()

    def rate(self, risk: Risk) -> Risk | None:
        """The risk with the state and ratings of then (not saved), None if nobody had rated it."""
        then = self.risks.get(risk.pk)
        if then is None:
            return None if (RISK, risk.pk) in self.later else risk
        risk.state = then.state
        if then.severity is not None:
            risk.severity, risk.occurrence = then.severity, then.occurrence
        if then.inherent is not None:
            risk.inherent_severity, risk.inherent_occurrence = then.inherent
        return risk

    def measure_state(self, measure: QualityAction) -> str | None:
        """The state of a measure then, None if it was not chosen yet."""
        if measure.pk in self.measures:
            return self.measures[measure.pk]
        return None if (MEASURE, measure.pk) in self.later else str(measure.state)

    def given_then(self, authorization: Authorization) -> tuple[str, str]:
        """(state, reason) of an authorization then."""
        if authorization.pk in self.given:
            return self.given[authorization.pk]
        return str(authorization.state), authorization.state_reason


def pasts_of(slug: str, entries: Sequence[Entry], head: Head) -> Pasts:
    """The pasts of a project's records from its entries up to the head. 1 query, for what came after."""
    after = entries_of_project(slug).filter(index__gte=head.size, subject_type__in=(RISK, MEASURE))
    later = after.order_by().values_list("subject_type", "subject_id").distinct()
    risks: dict[int, RatedThen] = {}
    measures: dict[int, str] = {}
    given: dict[int, tuple[str, str]] = {}
    for entry in entries:
        if entry.subject_type not in (RISK, MEASURE, GIVEN) or not entry.subject_id.isdigit():
            continue
        content = entry.payload.content or {}
        detail, pk = content.get("detail") or {}, int(entry.subject_id)
        if entry.subject_type == RISK:
            _follow(risks.setdefault(pk, RatedThen()), entry, detail, str(content.get("actor") or ""))
        elif entry.subject_type == GIVEN:
            given[pk] = (str(detail.get("to") or Authorization.State.ACTIVE), str(detail.get("reason") or ""))
        else:
            measures[pk] = str(detail.get("to") or measures.get(pk) or QualityAction.State.SELECTED)
            _measured(risks.setdefault(int(detail.get("risk") or 0), RatedThen()), detail)
    return Pasts(risks, measures, given, frozenset((kind, int(key)) for kind, key in later if key.isdigit()))


def _follow(then: RatedThen, entry: Entry, detail: Mapping[str, Any], actor: str) -> None:
    then.state = str(detail.get("to") or then.state)
    if entry.action == "risk.accepted":
        then.accepted_by = actor
    if detail.get("severity") and detail.get("occurrence"):
        then.severity, then.occurrence = int(detail["severity"]), int(detail["occurrence"])
        then.inherent = then.inherent or (then.severity, then.occurrence)


def _measured(then: RatedThen, detail: Mapping[str, Any]) -> None:
    then.state = str(detail.get("risk_to") or then.state)
    if detail.get("severity") and detail.get("occurrence"):
        then.severity, then.occurrence = int(detail["severity"]), int(detail["occurrence"])
