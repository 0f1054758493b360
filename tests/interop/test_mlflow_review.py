"""A reviewer's walk in a real browser, over the evidence of a run in a real MLflow server.

Refuse, ask for changes, waive, approve on a condition, approve with an authenticator app; then somebody edits
a tag in the tracker, and the page of the gate says that the signatures count no more.
"""

import os
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.urls import reverse

from governance.models import Authorization, Gate, Signoff
from lifecycle import tasks  # noqa: F401  # registers the handlers
from lifecycle.models import Job
from lifecycle.services import outbox
from lifecycle.services.connector_rules import add_rule
from lifecycle.services.connector_syncs import request_sync
from lifecycle.services.connectors import add_connector
from tests import make, make_gates
from tests.browser.axe import violations
from tests.browser.test_gate import log_in, sign
from tests.interop.conftest import experiment

pytestmark = [
    pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("allowed"),
]  # fmt: skip

TRAIN = """
run = client.create_run(experiment_id, run_name="seven trees", tags={"team": "pizza"})
client.log_metric(run.info.run_id, "accuracy", 0.85)
client.set_terminated(run.info.run_id)
answer = run.info.run_id
"""


def look(page, name):
    """Axe has nothing to say; a picture of the page, wide and narrow, where somebody wants to look."""
    folder = os.environ.get("PICTURES")
    if folder:
        for width in (1440, 360):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 800})
    assert violations(page) == []


class Tracker:
    """The MLflow server as this project reads it: what it logs is evidence of the task."""

    def __init__(self, mlflow, url, home):
        self.mlflow, name = mlflow, f"review-{time.time_ns()}"
        admin = make.user(org_role="administrator")
        self.connector = add_connector(key="tracker", name="Tracker", url=url, actor=admin)
        place = experiment(mlflow, name)
        add_rule(
            connector=self.connector, project=home, experiment=f"{name}-*", run_kind="TRN", task_key="1.1",
            proves=True, actor=home.created_by,
        )  # fmt: skip
        self.run = mlflow(TRAIN, experiment_id=place)
        self.read()

    def read(self):
        asked = request_sync(connector=self.connector, actor=self.connector.created_by)
        outbox.deliver(Job.objects.get(key=f"connector-sync:{asked.pk}").pk)

    def edit_a_tag(self):
        self.mlflow("client.set_tag(run, 'team', 'pasta')", run=self.run)
        self.read()


@pytest.fixture
def home():
    """A project at work whose gate asks for more than the run will show, and for two approvals."""
    made = make_gates.project(expression="metrics.accuracy > 0.9", required=2)
    phase = make.phase(made.iterations.get(), "P1", "in_progress")
    make.task(phase, "1.1", "risks_accepted")
    return made


def ask(home, version):
    """The gate, opened and evaluated by the manager once the work is up for review (again)."""
    make.phase(home.iterations.get(), "P1", "in_review")
    gate = make_gates.gate(home, model_version=version)
    make_gates.evaluation(gate)
    return gate, reverse("governance:gate", args=[gate.pk])


