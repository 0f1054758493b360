"""What a report of each kind says: the page to draw, the files that travel inside, and the same as data."""

from collections.abc import Sequence
from dataclasses import dataclass

import rfc8785

from ledger.verification import Verdict
from reports.documents import LedgerExtract
from reports.documents.evidence import evidence_bytes
from reports.models import Report
from reports.papers.evidence import data_document, lifecycle_data, paper_evidence
from reports.papers.lifecycle_tables import lifecycle_tables
from reports.queries.lifecycle import lifecycle_report
from reports.queries.papers import paper_of
from reports.rendering.attachments import Attachment
from reports.rendering.pages import Page, lifecycle_page
from reports.rendering.papers import paper_page
from reports.services.attestations import attestations_of
from reports.services.snapshots import snapshot_attachments


@dataclass(frozen=True, kw_only=True)
class Content:
    """`page` is drawn, `files` travel inside, `ledger` is what it shows of that, `data` its tables (JSON)."""

    page: Page
    files: Sequence[Attachment]
    ledger: LedgerExtract
    data: bytes


def content_for(report: Report, verdict: Verdict) -> Content:
    """Read the records and write the page; raises what the queries raise. Attestations may be made by it."""
    if report.kind == Report.Kind.LIFECYCLE:
        assert report.project is not None
        document = lifecycle_report(report.project, as_of=report.as_of, verdict=verdict)
        files = [
            _evidence(evidence_bytes(document)),
            *snapshot_attachments(document.project.slug, document.evidence),
            *attestations_of(report),
        ]
        data = rfc8785.dumps(lifecycle_data(document, lifecycle_tables(document)))
        return Content(
            page=lifecycle_page(document, **_look(report)), files=files, ledger=document.ledger, data=data
        )
    paper = paper_of(report, verdict)
    files = [_evidence(rfc8785.dumps(paper_evidence(paper)))]
    if paper.project is not None:
        files += [*snapshot_attachments(paper.project.slug, paper.snapshots), *attestations_of(report)]
    data = rfc8785.dumps(data_document(paper))
    return Content(page=paper_page(paper, **_look(report)), files=files, ledger=paper.ledger, data=data)


def _look(report: Report) -> dict[str, str]:
    return {"paper_size": str(report.options.get("paper", "A4"))}


def _evidence(content: bytes) -> Attachment:
    return Attachment(
        name="evidence.json",
        content=content,
        description="Records, digests and ledger entries of this report",
    )
