"""A report as data: the same content in each form, with nothing in it that a spreadsheet would run."""

import csv
import io
import json
import subprocess
import sys
import zipfile

import openpyxl
import pandas as pd
import pytest
from django.urls import reverse
from django.utils import timezone

from reports.formats.columnar import parquet_bytes
from reports.formats.comma import csv_bytes
from reports.formats.tables import tables_of
from reports.formats.workbook import xlsx_bytes
from reports.models import Report
from reports.queries.contents import shown_tables
from reports.queries.forms import FORMS
from reports.services.filing import keep
from reports.services.reports import request_report
from tests import make

EVIL = '=HYPERLINK("http://x","y")'


def table(*rows, name="runs"):
    columns = [
        {"key": "name", "title": "Name", "kind": "text"},
        {"key": "score", "title": "Score", "kind": "number"},
        {"key": "at", "title": "At, UTC", "kind": "moment"},
        {"key": "day", "title": "Day", "kind": "day"},
        {"key": "state", "title": "State", "kind": "state"},
    ]
    return {"name": name, "caption": "Runs <b>", "columns": columns, "rows": [list(row) for row in rows]}


def document(*tables):
    mark = {"state": "ok", "word": "good"}
    return {
        "title": "T" * 40,
        "name": "Lifecycle report",
        "report": "LR-1",
        "as_of": "2026-11-20T18:00:00Z",
        "facts": [["Iteration", "1"]],
        "verdict": {"mark": mark, "sentence": "Yes."},
        "answers": [{"question": "Is it?", "mark": mark, "why": EVIL}],
        "tables": list(tables),
    }


ROW = (EVIL, -0.123456789, "2026-11-20T18:00:00+01:00", "2026-11-20", "met")
DATA = document(table(ROW, ("@cmd", None, None, None, "open")), table(name="runs"), table(name="empty"))


def test_tables_of_one_name_are_told_apart():
    assert [each.name for each in tables_of(DATA)] == ["runs", "runs-2", "empty"]


def test_tables_on_the_page_have_captions_of_their_own():
    assert [each.caption for each in shown_tables(DATA)] == ["Runs <b>", "Runs <b> (2)", "Runs <b> (3)"]


def test_csv_defuses_formulas_and_keeps_digits():
    lines = list(csv.reader(io.StringIO(csv_bytes(tables_of(DATA)[0]).decode())))

    assert lines[0] == ["name", "score", "at", "day", "state"]
    assert lines[1] == ["'" + EVIL, "-0.123456789", "2026-11-20T17:00:00+00:00", "2026-11-20", "met"]
    assert lines[2] == ["'@cmd", "", "", "", "open"]


def test_a_workbook_holds_texts_where_a_spreadsheet_would_compute():
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes(DATA)))

    assert book.sheetnames == ["report", "runs", "runs-2", "empty"]
    sheet = book["runs"]
    assert (sheet["A2"].value, sheet["A2"].data_type) == (EVIL, "s")
    assert sheet["B2"].value == pytest.approx(-0.123456789)
    assert f"{sheet['C2'].value:%Y-%m-%d %H:%M}" == "2026-11-20 17:00"
    assert [c.data_type for c in book["report"]["B"]] == ["s"] * 6


@pytest.mark.parametrize("name", ["[a]:b*?/c" * 9, "", "'quoted'", "ÄÖ" * 40])
def test_sheets_get_names_that_the_format_allows(name):
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes(document(table(name=name), table(name=name)))))

    assert len(book.sheetnames) == 3
    assert all(0 < len(each) <= 31 for each in book.sheetnames)


def test_a_number_beyond_what_the_format_holds_stays_exact():
    big = 2**53 + 1
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes(document(table(("a", big, None, None, ""))))))

    assert book["runs"]["B2"].value == str(big)


def test_parquet_has_the_types_of_the_values():
    frame = pd.read_parquet(io.BytesIO(parquet_bytes(tables_of(DATA)[0])))

    assert list(frame["name"]) == [EVIL, "@cmd"]
    assert frame["score"].dtype == "float64"
    assert str(frame["at"].dt.tz) == "UTC"
    assert frame["score"].isna().tolist() == [False, True]


