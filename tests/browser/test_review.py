"""A reviewer's walk in a real browser: refuse, ask for changes, waive, approve on a condition."""

import os

import pytest
from django.urls import reverse

from governance.models import Gate
from tests import make, make_gates
from tests.browser.axe import violations
from tests.browser.test_gate import log_in, sign

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def look(page, name):
    """A picture of the page, wide and narrow, where somebody wants to look."""
    folder = os.environ.get("PICTURES")
    if folder:
        for width in (1440, 360):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 800})


def test_a_reviewer_refuses_asks_for_changes_waives_and_approves_on_a_condition(page):
    gate = make_gates.unmet_gate(required=1)
    home, worker = gate.project, make.member(gate.project)
    first, second = make.member(home, "reviewer"), make.member(home, "reviewer")
    address = reverse("governance:gate", args=[gate.pk])

    log_in(page, first, address)
    page.locator("#feedback").locator("xpath=../..").get_by_text("Give feedback").click()
    page.get_by_role("radio", name="Changes needed").check()
    page.get_by_label("In words").fill("Measure Italy first")
    page.get_by_role("button", name="Leave it here").click()
    page.get_by_text("Nobody can approve until it is settled").wait_for()
    page.get_by_text("Settle", exact=True).click()
    page.get_by_label("How it was answered").fill("It is out of scope")
    page.get_by_role("button", name="It is answered").click()
    page.get_by_text("Pass it on a condition").click()
    page.get_by_label("What has to be done").fill("Measure Italy")
    page.get_by_label("Owner").select_option(str(worker.pk))
    page.get_by_label("Until").fill("2027-01-01")
    page.get_by_role("button", name="Add the condition").click()
    page.get_by_text("part of what is signed").wait_for()

    log_in(page, worker, address)
    page.get_by_role("link", name="Ask for a waiver").click()
    page.get_by_label("Why it should be excused").fill("No data from Italy")
    page.get_by_label("What is done instead").fill("Watched by hand")
    page.get_by_label("Until").fill("2027-01-01")
    page.get_by_role("button", name="Ask for the waiver").click()
    waiver = gate.waivers.get()

    log_in(page, second, reverse("governance:waiver", args=[waiver.pk]))
    look(page, "waiver")
    assert violations(page) == []
    page.get_by_label("Your password, again").fill(make.PASSWORD)
    page.get_by_role("button", name="Grant the waiver").click()
    page.get_by_text("Ready to sign").wait_for()
    look(page, "gate")
    assert violations(page) == []
    sign(page, "Approve")
    page.get_by_text(f"Passed with conditions, signed by {second}").wait_for()
    assert Gate.objects.get().state == "conditional"

    for name, args in (("project-exceptions", [home.slug]), ("exceptions", []), ("what-if", [])):
        page.goto(reverse(f"governance:{name}", args=args))
        look(page, name)
        assert violations(page) == []


def test_a_reviewer_refuses_with_a_signature(page):
    gate = make_gates.gate(make_gates.project(required=1))
    make_gates.evaluation(gate)
    reviewer = make.member(gate.project, "reviewer")

    log_in(page, reviewer, reverse("governance:gate", args=[gate.pk]))
    page.get_by_label("If rejected").select_option("hold")
    sign(page, "Reject")

    assert Gate.objects.get().state == "held"
