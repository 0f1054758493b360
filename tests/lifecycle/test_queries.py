import datetime as dt

import pytest
from django.utils import timezone

from lifecycle.models import Handoff, Iteration, Phase, TaskDuty
from lifecycle.queries.counts import counts_of
from lifecycle.queries.glances import glances
from lifecycle.queries.handoffs import handoff_detail, handoffs_of, handoffs_of_iteration, handoffs_visible_to
from lifecycle.queries.history import history_of, history_of_project
from lifecycle.queries.inbox import inbox_of
from lifecycle.queries.iterations import current_iteration, iteration_overview, iterations_of
from lifecycle.queries.ownership import ownership_matrix, who_holds_what
from lifecycle.queries.projects import members_of, projects_visible_to, requirements_of, steps_of
from lifecycle.queries.risks import risk_map
from lifecycle.queries.tasks import (
    evidence_visible_to,
    risks_visible_to,
    task_detail,
    tasks_of,
    tasks_visible_to,
)
from lifecycle.services.tasks import start_task
from tests import make

pytestmark = pytest.mark.django_db

COUNTS = pytest.mark.parametrize("count", [1, 3])


def yesterday():
    return timezone.localdate() - dt.timedelta(days=1)


def test_members_see_their_projects_and_strangers_none():
    project, other = make.small_project(), make.small_project()
    member, gone = make.member(project, "auditor"), make.member(project, left_at=timezone.now())

    assert list(projects_visible_to(member)) == [project]
    assert list(projects_visible_to(gone)) == list(projects_visible_to(make.user())) == []
    assert other not in projects_visible_to(member)


@pytest.mark.parametrize("org_role", ["administrator", "process_owner", "auditor"])
def test_some_see_every_project(org_role):
    project = make.small_project()

    assert project in projects_visible_to(make.user(org_role=org_role))
    assert project not in projects_visible_to(make.user(org_role=org_role, is_active=False))


@COUNTS
def test_the_portfolio_shows_each_project_at_a_constant_cost(django_assert_num_queries, count):
    me = make.user()
    for _ in range(count):
        iteration = make.iteration(make.small_project(me))
        phase = make.phase(iteration)
        make.task(phase, "1.1", "verified")
        make.task(phase, "1.2", due_on=yesterday())
        make.handoff(iteration, due_on=yesterday())
        make.handoff(iteration, "accepted", due_on=yesterday())
        make.firing(make.trigger(iteration.project))
        make.run(iteration.project, "MON", record={"verdict": "ok"})
        make.run(iteration.project, "MON", record={"verdict": "drift"})
    make.iteration()

    with django_assert_num_queries(8):
        rows = glances(me)
        for row in rows:
            assert (row.role, row.current.key) == ("manager", "P1")
            assert (row.manager, row.verdict) == (me.name, "drift")
            assert (row.overdue_tasks, row.overdue_handoffs, row.waiting_firings) == (1, 1, 1)
    assert len(rows) == count
    with django_assert_num_queries(1):
        for steps in steps_of([row.iteration for row in rows]).values():
            assert [(step.phase.key, step.done, step.total) for step in steps] == [("P1", 1, 2), ("P2", 0, 1)]


def test_a_project_without_iteration_is_in_the_portfolio():
    project = make.small_project()

    [row] = glances(project.created_by)

    assert (row.iteration, row.current, row.verdict) == (None, None, "")


@COUNTS
def test_lists_of_a_project_cost_one_query(django_assert_num_queries, count):
    project = make.small_project()
    for at in range(count):
        make.member(project)
        make.requirement(project)
        make.requirement(project, "superseded", key=f"old-{at}")

    with django_assert_num_queries(1):
        assert len({each.user.name for each in members_of(project)}) == count + 1
    with django_assert_num_queries(1):
        assert len([each.created_by.name for each in requirements_of(project)]) == count
    assert requirements_of(project, all_versions=True).count() == 2 * count


@COUNTS
def test_an_iteration_is_shown_at_a_constant_cost(django_assert_num_queries, count):
    iteration = make.iteration()
    phase = make.phase(iteration)
    late = make.task(phase, "1.1", due_on=yesterday())
    for _ in range(count):
        make.handoff(iteration)

    with django_assert_num_queries(3):
        overview = iteration_overview(iteration)
        first = overview.phases[0]
        assert [task.owner.name for task in first.tasks if task.owner] == [late.owner.name]
        assert len([each.giver.name for each in overview.handoffs if each.giver]) == count

    assert (overview.done, overview.total, overview.overdue) == (0, 3, [late])
    assert (first.held_by, first.overdue, len(overview.unowned)) == ([late.owner], [late], 2)


def test_the_current_iteration_is_the_last_one(django_assert_num_queries):
    project = make.small_project()
    first = make.iteration(project)
    Iteration.objects.update(state="completed", closed_at=timezone.now())
    second = make.iteration(project)

    with django_assert_num_queries(1):
        assert [each.opened_by.name for each in iterations_of(project)] == [project.created_by.name] * 2
    assert current_iteration(project) == second != first


