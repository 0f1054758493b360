"""The statement of applicability: every control, whether it has a bearing, why, and who said so."""

import json

import pdfua
import pikepdf
import pytest

from governance.models import ControlStanding
from reports.documents import State
from reports.models import Report
from reports.papers.evidence import data_document
from reports.papers.schema import evidence_problems
from reports.queries.papers import paper_of
from reports.services.making import make_report
from tests.reports.measured import LONG, MARKUP, asked, classified, measured, table

pytestmark = pytest.mark.django_db
KIND = Report.Kind.APPLICABILITY


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def home():
    return measured()


def rows(home, key):
    said = paper_of(asked(home, KIND, framework=key))
    data = json.dumps(data_document(said))
    names = [each["name"] for each in json.loads(data)["tables"] if each["name"].startswith("controls-")]
    return said, [row for name in names for row in table(data, name)]


def test_every_control_says_whether_and_why(home):
    said, found = rows(home, "own-policy")

    assert {row["control"]: row["applies"] for row in found} == {
        "1": "yes", "2": "yes", "3": "yes", LONG: "no", "5": "yes",
    }  # fmt: skip
    (out,) = [row for row in found if row["applies"] == "no"]
    assert (out["why"], out["state"]) == (f"{home.created_by}: {MARKUP}", None)
    assert (said.verdict.mark.state, said.verdict.sentence[:37]) == (
        State.WARN,
        "4 of 5 controls have a bearing. No cl",
    )


def test_what_the_classification_rules_out_says_so(home):
    _said, found = rows(classified(home, voluntary="no"), "eu-ai-act")

    left = [row for row in found if row["applies"] == "no"]
    stored = ControlStanding.objects.filter(use__framework__key="eu-ai-act", status="not_applicable")
    assert len(left) == stored.count() > 50
    assert all(row["why"] for row in left)


def test_the_sealed_file_is_whole_and_tagged(home, tmp_path):
    make_report(
        project=classified(home), kind=KIND, options={"framework": "own-policy"}, out=tmp_path / "a.pdf"
    )

    with pikepdf.open(tmp_path / "a.pdf") as pdf:
        evidence = json.loads(pdf.attachments["evidence.json"].get_file().read_bytes())
    assert evidence_problems(evidence) == []
    assert [str(each) for each in pdfua.validate(str(tmp_path / "a.pdf")).findings] == []
