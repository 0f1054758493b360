import pytest
from django.urls import reverse

from ledger.models import Entry
from lifecycle.models import Notice, Task, TaskDuty
from lifecycle.queries.ownership_history import ownership_history, ownership_of_task
from lifecycle.services.assignments import assign_role, assign_tasks
from tests import make
from tests.traces import forbidden, invalid, no_trace, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def trip():
    return make.iteration()


def tasks(trip, *keys):
    return list(Task.objects.filter(phase__iteration=trip, key__in=keys).order_by("key"))


def assign(trip, *keys, **fields):
    chosen = [task.pk for task in tasks(trip, *keys)]
    return assign_tasks(**({"iteration": trip, "tasks": chosen, "actor": trip.project.created_by} | fields))


def test_many_tasks_are_assigned_at_once_with_one_entry_each(trip):
    person, asked = make.member(trip.project), make.member(trip.project, "reviewer")
    before = Entry.objects.count()

    changed = assign(trip, "1.1", "2.1", owner=person, consulted=[asked], due_on=make.tomorrow())

    entries = list(Entry.objects.order_by("index")[before:])
    assert [entry.action for entry in entries] == ["task.assigned"] * 2
    assert len(changed) == 2
    assert {entry.subject_id for entry in entries} == {str(task.pk) for task in tasks(trip, "1.1", "2.1")}
    assert entries[0].payload.content["detail"]["duties"] == {str(asked.pk): "C"}
    assert {(task.owner, task.due_on) for task in tasks(trip, "1.1", "2.1")} == {(person, make.tomorrow())}
    assert TaskDuty.objects.filter(user=asked, duty="C").count() == 2


def test_everybody_hears_once_what_they_came_to(trip):
    person, asked = make.member(trip.project), make.member(trip.project, "reviewer")

    assign(trip, "1.1", "2.1", owner=person, accountable=asked, consulted=[asked])

    mine, theirs = Notice.objects.get(person=person), Notice.objects.get(person=asked)
    names = ", ".join(sorted(str(task) for task in tasks(trip, "1.1", "2.1")))
    assert (mine.kind, mine.subject) == ("task_assigned", "You own 2 more tasks now")
    assert mine.text == f"To do (2): {names}"
    assert theirs.text == f"To answer for (2): {names}\nTo be asked about (2): {names}"
    assert Notice.objects.count() == 2


def test_who_assigns_tasks_to_themselves_is_not_told(trip):
    assign(trip, "1.1", "2.1", owner=trip.project.created_by)

    assert not Notice.objects.exists()


def test_a_task_that_is_so_already_gets_no_entry(trip):
    person = make.member(trip.project)
    assign(trip, "1.1", owner=person)

    assert [task.key for task in assign(trip, "1.1", "2.1", owner=person)] == ["2.1"]
    with refused("no_change"):
        assign(trip, "1.1", "2.1", owner=person)


def test_all_are_assigned_or_none(trip):
    person = make.member(trip.project)
    done = make.task(make.phase(trip), "1.2", "verified")
    open_one = tasks(trip, "1.1")[0]

    with refused("wrong_state", open_one, done):
        assign(trip, "1.1", "1.2", owner=person)


@pytest.mark.parametrize("role", [None, "auditor"])
def test_work_goes_to_people_who_can_take_it(trip, role):
    person = make.member(trip.project, role) if role else make.user()

    with refused("not_member"):
        assign(trip, "1.1", owner=person)
    with refused("not_member"):
        assign_role(iteration=trip, role="DS", owner=person, actor=trip.project.created_by)


def test_bad_choices_name_the_field(trip):
    person = make.member(trip.project)
    other = make.task(make.phase(make.iteration()))

    with invalid("missing", "tasks"):
        assign(trip, owner=person)
    with invalid("missing", "owner"):
        assign(trip, "1.1")
    with invalid("unknown_task", "tasks"):
        assign(trip, owner=person, tasks=[other.pk])


