"""Reviews, assurances that end and incidents to be reported: who hears of them, when, and how often."""

import datetime as dt

import pytest
from django.utils import timezone

from governance.models import Assurance, Incident, InventoryEntry, Review
from governance.services.assurances import end_assurance
from governance.services.frameworks import add_framework, begin_use
from governance.services.incidents import close_incident, open_incident, report_incident
from governance.services.inventory import record_review, set_inventory
from lifecycle.models import Membership, Notice, Project
from lifecycle.services import sweeps
from tests import make

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 6, 10, 12, 0, tzinfo=dt.UTC)
COMES, IS_DUE, OVERDUE, LATE = "is due on", "is due", "is overdue", "days late"
POLICY = {
    "key": "own-policy", "title": "Our policy", "version": "1", "kind": "policy", "as_of": "2026-11-28",
    "source": "The board, 2026",
    "groups": [
        {
            "id": "one", "title": "One",
            "controls": [{"id": "p-2", "label": "2", "title": "Trained", "checks": ["K44"]}],
        }
    ],
}  # fmt: skip


def in_days(number: int) -> dt.date:
    return NOON.date() + dt.timedelta(days=number)


def look(day: int = 0) -> None:
    sweeps.sweep_day(NOON + dt.timedelta(days=day))


def told(person, kind="review_due") -> list[str]:
    return list(
        Notice.objects.filter(person=person, kind=kind).order_by("pk").values_list("subject", flat=True)
    )


def told_at_all() -> int:
    return Notice.objects.filter(kind__in=("review_due", "incident_due")).count()


@pytest.fixture
def home():
    return make.small_project()


def system(home, day=0):
    """An entry of the inventory whose review is on that day; owner and deputy are workers."""
    owner, deputy = make.member(home), make.member(home)
    entry = set_inventory(
        project=home, actor=home.created_by, owner=owner, deputy=deputy, overseer=None,
        approved_uses=["Promotions"], review_every_days=30,
    )  # fmt: skip
    InventoryEntry.objects.filter(pk=entry.pk).update(next_review_on=in_days(day))
    return entry


def review(home, by, day=0, kind="risks"):
    made = record_review(project=home, actor=by, kind=kind, result="All is well")
    Review.objects.filter(pk=made.pk).update(next_on=in_days(day))
    return made


def assurance(home, by, day=0, **fields):
    framework = add_framework(data=POLICY, actor=make.user(org_role="process_owner"))
    begin_use(project=home, framework=framework, actor=home.created_by, reason="The board")
    values = {
        "framework_key": "own-policy", "control": "p-2", "statement": "All were trained", "signed_by": by,
        "signer_name": str(by), "digest": "0" * 64, "signed_at": NOON, "expires_on": in_days(day),
    }  # fmt: skip
    return Assurance.objects.create(project=home, **{**values, **fields})


def incident(home, by, hours=0, severity="serious"):
    """An incident whose deadline is so many hours after noon."""
    made = open_incident(
        project=home, actor=by, title="Wrong advice", severity=severity, aware_at=timezone.now()
    )
    if made.due_at is not None:
        Incident.objects.filter(pk=made.pk).update(due_at=NOON + dt.timedelta(hours=hours))
    return made


@pytest.mark.parametrize(
    ("day", "words"),
    [(15, None), (14, COMES), (1, COMES), (0, IS_DUE), (-1, OVERDUE), (-3, OVERDUE), (-4, LATE)],
)
def test_who_answers_for_a_system_hears_of_its_review(home, day, words):
    entry, other = system(home, day), make.member(home, "reviewer")

    look()

    for person in (entry.owner, entry.deputy, home.created_by):
        subjects = told(person)
        assert len(subjects) == (words is not None)
        assert all(words in each for each in subjects)
    assert told(other) == []


def test_nobody_hears_twice_and_another_day_is_another_occasion(home):
    entry = system(home, 14)

    for day in range(25):
        look(day)
        look(day)
    assert [("is due on 24 Jun 2026" in each, LATE in each) for each in told(entry.owner)] == [
        (True, False), (False, False), (False, True),
    ]  # fmt: skip

    InventoryEntry.objects.update(next_review_on=in_days(60))
    look(50)
    assert len(told(entry.owner)) == 4


def test_a_break_in_the_middle_tells_nobody_twice(home, monkeypatch):
    entry, other = system(home), system(make.small_project())
    part = sweeps._PARTS["system_reviews"]

    def breaks(found, now):
        part.work(found[:1], now)
        raise RuntimeError("the worker died")

    monkeypatch.setitem(sweeps._PARTS, "system_reviews", part._replace(work=breaks))
    look()
    assert (len(told(entry.owner)), len(told(other.owner))) == (1, 0)
    monkeypatch.setitem(sweeps._PARTS, "system_reviews", part)
    look()

    assert (len(told(entry.owner)), len(told(other.owner))) == (1, 1)


def test_a_review_that_was_done_reminds_no_more(home):
    entry = system(home)

    record_review(project=home, actor=home.created_by, kind="system", result="All is well", every_days=900)
    look()

    assert told(entry.owner) == []


@pytest.mark.parametrize(("day", "words"), [(15, None), (14, COMES), (0, IS_DUE), (-2, OVERDUE), (-9, LATE)])
def test_who_did_a_review_hears_of_the_next_one(home, day, words):
    reviewer, other = make.member(home, "reviewer"), make.member(home, "reviewer")
    review(home, reviewer, day)

    look()

    for person in (reviewer, home.created_by):
        assert [words in each for each in told(person)] == [True] * (words is not None)
    assert told(other) == []