@COUNTS
def test_task_lists_cost_one_query(django_assert_num_queries, count):
    iterations = [make.iteration() for _ in range(count)]
    me = make.user(org_role="process_owner")

    with django_assert_num_queries(1):
        tasks = list(tasks_visible_to(me))
        assert {str(task.phase.iteration.project) for task in tasks} == {
            str(each.project) for each in iterations
        }
    with django_assert_num_queries(1):
        assert [task.key for task in tasks_of(iterations[0])] == ["1.1", "1.2", "2.1"]
    assert [task.key for task in tasks_of(iterations[0].phases.get(key="P2"))] == ["2.1"]
    assert list(tasks_visible_to(make.user())) == []


@COUNTS
def test_a_task_is_shown_in_detail_at_a_constant_cost(django_assert_num_queries, count):
    task = make.task(state="mitigating", evidence_kinds=["TRN", "REV"])
    project = task.phase.iteration.project
    for _ in range(count):
        run = make.run(project, task=task, started_by=task.owner)
        proof = make.evidence(task, snapshot=make.snapshot(project, run=run))
        make.quality_action(
            make.risk(task, "reassessed"),
            "passed",
            evidence=proof,
            performer=task.owner,
            finished_at=timezone.now(),
        )
        TaskDuty.objects.create(task=task, user=make.member(project), duty="C")

    with django_assert_num_queries(7):
        detail = task_detail(task)
        assert {each.snapshot.run.title for each in detail.evidence} == {each.title for each in detail.runs}
        actions = [action for risk in detail.risks for action in risk.actions.all()]
        assert {action.evidence.snapshot.kind for action in actions} == {"TRN"}
        assert len({duty.user.name for duty in detail.duties}) == count

    assert (detail.kinds_present, detail.kinds_missing) == (["TRN"], ["REV"])
    assert len(detail.open_risks) == count + 1
    assert detail.definition.due_days == 5


@COUNTS
def test_evidence_and_risks_are_listed_at_a_constant_cost(django_assert_num_queries, count):
    project = make.small_project()
    phase = make.phase(make.iteration(project))
    task = make.task(phase, state="instantiated")
    for _ in range(count):
        make.evidence(task)
        make.risk(task)
    make.evidence()

    with django_assert_num_queries(1):
        found = list(evidence_visible_to(project.created_by))
        assert {str(each.task.phase.iteration.project) for each in found} == {str(project)}
    with django_assert_num_queries(1):
        assert (
            len([risk.task.phase.iteration.project.slug for risk in risks_visible_to(project.created_by)])
            == count + 1
        )
    assert len(found) == count


@COUNTS
def test_handoffs_are_listed_at_a_constant_cost(django_assert_num_queries, count):
    iteration = make.iteration()
    me = make.member(iteration.project)
    for _ in range(count):
        make.handoff(iteration, "planned", giver=me)
        make.handoff(iteration, "offered", taker=me)
    foreign = make.handoff()

    with django_assert_num_queries(1):
        mine = list(handoffs_of(me))
        assert {str(each.iteration.project) for each in mine} == {str(iteration.project)}
    with django_assert_num_queries(1):
        assert len(handoffs_of_iteration(iteration)) == 2 * count + 1
    assert [each.state for each in mine] == ["offered"] * count + ["planned"] * count
    assert foreign not in handoffs_visible_to(me)
    assert len(handoffs_visible_to(me)) == 2 * count + 1


def test_a_handoff_is_shown_with_all_its_parts(django_assert_num_queries):
    handoff = make.handoff(state="offered")

    with django_assert_num_queries(3):
        found = handoff_detail(handoff)
        assert [each.snapshot for each in found.deliverables.all()] == [None, None]
        assert [each.text for each in found.criteria.all()] == ["Complete", "Readable"]


@COUNTS
def test_who_holds_what_costs_three_queries(django_assert_num_queries, count):
    iteration = make.iteration()
    phase = make.phase(iteration)
    owner = make.member(iteration.project, "contributor", "DS")
    make.task(phase, "1.1", owner=owner)
    make.task(phase, "1.2", "verified")
    offered = [make.handoff(iteration, "offered", taker=owner) for _ in range(count)]

    with django_assert_num_queries(3):
        [holder] = who_holds_what(iteration)

    assert (holder.user, holder.crisp_roles) == (owner, ["DS"])
    assert ([task.key for task in holder.tasks], holder.handoffs) == (["1.1"], offered)