@pytest.mark.parametrize("role", ["contributor", "reviewer", "auditor", None])
def test_only_managers_assign(trip, role):
    person = make.member(trip.project)
    actor = make.member(trip.project, role) if role else make.user(org_role="administrator")

    with forbidden(*tasks(trip, "1.1")):
        assign(trip, "1.1", owner=person, actor=actor)
    with forbidden(*tasks(trip, "1.1")):
        assign_role(iteration=trip, role="DS", owner=person, actor=actor)


def test_every_open_task_of_a_role_goes_to_one_person(trip):
    person = make.member(trip.project)
    make.task(make.phase(trip), "1.1", "verified")

    changed = assign_role(iteration=trip, role="DS", owner=person, actor=trip.project.created_by)

    assert [task.key for task in changed] == ["2.1"]
    with refused("no_tasks"):
        assign_role(iteration=trip, role="XX", owner=person, actor=trip.project.created_by)


def test_the_ledger_tells_who_owned_a_task_when(trip, django_assert_num_queries):
    first, second = make.member(trip.project), make.member(trip.project)
    assign(trip, "1.1", owner=first, accountable=second)
    assign(trip, "1.1", "2.1", owner=second)
    [task] = tasks(trip, "1.1")
    task = Task.objects.select_related("phase").get(pk=task.pk)

    with django_assert_num_queries(2):
        shifts = ownership_of_task(task)
    with django_assert_num_queries(2):
        timeline = ownership_history(trip.project)

    owned = [(shift.before, shift.after, shift.how) for shift in shifts if shift.duty == "R"]
    assert owned == [(first.name, second.name, "assigned"), ("", first.name, "assigned")]
    assert {shift.what for shift in timeline.shifts} >= {"1.1", "2.1"}
    assert timeline.older == ""
    assert ownership_history(trip.project, page=1).older


def matrix_url(trip, name="project-ownership", *more):
    return reverse(f"lifecycle:{name}", args=[trip.project.slug, *more])


def test_the_matrix_assigns_the_ticked_tasks_and_keeps_them_ticked_when_refused(trip, client):
    person = make.member(trip.project)
    chosen = [task.pk for task in tasks(trip, "1.1", "2.1")]
    client.force_login(trip.project.created_by)

    answer = client.post(matrix_url(trip, "ownership-assign", 1), {"tasks": chosen, "owner": person.pk})
    again = client.post(matrix_url(trip, "ownership-assign", 1), {"tasks": chosen, "owner": person.pk})

    assert answer.status_code == 302
    assert {task.owner for task in tasks(trip, "1.1", "2.1")} == {person}
    assert again.status_code == 422
    assert again.content.decode().count("checked") == 2


def test_the_matrix_is_narrowed_by_its_address(trip, client):
    person = make.member(trip.project)
    assign(trip, "1.1", owner=person)
    client.force_login(trip.project.created_by)

    page = client.get(matrix_url(trip), {"person": person.pk}).content.decode()
    role = client.get(matrix_url(trip), {"role": "PO", "phase": "P1"}).content.decode()

    assert "Task 1.1" in page
    assert "Task 2.1" not in page
    assert "Task 1.2" in role
    assert "Task 1.1" not in role


@pytest.mark.parametrize("count", [1, 4])
def test_the_matrix_costs_the_same_for_any_number(trip, client, django_assert_max_num_queries, count):
    for _ in range(count):
        assign(trip, "1.1", "1.2", owner=make.member(trip.project), informed=[make.member(trip.project)])
    client.force_login(trip.project.created_by)

    with django_assert_max_num_queries(13):
        assert client.get(matrix_url(trip)).status_code == 200
    with django_assert_max_num_queries(13):
        assert client.get(matrix_url(trip, "ownership-history")).status_code == 200


def test_members_who_do_not_manage_see_no_form_and_strangers_no_page(trip, client):
    client.force_login(make.member(trip.project))
    page = client.get(matrix_url(trip))
    sent = client.post(matrix_url(trip, "ownership-role", 1), {})
    client.force_login(make.user())

    assert page.status_code == 200
    assert "assign-form" not in page.content.decode()
    assert sent.status_code == 403
    with no_trace():
        assert client.post(matrix_url(trip, "ownership-assign", 1), {}).status_code == 404
    assert client.get(matrix_url(trip, "ownership-history")).status_code == 404
