"""A security key as second factor, by Chromium's virtual authenticator: added, logged in and signed with."""

import pytest
from django.urls import reverse

from governance.models import Gate, Signoff
from lifecycle.queries.second_factors import factors_of
from tests import make, make_gates
from tests.browser.test_gate import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

KEY = {
    "protocol": "ctap2", "transport": "usb", "hasResidentKey": False, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


def plug_in(page):
    """A key that is touched whenever a page asks for it."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})


def test_a_security_key_is_added_logged_in_with_and_signed_with(page):
    gate = make_gates.gate(make_gates.project(required=1))
    make_gates.evaluation(gate)
    reviewer = make.member(gate.project, "reviewer")
    plug_in(page)

    log_in(page, reviewer, reverse("lifecycle:account-factors"))
    box = page.locator("section", has=page.locator("#key"))
    box.get_by_label("Name of the key").fill("Blue one")
    box.get_by_label("Your password, again").fill(make.PASSWORD)
    box.get_by_role("button", name="Add the key").click()
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("heading", name="Your signature takes a second factor").wait_for()
    assert [str(each) for each in factors_of(reviewer).keys] == ["Blue one"]

    page.context.clear_cookies()
    address = reverse("governance:gate", args=[gate.pk])
    page.goto(address)
    page.get_by_label("Username").fill(reviewer.username)
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Use a security key").click()
    page.wait_for_url(f"**{address}")

    page.get_by_role("radio", name="Approve").check()
    page.get_by_label("Your password, again").fill(make.PASSWORD)
    page.get_by_role("button", name="Sign with this decision").click()
    page.locator(".sign [role=alert]").get_by_text("second factor").wait_for()
    assert not Signoff.objects.exists(), "the password alone signs nothing"

    page.get_by_label("Your password, again").fill(make.PASSWORD)
    page.get_by_role("button", name="Sign with a security key").click()
    page.get_by_text("Your name stands under this gate").wait_for()
    assert (Signoff.objects.get().second_factor, Gate.objects.get().state) == ("webauthn", "passed")
