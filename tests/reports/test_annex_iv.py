"""The technical documentation of Annex IV: what records tell of each item, and the rest marked as open."""

import datetime as dt
import json
import re
from dataclasses import replace

import pdfua
import pikepdf
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from governance.models import ControlStanding, Framework
from governance.services.assurances import assure_control
from governance.services.compliance import look_at
from governance.services.frameworks import begin_use, load_frameworks
from governance.services.inventory import set_inventory
from lifecycle.models import Evidence
from reports.documents import Mark, State
from reports.errors import Invalid
from reports.models import Report
from reports.papers.annex_iv import annex_iv
from reports.papers.blocks import Prose
from reports.papers.evidence import data_document
from reports.papers.schema import evidence_problems
from reports.queries.annex_iv import sources_of
from reports.queries.compliance import compliance_of
from reports.queries.lifecycle import lifecycle_report
from reports.queries.moment import Moment
from reports.queries.papers import paper_of
from reports.services.making import make_report
from reports.services.reports import request_report
from tests import make
from tests.reports.measured import MARKUP, asked, classified, measured, table

pytestmark = pytest.mark.django_db
KIND = Report.Kind.ANNEX_IV
LAW = "eu-ai-act"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def home():
    return classified(measured())


def paper(home, **options):
    return paper_of(asked(home, KIND, framework=LAW, **options))


def rows(said, name):
    return table(json.dumps(data_document(said)), name)


def states(said):
    return {row["item"].removeprefix("Annex IV."): row["state"] for row in rows(said, "items")}


def names(said):
    return [each["name"] for each in data_document(said)["tables"]]


def words(said, item):
    """What stands beside the head of an item."""
    blocks = [each for part in said.parts for each in part.blocks if isinstance(each, Prose)]
    return next(each.text for each in blocks if each.lead.startswith(f"Annex IV.{item}:"))


def sources(home):
    moment = Moment(timezone.now())
    document = lifecycle_report(home, as_of=moment.at)
    return sources_of(home, document, compliance_of(home, LAW, moment), moment)


def marked(found, state, *, good=False):
    """The sources as if each item's control stood so."""
    groups = tuple(
        replace(
            group,
            controls=tuple(
                replace(each, mark=Mark(state=state, word="so"), good=good) for each in group.controls
            ),
        )
        for group in found.found.groups
    )
    return replace(found, found=replace(found.found, groups=groups))


def refused(home, **options) -> str:
    with pytest.raises(Invalid) as no:
        request_report(project=home, actor=home.created_by, kind=KIND, options=options)
    assert Report.objects.count() == 0
    return no.value.code


def test_every_item_of_the_annex_stands_in_it_once(home):
    stored = ControlStanding.objects.filter(use__framework__key=LAW, control__startswith="aia-iv.")
    said = paper(home)

    assert len(states(said)) == len(rows(said, "items")) == stored.count() == 23
    assert [part.id for part in said.parts if part.id.startswith("point-")] == [
        f"point-{n}" for n in range(1, 10)
    ]


def test_what_no_record_tells_is_open_and_nothing_is_written_in_its_place(home):
    said = paper(home)

    found = states(said)
    assert (found["1(f)"], found["2(c)"], found["8"]) == ("open", "open", "open")
    assert words(said, "1(f)") == "OPEN: no record tells this; it has to be written."
    assert "parameters" not in names(said)
    assert said.verdict.mark.state in (State.WARN, State.BAD)
    assert said.verdict.sentence.startswith("Of 23 items that are asked for, records tell ")
    assert said.answers[0].mark.state is State.WARN


def test_what_records_tell_stands_under_its_item(home):
    manager, overseer = home.created_by, make.member(home, "reviewer")
    set_inventory(
        project=home, actor=manager, owner=manager, deputy=None, overseer=overseer,
        approved_uses=[f"To sort {MARKUP}"], review_every_days=90,
    )  # fmt: skip
    version, data = make.model_version(home), make.data_version(home)
    said = paper(home)

    (line,) = rows(said, "versions")
    assert (line["number"], line["digest"]) == (version.number, version.digest)
    assert [row["digest"] for row in rows(said, "states")] == [data.digest]
    assert [row["name"] for row in rows(said, "oversight")] == [str(overseer), str(manager)]
    (proof,) = rows(said, "evidence-aia-iv-1-a")
    assert (proof["task"], proof["digest"]) == ("1.1", Evidence.objects.get().snapshot.digest)
    leads = {each.lead: each.text for part in said.parts for each in part.blocks if isinstance(each, Prose)}
    assert leads["Approved use."] == f"To sort {MARKUP}"
    assert states(said)["2(e)"] != "open"