def test_only_the_last_review_of_a_kind_counts_and_only_who_still_judges(home):
    gone, there = make.member(home, "reviewer"), make.member(home, "reviewer")
    review(home, gone, -30)
    review(home, there, 300)
    review(home, gone, 0, "access")
    Membership.objects.filter(user=gone).update(left_at=NOON)

    look()

    assert (told(gone), told(there)) == ([], [])
    assert [IS_DUE in each and "Rights" in each for each in told(home.created_by)] == [True]


def test_the_review_of_a_system_is_told_once_where_the_inventory_has_it(home):
    reviewer = make.member(home, "reviewer")
    review(home, reviewer, 0, "system")
    look()
    assert len(told(reviewer)) == 1

    entry = system(home, 0)
    look(1)
    assert (len(told(reviewer)), len(told(entry.owner))) == (1, 1)


@pytest.mark.parametrize(("day", "words"), [(15, None), (14, COMES), (0, IS_DUE), (-2, OVERDUE), (-9, LATE)])
def test_who_vouched_hears_that_it_ends(home, day, words):
    signer, other = make.member(home, "reviewer"), make.member(home, "reviewer")
    assurance(home, signer, day)

    look()

    for person in (signer, home.created_by):
        assert [words in each and "p-2" in each for each in told(person)] == [True] * (words is not None)
    assert told(other) == []
    assert all(
        each.url.endswith("/compliance/own-policy/p-2/") for each in Notice.objects.filter(person=signer)
    )


def test_an_assurance_that_was_ended_or_rests_on_nothing_reminds_nobody(home):
    signer = make.member(home, "reviewer")
    made = assurance(home, signer)
    end_assurance(assurance=made, actor=signer, reason="They left")
    assurance_elsewhere = {**vars(made), "framework_key": "not-in-use", "ended_at": None, "ended_because": ""}
    Assurance.objects.create(
        **{key: value for key, value in assurance_elsewhere.items() if key not in ("_state", "id")}
    )

    look()

    assert told_at_all() == 0


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (73, None),
        (71, "must soon hear"),
        (11, "must hear today"),
        (-1, "should have heard"),
        (-900, "should have heard"),
    ],
)
def test_who_must_report_an_incident_hears_of_the_deadline(home, hours, words):
    reviewer, worker = make.member(home, "reviewer"), make.member(home)
    entry = system(home, 90)
    incident(home, worker, hours)
    Notice.objects.filter(key__endswith=":new").delete()

    look()

    for person in (reviewer, home.created_by, entry.owner, entry.deputy):
        assert [words in each for each in told(person, "incident_due")] == [True] * (words is not None)
    assert told(worker, "incident_due") == []


def test_a_serious_incident_is_told_as_soon_as_it_is_put_down_but_not_to_who_did_so(home):
    reviewer, manager = make.member(home, "reviewer"), home.created_by

    incident(home, manager)

    assert told(reviewer, "incident_due") == ["Incident: Wrong advice"]
    assert told(manager, "incident_due") == []
    [notice] = Notice.objects.filter(person=reviewer, kind="incident_due")
    assert (notice.way, notice.project) == ("email", home)
    assert "The authority must have been told by" in notice.text


def test_an_incident_is_told_once_for_each_stage(home):
    reviewer = make.member(home, "reviewer")
    incident(home, home.created_by, 78)

    for day in range(9):
        look(day)
        look(day)

    assert [each.split(":")[0] for each in told(reviewer, "incident_due")] == [
        "Incident", "The authority must soon hear of", "The authority must hear today of",
        "The authority should have heard by now of",
    ]  # fmt: skip


def test_an_incident_that_is_minor_reported_or_closed_reminds_nobody(home):
    reviewer, worker = make.member(home, "reviewer"), make.member(home)
    minor = incident(home, worker, severity="minor")
    reported, closed = (incident(home, worker) for _number in range(2))
    for each in (reported, closed):
        report_incident(incident=each, actor=reviewer, report="Authority, number 12")
    close_incident(
        incident=closed, actor=reviewer, root_cause="Drift", action="Retrained", risks_seen="Looked at"
    )
    Notice.objects.filter(key__endswith=":new").delete()

    look()

    assert (minor.due_at, told_at_all()) == (None, 0)


def test_a_project_that_is_closed_reminds_nobody(home):
    reviewer = make.member(home, "reviewer")
    system(home)
    review(home, reviewer)
    assurance(home, reviewer)
    incident(home, reviewer)
    Notice.objects.all().delete()
    Project.objects.filter(pk=home.pk).update(state="closed")

    look()

    assert told_at_all() == 0


@pytest.mark.parametrize("count", [1, 4])
def test_many_records_cost_the_same(django_assert_max_num_queries, count):
    for _number in range(count):
        home = make.small_project()
        reviewer = make.member(home, "reviewer")
        system(home)
        review(home, reviewer)
        incident(home, reviewer, 1)
    for name in sweeps._PARTS:
        if name not in ("system_reviews", "reviews", "incidents"):
            sweeps.Sweep.objects.create(day=NOON.date(), part=name, finished_at=NOON)
    Notice.objects.all().delete()
    make_silent()

    with django_assert_max_num_queries(52):
        look()

    assert told_at_all() == count * (3 + 2 + 4)


def make_silent() -> None:
    """An e-mail at once costs some queries each; here nobody wants one."""
    from lifecycle.models import User
    from lifecycle.services.notices import choose_ways

    for person in User.objects.all():
        choose_ways(person=person, ways={"incident_due": "page"})
