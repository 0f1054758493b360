"""What a gate's criteria say of the facts, and the text that a signature binds to. Writes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import rfc8785
from django.utils.translation import gettext as _

from governance.criteria import Check, Judgement, defined_check, judge, metric_expression
from governance.models import CriterionResult, Gate, Waiver
from governance.queries.facts import Facts, facts_of, is_agreed
from lifecycle.models import SourceState


def look_at(gate: Gate) -> tuple[Facts, list[Judgement]]:
    """The facts as they are now and what each criterion says of them; a waiver excuses what is not met."""
    facts = facts_of(gate)
    return facts, judgements_of(gate, facts)


def judgements_of(gate: Gate, facts: Facts) -> list[Judgement]:
    """What each criterion says of these facts. No query."""
    judgements = [judge(check, facts.variables) for check in checks_of(gate, facts)]
    excused = {each.criterion: each for each in facts.waivers}
    judgements = [_excused(given, excused.get(given.check.key)) for given in judgements]
    held = [judge(check, facts.variables) for check in holding_checks()]
    return judgements + [given for given in held if not given.passes]


def holding_checks() -> list[Check]:
    """What holds every gate closed, whatever its definition says. Shown only where it does."""
    expressions = {
        "findings-settled": "!findings.exists(f, f.holds && f.open)",
        "changes-settled": "!feedback.exists(f, f.asks_changes && f.open)",
    }
    words = {
        "findings-settled": _("No finding holds the gates of this project closed."),
        "changes-settled": _("No request for changes waits for an answer."),
    }
    return [Check(key, words[key], expression, blocking=True) for key, expression in expressions.items()]


def _excused(given: Judgement, waiver: Waiver | None) -> Judgement:
    if waiver is None or given.passes:
        return given
    words = {"who": waiver.signer_name, "day": waiver.expires_on.isoformat(), "reason": given.reason}
    said = _("Waived by %(who)s until %(day)s. %(reason)s") % words
    return replace(given, verdict=CriterionResult.Verdict.WAIVED, reason=said[:1000], waiver=waiver.pk)


def checks_of(gate: Gate, facts: Facts) -> list[Check]:
    """The criteria of the frozen definition, then the project's requirements for this gate."""
    defined = [defined_check(item) for item in gate.definition["criteria"]]
    asked = [
        Check(
            key=item.key,
            words=item.statement,
            expression=metric_expression(item.metric, item.slice, item.operator, item.limit),
            blocking=item.blocking,
            metric=item.metric,
            slice=item.slice,
            operator=item.operator,
            limit=item.limit,
            agreed=is_agreed(item),
        )
        for item in facts.requirements_at(gate)
    ]
    return asked + defined


def subject_of(gate: Gate, facts: Facts, judgements: list[Judgement]) -> bytes:
    """Canonical JSON of exactly what is decided on; its SHA-256 is what a signature binds to."""
    return rfc8785.dumps(
        {
            "gate": {
                "key": gate.key,
                "round": gate.round,
                "project": gate.iteration.project.slug,
                "iteration": gate.iteration.number,
                "definition": gate.definition,
            },
            "model": gate.model_version.digest if gate.model_version else None,
            "environment": gate.environment,
            "scope": gate.scope,
            "criteria": [_as_signed(given) for given in judgements],
            "evidence": sorted(
                [item.task.key, item.snapshot.kind, item.snapshot.digest, item.state]
                for item in facts.evidence
            ),
            "risks": facts.variables["risks"],
            "findings": [
                {name: item[name] for name in ("id", "title", "severity", "state", "holds")}
                for item in facts.variables["findings"]
            ],
            "waivers": [
                [waiver.pk, waiver.criterion, waiver.digest, waiver.expires_on.isoformat()]
                for waiver in facts.waivers
            ],
            "conditions": [
                [condition.text, condition.owner.actor_key, condition.due_on.isoformat()]
                for condition in facts.conditions
            ],
            **_sources(facts),
        }
    )


def _sources(facts: Facts) -> dict[str, list[list[str]]]:
    """The evidence whose source is no longer what was frozen, or was not for a while; nothing without any."""
    found = sorted({(item.snapshot.digest, item.snapshot.source_state) for item in facts.evidence})
    moved = [list(pair) for pair in found if pair[1] != SourceState.SAME]
    return {"sources": moved} if moved else {}


def _as_signed(given: Judgement) -> dict[str, Any]:
    return {
        "key": given.check.key,
        "words": given.check.words,
        "expression": given.check.expression,
        "blocking": given.check.blocking,
        "verdict": str(given.verdict),
        "observed": given.observed,
        "limit": given.check.limit,
        "previous": given.previous,
    }


def digest_of(subject: bytes) -> str:
    """The SHA-256 of what is decided on."""
    return hashlib.sha256(subject).hexdigest()
