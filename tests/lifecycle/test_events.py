import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from ledger.models import Entry
from lifecycle.definitions import catalogue
from lifecycle.errors import Invalid, Refused
from lifecycle.models import Firing, Notice, ReportedEvent
from lifecycle.services.event_shapes import SHAPES
from lifecycle.services.firings import handle_event
from lifecycle.services.incidents import report_event
from lifecycle.services.requirements import change_requirement
from lifecycle.services.tokens import issue_token
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)

EVENTS = {
    "new_data": {"rows_new": 1200, "verified": True, "summary": "May has come"},
    "change": {"change": "source", "summary": "The shop system sends prices in euros"},
    "incident": {"severity": "high", "summary": "The shop shows nothing"},
    "regulation": {"rule": "AI Act, Article 50", "summary": "Users must be told"},
    "metric": {"override_share": 0.4},
}


@pytest.fixture
def project():
    return make.small_project()


def report(project, kind="incident", key="one", actor=None, **event):
    given = event or EVENTS[kind]
    return report_event(project=project, kind=kind, event=given, key=key, actor=actor or project.created_by)


@pytest.mark.parametrize("kind", EVENTS)
def test_each_kind_is_kept_recorded_and_shown_to_its_triggers(project, kind):
    trigger = make.trigger(project, kind=kind, action="notify")
    make.trigger(project, kind="drift", action="notify")
    before = Entry.objects.count()

    done = report(project, kind)

    [firing] = done.firings
    assert (firing.trigger, firing.observed) == (trigger, EVENTS[kind])
    assert firing.event_key == done.report.event_key
    actions = list(Entry.objects.order_by("index").values_list("action", flat=True)[before:])
    assert actions == ["event.reported", "trigger.fired"]


@pytest.mark.parametrize("role", ["contributor", "reviewer", "manager"])
def test_people_of_the_project_report(project, role):
    assert report(project, actor=make.member(project, role)).created


@pytest.mark.parametrize("who", ["auditor", "stranger", "gone", "org_auditor"])
def test_others_do_not_and_leave_no_trace(project, who):
    actor = {
        "auditor": lambda: make.member(project, "auditor"),
        "stranger": make.user,
        "gone": lambda: make.member(project, left_at=project.created_at),
        "org_auditor": lambda: make.member(project, user=make.user(org_role="auditor")),
    }[who]()
    before = Entry.objects.count()

    with pytest.raises(PermissionDenied):
        report(project, actor=actor)

    assert (ReportedEvent.objects.count(), Entry.objects.count()) == (0, before)


def test_the_same_report_counts_once(project):
    make.trigger(project, kind="incident", action="notify")

    first, second = report(project), report(project)

    assert (first.created, second.created) == (True, False)
    assert second.report == first.report
    assert second.firings == first.firings
    assert Entry.objects.filter(action="event.reported").count() == Firing.objects.count() == 1


def test_another_event_under_the_same_key_is_refused(project):
    report(project)

    with pytest.raises(Refused) as no:
        report(project, severity="low", summary="The shop shows nothing")

    assert no.value.code == "key_used"


def test_a_closed_project_takes_no_reports(project):
    make._put(project, state="closed")

    with pytest.raises(Refused) as no:
        report(project)

    assert no.value.code == "project_closed"


@pytest.mark.parametrize(
    ("kind", "event", "where"),
    [
        ("incident", {"summary": "x"}, "event/severity"),
        ("incident", {"severity": "huge", "summary": "x"}, "event/severity"),
        ("incident", {"severity": "high", "summary": " "}, "event/summary"),
        ("incident", {"severity": "high", "summary": "x", "color": "red"}, "event/color"),
        ("incident", {"severity": "high", "summary": "x", "security": "yes"}, "event/security"),
        ("incident", {"severity": "high", "summary": "x" * 501}, "event/summary"),
        ("incident", {"severity": "high", "summary": "a\x00b"}, "event/summary"),
        ("new_data", {"rows_new": -1}, "event/rows_new"),
        ("new_data", {"rows_new": 1.5}, "event/rows_new"),
        ("new_data", {"rows_new": True}, "event/rows_new"),
        ("metric", {}, "event/limits_broken"),
        ("metric", {"cost": float("nan")}, "event/cost"),
        ("metric", {"cost": 10**400}, "event/cost"),
        ("metric", {"cost": float("inf")}, "event/cost"),
        ("metric", {"broken": "ndcg"}, "event/broken"),
        ("metric", {"broken": ["ndcg", 3]}, "event/broken/1"),
        ("regulation", {"summary": "x"}, "event/rule"),
        ("change", {"change": "weather", "summary": "x"}, "event/change"),
        ("metric", {"cost": 1, "details": {"a": {"b": 1}}}, "event/details/a"),
        ("metric", {"cost": 1, "details": {str(n): n for n in range(31)}}, "event/details"),
        ("weather", {"summary": "x"}, "kind"),
        ("drift", {"summary": "x"}, "kind"),
    ],
)
def test_what_has_the_wrong_shape_is_refused_with_its_place(project, kind, event, where):
    with pytest.raises(Invalid) as no:
        report_event(project=project, kind=kind, event=event, key="one", actor=project.created_by)

    assert no.value.where == where
    assert not ReportedEvent.objects.exists()


