import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from lifecycle.models import Handoff, Run, Task
from tests import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "Überprüfung-der-Eingangsdaten-" * 9 + "🍕 نص"
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


def log_in(page, user, address):
    page.goto(address)
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{address}")


def story():
    """A task at work, a handoff on offer, windows that drift and a firing that waits."""
    trip = make.iteration()
    home = trip.project
    manager = home.created_by
    task = make.task(make.phase(trip), state="mitigating", owner=manager, name=LONG)
    make.evidence(task)
    make.quality_action(make.risk(task, "qa_selected", text=LONG))
    make.risk(task, "accepted")
    handoff = make.handoff(trip, "offered", taker=manager, title=LONG)
    model = make.model_version(home)
    runs = [make.run(home, "MON", record=RECORD, model_version=model, title=LONG) for _each in range(3)]
    firing = make.firing(make.trigger(home), run=runs[-1], summary=LONG)
    make.requirement(home, statement=LONG)
    return home, task, handoff, runs[-1], firing


def addresses(home, task, handoff, run, firing):
    names = ("tasks", "handoffs", "runs", "monitoring", "triggers", "ownership", "people", "requirements")
    pages = [reverse(f"lifecycle:project-{name}", args=[home.slug]) for name in names]
    for name, record in (("task", task), ("handoff", handoff), ("run", run), ("firing", firing)):
        pages.append(reverse(f"lifecycle:{name}", args=[record.pk]))
    version = home.process_version_id
    return [
        reverse("lifecycle:inbox"), *pages, reverse("lifecycle:run-new", args=[home.slug]),
        reverse("lifecycle:process"), reverse("lifecycle:process-version", args=[version]),
    ]  # fmt: skip


def test_a_task_is_started_with_the_keyboard_alone(page):
    task = make.task(make.phase())
    log_in(page, task.owner, reverse("lifecycle:task", args=[task.pk]))

    page.get_by_role("button", name="Start the task").focus()
    page.keyboard.press("Enter")

    page.get_by_text("The task has begun.").wait_for()
    task.refresh_from_db()
    assert task.state == Task.State.INSTANTIATED


def test_the_taker_ticks_without_leaving_the_page_and_accepts(page):
    handoff = make.handoff(state="offered")
    log_in(page, handoff.taker, reverse("lifecycle:handoff", args=[handoff.pk]))

    page.get_by_role("button", name="Tick Complete").click()
    page.get_by_role("button", name="Take back Complete").wait_for()
    page.get_by_role("button", name="Accept").click()
    page.get_by_text("Criteria that are not ticked: 1.").wait_for()
    page.get_by_role("button", name="Tick Readable").click()
    page.get_by_role("button", name="Take back Readable").wait_for()
    page.get_by_role("button", name="Accept").click()
    page.get_by_text("The handoff is accepted.").wait_for()

    handoff.refresh_from_db()
    assert handoff.state == Handoff.State.ACCEPTED


def test_the_page_of_a_run_follows_it_to_its_end(page):
    run = make.run(state="running", progress=0.3, step="fitting")
    log_in(page, run.project.created_by, reverse("lifecycle:run", args=[run.pk]))
    page.get_by_text("fitting").wait_for()

    ended = timezone.now() + dt.timedelta(seconds=1)
    Run.objects.filter(pk=run.pk).update(state="finished", finished_at=ended, record=RECORD)

    page.get_by_role("heading", name="Metrics").wait_for()
    assert page.locator("#progress").count() == 0


def test_a_specification_with_a_mistake_keeps_what_was_typed(page):
    home = make.small_project()
    log_in(page, home.created_by, reverse("lifecycle:run-new", args=[home.slug]))

    page.get_by_label("Specification").fill('{"seed": }')
    page.get_by_role("button", name="Start the run").click()

    page.get_by_text("Line 1, column 10").wait_for()
    assert page.get_by_label("Specification").input_value() == '{"seed": }'
