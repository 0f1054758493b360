"""The compliance report: what it says is what was recorded, at any moment, and whatever things are called."""

import datetime as dt
import json
import shutil
import subprocess

import pdfua
import pikepdf
import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from governance.models import CheckRecord, ControlChange, ControlStanding, FrameworkUse
from governance.services.compliance import look_at
from governance.services.frameworks import begin_use, end_use, load_frameworks
from governance.services.inventory import record_review
from ledger.models import Entry
from lifecycle.models import Evidence, Project
from reports.charts.stacks import Stack, stacks
from reports.documents import State
from reports.errors import Invalid
from reports.models import Report
from reports.papers.evidence import data_document, paper_evidence
from reports.papers.schema import evidence_problems
from reports.queries.compliance import compliance_of
from reports.queries.moment import Moment
from reports.queries.papers import paper_of
from reports.rendering.papers import paper_page
from reports.services.filing import content_of
from reports.services.making import make_report
from reports.services.reports import request_report
from tests import make
from tests.reports.measured import LONG, MARKUP, asked, broken, classified, measured, table

pytestmark = pytest.mark.django_db
KIND = "compliance"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def home():
    return measured()


def paper(home, key="own-policy", **options):
    return paper_of(asked(home, KIND, framework=key, **options))


def rows(said, name):
    return table(json.dumps(data_document(said)), name)


def states(said):
    return {row["control"]: row["state"] for n in (1, 2) for row in rows(said, f"controls-{n}")}


def refused(home, **options) -> str:
    with pytest.raises(Invalid) as no:
        request_report(project=home, actor=home.created_by, kind=KIND, options=options)
    assert (no.value.where, Report.objects.count()) == ("framework", 0)
    return no.value.code


def test_every_control_stands_in_it_as_it_was_computed(home):
    said = paper(home)

    assert states(said) == {
        "1": "met", "2": "met", "3": "not started", LONG: "not applicable", "5": "not started",
    }  # fmt: skip
    assert [row["control"] for row in rows(said, "gaps")] == ["3", "5"]
    assert said.verdict.sentence.startswith("2 of the 4 controls that have a bearing are met (50 %).")
    assert said.verdict.mark.state is State.WARN


def test_each_record_stands_in_it_with_its_number_its_digest_and_its_entry(home):
    proof = Evidence.objects.get()
    (found,) = rows(paper(home), "records")

    assert (found["kind"], found["number"], found["says"]) == ("task", proof.task_id, "holds")
    assert (found["digest"], found["of"], found["checks"]) == (proof.snapshot.digest, "content", "p-1")
    assert CheckRecord.objects.count() == 1


def test_a_record_without_content_is_named_by_its_entry(home):
    home = classified(home)
    found = next(row for row in rows(paper(home, "eu-ai-act"), "records") if row["kind"] == "project")

    entry = Entry.objects.filter(project=home.slug, subject_type="lifecycle.project").latest("index")
    assert (found["of"], found["entry"], found["digest"]) == ("entry", entry.index, entry.leaf_hash)


def test_what_people_said_stands_in_it(home):
    said = paper(classified(home))

    (word,) = rows(said, "assurances")
    assert (word["control"], word["statement"], word["state"]) == ("2", f"All were {MARKUP}", "holds")
    assert word["digest"] == home.assurances.get().digest
    (out,) = rows(said, "exclusions")
    assert (out["reason"], out["decided_by"]) == (MARKUP, str(home.created_by))
    answers = {row["question"]: row["answer"] for row in rows(said, "classification")}
    assert answers["How could it be misused, as far as one can foresee?"] == f"Sold as {MARKUP}"


def test_what_broke_since_the_review_is_told(home):
    record_review(project=home, actor=home.created_by, kind="system", result="Well", every_days=90)
    ControlChange.objects.update(changed_at=timezone.now() - dt.timedelta(days=2))
    said = paper(broken(home))

    (move,) = rows(said, "changes")
    assert (move["control"], move["before"], move["after"]) == ("1", "met", "broken")
    assert [a.mark.state for a in said.answers] == [
        State.BAD, State.WARN, State.OK, State.WARN, State.WARN,
    ]  # fmt: skip
    assert said.verdict.mark.state is State.BAD
    assert [row["control"] for row in rows(said, "gaps")] == ["1", "3", "5"]


