"""What was in production at a moment: to the second, as the ledger tells it, for those who may see it."""

import csv
import datetime as dt
import io
import json

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from governance.errors import Invalid, Refused
from governance.models import Authorization, Deployment
from governance.queries.moments import read_moment
from governance.queries.production import live_at as deployments_live_at
from governance.queries.production import production_at, told, uncovered_among
from governance.services.authorizations import (
    resume_authorization,
    suspend_authorization,
    withdraw_authorization,
)
from governance.services.break_glass import open_glass_for
from governance.services.deployments import record_deployment, withdraw_deployment
from ledger.models import Entry
from lifecycle.models import Project
from lifecycle.queries.projects import projects_visible_to
from tests import make, make_gates

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)


def ask(client, user, **query):
    client.force_login(user)
    return client.get(reverse("api:production"), query)


def live_at(at, **narrowed):
    return production_at(Project.objects.all(), at, **narrowed).live


def deploy(given, environment="production", **values):
    return record_deployment(
        iteration=given.gate.iteration, model_version=given.model_version, environment=environment,
        actor=given.project.created_by, **values,
    )  # fmt: skip


def break_in(given, reason="Now", environment="staging"):
    """Deploy where there is no authorization, once two people have broken the glass."""
    if open_glass_for(given.project, given.model_version, environment) is None:
        make_gates.broken_glass(given.model_version, environment, reason=reason)
    return deploy(given, environment)


def test_a_deployment_is_live_from_its_second_until_the_second_of_its_end():
    start = timezone.now().replace(microsecond=0) - dt.timedelta(days=1)
    given = make_gates.authorization()
    make_gates.deployment(given, deployed_at=start, state="replaced", ended_at=start + 60 * SECOND)

    assert live_at(start - SECOND) == []
    assert len(live_at(start)) == 1
    assert len(live_at(start + 59 * SECOND)) == 1
    assert live_at(start + 60 * SECOND) == []


def test_it_says_who_had_approved_it_on_which_evidence():
    asked = make_gates.gate()
    task = make.task(asked.phase, "1.1", "instantiated")
    proof = make.evidence(task)
    make_gates.signed(asked, *[make.member(asked.iteration.project, "reviewer") for _ in range(2)])
    deploy(asked.authorization)

    [live] = live_at(timezone.now())

    assert (live.covered, live.standing.state) == (True, "active")
    assert len({each.signer_name for each in live.approvals}) == 2
    assert [(each.task, each.digest) for each in live.evidence] == [("1.1", proof.snapshot.digest)]
    assert live.evidence[0].snapshot == proof.snapshot


def test_what_became_of_the_authorization_later_does_not_colour_the_past():
    given = make_gates.authorization()
    deploy(given)
    good = timezone.now()
    suspend_authorization(authorization=given, actor=given.project.created_by, reason="Drift")
    bad = timezone.now()
    resume_authorization(authorization=given, actor=given.project.created_by, reason="Mended")
    mended = timezone.now()
    withdraw_authorization(authorization=given, actor=given.project.created_by, reason="Old")

    told = [live_at(at)[0].standing for at in (good, bad, mended, timezone.now())]

    assert [(each.state, each.reason) for each in told] == [
        ("active", ""), ("suspended", "Drift"), ("active", ""), ("withdrawn", "Old"),
    ]  # fmt: skip


def test_an_authorization_that_had_ended_is_expired_then():
    given = make_gates.authorization()
    start = timezone.now() - dt.timedelta(days=10)
    Authorization.objects.filter(pk=given.pk).update(valid_from=start, valid_until=start + SECOND)
    make_gates.deployment(Authorization.objects.get(pk=given.pk), deployed_at=start)

    [live] = live_at(start + 2 * SECOND)

    assert (live.standing.state, live.covered) == ("expired", False)


def test_broken_glass_is_told_with_its_reason():
    given = make_gates.authorization()
    break_in(given, "The old one is down")

    [live] = live_at(timezone.now())

    assert (live.covered, live.standing, live.break_glass) == (False, None, "The old one is down")


# ---- against a naive replay of the ledger ----


