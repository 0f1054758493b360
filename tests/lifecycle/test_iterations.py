import datetime as dt

import pytest
from django.utils import timezone

from ledger.actors import SystemActor
from lifecycle import events
from lifecycle.models import Handoff, Iteration, Phase, Project, Risk, Task
from lifecycle.services.iterations import complete_iteration, open_iteration, stop_iteration
from lifecycle.services.phases import (
    agree_requirements,
    close_conditions,
    decide_phase,
    reopen_phase,
    request_review,
    resume_phase,
    start_phase,
)
from tests import make
from tests.traces import forbidden, invalid, no_trace, one_entry, refused

pytestmark = pytest.mark.django_db

MACHINE = SystemActor("triggers")


def open_one(project, **fields):
    values = {"title": "First", "reason": "Because", "actor": project.created_by} | fields
    return open_iteration(project=project, **values)


def test_an_iteration_opens_with_phases_tasks_risks_and_handoffs():
    project = make.small_project()

    with one_entry("iteration.opened") as detail:
        iteration = open_one(project)

    assert list(iteration.phases.values_list("key", "state")) == [
        ("P1", "not_started"),
        ("P2", "not_started"),
    ]
    assert list(Task.objects.values_list("key", "mandatory", "evidence_kinds").order_by("key")) == [
        ("1.1", True, ["TRN"]),
        ("1.2", False, ["DOC"]),
        ("2.1", True, ["EVR"]),
    ]
    risk = Risk.objects.get()
    assert (risk.key, risk.state, risk.score, risk.inherent_severity) == ("R1-01", "identified", 12, None)
    handoff = Handoff.objects.get()
    assert (handoff.deliverables.count(), handoff.criteria.count()) == (2, 2)
    assert (detail["iteration"], detail["to"], detail["start_phase"]) == (1, "open", "P1")


def test_the_whole_catalogue_opens_at_a_constant_cost(django_assert_max_num_queries):
    project = make.project()

    with django_assert_max_num_queries(60):
        iteration = open_one(project)

    assert Task.objects.filter(phase__iteration=iteration).count() == len(
        iteration.process_version.document["tasks"]
    )


def test_tasks_are_due_one_phase_after_the_other():
    iteration = open_one(make.small_project())

    today = timezone.localdate(iteration.opened_at)
    due = {key: (day - today).days for key, day in Task.objects.values_list("key", "due_on")}
    assert due == {"1.1": 5, "1.2": 10, "2.1": 17}
    assert Handoff.objects.get().due_on == today + dt.timedelta(days=13)


def test_the_only_person_with_a_role_owns_its_tasks_and_gives_its_handoffs():
    project = make.small_project()
    scientist = make.member(project, "contributor", "DS")
    make.member(project, "contributor", "PO")
    make.member(project, "reviewer", "PO")

    with one_entry("iteration.opened") as detail:
        open_one(project)

    owners = dict(Task.objects.values_list("key", "owner"))
    assert owners == {"1.1": scientist.pk, "1.2": None, "2.1": scientist.pk}
    assert set(Task.objects.values_list("accountable", flat=True)) == {project.created_by_id}
    handoff = Handoff.objects.get()
    assert (handoff.giver, handoff.taker) == (None, scientist)
    assert [each["key"] for each in detail["assigned"]] == ["1.1", "2.1"]
    assert {each["owner"] for each in detail["assigned"]} == {scientist.pk}


def test_auditors_and_people_who_left_own_nothing():
    project = make.small_project()
    make.member(project, "auditor", "DS")
    make.member(project, "contributor", "DS", left_at=timezone.now())

    open_one(project)

    assert Task.objects.filter(owner__isnull=False).count() == 0


def test_a_later_start_inherits_what_came_before():
    iteration = open_one(make.small_project(), start_phase="P2")

    assert dict(iteration.phases.values_list("key", "state")) == {"P1": "inherited", "P2": "not_started"}
    assert set(Task.objects.values_list("phase__key", flat=True)) == {"P2"}
    assert Handoff.objects.count() == 0


def test_a_trigger_opens_an_iteration_and_nobody_is_said_to_have_done_it():
    project = make.small_project()
    firing = make.firing(make.trigger(project))

    with one_entry("iteration.opened") as detail:
        iteration = open_one(project, actor=MACHINE, firing=firing)

    assert (iteration.opened_by, iteration.firing, detail["firing"]) == (None, firing, firing.pk)


def test_one_iteration_is_open_at_a_time_and_numbers_go_on():
    project = make.small_project()
    first = open_one(project)

    with refused("iteration_open", first):
        open_one(project)
    stop_iteration(iteration=first, actor=project.created_by, reason="No data")
    assert open_one(project).number == 2


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("title", "", "missing"),
        ("reason", " ", "missing"),
        ("start_phase", "P9", "unknown_phase"),
        ("title", "\x07", "control_character"),
    ],
)
def test_an_iteration_is_not_opened_with_bad_input(field, value, code):
    project = make.small_project()

    with invalid(code, field):
        open_one(project, **{field: value})