@pytest.mark.parametrize("key", ["", " ", "x" * 101, "a\nb"])
def test_a_bad_key_is_refused(project, key):
    with pytest.raises(Invalid) as no:
        report(project, key=key)

    assert no.value.where == "key"


def test_a_trigger_of_the_project_may_look_at_details(project):
    make.trigger(project, kind="incident", action="notify", condition="event.details.shops > 10")

    few = report(project, key="few", severity="low", summary="x", details={"shops": 2})
    many = report(project, key="many", severity="low", summary="x", details={"shops": 12, "where": "IT"})

    assert (len(few.firings), len(many.firings)) == (0, 1)


@pytest.mark.parametrize(
    ("key", "kind", "event"),
    [
        ("T-03", "new_data", EVENTS["new_data"]),
        ("T-11", "change", EVENTS["change"]),
        ("T-13", "change", {"change": "platform", "summary": "x"}),
        ("T-14", "change", {"change": "code", "training_code": True, "summary": "x"}),
        ("T-15", "change", {"change": "specification", "summary": "x"}),
        ("T-16", "change", {"change": "requirement", "summary": "x"}),
        ("T-20", "incident", EVENTS["incident"]),
        ("T-26", "incident", {"severity": "low", "security": True, "summary": "x"}),
        ("T-24", "regulation", EVENTS["regulation"]),
        ("T-27", "regulation", {"rows_to_remove": 4, "summary": "x"}),
        ("T-04", "metric", {"limits_broken": 1}),
        ("T-05", "metric", {"forecast": 0.5, "limit": 0.6}),
        ("T-18", "metric", {"service_value": 300, "service_limit": 200}),
        ("T-21", "metric", {"override_share": 0.31}),
        ("T-22", "metric", {"broken": ["ndcg_at_3[month=12]"]}),
        ("T-23", "metric", {"own_share": 0.6}),
        ("T-28", "metric", {"kpi": 1, "kpi_target": 2}),
    ],
)
def test_the_triggers_of_the_shipped_process_understand_what_is_reported(key, kind, event):
    project = make.project()
    part = next(each for each in catalogue().triggers if each.key == key)

    fired = report(project, kind, **event).firings

    assert part.kind == kind
    assert key in [firing.trigger.key for firing in fired]
    assert not any("condition could not be read" in firing.outcome for firing in fired)


def test_every_kind_that_nothing_else_tells_can_be_reported():
    heard_otherwise = {"manual", "schedule", "drift", "anomaly", "expiry", "deployment", "handoff"}

    assert {part.kind for part in catalogue().triggers} <= set(SHAPES) | heard_otherwise


@pytest.mark.parametrize(("kind", "count"), [("incident", 1), ("regulation", 1), ("change", 0)])
def test_managers_hear_of_incidents_and_rules_that_others_report(project, kind, count):
    member = make.member(project)

    report(project, kind, actor=member)

    kinds = Notice.objects.filter(person=project.created_by).values_list("kind", flat=True)
    assert list(kinds) == ["event_reported"] * count
    assert not Notice.objects.filter(person=member).exists()


def test_a_new_version_of_a_requirement_is_a_change_that_triggers_see(project):
    trigger = make.trigger(project, kind="change", condition='event.change == "requirement"', action="notify")
    requirement = make.requirement(project)

    new = change_requirement(requirement=requirement, actor=project.created_by, reason="Stricter", limit=0.95)

    [firing] = trigger.firings.all()
    assert (firing.observed["requirement"], firing.observed["version"]) == (new.key, 2)


def test_the_same_report_from_two_at_once_counts_once(project):
    make.trigger(project, kind="incident", action="notify")
    ready, created = threading.Barrier(3), []

    def work() -> None:
        ready.wait()
        created.append(report(project).created)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(created) == [False, False, True]
    assert (ReportedEvent.objects.count(), Firing.objects.count()) == (1, 1)


