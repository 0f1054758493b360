"""Waivers, conditions, findings and broken glass: each with a second person and an end."""

import datetime as dt

import pytest
from django.utils import timezone

from governance.models import Authorization, BreakGlass, Finding, Gate
from governance.queries.gate_checks import gate_check
from governance.services.break_glass import ask_break_glass, end_break_glass, open_break_glass
from governance.services.conditions import drop_condition, fulfil_condition
from governance.services.due import end_conditions, end_glass, end_waivers, open_recurring
from governance.services.findings import (
    open_finding,
    resolve_finding,
    return_finding,
    start_finding,
    verify_finding,
)
from governance.services.waivers import grant_waiver, refuse_waiver, revoke_waiver, waiver_digest
from lifecycle.models import Notice
from tests import make, make_gates
from tests.governance.given import entry_of, refused, reviewers, sign

pytestmark = pytest.mark.django_db

TOMORROW = dt.timedelta(days=1)


@pytest.fixture
def gate():
    return make_gates.unmet_gate(required=1)


def ends(record, days):
    """As if the day of this record were so many days from now."""
    name = "expires_on" if hasattr(record, "expires_on") else "due_on"
    day = timezone.now().date() + dt.timedelta(days=days)
    type(record).objects.filter(pk=record.pk).update(**{name: day})


def passed(gate):
    (reviewer,) = reviewers(gate, 1)
    make_gates.evaluation(gate)
    sign(gate, reviewer)
    gate.refresh_from_db()
    return gate


def allowed(gate):
    given = Authorization.objects.get(gate=gate)
    return gate_check(model_digest=given.model_digest, environment=given.environment).allow


# ---- waivers ----


def test_a_waiver_is_asked_for_and_signed_by_another_and_the_gate_passes_on_it(gate):
    with entry_of("waiver.asked"):
        waiver = make_gates.waiver(gate)
    assert not make_gates.evaluation(gate).verdict
    (reviewer,) = reviewers(gate, 1)

    with entry_of("waiver.granted"):
        grant_waiver(waiver=waiver, actor=reviewer, password=make.PASSWORD, digest=waiver_digest(waiver))

    evaluation = make_gates.evaluation(gate)
    result = evaluation.results.get()
    assert (evaluation.verdict, result.verdict, result.waiver) == (True, "waived", waiver)
    assert str(reviewer) in result.reason
    assert passed(gate).state == "passed"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"criterion": "other"}, "criterion_unknown"),
        ({"justification": " "}, "justification_missing"),
        ({"measure": ""}, "measure_missing"),
        ({"expires_on": dt.date(2020, 1, 1)}, "day_unfit"),
        ({"expires_on": dt.date(9999, 1, 1)}, "day_unfit"),
    ],
)
def test_a_waiver_says_what_why_what_instead_and_until_when(gate, change, code):
    worker = make.member(gate.project)

    with refused(code):
        make_gates.waiver(gate, requested_by=worker, **change)


def test_who_asked_or_took_part_or_has_no_seat_signs_no_waiver(gate):
    (reviewer, other) = reviewers(gate)
    waiver = make_gates.waiver(gate, requested_by=reviewer)
    how = {"waiver": waiver, "password": make.PASSWORD, "digest": waiver_digest(waiver)}

    for actor in (reviewer, make.member(gate.project), make.user(), gate.project.created_by):
        with refused("forbidden"):
            grant_waiver(actor=actor, **how)
    with refused("wrong_password", entries=1):
        grant_waiver(actor=other, **{**how, "password": "guess"})
    with refused("changed_since_shown"):
        grant_waiver(actor=other, **{**how, "digest": "0" * 64})
    with refused("already_asked"):
        make_gates.waiver(gate, requested_by=other)
    with entry_of("waiver.refused"):
        refuse_waiver(waiver=waiver, actor=other, reason="No")
    with refused("wrong_state"):
        grant_waiver(actor=other, **how)


def test_a_waiver_that_ends_closes_the_gate_again_and_the_check_says_no_before_anybody_looks(gate):
    waiver = make_gates.granted(gate)
    passed(gate)
    given = Authorization.objects.get(gate=gate)
    assert allowed(gate)
    assert given.valid_until.date() == waiver.expires_on + TOMORROW
    at = given.valid_until
    assert not gate_check(model_digest=given.model_digest, environment=given.environment, at=at).allow
    ends(waiver, -1)

    end_waivers([waiver], timezone.now())

    gate.refresh_from_db()
    waiver.refresh_from_db()
    assert (waiver.state, gate.state, gate.phase.state) == ("expired", "lapsed", "in_review")
    assert Authorization.objects.get(gate=gate).state == "withdrawn"
    assert not allowed(gate)


