"""Gaps turned into tasks: opened by managers, shown on both sides, closed when the control is met."""

import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from governance.errors import Invalid, Refused
from governance.models import ControlTask
from governance.services.assurances import assure_control
from governance.services.compliance import look_at
from governance.services.control_tasks import close_control_task, drop_control_task, open_control_task
from governance.services.frameworks import add_framework, begin_use, end_use
from ledger.models import Entry
from ledger.reconciling import reconcile
from lifecycle.models import Notice, Phase, Task
from lifecycle.queries.inbox import inbox_of
from tests import make, make_gates
from tests.governance.test_compliance import POLICY

pytestmark = pytest.mark.django_db

DUE = dt.timedelta(days=9)


@pytest.fixture
def use():
    """A project with a live model, measured by a policy of which one control (p-2) is a gap."""
    given = make_gates.authorization()
    make_gates.deployment(given)
    framework = add_framework(data=POLICY, actor=make.user(org_role="process_owner"))
    use = begin_use(
        project=given.project, framework=framework, actor=given.project.created_by, reason="The board"
    )
    look_at(project=given.project)
    return use


def phase_of(use):
    return use.project.iterations.get().phases.get(key="P2")


def opened(use, **changes):
    given = {
        "control": "p-2", "actor": use.project.created_by, "due_on": timezone.localdate() + DUE,
        "place": phase_of(use),
    }  # fmt: skip
    given.setdefault("owner", changes.get("owner") or make.member(use.project))
    return open_control_task(use=use, **{**given, **changes})


def met(use):
    assure_control(
        use=use, control="p-2", actor=use.project.created_by, password=make.PASSWORD, statement="All were",
        expires_on=timezone.now().date() + DUE,
    )  # fmt: skip
    look_at(project=use.project)


def actions_since(index):
    return list(Entry.objects.filter(index__gt=index).order_by("index").values_list("action", flat=True))


def last_entry():
    return Entry.objects.order_by("-index").values_list("index", flat=True).first()


def test_a_gap_becomes_a_task_with_owner_and_date(use):
    before, owner = last_entry(), make.member(use.project)
    made = opened(use, owner=owner)

    assert (made.task.owner, made.task.due_on) == (owner, timezone.localdate() + DUE)
    assert (made.task.key, made.task.mandatory, made.made_for_it) == ("X1", False, True)
    assert actions_since(before) == ["task.added", "task.assigned", "control.task_opened"]
    assert Notice.objects.filter(person=owner, kind="task_assigned").count() == 1
    Phase.objects.filter(pk=made.task.phase_id).update(state="in_progress")
    assert made.task_id in [item.pk for item in inbox_of(owner) if item.kind == "task"]
    Phase.objects.filter(pk=made.task.phase_id).update(state="not_started")
    assert reconcile() == []


def test_a_gap_may_be_closed_in_a_task_that_is_there(use):
    task = Task.objects.get(phase=phase_of(use), key="2.1")
    before = last_entry()

    made = opened(use, place=task)

    assert (made.task, made.made_for_it) == (task, False)
    assert actions_since(before) == ["task.assigned", "control.task_opened"]


