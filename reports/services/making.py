"""A report made: read, drawn, sealed, filed. In a worker, or in the process that wants it."""

import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.actors import Actor, SystemActor
from ledger.verification import verify
from lifecycle.models import Project
from lifecycle.outbox_registry import handler
from reports.models import Report
from reports.rendering.errors import RenderFailed
from reports.sealing.errors import SealFailed
from reports.services.filing import content_of, keep, put
from reports.services.reports import TASK, begin_report, fail_report, finish_report, request_report

Progress = Callable[[str, float], None]

PROGRESS_SECONDS = 1.0
# A report that this process makes itself is also asked of the workers, should this process die.
RESCUE_AFTER = timedelta(minutes=30)


class Cancelled(Exception):
    """Somebody wants it no more."""


def make_report(
    *,
    project: Project | None,
    kind: str = Report.Kind.LIFECYCLE,
    options: dict[str, Any] | None = None,
    actor: Actor | None = None,
    as_of: datetime | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Ask for a report and make it in this process. The file is filed, and copied to `out` if given.

    One that was made before of the same content is not made again. `progress(words, share)` is called from
    0 to 1. Raises what `request_report` raises, RenderFailed or SealFailed if the document can not be made,
    and OSError if a file can not be written.
    """
    report = request_report(
        project=project,
        actor=actor or SystemActor("console"),
        kind=kind,
        options=options,
        as_of=as_of,
        available_at=timezone.now() + RESCUE_AFTER,
    )
    if report.state != Report.State.FINISHED:
        try:
            report = _make(report, progress or _unheard)
        except (RenderFailed, SealFailed) as failure:
            fail_report(report=report, error=failure.text)
            raise
        except OSError as failure:
            fail_report(report=report, error=_in_words(failure))
            raise
    if out is not None:
        put(content_of(report.path), out)
    return report


def fail_given_up(*, error: str, report_id: int) -> None:
    """The outbox has given up: the report says so."""
    fail_report(report=Report.objects.get(pk=report_id), error=error)


@handler(TASK, gave_up=fail_given_up)
def render_report(*, report_id: int) -> None:
    """Make a report that was asked for. Made, failed or cancelled before: nothing happens."""
    report = Report.objects.select_related("project").get(pk=report_id)
    if report.ended:
        return
    try:
        _make(report, _saved(report))
    except (RenderFailed, SealFailed) as failure:  # the same report would fail again
        fail_report(report=report, error=failure.text)
    except ImproperlyConfigured as failure:
        fail_report(report=report, error=str(failure))
    except Cancelled:
        return


def _make(report: Report, progress: Progress) -> Report:
    report = begin_report(report=report)
    if report.ended:
        return report
    progress = _forward(progress)
    progress(_("Verifying the ledger"), 0.0)
    verdict = verify()
    progress(_("Reading the records"), 0.05)
    # Imported here: charts and PDF weigh seconds, and only whoever makes a report needs them.
    from reports.rendering.render import render_page  # noqa: PLC0415
    from reports.services.contents import content_for  # noqa: PLC0415
    from reports.services.sealing import sealed  # noqa: PLC0415

    content = content_for(report, verdict)
    with tempfile.TemporaryDirectory(prefix="gatebook-report-") as folder:
        made = render_page(
            content.page,
            out=Path(folder) / "report.pdf",
            attachments=content.files,
            progress=lambda share, words: progress(words, 0.1 + 0.8 * share),
        )
        body = made.path.read_bytes()
    progress(_("Sealing"), 0.92)
    whole, entry = sealed(report, body, files=content.files, ledger=content.ledger)
    path, digest = keep(whole, ".pdf")
    data_path, _digest = keep(content.data, ".json")
    progress(_("Done"), 1.0)
    return finish_report(
        report=report,
        path=path,
        digest=digest,
        pages=made.pages,
        ledger_size=content.ledger.size,
        body_digest=made.sha256,
        entry=entry.index,
        data_path=data_path,
    )


def _in_words(failure: OSError) -> str:
    return _("The file could not be written: %(why)s.") % {"why": failure.strerror or failure}


def _saved(report: Report) -> Progress:
    """Keeps the progress where the page reads it, once a second; learns there that it is cancelled."""
    last = 0.0

    def tell(words: str, share: float) -> None:
        nonlocal last
        if time.monotonic() - last < PROGRESS_SECONDS:
            return
        last = time.monotonic()
        unfinished = Report.objects.filter(pk=report.pk, state=Report.State.RUNNING)
        if not unfinished.update(progress=min(max(share, 0.0), 1.0), step=words[:200]):
            raise Cancelled

    return tell


def _forward(progress: Progress) -> Progress:
    """Never back: the document is laid out twice, since page numbers are known after the first time."""
    reached = 0.0

    def tell(words: str, share: float) -> None:
        nonlocal reached
        reached = max(reached, share)
        progress(words, reached)

    return tell


def _unheard(words: str, share: float) -> None:
    """The progress that nobody asked for."""
