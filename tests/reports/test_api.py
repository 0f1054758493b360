"""`/api/v1/reports/`: asked for, listed, taken along by those who see the project."""

import hashlib

import pytest
from django.urls import reverse

from reports.models import Report
from reports.services.making import make_report
from tests import make

pytestmark = pytest.mark.django_db
REPORTS = "/api/v1/reports/"


@pytest.fixture
def home(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return make.small_project()


def test_a_report_is_asked_for_listed_and_taken_along(client, home):
    client.force_login(home.created_by)
    asked = client.post(REPORTS, {"project": home.slug}, content_type="application/json")
    assert (asked.status_code, asked.json()["state"]) == (201, "queued")
    made = make_report(project=home)

    listed = client.get(REPORTS, {"project": home.slug, "state": "finished"}).json()
    rows = listed["results"] if isinstance(listed, dict) else listed
    file = client.get(reverse("api:report-file", args=[made.pk]))
    content = b"".join(file.streaming_content)

    assert [row["digest"] for row in rows] == [made.digest]
    assert hashlib.sha256(content).hexdigest() == made.digest


def test_a_stranger_finds_no_report_and_no_project(client, home):
    made = make_report(project=home)
    client.force_login(make.user())

    asked = client.post(REPORTS, {"project": home.slug}, content_type="application/json")

    assert asked.status_code == 404
    assert client.get(f"{REPORTS}{made.pk}/").status_code == 404
    assert client.get(reverse("api:report-file", args=[made.pk])).status_code == 404


def test_a_moment_that_is_still_to_come_is_a_bad_request(client, home):
    client.force_login(home.created_by)

    body = {"project": home.slug, "as_of": "2999-01-01T00:00:00Z"}
    asked = client.post(REPORTS, body, content_type="application/json")

    assert (asked.status_code, Report.objects.count()) == (400, 0)
    assert asked.json()["code"] == "as_of_in_future"
