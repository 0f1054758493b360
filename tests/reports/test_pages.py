"""The pages of reports and of the ledger: who sees what, at which cost."""

import base64
import hashlib
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from ledger.merkle import leaf_hash, verify_inclusion
from ledger.models import Entry, Tile
from ledger.queries import head
from ledger.services import Record, append_many, erase_payload
from ledger.tiles import store_tiles
from lifecycle.actions import LifecycleAction
from reports.models import Report, Verification
from reports.queries import ledger_pages
from reports.queries.ledger_pages import PAGE, entries_visible_to, proof_of, slice_of
from reports.queries.proofs import inclusion_paths
from reports.services.making import make_report
from reports.services.reports import request_report
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def home():
    return make.small_project()


def addresses(project, report) -> list[str]:
    index = Entry.objects.filter(project=project.slug).latest("index").index
    return [
        reverse("reports:project-reports", args=[project.slug]),
        reverse("reports:report-list", args=[project.slug]),
        reverse("reports:download", args=[report.pk]),
        reverse("reports:ledger-entry", args=[index]),
        reverse("reports:ledger-proof", args=[index]),
    ]


def status(client, address) -> int:
    answer = client.get(address)
    if answer.streaming:  # a download holds its file open until it is read
        assert b"".join(answer.streaming_content)
    return answer.status_code


def cost(client, address) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def test_members_and_auditors_read_everything_strangers_nothing(client, home):
    pages = addresses(home, make_report(project=home))

    for reader in (make.member(home), make.member(home, "auditor"), make.user(org_role="auditor")):
        client.force_login(reader)
        assert [status(client, page) for page in pages] == [200] * len(pages)
    client.force_login(make.user())
    assert [status(client, page) for page in pages] == [404] * len(pages)


def test_nobody_without_a_log_in_sees_anything(client, home):
    report = request_report(project=home, actor=home.created_by)

    for page in [*addresses(home, report), reverse("reports:ledger")]:
        assert client.get(page).url.startswith("/login")


def test_the_file_comes_with_its_name_and_digest(client, home):
    report = make_report(project=home)
    client.force_login(home.created_by)

    answer = client.get(reverse("reports:download", args=[report.pk]))

    content = b"".join(answer.streaming_content)
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert answer["Repr-Digest"] == f"sha-256=:{digest}:"
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("application/pdf", "private, no-cache")
    assert f'filename="{home.slug}-lifecycle-' in answer["Content-Disposition"]


def test_a_report_that_is_not_made_is_not_there(client, home):
    report = request_report(project=home, actor=home.created_by)
    client.force_login(home.created_by)

    assert client.get(reverse("reports:download", args=[report.pk])).status_code == 404


def test_an_auditor_asks_for_a_report_on_the_page(client, home):
    auditor = make.user(org_role="auditor")
    client.force_login(auditor)
    page = reverse("reports:project-reports", args=[home.slug])

    assert client.post(page).url == page

    assert Report.objects.get().requested_by == auditor
    assert 'hx-trigger="every 2s"' in client.get(page).content.decode()


@pytest.mark.parametrize("moment", ["2999-01-01T00:00", "2001-01-01T00:00", "soon"])
def test_a_moment_that_nobody_can_know_stays_in_the_form_with_the_reason(client, home, moment):
    client.force_login(home.created_by)

    answer = client.post(reverse("reports:project-reports", args=[home.slug]), {"as_of": moment})

    assert (answer.status_code, Report.objects.count()) == (422, 0)
    assert answer.context["form"].errors["as_of"]


def test_a_finished_list_does_not_ask_again(client, home):
    make_report(project=home)
    client.force_login(home.created_by)

    page = client.get(reverse("reports:report-list", args=[home.slug])).content.decode()

    assert "hx-trigger" not in page
    assert Report.objects.get().digest[4:16] in page


def test_pages_cost_the_same_for_one_record_and_for_many(client, home):
    client.force_login(home.created_by)
    request_report(project=home, actor=home.created_by)
    listed = reverse("reports:project-reports", args=[home.slug])
    cost(client, listed)  # the first page of a session costs more
    before = (cost(client, listed), cost(client, reverse("reports:ledger")))
    for _each in range(3):
        request_report(project=home, actor=home.created_by)

    assert (cost(client, listed), cost(client, reverse("reports:ledger"))) == before


def test_a_member_sees_the_entries_of_their_projects_only(client, home):
    other = make.small_project()
    client.force_login(make.member(home))

    rows = client.get(reverse("reports:ledger")).context["found"].rows

    assert {row.project for row in rows} == {home.slug}
    assert client.get(reverse("reports:ledger"), {"project": other.slug}).context["found"].rows == []


def test_those_who_see_everything_see_entries_without_a_project(client, home):
    client.force_login(make.user(org_role="process_owner"))
    report = request_report(project=home, actor=home.created_by)

    found = client.get(reverse("reports:ledger"), {"subject": f"reports.report:{report.pk}"})

    assert [row.action for row in found.context["found"].rows] == ["report.requested"]


