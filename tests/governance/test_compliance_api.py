"""The API of compliance and the pages of frameworks: what is told, what is taken, what is refused."""

import datetime as dt
import json

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from governance.models import Framework
from governance.services.compliance import look_at
from governance.services.frameworks import add_framework, begin_use
from governance.services.inventory import set_inventory
from ledger.models import Entry
from tests import make, make_gates
from tests.governance.oscal_given import CATALOG
from tests.governance.test_compliance import POLICY

pytestmark = pytest.mark.django_db


@pytest.fixture
def live():
    """A project with a live model, measured by a policy, and its manager."""
    given = make_gates.authorization()
    make_gates.deployment(given)
    framework = add_framework(data=POLICY, actor=make.user(org_role="process_owner"))
    begin_use(project=given.project, framework=framework, actor=given.project.created_by, reason="The board")
    look_at(project=given.project)
    return given.project


def test_the_api_tells_where_a_project_stands(client, live, django_assert_max_num_queries):
    client.force_login(live.created_by)
    base = f"/api/v1/projects/{live.slug}/compliance/"
    with django_assert_max_num_queries(12):
        (told,) = client.get(base).json()["frameworks"]
    assert (told["framework"], told["asked"], told["good"]) == ("own-policy", 3, 2)
    with django_assert_max_num_queries(14):
        controls = client.get(f"{base}own-policy/").json()
    assert [each["status"] for each in controls] == ["met", "not_started", "met"]
    assert controls[0]["evidence"][0]["says"] == "holds"
    assert [each["id"] for each in client.get(f"{base}own-policy/?status=not_started").json()] == ["p-2"]
    assert client.get(f"{base}own-policy/oscal/profile/").json()["profile"]["imports"]
    assert client.get(f"{base}own-policy/oscal/poem/").status_code == 404
    assert client.get(f"{base}other/").status_code == 404
    client.force_login(make.user())
    assert client.get(base).status_code == 404


def test_the_api_takes_what_people_say(client, live):
    client.force_login(live.created_by)
    base = f"/api/v1/projects/{live.slug}/compliance/own-policy/"
    word = {
        "control": "p-2", "statement": "All were trained", "password": make.PASSWORD,
        "expires_on": (timezone.now() + dt.timedelta(days=9)).date().isoformat(),
    }  # fmt: skip
    assert client.post(f"{base}assurances/", word, "application/json").status_code == 201
    assert client.get(f"{base}assurances/").json()[0]["control"] == "p-2"
    no = client.post(f"{base}exclusions/", {"control": "p-9", "reason": "No"}, "application/json")
    assert (no.status_code, no.json()["where"]) == (400, "control")
    out = client.post(f"{base}exclusions/", {"control": "p-1", "reason": "No cost"}, "application/json")
    assert out.status_code == 201
    statuses = {each["id"]: each["status"] for each in client.get(base).json()}
    assert statuses == {"p-1": "not_applicable", "p-2": "met", "p-3": "met"}

    client.force_login(make.member(live, "contributor"))
    for place in ("assurances", "exclusions"):
        assert client.post(f"{base}{place}/", {}, "application/json").status_code == 403


def test_the_api_takes_incidents_and_tells_the_inventory(client, live):
    owner = live.created_by
    set_inventory(
        project=live, actor=owner, owner=owner, deputy=None, overseer=None, approved_uses=["Promotions"],
        review_every_days=30,
    )  # fmt: skip
    client.force_login(owner)
    address = f"/api/v1/projects/{live.slug}/incidents/"
    odd = {"title": "Wrong advice", "severity": "serious", "aware_at": timezone.now().isoformat()}
    assert client.post(address, odd, "application/json").json()["due_at"]
    assert client.post(address, {**odd, "severity": "odd"}, "application/json").status_code == 400
    (line,) = client.get("/api/v1/inventory/").json()

    assert (line["approved_uses"], line["open_incidents"], len(line["live"])) == (["Promotions"], 1, 1)


@pytest.mark.parametrize("body", [json.dumps(CATALOG), yaml.safe_dump(CATALOG, sort_keys=False)])
def test_a_framework_comes_by_the_api_as_json_or_yaml(client, body):
    client.force_login(make.user(org_role="process_owner"))
    made = client.post("/api/v1/frameworks/?key=agency&kind=policy", body, "application/json")

    assert (made.status_code, made.json()["key"], made.json()["kind"]) == (201, "agency", "policy")
    assert client.get("/api/v1/frameworks/agency/").json()["groups"][1]["controls"][0]["id"] == "ac-2"
    again = client.get("/api/v1/frameworks/agency/oscal/?version=5.1.1%2Bu4").json()
    assert again["catalog"]["back-matter"] == CATALOG["catalog"]["back-matter"]
    assert client.post("/api/v1/frameworks/?key=agency", body, "application/json").status_code == 409
    assert client.get("/api/v1/frameworks/agency/?version=9").status_code == 404


@pytest.mark.parametrize("body", ["", "{", "[1]", '{"catalog": {}}', "key: x", '{"poem": {}, "poem": {}}'])
def test_an_odd_framework_is_a_400_and_changes_nothing(client, body):
    client.force_login(make.user(org_role="process_owner"))
    entries = Entry.objects.count()
    answer = client.post("/api/v1/frameworks/", body, "application/json")

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert (Framework.objects.count(), Entry.objects.count()) == (0, entries)


def test_a_framework_is_uploaded_on_its_page(client, live):
    client.force_login(make.user(org_role="process_owner"))

    def send(text, **fields):
        file = SimpleUploadedFile("catalog.json", text.encode())
        return client.post("/frameworks/", {"file": file, **fields})

    assert send(json.dumps(CATALOG), key="agency").status_code == 302
    added = Framework.objects.get(key="agency")
    page = client.get("/frameworks/").content.decode()
    assert "Controls of the Example Agency" in page
    assert b"AC-2(10)" in client.get(f"/frameworks/{added.pk}/").content
    assert client.get(f"/frameworks/{added.pk}/oscal.json").json()["catalog"]["groups"]
    assert b"is there. Give it another" in send(json.dumps(CATALOG), key="agency").content
    assert send("groups: [").status_code == 422

    client.force_login(live.created_by)
    assert send(json.dumps(CATALOG)).status_code == 403
    assert b'type="file"' not in client.get("/frameworks/").content
    base = f"/projects/{live.slug}/compliance/own-policy/oscal/"
    assert client.get(f"{base}assessment-results.json").json()["assessment-results"]["results"]
    assert client.get(f"{base}poem.json").status_code == 404