def replay(until):
    """(project, environment) -> (model digest, state of its authorization), from entries alone."""
    live, states, where = {}, {}, {}
    for entry in Entry.objects.filter(recorded_at__lte=until).select_related("payload").order_by("index"):
        detail = json.loads(entry.payload.body)["detail"]
        key = (entry.subject_type, entry.subject_id)
        if entry.action == "deployment.recorded":
            where[key] = (entry.project, detail["environment"])
            given = str(detail["authorization"]) if detail["authorization"] else None
            live[where[key]] = (key, detail["model"], given)
        elif entry.action == "deployment.ended":
            if live.get(where[key], (None,))[0] == key:
                del live[where[key]]
        elif entry.subject_type == "governance.authorization":
            states[entry.subject_id] = {
                "authorization.given": "active", "authorization.suspended": "suspended",
                "authorization.resumed": "active", "authorization.withdrawn": "withdrawn",
            }[entry.action]  # fmt: skip
    return {place: (model, states[given] if given else None) for place, (_key, model, given) in live.items()}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["deploy", "break", "end", "suspend", "resume", "withdraw"]), st.integers(0, 1)
    ),
    min_size=1,
    max_size=8,
)


def step(verb, given):
    boss = given.project.created_by
    if verb == "deploy":
        deploy(given)
    elif verb == "break":
        break_in(given)
    elif verb == "end":
        for each in Deployment.objects.filter(project=given.project, state="live"):
            withdraw_deployment(deployment=each, actor=boss, reason="Over")
    else:
        does = {
            "suspend": suspend_authorization, "resume": resume_authorization,
            "withdraw": withdraw_authorization,
        }[verb]  # fmt: skip
        does(authorization=given, actor=boss, reason="Because")


def test_whatever_happens_the_past_is_what_a_replay_of_the_ledger_says():
    authorizations = [make_gates.authorization() for _ in range(2)]

    @settings(
        max_examples=12, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), database=None,
    )  # fmt: skip
    @given(STEPS)
    def walk(steps):
        with transaction.atomic():
            moments = [timezone.now()]
            for verb, which in steps:
                try:
                    with transaction.atomic():
                        step(verb, authorizations[which])
                except Refused:
                    pass
                moments.append(timezone.now())
            for at in moments:
                told = {
                    (each.deployment.project.slug, each.deployment.environment): (
                        each.deployment.model_version.digest,
                        each.standing.state if each.standing else None,
                    )
                    for each in live_at(at)
                }
                assert told == replay(at)
            transaction.set_rollback(True)

    walk()


# ---- the moment ----


def test_a_day_is_its_end_today_is_now_and_a_time_without_a_zone_is_utc():
    before = timezone.now()

    assert read_moment("2026-01-02") == dt.datetime(2026, 1, 2, 23, 59, 59, 999999, tzinfo=dt.UTC)
    assert read_moment("2026-01-02T10:00") == dt.datetime(2026, 1, 2, 10, tzinfo=dt.UTC)
    assert read_moment("2026-01-02T10:00:00+02:00") == dt.datetime(2026, 1, 2, 8, tzinfo=dt.UTC)
    assert read_moment("2026-01-02T10:00:00 02:00") == dt.datetime(2026, 1, 2, 8, tzinfo=dt.UTC)
    assert before <= read_moment(before.astimezone(dt.UTC).date().isoformat()) <= timezone.now()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("yesterday", "moment_unreadable"), ("2026-13-01", "moment_unreadable"),
        ("9999-01-01", "moment_in_future"), ("9999-01-01T00:00:00Z", "moment_in_future"),
        ("1970-01-01", "moment_too_early"), ("0001-01-01T00:00:00+14:00", "moment_unreadable"),
        ("\0", "moment_unreadable"),
    ],
)  # fmt: skip
def test_a_moment_that_is_none_is_refused_with_its_reason(client, text, code):
    with pytest.raises(Invalid) as no:
        read_moment(text)
    assert no.value.code == code

    answer = ask(client, make.user(), at=text)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


# ---- API, page, CSV ----