def test_as_of_a_past_moment_states_are_those_of_then_and_lost_records_are_said_to_be_lost(home):
    then = timezone.now()
    before = paper(home, as_of=then)
    broken(home)

    past, now = paper(home, as_of=then), paper(home)

    assert states(past) == states(before)
    assert (states(past)["1"], states(now)["1"]) == ("met", "broken")
    assert {row["check"]: row["state"] for row in rows(past, "checks")}["p-1"] == "not kept"
    assert rows(past, "records") == []
    assert [row["says"] for row in rows(now, "records")] == ["does not hold"]


def test_the_cost_does_not_grow_with_the_controls_and_records(home):
    home = classified(home)

    def cost(key):
        paper(home, key)  # the document of a framework is read once in a process
        with CaptureQueriesContext(connection) as seen:
            compliance_of(home, key, Moment(timezone.now()))
        return len(seen)

    assert cost("eu-ai-act") <= cost("own-policy") + 8  # one for each kind of record, at most
    assert cost("eu-ai-act") <= 26


def test_a_project_that_nobody_has_looked_at_or_classified_says_so():
    home = make.small_project()
    load_frameworks()
    framework = FrameworkUse._meta.get_field("framework").related_model.objects.get(key="nist-ai-rmf")
    begin_use(project=home, framework=framework, actor=home.created_by, reason="To begin")

    said = paper(home, "nist-ai-rmf")

    assert said.verdict.sentence.startswith("0 of the 72 controls")
    assert ("Looked at", "not known for this moment") in said.facts
    assert "Nobody has classified" in said.answers[3].why
    assert said.parts[3].blocks == ()


def test_names_with_markup_are_text(home):
    html = paper_page(paper(classified(home))).html

    assert "<script>" not in html
    assert "&lt;script&gt;alert(&quot;&amp;amp;&quot;)&lt;/script&gt; {{ project }} &amp; Söhne" in html


def test_the_framework_is_named_or_is_the_only_one(home):
    report = request_report(project=home, actor=home.created_by, kind=KIND)
    assert report.options["framework"] == "own-policy"
    assert f"{home.slug}-compliance-own-policy-" in report.file_name


def test_an_unknown_framework_or_one_not_in_use_is_refused(home):
    assert refused(home, framework="gdpr") == "no_such_framework"
    load_frameworks()
    assert refused(home, framework="eu-ai-act") == "framework_not_in_use"
    assert refused(home, framework="x" * 5000) == "no_such_framework"
    assert refused(classified(home)) == "framework_missing"
    use = FrameworkUse.objects.get(framework__key="own-policy")
    end_use(use=use, actor=home.created_by, reason="No longer")
    assert refused(home, framework="own-policy") == "framework_not_in_use"
    assert refused(make.small_project(), framework="own-policy") == "framework_not_in_use"


def test_one_that_ended_is_still_there_as_of_its_time(home):
    then = timezone.now()
    end_use(use=home.framework_uses.get(), actor=home.created_by, reason="No longer")

    assert states(paper(home, as_of=then))["1"] == "met"


def test_other_kinds_know_no_framework_and_this_one_no_gate(home):
    for kind, option in (("lifecycle", "framework"), (KIND, "gate")):
        with pytest.raises(Invalid) as no:
            request_report(project=home, actor=home.created_by, kind=kind, options={option: "own-policy"})
        assert no.value.code == "no_such_option"


def test_a_new_look_is_a_new_report_and_nothing_new_is_none(home):
    first = request_report(project=home, actor=home.created_by, kind=KIND)
    assert request_report(project=home, actor=home.created_by, kind=KIND) == first
    look_at(project=home)

    assert request_report(project=home, actor=home.created_by, kind=KIND) != first


