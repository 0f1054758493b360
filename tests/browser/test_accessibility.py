"""Every page: nothing for axe to complain of, no sideways overflow, one heading of the first level, a title.

Pages are found by walking the URL configuration. One whose address wants an argument that `told` does not
know fails the test: add the record there.
"""

import datetime as dt
import json
import re

import pytest
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone
from playwright.sync_api import TimeoutError

from governance.models import Framework
from governance.services.assurances import assure_control, exclude_control
from governance.services.compliance import look_at
from governance.services.control_tasks import open_control_task
from governance.services.frameworks import begin_use, load_frameworks
from governance.services.incidents import open_incident
from governance.services.inventory import record_review, set_inventory
from lifecycle.definitions import catalogue
from lifecycle.models import Channel, DataUse, Post, Run, Task
from lifecycle.services.absences import enter_absence
from lifecycle.services.comments import add_comment
from lifecycle.services.evidence import freeze_run
from lifecycle.services.notices import tell
from lifecycle.services.process_edits import draft_from
from lifecycle.services.sources import compare_source
from lifecycle.services.tokens import issue_token
from reports.services.filing import keep
from reports.services.reports import request_report
from tests import make, make_gates
from tests.browser import axe
from tests.lifecycle.test_pages_connectors import fill

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "Überprüfung-der-Eingangsdaten-" * 9 + "🍕 نص"
# What the address of a page asks for beyond its path.
QUERIES = {"governance:waiver-ask": "?criterion=holds"}
# What answers a GET and is no page of its own: a part of one, a file, or another address.
NO_PAGES = {
    "healthz": "for a supervisor",
    "readyz": "for a supervisor",
    "lifecycle:logout": "sent by a button only",
    "lifecycle:attachment": "a file",
    "lifecycle:snapshot-content": "a file",
    "lifecycle:registration-progress": "a part of a page",
    "lifecycle:run-set-aside": "a file",
    "governance:production-csv": "a file",
    "governance:sign-off-schema": "a file",
    "governance:inventory-csv": "a file",
    "governance:framework-oscal": "a file",
    "governance:project-oscal": "a file",
    "lifecycle:project-analytics-csv": "a file",
    "lifecycle:analytics-csv": "a file",
    "reports:download": "a file",
    "reports:take": "a file",
    "reports:table": "a file",
    "reports:ledger-checkpoint": "a file",
    "reports:ledger-keys": "a file",
    "reports:ledger-tile": "a file",
    "reports:ledger-entry-tile": "a file",
    "reports:ledger-tlog-proof": "a file",
}
RECORD = {
    "verdict": "drift",
    "main_metric": "accuracy",
    "metrics": {"accuracy": 0.71},
    "limits": [{"metric": "accuracy", "op": ">=", "limit": 0.8, "holds": False, "text": "It is low."}],
    "findings": [{"severity": "drift", "text": "“price” moved."}],
    "features": {
        "price": {
            "psi": 0.4,
            "histogram": {"edges": [0, 1, 2], "reference": [0.5, 0.5], "current": [0.1, 0.9]},
        }
    },
    "slices": {"country=IT": {"rows": 50, "accuracy": 0.6, "baseline_accuracy": 0.7}},
}


def routes(resolver=None, space="", path=""):
    """(name, path) of every address of the site but the API's."""
    for pattern in (resolver or get_resolver()).url_patterns:
        here = path + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            if not here.startswith("api/"):
                yield from routes(
                    pattern, f"{space}{pattern.namespace}:" if pattern.namespace else space, here
                )
        else:
            yield space + (pattern.name or ""), here


