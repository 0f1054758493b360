import csv
import datetime as dt
import io
import json
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils.timezone import now

from ledger import services as ledger_services
from ledger.actors import SystemActor
from ledger.models import Entry
from lifecycle.figures.times import TimeBar, TimeBars, span_text
from lifecycle.models import KeptFigures, Project
from lifecycle.queries.analytics import analytics_among, analytics_of
from lifecycle.queries.analytics_csv import TABLES, table_csv
from lifecycle.queries.kept_analytics import kept_analytics
from lifecycle.queries.ocel import OBJECT_TYPES, ocel_of
from lifecycle.queries.projects import projects_visible_to
from lifecycle.services.figures import keep_figures
from lifecycle.services.handoffs import accept_handoff, offer_handoff, return_handoff, tick_criterion
from lifecycle.services.phases import (
    agree_requirements,
    decide_phase,
    reopen_phase,
    request_review,
    start_phase,
)
from lifecycle.services.tasks import block_task, start_task
from tests import make

pytestmark = pytest.mark.django_db

DAY = 86_400


def about(seconds):
    """To the second: PostgreSQL adds the microseconds that an entry waited for its turn."""
    return pytest.approx(seconds, abs=1)


class Clock:
    """The time that the ledger writes; tests move it on."""

    def __init__(self, monkeypatch):
        self.at = now() - dt.timedelta(days=200)
        monkeypatch.setattr(ledger_services, "now", lambda: self.at)

    def wait(self, **span):
        self.at += dt.timedelta(**span)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def started(clock):
    """A project whose first phase has been in progress for a day."""
    home = make.small_project()
    trip = make.iteration(home)
    phase = trip.phases.get(key="P1")
    start_phase(phase=phase, actor=home.created_by)
    clock.wait(days=1)
    agree_requirements(phase=phase, actor=home.created_by)
    clock.wait(days=1)
    return home, trip


def passed(clock, trip):
    """Its first phase passed, after three days in review."""
    home, phase = trip.project, trip.phases.get(key="P1")
    make.task(phase, "1.1", state="verified")
    request_review(phase=phase, actor=home.created_by)
    clock.wait(days=3)
    return decide_phase(phase=phase, outcome="pass", actor=SystemActor("gate"))


def offer(handoff):
    given = {1: "drive: data", 2: "drive: notes"}
    return offer_handoff(handoff=handoff, actor=handoff.giver, references=given)


def take(handoff):
    for criterion in handoff.criteria.all():
        tick_criterion(criterion=criterion, actor=handoff.taker)
    return accept_handoff(handoff=handoff, actor=handoff.taker)


def get(client, user, name, *args, query=""):
    client.force_login(user)
    return client.get(reverse(f"lifecycle:{name}", args=args) + query)


def log_of(project):
    return json.loads("".join(ocel_of(project)))


def test_lead_time_runs_from_the_start_to_the_pass(clock):
    home, trip = started(clock)
    passed(clock, trip)
    [phase] = analytics_of(home).phases
    assert (phase.key, phase.passed, phase.running, phase.starts) == ("P1", 1, 0, 1)
    assert phase.median == phase.slow == about(5 * DAY)
    assert phase.review == about(3 * DAY)


def test_a_phase_that_is_not_passed_has_no_lead_time_and_is_running(clock):
    home, _trip = started(clock)
    [phase] = analytics_of(home).phases
    assert (phase.passed, phase.running, phase.median) == (0, 1, None)


def test_a_reopened_phase_is_rework_and_its_lead_time_includes_it(clock):
    home, trip = started(clock)
    phase = passed(clock, trip)
    clock.wait(days=10)
    phase = reopen_phase(phase=phase, actor=home.created_by, reason="Wrong data")
    clock.wait(days=1)
    start_phase(phase=phase, actor=home.created_by)
    seen = analytics_of(home)
    [loop] = seen.loops
    assert (loop.kind, loop.phase, loop.reason) == ("phase", "P1", "Wrong data")
    assert seen.phases[0].starts == 2


def test_tasks_split_into_working_and_waiting(clock):
    home, trip = started(clock)
    task = make.task(trip.phases.get(key="P1"), "1.1")
    start_task(task=task, actor=task.owner)
    clock.wait(hours=6)
    block_task(task=task, actor=task.owner, reason="No access")
    clock.wait(hours=18)
    start_task(task=task, actor=task.owner)
    [work] = analytics_of(home).work
    assert (work.key, work.tasks) == ("P1", 1)
    assert work.blocked == about(18 * 3600)
    assert work.working >= 6 * 3600