def test_a_waiver_that_is_revoked_closes_the_gate_again(gate):
    waiver = make_gates.granted(gate)
    passed(gate)

    revoke_waiver(waiver=waiver, actor=gate.project.created_by, reason="It did not help")

    gate.refresh_from_db()
    assert (gate.state, allowed(gate)) == ("lapsed", False)


# ---- conditions ----


def test_a_gate_passes_on_a_condition_and_the_last_one_fulfilled_makes_it_whole():
    gate = make_gates.gate(make_gates.project(required=1))
    condition = make_gates.condition(gate)
    assert passed(gate).state == "conditional"
    assert gate.phase.state == "passed_with_conditions"
    given = Authorization.objects.get(gate=gate)
    assert given.valid_until.date() == condition.due_on + TOMORROW
    condition.refresh_from_db()
    gate.phase.tasks.update(mandatory=False)

    with refused("forbidden"):
        fulfil_condition(condition=condition, actor=condition.owner, note="Done")
    with refused("note_missing"):
        fulfil_condition(condition=condition, actor=gate.project.created_by, note=" ")
    with entry_of("condition.fulfilled", "phase.decided"):
        fulfil_condition(condition=condition, actor=gate.project.created_by, note="Run 7 shows it")

    gate.refresh_from_db()
    gate.phase.refresh_from_db()
    given.refresh_from_db()
    assert (gate.state, gate.phase.state) == ("passed", "passed")
    assert given.valid_until > timezone.now() + dt.timedelta(days=29)


def test_a_condition_that_is_missed_closes_the_gate_again_and_withdraws_the_authorization():
    gate = make_gates.gate(make_gates.project(required=1))
    condition = make_gates.condition(gate)
    passed(gate)
    ends(condition, -1)
    condition.refresh_from_db()

    end_conditions([condition], timezone.now())
    end_conditions([condition], timezone.now())

    gate.refresh_from_db()
    condition.refresh_from_db()
    gate.phase.refresh_from_db()
    assert (condition.state, gate.state, gate.phase.state) == ("missed", "lapsed", "in_review")
    assert Authorization.objects.get(gate=gate).state == "withdrawn"


def test_a_condition_changes_what_is_signed_and_can_be_dropped_before():
    gate = make_gates.gate(make_gates.project(required=1))
    before = make_gates.evaluation(gate)
    condition = make_gates.condition(gate)
    (reviewer,) = reviewers(gate, 1)

    with refused("changed_since_shown"):
        sign(gate, reviewer)
    drop_condition(condition=condition, actor=condition.proposed_by)

    assert make_gates.evaluation(gate).digest == before.digest
    assert passed(gate).state == "passed"


# ---- findings ----


def test_a_finding_goes_from_open_to_verified_by_another_person():
    home = make.small_project()
    worker, judge = make.member(home), make.member(home, "reviewer")
    auditor, stranger = make.member(home, "auditor"), make.user()
    with entry_of("finding.opened"):
        finding = open_finding(project=home, title="Odd", severity="low", actor=worker)
    with refused("forbidden"):
        open_finding(project=home, title="Odd", severity="low", actor=auditor)
    with refused("owner_unknown"):
        open_finding(project=home, title="Odd", severity="low", actor=worker, owner=stranger)
    with refused("wrong_state"):
        verify_finding(finding=finding, actor=judge)

    with entry_of("finding.started"):
        start_finding(finding=finding, actor=worker)
    with refused("settlement_missing"):
        resolve_finding(finding=finding, actor=worker, settlement=" ")
    with entry_of("finding.resolved"):
        resolve_finding(finding=finding, actor=worker, settlement="Mended")
    with refused("forbidden"):
        verify_finding(finding=finding, actor=worker)
    with entry_of("finding.returned"):
        return_finding(finding=finding, actor=judge, reason="Not so")
    resolve_finding(finding=finding, actor=worker, settlement="Mended twice")
    with entry_of("finding.verified"):
        verify_finding(finding=finding, actor=judge)

    finding.refresh_from_db()
    assert (finding.state, finding.verified_by, finding.settlement) == ("verified", judge, "Mended twice")


