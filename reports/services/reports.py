"""Documents asked for, made and filed."""

import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.actors import Actor, SystemActor
from ledger.verification import verify
from lifecycle import rules
from lifecycle.models import Project
from lifecycle.outbox_registry import handler
from lifecycle.services.outbox import enqueue
from lifecycle.services.steps import allow, locked, person, record
from reports.actions import ReportAction
from reports.errors import Invalid
from reports.models import REPORT_STATES, Report
from reports.queries.lifecycle import lifecycle_report
from reports.rendering.attachments import Attachment
from reports.rendering.errors import RenderFailed
from reports.services.snapshots import snapshot_attachments

if TYPE_CHECKING:
    from reports.rendering.render import RenderedPdf

Progress = Callable[[str, float], None]

TASK = "reports.render"
MAKER = SystemActor("reports")
PROGRESS_SECONDS = 1.0
# A report that this process makes itself is also asked of the workers, should this process die.
RESCUE_AFTER = timedelta(minutes=30)
ENDED = (Report.State.FINISHED, Report.State.FAILED)


@transaction.atomic
def request_report(
    *,
    project: Project,
    actor: Actor,
    as_of: datetime | None = None,
    available_at: datetime | None = None,
) -> Report:
    """Ask for the lifecycle report of a project as of a moment (now, if none is given).

    Whoever sees the project may, auditors too: a report only reads. A worker makes it, not before
    `available_at`. Raises `Invalid` for a moment that is still to come or before the project began.
    """
    project = locked(project)
    allow(rules.can_see_project(actor, project), _("You do not take part in this project."))
    now = timezone.now()
    moment = as_of or now
    if moment > now:
        raise Invalid("as_of_in_future", _("A report cannot speak of a time that is still to come."), "as_of")
    if moment < project.created_at:
        begun = f"{project.created_at:%Y-%m-%d %H:%M} UTC"
        text = _("The project began on %(begun)s; a report cannot speak of a time before.")
        raise Invalid("as_of_too_early", text % {"begun": begun}, "as_of")

    report = Report.objects.create(
        project=project, as_of=moment, requested_by=person(actor), requested_at=now
    )
    record(
        ReportAction.REPORT_REQUESTED,
        report,
        actor=actor,
        project=project,
        kind=report.kind,
        as_of=moment.isoformat(),
    )
    enqueue(task=TASK, args={"report_id": report.pk}, key=f"report:{report.pk}", available_at=available_at)
    return report