def test_one_control_has_one_open_task(use):
    made = opened(use)
    with pytest.raises(Refused) as no:
        opened(use)
    with pytest.raises(IntegrityError), transaction.atomic():
        ControlTask.objects.create(
            project=use.project, framework_key="own-policy", control="p-2", label="2", task=made.task,
            made_for_it=False, opened_by=made.opened_by, opened_at=timezone.now(),
        )  # fmt: skip

    assert no.value.code == "task_open"
    assert Task.objects.filter(key__startswith="X").count() == 1


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"control": "p-77"}, "control"),
        ({"control": "p-1"}, "no_gap"),
        ({"due_on": dt.date(2020, 1, 1)}, "due_on"),
        ({"owner": "stranger"}, "owner"),
        ({"owner": "auditor"}, "owner"),
        ({"place": "elsewhere"}, "place"),
        ({"place": "done"}, "place"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(use, changes, where):
    people = {"stranger": make.user, "auditor": lambda: make.member(use.project, "auditor")}
    places = {
        "elsewhere": lambda: make.iteration().phases.get(key="P2"),
        "done": lambda: make.task(phase_of(use), "2.1", "verified"),
    }
    given = {name: {**people, **places}.get(value, lambda v=value: v)() for name, value in changes.items()}
    entries, tasks = Entry.objects.count(), Task.objects.count()
    with pytest.raises((Invalid, Refused)) as no:
        opened(use, **{"owner": use.project.created_by, **given})

    assert where in (getattr(no.value, "where", ""), no.value.code)
    assert (Entry.objects.count(), Task.objects.count()) == (entries, tasks)


def test_only_managers_open_and_drop(use):
    made = opened(use)
    for role in ("contributor", "reviewer", "auditor"):
        person = make.member(use.project, role)
        with pytest.raises(PermissionDenied):
            opened(use, actor=person)
        with pytest.raises(PermissionDenied):
            drop_control_task(control_task=made, actor=person, reason="No")
        with pytest.raises(PermissionDenied):
            close_control_task(control_task=made, actor=person)


def test_its_owner_closes_it_once_the_control_is_met(use):
    made = opened(use)
    owner = made.task.owner
    with pytest.raises(Refused) as no:
        close_control_task(control_task=made, actor=owner)
    assert no.value.code == "not_met"
    met(use)
    before = last_entry()

    closed = close_control_task(control_task=made, actor=owner)

    assert (closed.state, closed.ended_by) == ("closed", owner)
    # The task that was added for it waits for a second person to agree that it is not needed.
    assert actions_since(before) == ["control.task_closed", "task.exclusion_requested"]
    assert reconcile() == []
    with pytest.raises(Refused):
        close_control_task(control_task=made, actor=owner)


def test_a_task_of_the_process_stays_when_its_gap_is_closed(use):
    made = opened(use, place=Task.objects.get(phase=phase_of(use), key="2.1"))
    met(use)

    close_control_task(control_task=made, actor=use.project.created_by)

    assert not made.task.exclusions.exists()


def test_what_is_dropped_says_why_and_makes_room_for_another(use):
    made, manager = opened(use), use.project.created_by
    with pytest.raises(Invalid):
        drop_control_task(control_task=made, actor=manager, reason=" ")
    drop_control_task(control_task=made, actor=manager, reason="Somebody else does it")

    again = opened(use)

    assert (again.state, again.task.key) == ("open", "X2")


def test_a_framework_that_is_no_longer_in_use_leaves_its_task_to_be_dropped(use, client):
    made, manager = opened(use), use.project.created_by
    end_use(use=use, actor=manager, reason="Replaced")
    with pytest.raises(Refused):
        close_control_task(control_task=made, actor=manager)
    client.force_login(manager)
    assert b"no longer measured" in client.get(reverse("lifecycle:task", args=[made.task_id])).content

    answer = client.post(
        reverse("governance:control-task-act", args=[made.pk, "drop"]), {"drop-reason": "So"}
    )

    assert answer.url == reverse("governance:project-compliance", args=[use.project.slug])


def test_the_pages_of_framework_control_and_task_show_it(client, use, django_assert_max_num_queries):
    manager, owner = use.project.created_by, make.member(use.project)
    at = [use.project.slug, "own-policy"]
    control = reverse("governance:control", args=[*at, "p-2"])
    client.force_login(manager)
    assert b"Open a task" in client.get(reverse("governance:framework", args=at)).content
    form = {
        "task-owner": owner.pk, "task-due_on": (timezone.localdate() + DUE).isoformat(),
        "task-place": f"phase-{phase_of(use).pk}",
    }  # fmt: skip
    bad = client.post(f"{control}task", {**form, "task-due_on": "2020-01-01"})
    assert (bad.status_code, b"This day is past" in bad.content) == (422, True)
    assert client.post(f"{control}task", {}).status_code == 422
    assert client.post(f"{control}task", form).status_code == 302

    made = ControlTask.objects.get()
    with django_assert_max_num_queries(22):
        listed = client.get(reverse("governance:framework", args=at)).content.decode()
    assert str(owner) in listed
    assert "1 gap has a task with an owner" in listed
    assert str(owner) in client.get(control).content.decode()
    assert client.post(f"{control}task", form).status_code == 422
    act = reverse("governance:control-task-act", args=[made.pk, "close"])
    assert (early := client.post(act)).status_code == 422
    assert b"The control is not met yet" in early.content
    task = reverse("lifecycle:task", args=[made.task_id])
    assert f'href="{control}"' in client.get(task).content.decode()

    met(use)
    client.force_login(owner)
    for page in (task, control):
        assert act in client.get(page).content.decode()
    assert client.post(act).status_code == 302
    assert act not in client.get(task).content.decode()
    assert b"Who closes the gap" in client.get(control).content


def test_who_may_not_is_offered_nothing_and_refused(client, use):
    made = opened(use)
    control = reverse("governance:control", args=[use.project.slug, "own-policy", "p-2"])
    for role, status in (("contributor", 403), ("auditor", 403), (None, 404)):
        client.force_login(make.member(use.project, role) if role else make.user())
        page = client.get(control)
        assert (b"Drop the task" in page.content, page.status_code == 200) == (False, role is not None)
        assert client.post(f"{control}task", {}).status_code == status
        for act in ("close", "drop"):
            assert (
                client.post(reverse("governance:control-task-act", args=[made.pk, act])).status_code == status
            )


def test_the_api_opens_lists_closes_and_drops(client, use):
    manager, owner = use.project.created_by, make.member(use.project)
    client.force_login(manager)
    base = f"/api/v1/projects/{use.project.slug}/compliance/own-policy/"

    def send(**changes):
        given = {
            "control": "p-2", "owner": owner.username, "due_on": "2099-01-01", "phase": "P2", **changes
        }  # fmt: skip
        return client.post(f"{base}control-tasks/", given, "application/json")

    for changes, where in (
        ({"owner": "nobody"}, "owner"), ({"control": "p-9"}, "control"), ({"phase": "P9"}, "phase"),
        ({"phase": ""}, "task"), ({"phase": "", "task": 999_999}, "task"), ({"task": 1}, "task"),
        ({"due_on": "2001-01-01"}, "due_on"),
    ):  # fmt: skip
        no = send(**changes)
        assert (no.status_code, no.json()["where"]) == (400, where)
    assert send(due_on="soon").status_code == 400
    made = send()
    assert (made.status_code, made.json()["owner"], made.json()["task_key"]) == (201, owner.username, "X1")
    assert send().status_code == 409
    told = {each["id"]: each["gap_task"] for each in client.get(base).json()}
    assert (told["p-1"], told["p-2"]["due_on"]) == (None, "2099-01-01")
    pk = made.json()["id"]
    assert client.post(f"{base}control-tasks/{pk}/close/").status_code == 409
    assert client.post(f"{base}control-tasks/{pk}/sing/").status_code == 404
    assert client.post(f"{base}control-tasks/{pk}/drop/", {}, "application/json").status_code == 400
    assert (
        client.post(f"{base}control-tasks/{pk}/drop/", {"reason": "No"}, "application/json").status_code
        == 200
    )
    assert client.get(f"{base}control-tasks/?state=open").json() == []
    again = send().json()["id"]
    met(use)
    client.force_login(owner)
    assert send().status_code == 403
    assert client.post(f"{base}control-tasks/{again}/drop/", {}, "application/json").status_code == 403
    assert client.post(f"{base}control-tasks/{again}/close/").json()["state"] == "closed"
    assert [each["state"] for each in client.get(f"{base}control-tasks/").json()] == ["closed", "dropped"]
    client.force_login(make.user())
    assert client.get(f"{base}control-tasks/").status_code == 404
