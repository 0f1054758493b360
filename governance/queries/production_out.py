"""What was in production, for machines: as plain data and as CSV."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from governance.models import Deployment
from governance.queries.production import LiveThen, Production, told
from lifecycle.spreadsheets import line_of

_COLUMNS = (
    "at", "project", "environment", "scope", "model", "model_digest", "live_since", "deployed_by",
    "authorization", "authorization_state", "valid_until", "gate", "approved_by", "evidence", "break_glass",
)  # fmt: skip
_PART = 200


def as_data(found: Production) -> dict[str, Any]:
    """The answer as JSON-able data. No query."""
    return {"at": _text(found.at), "more": found.more, "live": [_entry(each) for each in found.live]}


def csv_lines(found: QuerySet[Deployment], at: dt.datetime) -> Iterator[str]:
    """A line for each deployment that was live, after a head; read in parts, so that any number passes.

    Several people or digests in one cell stand apart by `;`.
    """
    yield line_of(_COLUMNS)
    keys = list(found.select_related(None).values_list("pk", flat=True))
    for start in range(0, len(keys), _PART):
        for each in told(list(found.filter(pk__in=keys[start : start + _PART])), at):
            yield line_of(_row(_text(at), _entry(each)))


def _entry(live: LiveThen) -> dict[str, Any]:
    deployment, standing = live.deployment, live.standing
    return {
        "project": deployment.project.slug,
        "environment": deployment.environment,
        "scope": deployment.scope,
        "iteration": deployment.iteration.number,
        "deployment": deployment.pk,
        "model": deployment.model_version.number,
        "model_digest": deployment.model_version.digest,
        "deployed_at": _text(deployment.deployed_at),
        "ended_at": _text(deployment.ended_at) if deployment.ended_at else None,
        "deployed_by": str(deployment.deployed_by),
        "covered": live.covered,
        "authorization": None
        if standing is None
        else {
            "id": standing.authorization.pk,
            "gate": standing.authorization.gate_id,
            "gate_key": standing.authorization.gate.key,
            "state": standing.state,
            "reason": standing.reason,
            "scope": standing.authorization.scope,
            "valid_from": _text(standing.authorization.valid_from),
            "valid_until": _text(standing.valid_until),
        },
        "approvals": [
            {
                "name": each.signer_name,
                "meaning": each.meaning,
                "signed_at": _text(each.signed_at),
                "digest": each.digest,
            }
            for each in live.approvals
        ],
        "evidence": [
            {
                "task": each.task,
                "kind": each.kind,
                "digest": each.digest,
                "state": each.state,
                "title": each.snapshot.title if each.snapshot else "",
                "run": each.snapshot.run_id if each.snapshot else None,
                "source_now": each.snapshot.source_state if each.snapshot else "",
            }
            for each in live.evidence
        ],
        "break_glass": live.break_glass,
    }


def _row(at: str, entry: dict[str, Any]) -> list[object]:
    given = entry["authorization"] or {}
    scope = "; ".join(f"{key}={','.join(map(str, values))}" for key, values in entry["scope"].items())
    return [
        at, entry["project"], entry["environment"], scope, entry["model"], entry["model_digest"],
        entry["deployed_at"], entry["deployed_by"], given.get("id", ""), given.get("state", "none"),
        given.get("valid_until", ""), given.get("gate_key", ""),
        "; ".join(f"{each['name']} ({each['signed_at']})" for each in entry["approvals"]),
        "; ".join(f"{each['kind']} {each['digest']}" for each in entry["evidence"]),
        entry["break_glass"],
    ]  # fmt: skip


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
