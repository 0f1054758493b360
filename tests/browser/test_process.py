"""A process owner drafts, edits, publishes and compares a process in the browser."""

import pytest
from django.urls import reverse

from lifecycle.definitions import catalogue
from lifecycle.models import ProcessVersion
from lifecycle.services.process_edits import draft_from
from tests import make
from tests.browser import axe

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def log_in(page, person, address):
    page.goto(address)
    page.get_by_label("Username").fill(person.username)
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{address}")


def test_a_process_owner_drafts_edits_publishes_and_sees_the_difference(page):
    base = make.process_version()
    log_in(page, make.user(org_role="process_owner"), reverse("lifecycle:process"))

    page.get_by_role("link", name="New draft").click()
    page.get_by_label("Begin with").select_option("catalogue")
    page.get_by_role("button", name="Begin the draft").click()
    page.get_by_role("link", name="Tasks", exact=True).click()
    page.get_by_role("link", name=catalogue().task("1.1").name).click()
    page.get_by_label("Due, days after the phase starts").fill("12")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Gates", exact=True).click()
    page.get_by_role("link", name=catalogue().gate("G4").name).click()
    page.locator(".part-row summary").first.click()
    expression = page.get_by_label("Expression (CEL)").first

    expression.fill("tasks.all(t, weather.rain == 0)")
    page.get_by_text("Unknown variable “weather” in column 14").wait_for()
    page.get_by_role("button", name="Save").click()
    assert page.get_by_text("Nothing was saved.").is_visible()
    assert expression.input_value() == "tasks.all(t, weather.rain == 0)"
    expression.fill("tasks.all(t, t.verified)")
    page.get_by_text("This can be read.").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The draft is changed.").wait_for()

    page.get_by_role("link", name="Draft", exact=False).first.click()
    page.get_by_role("link", name="Publish").click()
    assert page.get_by_text("due days 14 → 12").or_(page.get_by_text("due days")).first.is_visible()
    page.get_by_role("button", name="Publish for good").click()
    page.get_by_text("is published.").wait_for()

    new = ProcessVersion.objects.latest("pk")
    assert new.state == "published"
    page.goto(f"{reverse('lifecycle:process-difference')}?old={base.pk}&new={new.pk}")
    assert page.get_by_role("heading", name="2 changes from").is_visible()
    assert page.get_by_text("criteria added “").is_visible()


def test_the_pages_of_a_draft_are_accessible_and_fit_the_window(page):
    person = make.user(org_role="process_owner")
    base, draft = make.process_version(), draft_from(document=catalogue(), actor=person)
    edit = reverse("lifecycle:process-draft", args=[draft.pk])
    log_in(page, person, edit)
    project = make.iteration(make.small_project(person)).project

    for address in (
        reverse("lifecycle:process"),
        reverse("lifecycle:process-new"),
        edit,
        f"{edit}tasks/",
        f"{edit}gates/at/G4/",
        f"{edit}triggers/at/T-03/",
        f"{edit}tasks/at/1.1/retire/",
        f"{edit}roles/at/DS/retire/",
        reverse("lifecycle:process-publish", args=[draft.pk]),
        f"{reverse('lifecycle:process-difference')}?old={base.pk}&new={draft.pk}",
        reverse("lifecycle:project-tailoring", args=[project.slug]),
        f"{reverse('lifecycle:project-move', args=[project.slug])}?to={base.pk}",
    ):
        page.goto(address)
        assert axe.faults_of(page) == [], address
