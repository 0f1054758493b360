import pytest
from django.urls import reverse

from ledger.models import Entry
from lifecycle.models import Membership, Notice
from lifecycle.queries.open_work import open_work_of
from lifecycle.services.transfers import transfer_and_close, transfer_work
from lifecycle.services.users import close_person
from tests import make
from tests.traces import forbidden, invalid, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator():
    return make.user(org_role="administrator")


@pytest.fixture
def trip():
    return make.iteration()


@pytest.fixture
def leaver(trip):
    person = make.member(trip.project, "contributor", "DS", "PO")
    phase = make.phase(trip)
    make.task(phase, "1.1", owner=person, accountable=person)
    make.task(phase, "1.2", "verified", owner=person)
    make.handoff(trip, giver=person)
    make.handoff(trip, "offered", taker=person).criteria.update(ticked_at="2026-01-01T00:00Z")
    return person


def transfer(leaver, actor, **fields):
    return transfer_work(**({"leaver": leaver, "actor": actor, "reason": "Leaves"} | fields))


def test_all_open_work_passes_on_in_one_step(trip, leaver, administrator):
    taker = make.member(trip.project)
    before = Entry.objects.count()

    work = transfer(leaver, administrator, taker=taker)

    assert (len(work.tasks), len(work.handoffs)) == (1, 2)
    assert not open_work_of(leaver).held
    held = open_work_of(taker)
    assert ([task.key for task in held.owned], len(held.given), len(held.taken)) == (["1.1"], 1, 1)
    assert not held.taken[0].criteria.filter(ticked_at__isnull=False).exists()
    added = [entry.action for entry in Entry.objects.order_by("index")[before:]]
    assert sorted(added) == [
        "handoff.assigned",
        "handoff.assigned",
        "person.work_transferred",
        "task.assigned",
    ]


def test_who_takes_the_work_over_hears_of_it_once(trip, leaver, administrator):
    taker = make.member(trip.project)

    transfer(leaver, administrator, taker=taker)

    notice = Notice.objects.get()
    assert (notice.person, notice.subject) == (taker, "You own 1 more task now")
    assert [line.partition(":")[0] for line in notice.text.splitlines()] == [
        "To do (1)",
        "To answer for (1)",
        "Handoffs to give or take (2)",
    ]


def test_the_ledger_keeps_both_owners(trip, leaver, administrator):
    taker = make.member(trip.project)
    transfer(leaver, administrator, taker=taker)

    detail = Entry.objects.filter(action="task.assigned").last().payload.content["detail"]

    assert detail["from"] == {"owner": leaver.pk, "accountable": leaver.pk}
    assert (detail["owner"], detail["accountable"], detail["iteration"]) == (taker.pk, taker.pk, trip.number)
    assert detail["transferred_from"] == leaver.pk


def test_roles_can_go_to_different_people_who_then_join(trip, leaver, administrator):
    scientist, rest = make.user(), make.user()

    transfer(leaver, administrator, taker=rest, taker_by_role={"DS": scientist})

    task = trip.phases.get(key="P1").tasks.get(key="1.1")
    assert (task.owner, task.accountable) == (scientist, rest)
    joined = {
        each.user: (each.role, each.crisp_roles)
        for each in Membership.objects.filter(user__in=[scientist, rest])
    }
    assert joined == {scientist: ("contributor", ["DS"]), rest: ("contributor", ["PO"])}


def test_without_a_taker_nothing_happens(trip, leaver, administrator):
    with refused("no_taker", *open_work_of(leaver).tasks):
        transfer(leaver, administrator)
    with invalid("same_person", "taker"):
        transfer(leaver, administrator, taker=leaver)
    with refused("no_work"):
        transfer(make.user(), administrator, taker=make.user())


@pytest.mark.parametrize("fields", [{"is_active": False}, {"org_role": "auditor"}])
def test_work_goes_to_nobody_who_may_not_act(leaver, administrator, fields):
    with refused("not_member"):
        transfer(leaver, administrator, taker=make.user(**fields))


def test_an_auditor_of_the_project_takes_no_work(trip, leaver, administrator):
    with refused("not_member", *open_work_of(leaver).tasks):
        transfer(leaver, administrator, taker=make.member(trip.project, "auditor"))


def test_nobody_becomes_both_parties_of_a_handoff(trip, leaver, administrator):
    other = make.member(trip.project)
    make.handoff(trip, giver=leaver, taker=other)

    with refused("same_person", *open_work_of(leaver).handoffs):
        transfer(leaver, administrator, taker=other)


def test_a_person_who_holds_work_is_not_closed_without_passing_it_on(trip, leaver, administrator):
    with refused("holds_work", leaver):
        close_person(person=leaver, actor=administrator, reason="Leaves")

    transfer_and_close(leaver=leaver, actor=administrator, reason="Leaves", taker=make.member(trip.project))

    leaver.refresh_from_db()
    assert not leaver.is_active


def test_the_last_manager_leaves_with_a_successor_only(trip, administrator):
    manager, heir = trip.project.created_by, make.member(trip.project, "reviewer")

    with refused("holds_work", manager):
        close_person(person=manager, actor=administrator, reason="Leaves")
    with refused("no_taker", manager):
        transfer_and_close(leaver=manager, actor=administrator, reason="Leaves")
    transfer_and_close(leaver=manager, actor=administrator, reason="Leaves", taker=heir)

    assert Membership.objects.get(project=trip.project, user=heir).role == "manager"


def test_a_refused_close_undoes_the_transfer(leaver, administrator):
    administrator.org_role = "member"
    administrator.save()

    with forbidden(leaver, *open_work_of(leaver).tasks):
        transfer_and_close(leaver=leaver, actor=administrator, reason="Leaves", taker=make.user())


def test_a_manager_transfers_in_their_own_project_only(trip, leaver):
    taker, manager = make.member(trip.project), trip.project.created_by

    with forbidden(leaver):
        transfer(leaver, manager, taker=taker)
    with forbidden(leaver):
        transfer(leaver, make.member(trip.project), taker=taker, project=trip.project)
    transfer(leaver, manager, taker=taker, project=trip.project)

    assert not open_work_of(leaver).held


@pytest.mark.parametrize("count", [1, 3])
def test_open_work_is_read_at_a_constant_cost(administrator, django_assert_num_queries, count):
    person = make.user()
    for _ in range(count):
        trip = make.iteration(make.small_project(person))
        make.handoff(trip, giver=person)

    with django_assert_num_queries(5):
        work = open_work_of(person)
        assert len(work.projects) == len(work.last_manager_of) == count
        assert len(work.given) == count


def test_an_administrator_passes_work_on_and_closes_the_account_on_a_page(
    trip, leaver, administrator, client
):
    taker = make.member(trip.project)
    client.force_login(administrator)
    url = reverse("lifecycle:person-act", args=[leaver.pk, "close"])

    page = client.get(reverse("lifecycle:person", args=[leaver.pk])).content.decode()
    none = client.post(url, {"reason": "Leaves"})
    done = client.post(url, {"reason": "Leaves", "taker": taker.pk})

    assert "Open work" in page
    assert "1.1" in page
    assert none.status_code == 422
    assert "Nobody is named" in none.content.decode()
    assert done.status_code == 302
    leaver.refresh_from_db()
    assert not leaver.is_active