@pytest.fixture
def told():
    """A person who may do everything, and what an address may name, by the segment before the argument."""
    person = make.user(name="Marta Ibsen", org_role="administrator")
    home = make_gates.deployment(make_gates.authorization(_project_of(person))).project
    trip = home.iterations.get()
    task = make.task(make.phase(trip, "P2"), "2.1", Task.State.MITIGATING, owner=person, name=LONG)
    make.evidence(task)
    make.risk(task, "accepted")
    make.risk(task, "escalated")
    make.quality_action(make.risk(task, "qa_selected", text=LONG))
    colleague = make.member(home, "contributor", "DS", user=make.user(name=LONG))
    handoff = make.handoff(trip, "offered", giver=colleague, taker=person, title=LONG)
    make.handoff(trip, "returned", giver=person, due_on=make.tomorrow())
    runs = [
        make.run(home, "MON", record=RECORD, model_version=home.model_versions.get(), title=LONG, task=task)
        for _each in range(2)
    ]
    watched = make.monitoring_plan(home, name=LONG[:200], model_version=home.model_versions.get())
    for number, each in enumerate(runs):
        began = timezone.now() - dt.timedelta(days=7 * (2 - number))
        make.monitoring_window(watched, run=each, start=began, end=began + dt.timedelta(days=7))
    make.run(home, "TRN", "running", progress=0.4, step="fitting", iteration=trip)
    make.run(home, "EVL" if "EVL" in Run.Kind.values else "TRN", "failed")
    firing = make.firing(make.trigger(home), run=runs[0], summary=LONG)
    make.requirement(home, statement=LONG, slice="month=12")
    finding = make_gates.finding(home, title=LONG)
    add_comment(subject=task, project=home, text=LONG, url="/", actor=person)
    enter_absence(
        person=colleague, deputy=person, starts_on=make.tomorrow(), ends_on=make.tomorrow(), actor=colleague
    )
    issue_token(user=person, name=LONG[:100], scope="read", days=9, actor=person)
    tell(people=[person], kind="mention", key="occasion:1", subject=LONG, url="/inbox/")
    connector = make.connector(name=LONG[:120], failures=1, last_error=LONG, last_error_at=timezone.now())
    fill(connector, 2, home)
    chat = Channel.objects.create(
        person=person, name=LONG[:100], service="slack", kinds=["mention"], created_at=timezone.now()
    )
    Post.objects.create(channel=chat, state="dropped", reason=LONG, created_at=timezone.now())
    data = make.data_version(home, schema=[{"name": LONG, "type": "text"}], uri=LONG)
    DataUse.objects.create(run=runs[0], version=data, role="data")
    asked = make.registration(home, uri=LONG, state="failed", error=LONG, finished_at=timezone.now())
    frozen = _changed_source(home, task)
    draft = draft_from(document=catalogue(), actor=person)
    report = _made(request_report(project=home, actor=person))
    gate = make_gates.gate(_project_of(person, expression="metrics['accuracy'] > 0.9"))
    evaluation = make_gates.evaluation(gate)
    waiver = make_gates.waiver(gate, justification=LONG, measure=LONG)
    make_gates.condition(gate, text=LONG)
    _measured(home)
    return person, {
        "slug": home.slug, "tasks": task.pk, "handoffs": handoff.pk, "runs": runs[0].pk,
        "triggers": firing.trigger_id, "firings": firing.pk, "gates": gate.pk, "evaluations": evaluation.pk,
        "waivers": waiver.pk, "plans": watched.pk,
        "authorizations": home.authorizations.get().pk, "deployments": home.deployments.get().pk,
        "findings": finding.pk, "process": draft.pk, "edit": "tasks", "at": "1.1", "people": colleague.pk,
        "connectors": connector.pk, "data": data.data_set_id, "registrations": asked.pk,
        "snapshots": frozen.pk, "register": "data",
        "reports": report.pk, "channels": chat.pk, "ledger": 1, "iterations": 1,
        "components": "data-analysis",
        "frameworks": Framework.objects.get(key="change-and-access").pk,
        "compliance": "change-and-access", "governance:control control_id": "change-approved-before-release",
        "governance:compliance-record kind": "deployment",
        "governance:compliance-record pk": home.deployments.get().pk,
        "canvas": "dilemmas", "maturity": "mlops-automation", "test-score": "D1",
        "lifecycle:process-version pk": home.process_version_id, "governance:gate-open key": "G2",
    }  # fmt: skip


