import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils.timezone import now

from lifecycle.errors import Invalid, Refused
from lifecycle.events import trigger_started
from lifecycle.models import Firing, Iteration, Run, Trigger
from lifecycle.services import triggers
from tests.lifecycle import running

pytestmark = pytest.mark.django_db(transaction=True)

MONDAY = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)


@pytest.fixture
def project():
    return running.project()


def happen(project, key="e1", kind="drift", **event) -> list[Firing]:
    return triggers.handle_event(project=project, kind=kind, event=event, event_key=key)


def ended(firing: Firing) -> str:
    firing.refresh_from_db()
    return firing.state


def test_an_event_fires_the_triggers_of_its_kind_whose_condition_holds(project):
    over = running.trigger(project, condition="event.psi >= params.psi", params={"psi": 0.2})
    running.trigger(project, condition="event.psi >= params.psi", params={"psi": 0.9})
    running.trigger(project, kind="metric")
    running.trigger(project, enabled=False)
    running.trigger(running.project())

    [firing] = happen(project, psi=0.3, summary="x moved")

    assert (firing.trigger, firing.state, firing.observed["psi"]) == (over, "waiting", 0.3)
    assert firing.summary == "Watch: x moved"
    assert running.actions() == ["trigger.fired"]


def test_the_same_event_fires_a_trigger_once(project):
    running.trigger(project)

    assert [len(happen(project)), len(happen(project)), len(happen(project, key="e2"))] == [1, 0, 1]


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("event.missing > 1", "the event has no “missing”"),
        ("event.psi > 'x'", "No such overload"),
        ("event.psi + 1.0", "not yes or no"),
        ("event.psi >", "parse"),
    ],
)
def test_a_condition_that_cannot_be_read_waits_for_a_person_even_where_it_would_act_by_itself(
    project, condition, why
):
    running.trigger(project, condition=condition, mode="auto")

    [firing] = happen(project, psi=0.3)

    assert firing.state == "waiting"
    assert why in firing.outcome


def test_inside_the_cooldown_a_firing_is_merged_into_the_earlier_one(project):
    running.trigger(project, cooldown_hours=2)

    [first], [second], [third] = (happen(project, key=key) for key in ("e1", "e2", "e3"))

    assert (first.state, second.state, third.state) == ("waiting", "merged", "merged")
    assert (second.merged_into, third.merged_into) == (first, first)
    Firing.objects.update(fired_at=now() - timedelta(hours=3))
    [later] = happen(project, key="e4")
    assert later.state == "waiting"


def test_an_automatic_trigger_opens_an_iteration_at_its_phase(project):
    trigger = running.trigger(project, mode="auto", action="open_iteration", target_phase="P3")

    [firing] = happen(project, summary="ndcg fell to 0.61")

    iteration = Iteration.objects.get()
    assert (iteration.firing, iteration.start_phase, iteration.opened_by) == (firing, "P3", None)
    assert "ndcg fell to 0.61" in iteration.reason
    assert (firing.state, firing.outcome) == ("started", "Opened iteration 1 at P3.")
    assert running.actions() == ["trigger.fired", "iteration.opened", "firing.started"]
    assert trigger.firings.count() == 1


def test_while_the_iteration_that_a_firing_opened_is_open_the_next_is_merged_into_it(project):
    running.trigger(project, mode="auto", action="open_iteration")
    [first] = happen(project, key="e1")

    [second] = happen(project, key="e2")

    assert (second.state, second.merged_into) == ("merged", first)
    assert Iteration.objects.count() == 1


def test_while_an_iteration_that_a_person_opened_is_open_a_firing_waits_with_the_reason(project):
    running.iteration(project)
    running.trigger(project, mode="auto", action="open_iteration")

    [firing] = happen(project)

    assert firing.state == "waiting"
    assert "open" in firing.outcome
    assert Iteration.objects.count() == 1


def test_reopening_a_phase_says_why_when_it_cannot(project):
    running.trigger(project, mode="auto", action="reopen_phase", target_phase="P3")

    [without] = happen(project, key="e1")
    iteration = running.iteration(project)
    [unstarted] = happen(project, key="e2")
    iteration.phases.filter(key="P3").update(state="passed", ended_at=now())
    [reopened] = happen(project, key="e3")

    assert (without.state, without.outcome) == ("waiting", "No iteration is open.")
    assert unstarted.state == "waiting"
    assert reopened.state == "started"
    assert iteration.phases.get(key="P3").state == "reopened"


def test_start_training_repeats_the_last_finished_training(project):
    running.trigger(project, mode="auto", action="start_training")
    [nothing_yet] = happen(project, key="e1")
    Run.objects.create(
        project=project, kind="TRN", title="Old", spec=running.training(), state="finished", created_at=now(),
        finished_at=now(),
    )  # fmt: skip

    [firing] = happen(project, key="e2")

    run = Run.objects.get(state="queued")
    assert (nothing_yet.state, firing.state) == ("waiting", "started")
    assert (run.spec["target"], run.started_by) == ("y", None)


