import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from ledger.models import Entry
from lifecycle.models import Firing, Notice, Risk, Sweep
from lifecycle.services import sweeps
from lifecycle.services.notices import choose_ways
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
TODAY = NOON.date()


def day(number: int) -> date:
    return TODAY + timedelta(days=number)


def look(moment: datetime = NOON) -> int:
    return sweeps.sweep_day(moment)


def told(person) -> list[str]:
    return sorted(Notice.objects.filter(person=person).values_list("kind", flat=True))


def entries(*names: str) -> list[str]:
    return list(Entry.objects.filter(action__in=names).order_by("index").values_list("action", flat=True))


@pytest.mark.parametrize(
    ("state", "holder"), [("planned", "giver"), ("offered", "taker"), ("returned", "giver")]
)
@pytest.mark.parametrize(
    ("due", "kinds"), [(2, []), (1, ["handoff_due"]), (0, ["handoff_due"]), (-1, ["handoff_overdue"])]
)
def test_whoever_holds_a_handoff_hears_that_it_is_due(state, holder, due, kinds):
    handoff = make.handoff(state=state, due_on=day(due))
    people = {"giver": handoff.giver, "taker": handoff.taker}

    look()

    assert told(people.pop(holder)) == kinds
    assert told(people.popitem()[1]) == []


@pytest.mark.parametrize("state", ["accepted", "cancelled"])
def test_a_handoff_that_is_over_reminds_nobody(state):
    make.handoff(state=state, due_on=day(-9))

    look()

    assert not Notice.objects.exists()


def test_what_is_late_for_days_is_told_to_managers_once():
    handoff = make.handoff(due_on=day(-3))
    manager = handoff.iteration.project.created_by

    seen = []
    for later in range(4):
        look(NOON + timedelta(days=later))
        seen.append(told(manager))

    assert seen == [[], ["handoff_escalated"], ["handoff_escalated"], ["handoff_escalated"]]
    assert told(handoff.giver) == ["handoff_overdue"]


def test_another_date_is_another_occasion():
    handoff = make.handoff(due_on=day(-1))
    look()
    type(handoff).objects.update(due_on=day(0))
    look(NOON + timedelta(days=1))

    assert told(handoff.giver) == ["handoff_overdue", "handoff_overdue"]


def test_a_handoff_that_nobody_gives_is_with_the_managers():
    handoff = make.handoff(due_on=day(-1), giver=None)

    look()

    assert told(handoff.iteration.project.created_by) == ["handoff_overdue"]


@pytest.mark.parametrize(
    ("state", "due", "owner_hears", "manager_hears"),
    [
        ("instantiated", 1, ["task_due"], []),
        ("instantiated", -1, ["task_overdue"], []),
        ("planned", -4, ["task_overdue"], ["task_escalated"]),
        ("evidence_attached", -4, [], ["task_escalated"]),
        ("verified", -4, [], []),
    ],
)
def test_owners_and_managers_hear_of_tasks(state, due, owner_hears, manager_hears):
    task = make.task(state=state, due_on=day(due))

    look()

    assert (told(task.owner), told(task.phase.iteration.project.created_by)) == (owner_hears, manager_hears)


def test_a_task_of_a_phase_that_is_not_at_work_reminds_nobody():
    make.task(make.phase(state="in_review"), due_on=day(-1))

    look()

    assert not Notice.objects.exists()


@pytest.mark.parametrize("where", ["iteration", "project"])
def test_what_is_closed_reminds_nobody(where):
    handoff = make.handoff(due_on=day(-1))
    if where == "iteration":
        make._put(handoff.iteration, state="completed", closed_at=NOON)
    else:
        make._put(handoff.iteration.project, state="closed")

    look()

    assert not Notice.objects.exists()


def accepted(until: date, **fields) -> Risk:
    task = make.task(state="risks_accepted")
    manager = task.phase.iteration.project.created_by
    values = {"accepted_by": manager, "accepted_reason": "For now", "accepted_until": until, **fields}
    return make.risk(task, "accepted", **values)


@pytest.mark.parametrize(("until", "kinds"), [(8, []), (7, ["risk_ending"]), (0, ["risk_ending"])])
def test_an_acceptance_that_ends_soon_is_told(until, kinds):
    risk = accepted(day(until))

    look()

    risk.refresh_from_db()
    assert risk.state == "accepted"
    assert told(risk.accepted_by) == told(risk.task.owner) == kinds


def test_an_acceptance_that_has_ended_reopens_the_risk_and_its_task():
    risk = accepted(day(-1))
    manager, owner = risk.accepted_by, risk.task.owner

    look()

    risk.refresh_from_db()
    assert (risk.state, risk.accepted_by, risk.accepted_until) == ("reopened", None, None)
    assert risk.task.state == "mitigating"
    assert entries("risk.reopened") == ["risk.reopened"]
    assert Entry.objects.get(action="risk.reopened").actor == "system:expiry"
    assert told(manager) == told(owner) == ["risk_expired"]


