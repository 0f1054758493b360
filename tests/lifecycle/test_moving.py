"""A project moves to another version of its process: seen first, done in one step, with nothing lost."""

import pytest
from django.urls import reverse

from lifecycle.services.iterations import open_iteration, stop_iteration
from lifecycle.services.moving import move_project, plan_move
from lifecycle.services.trigger_definitions import change_trigger
from tests import make
from tests.traces import forbidden, invalid, one_entry, refused

pytestmark = pytest.mark.django_db


def trigger(key="T-01", **changes):
    return {
        "key": key, "kind": "manual", "name": "By hand", "signal": "Somebody asks", "condition": "true",
        "mode": "ask", "action": "open_iteration", "reopens": ["P2"], "fallback": "Nothing",
    } | changes  # fmt: skip


def newer(*triggers, **changes):
    """Another version of the small process: one task dropped, one added."""
    document = make.small_document()
    whole = document.model_dump(mode="json", exclude_defaults=True)
    tasks = [task for task in whole["tasks"] if task["key"] != "1.2"]
    tasks.append({**tasks[1], "key": "2.2", "name": "Look again"})
    return make.process_version(make.small_document(tasks=tasks, triggers=list(triggers), **changes))


def move(project, version, **changes):
    values = {"actor": project.created_by, "reason": "The rules are better"} | changes
    return move_project(project=project, version=version, **values)


def test_the_plan_says_what_would_change_and_changes_nothing():
    iteration = make.iteration()
    make.phase(iteration, state="in_review")
    version = newer(trigger(name="On request"), trigger("T-02"))
    with_role = make.member(iteration.project, "contributor", "XX", "DS")

    plan = plan_move(iteration.project, version)

    assert [each.words for each in plan.changes] == [
        "Task 1.2 “Task 1.2” removed.",
        "Task 2.2 “Look again” added.",
    ]
    assert [(each.key, each.what) for each in plan.triggers] == [("T-01", "updated"), ("T-02", "added")]
    assert plan.triggers[0].words == "T-01 By hand: name By hand → On request."
    assert (plan.running, [each.key for each in plan.in_review]) == (iteration, ["P1"])
    assert plan.missing_roles == [("XX", str(with_role))]
    iteration.project.refresh_from_db()
    assert iteration.project.process_version != version


def test_a_move_is_one_entry_and_the_running_iteration_keeps_its_version():
    iteration = make.iteration()
    project, before = iteration.project, iteration.process_version

    with one_entry("project.moved") as detail:
        version = newer(trigger(), trigger("T-02"))
        move(project, version)

    project.refresh_from_db()
    iteration.refresh_from_db()
    assert (project.process_version, iteration.process_version) == (version, before)
    assert (detail["from"], detail["to"]) == (before.digest, version.digest)
    assert detail["triggers"] == {"T-02": "added"}
    assert iteration.phases.get(key="P1").tasks.filter(key="1.2").exists()
    stop_iteration(iteration=iteration, actor=project.created_by, reason="Begin anew")
    second = open_iteration(project=project, title="Next", reason="New rules", actor=project.created_by)
    assert [task.key for phase in second.phases.all() for task in phase.tasks.all()] == ["1.1", "2.1", "2.2"]


def test_triggers_follow_and_those_that_are_gone_are_switched_off():
    project = make.small_project()
    fired = make.firing(project.triggers.get(key="T-01"))

    move(project, newer(trigger("T-02", kind="schedule", cron="0 6 * * 1")))

    gone = project.triggers.get(key="T-01")
    assert (gone.enabled, list(gone.firings.all())) == (False, [fired])
    assert (project.triggers.get(key="T-02").schedule, project.triggers.get(key="T-02").enabled) == (
        "0 6 * * 1",
        True,
    )


def test_a_trigger_that_comes_back_is_switched_on_again():
    project = make.small_project()
    first = project.process_version
    move(project, newer())
    assert not project.triggers.get(key="T-01").enabled

    move(project, first)

    assert project.triggers.get(key="T-01").enabled


def test_what_the_project_set_itself_stays():
    project = make.small_project()
    change_trigger(trigger=project.triggers.get(key="T-01"), cooldown_hours=5, actor=project.created_by)
    own = make.trigger(project, key="T-09", name="Ours")

    version = newer(trigger(cooldown_hours=99, name="On request"), trigger("T-09", name="Theirs"))
    words = {each.key: each.words for each in plan_move(project, version).triggers}
    move(project, version)

    kept = project.triggers.get(key="T-01")
    assert (kept.cooldown_hours, kept.name) == (5, "On request")
    assert "Stays as the project set it: cooldown hours." in words["T-01"]
    own.refresh_from_db()
    assert own.name == "Ours"
    assert "the project's own" in words["T-09"]


def test_a_trigger_of_another_kind_is_defined_anew():
    project = make.small_project()

    move(project, newer(trigger(kind="schedule", cron="0 6 * * *")))

    changed = project.triggers.get(key="T-01")
    assert (changed.kind, changed.schedule, changed.next_due_at) == ("schedule", "0 6 * * *", None)


def test_a_move_needs_a_published_version_other_than_its_own_and_a_reason():
    project = make.small_project()

    with refused("not_published", project):
        move(project, make.process_version(make.small_document(), state="draft", published_at=None))
    with refused("not_published", project):
        move(project, make.process_version(make.small_document(), state="retired"))
    with refused("same_version", project):
        move(project, project.process_version)
    with invalid("missing", "reason"):
        move(project, newer(), reason="")
    with refused("changed_meanwhile", project):
        move(project, newer(), seen=0)


@pytest.mark.parametrize("role", ["contributor", "reviewer", "auditor", None])
def test_only_managers_move_a_project(role):
    project = make.small_project()
    person = make.member(project, role) if role else make.user()

    with forbidden(project):
        move(project, newer(), actor=person)


# ---- the page ----


def address(project):
    return reverse("lifecycle:project-move", args=[project.slug])


def test_the_page_shows_the_plan_and_moves(client):
    project, version = make.small_project(), newer(trigger(name="On request"))
    client.force_login(project.created_by)

    page = client.get(address(project), {"to": version.pk})
    text = page.content.decode()
    assert "Task 2.2 “Look again” added." in text
    assert "name By hand → On request" in text
    answer = client.post(
        address(project), {"to": version.pk, "seen": project.process_version_id, "reason": "Better"}
    )

    assert answer.url == reverse("lifecycle:project-tailoring", args=[project.slug])
    project.refresh_from_db()
    assert project.process_version == version


def test_a_move_without_a_version_or_reason_is_refused_on_the_page(client):
    project, version = make.small_project(), newer()
    client.force_login(project.created_by)

    assert client.post(address(project), {"reason": "Better", "seen": 1}).status_code == 422
    assert client.post(address(project), {"to": version.pk, "seen": 1}).status_code == 422


def test_others_read_the_plan_but_do_not_move(client):
    project, version = make.small_project(), newer()
    client.force_login(make.member(project, "auditor"))

    page = client.get(address(project), {"to": version.pk})
    assert (page.status_code, page.context["may"]) == (200, False)
    assert client.post(address(project), {"to": version.pk, "reason": "x", "seen": 1}).status_code == 403


def test_the_page_takes_the_same_queries_however_many_triggers(client, django_assert_max_num_queries):
    project, version = make.small_project(), newer(*(trigger(f"T-{n:02}") for n in range(20)))
    client.force_login(project.created_by)

    with django_assert_max_num_queries(14):
        client.get(address(project), {"to": version.pk})
