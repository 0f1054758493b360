"""Documents asked for: requested, begun, finished, failed, cancelled, no longer kept."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.actors import Actor, SystemActor
from lifecycle import rules
from lifecycle.models import Project
from lifecycle.services.outbox import enqueue
from lifecycle.services.steps import allow, locked, person, record
from reports.actions import ReportAction
from reports.errors import Invalid, Refused
from reports.models import REPORT_STATES, Report
from reports.queries.choices import checked_options, content_key
from reports.services.filing import drop

TASK = "reports.render"
MAKER = SystemActor("reports")
ANSWERING = (Report.State.QUEUED, Report.State.RUNNING, Report.State.FINISHED)


@transaction.atomic
def request_report(
    *,
    project: Project | None,
    actor: Actor,
    kind: str = Report.Kind.LIFECYCLE,
    options: dict[str, Any] | None = None,
    as_of: datetime | None = None,
    available_at: datetime | None = None,
) -> Report:
    """Ask for a report as of a moment (now, if none is given); of all projects for portfolio and inventory.

    Whoever sees the project may, auditors too: a report only reads. A worker makes it, not before
    `available_at`. One that was asked for before and would say the same is the answer, and nothing is
    recorded. Raises `Invalid` for a moment that is still to come or before the project began, and for options
    that the kind does not have.
    """
    project = locked(project) if project is not None else None
    if project is not None:
        allow(rules.can_see_project(actor, project), _("You do not take part in this project."))
    now = timezone.now()
    moment = _moment(project, as_of, now)
    chosen = checked_options(project, kind, options or {}, moment)
    key = content_key(project, kind, chosen, as_of=as_of, now=now, reader=person(actor))
    known = Report.objects.filter(content_key=key, state__in=ANSWERING).order_by("-pk").first()
    if known is not None:
        return known

    report = Report.objects.create(
        project=project, kind=kind, options=chosen, as_of=moment, content_key=key, requested_by=person(actor),
        requested_at=now,
    )  # fmt: skip
    record(
        ReportAction.REPORT_REQUESTED,
        report,
        actor=actor,
        project=project,
        kind=report.kind,
        options=chosen,
        as_of=moment.isoformat(),
    )
    enqueue(task=TASK, args={"report_id": report.pk}, key=f"report:{report.pk}", available_at=available_at)
    return report


def _moment(project: Project | None, as_of: datetime | None, now: datetime) -> datetime:
    moment = as_of or now
    if moment > now:
        raise Invalid("as_of_in_future", _("A report cannot speak of a time that is still to come."), "as_of")
    if project is not None and moment < project.created_at:
        begun = f"{project.created_at:%Y-%m-%d %H:%M} UTC"
        text = _("The project began on %(begun)s; a report cannot speak of a time before.")
        raise Invalid("as_of_too_early", text % {"begun": begun}, "as_of")
    return moment


@transaction.atomic
def begin_report(*, report: Report) -> Report:
    """A process has taken it up, perhaps not the first; one that ended stays as it is."""
    report = locked(report, "project__process_version__process", "project__created_by", "requested_by")
    if not report.ended:
        report.state = REPORT_STATES.next(report.state, "begin")
        report.save(update_fields=["state"])
    return report


@transaction.atomic
def finish_report(
    *,
    report: Report,
    path: str,
    digest: str,
    pages: int,
    ledger_size: int,
    body_digest: str,
    entry: int,
    data_path: str,
) -> Report:
    """The file is filed under its digest. Told twice, it is finished once."""
    report = locked(report, "project")
    if report.ended:
        return report
    report.state = REPORT_STATES.next(report.state, "finish")
    report.path, report.digest, report.pages, report.ledger_size = path, digest, pages, ledger_size
    report.body_digest, report.entry, report.data_path = body_digest, entry, data_path
    report.progress, report.step, report.finished_at = 1.0, "", timezone.now()
    report.kept_until = (report.finished_at + timedelta(days=settings.GATEBOOK_REPORT_DAYS)).date()
    report.save()
    record(
        ReportAction.REPORT_MADE,
        report,
        actor=MAKER,
        project=report.project,
        digest=digest,
        pages=pages,
        ledger_size=ledger_size,
        sealed=entry,
        as_of=report.as_of.isoformat(),
    )
    return report


@transaction.atomic
def fail_report(*, report: Report, error: str) -> Report:
    """It was not made, and why."""
    report = locked(report, "project")
    if report.ended:
        return report
    report.state = REPORT_STATES.next(report.state, "fail")
    report.error, report.finished_at = error, timezone.now()
    report.save(update_fields=["state", "error", "finished_at"])
    record(ReportAction.REPORT_FAILED, report, actor=MAKER, project=report.project, error=error[:1000])
    return report


@transaction.atomic
def cancel_report(*, report: Report, actor: Actor) -> Report:
    """It is wanted no more; a worker that makes it learns so within a second.

    Those who see the project may. Raises `Refused("report_ended")`.
    """
    report = locked(report, "project", "requested_by")
    if report.project is not None:
        allow(rules.can_see_project(actor, report.project), _("You do not take part in this project."))
    else:
        own = report.requested_by == person(actor) or rules.sees_everything(actor)
        allow(own, _("Only who asked for it may cancel it."))
    if report.ended:
        raise Refused("report_ended", _("This report is no longer being made."))
    report.state = REPORT_STATES.next(report.state, "cancel")
    report.step, report.finished_at = "", timezone.now()
    report.save(update_fields=["state", "step", "finished_at"])
    record(ReportAction.REPORT_CANCELLED, report, actor=actor, project=report.project)
    return report


@transaction.atomic
def expire_report(*, report: Report) -> Report:
    """Its time is over: the files go, unless another report has the same ones; record and digest stay."""
    report = locked(report, "project")
    if report.state != Report.State.FINISHED:
        return report
    others = Report.objects.filter(state=Report.State.FINISHED).exclude(pk=report.pk)
    gone = [
        name
        for field, name in (("path", report.path), ("data_path", report.data_path))
        if name and not others.filter(**{field: name}).exists()
    ]
    report.state = REPORT_STATES.next(report.state, "expire")
    report.save(update_fields=["state"])
    record(
        ReportAction.REPORT_EXPIRED,
        report,
        actor=MAKER,
        project=report.project,
        digest=report.digest,
        kept_until=str(report.kept_until),
    )
    transaction.on_commit(lambda: _drop_all(gone))
    return report


def _drop_all(names: list[str]) -> None:
    for name in names:
        drop(name)


def expire_due(moment: datetime) -> int:
    """Let go of what need not be kept any longer. Returns how many."""
    due = Report.objects.filter(state=Report.State.FINISHED, kept_until__lt=moment.date()).order_by("pk")
    found = list(due[:500])
    for report in found:
        expire_report(report=report)
    return len(found)