def test_a_higher_app_hears_of_a_started_firing_and_can_refuse_it(project):
    heard = []

    def listen(event, **kwargs):
        heard.append((event.action, event.project_id))
        if len(heard) > 1:
            raise Refused("nothing_live", "Nothing is authorized.")

    running.trigger(project, mode="auto", action="suspend_authorization")
    trigger_started.connect(listen)
    try:
        [first], [second] = happen(project, key="e1"), happen(project, key="e2")
    finally:
        trigger_started.disconnect(listen)

    assert heard == [("suspend_authorization", project.pk)] * 2
    assert (first.state, second.state, second.outcome) == ("started", "waiting", "Nothing is authorized.")
    assert second.decided_at is None


def test_a_person_starts_a_waiting_firing_once(project):
    running.trigger(project, action="open_iteration")
    [firing] = happen(project)

    triggers.start_firing(firing=firing, actor=running.manager_of(project))

    assert ended(firing) == "started"
    assert firing.decided_by == running.manager_of(project)
    for decide in (triggers.start_firing, triggers.reject_firing, triggers.merge_firing):
        more = {"reason": "no"} if decide is triggers.reject_firing else {}
        more = {"into": firing} if decide is triggers.merge_firing else more
        with pytest.raises(Refused) as no:
            decide(firing=firing, actor=running.manager_of(project), **more)
        assert no.value.code == "wrong_state"
    assert running.actions("firing.started", "firing.rejected", "firing.merged") == ["firing.started"]


def test_starting_what_cannot_be_done_is_refused_and_leaves_no_trace(project):
    running.trigger(project, action="open_iteration")
    [firing] = happen(project)
    running.iteration(project)
    before = running.actions()

    with pytest.raises(Refused) as no:
        triggers.start_firing(firing=firing, actor=running.manager_of(project))

    assert no.value.code == "iteration_open"
    assert (ended(firing), running.actions()) == ("waiting", before)


def test_rejecting_needs_a_reason(project):
    running.trigger(project)
    [firing] = happen(project)

    with pytest.raises(Invalid):
        triggers.reject_firing(firing=firing, actor=running.manager_of(project), reason=" ")
    triggers.reject_firing(firing=firing, actor=running.manager_of(project), reason="A holiday week")

    assert (ended(firing), firing.outcome) == ("rejected", "A holiday week")


def test_merging_goes_into_a_firing_of_the_same_project_that_is_not_merged_itself(project):
    running.trigger(project)
    [first], [second], [third] = (happen(project, key=key) for key in ("e1", "e2", "e3"))
    manager = running.manager_of(project)
    foreign = running.project()
    running.trigger(foreign)
    [elsewhere] = happen(foreign)

    triggers.merge_firing(firing=second, into=first, actor=manager)

    with pytest.raises(Refused):
        triggers.merge_firing(firing=third, into=second, actor=manager)
    with pytest.raises(Refused):
        triggers.merge_firing(firing=first, into=third, actor=manager)
    for wrong in (third, elsewhere):
        with pytest.raises(Invalid):
            triggers.merge_firing(firing=third, into=wrong, actor=manager)
    assert (ended(first), ended(second), ended(third)) == ("waiting", "merged", "waiting")


@pytest.mark.parametrize("role", ["contributor", "reviewer", "auditor", None])
def test_only_managers_decide_about_triggers(project, role):
    actor = running.member(project, role) if role else running.person()
    trigger = running.trigger(project)
    [firing] = happen(project)
    before = running.actions()

    for forbidden in (
        lambda: triggers.start_firing(firing=firing, actor=actor),
        lambda: triggers.reject_firing(firing=firing, actor=actor, reason="no"),
        lambda: triggers.merge_firing(firing=firing, into=firing, actor=actor),
        lambda: triggers.fire_manually(trigger=trigger, actor=actor, reason="now"),
        lambda: triggers.change_trigger(trigger=trigger, actor=actor, enabled=False),
        lambda: define(project, actor=actor),
    ):
        with pytest.raises(PermissionDenied):
            forbidden()

    assert (ended(firing), running.actions()) == ("waiting", before)


def test_firing_by_hand_starts_at_once_whatever_condition_and_cooldown_say(project):
    trigger = running.trigger(project, condition="false", cooldown_hours=24)
    manager = running.manager_of(project)

    first = triggers.fire_manually(trigger=trigger, actor=manager, reason="New menu")
    second = triggers.fire_manually(trigger=trigger, actor=manager, reason="Again")

    assert (first.state, second.state, first.decided_by) == ("started", "started", manager)
    assert first.summary == "Watch: New menu"