def test_an_acceptance_that_has_ended_is_shown_to_triggers():
    risk = accepted(day(-1))
    project = risk.task.phase.iteration.project
    trigger = make.trigger(
        project, kind="expiry", condition='has(event.expired) && event.expired in ["waiver", "acceptance"]',
        action="notify", mode="auto",
    )  # fmt: skip

    look()
    look(NOON + timedelta(days=1))

    [firing] = Firing.objects.filter(trigger=trigger)
    assert (firing.state, firing.observed["risk"]) == ("started", risk.key)


def test_in_a_closed_iteration_the_risk_stays_but_people_and_triggers_know():
    risk = accepted(day(-1))
    iteration = risk.task.phase.iteration
    make._put(iteration, state="completed", closed_at=NOON)
    make.trigger(iteration.project, kind="expiry", action="notify")

    for later in range(2):
        look(NOON + timedelta(days=later))

    risk.refresh_from_db()
    assert (risk.state, Firing.objects.count(), told(risk.accepted_by)) == (
        "accepted", 1, ["firing_to_decide", "risk_expired"],
    )  # fmt: skip


def test_the_risk_of_an_iteration_that_another_has_followed_is_left_alone():
    risk = accepted(day(-1))
    iteration = risk.task.phase.iteration
    make._put(iteration, state="completed", closed_at=NOON)
    make.iteration(iteration.project)

    look()

    assert not Notice.objects.exists()


def test_a_risk_accepted_anew_meanwhile_stays_accepted():
    from lifecycle.services import reminders

    risk = accepted(day(-1))
    seen = list(reminders._acceptances(NOON))
    type(risk).objects.update(accepted_until=day(90))

    reminders.end_acceptances(seen, NOON)

    risk.refresh_from_db()
    assert (risk.state, Notice.objects.count()) == ("accepted", 0)


def test_people_may_not_reopen_by_pretending_to_be_the_site(django_user_model):
    from django.core.exceptions import PermissionDenied

    from lifecycle.services.risks import reopen_risk

    risk = accepted(day(5))

    with pytest.raises(PermissionDenied):
        reopen_risk(risk=risk, actor=make.user(), reason="I want to")


def test_looking_again_on_the_same_day_does_nothing(django_assert_num_queries):
    make.handoff(due_on=day(-9))
    accepted(day(-1))
    look()
    before = Notice.objects.count()

    with django_assert_num_queries(1):
        assert look() == 0

    assert Notice.objects.count() == before


@pytest.mark.parametrize("count", [1, 4])
def test_looking_at_many_handoffs_costs_the_same(django_assert_num_queries, count):
    iteration = make.iteration()
    choose_ways(person=iteration.project.created_by, ways={"handoff_escalated": "page"})
    for _ in range(count):
        make.handoff(iteration, due_on=day(-9))

    each_part = 6  # its row (4, with the savepoint), a chunk, how far it has come
    with django_assert_num_queries(1 + each_part * len(sweeps._PARTS) + 9):  # and the telling, once for all
        look()

    assert Notice.objects.filter(kind="handoff_overdue").count() == count


def test_chunks_follow_each_other_and_a_break_goes_on_where_it_was(monkeypatch):
    iteration = make.iteration()
    handoffs = [make.handoff(iteration, due_on=day(-1)) for _ in range(5)]
    part = sweeps._PARTS["handoffs"]
    monkeypatch.setitem(sweeps._PARTS, "handoffs", part._replace(chunk=2))
    monkeypatch.setattr(sweeps, "CHUNKS_A_TICK", 1)

    seen = []
    for _ in range(3):
        look()
        seen.append(Notice.objects.filter(kind="handoff_overdue").count())

    assert seen == [2, 4, 5]
    assert Sweep.objects.get(part="handoffs").last_pk == handoffs[-1].pk


def test_a_part_that_fails_does_not_hold_up_the_others_and_is_tried_again(monkeypatch, caplog):
    handoff, task = make.handoff(due_on=day(-1)), make.task(due_on=day(-1))
    part = sweeps._PARTS["handoffs"]

    def broken(*_args):
        raise RuntimeError("no")

    monkeypatch.setitem(sweeps._PARTS, "handoffs", part._replace(work=broken))
    look()
    assert (told(handoff.giver), told(task.owner)) == ([], ["task_overdue"])
    assert "part handoffs" in caplog.text
    monkeypatch.setitem(sweeps._PARTS, "handoffs", part)
    look()

    assert told(handoff.giver) == ["handoff_overdue"]


def test_schedulers_at_once_tell_and_reopen_once():
    handoff, risk = make.handoff(due_on=day(-9)), accepted(day(-1))
    ready, wrong = threading.Barrier(3), []

    def work() -> None:
        ready.wait()
        try:
            look()
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            wrong.append(error)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    look()

    assert wrong == []
    assert told(handoff.giver) == ["handoff_overdue"]
    assert entries("risk.reopened") == ["risk.reopened"]
    assert told(risk.task.owner) == ["risk_expired"]
