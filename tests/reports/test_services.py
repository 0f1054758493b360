"""Reports asked for, made once whatever happens, and filed under their digest."""

import datetime as dt
import hashlib
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from ledger.actors import SystemActor
from ledger.models import Entry
from lifecycle.models import Job
from lifecycle.services import outbox
from reports.errors import Invalid
from reports.models import Report, Verification
from reports.rendering import render
from reports.rendering.errors import RenderFailed
from reports.rendering.process import Limits
from reports.services.making import fail_given_up, make_report, render_report
from reports.services.reports import request_report
from reports.services.verifications import request_verification
from tests import make

CONSOLE = SystemActor("console")


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def home(db):
    return make.small_project()


def actions() -> list[str]:
    found = Entry.objects.filter(action__startswith="report.").order_by("index")
    return list(found.values_list("action", flat=True))


def test_a_request_leaves_one_entry_and_one_job(home):
    report = request_report(project=home, actor=home.created_by)

    job = Job.objects.get(task="reports.render")
    assert (job.args, job.state) == ({"report_id": report.pk}, "pending")
    assert (report.state, report.requested_by, actions()) == ("queued", home.created_by, ["report.requested"])


@pytest.mark.parametrize("kind", ["organization", "project"])
def test_an_auditor_may_ask(home, kind):
    auditor = make.user(org_role="auditor") if kind == "organization" else make.member(home, "auditor")

    assert request_report(project=home, actor=auditor).requested_by == auditor


def test_a_stranger_may_not_ask(home):
    with pytest.raises(PermissionDenied):
        request_report(project=home, actor=make.user())
    assert (Report.objects.count(), actions()) == (0, [])


@pytest.mark.parametrize(
    ("away", "code"), [(dt.timedelta(hours=1), "as_of_in_future"), (-dt.timedelta(days=1), "as_of_too_early")]
)
def test_a_moment_that_nobody_can_know_is_refused(home, away, code):
    with pytest.raises(Invalid) as no:
        request_report(project=home, actor=CONSOLE, as_of=timezone.now() + away)
    assert (no.value.code, no.value.where, Report.objects.count()) == (code, "as_of", 0)


def test_a_report_is_made_and_filed_under_its_digest(home, media, tmp_path):
    told = []
    report = make_report(
        project=home, out=tmp_path / "own.pdf", progress=lambda words, share: told.append((share, words))
    )

    content = Path(report.file_path).read_bytes()
    assert hashlib.sha256(content).hexdigest() == report.digest
    assert report.path == f"reports/{report.digest}.pdf"
    assert (tmp_path / "own.pdf").read_bytes() == content
    assert (report.state, report.pages > 4, report.ledger_size > 0) == ("finished", True, True)
    assert actions() == ["report.requested", "report.sealed", "report.made"]
    assert told[0][0] == 0.0
    assert told[-1][0] == pytest.approx(1.0)
    assert [share for share, _words in told] == sorted(share for share, _words in told)
    assert {each.name for each in (media / "reports").iterdir()} == {
        f"{report.digest}.pdf",
        report.data_path.removeprefix("reports/"),
    }


@pytest.mark.django_db(transaction=True)
def test_a_worker_makes_it_once_however_often_it_is_told():
    report = request_report(project=make.small_project(), actor=CONSOLE)
    job = Job.objects.get(task="reports.render")

    assert outbox.deliver(job.pk)
    made = Report.objects.get(pk=report.pk)
    assert not outbox.deliver(job.pk)
    render_report(report_id=report.pk)

    assert (made.state, made.progress, actions()) == (
        "finished",
        1.0,
        ["report.requested", "report.sealed", "report.made"],
    )
    assert Report.objects.get(pk=report.pk).finished_at == made.finished_at


def test_one_that_a_dead_worker_had_begun_is_made_by_the_next(home):
    report = request_report(project=home, actor=CONSOLE)
    Report.objects.filter(pk=report.pk).update(state="running", progress=0.4, step="Laying out page 7")

    render_report(report_id=report.pk)

    assert Report.objects.get(pk=report.pk).state == "finished"


def test_the_same_moment_gives_the_same_file(home):
    moment = timezone.now()

    assert make_report(project=home, as_of=moment).digest == make_report(project=home, as_of=moment).digest


def test_a_renderer_that_runs_out_of_time_leaves_a_failed_report_that_says_so(home, monkeypatch, media):
    monkeypatch.setitem(render.render_page.__kwdefaults__, "limits", Limits(seconds=0.01))

    with pytest.raises(RenderFailed):
        make_report(project=home)

    report = Report.objects.get()
    assert (report.state, report.path, list(media.rglob("*.pdf"))) == ("failed", "", [])
    assert report.error == "The report was not finished within 0.01 seconds."
    assert actions() == ["report.requested", "report.failed"]


def test_one_that_the_outbox_gave_up_says_why(home):
    report = request_report(project=home, actor=CONSOLE)

    fail_given_up(error="The worker died during each of 5 attempts.", report_id=report.pk)

    assert Report.objects.get(pk=report.pk).error == "The worker died during each of 5 attempts."


@pytest.mark.django_db(transaction=True)
def test_the_ledger_is_verified_in_the_background():
    auditor = make.user(org_role="auditor")
    asked = request_verification(actor=auditor)
    assert request_verification(actor=auditor) == asked

    assert outbox.deliver(Job.objects.get(task="ledger.verify").pk)

    done = Verification.objects.get()
    assert (done.state, done.intact, done.size > 0, len(done.root)) == ("done", True, True, 64)


def test_only_those_who_see_everything_verify(home):
    with pytest.raises(PermissionDenied):
        request_verification(actor=make.member(home))