def test_who_resolved_a_finding_does_not_verify_it_even_as_a_manager():
    home = make.small_project()
    finding = open_finding(project=home, title="Odd", severity="low", actor=home.created_by)
    resolve_finding(finding=finding, actor=home.created_by, settlement="Mended")

    with refused("forbidden"):
        verify_finding(finding=finding, actor=home.created_by)


def test_a_finding_that_holds_keeps_every_gate_closed_until_it_is_verified():
    gate = make_gates.gate(make_gates.project(required=1))
    home, (judge,) = gate.project, reviewers(gate, 1)
    finding = open_finding(project=home, title="Odd rows", severity="low", holds=True, actor=judge)

    evaluation = make_gates.evaluation(gate)
    assert not evaluation.verdict
    assert "Odd rows" in evaluation.results.get(key="findings-settled").reason
    with refused("criteria_not_met"):
        sign(gate, judge)
    resolve_finding(finding=finding, actor=home.created_by, settlement="Mended")
    assert not make_gates.evaluation(gate).verdict
    verify_finding(finding=finding, actor=judge)

    assert make_gates.evaluation(gate).verdict


# ---- broken glass ----


def test_the_glass_takes_two_people_tells_everybody_and_leaves_a_finding_that_holds():
    gate = make_gates.gate(make_gates.project(required=1))
    home, worker, auditor = gate.project, make.member(gate.project), make.member(gate.project, "auditor")
    (judge,) = reviewers(gate, 1)
    with entry_of("break_glass.asked"):
        glass = ask_break_glass(
            project=home, actor=worker, model_version=gate.model_version, environment="production",
            reason="The stores wait", hours=2,
        )  # fmt: skip
    for nobody in (worker, auditor, make.user()):
        with refused("forbidden"):
            open_break_glass(glass=glass, actor=nobody)

    with entry_of("break_glass.opened", "finding.opened"):
        open_break_glass(glass=glass, actor=judge)

    told = set(Notice.objects.filter(key__startswith="break-glass").values_list("person_id", flat=True))
    assert {judge.pk, auditor.pk, home.created_by.pk} <= told
    assert not make_gates.evaluation(gate).verdict
    assert not gate_check(model_digest=gate.model_version.digest, environment="production").allow


def test_glass_that_is_over_ends_and_nobody_deploys_under_it():
    glass = make_gates.broken_glass(make.model_version(make_gates.project()), "production")
    BreakGlass.objects.filter(pk=glass.pk).update(ends_at=timezone.now() - dt.timedelta(minutes=1))
    glass.refresh_from_db()

    end_glass([glass], timezone.now())

    glass.refresh_from_db()
    assert (glass.state, Finding.objects.count()) == ("ended", 1)
    with refused("wrong_state"):
        end_break_glass(glass=glass, actor=glass.project.created_by)


@pytest.mark.parametrize(("change", "code"), [
    ({"hours": 0}, "hours_unfit"), ({"hours": 25}, "hours_unfit"), ({"reason": " "}, "reason_missing"),
    ({"environment": " "}, "environment_missing"),
])  # fmt: skip
def test_the_glass_needs_a_reason_a_place_and_a_short_time(change, code):
    home = make_gates.project()
    values = {"environment": "production", "reason": "Down", "hours": 1} | change
    version = make.model_version(home)

    with refused(code):
        ask_break_glass(project=home, actor=home.created_by, model_version=version, **values)


# ---- what comes due ----


def test_a_recurring_gate_comes_due_and_its_phase_goes_on():
    document = make_gates.gate_document(required=1, authorizes=False)
    gates = [part.model_copy(update={"every_days": 30}) for part in document.gates]
    home = make.project(document=document.model_copy(update={"gates": tuple(gates)}))
    iteration = make.iteration(home)
    phase = make.phase(iteration, "P1", "in_progress")
    long_ago = timezone.now() - dt.timedelta(days=31)
    type(phase).objects.filter(pk=phase.pk).update(started_at=long_ago)

    open_recurring([iteration], timezone.now())
    open_recurring([iteration], timezone.now())

    gate = Gate.objects.get()
    assert (gate.key, gate.requested_by, gate.ends_phase, gate.evaluations.count()) == ("G1", None, False, 1)
    assert passed(gate).state == "passed"
    gate.phase.refresh_from_db()
    assert gate.phase.state == "in_progress"
    open_recurring([iteration], timezone.now())
    assert Gate.objects.count() == 1