def test_a_reviewer_refuses_asks_waives_approves_and_sees_that_a_tag_was_edited(
    page, home, mlflow, mlflow_server
):
    tracker = Tracker(mlflow, mlflow_server.url, home)
    version, worker = make.model_version(home), make.member(home)
    first, second = make.member(home, "reviewer"), make.member(home, "reviewer")

    gate, address = ask(home, version)
    log_in(page, first, address)
    assert page.locator("#evidence").count() == 1
    refuse(page)
    assert Gate.objects.get().state == "refused"

    gate, address = ask(home, version)
    page.goto(address)
    ask_for_changes(page)
    propose_a_condition(page, worker)
    log_in(page, worker, address)
    waiver = ask_for_a_waiver(page, gate)
    log_in(page, second, reverse("governance:waiver", args=[waiver.pk]))
    grant(page)
    look(page, "gate")

    sign(page, "Approve")
    log_in(page, first, reverse("lifecycle:account-factors"))
    secret = enrol(page)
    page.goto(address)
    sign_with_an_app(page, secret)
    page.get_by_text(f"Passed with conditions, signed by {second}, {first}").wait_for()
    assert [each.second_factor for each in Signoff.objects.filter(gate=gate).order_by("pk")] == ["", "totp"]
    assert Authorization.objects.get().state == "active"

    tracker.edit_a_tag()
    page.reload()
    stale = page.locator("#stale")
    stale.get_by_text("the signatures count no more").wait_for()
    assert "Tag team: was “pizza”, is now “pasta”" in stale.inner_text()
    look(page, "stale")
    given = Authorization.objects.get()
    page.goto(reverse("governance:authorization", args=[given.pk]))
    page.get_by_role("heading", level=1, name="may not run in production").wait_for()


def refuse(page):
    """A signature under "no" needs its reason, as any other needs the password."""
    page.get_by_role("radio", name="Reject").check()
    page.get_by_label("Your password, again").fill(make.PASSWORD)
    page.get_by_role("button", name="Sign with this decision").click()
    page.locator(".sign .field-error").wait_for()
    assert not Signoff.objects.exists()
    sign(page, "Reject")


def ask_for_changes(page):
    """The gate cannot be approved until it is answered."""
    box = page.locator("section", has=page.locator("#feedback"))
    box.get_by_text("Give feedback", exact=True).click()
    page.get_by_role("radio", name="Changes needed").check()
    page.get_by_label("In words").fill("Measure Italy first")
    page.get_by_role("button", name="Leave it here").click()
    page.get_by_text("Nobody can approve until it is settled").wait_for()
    page.get_by_text("Settle", exact=True).click()
    page.get_by_label("How it was answered").fill("It is out of scope")
    page.get_by_role("button", name="It is answered").click()


def propose_a_condition(page, worker):
    page.get_by_text("Pass it on a condition").click()
    page.get_by_label("What has to be done").fill("Measure Italy")
    page.get_by_label("Owner").select_option(str(worker.pk))
    page.get_by_label("Until").fill("2027-01-01")
    page.get_by_role("button", name="Add the condition").click()
    page.get_by_text("part of what is signed").wait_for()


def ask_for_a_waiver(page, gate):
    page.get_by_role("link", name="Ask for a waiver").click()
    page.get_by_label("Why it should be excused").fill("No data from Italy")
    page.get_by_label("What is done instead").fill("Watched by hand")
    page.get_by_label("Until").fill("2027-01-01")
    page.get_by_role("button", name="Ask for the waiver").click()
    return gate.waivers.get()


def grant(page):
    look(page, "waiver")
    page.get_by_label("Your password, again").fill(make.PASSWORD)
    page.get_by_role("button", name="Grant the waiver").click()
    page.get_by_text("Ready to sign").wait_for()


def enrol(page):
    """Add an authenticator app; its secret."""
    box = page.locator("section", has=page.locator("#app"))
    secret = box.locator("code").inner_text()
    box.get_by_label("Code that the app shows now").fill(shown(secret))
    box.get_by_label("Your password, again").fill(make.PASSWORD)
    box.get_by_role("button", name="Add the app").click()
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("heading", name="Your signature takes a second factor").wait_for()
    return secret


def sign_with_an_app(page, secret):
    """The password alone signs nothing any more."""
    page.get_by_role("radio", name="Approve").check()
    page.get_by_label("Your password, again").fill(make.PASSWORD)
    page.get_by_role("button", name="Sign with this decision").click()
    page.locator(".sign [role=alert]").get_by_text("second factor").wait_for()
    assert not Signoff.objects.filter(second_factor="totp").exists()
    page.get_by_label("Code of your second factor").fill(shown(secret))
    sign(page, "Approve")


def shown(secret):
    """What the app shows now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))