def make_report(
    *,
    project: Project,
    actor: Actor | None = None,
    as_of: datetime | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Ask for a report and make it in this process. The file is filed, and copied to `out` if given.

    `progress(words, share)` is called from 0 to 1. Raises what `request_report` raises, RenderFailed if
    the document can not be made, and OSError if `out` can not be written.
    """
    report = request_report(
        project=project,
        actor=actor or SystemActor("console"),
        as_of=as_of,
        available_at=timezone.now() + RESCUE_AFTER,
    )
    try:
        report = _make(report, progress or _unheard)
    except RenderFailed as failure:
        fail_report(report=report, error=failure.text)
        raise
    if out is not None:
        _copy(report, out)
    return report


def fail_given_up(*, error: str, report_id: int) -> None:
    """The outbox has given up: the report says so."""
    fail_report(report=Report.objects.get(pk=report_id), error=error)


@handler(TASK, gave_up=fail_given_up)
def render_report(*, report_id: int) -> None:
    """Make a report that was asked for. Made or failed before: nothing happens."""
    report = Report.objects.select_related("project").get(pk=report_id)
    if report.state in ENDED:
        return
    try:
        _make(report, _saved(report))
    except RenderFailed as failure:  # the same report would fail again
        fail_report(report=report, error=failure.text)


@transaction.atomic
def begin_report(*, report: Report) -> Report:
    """A process has taken it up, perhaps not the first; one that ended stays as it is."""
    report = locked(report, "project__process_version__process", "project__created_by")
    if report.state not in ENDED:
        report.state = REPORT_STATES.next(report.state, "begin")
        report.save(update_fields=["state"])
    return report


@transaction.atomic
def finish_report(*, report: Report, path: str, digest: str, pages: int, ledger_size: int) -> Report:
    """The file is filed under its digest. Told twice, it is finished once."""
    report = locked(report, "project")
    if report.state in ENDED:
        return report
    report.state = REPORT_STATES.next(report.state, "finish")
    report.path, report.digest, report.pages, report.ledger_size = path, digest, pages, ledger_size
    report.progress, report.step, report.finished_at = 1.0, "", timezone.now()
    report.save()
    record(
        ReportAction.REPORT_MADE,
        report,
        actor=MAKER,
        project=report.project,
        digest=digest,
        pages=pages,
        ledger_size=ledger_size,
        as_of=report.as_of.isoformat(),
    )
    return report


@transaction.atomic
def fail_report(*, report: Report, error: str) -> Report:
    """It was not made, and why."""
    report = locked(report, "project")
    if report.state in ENDED:
        return report
    report.state = REPORT_STATES.next(report.state, "fail")
    report.error, report.finished_at = error, timezone.now()
    report.save(update_fields=["state", "error", "finished_at"])
    record(ReportAction.REPORT_FAILED, report, actor=MAKER, project=report.project, error=error[:1000])
    return report


def _make(report: Report, progress: Progress) -> Report:
    report = begin_report(report=report)
    if report.state in ENDED:
        return report
    progress = _forward(progress)
    progress(_("Verifying the ledger"), 0.0)
    verdict = verify()
    progress(_("Reading the records"), 0.05)
    # Imported here: charts and PDF weigh seconds, and only whoever makes a report needs them.
    from reports.rendering.render import render_pdf  # noqa: PLC0415

    document = lifecycle_report(report.project, as_of=report.as_of, verdict=verdict)
    attached: list[Attachment] = snapshot_attachments(document)
    with tempfile.TemporaryDirectory(prefix="gatebook-report-") as folder:
        made = render_pdf(
            document,
            out=Path(folder) / "report.pdf",
            attachments=attached,
            progress=lambda share, words: progress(words, 0.1 + 0.9 * share),
        )
        name = _file(made)
    return finish_report(
        report=report, path=name, digest=made.sha256, pages=made.pages, ledger_size=document.ledger.size
    )


def _file(made: "RenderedPdf") -> str:
    """Put the file into the default storage, whole or not at all; equal files are one."""
    name = f"reports/{made.sha256}.pdf"
    try:
        target = Path(default_storage.path(name))
    except NotImplementedError:  # a storage elsewhere, which sees to whole files itself
        if not default_storage.exists(name):
            with made.path.open("rb") as file:
                default_storage.save(name, File(file))
        return name
    _put(made.path, target)
    return name


def _copy(report: Report, out: Path) -> None:
    with default_storage.open(report.path) as file, tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "report.pdf"
        with draft.open("wb") as target:
            for chunk in file.chunks():
                target.write(chunk)
        _put(draft, out)


def _put(source: Path, target: Path) -> None:
    """Write beside the target and rename, so that nobody ever sees half a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".report-", dir=target.parent) as folder:
        draft = Path(folder) / "draft"
        draft.write_bytes(source.read_bytes())
        draft.chmod(0o640)
        draft.replace(target)


def _saved(report: Report) -> Progress:
    """Keeps the progress where the page reads it, once a second at most."""
    last = 0.0

    def tell(words: str, share: float) -> None:
        nonlocal last
        if time.monotonic() - last < PROGRESS_SECONDS:
            return
        last = time.monotonic()
        unfinished = Report.objects.filter(pk=report.pk, state=Report.State.RUNNING)
        unfinished.update(progress=min(max(share, 0.0), 1.0), step=words[:200])

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
