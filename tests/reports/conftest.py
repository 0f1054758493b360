"""One sealed report for all tests that only read it back: rendering and sealing are dear."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from django.utils import timezone

from ledger.models import Checkpoint, Entry, Log, Payload, SigningKey, TreeHead
from ledger.publishing import origin, verifiers
from reports.models import Report
from reports.services.filing import content_of
from reports.services.making import make_report
from tests import make

LEDGER = (Log, SigningKey, Entry, Payload, TreeHead, Checkpoint)


@dataclass(frozen=True)
class SealedReport:
    """The file, its digest, and what a reader knows from elsewhere: the log's name and its keys."""

    path: Path
    digest: str
    body_digest: str
    origin: str
    keys: tuple[str, ...]
    data: bytes
    rows: tuple = ()


_made = {}


@pytest.fixture
def signed_report(db, settings, tmp_path_factory) -> SealedReport:
    """A risk register, made once in a session; the records that it speaks of are gone for later tests."""
    if not _made:
        folder = tmp_path_factory.mktemp("sealed")
        settings.MEDIA_ROOT = folder / "media"
        report = make_report(
            project=make.small_project(), kind=Report.Kind.RISK_REGISTER, out=folder / "report.pdf"
        )
        _made["one"] = SealedReport(
            path=folder / "report.pdf",
            digest=report.digest,
            body_digest=report.body_digest,
            origin=origin(),
            keys=tuple(str(each) for each in verifiers()),
            data=content_of(report.data_path),
            rows=tuple(list(model.objects.order_by("pk")) for model in LEDGER),
        )
    return _made["one"]


@pytest.fixture
def report_in_ledger(signed_report) -> SealedReport:
    """The same report, with the ledger that it was sealed in and its record as they were."""
    if not Entry.objects.exists():
        for model, rows in zip(LEDGER, signed_report.rows, strict=True):
            model.objects.bulk_create(rows)
        moment = timezone.now()
        Report.objects.create(
            kind=Report.Kind.PORTFOLIO,
            state=Report.State.FINISHED,
            as_of=moment,
            requested_at=moment,
            finished_at=moment,
            digest=signed_report.digest,
            path="reports/gone.pdf",
            entry=2,
        )
    return signed_report
