"""`./gatebook manage report`: what it prints, and how it says no."""

import hashlib

import pytest
from django.core.management import CommandError, call_command

from ledger.models import Entry
from reports.models import Report
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def home():
    return make.small_project(slug="pizzatron")


def refusal(*arguments) -> CommandError:
    with pytest.raises(CommandError) as no:
        call_command("report", "lifecycle", *arguments)
    assert Report.objects.count() == 0
    return no.value


def test_it_writes_the_file_and_prints_path_digest_and_pages(home, tmp_path, capsys):
    out = tmp_path / "own.pdf"

    call_command("report", "lifecycle", "pizzatron", "--out", str(out))

    path, digest, pages = capsys.readouterr().out.splitlines()
    assert path == str(out)
    assert digest == f"SHA-256 {hashlib.sha256(out.read_bytes()).hexdigest()}"
    assert pages == f"{Report.objects.get().pages} pages"


def test_an_unknown_project_names_near_ones(home):
    no = refusal("pizatron")

    assert str(no) == "There is no project “pizatron”. Did you mean pizzatron?"
    assert no.returncode == 2


def test_without_any_project_it_says_where_one_comes_from():
    assert str(refusal("pizzatron")).endswith("There is no project yet; ./gatebook demo makes one.")


@pytest.mark.parametrize("name", ["", "missing/own.pdf"])
def test_a_file_that_cannot_be_written_is_refused_before_the_work(home, tmp_path, name):
    no = refusal("pizzatron", "--out", str(tmp_path / name))

    assert no.returncode == 2
    assert str(tmp_path) in str(no)


@pytest.mark.parametrize("moment", ["yesterday", "2026-13-40", "2999-01-01", "2001-01-01"])
def test_a_moment_that_makes_no_sense_is_refused(home, moment):
    before = Entry.objects.count()

    assert refusal("pizzatron", "--as-of", moment).returncode == 2
    assert Entry.objects.count() == before