def test_the_word_of_a_person_tells_an_item(home):
    assert states(paper(home))["1(g)"] == "open"
    assure_control(
        use=home.framework_uses.get(framework__key=LAW), control="aia-iv.1.g", actor=home.created_by,
        statement=f"Its face is {MARKUP}", expires_on=timezone.now().date() + dt.timedelta(days=30),
        password=make.PASSWORD,
    )  # fmt: skip
    look_at(project=home)
    said = paper(home)

    assert states(said)["1(g)"] == "told by records"
    texts = [each.text for part in said.parts for each in part.blocks if isinstance(each, Prose)]
    assert f"Its face is {MARKUP}" in texts


@pytest.mark.parametrize(
    ("state", "good", "verdict", "word"),
    [
        (State.BAD, False, State.BAD, "contradicted"),
        (State.WARN, False, State.WARN, "to be completed"),
        (State.WAIVED, True, State.WARN, "told, with a waiver"),
        (State.OK, True, State.WARN, "told by records"),
    ],
)
def test_an_item_is_as_its_checks_say(home, state, good, verdict, word):
    said = annex_iv(marked(sources(home), state, good=good))

    assert (states(said)["1(a)"], said.verdict.mark.state) == (word, verdict)
    if good:
        assert words(said, "1(g)").startswith("OPEN: its checks hold")


def test_one_that_is_not_asked_for_says_why():
    home = classified(measured(), voluntary="no")
    said = paper(home)

    assert set(states(said).values()) == {"has no bearing"}
    assert (said.verdict.mark.state, said.verdict.mark.word) == (State.IDLE, "not asked for")
    assert words(said, "9").startswith("Has no bearing: A duty for high-risk systems")
    assert (said.picture, "evidence-aia-iv-1-a" in names(said)) == (None, False)
    assert {each.mark.state for each in said.answers[:3]} == {State.IDLE}


def test_a_project_that_nobody_has_classified_says_so():
    home = make.small_project()
    load_frameworks()
    framework = Framework.objects.get(key=LAW)
    begin_use(project=home, framework=framework, actor=home.created_by, reason="To begin")
    said = paper(home)

    assert "Nobody has classified" in said.answers[3].why
    assert len(states(said)) == 23
    assert said.verdict.mark.state is State.WARN


def test_as_of_a_past_moment_it_knows_only_what_was_there(home):
    then = timezone.now()
    make.model_version(home)

    assert "versions" in names(paper(home))
    assert "versions" not in names(paper(home, as_of=then))


def test_the_cost_does_not_grow_with_versions_and_data(home):
    moment = Moment(timezone.now())
    document, found = lifecycle_report(home, as_of=moment.at), compliance_of(home, LAW, moment)
    for _each in range(3):
        make.model_version(home)
        make.data_version(home)
    with CaptureQueriesContext(connection) as seen:
        told = sources_of(home, document, found, Moment(timezone.now()))

    assert (len(told.versions), len(told.data)) == (3, 3)
    assert len(seen) <= 5


def test_another_framework_or_one_not_in_use_is_refused(client, home):
    assert refused(home, framework="own-policy") == "no_annex_iv"
    assert refused(home, framework="gdpr") == "no_annex_iv"
    assert refused(home, gate="1") == "no_such_option"
    other = make.small_project()
    assert refused(other) == refused(other, framework=LAW) == "framework_not_in_use"
    with pytest.raises(CommandError) as no:
        call_command("report", KIND, other.slug)
    assert (no.value.returncode, Report.objects.count()) == (2, 0)
    client.force_login(home.created_by)
    given = {"project": home.slug, "kind": KIND, "framework": "own-policy"}
    answer = client.post("/api/v1/reports/", given, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "no_annex_iv")


def test_it_is_asked_for_on_the_page_of_the_law_only(client, home):
    ask = reverse("reports:project-reports", args=[home.slug])
    button = 'value="annex-iv"'
    client.force_login(make.member(home, "auditor"))
    pages = [reverse("governance:framework", args=[home.slug, key]) for key in (LAW, "own-policy")]
    assert [button in client.get(page).content.decode() for page in pages] == [True, False]
    assert client.post(ask, {"kind": KIND, "framework": LAW}).url == ask
    assert client.post(ask, {"kind": KIND}).url == ask
    assert client.post(ask, {"kind": KIND, "framework": "own-policy"}).status_code == 422
    assert Report.objects.get().options["framework"] == LAW

    client.force_login(make.user())
    assert client.post(ask, {"kind": KIND, "framework": LAW}).status_code == 404


def test_the_sealed_file_is_whole_and_tagged(home, tmp_path):
    make.model_version(home)
    make_report(project=home, kind=KIND, out=tmp_path / "a.pdf")

    with pikepdf.open(tmp_path / "a.pdf") as pdf:
        evidence = json.loads(pdf.attachments["evidence.json"].get_file().read_bytes())
    assert evidence_problems(evidence) == []
    found = [each["name"] for each in evidence["tables"]]
    assert len(found) == len(set(found))
    assert all(re.fullmatch(r"[-a-z0-9]+", name) for name in found)
    assert [str(each) for each in pdfua.validate(str(tmp_path / "a.pdf")).findings] == []
