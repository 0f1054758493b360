"""Gate evaluations as documents: each criterion as it was judged, and who signed what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from governance.models import CriterionResult, Evaluation, Gate, Signoff
from reports.documents import Bound, Criterion, GateEvaluation, Mark, Signature, State
from reports.queries.measures import limit_from
from reports.queries.moment import Moment, mark, version_words

GATE_MARKS = {
    Gate.State.OPEN: State.IDLE,
    Gate.State.PASSED: State.OK,
    Gate.State.REFUSED: State.BAD,
    Gate.State.HELD: State.WARN,
    Gate.State.STOPPED: State.BAD,
    Gate.State.WITHDRAWN: State.IDLE,
}
DECISION_MARKS = {
    Signoff.Decision.APPROVE: State.OK,
    Signoff.Decision.REJECT: State.BAD,
    Signoff.Decision.ACKNOWLEDGE: State.IDLE,
}


@dataclass(frozen=True)
class Signing:
    """What the signatures of a project need beside themselves: roles by person, ledger entries by record."""

    roles: Mapping[int, str] = field(default_factory=dict)
    entries: Mapping[tuple[str, str, str], list[int]] = field(default_factory=dict)

    def entry(self, action: str, kind: str, key: int, nth: int = 0) -> int | None:
        """The number of the nth entry about a record, None if this report does not hold it."""
        found = self.entries.get((action, kind, str(key)), [])
        return found[nth] if 0 <= nth < len(found) else None


def gate_documents(gates: Sequence[Gate], moment: Moment, signing: Signing) -> tuple[GateEvaluation, ...]:
    """All evaluations of some gates in order of time. No query: evaluations and signoffs are prefetched."""
    found = []
    for gate in gates:
        known = [e for e in gate.evaluations.all() if moment.seen(e.evaluated_at)]
        ordered = sorted(known, key=lambda e: (e.evaluated_at, e.pk))
        for nth, evaluation in enumerate(ordered):
            last = nth == len(ordered) - 1
            found.append(_document(gate, evaluation, moment, signing, nth=nth, last=last))
    return tuple(sorted(found, key=lambda each: each.evaluated_at))


def _document(
    gate: Gate, evaluation: Evaluation, moment: Moment, signing: Signing, *, nth: int, last: bool
) -> GateEvaluation:
    title = (
        gate.name if gate.round == 1 else _("%(name)s, round %(n)d") % {"name": gate.name, "n": gate.round}
    )
    signed = [s for s in gate.signoffs.all() if s.evaluation_id == evaluation.pk and moment.seen(s.signed_at)]
    return GateEvaluation(
        code=gate.key,
        title=title,
        question=gate.question,
        evaluated_at=evaluation.evaluated_at,
        mark=_mark(gate, moment, last=last),
        package_digest=evaluation.digest,
        model=version_words(gate.model_version.number) if gate.model_version else "",
        model_digest=gate.model_version.digest if gate.model_version else "",
        environment=gate.environment,
        entry=signing.entry("gate.evaluated", "governance.gate", gate.pk, nth),
        criteria=tuple(_criterion(result) for result in evaluation.results.all()),
        signatures=tuple(_signature(each, signing, stale=not last) for each in signed),
        signatures_needed=gate.required_signatures,
        waiting=last and not moment.seen(gate.decided_at),
    )


def _mark(gate: Gate, moment: Moment, *, last: bool) -> Mark:
    if not last:
        return mark(State.IDLE, _("evaluated again later"))
    if not moment.seen(gate.decided_at):
        return mark(State.IDLE, _("open"))
    return mark(GATE_MARKS[Gate.State(gate.state)], gate.get_state_display())


def _criterion(result: CriterionResult) -> Criterion:
    limit = limit_from(result.operator, result.limit) if result.limit is not None else None
    met = result.verdict == CriterionResult.Verdict.MET
    return Criterion(
        code=f"C{result.order + 1}",
        words=result.words,
        expression=result.expression,
        observed=_observed(result),
        mark=_verdict(result),
        reason="" if met or (limit is not None and result.observed is not None) else result.reason,
        value=result.observed,
        limit=limit.value if limit else None,
        bound=limit.bound if limit else Bound.AT_LEAST,
    )


def _observed(result: CriterionResult) -> str:
    if result.observed is not None:
        return f"{result.observed:.3f}"
    if result.metric:
        return _("not measured")
    return {"met": _("yes"), "waived": _("waived")}.get(result.verdict, _("no"))


def _verdict(result: CriterionResult) -> Mark:
    kinds = {
        CriterionResult.Verdict.MET: State.OK,
        CriterionResult.Verdict.WAIVED: State.WAIVED,
    }
    state = kinds.get(CriterionResult.Verdict(result.verdict))
    if state is not None:
        return mark(state, result.get_verdict_display())
    if result.blocking:
        return mark(State.BAD, result.get_verdict_display())
    return mark(State.WARN, _("not met, not blocking"))


def _signature(signoff: Signoff, signing: Signing, *, stale: bool) -> Signature:
    return Signature(
        name=signoff.signer_name,
        role=signing.roles.get(signoff.signer_id, ""),
        at=signoff.signed_at,
        meaning=str(signoff.get_meaning_display()),
        mark=mark(DECISION_MARKS[Signoff.Decision(signoff.decision)], _decided()[signoff.decision]),
        digest=signoff.digest,
        method=_("password"),
        comment=signoff.comment,
        entry=signing.entry("gate.signed", "governance.signoff", signoff.pk),
        stale=stale,
    )


def _decided() -> dict[str, str]:
    return {"approve": _("approved"), "reject": _("rejected"), "acknowledge": _("acknowledged")}