def test_returns_are_counted_and_time_is_charged_to_whoever_holds(clock):
    home, trip = started(clock)
    handoff = make.handoff(trip)
    handoff = offer(handoff)
    clock.wait(days=2)
    handoff = return_handoff(handoff=handoff, actor=handoff.taker, reason="Incomplete")
    clock.wait(days=1)
    handoff = offer(handoff)
    clock.wait(days=4)
    take(handoff)
    seen = analytics_of(home)
    [each] = seen.handoffs
    assert (each.offered, each.returned, each.accepted, each.rate) == (2, 1, 1, 0.5)
    assert each.median == about(3 * DAY)
    assert seen.return_rate == 0.5
    held = {row.name: row.held for row in seen.holders if row.kind == "person"}
    assert held == {str(handoff.taker): about(6 * DAY), str(handoff.giver): about(1 * DAY)}
    assert all(row.now == 0 for row in seen.holders)


def test_a_handoff_on_offer_is_in_hand_until_now(clock):
    home, trip = started(clock)
    offer(make.handoff(trip))
    [holder] = [row for row in analytics_of(home).holders if row.kind == "person"]
    assert holder.now == 1
    assert holder.held > 100 * DAY


def test_what_one_project_did_is_not_seen_in_another(clock):
    home, _trip = started(clock)
    other = make.small_project()
    assert analytics_of(other).empty
    stranger = make.user()
    assert analytics_among(projects_visible_to(stranger), days=None).empty
    assert not analytics_among(projects_visible_to(home.created_by), days=None).empty


def test_a_period_leaves_out_what_is_older(clock):
    home, _trip = started(clock)
    mine = projects_visible_to(home.created_by)
    assert analytics_among(mine, days=90).empty
    assert analytics_among(mine, days=365).projects == 1


def test_an_erased_payload_leaves_the_rest_standing(clock):
    home, trip = started(clock)
    passed(clock, trip)
    entry = Entry.objects.filter(action="phase.review_requested").get()
    ledger_services.erase_payload(index=entry.index, actor=home.created_by, reason="Asked for")
    assert analytics_of(home).phases[0].median == about(5 * DAY)
    assert log_of(home)["events"]


def test_the_pages_show_tables_and_charts(client, clock):
    home, trip = started(clock)
    passed(clock, trip)
    offer(make.handoff(trip))
    text = get(client, home.created_by, "project-analytics", home.slug).content.decode()
    assert "5 d 0 h" in text
    assert "<svg" in text
    assert "phases.csv" in text
    text = get(client, home.created_by, "analytics", query="?days=all").content.decode()
    assert "5 d 0 h" in text
    assert "?days=all" in text


def test_empty_pages_say_so(client):
    home = make.small_project()
    assert (
        "Nothing has flowed" in get(client, home.created_by, "project-analytics", home.slug).content.decode()
    )
    assert (
        "Nothing has flowed" in get(client, make.user(), "analytics", query="?days=nonsense").content.decode()
    )


def test_members_and_auditors_read_strangers_find_nothing(client):
    home = make.small_project()
    for reader in (make.member(home), make.member(home, "auditor"), make.user(org_role="auditor")):
        assert get(client, reader, "project-analytics", home.slug).status_code == 200
        assert get(client, reader, "project-ocel", home.slug).status_code == 200
    stranger = make.user()
    for name, more in (
        ("project-analytics", ()),
        ("project-ocel", ()),
        ("project-analytics-csv", ("phases",)),
    ):
        assert get(client, stranger, name, home.slug, *more).status_code == 404
    client.logout()
    assert client.get(reverse("lifecycle:analytics")).status_code == 302


@pytest.mark.parametrize("table", sorted(TABLES))
def test_each_table_is_there_as_csv(client, clock, table):
    home, trip = started(clock)
    passed(clock, trip)
    answer = get(client, home.created_by, "project-analytics-csv", home.slug, table)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    header, *rows = csv.reader(io.StringIO(answer.content.decode()))
    assert all(len(row) == len(header) for row in rows)
    assert get(client, home.created_by, "analytics-csv", table).status_code == 200


def test_there_is_no_other_table(client):
    home = make.small_project()
    assert get(client, home.created_by, "project-analytics-csv", home.slug, "people").status_code == 404
    assert get(client, home.created_by, "analytics-csv", "people").status_code == 404


def test_a_reason_that_looks_like_a_formula_stays_a_text(clock):
    home, trip = started(clock)
    reopen_phase(phase=passed(clock, trip), actor=home.created_by, reason="=1+1")
    assert "'=1+1" in table_csv(analytics_of(home), "loops")


@pytest.mark.parametrize("count", [1, 3])
def test_analytics_cost_the_same_for_any_number_of_records(
    client, clock, django_assert_max_num_queries, count
):
    manager = make.user()
    for _each in range(count):
        home = make.small_project(manager)
        trip = make.iteration(home)
        for _again in range(count):
            offer(make.handoff(trip))
    client.force_login(manager)
    with django_assert_max_num_queries(11):
        client.get(reverse("lifecycle:project-analytics", args=[home.slug]))
    with django_assert_max_num_queries(10):
        client.get(reverse("lifecycle:analytics") + "?days=all")
    with django_assert_max_num_queries(18):
        b"".join(client.get(reverse("lifecycle:project-ocel", args=[home.slug])).streaming_content)


