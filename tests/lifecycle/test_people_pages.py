import pytest
from django.template import engines
from django.test import RequestFactory
from django.urls import reverse

from config.middleware import ReaderZoneMiddleware
from lifecycle.models import ApiToken, User
from lifecycle.services.users import change_own_profile
from tests import make
from tests.traces import invalid, one_entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator():
    return make.user(org_role="administrator")


def test_a_person_changes_their_own_name_and_zone():
    person = make.user()

    with one_entry("person.changed") as detail:
        change_own_profile(actor=person, name="New Name", time_zone="Asia/Kolkata")

    assert detail["time_zone"] == {"from": "UTC", "to": "Asia/Kolkata"}
    with invalid("unknown_zone", "time_zone"):
        change_own_profile(actor=person, name="New Name", time_zone="../etc/passwd")


@pytest.mark.parametrize(
    ("zone", "text"),
    [("UTC", "17 Nov 2025 20:05"), ("Asia/Kolkata", "18 Nov 2025 01:35"), ("Nowhere", "20:05")],
)
def test_times_are_shown_in_the_reader_s_zone_with_utc_in_the_title(zone, text):
    import datetime as dt

    moment = dt.datetime(2025, 11, 17, 20, 5, tzinfo=dt.UTC)
    template = engines["django"].from_string("{% load gatebook %}{% when moment %}")
    request = RequestFactory().get("/")
    request.user = User(time_zone=zone)

    page = ReaderZoneMiddleware(lambda request: template.render({"moment": moment}, request))(request)

    assert text in page
    assert 'title="2025-11-17 20:05:00 UTC"' in page


def test_an_administrator_adds_and_changes_a_person_on_pages(administrator, client):
    client.force_login(administrator)
    sent = {
        "name": "Noor Haddad", "username": "noor", "email": "noor@example.org", "org_role": "member",
        "password": "quiet-harbour-41",
    }  # fmt: skip

    made = client.post(reverse("lifecycle:person-add"), sent)
    again = client.post(reverse("lifecycle:person-add"), sent)
    noor = User.objects.get(username="noor")
    changed = client.post(
        reverse("lifecycle:person-act", args=[noor.pk, "change"]),
        {"name": "N. Haddad", "email": "noor@example.org", "org_role": "auditor"},
    )

    assert made.url == reverse("lifecycle:person", args=[noor.pk])
    assert again.status_code == 422
    assert "taken" in again.content.decode()
    assert changed.status_code == 302
    assert User.objects.get(pk=noor.pk).org_role == "auditor"


def test_others_see_the_list_without_forms_and_no_project_of_strangers(client):
    project = make.small_project()
    person = make.member(project)
    client.force_login(make.user())

    page = client.get(reverse("lifecycle:organization")).content.decode()
    one = client.get(reverse("lifecycle:person", args=[person.pk])).content.decode()

    assert person.name in page
    assert reverse("lifecycle:person-add") not in page
    assert project.name not in one
    assert person.email not in one
    assert client.post(reverse("lifecycle:person-add"), {}).status_code == 403
    for act in ("change", "transfer", "close"):
        assert client.post(reverse("lifecycle:person-act", args=[person.pk, act]), {}).status_code == 403


@pytest.mark.parametrize("count", [1, 4])
def test_pages_of_people_cost_the_same_for_any_number(
    administrator, client, django_assert_max_num_queries, count
):
    trip = make.iteration()
    person = make.member(trip.project)
    for _ in range(count):
        make.user()
        make.handoff(trip, giver=person)
    client.force_login(administrator)

    with django_assert_max_num_queries(9):
        client.get(reverse("lifecycle:organization"))
    with django_assert_max_num_queries(20):
        client.get(reverse("lifecycle:person", args=[person.pk]))


def test_what_a_person_holds_is_paged_whatever_kind_it_is(administrator, client, monkeypatch):
    monkeypatch.setattr("lifecycle.views.people.OF_A_PERSON", 2)
    trip = make.iteration()
    person = make.member(trip.project)
    task = make.task(make.phase(trip), "1.1", owner=person)
    handoffs = [make.handoff(trip, giver=person) for _ in range(3)]
    for _ in range(2):
        make.member(make.small_project(), user=person)
    client.force_login(administrator)
    address = reverse("lifecycle:person", args=[person.pk])

    pages = [client.get(address, {"page": page}).context["page"] for page in (1, 2)]
    places = client.get(address, {"projects": 2}).context["memberships"]

    assert [row.record for page in pages for row in page] == [task, *handoffs]
    assert [row.kind for row in pages[0]] == ["task", "handoff"]
    assert (len(places), places.paginator.count) == (1, 3)
    assert "projects=2" in client.get(address).text


def test_a_token_is_shown_once_and_revoked(client):
    person = make.user()
    client.force_login(person)
    url = reverse("lifecycle:tokens")

    shown = client.post(url, {"name": "CI", "scope": "read", "days": 30}).content.decode()
    token = ApiToken.objects.get()
    later = client.get(url).content.decode()
    bad = client.post(url, {"name": "", "scope": "read", "days": 30})
    revoked = client.post(reverse("lifecycle:token-revoke", args=[token.pk]))

    assert f"gb_{token.prefix}_" in shown
    assert "new-token" in shown
    assert "new-token" not in later
    assert "CI" in later
    assert (bad.status_code, revoked.status_code) == (422, 302)
    client.force_login(make.user())
    assert client.post(reverse("lifecycle:token-revoke", args=[token.pk])).status_code == 404


def test_the_profile_page_keeps_what_was_typed_when_it_is_refused(client):
    person = make.user()
    client.force_login(person)
    url = reverse("lifecycle:profile")

    bad = client.post(url, {"name": "Typed", "time_zone": "Nowhere"})
    good = client.post(url, {"name": "Typed", "time_zone": "Europe/Madrid"})

    assert bad.status_code == 422
    assert "Typed" in bad.content.decode()
    assert good.status_code == 302
    assert User.objects.get(pk=person.pk).time_zone == "Europe/Madrid"