@pytest.mark.parametrize(
    "query", ["cursor=b", "cursor=x9", "cursor=b99999999999999999999", "cursor=b²", "subject=:", "actor=%00"]
)
def test_whatever_stands_in_the_address_the_ledger_is_shown(client, home, query):
    client.force_login(home.created_by)

    assert client.get(f"{reverse('reports:ledger')}?{query}").status_code == 200


@pytest.mark.parametrize("index", ["99999", "99999999999999999999999"])
def test_an_entry_that_is_not_there_is_not_found(client, home, index):
    client.force_login(home.created_by)

    assert client.get(f"/ledger/{index}/").status_code == 404


def test_cursors_lead_through_all_entries_and_back(home):
    for _each in range(PAGE + 5):
        request_report(project=home, actor=home.created_by, as_of=timezone.now())
    found = entries_visible_to(home.created_by)
    everything = list(found.order_by("-index"))

    first = slice_of(found, "")
    second = slice_of(found, first.older)

    assert [*first.rows, *second.rows] == everything
    assert (first.newer, second.older) == ("", "")
    assert slice_of(found, second.newer).rows == first.rows


def test_the_proof_that_is_taken_along_proves_the_entry(client, home):
    client.force_login(home.created_by)
    index = Entry.objects.filter(project=home.slug).latest("index").index

    given = json.loads(client.get(reverse("reports:ledger-proof", args=[index])).content)

    assert given["root_hash"] == head().root
    verify_inclusion(
        leaf=leaf_hash(given["leaf"].encode()),
        index=given["leaf_index"],
        size=given["tree_size"],
        proof=[bytes.fromhex(each) for each in given["inclusion_path"]],
        root=bytes.fromhex(given["root_hash"]),
    )


@pytest.fixture
def long_ledger(home, monkeypatch):
    """Two full tiles and part of a third, in a house where 50 entries are many."""
    monkeypatch.setattr(ledger_pages, "SHORT", 50)
    record = Record(
        home.created_by, LifecycleAction.PROJECT_CREATED, home, project=home.slug, detail={"note": "again"}
    )
    append_many([record] * (600 - Entry.objects.count()))
    store_tiles(head().size)


@pytest.fixture
def by_leaves(monkeypatch):
    """How often a proof was taken from all leaves."""
    calls, right = [], ledger_pages.inclusion_paths
    monkeypatch.setattr(ledger_pages, "inclusion_paths", lambda *asked: calls.append(asked) or right(*asked))
    return calls


def test_the_proof_of_an_entry_in_a_long_ledger_comes_from_the_tiles(long_ledger, by_leaves):
    some = (0, 255, 256, 511, 599)

    proofs = {entry.pk: proof_of(entry, head()) for entry in Entry.objects.filter(pk__in=some)}

    assert by_leaves == []
    assert {pk: each.path for pk, each in proofs.items()} == inclusion_paths(some, 600)
    assert {each.fault for each in proofs.values()} == {""}


@pytest.mark.parametrize("trouble", ["gone", "spoilt"])
def test_a_proof_is_taken_from_the_leaves_where_a_tile_is_gone_or_wrong(long_ledger, by_leaves, trouble):
    entry = Entry.objects.get(pk=300)
    right = proof_of(entry, head())
    tile = Tile.objects.filter(level=0, number=0)
    if trouble == "gone":
        tile.delete()
    else:
        tile.update(hashes=b"\0" * 32 * 256, root="0" * 64)

    found = proof_of(entry, head())

    assert (found.path, found.fault) == (right.path, "")
    assert len(by_leaves) == 1


def test_an_altered_entry_of_a_long_ledger_has_no_proof(long_ledger):
    entry = Entry.objects.get(pk=300)
    assert proof_of(entry, head()).fault == ""

    entry.leaf_hash = "0" * 64

    assert proof_of(entry, head()).fault != ""


def test_an_erased_payload_shows_its_place_and_no_names(client, home):
    entry = Entry.objects.filter(project=home.slug).latest("index")
    erase_payload(index=entry.index, actor=home.created_by, reason="Asked for")
    client.force_login(home.created_by)

    page = client.get(reverse("reports:ledger-entry", args=[entry.index]))

    assert "were erased on" in page.content.decode()
    assert page.context["shown"].content == {}


def test_only_those_who_see_everything_are_offered_the_verification(client, home):
    ask = reverse("reports:ledger-verify")
    client.force_login(make.member(home))
    assert ask not in client.get(reverse("reports:ledger")).content.decode()
    assert client.post(ask).status_code == 403

    client.force_login(make.user(org_role="auditor"))
    assert ask in client.get(reverse("reports:ledger")).content.decode()
    assert client.get(ask).status_code == 405
    assert client.post(ask).url == reverse("reports:ledger")
    assert Verification.objects.get().state == "queued"
