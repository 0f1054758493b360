"""The inventory of AI systems as a report: what its reader sees, who answers for it, what is due."""

import datetime as dt
import json

import pdfua
import pikepdf
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.models import InventoryEntry
from governance.services.inventory import record_review, set_inventory
from reports.documents import State
from reports.errors import Invalid
from reports.models import Report
from reports.papers.evidence import data_document
from reports.papers.schema import evidence_problems
from reports.queries.inventory import systems_for
from reports.queries.papers import paper_of
from reports.services.making import make_report
from reports.services.reports import request_report
from tests import make
from tests.reports.measured import LONG, MARKUP, asked, table

pytestmark = pytest.mark.django_db
KIND = Report.Kind.INVENTORY


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def home():
    project = make.small_project(name=f"Home {MARKUP}", purpose=LONG)
    manager = project.created_by
    set_inventory(
        project=project, actor=manager, owner=manager, deputy=None, overseer=None,
        approved_uses=[f"To sort {MARKUP}"], review_every_days=90,
    )  # fmt: skip
    return project


def paper(reader=None):
    report = asked(None, KIND)
    report.requested_by = reader
    return paper_of(report)


def rows(said, name="systems"):
    return table(json.dumps(data_document(said)), name)


def test_every_system_says_who_answers_for_it_and_what_is_due(home):
    record_review(project=home, actor=home.created_by, kind="system", result="Well", every_days=90)
    bare = make.small_project(name="Bare")
    said = paper()

    first, second = rows(said)
    assert (first["name"], first["owner"], first["state"]) == ("Bare", "", "no entry")
    assert (second["name"], second["owner"], second["state"]) == (
        home.name,
        str(home.created_by),
        "in order",
    )
    today = timezone.now().date()
    assert second["reviewed_on"] == today.isoformat()
    assert second["review_due"] == (today + dt.timedelta(days=90)).isoformat()
    assert rows(said, "uses")[1]["uses"] == f"To sort {MARKUP}"
    assert said.verdict.mark.state is State.WARN
    assert bare.name in said.answers[0].why


def test_an_overdue_review_is_grave(home):
    InventoryEntry.objects.update(next_review_on=timezone.now().date() - dt.timedelta(days=1))
    said = paper()

    assert (rows(said)[0]["state"], said.verdict.mark.state) == ("review overdue", State.BAD)


def test_a_reader_gets_what_the_reader_sees(home):
    make.small_project(name="Bare")

    assert [row["name"] for row in rows(paper(home.created_by))] == [home.name]
    assert rows(paper(make.user())) == []
    assert len(rows(paper(make.user(org_role="auditor")))) == 2


def test_the_cost_does_not_grow_with_the_systems(home):
    for _each in range(3):
        make.small_project()
    reader = make.user(org_role="auditor")
    with CaptureQueriesContext(connection) as seen:
        found = systems_for(reader, timezone.now())

    assert len(found) == 4
    assert len(seen) <= 5


def test_it_is_of_no_single_project(home):
    with pytest.raises(Invalid) as no:
        request_report(project=home, actor=home.created_by, kind=KIND)
    assert (no.value.code, Report.objects.count()) == ("project_or_portfolio", 0)
    with pytest.raises(CommandError):
        call_command("report", "lifecycle", "")
    now = timezone.now()
    with pytest.raises(IntegrityError):
        Report.objects.create(kind="lifecycle", as_of=now, requested_at=now)


def test_the_api_gives_it_to_whoever_asked(client, home):
    client.force_login(home.created_by)
    answer = client.post("/api/v1/reports/", {"kind": KIND}, "application/json")
    assert (answer.status_code, answer.json()["project"]) == (201, None)
    assert client.get(f"/api/v1/reports/{answer.json()['id']}/").status_code == 200

    client.force_login(make.user())
    assert client.get(f"/api/v1/reports/{answer.json()['id']}/").status_code == 404


def test_the_sealed_file_is_whole_and_tagged(home, tmp_path):
    make_report(project=None, kind=KIND, out=tmp_path / "i.pdf")

    with pikepdf.open(tmp_path / "i.pdf") as pdf:
        evidence = json.loads(pdf.attachments["evidence.json"].get_file().read_bytes())
    assert evidence_problems(evidence) == []
    assert [str(each) for each in pdfua.validate(str(tmp_path / "i.pdf")).findings] == []
