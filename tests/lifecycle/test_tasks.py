import pytest
from django.utils import timezone

from lifecycle import events
from lifecycle.models import Evidence, Iteration, Task, TaskDuty
from lifecycle.services.tailoring import request_exclusion
from lifecycle.services.tasks import (
    accept_risks,
    assign_task,
    block_task,
    identify_risks,
    reject_evidence,
    reopen_task,
    set_duty,
    start_task,
    verify_task,
)
from tests import make
from tests.traces import forbidden, invalid, no_trace, one_entry, refused

pytestmark = pytest.mark.django_db


def project_of(task):
    return task.phase.iteration.project


def reviewer_of(task):
    return make.member(project_of(task), "reviewer")


def test_a_manager_assigns_a_task():
    task = make.task()
    manager, person = project_of(task).created_by, make.member(project_of(task))
    before = task.owner_id

    with one_entry("task.assigned") as detail:
        assigned = assign_task(
            task=task, owner=person, accountable=manager, due_on=make.tomorrow(), actor=manager
        )

    assert (assigned.owner, assigned.accountable, assigned.due_on) == (person, manager, make.tomorrow())
    assert (detail["owner"], detail["accountable"], detail["iteration"]) == (person.pk, manager.pk, 1)
    assert detail["from"] == {"owner": before, "accountable": manager.pk}


@pytest.mark.parametrize("role", ["auditor", None])
def test_a_task_is_not_given_to_those_who_cannot_work_here(role):
    task = make.task()
    person = make.member(project_of(task), role) if role else make.user()

    with refused("not_member", task):
        assign_task(task=task, owner=person, actor=project_of(task).created_by)


def test_a_task_that_is_done_is_not_assigned():
    task = make.task(state="verified")

    with refused("wrong_state", task):
        assign_task(task=task, owner=make.member(project_of(task)), actor=project_of(task).created_by)


def test_duties_are_set_changed_and_taken_away():
    task = make.task()
    manager, person = project_of(task).created_by, make.member(project_of(task), "auditor")

    for duty in ("C", "I", None):
        with one_entry("task.duty_set"):
            set_duty(task=task, user=person, duty=duty, actor=manager)

    assert TaskDuty.objects.count() == 0
    with invalid("unknown_duty"):
        set_duty(task=task, user=person, duty="R", actor=manager)
    with refused("not_member"):
        set_duty(task=task, user=make.user(), duty="C", actor=manager)


@pytest.mark.parametrize("state", ["planned", "reopened", "blocked"])
def test_a_task_is_started(state):
    task = make.task(state=state)

    with one_entry("task.started") as detail:
        started = start_task(task=task, actor=task.owner)

    assert (started.state, started.started_at is None) == ("instantiated", False)
    assert (detail["from"], detail["to"], detail["owner"]) == (state, "instantiated", task.owner_id)


def test_a_task_without_owner_is_not_started():
    task = make.task()
    Task.objects.update(owner=None)

    with refused("no_owner", task):
        start_task(task=task, actor=project_of(task).created_by)


@pytest.mark.parametrize("state", ["not_started", "defining_requirements", "in_review", "passed", "on_hold"])
def test_a_task_is_not_started_before_or_after_its_phase_is_in_progress(state):
    task = make.task(make.phase(state=state))

    with refused("phase_not_in_progress", task):
        start_task(task=task, actor=task.owner)


def test_no_task_moves_in_an_iteration_that_is_over():
    task = make.task()
    Iteration.objects.update(state="stopped", closed_at=timezone.now())

    with refused("iteration_closed", task):
        start_task(task=task, actor=task.owner)


def test_the_risks_of_a_task_are_identified():
    task = make.task(state="instantiated")

    with one_entry("task.risks_identified") as detail:
        identify_risks(task=task, actor=task.owner)

    assert detail["risks"] == ["R1-01"]


def test_that_there_is_no_risk_says_a_second_person():
    task = make.task(state="instantiated")
    task.risks.all().delete()
    second = make.member(project_of(task))

    with refused("no_risks", task):
        identify_risks(task=task, actor=task.owner)
    with refused("own_approval", task):
        identify_risks(task=task, actor=task.owner, none_statement_by=task.owner)
    with refused("not_member", task):
        identify_risks(task=task, actor=task.owner, none_statement_by=make.user())
    with one_entry("task.risks_identified") as detail:
        identify_risks(task=task, actor=task.owner, none_statement_by=second)

    assert detail["none_statement_by"] == second.pk


@pytest.mark.parametrize("state", ["risks_identified", "mitigating"])
def test_risks_are_accepted_when_none_is_open(state):
    task = make.task(state=state)

    with refused("risks_open", task):
        accept_risks(task=task, actor=task.owner)
    task.risks.update(state="accepted")
    make.risk(task, "closed")
    with one_entry("task.risks_accepted"):
        assert accept_risks(task=task, actor=task.owner).state == "risks_accepted"


def test_a_task_with_all_its_evidence_goes_on_when_its_risks_are_accepted():
    task = make.task(state="mitigating")
    task.risks.update(state="accepted")
    make.evidence(task)

    with one_entry("task.risks_accepted") as detail:
        assert accept_risks(task=task, actor=task.owner).state == "evidence_attached"
    assert detail["to"] == "evidence_attached"


