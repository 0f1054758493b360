"""Asking the gate check: every question and its answer is kept, and what cannot be kept is not allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import DatabaseError, connection
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
    scope = {_storable(key): [_storable(each) for each in values] for key, values in decision.scope.items()}
    row = (
        connection.ops.adapt_datetimefield_value(decision.checked_at), point,
        actor.actor_key if actor else "", _storable(decision.model_digest), _storable(decision.environment),
        json.dumps(scope), decision.allow, _storable(decision.reason, most=2000),
        decision.authorization.pk if decision.authorization else None, json.dumps(detail),
    )  # fmt: skip
    with connection.cursor() as cursor:
        soon = connection.vendor == "postgresql" and not connection.in_atomic_block
        cursor.execute(_INSERT_SOON if soon else _INSERT, row)


# Written by hand: the ORM takes longer to make this statement than the database to carry it out.
_COLUMNS = (
    "asked_at", "point", "asked_by", "model_digest", "environment", "scope", "allow", "reason",
    "authorization_id", "detail",
)  # fmt: skip
# A row of its own is committed before the answer and reaches PostgreSQL's disk within a second: no deployment
# waits for a disk. Inside a transaction, which holds records too, it waits as they do.
# docs/decisions/what-was-asked-is-flushed-soon.md
_INSERT_SOON = (
    "WITH soon AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS is) "  # noqa: S608
    f"INSERT INTO {GateAsk._meta.db_table} ({', '.join(_COLUMNS)}) "
    f"SELECT {', '.join(['%s'] * len(_COLUMNS))} FROM soon WHERE soon.is = 'off'"
)
_INSERT = (
    f"INSERT INTO {GateAsk._meta.db_table} ({', '.join(_COLUMNS)}) "  # noqa: S608  (names of ours)
    f"VALUES ({', '.join(['%s'] * len(_COLUMNS))})"
)


def _storable(text: str, most: int = 200) -> str:
    """What came from outside, as any database takes it."""
    return text.replace("\x00", "�")[:most]


def with_reason(decision: Decision, reason: str) -> Decision:
    """The same question denied for another reason."""
    return replace(decision, allow=False, reasons=(reason,))