@COUNTS
def test_the_ownership_matrix_costs_three_queries(django_assert_num_queries, count):
    iteration = make.iteration()
    task = make.task(make.phase(iteration), "1.1")
    asked = [make.member(iteration.project) for _ in range(count)]
    for person in asked:
        TaskDuty.objects.create(task=task, user=person, duty="C")

    with django_assert_num_queries(3):
        matrix = ownership_matrix(iteration)
        assert len({each.user.name for each in matrix.members}) == count + 2

    manager = iteration.project.created_by
    assert matrix.rows[0].letters == {manager.pk: ["A"], task.owner_id: ["R"]} | {
        each.pk: ["C"] for each in asked
    }
    assert [row.gap for row in matrix.rows] == ["", "owner", "owner"]
    assert (matrix.load(manager), matrix.load(task.owner), matrix.load(asked[0])) == (3, 1, 0)


@COUNTS
def test_the_inbox_holds_what_waits_for_me_at_a_constant_cost(django_assert_num_queries, count):
    me = make.user()
    for _ in range(count):
        iteration = make.iteration(make.small_project(me))
        phase = make.phase(iteration)
        make.task(phase, "1.1", "risks_accepted", owner=me, due_on=yesterday())
        proven = make.task(phase, "1.2", "evidence_attached")
        make.evidence(proven, "DOC")
        make.risk(proven, "escalated")
        make.handoff(iteration, "offered", taker=me)
        make.handoff(iteration, "returned", giver=me)
        make.handoff(iteration, "planned", giver=me, due_on=timezone.localdate())
        make.firing(make.trigger(iteration.project))
        make.exclusion(make.task(make.phase(iteration, "P2"), "2.1", "verified"))

    with django_assert_num_queries(8):
        items = inbox_of(me)

    kinds = [
        "firing", "risk", "handoff_accept", "handoff_returned", "verify", "exclusion", "task", "handoff_offer"
    ]  # fmt: skip
    assert sorted(item.kind for item in items) == sorted(kinds * count)
    urgencies = [item.urgency for item in items]
    assert urgencies == ["harm"] * 2 * count + ["waiting"] * 4 * count + ["late"] * count + ["later"] * count
    assert all(item.why and item.title and item.project for item in items)


def test_my_own_request_to_leave_a_task_out_is_for_another_person():
    iteration = make.iteration()
    me, manager = make.member(iteration.project), iteration.project.created_by
    make.exclusion(make.task(make.phase(iteration, "P2"), "2.1"), requested_by=me)

    assert inbox_of(me) == []
    [item] = [each for each in inbox_of(manager) if each.kind == "exclusion"]
    assert (item.place, counts_of(manager).inbox) == (iteration.project.slug, len(inbox_of(manager)))


def test_my_own_work_is_not_mine_to_verify():
    me = make.user()
    phase = make.phase(make.iteration(make.small_project(me)))
    make.evidence(make.task(phase, "1.1", "evidence_attached", owner=me))
    make.evidence(make.task(phase, "1.2", "evidence_attached"), attached_by=me)

    assert inbox_of(me) == []


@pytest.mark.parametrize("role", ["auditor", None])
def test_nothing_waits_for_auditors_and_strangers(role):
    iteration = make.iteration()
    make.firing(make.trigger(iteration.project))
    task = make.task(make.phase(iteration), state="evidence_attached")
    make.evidence(task)

    assert inbox_of(make.member(iteration.project, role) if role else make.user()) == []


def test_the_inbox_is_empty_when_the_iteration_is_over():
    task = make.task()
    assert len(inbox_of(task.owner)) == 1

    Iteration.objects.update(state="completed", closed_at=timezone.now())

    assert inbox_of(task.owner) == []


@COUNTS
def test_the_risk_map_costs_one_query(django_assert_num_queries, count):
    task = make.task(state="instantiated")
    project = task.phase.iteration.project
    risks = [make.risk(task, "assessed", severity=5, occurrence=2) for _ in range(count)]
    make.risk(task)
    make.risk()

    with django_assert_num_queries(1):
        found = risk_map(project)
        assert {risk.task.phase.key for risk in found.risks} == {"P1"}

    assert found.rows[0][1].risks == risks
    assert (found.rows[0][1].above, found.rows[4][0].above) == (True, False)
    assert (len(found.unscored), len(found.above), len(found.open)) == (1, count + 1, count + 2)


def test_the_history_of_a_record_and_of_a_project_is_read_in_words(django_assert_num_queries):
    task = make.task()
    start_task(task=task, actor=task.owner)

    with django_assert_num_queries(1):
        [line] = history_of(task)
    with django_assert_num_queries(1):
        lines = history_of_project(task.phase.iteration.project, limit=2)

    assert (line.who, line.label, line.detail["to"]) == (task.owner.name, "task started", "instantiated")
    assert [each.action for each in lines] == ["task.started", "iteration.opened"]


def test_nothing_of_another_project_is_seen():
    make.handoff()
    make.evidence()
    make.risk()
    stranger = make.small_project().created_by

    for visible in (handoffs_visible_to, evidence_visible_to, risks_visible_to, tasks_visible_to):
        assert list(visible(stranger)) == []
    assert Handoff.objects.exists()
    assert Phase.objects.exists()
