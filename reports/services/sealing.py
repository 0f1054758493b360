"""The seal of a report: its entry in the ledger, the proofs of that entry, and the signature over all."""

import json
from collections.abc import Sequence
from hashlib import sha256

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.actors import SystemActor
from ledger.models import Entry
from ledger.publishing import (
    checkpoint_text,
    consistency_of,
    latest_checkpoint,
    leaf_bytes_of,
    proof_of_entry,
    publish_checkpoint,
)
from ledger.queries import entries_of_subject
from ledger.services import append
from reports.actions import ReportAction
from reports.documents import LedgerExtract
from reports.models import Report
from reports.rendering.attachments import Attachment
from reports.sealing.identity import Identity, identity
from reports.sealing.seal import seal

MAKER = SystemActor("reports")


def sealed(
    report: Report, body: bytes, *, files: Sequence[Attachment], ledger: LedgerExtract
) -> tuple[bytes, Entry]:
    """The body with its proofs, signed; and the entry that says what was sealed.

    The entry names the body's digest, since a document cannot hold its own. A report that was sealed before,
    by a worker that died, keeps its entry. Raises SealFailed and ImproperlyConfigured.
    """
    with identity() as who:
        entry = _entry(report, _what(report, body, files, ledger, who))
        proofs = proofs_of(entry, ledger)
        return seal(body, by=who, proofs=proofs, moment=timezone.now()), entry


def _what(
    report: Report, body: bytes, files: Sequence[Attachment], ledger: LedgerExtract, who: Identity
) -> dict[str, object]:
    digests = {each.name: sha256(each.content).hexdigest() for each in files}
    return {
        "kind": report.kind,
        "report": report.pk,
        "as_of": report.as_of.isoformat(),
        "body": {"bytes": len(body), "sha256": sha256(body).hexdigest()},
        "evidence": digests.get("evidence.json", ""),
        "files": digests,
        "certificate": who.digest,
        "root": ledger.root,
        "size": ledger.size,
    }


@transaction.atomic
def _entry(report: Report, what: dict[str, object]) -> Entry:
    known = entries_of_subject(report).filter(action=ReportAction.REPORT_SEALED).last()
    if known is not None and (known.payload.content or {}).get("detail") == what:
        return known
    project = report.project.slug if report.project else None
    return append(
        actor=MAKER, action=ReportAction.REPORT_SEALED, subject=report, project=project, detail=what
    )


def proofs_of(entry: Entry, ledger: LedgerExtract) -> list[Attachment]:
    """What lets a reader check the entry without us: it, its path, the checkpoint, and that what the report
    shows of the ledger is the beginning of that tree.
    """
    newest = latest_checkpoint()
    checkpoint = newest if newest is not None and entry.index < newest.size else publish_checkpoint()
    payload = entry.payload
    whole = {
        "leaf": leaf_bytes_of(entry).decode(),
        "salt": bytes(payload.salt or b"").hex(),
        "body": payload.body,
    }
    path = consistency_of(ledger.size, checkpoint.size) if 0 < ledger.size < checkpoint.size else []
    consistency = {
        "old": {"size": ledger.size, "root": ledger.root},
        "new": {"size": checkpoint.size, "root": checkpoint.root},
        "proof": [each.hex() for each in path],
    }
    return [
        _proof("entry.json", _json(whole), _("The ledger entry of this report, as it was hashed")),
        _proof(
            "report.tlog-proof",
            proof_of_entry(entry.index, checkpoint).encode(),
            _("Its place in the ledger"),
        ),
        _proof("checkpoint.txt", checkpoint_text(checkpoint).encode(), _("The signed state of the ledger")),
        _proof(
            "consistency.json", _json(consistency), _("That the ledger only grew since the report's moment")
        ),
    ]


def _proof(name: str, content: bytes, description: str) -> Attachment:
    return Attachment(name=name, content=content, description=description, relationship="Supplement")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()
