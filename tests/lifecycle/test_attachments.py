import io
import zipfile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from ledger.models import Entry
from lifecycle.models import Attachment, Snapshot
from lifecycle.services.attachments import add_attachment, is_intact
from tests import make
from tests.traces import forbidden, invalid, refused

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def task():
    return make.task(state="instantiated")


def office(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        for name in names:
            package.writestr(name, "x")
    return file.getvalue()


def give(task, content=b"%PDF-1.7 text", name="report.pdf", actor=None):
    return add_attachment(task=task, file=ContentFile(content), name=name, actor=actor or task.owner)


def test_a_file_is_kept_under_its_digest_and_becomes_a_document(task):
    before = Entry.objects.count()

    attachment = give(task)

    assert [e.action for e in Entry.objects.order_by("index")[before:]] == [
        "snapshot.frozen",
        "attachment.added",
    ]
    assert (attachment.path, attachment.size) == (f"attachments/{attachment.digest}", 13)
    assert is_intact(attachment)
    assert attachment.snapshot.kind == "DOC"
    assert attachment.digest in attachment.snapshot.content


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n1"), ("a.JPG", b"\xff\xd8\xff1"), ("a.webp", b"RIFF1234WEBP"),
        ("ä b 😀.txt", "Grüße".encode()), ("a.csv", b"a,b\r\n1,2"), ("a.json", b'{"a": 1}'),
        ("a.yaml", b"a: 1"),
        ("a.docx", office("[Content_Types].xml", "word/document.xml")),
        ("a.xlsx", office("[Content_Types].xml", "xl/workbook.xml")),
    ],
)  # fmt: skip
def test_these_types_are_taken(task, name, content):
    assert give(task, content, name).name == name


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.pdf", b"", "empty"), ("a.pdf", b"MZ not a pdf", "bad_type"), ("a.exe", b"MZ", "bad_type"),
        ("a.html", b"<p>", "bad_type"), ("a.svg", b"<svg/>", "bad_type"), ("pdf", b"%PDF-", "bad_type"),
        ("a.txt", b"\x00", "bad_type"), ("a.txt", b"\xff\xfe", "bad_type"), ("a.json", b"{", "bad_type"),
        ("a.json", b"[" * 100_000, "bad_type"), ("a.docx", b"PK", "bad_type"),
        ("a.docx", office("[Content_Types].xml", "word/x", "word/vbaProject.bin"), "bad_type"),
        ("a.docx", office("evil"), "bad_type"),
        ("../a.pdf", b"%PDF-", "bad_name"), ("a\\b.pdf", b"%PDF-", "bad_name"),
        ("a\n.pdf", b"%PDF-", "bad_name"),
        ("a\u202efdp.exe.pdf", b"%PDF-", "bad_name"), ("x" * 200 + ".pdf", b"%PDF-", "bad_name"),
        (".pdf", b"%PDF-", "bad_name"), (" ", b"%PDF-", "bad_name"),
    ],
)  # fmt: skip
def test_bad_files_are_named(task, name, content, code):
    with invalid(code, "file"):
        give(task, content, name)

    assert not Attachment.objects.exists()
    assert not Snapshot.objects.exists()


def test_a_file_is_not_larger_than_the_limit(task, settings):
    settings.GATEBOOK_ATTACHMENT_BYTES = 100

    give(task, b"%PDF-" + b"x" * 95)
    with invalid("too_big", "file"):
        give(task, b"%PDF-" + b"x" * 96)


def test_the_same_file_is_given_once_and_stored_once(task):
    first = give(task)
    other = make.task(task.phase, "1.2", "instantiated", owner=task.owner)

    with refused("already_there"):
        give(task)
    assert give(other).snapshot == first.snapshot
    assert default_storage.listdir("attachments")[1] == [first.digest]


@pytest.mark.parametrize("role", ["auditor", None])
def test_only_people_who_work_here_give_files(task, role):
    with forbidden(task):
        give(task, actor=make.member(task.phase.iteration.project, role) if role else make.user())


def send(client, task, name="report.pdf", content=b"%PDF-1.7"):
    file = SimpleUploadedFile(name, content)
    return client.post(reverse("lifecycle:attachment-add", args=[task.pk]), {"file": file})


def test_a_file_is_given_fetched_and_made_evidence_on_the_page(task, client):
    client.force_login(task.owner)

    assert send(client, task, "Bericht ü.pdf").status_code == 302
    attachment = Attachment.objects.get()
    answer = client.get(reverse("lifecycle:attachment", args=[attachment.pk]))
    proven = client.post(reverse("lifecycle:attachment-prove", args=[attachment.pk]))

    assert b"".join(answer.streaming_content) == b"%PDF-1.7"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert proven.status_code == 302
    assert task.evidence.get().snapshot == attachment.snapshot
    assert "Bericht" in client.get(reverse("lifecycle:task", args=[task.pk])).content.decode()


def test_a_refused_file_leaves_the_page_with_the_reason(task, client, settings):
    client.force_login(task.owner)
    settings.GATEBOOK_ATTACHMENT_BYTES = 1_000_000

    for name, content, words in (
        ("a.pdf", b"", "empty"), ("a.exe", b"MZ", "none of these types"),
        ("a.pdf", b"x" * 1_000_001, "more than"),
    ):  # fmt: skip
        answer = send(client, task, name, content)
        assert answer.status_code == 422
        assert words in answer.content.decode()


def test_an_upload_needs_the_token_of_the_form(task):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(task.owner)

    assert send(client, task).status_code == 403
    assert not Attachment.objects.exists()


def test_a_changed_file_is_not_handed_out(task, client):
    attachment = give(task)
    default_storage.delete(attachment.path)
    default_storage.save(attachment.path, ContentFile(b"%PDF-evil"))
    client.force_login(task.owner)

    assert client.get(reverse("lifecycle:attachment", args=[attachment.pk])).status_code == 410


def test_strangers_neither_give_nor_fetch(task, client):
    attachment = give(task)
    client.force_login(make.user())

    assert send(client, task).status_code == 404
    assert client.get(reverse("lifecycle:attachment", args=[attachment.pk])).status_code == 404
    assert client.post(reverse("lifecycle:attachment-prove", args=[attachment.pk])).status_code == 404