@pytest.mark.parametrize("role", ["contributor", "reviewer", "auditor", None])
def test_only_a_manager_opens_completes_and_stops_iterations(role):
    iteration = make.iteration()
    project = iteration.project
    person = make.member(project, role) if role else make.user()

    with forbidden():
        open_one(project, actor=person)
    with forbidden(iteration):
        complete_iteration(iteration=iteration, actor=person)
    with forbidden(iteration):
        stop_iteration(iteration=iteration, actor=person, reason="Bored")


def test_a_closed_project_has_no_new_iteration():
    project = make.small_project()
    Project.objects.update(state="closed")

    with refused("project_closed"):
        open_one(project)


def test_an_iteration_is_completed_while_its_last_phase_runs_on():
    iteration = make.iteration()
    make.phase(iteration, "P1", "passed")
    make.phase(iteration, "P2", "in_progress")

    with one_entry("iteration.completed") as detail:
        done = complete_iteration(iteration=iteration, actor=MACHINE)

    assert (done.state, done.closed_at is None) == ("completed", False)
    assert detail["phases"] == {"P1": "passed", "P2": "in_progress"}
    with refused("wrong_state", iteration):
        complete_iteration(iteration=iteration, actor=MACHINE)


def test_an_iteration_with_an_open_phase_is_not_completed():
    iteration = make.phase(state="in_review").iteration

    with refused("phases_open", iteration):
        complete_iteration(iteration=iteration, actor=iteration.project.created_by)


def test_stopping_an_iteration_stops_its_phases_and_cancels_its_handoffs():
    iteration = make.phase(state="in_progress").iteration
    offered, accepted = make.handoff(iteration, "offered"), make.handoff(iteration, "accepted")

    with one_entry("iteration.stopped") as detail:
        stop_iteration(iteration=iteration, actor=iteration.project.created_by, reason="No budget")

    assert set(Phase.objects.values_list("state", flat=True)) == {"stopped"}
    assert dict(Handoff.objects.filter(pk__in=[offered.pk, accepted.pk]).values_list("pk", "state")) == {
        offered.pk: "cancelled",
        accepted.pk: "accepted",
    }
    assert detail["reason"] == "No budget"


def test_a_phase_starts_after_the_one_before_it_is_passed():
    iteration = make.iteration()
    first, second = iteration.phases.all()
    manager = iteration.project.created_by

    with refused("previous_phase_open", second):
        start_phase(phase=second, actor=manager)
    with one_entry("phase.started") as detail:
        started = start_phase(phase=first, actor=manager)

    assert (started.state, started.started_at is None) == ("defining_requirements", False)
    assert (detail["iteration"], detail["from"], detail["to"]) == (1, "not_started", "defining_requirements")


def test_the_tasks_of_a_phase_are_dated_from_the_day_it_starts():
    iteration = make.iteration()
    Task.objects.update(due_on=dt.date(2020, 1, 1))

    start_phase(phase=iteration.phases.get(key="P1"), actor=iteration.project.created_by)

    today = timezone.localdate()
    assert Task.objects.get(key="1.1").due_on == today + dt.timedelta(days=5)
    assert Task.objects.get(key="2.1").due_on == dt.date(2020, 1, 1)


def test_requirements_are_agreed_before_work_begins():
    phase = make.phase(state="defining_requirements")
    project = phase.iteration.project
    draft = make.requirement(project, "draft", gate="G1")
    make.requirement(project, "draft", gate="G2")

    with refused("requirements_draft", phase):
        agree_requirements(phase=phase, actor=project.created_by)
    draft.state = "agreed"
    draft.save()
    with one_entry("phase.requirements_agreed") as detail:
        agreed = agree_requirements(phase=phase, actor=project.created_by)

    assert (agreed.state, detail["requirements"]) == ("in_progress", {draft.key: 1})


def test_a_review_is_requested_when_every_mandatory_task_is_verified():
    phase = make.phase()
    worker = make.member(phase.iteration.project)

    with refused("tasks_open", phase):
        request_review(phase=phase, actor=worker)
    make.task(phase, "1.1", "verified")
    with one_entry("phase.review_requested"):
        submitted = request_review(phase=phase, actor=worker)

    assert submitted.state == "in_review"


@pytest.mark.parametrize(
    ("outcome", "state", "ended"),
    [
        ("pass", "passed", True),
        ("pass_with_conditions", "passed_with_conditions", True),
        ("iterate", "in_progress", False),
        ("send_back", "reopened", True),
        ("hold", "on_hold", True),
        ("stop", "stopped", True),
    ],
)
def test_a_gate_decides_a_phase(outcome, state, ended):
    phase = make.phase(state="in_review")

    with one_entry("phase.decided") as detail:
        decided = decide_phase(phase=phase, outcome=outcome, actor=MACHINE, reason="As seen")

    assert (decided.state, decided.ended_at is not None) == (state, ended)
    assert (detail["outcome"], detail["from"], detail["to"]) == (outcome, "in_review", state)