def _made(report):
    """Finished without the minute that the drawing takes: a page shows the data that was kept with it."""
    mark = {"state": "warn", "word": "needs attention"}
    columns = [{"key": kind, "title": LONG, "kind": kind} for kind in ("text", "number", "moment", "digest")]
    table = {"name": "runs", "caption": LONG, "columns": columns}
    row = [LONG, 0.123456789, "2026-11-20T18:00:00Z", "ab" * 32]
    data = {
        "title": LONG, "name": "Lifecycle report", "report": "LR-1", "as_of": "2026-11-20T18:00:00Z",
        "facts": [], "verdict": {"mark": mark, "sentence": f"It is so: {LONG}"},
        "answers": [{"question": LONG, "mark": mark, "why": LONG}],
        "tables": [table | {"rows": [row] * 30}, table | {"name": "none", "rows": []}],
    }  # fmt: skip
    path, digest = keep(json.dumps(data).encode(), ".json")
    report.path = report.data_path = path
    report.digest, report.state, report.finished_at = digest, "finished", timezone.now()
    report.pages, report.ledger_size, report.kept_until = 12, 860, timezone.now().date()
    report.save()
    return report


def _measured(home):
    """The project by a framework, with what people say of it, an inventory entry, a review, an incident."""
    load_frameworks()
    lead = home.created_by
    framework = Framework.objects.get(key="change-and-access")
    use = begin_use(project=home, framework=framework, actor=lead, reason=LONG)
    assure_control(
        use=use, control="change-change-managed", actor=lead, password=make.PASSWORD, statement=LONG,
        expires_on=timezone.now().date(),
    )  # fmt: skip
    exclude_control(use=use, control="change-emergency-change", actor=lead, reason=LONG)
    set_inventory(
        project=home, actor=lead, owner=lead, deputy=None, overseer=None, approved_uses=[LONG],
        review_every_days=90,
    )  # fmt: skip
    record_review(project=home, actor=lead, kind="access", result=LONG)
    open_incident(
        project=home, actor=lead, title=LONG, severity="serious", aware_at=timezone.now(), detail=LONG
    )
    look_at(project=home)
    gap = use.standings.filter(status__in=("not_started", "in_progress", "broken")).first()
    open_control_task(
        use=use, control=gap.control, actor=lead, owner=lead, due_on=make.tomorrow(),
        place=home.iterations.get().phases.get(key="P2"),
    )  # fmt: skip


def _changed_source(home, task):
    """Evidence whose source has changed."""
    run = make.run(home, record={"metrics": {"accuracy": 0.9}, "tags": {"note": LONG}}, title=LONG)
    frozen = freeze_run(run=run, actor=task.owner)
    make.evidence(task, snapshot=frozen)
    run.record = {"metrics": {"accuracy": 0.8}, "tags": {"note": LONG[::-1]}}
    run.save()
    compare_source(snapshot=frozen)
    frozen.refresh_from_db()
    return frozen


def _project_of(person, **rules):
    home = make.project(person, make_gates.gate_document(**rules))
    make.phase(make.iteration(home), "P1", "in_review")
    return home


def address_of(name, path, told):
    """Where this route leads in the told project. What is not told leads nowhere, but for a form's target."""
    values, before = {}, ""
    for segment in re.split("/", path):
        found = re.match(r"<(?:(\w+):)?(\w+)>", segment)
        if not found:
            before = segment
            continue
        kind, argument = found.groups()
        known = told.get(f"{name} {argument}", told.get("slug" if argument == "slug" else before))
        values[argument] = (999_999 if kind == "int" else "x") if known is None else known
    return reverse(name, kwargs=values) + QUERIES.get(name, "")


