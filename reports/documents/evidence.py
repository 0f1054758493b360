"""The evidence of a lifecycle report as JSON: the same facts for a machine, attached to the PDF."""

import dataclasses
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import rfc8785

from reports.documents.iterations import Iteration
from reports.documents.lifecycle import LifecycleReport

SCHEMA_VERSION = "1.0"
SCHEMA_FILE = Path(__file__).with_name("evidence.schema.json")


def evidence_document(report: LifecycleReport) -> dict[str, Any]:
    """What a machine needs to check the report, JSON-able and valid against `evidence_schema()`.

    Times are RFC 3339 in UTC with Z, digests lowercase hexadecimal SHA-256, ledger proofs RFC 9162
    inclusion paths.
    """
    ledger = report.ledger
    return {
        "schema": SCHEMA_VERSION,
        "kind": "lifecycle-report",
        "report": report.report_id,
        "as_of": plain(report.as_of),
        "project": plain(report.project),
        "process": {
            "name": report.process.name,
            "version": report.process.version,
            "digest": report.process.digest,
        },
        "ledger": {
            "origin": ledger.origin,
            "root": ledger.root,
            "size": ledger.size,
            "first": ledger.first,
            "last": ledger.last,
            "checkpoint": ledger.checkpoint,
            "entries": plain(ledger.entries),
        },
        "snapshots": plain(report.evidence),
        "iterations": [_iteration(iteration) for iteration in report.iterations],
        "authorizations": plain(report.authorizations),
        "deployments": plain(report.deployments),
        "monitoring": [_without(plain(window), "distributions") for window in report.monitoring.windows],
        "firings": plain(report.firings),
        "risks": plain(report.risks),
        "waivers": plain(report.waivers),
        "findings": plain(report.findings),
    }


def evidence_bytes(report: LifecycleReport) -> bytes:
    """`evidence_document` as canonical JSON (RFC 8785), so that equal content has an equal digest."""
    return rfc8785.dumps(evidence_document(report))


@cache
def evidence_schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of `evidence_document`."""
    schema: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema


def _iteration(iteration: Iteration) -> dict[str, Any]:
    facts = _without(plain(iteration), "evidence", "gates", "tasks", "runs")
    facts["tasks"] = [
        _without(plain(task), "evidence") | {"evidence": [item.digest for item in task.evidence]}
        for task in iteration.tasks
    ]
    facts["runs"] = [
        _without(plain(run), "parameters") | {"parameters": dict(run.parameters)} for run in iteration.runs
    ]
    facts["gates"] = plain(iteration.gates)
    return facts


def _without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in names}


def plain(value: Any) -> Any:
    """A dataclass tree as JSON-able data. Raises TypeError for a kind of value that no document holds."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    raise TypeError(f"No JSON form for {type(value).__name__}.")