def test_a_column_of_numbers_with_a_text_is_a_column_of_texts():
    mixed = document(table(("a", 1, None, None, ""), ("b", "none", None, None, "")))

    frame = pd.read_parquet(io.BytesIO(parquet_bytes(tables_of(mixed)[0])))

    assert list(frame["score"]) == ["1", "none"]


@pytest.mark.parametrize("write", [xlsx_bytes, lambda data: parquet_bytes(tables_of(data)[0])])
def test_equal_data_gives_equal_bytes(write):
    assert write(DATA) == write(json.loads(json.dumps(DATA)))


@pytest.fixture
def made(report_in_ledger, settings, tmp_path):
    """The sealed report that all tests share, with data of which every text is trouble."""
    settings.MEDIA_ROOT = tmp_path / "media"
    data = DATA | {"title": '<script>alert("x")</script> =1+1'}
    home = make.small_project()
    moment = timezone.now()
    return Report.objects.create(
        project=home, kind=Report.Kind.RISK_REGISTER, state=Report.State.FINISHED, as_of=moment,
        requested_at=moment, finished_at=moment, requested_by=home.created_by, entry=0, pages=1,
        ledger_size=2,
        path=keep(report_in_ledger.path.read_bytes(), ".pdf")[0], digest=report_in_ledger.digest,
        data_path=keep(json.dumps(data).encode(), ".json")[0],
    )  # fmt: skip


def test_every_door_gives_every_form(client, made):
    client.force_login(made.requested_by)
    page = client.get(reverse("reports:report", args=[made.pk]))
    data = json.loads(client.get(reverse("reports:take", args=[made.pk, "json"])).content)

    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    for name in FORMS:
        answer = client.get(reverse("reports:take", args=[made.pk, name]))
        assert (answer.status_code, len(answer.content) > 100) == (200, True)
        assert client.get(f"/api/v1/reports/{made.pk}/data/?form={name}").content == answer.content
    assert [len(each["rows"]) for each in data["tables"]] == [2, 0, 0]
    for each in tables_of(data):
        rows = client.get(reverse("reports:table", args=[made.pk, each.name])).content.decode()
        assert len(list(csv.reader(io.StringIO(rows)))) == len(each.rows) + 1
    for wrong in ("take", "table"):
        assert client.get(reverse(f"reports:{wrong}", args=[made.pk, "nothing"])).status_code == 404
    assert client.get(f"/api/v1/reports/{made.pk}/data/?form=exe").status_code == 400
    client.force_login(make.user())
    assert client.get(reverse("reports:take", args=[made.pk, "pack"])).status_code == 404


def test_a_pack_verifies_itself_without_us(client, made, tmp_path):
    client.force_login(made.requested_by)
    packed = client.get(reverse("reports:take", args=[made.pk, "pack"])).content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path)

    assert {"README.txt", "report.pdf", "data.json", "verify.py", "keys.txt"} < set(names)
    assert {f"proofs/{n}" for n in ("entry.json", "report.tlog-proof", "checkpoint.txt")} < set(names)
    assert "evidence/evidence.json" in names
    run = [sys.executable, "-I", "verify.py", "report.pdf", "--key", "keys.txt"]
    assert subprocess.run(run, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    (tmp_path / "report.pdf").write_bytes((tmp_path / "report.pdf").read_bytes()[:-9] + b"x" * 9)
    assert subprocess.run(run, cwd=tmp_path, check=False, capture_output=True).returncode == 1


@pytest.mark.django_db
def test_what_is_being_made_can_be_cancelled_once(client):
    home = make.small_project()
    report = request_report(project=home, actor=home.created_by)
    page, listed = (
        reverse("reports:cancel", args=[report.pk]),
        reverse("reports:project-reports", args=[home.slug]),
    )
    client.force_login(make.user())
    assert client.post(page).status_code == 404
    client.force_login(home.created_by)
    assert client.get(reverse("reports:report", args=[report.pk])).status_code == 404
    assert page in client.get(listed).content.decode()

    assert client.post(page).url == listed

    report.refresh_from_db()
    assert report.state == Report.State.CANCELLED
    assert client.post(page).status_code == 422
    assert client.post(f"/api/v1/reports/{report.pk}/cancel/").status_code == 409