def test_the_api_tells_it_to_those_who_see_the_project(client):
    given = make_gates.authorization()
    deploy(given)

    found = ask(client, given.project.created_by, project=given.project.slug).json()
    [live] = found["live"]

    assert (live["project"], live["covered"]) == (given.project.slug, True)
    assert (live["model_digest"], live["authorization"]["state"]) == (given.model_digest, "active")
    assert [each["meaning"] for each in live["approvals"]] == ["approval", "approval"]
    assert ask(client, make.user()).json()["live"] == []
    assert ask(client, given.project.created_by, environment="moon").json()["live"] == []
    assert ask(client, given.project.created_by, project="no\0ne").json()["live"] == []


def test_the_page_says_the_finding_and_a_stranger_sees_nothing(client):
    given = make_gates.authorization()
    deploy(given)
    client.force_login(given.project.created_by)
    address = reverse("governance:production")

    assert "One model was live, authorized" in client.get(address).text
    suspend_authorization(authorization=given, actor=given.project.created_by, reason="Drift")
    html = client.get(address).text
    assert "1 of 1 was live without an authorization that held" in html
    assert client.get(address, {"time": "10:00"}).status_code == 422
    assert client.get(address, {"day": "9999-01-01"}).status_code == 422
    client.force_login(make.user())
    assert "Nothing was live" in client.get(address).text


def test_the_csv_has_a_line_for_each_and_no_formula(client):
    given = make_gates.authorization()
    deploy(given)
    break_in(given, "=1+1")  # second: its finding closes the gate to whoever deploys after it
    client.force_login(given.project.created_by)

    rows = list(
        csv.DictReader(io.StringIO(client.get(reverse("governance:production-csv")).getvalue().decode()))
    )

    assert [row["environment"] for row in rows] == ["production", "staging"]
    assert rows[0]["model_digest"] == given.model_digest
    assert rows[1]["break_glass"] == "'=1+1"
    assert client.get(reverse("governance:production-csv"), {"day": "x"}).status_code == 422


@pytest.mark.parametrize("count", [1, 3])
def test_it_costs_the_same_for_any_number(client, django_assert_max_num_queries, count):
    boss = make.user()
    for _ in range(count):
        home = make.project(boss, document=make_gates.gate_document())
        make.phase(make.iteration(home), "P1", "in_review")
        deploy(make_gates.authorization(home))
    visible = projects_visible_to(boss)

    with django_assert_max_num_queries(4):
        assert len(production_at(visible, timezone.now()).live) == count
    client.force_login(boss)
    with django_assert_max_num_queries(15):
        client.get(reverse("governance:production"))


def test_the_page_counts_and_filters_over_all_that_was_live_and_not_over_the_page(client, monkeypatch):
    monkeypatch.setattr("governance.views.production.A_PAGE", 2)
    boss = make.user(org_role="auditor")
    for _ in range(3):
        deploy(make_gates.authorization())
    bare = make_gates.authorization()
    deploy(bare)
    suspend_authorization(authorization=bare, reason="Wait", actor=bare.project.created_by)
    client.force_login(boss)

    page = client.get(reverse("governance:production"))
    second = client.get(reverse("governance:production"), {"page": 2})
    only = client.get(reverse("governance:production"), {"show": "uncovered"})

    assert "1 of 4 was live without an authorization that held" in page.text
    assert (len(page.context["live"]), len(second.context["live"])) == (2, 2)
    assert [each.deployment.project for each in only.context["live"]] == [bare.project]


@pytest.mark.parametrize("done", ["nothing", "resumed", "withdrawn", "expired", "glass"])
def test_what_is_counted_as_uncovered_is_what_the_replay_says(done):
    given, now = make_gates.authorization(), timezone.now()
    deploy(given)
    boss = given.project.created_by
    if done == "resumed":
        suspend_authorization(authorization=given, reason="Wait", actor=boss)
        resume_authorization(authorization=given, reason="Go on", actor=boss)
    elif done == "withdrawn":
        withdraw_authorization(authorization=given, reason="No", actor=boss)
    elif done == "glass":
        break_in(given, "It burns")
    elif done == "expired":
        now = given.valid_until
    found = deployments_live_at(Project.objects.all(), max(now, timezone.now()))
    at = max(now, timezone.now())

    replayed = [each.deployment.pk for each in told(found, at) if not each.covered]
    assert sorted(uncovered_among(found, at)) == sorted(replayed)
