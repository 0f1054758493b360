"""A gate in a real browser: asked for, evaluated, signed by two people who took no part."""

import pytest
from django.urls import reverse

from governance.models import Authorization, Gate, Signoff
from tests import make, make_gates

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def log_in(page, person, address):
    page.context.clear_cookies()
    page.goto(address)
    page.get_by_label("Username").fill(person.username)
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{address}")


def sign(page, decision):
    page.get_by_role("radio", name=decision).check()
    page.get_by_label("Reason optional", exact=True).fill("Seen")
    page.get_by_label("Your password, again").fill(make.PASSWORD)
    page.get_by_role("button", name="Sign with this decision").click()
    page.get_by_text("Your name stands under this gate").wait_for()


def test_a_gate_is_opened_evaluated_and_signed_by_two_reviewers(page):
    home = make_gates.project()
    make.model_version(home)
    first, second = make.member(home, "reviewer"), make.member(home, "reviewer")

    log_in(page, home.created_by, reverse("governance:project-gates", args=[home.slug]))
    page.get_by_role("link", name="Open the gate").click()
    page.get_by_label("Model version").select_option(index=1)
    page.get_by_label("Scope").fill("country=US,IT")
    page.get_by_role("button", name="Open G1").click()
    page.get_by_role("button", name="Evaluate the criteria").click()
    page.get_by_text("Ready to sign: 0 of 2 approvals are in").wait_for()

    gate = Gate.objects.get()
    address = reverse("governance:gate", args=[gate.pk])
    for person in (first, second):
        log_in(page, person, address)
        sign(page, "Approve")

    page.get_by_text(f"Passed, signed by {first}, {second}").wait_for()
    assert Signoff.objects.count() == 2
    given = Authorization.objects.get()
    page.goto(reverse("governance:authorization", args=[given.pk]))
    assert page.get_by_role("heading", level=1).inner_text().endswith("may run in production")
