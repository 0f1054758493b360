"""Evaluations: what the criteria of a gate see, say, and bind a signature to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance import events
from governance.actions import GovernanceAction as Action
from governance.criteria import Judgement
from governance.models import CriterionResult, Evaluation, Gate
from governance.queries.subjects import digest_of, look_at, subject_of
from governance.rules.gates import has_seat, may_ask
from governance.services.gate_moments import refuse_unless_open, refuse_when_over
from governance.services.locks import lock_gate
from ledger.actors import Actor
from ledger.services import append, hold_ledger
from lifecycle.models import User

MOST_FACTS = 1_000_000
"""So many characters of facts are kept with an evaluation."""


@transaction.atomic
def evaluate_gate(*, gate: Gate, actor: User | Actor, reason: str = "") -> Evaluation:
    """Judge every criterion now and keep the result; if nothing changed since the last time, give that one.

    `reason` says what it was repeated for. Raises `Refused` unless the gate is open.
    """
    gate = lock_gate(gate)
    if isinstance(actor, User) and not (may_ask(actor, gate.iteration.project) or has_seat(actor, gate)):
        raise PermissionDenied(_("Only people of this project can have a gate evaluated."))
    refuse_unless_open(gate)
    refuse_when_over(gate.iteration)
    last = gate.evaluations.order_by("-evaluated_at", "-pk").first()
    if last is not None and last.digest == digest_now(gate):
        return last
    # Once more with the ledger held: what is recorded as seen is what was there when it was recorded.
    hold_ledger()
    facts, judgements = look_at(gate)
    subject = subject_of(gate, facts, judgements)
    digest = digest_of(subject)
    if last is not None and last.digest == digest:
        return last

    verdict = all(given.passes for given in judgements if given.check.blocking)
    evaluation = Evaluation.objects.create(
        gate=gate, verdict=verdict, subject=subject.decode(), digest=digest, evaluated_at=now(),
        facts=kept_facts(facts.variables), reason=reason[:200],
    )  # fmt: skip
    CriterionResult.objects.bulk_create(
        _result(evaluation, order, given) for order, given in enumerate(judgements, start=1)
    )
    detail = {
        "iteration": gate.iteration.number, "gate": gate.key, "verdict": verdict, "digest": digest,
        "not_met": [given.check.key for given in judgements if not given.passes],
        "waived": [given.check.key for given in judgements if given.waiver is not None],
        "reason": reason,
    }  # fmt: skip
    append(
        actor=actor,
        action=Action.GATE_EVALUATED,
        subject=gate,
        project=gate.iteration.project.slug,
        detail=detail,
    )
    told = events.GateEvaluated(evaluation_id=evaluation.pk, project_id=gate.iteration.project_id)
    events.gate_evaluated.send(sender=Evaluation, event=told)
    return evaluation


def kept_facts(variables: Mapping[str, Any]) -> dict[str, Any] | None:
    """The facts as they are kept beside the evaluation; None for more than a megabyte of them."""
    text = json.dumps(variables, default=str).replace("\\u0000", "\ufffd")
    return json.loads(text) if len(text) <= MOST_FACTS else None


def digest_now(gate: Gate) -> str:
    """The digest that an evaluation would have now. Records nothing."""
    facts, judgements = look_at(gate)
    return digest_of(subject_of(gate, facts, judgements))


def _result(evaluation: Evaluation, order: int, given: Judgement) -> CriterionResult:
    check = given.check
    return CriterionResult(
        evaluation=evaluation,
        order=order,
        key=check.key,
        words=check.words,
        expression=check.expression,
        blocking=check.blocking,
        verdict=given.verdict,
        reason=given.reason,
        metric=check.metric,
        slice=check.slice,
        operator=check.operator,
        observed=given.observed,
        limit=check.limit,
        previous=given.previous,
        seen=[list(each) for each in given.seen],
        waiver_id=given.waiver,
    )
