"""What a project does differently from its process: more tasks and risks, tasks that do not apply."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from lifecycle.errors import Refused
from lifecycle.models import Exclusion
from lifecycle.services.phases import request_review
from lifecycle.services.tailoring import (
    add_task,
    approve_exclusion,
    decline_exclusion,
    request_exclusion,
    withdraw_exclusion,
)
from lifecycle.services.tasks import start_task
from tests import make
from tests.traces import forbidden, invalid, no_trace, one_entry, refused

pytestmark = pytest.mark.django_db

LONG = ("مراقبة 🛰️ " * 40)[:299] + "x"


def grown(phase, **changes):
    values = {
        "name": "Ask the works council", "summary": "", "role": "DS", "evidence_kinds": ["REV"],
        "actor": phase.iteration.project.created_by,
    } | changes  # fmt: skip
    return add_task(phase=phase, **values)


def optional(**fields):
    """An optional task that has begun, and a contributor, a reviewer, the manager of its project."""
    task = make.task(key="1.2", state="instantiated", **fields)
    project = task.phase.iteration.project
    return task, make.member(project), make.member(project, "reviewer"), project.created_by


def asked(task, person):
    return request_exclusion(task=task, actor=person, reason="There are no users yet")


# ---- extra tasks ----


def test_a_manager_adds_a_task_with_a_key_of_its_own():
    phase = make.phase()
    scientist = make.member(phase.iteration.project, "contributor", "DS")

    with one_entry("task.added") as detail:
        task = grown(phase)

    assert (task.key, task.order, task.state, task.mandatory) == ("X1", 3, "planned", True)
    assert (task.owner, task.accountable) == (scientist, phase.iteration.project.created_by)
    assert (detail["key"], detail["phase"], detail["name"]) == ("X1", "P1", "Ask the works council")
    assert grown(phase.iteration.phases.get(key="P2")).key == "X2"


def test_an_extra_task_is_worked_on_like_any_other_and_holds_the_phase_up():
    phase = make.phase()
    task = grown(phase)
    phase.tasks.exclude(pk=task.pk).update(mandatory=False)

    with refused("tasks_open", phase):
        request_review(phase=phase, actor=phase.iteration.project.created_by)
    person = make.member(phase.iteration.project)
    task.owner = person
    task.save(update_fields=["owner"])
    assert start_task(task=task, actor=person).state == "instantiated"


@pytest.mark.parametrize("state", ["in_review", "passed", "inherited", "stopped"])
def test_no_task_is_added_to_a_phase_that_is_judged_or_over(state):
    phase = make.phase(state=state)

    with refused("phase_settled", phase):
        grown(phase)


@pytest.mark.parametrize(
    ("changes", "code", "where"),
    [
        ({"role": "XX"}, "unknown_role", "role"),
        ({"evidence_kinds": []}, "missing", "evidence_kinds"),
        ({"evidence_kinds": ["ZIP"]}, "unknown_kind", "evidence_kinds"),
        ({"name": " "}, "missing", "name"),
        ({"name": "x" * 301}, "too_long", "name"),
        ({"name": "a\x00b"}, "control_character", "name"),
    ],
)
def test_an_extra_task_with_bad_input_is_refused_with_the_place(changes, code, where):
    phase = make.phase()

    with invalid(code, where):
        grown(phase, **changes)


@pytest.mark.parametrize("role", ["contributor", "reviewer", "auditor", None])
def test_only_managers_add_tasks(role):
    phase = make.phase()
    person = make.member(phase.iteration.project, role) if role else make.user()

    with forbidden(phase):
        grown(phase, actor=person)


# ---- tasks that do not apply ----


def test_a_task_does_not_apply_once_a_second_person_approved():
    task, person, reviewer, _manager = optional()

    with one_entry("task.exclusion_requested") as detail:
        exclusion = asked(task, person)
    task.refresh_from_db()
    assert (task.state, detail["reason"]) == ("instantiated", "There are no users yet")

    with one_entry("task.excluded") as detail:
        decided = approve_exclusion(exclusion=exclusion, actor=reviewer)
    task.refresh_from_db()
    assert (task.state, task.state_reason) == ("not_applicable", "There are no users yet")
    assert (decided.state, decided.decided_by) == ("approved", reviewer)
    assert (detail["requested_by"], detail["approver"]) == (person.pk, reviewer.pk)


def test_nobody_approves_or_declines_what_they_asked_for():
    task, _person, _reviewer, manager = optional()
    exclusion = asked(task, manager)

    with refused("own_approval", exclusion, task):
        approve_exclusion(exclusion=exclusion, actor=manager)
    with refused("own_approval", exclusion, task):
        decline_exclusion(exclusion=exclusion, actor=manager, reason="No")


def test_a_request_is_declined_with_a_reason_and_can_be_asked_again():
    task, person, reviewer, _manager = optional()
    exclusion = asked(task, person)

    with invalid("missing", "reason"):
        decline_exclusion(exclusion=exclusion, actor=reviewer, reason=" ")
    with one_entry("task.exclusion_declined"):
        declined = decline_exclusion(exclusion=exclusion, actor=reviewer, reason="There are users")

    task.refresh_from_db()
    assert (declined.state, declined.decision, task.state) == ("declined", "There are users", "instantiated")
    assert asked(task, person).state == "requested"


def test_a_request_is_withdrawn_by_who_asked_or_by_a_manager():
    task, person, reviewer, manager = optional()
    other = make.member(task.phase.iteration.project)

    exclusion = asked(task, person)
    for somebody in (other, reviewer):
        with forbidden(exclusion):
            withdraw_exclusion(exclusion=exclusion, actor=somebody)
    with one_entry("task.exclusion_withdrawn"):
        withdraw_exclusion(exclusion=exclusion, actor=person)
    assert withdraw_exclusion(exclusion=asked(task, person), actor=manager).state == "withdrawn"


def test_a_task_is_asked_about_once_at_a_time():
    task, person, _reviewer, manager = optional()
    asked(task, person)

    with refused("already_requested", task):
        asked(task, manager)


def test_what_is_mandatory_or_has_gone_on_cannot_be_left_out():
    task, person, reviewer, _manager = optional()
    with refused("mandatory", task):
        asked(task.phase.tasks.get(key="1.1"), person)
    exclusion = asked(task, person)
    task.state = "evidence_attached"
    task.save(update_fields=["state"])

    with no_trace(task, exclusion), pytest.raises(Refused):
        approve_exclusion(exclusion=exclusion, actor=reviewer)


def test_auditors_and_strangers_neither_ask_nor_decide():
    task, person, _reviewer, _manager = optional()
    exclusion = asked(task, person)
    for somebody in (make.member(task.phase.iteration.project, "auditor"), make.user()):
        with forbidden(task):
            asked(task, somebody)
        with forbidden(exclusion):
            approve_exclusion(exclusion=exclusion, actor=somebody)


# ---- the page ----


def address(project):
    return reverse("lifecycle:project-tailoring", args=[project.slug])


def test_the_page_tells_what_is_different(client):
    task, person, reviewer, _manager = optional()
    project = task.phase.iteration.project
    grown(task.phase, name=LONG)
    make.risk(task, key="X1", text=LONG)
    approve_exclusion(exclusion=asked(task, person), actor=reviewer)
    client.force_login(make.member(project, "auditor"))

    page = client.get(address(project))

    assert page.context["found"].title == "2 additions, 1 task that does not apply"
    assert f"<bdi>{LONG}</bdi>" in page.content.decode()
    assert "<form class=" not in page.content.decode()


def test_a_contributor_asks_and_a_reviewer_approves_on_the_page(client):
    task, person, reviewer, _manager = optional()
    project = task.phase.iteration.project

    client.force_login(person)
    client.post(address(project) + "exclude/", {"task": task.pk, "reason": "No users"})
    exclusion = Exclusion.objects.get()
    assert [
        each.name for _e, decisions in client.get(address(project)).context["waiting"] for each in decisions
    ] == [f"withdraw-{exclusion.pk}"]
    client.force_login(reviewer)
    client.post(f"{address(project)}{exclusion.pk}/approve/")

    task.refresh_from_db()
    assert task.state == "not_applicable"


def test_a_manager_adds_a_task_and_a_risk_on_the_page(client):
    phase = make.phase()
    project = phase.iteration.project
    client.force_login(project.created_by)

    answer = client.post(
        address(project) + "add-task/",
        {"name": LONG, "phase": phase.pk, "role": "DS", "evidence_kinds": ["DOC"], "mandatory": "on"},
    )
    assert answer.status_code == 302
    task = phase.tasks.get(key="X1")
    client.post(
        address(project) + "add-risk/", {"task": task.pk, "text": "It rains", "category": "technical"}
    )

    assert task.name == LONG
    assert task.risks.get().key == "X1"


def test_what_is_refused_keeps_what_was_typed(client):
    phase = make.phase()
    client.force_login(phase.iteration.project.created_by)

    answer = client.post(address(phase.iteration.project) + "add-task/", {"name": "Kept", "phase": phase.pk})

    assert answer.status_code == 422
    assert answer.context["add_task"].form["name"].value() == "Kept"


def test_others_are_forbidden_and_strangers_find_nothing(client):
    task, person, _reviewer, _manager = optional()
    project = task.phase.iteration.project
    exclusion = asked(task, person)
    client.force_login(make.member(project, "auditor"))
    for act in (
        "add-task/",
        "add-risk/",
        "exclude/",
        f"{exclusion.pk}/approve/",
        f"{exclusion.pk}/withdraw/",
    ):
        assert client.post(address(project) + act).status_code == 403
    client.force_login(make.user())
    assert client.get(address(project)).status_code == 404


def test_the_page_takes_the_same_queries_however_much_there_is(client):
    task, person, _reviewer, _manager = optional()
    project = task.phase.iteration.project
    client.force_login(project.created_by)
    asked(task, person)
    grown(task.phase)
    make.risk(task)

    def queries():
        with CaptureQueriesContext(connection) as caught:
            assert client.get(address(project)).status_code == 200
        return len(caught)

    before = queries()
    for number in range(5):
        grown(task.phase, name=f"Task {number}")
        make.risk(task)

    assert queries() == before <= 20