def test_whoever_sees_the_project_asks_on_the_page_of_the_framework(client, home):
    page = reverse("governance:framework", args=[home.slug, "own-policy"])
    ask = reverse("reports:project-reports", args=[home.slug])
    for person in (home.created_by, make.member(home, "auditor"), make.user(org_role="auditor")):
        client.force_login(person)
        html = client.get(page).content.decode()
        assert f'action="{ask}"' in html
        answer = client.post(ask, {"kind": KIND, "framework": "own-policy"})
        assert answer.url == ask
    assert Report.objects.filter(kind=KIND).count() == 1
    assert "Compliance report: own-policy" in client.get(ask).content.decode()

    client.force_login(make.user())
    assert client.post(ask, {"kind": KIND, "framework": "own-policy"}).status_code == 404
    with pytest.raises(PermissionDenied):
        request_report(project=home, actor=make.user(), kind=KIND)


def test_a_form_without_the_framework_says_so(client, home):
    client.force_login(classified(home).created_by)
    ask = reverse("reports:project-reports", args=[home.slug])

    for given in ({"kind": KIND}, {"kind": KIND, "framework": "gdpr"}):
        answer = client.post(ask, given)
        assert (answer.status_code, Report.objects.count()) == (422, 0)
        assert answer.context["form"].errors["framework"]


def test_the_api_takes_the_framework(client, home):
    client.force_login(home.created_by)
    given = {"project": home.slug, "kind": KIND, "framework": "own-policy"}
    assert client.post("/api/v1/reports/", given, "application/json").status_code == 201
    no = client.post("/api/v1/reports/", given | {"framework": "gdpr"}, "application/json")
    assert (no.status_code, no.json()["code"], no.json()["where"]) == (400, "no_such_framework", "framework")


def test_the_command_says_no_before_any_work(home):
    with pytest.raises(CommandError) as no:
        call_command("report", KIND, home.slug, "--framework", "gdpr")
    assert (no.value.returncode, Report.objects.count()) == (2, 0)


def test_the_sealed_file_is_whole_tagged_and_carries_its_evidence(home, tmp_path):
    Project.objects.filter(pk=home.pk).update(name=MARKUP + LONG[:100])
    home = classified(Project.objects.get(pk=home.pk))
    report = make_report(project=home, kind=KIND, options={"framework": "own-policy"}, out=tmp_path / "c.pdf")

    with pikepdf.open(tmp_path / "c.pdf") as pdf:
        meta = pdf.open_metadata()
        assert (meta["pdfaid:part"], meta["pdfaid:conformance"], meta["pdfuaid:part"]) == ("3", "A", "1")
        evidence = json.loads(pdf.attachments["evidence.json"].get_file().read_bytes())
    assert [str(each) for each in pdfua.validate(str(tmp_path / "c.pdf")).findings] == []
    assert evidence_problems(evidence) == []
    assert evidence["tables"] == json.loads(content_of(report.data_path))["tables"]
    if shutil.which("pdftotext"):
        command = ["pdftotext", tmp_path / "c.pdf", "-"]
        said = " ".join(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
        assert "Where do we stand? 2 of the 4 controls that have a bearing are met (50 %)." in said


def test_evidence_fits_its_schema_and_many_lines_are_drawn_in_part(home):
    said = paper(home)

    assert evidence_problems(paper_evidence(said)) == []
    picture = stacks([Stack(label=LONG, parts=((each, 3),), words="3") for each in State] * 9)
    assert picture.count("…") == 16
    assert picture.startswith("<svg")


def test_every_stored_standing_is_in_the_report(home):
    home = classified(home)
    for key in ("eu-ai-act", "nist-ai-rmf", "crisp-ml-q"):
        found = compliance_of(home, key, Moment(timezone.now()))
        stored = ControlStanding.objects.filter(use__framework__key=key).values_list("control", "status")
        words = {each.id: each.mark.word for each in found.controls}
        assert words == {control: status.replace("_", " ") for control, status in stored}