def pages(person, told):
    """The addresses that are pages, and what is wrong with the table of arguments."""
    client, found, unknown = Client(raise_request_exception=False), [], []
    client.force_login(person)
    for name, path in routes():
        if name in NO_PAGES:
            continue
        address = address_of(name, path, told)
        answer = client.get(address)
        if answer.status_code == 404:
            unknown.append(f"{name}: nothing is told for {path}, {address} is not found")
        elif answer.status_code == 200 and "text/html" in answer.get("Content-Type", ""):
            if b"<html" in answer.content:
                found.append(address)
        elif answer.status_code >= 500:
            unknown.append(f"{name}: {answer.status_code}")
    return found, unknown


def faults_of(page):
    """What is wrong with the page that is shown."""
    wrong = []
    if page.locator("h1").count() != 1:
        wrong.append(f"{page.locator('h1').count()} headings of the first level")
    if page.title().removesuffix("Gatebook").strip(" ·") == "":
        wrong.append("no title")
    return wrong + axe.faults_of(page)


def log_in(page, person):
    page.goto("/login")
    page.get_by_label("Username").fill(person.username)
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/")


def test_every_page_is_accessible_and_fits_every_window(page, told):
    person, records = told
    addresses, unknown = pages(person, records)
    assert not unknown, "\n".join(unknown)
    page.goto("/login")
    faults = {"/login": faults_of(page)}
    log_in(page, person)

    for address in addresses:
        page.goto(address)
        faults[address] = faults_of(page)

    assert not any(faults.values()), "\n".join(f"{at}: {said}" for at, said in faults.items() if said)


def test_a_site_with_nothing_on_it_says_what_to_do(page):
    log_in(page, make.user(org_role="process_owner"))

    for address in ("/", "/inbox/", "/notices/", "/ledger/", "/process/"):
        page.goto(address)
        assert faults_of(page) == [], address
        assert page.locator("main .empty, main h1").first.is_visible()


@pytest.fixture
def desk(page):
    """A queue of three tasks, somebody logged in."""
    trip = make.iteration(make.small_project())
    phase = make.phase(trip)
    owner = make.task(phase, "1.1").owner
    make.task(phase, "1.2", owner=owner)
    log_in(page, owner)
    page.goto("/inbox/")
    return trip.project


def lead(page, letter, address):
    """The second key has to follow within a moment, which a busy machine may miss: then once more."""
    for _try in range(10):
        page.keyboard.press("g")
        page.keyboard.press(letter)
        try:
            page.wait_for_url(f"**{address}", timeout=6000)
        except TimeoutError:
            continue
        return
    pytest.fail(f"g {letter} does not lead to {address}")


class TestKeyboard:
    def test_two_letters_lead_to_a_place(self, page, desk):
        for letter, address in (("l", "/ledger/"), ("p", "/"), ("i", "/inbox/")):
            lead(page, letter, address)

    def test_rows_are_stepped_through(self, page, desk):
        links = page.locator(".queue-title a")

        page.keyboard.press("j")
        assert links.nth(0).evaluate("each => each === document.activeElement")
        page.keyboard.press("j")
        assert links.nth(1).evaluate("each => each === document.activeElement")
        page.keyboard.press("k")
        assert links.nth(0).evaluate("each => each === document.activeElement")

    def test_a_slash_leads_to_the_first_filter_and_letters_are_then_only_typed(self, page, desk):
        page.goto(reverse("lifecycle:project-tasks", args=[desk.slug]))
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.name") == "iteration"

        page.keyboard.press("g")
        page.keyboard.press("l")

        assert "/tasks/" in page.url

    def test_the_list_opens_and_closes_and_is_accessible(self, page, desk):
        listed = page.get_by_text("Next and previous row")

        page.keyboard.press("?")
        assert listed.is_visible()
        assert faults_of(page) == []
        page.keyboard.press("Escape")
        assert not listed.is_visible()
        page.locator("summary.menu-open").click()
        page.get_by_role("link", name="Keyboard shortcuts").click()
        assert listed.is_visible()

    def test_they_can_be_switched_off(self, page, desk):
        page.keyboard.press("?")
        page.get_by_role("button", name="Shortcuts on").click()
        page.reload()

        page.keyboard.press("?")

        assert not page.get_by_text("Next and previous row").is_visible()
