"""Files that travel inside the PDF."""

from dataclasses import dataclass

from reports.documents.evidence import evidence_bytes
from reports.documents.lifecycle import LifecycleReport


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file for the PDF. `relationship` is its PDF/A-3 AFRelationship: Source, Data, Alternative,
    Supplement.
    """

    name: str
    content: bytes
    description: str
    relationship: str = "Data"


def evidence_attachment(report: LifecycleReport) -> Attachment:
    """`evidence.json`, canonical JSON; the same bytes for the same report."""
    return Attachment(
        name="evidence.json",
        content=evidence_bytes(report),
        description="Records, digests and ledger entries of this report",
    )
