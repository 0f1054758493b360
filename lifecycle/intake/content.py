"""What a run from outside becomes: the record that pages and facts read, and the digest of all of it."""

import zlib
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ledger.canonical import time_text
from lifecycle.intake.canonical import canonical
from lifecycle.intake.outside_run import OutsideRun, failed_without_words

FORMAT = "gatebook-run/1"
_AS_THEY_ARE = ("tags", "code", "environment", "owners", "detail")


@dataclass(frozen=True)
class Content:
    """A run ready to be kept; `digest` is SHA-256 of the canonical JSON of all that its source says.

    `text` is the record as canonical JSON.
    """

    run: OutsideRun
    record: dict[str, Any]
    text: bytes
    history: bytes | None
    digest: bytes

    @property
    def error(self) -> str:
        """Why it failed; a sentence that says so where the source gives no reason."""
        return error_of(self.run)


def content_of(source: str, run: OutsideRun) -> Content:
    """Record, history and digest of a run. Where it belongs in Gatebook is no part of its content."""
    record = record_of(run)
    history = canonical(run.histories) if run.histories else None
    if history is not None:
        record["history"] = {
            "sha256": sha256(history).hexdigest(),
            "metrics": len(run.histories),
            "points": sum(map(len, run.histories.values())),
        }
    text = canonical(record)
    packed = zlib.compress(history, 6) if history is not None else None
    return Content(run, record, text, packed, sha256(_said(source, run, text)).digest())


def _said(source: str, run: OutsideRun, record: bytes) -> bytes:
    """Canonical JSON of all that is said, around the record that is so already: keys are sorted."""
    before = {
        "deleted": run.deleted,
        "error": error_of(run),
        "external_id": run.external_id,
        "finished_at": time_text(run.finished_at) if run.finished_at else None,
        "format": FORMAT,
        "kind": run.kind,
        "parent": run.parent,
    }
    after = {
        "source": source,
        "started_at": time_text(run.started_at) if run.started_at else None,
        "state": run.state,
        "title": run.title,
        "url": run.url,
    }
    return b"".join((canonical(before)[:-1], b',"record":', record, b",", canonical(after)[1:]))


def error_of(run: OutsideRun) -> str:
    """Why it failed; a sentence that says so where the source gives no reason."""
    return run.error.strip() or failed_without_words() if run.state == "failed" else ""


def record_of(run: OutsideRun) -> dict[str, Any]:
    """The record under the names that the runs of our own have; what is not there is left out.

    Numbers that JSON does not have stand in `metrics_not_finite`, so that every value of `metrics` is one.
    """
    record: dict[str, Any] = {}
    if run.parameters:
        record["parameters"] = run.parameters
    numbers = {name: value for name, value in run.metrics.items() if not isinstance(value, str)}
    if numbers:
        record["metrics"] = numbers
    if len(numbers) < len(run.metrics):
        record["metrics_not_finite"] = {
            name: value for name, value in run.metrics.items() if isinstance(value, str)
        }
    for name in _AS_THEY_ARE:
        if value := getattr(run, name):
            record[name] = value
    for name in ("inputs", "outputs"):
        if sets := getattr(run, name):
            record[name] = [each.model_dump(exclude_defaults=True) for each in sets]
    if run.model is not None:
        record["model"] = run.model.model_dump(exclude_defaults=True)
        if run.model.digest:
            record["model_sha256"] = run.model.digest
    if run.outcome is not None:
        record |= run.outcome.model_dump(exclude_defaults=True, exclude_none=True)
    return record
