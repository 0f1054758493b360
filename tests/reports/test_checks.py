"""The page where anybody drops a report, and the verifier that it hands out."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ledger.models import Entry
from reports import verify
from reports.forms import checks
from tests import make

pytestmark = pytest.mark.django_db
PAGE = reverse("reports:check")


def dropped(client, content):
    return client.post(PAGE, {"file": SimpleUploadedFile("report.pdf", content)})


def test_the_verifier_is_handed_out_as_it_is(client):
    answer = client.get(reverse("reports:verifier"))

    assert answer.content == Path(verify.__file__).read_bytes()
    assert "verify.py" in answer["Content-Disposition"]


def test_a_report_of_this_ledger_holds(client, report_in_ledger):
    with CaptureQueriesContext(connection) as seen:
        answer = dropped(client, report_in_ledger.path.read_bytes())

    assert answer.context["check"].holds
    assert "This very file was made here" in answer.text
    assert len(seen) <= 20


def test_a_report_that_the_ledger_does_not_continue_is_told(client, report_in_ledger, monkeypatch):
    """As after an old copy of the database was put back: the file stands in a longer, other history."""
    from reports.queries import checks as queries

    monkeypatch.setattr(queries, "root_of", lambda _size: "00" * 32)
    answer = dropped(client, report_in_ledger.path.read_bytes())

    assert not answer.context["check"].holds
    assert "Keep the file" in answer.text


def test_a_changed_file_is_refused_with_the_reason_and_nothing_is_kept(client, report_in_ledger):
    entries = Entry.objects.count()
    changed = bytearray(report_in_ledger.path.read_bytes())
    changed[9000] ^= 1

    answer = dropped(client, bytes(changed))

    assert "The report does not hold" in answer.text
    assert "changed after it was sealed" in answer.text
    assert Entry.objects.count() == entries


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"PK\x03\x04", bytes(9000)])
def test_what_is_no_report_is_said_to_be_none(client, content):
    make.project()

    assert "The report does not hold" in dropped(client, content).text


def test_no_file_and_one_too_large_are_told(client, monkeypatch):
    monkeypatch.setattr(checks, "LARGEST", 1024**2)
    missing, large = client.post(PAGE), dropped(client, bytes(1024**2 + 1))

    assert (missing.status_code, large.status_code) == (422, 422)
    assert "Choose the PDF of a report." in missing.text
    assert "larger than 1 MiB" in large.text
