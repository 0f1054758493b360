"""Asking the gate check: every question and its answer is kept, and what cannot be kept is not allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import DatabaseError
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.errors import Invalid
from governance.models import GateAsk
from governance.queries.gate_checks import Decision, Scope, gate_check
from ledger.actors import Actor
from lifecycle.models import Project


def ask_gate(
    *,
    point: str,
    model_digest: str,
    environment: str,
    scope: Scope | None = None,
    actor: Actor | None = None,
    project: Project | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Decision:
    """The gate check's answer, kept with who asked where. 1 query and 1 insert.

    A database that does not answer is a "deny" with that reason. Raises `Invalid` for a bad call, which is
    kept too.
    """
    scope = scope or {}
    try:
        decision = gate_check(
            model_digest=model_digest, environment=environment, scope=scope, project=project
        )
    except DatabaseError:
        return unreachable(model_digest, environment, scope)
    except Invalid as no:
        refused = _denied(model_digest, environment, scope, str(no))
        _keep(point, refused, actor, {**(detail or {}), "bad_call": True})
        raise
    try:
        _keep(point, decision, actor, dict(detail or {}))
    except DatabaseError:
        return unreachable(model_digest, environment, scope)
    return decision


def keep_answer(*, point: str, decision: Decision, actor: Actor | None) -> None:
    """Keep an answer whose transaction was undone. 1 insert."""
    _keep(point, decision, actor, {})


def unreachable(model_digest: str, environment: str, scope: Scope) -> Decision:
    """What is answered when the records cannot be read, or the answer not be kept."""
    return _denied(
        model_digest, environment, scope, _("The database does not answer, so nothing can be allowed.")
    )


def _denied(model_digest: str, environment: str, scope: Scope, reason: str) -> Decision:
    return Decision(False, model_digest, environment, scope, timezone.now(), (reason,))


def _keep(point: str, decision: Decision, actor: Actor | None, detail: dict[str, Any]) -> None:
    GateAsk.objects.create(
        asked_at=decision.checked_at,
        point=point,
        asked_by=actor.actor_key if actor else "",
        model_digest=_storable(decision.model_digest),
        environment=_storable(decision.environment),
        scope={
            _storable(key): [_storable(each) for each in values] for key, values in decision.scope.items()
        },
        allow=decision.allow,
        reason=_storable(decision.reason, most=2000),
        authorization_id=decision.authorization.pk if decision.authorization else None,
        detail=detail,
    )


def _storable(text: str, most: int = 200) -> str:
    """What came from outside, as any database takes it."""
    return text.replace("\x00", "�")[:most]


def with_reason(decision: Decision, reason: str) -> Decision:
    """The same question denied for another reason."""
    return replace(decision, allow=False, reasons=(reason,))