def test_another_person_verifies_a_task_and_its_evidence():
    task = make.task(state="evidence_attached")
    fresh, old = make.evidence(task), make.evidence(task, state="expired")
    reviewer = reviewer_of(task)

    with one_entry("task.verified") as detail:
        verified = verify_task(task=task, actor=reviewer)

    fresh.refresh_from_db()
    old.refresh_from_db()
    assert (verified.state, verified.verified_by) == ("verified", reviewer)
    assert (fresh.state, fresh.verified_by, old.state) == ("verified", reviewer, "expired")
    assert detail["evidence"] == {str(fresh.pk): fresh.snapshot.digest}


def test_nobody_verifies_their_own_work():
    task = make.task(state="evidence_attached")
    project = project_of(task)
    owner, attacher, runner = (make.member(project, "reviewer") for _ in range(3))
    snapshot = make.snapshot(project, run=make.run(project, started_by=runner))
    make.evidence(task, snapshot=snapshot, attached_by=attacher)
    Task.objects.filter(pk=task.pk).update(owner=owner)

    for person in (owner, attacher, runner):
        with refused("own_work", task):
            verify_task(task=task, actor=person)


def test_a_manager_does_not_verify_their_own_work_either():
    manager = make.user()
    task = make.task(
        make.phase(make.iteration(make.small_project(manager))), state="evidence_attached", owner=manager
    )
    make.evidence(task)

    with refused("own_work", task):
        verify_task(task=task, actor=manager)


def test_a_task_whose_evidence_has_expired_is_not_verified():
    task = make.task(state="evidence_attached")
    make.evidence(task, state="expired")

    with refused("evidence_missing", task):
        verify_task(task=task, actor=reviewer_of(task))


@pytest.mark.parametrize("role", ["contributor", "auditor", None])
def test_only_reviewers_and_managers_judge_evidence(role):
    task = make.task(state="evidence_attached")
    make.evidence(task)
    person = make.member(project_of(task), role) if role else make.user(org_role="administrator")

    with forbidden(task):
        verify_task(task=task, actor=person)
    with forbidden(task):
        reject_evidence(task=task, actor=person, reason="No")


def test_rejected_evidence_stays_and_the_task_goes_back():
    task = make.task(state="evidence_attached")
    evidence = make.evidence(task)

    with one_entry("evidence.rejected") as detail:
        back = reject_evidence(task=task, actor=reviewer_of(task), reason="Wrong slice")

    evidence.refresh_from_db()
    assert (back.state, back.state_reason) == ("mitigating", "Wrong slice")
    assert (evidence.state, evidence.state_reason) == ("rejected", "Wrong slice")
    assert detail["evidence"] == [evidence.pk]
    with invalid("missing", "reason"):
        reject_evidence(task=task, actor=project_of(task).created_by, reason=" ")


@pytest.mark.parametrize(
    "state", ["instantiated", "risks_identified", "mitigating", "risks_accepted", "evidence_attached"]
)
def test_a_task_at_work_is_blocked(state):
    task = make.task(state=state)

    with one_entry("task.blocked"):
        assert block_task(task=task, actor=task.owner, reason="Waits for data").state == "blocked"


@pytest.mark.parametrize("state", ["verified", "not_applicable"])
def test_a_task_that_was_done_is_reopened(state):
    task = make.task(state=state)

    with one_entry("task.reopened") as detail:
        opened = reopen_task(task=task, actor=task.owner, reason="The metric was wrong")

    assert (opened.state, opened.verified_by, opened.verified_at) == ("reopened", None, None)
    assert detail["reason"] == "The metric was wrong"


@pytest.mark.parametrize(
    ("act", "states"),
    [
        (start_task, {"planned", "reopened", "blocked"}),
        (identify_risks, {"instantiated"}),
        (accept_risks, {"risks_identified", "mitigating"}),
    ],
)
def test_a_step_out_of_turn_is_refused(act, states):
    task = make.task()

    for state in set(Task.State.values) - states - {"verified"}:
        Task.objects.filter(pk=task.pk).update(state=state)
        with refused("wrong_state", task):
            act(task=task, actor=task.owner)


@pytest.mark.parametrize("who", ["stranger", "auditor", "org_auditor", "reviewer", "left", "closed"])
def test_who_does_not_work_on_tasks(who):
    task = make.task()
    project = project_of(task)
    person = {
        "stranger": make.user,
        "auditor": lambda: make.member(project, "auditor"),
        "org_auditor": lambda: make.member(project, "contributor", user=make.user(org_role="auditor")),
        "reviewer": lambda: make.member(project, "reviewer"),
        "left": lambda: make.member(project, left_at=timezone.now()),
        "closed": lambda: make.member(project, user=make.user(is_active=False)),
    }[who]()

    for act in (start_task, identify_risks, accept_risks):
        with forbidden(task):
            act(task=task, actor=person)
    for act in (block_task, reopen_task):
        with forbidden(task):
            act(task=task, actor=person, reason="I want")
    with forbidden(task):
        assign_task(task=task, owner=task.owner, actor=person)
    with forbidden(task):
        request_exclusion(task=task, actor=person, reason="I want")
    with forbidden(task):
        set_duty(task=task, user=task.owner, duty="C", actor=person)


def test_a_receiver_that_fails_undoes_a_verification():
    task = make.task(state="evidence_attached")
    evidence, reviewer = make.evidence(task), reviewer_of(task)

    def fail(event, **kwargs):
        raise RuntimeError(Evidence.objects.get(pk=event.evidence_id).state)

    events.evidence_changed.connect(fail)
    try:
        with no_trace(task, evidence), pytest.raises(RuntimeError, match="verified"):
            verify_task(task=task, actor=reviewer)
    finally:
        events.evidence_changed.disconnect(fail)