def test_firing_by_hand_leaves_nothing_when_it_cannot_be_done(project):
    running.iteration(project)
    trigger = running.trigger(project, action="open_iteration")
    before = running.actions()

    with pytest.raises(Refused):
        triggers.fire_manually(trigger=trigger, actor=running.manager_of(project), reason="Now")

    assert (Firing.objects.count(), running.actions()) == (0, before)


def define(project, **fields) -> Trigger:
    values = {"key": "X-1", "name": "Mine", "kind": "drift", "mode": "ask", "action": "notify"}
    return triggers.define_trigger(
        project=project, **{"actor": running.manager_of(project), **values, **fields}
    )


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"condition": "event.psi >"}, "condition"),
        ({"condition": "metrics.psi > 1"}, "condition"),
        ({"kind": "weather"}, "kind"),
        ({"mode": "maybe"}, "mode"),
        ({"action": "launch"}, "action"),
        ({"kind": "schedule"}, "schedule"),
        ({"kind": "schedule", "schedule": "61 * * * *"}, "schedule"),
        ({"kind": "schedule", "schedule": "0 0 31 2 *"}, "schedule"),
        ({"schedule": "0 6 * * 1"}, "schedule"),
        ({"action": "reopen_phase"}, "target_phase"),
        ({"cooldown_hours": -1}, "cooldown_hours"),
        ({"key": ""}, "key"),
        ({"name": ""}, "name"),
    ],
)
def test_a_trigger_that_cannot_work_is_refused_with_its_place(project, fields, where):
    with pytest.raises(Invalid) as no:
        define(project, **fields)

    assert no.value.where == where
    assert (Trigger.objects.count(), running.actions()) == (0, [])


def test_defining_and_changing_leave_one_entry_each(project):
    trigger = define(project)
    changed = triggers.change_trigger(
        trigger=trigger, actor=running.manager_of(project), condition="event.psi > 0.5", enabled=False
    )

    assert (changed.condition, changed.enabled) == ("event.psi > 0.5", False)
    assert running.actions() == ["trigger.defined", "trigger.changed"]
    with pytest.raises(Invalid):
        define(project)


def clock(project, **fields) -> Trigger:
    trigger = running.trigger(project, kind="schedule", schedule="0 6 * * 1", **fields)
    assert triggers.run_due_schedules(MONDAY - timedelta(days=3)) == []
    trigger.refresh_from_db()
    return trigger


def test_a_schedule_gets_its_first_due_time_without_firing(project):
    assert clock(project).next_due_at == MONDAY


def test_a_schedule_fires_when_it_is_due_and_then_waits_for_the_next_time(project):
    trigger = clock(project)

    assert triggers.run_due_schedules(MONDAY - timedelta(minutes=1)) == []
    [firing] = triggers.run_due_schedules(MONDAY + timedelta(seconds=5))
    assert triggers.run_due_schedules(MONDAY + timedelta(seconds=35)) == []

    trigger.refresh_from_db()
    assert firing.observed["due"] == "2026-06-01T06:00:00+00:00"
    assert trigger.next_due_at == MONDAY + timedelta(days=7)


def test_after_a_long_standstill_a_schedule_is_caught_up_once(project):
    trigger = clock(project)

    fired = triggers.run_due_schedules(MONDAY + timedelta(days=30))

    trigger.refresh_from_db()
    assert len(fired) == 1
    assert trigger.next_due_at == MONDAY + timedelta(days=35)


def test_a_schedule_is_read_in_its_time_zone_across_summer_time(project):
    trigger = running.trigger(
        project, kind="schedule", schedule="0 6 * * *", params={"timezone": "Europe/Amsterdam"}
    )

    before, after = datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC)

    assert triggers.next_due(trigger, before - timedelta(days=1)) == datetime(2026, 3, 28, 5, tzinfo=UTC)
    assert triggers.next_due(trigger, after) == datetime(2026, 3, 30, 4, tzinfo=UTC)


def test_two_schedulers_at_once_fire_a_schedule_once(project):
    clock(project)
    fired: list[Firing] = []
    ready = threading.Barrier(3)

    def schedule() -> None:
        ready.wait()
        fired.extend(triggers.run_due_schedules(MONDAY))
        connection.close()

    schedulers = [threading.Thread(target=schedule) for _ in range(3)]
    for each in schedulers:
        each.start()
    for each in schedulers:
        each.join()

    assert (len(fired), Firing.objects.count()) == (1, 1)


def test_a_closed_project_fires_nothing(project):
    running.trigger(project)
    clock(project)
    project.state = "closed"
    project.save()

    assert (happen(project), triggers.run_due_schedules(MONDAY)) == ([], [])