def test_a_decision_is_one_that_exists_and_has_a_reason_where_it_hurts():
    phase = make.phase(state="in_review")
    reviewer = make.member(phase.iteration.project, "reviewer")

    with invalid("unknown_outcome", "outcome"):
        decide_phase(phase=phase, outcome="wave_through", actor=reviewer)
    with invalid("missing", "reason"):
        decide_phase(phase=phase, outcome="stop", actor=reviewer)
    with refused("wrong_state", phase):
        decide_phase(phase=make.phase(phase.iteration, "P2", "not_started"), outcome="pass", actor=MACHINE)


@pytest.mark.parametrize("outcome", ["pass", "pass_with_conditions", "iterate", "send_back"])
def test_no_person_decides_in_the_place_of_a_gate(outcome):
    phase = make.phase(state="in_review")
    project = phase.iteration.project

    for person in (project.created_by, make.member(project, "reviewer")):
        with forbidden(phase):
            decide_phase(phase=phase, outcome=outcome, actor=person, reason="I say so")


def test_conditions_are_closed_when_no_task_is_open():
    phase = make.phase(state="passed_with_conditions")
    reviewer = make.member(phase.iteration.project, "reviewer")

    with refused("tasks_open", phase):
        close_conditions(phase=phase, actor=reviewer)
    make.task(phase, "1.1", "verified")
    with one_entry("phase.decided"):
        assert close_conditions(phase=phase, actor=reviewer).state == "passed"


def test_a_phase_on_hold_is_resumed():
    phase = make.phase(state="on_hold")

    with one_entry("phase.resumed"):
        assert resume_phase(phase=phase, actor=phase.iteration.project.created_by).state == "in_progress"


def test_a_reopened_phase_takes_evidence_tasks_and_later_phases_with_it():
    first = make.phase(state="passed")
    second = make.phase(first.iteration, "P2", "passed")
    done = make.task(first, "1.1", "verified")
    proof = make.evidence(done, state="verified")
    later = make.evidence(make.task(second, "2.1", "evidence_attached"))
    rejected = make.evidence(done, state="rejected")

    with one_entry("phase.reopened") as detail:
        reopen_phase(phase=first, actor=MACHINE, reason="Upstream changed its units")

    for record in (second, done, proof, later, later.task, rejected):
        record.refresh_from_db()
    assert (second.state, done.state, later.task.state) == ("reopened", "reopened", "mitigating")
    assert (proof.state, later.state, rejected.state) == ("expired", "expired", "rejected")
    assert detail["expired_evidence"] == [proof.pk, later.pk]
    assert detail["phases"] == {"P2": "reopened"}
    assert detail["tasks"] == {str(done.pk): "reopened", str(later.task.pk): "mitigating"}


def test_evidence_of_earlier_phases_stays_when_a_phase_is_reopened():
    iteration = make.iteration()
    proof = make.evidence(
        make.task(make.phase(iteration, "P1", "passed"), "1.1", "verified"), state="verified"
    )
    second = make.phase(iteration, "P2", "passed")

    with no_trace(proof, proof.task):
        pass
    reopen_phase(phase=second, actor=MACHINE, reason="Again")

    proof.refresh_from_db()
    assert proof.state == "verified"


def test_an_inherited_phase_gets_its_tasks_when_it_is_reopened():
    iteration = make.iteration(start_phase="P2")

    reopen_phase(phase=iteration.phases.get(key="P1"), actor=MACHINE, reason="New data")

    assert set(Task.objects.values_list("phase__key", flat=True)) == {"P1", "P2"}


def test_what_nobody_may_do_with_a_phase_but_a_manager():
    phase = make.phase(state="passed")
    project = phase.iteration.project
    people = [
        make.member(project, "contributor"),
        make.member(project, "auditor"),
        make.user(org_role="administrator"),
    ]

    for person in people:
        for act in (start_phase, agree_requirements, resume_phase):
            with forbidden(phase):
                act(phase=phase, actor=person)
        with forbidden(phase):
            reopen_phase(phase=phase, actor=person, reason="I want")
        with forbidden(phase):
            decide_phase(phase=phase, outcome="pass", actor=person)
    for person in people[1:]:
        with forbidden(phase):
            request_review(phase=phase, actor=person)


def test_no_phase_moves_in_an_iteration_that_is_over():
    phase = make.phase(state="in_review")
    Iteration.objects.update(state="completed", closed_at=timezone.now())

    with refused("iteration_closed", phase):
        decide_phase(phase=phase, outcome="pass", actor=MACHINE)


def test_a_receiver_that_fails_undoes_the_change():
    phase = make.phase(state="in_review")

    def fail(event, **kwargs):
        raise RuntimeError(event.state)

    events.phase_changed.connect(fail)
    try:
        with no_trace(phase), pytest.raises(RuntimeError, match="passed"):
            decide_phase(phase=phase, outcome="pass", actor=MACHINE)
    finally:
        events.phase_changed.disconnect(fail)