class TestApi:
    def url(self, project):
        return reverse("api:project-events", args=[project.slug])

    def client(self, user, scope="write"):
        _token, text = issue_token(user=user, name="ci", scope=scope, days=1, actor=user)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
        return client

    def body(self, **changes):
        return {"kind": "incident", "key": "INC-1", "event": EVENTS["incident"], **changes}

    def test_a_report_answers_with_what_it_fired_and_again_with_the_same(self, project):
        trigger = make.trigger(project, kind="incident", action="notify")
        client = self.client(project.created_by)

        first = client.post(self.url(project), self.body())
        second = client.post(self.url(project), self.body())

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json()["firings"][0]["trigger"] == trigger.key
        assert first.json() == second.json()

    @pytest.mark.parametrize(
        ("changes", "status", "where"),
        [
            ({"kind": "weather"}, 400, None),
            ({"key": ""}, 400, None),
            ({"event": "down"}, 400, None),
            ({"event": {"severity": "high"}}, 400, "event/summary"),
        ],
    )
    def test_bad_input_is_named(self, project, changes, status, where):
        answer = self.client(project.created_by).post(self.url(project), self.body(**changes))

        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
        assert answer.json().get("where") == where

    def test_another_event_under_the_key_is_a_conflict(self, project):
        client = self.client(project.created_by)
        client.post(self.url(project), self.body())

        answer = client.post(self.url(project), self.body(event={"severity": "low", "summary": "x"}))

        assert (answer.status_code, answer.json()["code"]) == (409, "key_used")

    @pytest.mark.parametrize(
        ("who", "scope", "status"),
        [
            ("manager", "read", 403), ("manager", "gate_check", 403), ("auditor", "write", 403),
            ("stranger", "write", 404),
        ],
    )  # fmt: skip
    def test_who_may_not(self, project, who, scope, status):
        actor = {
            "manager": lambda: project.created_by,
            "auditor": lambda: make.member(project, "auditor"),
            "stranger": make.user,
        }[who]()

        assert self.client(actor, scope).post(self.url(project), self.body()).status_code == status
        assert APIClient().post(self.url(project), self.body()).status_code == 401

    @pytest.mark.parametrize("count", [1, 3])
    def test_the_list_shows_the_project_only_at_a_constant_cost(
        self, project, django_assert_num_queries, count
    ):
        for number in range(count):
            report(project, key=f"{number}")
        report(make.small_project(), key="elsewhere")
        client = APIClient()
        client.force_authenticate(project.created_by)

        with django_assert_num_queries(2):
            rows = client.get(self.url(project)).json()["results"]

        assert [row["key"] for row in rows] == [f"{number}" for number in reversed(range(count))]


class TestPages:
    def page(self, project, kind=""):
        url = reverse("lifecycle:project-events", args=[project.slug])
        return f"{url}?report={kind}" if kind else url

    def send(self, client, project, kind="incident", **form):
        return client.post(reverse("lifecycle:event-report", args=[project.slug, kind]), form)

    @pytest.mark.parametrize("kind", ["incident", "change", "regulation", "new_data"])
    def test_each_kind_has_a_form(self, client, project, kind):
        client.force_login(project.created_by)

        answer = client.get(self.page(project, kind))
        sent = self.send(client, project, kind, **EVENTS[kind])

        assert (answer.status_code, sent.status_code) == (200, 302)
        found = ReportedEvent.objects.get()
        assert {**found.event, **EVENTS[kind]} == found.event
        assert found.kind == kind

    def test_a_form_sent_twice_counts_once_and_a_wrong_one_keeps_what_was_typed(self, client, project):
        client.force_login(project.created_by)

        for _ in range(2):
            done = self.send(client, project, key="page:1", **EVENTS["incident"])
        wrong = self.send(client, project, key="page:2", summary="It burns", severity="")

        assert (done.status_code, wrong.status_code) == (302, 422)
        assert "It burns" in wrong.text
        assert "page:2" in wrong.text
        assert ReportedEvent.objects.count() == 1

    def test_who_does_not_work_here_reads_but_does_not_report(self, client, project):
        report(project)
        client.force_login(make.member(project, "auditor"))

        read, sent = client.get(self.page(project)), self.send(client, project, **EVENTS["incident"])

        assert (read.status_code, sent.status_code) == (200, 403)
        assert EVENTS["incident"]["summary"] in read.text
        assert "<textarea" not in read.text
        client.force_login(make.user())
        assert client.get(self.page(project)).status_code == 404
        assert self.send(client, project).status_code == 404

    def test_unknown_kinds_are_not_there(self, client, project):
        client.force_login(project.created_by)

        assert client.get(self.page(project, "weather")).status_code == 200
        assert self.send(client, project, "metric", summary="x").status_code == 404
        asked = client.get(reverse("lifecycle:event-report", args=[project.slug, "incident"]))
        assert asked.status_code == 405

    def test_the_page_costs_the_same_for_any_number(self, client, project):
        make.trigger(project, kind="incident", action="notify")
        client.force_login(project.created_by)

        costs = []
        for number in range(4):
            report(project, key=f"{number}")
            with CaptureQueriesContext(connection) as queries:
                client.get(self.page(project))
            costs.append(len(queries))

        assert len(set(costs)) == 1
        assert costs[0] <= 12


def test_events_of_machines_stay_as_they_were(project):
    make.trigger(project, kind="incident", action="notify")

    [firing] = handle_event(project=project, kind="incident", event={"anything": 1}, event_key="machine:1")

    assert firing.observed == {"anything": 1}