def test_a_web_process_starts_without_pandas():
    code = (
        "import django, sys; django.setup(); from django.urls import reverse; reverse('lifecycle:analytics');"
        "assert 'lifecycle.views.analytics' in sys.modules; print('pandas' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0, "0 s"), (0.2, "< 1 s"), (45, "45 s"), (125, "2 min"), (7_260, "2 h 1 min"),
     (3 * DAY + 4 * 3600, "3 d 4 h"), (30 * DAY, "30 days")],
)  # fmt: skip
def test_spans_are_said_in_their_two_largest_units(seconds, text):
    assert span_text(seconds) == text


def test_bars_of_nothing_are_drawn_without_length():
    drawn = TimeBars((TimeBar("A", 0), TimeBar("B", 10, 5)), "Time")
    assert drawn.rows[0]["filled"] == "0"
    assert "B" in drawn.label


# ---- OCEL 2.0 ----


def test_the_log_holds_every_object_and_every_entry_in_order(clock):
    home, trip = started(clock)
    passed(clock, trip)
    offer(make.handoff(trip))
    make.run(home)
    log = log_of(home)
    entries = Entry.objects.filter(project=home.slug).order_by("index")
    assert [event["id"] for event in log["events"]] == [f"entry:{each.index}" for each in entries]
    names = {each["id"] for each in log["objects"]}
    assert len(names) == len(log["objects"])
    assert {each["type"] for each in log["objects"]} <= set(OBJECT_TYPES)
    for each in [*log["objects"], *log["events"]]:
        assert {to["objectId"] for to in each["relationships"]} <= names
    types = {each["name"]: {part["name"] for part in each["attributes"]} for each in log["eventTypes"]}
    for event in log["events"]:
        assert {part["name"] for part in event["attributes"]} <= types[event["type"]]


def test_an_event_relates_to_what_it_speaks_of(clock):
    home, trip = started(clock)
    handoff = offer(make.handoff(trip))
    [event] = [each for each in log_of(home)["events"] if each["type"] == "handoff.offered"]
    related = {each["qualifier"]: each["objectId"] for each in event["relationships"]}
    assert related["subject"] == f"handoff:{handoff.pk}"
    assert related["in iteration"] == f"iteration:{trip.pk}"
    assert related["taker"] == f"user:{handoff.taker_id}"


def test_people_are_keys_and_their_names_are_not_in_the_log(clock):
    home, trip = started(clock)
    handoff = offer(make.handoff(trip))
    text = "".join(ocel_of(home))
    assert str(handoff.giver.name) not in text
    assert handoff.giver.actor_key in text


def test_pm4py_reads_the_log(clock, tmp_path):
    import pm4py

    home, trip = started(clock)
    task = make.task(trip.phases.get(key="P1"), "1.2")
    start_task(task=task, actor=task.owner)
    passed(clock, trip)
    offer(make.handoff(trip))
    out = tmp_path / "log.json"
    call_command("ocel", home.slug, out=out, stdout=io.StringIO())
    log = pm4py.read_ocel2_json(str(out))
    assert len(log.events) == Entry.objects.filter(project=home.slug).count()
    assert {"project", "iteration", "phase", "task", "handoff", "person"} <= set(
        pm4py.ocel_get_object_types(log)
    )
    flat = pm4py.ocel_flattening(log, "phase")
    assert "phase.decided" in set(flat["concept:name"])


def test_the_command_says_what_is_wrong(tmp_path):
    with pytest.raises(CommandError, match="no project"):
        call_command("ocel", "nowhere", out=tmp_path / "x.json")
    home = make.small_project()
    with pytest.raises(CommandError, match="can not be written"):
        call_command("ocel", home.slug, out=tmp_path / "missing" / "x.json")


def test_figures_of_a_long_ledger_are_computed_ahead_and_say_as_of_when(client, clock, monkeypatch):
    monkeypatch.setattr("lifecycle.services.figures.WORTH_KEEPING", 1)
    home, trip = started(clock)[:2]
    reopen_phase(phase=passed(clock, trip), actor=home.created_by, reason="Late data")

    assert (keep_figures(), keep_figures()) == (4, 0)
    kept, _made_at = kept_analytics(None)
    fresh = analytics_among(Project.objects.all(), days=None)
    assert (kept.loops, kept.phases, kept.projects) == (fresh.loops, fresh.phases, fresh.projects)
    assert kept.loops

    client.force_login(make.user(org_role="auditor"))
    assert "As of" in client.get(reverse("lifecycle:analytics"), {"days": "all"}).text
    client.force_login(home.created_by)
    assert "As of" not in client.get(reverse("lifecycle:analytics"), {"days": "all"}).text

    KeptFigures.objects.update(made_at=now() - dt.timedelta(days=2))
    assert kept_analytics(None) is None
    monkeypatch.setattr("lifecycle.services.figures.WORTH_KEEPING", 1_000)
    assert keep_figures() == KeptFigures.objects.count() == 0
