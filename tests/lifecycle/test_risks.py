import datetime as dt

import pytest
from django.utils import timezone

from lifecycle.models import Risk
from lifecycle.services.measures import cancel_measure, choose_measure, finish_measure, start_measure
from lifecycle.services.risks import (
    accept_risk,
    add_risk,
    assess_risk,
    close_risk,
    escalate_risk,
    refuse_risk,
    reopen_risk,
)
from tests import make
from tests.traces import forbidden, invalid, one_entry, refused

pytestmark = pytest.mark.django_db


def worker_of(risk):
    return risk.task.owner


def manager_of(risk):
    return risk.task.phase.iteration.project.created_by


def test_a_risk_is_added_with_a_key_of_its_own():
    task = make.task(state="instantiated")

    with one_entry("risk.added") as detail:
        first = add_risk(task=task, text="Labels are late", category="operational", actor=task.owner)
    second = add_risk(task=task, text="Labels are wrong", category="technical", actor=task.owner)

    assert (first.key, second.key, first.state) == ("X1", "X2", "identified")
    assert (detail["key"], detail["iteration"]) == ("X1", 1)


@pytest.mark.parametrize("state", ["risks_accepted", "evidence_attached", "risks_identified"])
def test_a_risk_found_late_sends_the_task_back(state):
    task = make.task(state=state)

    with one_entry("risk.added") as detail:
        add_risk(task=task, text="New", category="legal", actor=task.owner)

    task.refresh_from_db()
    assert (task.state, detail["task_to"]) == ("mitigating", "mitigating")


def test_a_risk_is_not_added_to_what_is_done_nor_with_bad_input():
    task = make.task(state="verified")

    with refused("wrong_state", task):
        add_risk(task=task, text="New", category="legal", actor=task.owner)
    with invalid("unknown_category", "category"):
        add_risk(task=task, text="New", category="cosmic", actor=task.owner)
    with invalid("missing", "text"):
        add_risk(task=task, text="", category="legal", actor=task.owner)


def test_the_first_assessment_is_kept_as_the_inherent_risk():
    risk = make.risk()

    with one_entry("risk.assessed") as detail:
        assessed = assess_risk(risk=risk, severity=5, occurrence=4, actor=worker_of(risk))

    assert (assessed.state, assessed.score) == ("assessed", 20)
    assert (assessed.inherent_severity, assessed.inherent_occurrence) == (5, 4)
    assert (detail["severity"], detail["occurrence"]) == (5, 4)


@pytest.mark.parametrize(("severity", "occurrence"), [(0, 3), (6, 3), (3, 0), (3, 6), (True, 3), (2.5, 3)])
def test_scores_are_whole_numbers_from_one_to_five(severity, occurrence):
    risk = make.risk()

    with invalid("bad_score"):
        assess_risk(risk=risk, severity=severity, occurrence=occurrence, actor=worker_of(risk))


def test_a_reopened_risk_is_not_talked_down():
    risk = make.risk(state="reopened")

    with refused("score_needs_measure", risk):
        assess_risk(risk=risk, severity=1, occurrence=1, actor=worker_of(risk))
    with one_entry("risk.assessed"):
        assert assess_risk(risk=risk, severity=5, occurrence=5, actor=worker_of(risk)).inherent_severity == 4


def test_a_risk_within_the_appetite_is_accepted_by_those_who_work():
    risk = make.risk(state="assessed", severity=3, occurrence=2)

    with one_entry("risk.accepted"):
        accepted = accept_risk(risk=risk, actor=worker_of(risk))

    assert (accepted.state, accepted.accepted_by) == ("accepted", worker_of(risk))


@pytest.mark.parametrize("state", ["assessed", "reassessed", "escalated"])
def test_a_risk_above_the_appetite_is_accepted_by_a_manager_with_reason_and_date(state):
    risk = make.risk(state=state)
    manager, today = manager_of(risk), timezone.localdate()

    with forbidden(risk):
        accept_risk(risk=risk, actor=worker_of(risk), reason="Fine", until=make.tomorrow())
    with invalid("missing", "reason"):
        accept_risk(risk=risk, actor=manager, until=make.tomorrow())
    with invalid("missing", "until"):
        accept_risk(risk=risk, actor=manager, reason="Fine")
    with invalid("not_in_future", "until"):
        accept_risk(risk=risk, actor=manager, reason="Fine", until=today)
    with one_entry("risk.accepted") as detail:
        accept_risk(risk=risk, actor=manager, reason="Fine", until=today + dt.timedelta(days=9))

    assert (detail["score"], detail["appetite"], detail["reason"]) == (12, 6, "Fine")


def test_an_escalated_risk_is_the_managers_whatever_its_score():
    risk = make.risk(state="escalated", severity=1, occurrence=1)

    with forbidden(risk):
        accept_risk(risk=risk, actor=worker_of(risk))


def test_refusing_a_risk_sets_its_task_to_mitigate():
    risk = make.risk(make.task(state="risks_identified"), "assessed")

    with one_entry("risk.refused"):
        refused_risk = refuse_risk(risk=risk, actor=worker_of(risk))

    risk.task.refresh_from_db()
    assert (refused_risk.state, risk.task.state) == ("unacceptable", "mitigating")


def test_a_measure_is_chosen_started_and_finished_with_evidence():
    risk = make.risk(state="unacceptable")
    worker, evidence = worker_of(risk), make.evidence(risk.task)

    with one_entry("quality_action.chosen"):
        action = choose_measure(risk=risk, method="Q1-01", name="Look again", actor=worker)
    with one_entry("quality_action.started") as started:
        start_measure(action=action, performer=worker, actor=worker)
    with one_entry("quality_action.finished") as detail:
        done = finish_measure(
            action=action, result="passed", evidence=evidence, severity=4, occurrence=1, actor=worker
        )

    risk.refresh_from_db()
    assert (done.state, risk.state, risk.score, risk.loops) == ("passed", "reassessed", 4, 1)
    assert (risk.inherent_severity, risk.inherent_occurrence) == (4, 3)
    assert (started["performer"], detail["evidence"], detail["score_before"]) == (worker.pk, evidence.pk, 12)


@pytest.mark.parametrize("result", ["failed", "inconclusive"])
def test_a_measure_that_did_not_pass_lowers_nothing(result):
    action = make.quality_action(state="running")
    worker, evidence = worker_of(action.risk), make.evidence(action.risk.task)

    with refused("score_needs_measure", action, action.risk):
        finish_measure(
            action=action, result=result, evidence=evidence, severity=1, occurrence=1, actor=worker
        )
    with one_entry("quality_action.finished"):
        assert finish_measure(action=action, result=result, evidence=evidence, actor=worker).state == result


@pytest.mark.parametrize("state", ["rejected", "expired"])
def test_a_measure_needs_evidence_that_counts(state):
    action = make.quality_action(state="running")
    worker = worker_of(action.risk)
    gone, foreign = make.evidence(action.risk.task, state=state), make.evidence()

    for evidence in (gone, foreign):
        with invalid("not_evidence", "evidence"):
            finish_measure(
                action=action, result="passed", evidence=evidence, severity=1, occurrence=1, actor=worker
            )
    with invalid("unknown_result", "result"):
        finish_measure(action=action, result="great", evidence=gone, actor=worker)


def test_a_second_measure_is_put_to_work_beside_the_first():
    first = make.quality_action(state="running")
    worker, evidence = worker_of(first.risk), make.evidence(first.risk.task)

    second = choose_measure(risk=first.risk, method="Q1-02", name="And again", actor=worker)
    start_measure(action=second, performer=worker, actor=worker)
    finish_measure(action=first, result="failed", evidence=evidence, actor=worker)
    finish_measure(action=second, result="passed", evidence=evidence, severity=1, occurrence=1, actor=worker)

    risk = Risk.objects.get(pk=first.risk.pk)
    assert (risk.state, risk.score, risk.loops) == ("reassessed", 1, 2)


def test_a_measure_that_is_given_up_leaves_the_risk_to_wait_for_another():
    for state in ("selected", "running"):
        action = make.quality_action(state=state)

        with one_entry("quality_action.cancelled") as detail:
            done = cancel_measure(action=action, actor=worker_of(action.risk), reason="No labels")

        risk = Risk.objects.get(pk=action.risk_id)
        assert (done.state, done.note, done.finished_at is not None) == ("cancelled", "No labels", True)
        assert (risk.state, risk.score, risk.loops) == ("unacceptable", 12, 0)
        assert (detail["from"], detail["reason"], detail["risk_to"]) == (state, "No labels", "unacceptable")


def test_a_risk_with_another_measure_at_work_stays_in_mitigation():
    first = make.quality_action(state="running")
    choose_measure(risk=first.risk, method="Q1-02", name="And again", actor=worker_of(first.risk))

    cancel_measure(action=first, actor=worker_of(first.risk), reason="No labels")

    assert Risk.objects.get(pk=first.risk_id).state == "in_mitigation"


@pytest.mark.parametrize("state", ["passed", "failed", "inconclusive", "cancelled"])
def test_a_measure_that_is_over_is_not_given_up(state):
    risk = make.risk(state="reassessed")
    evidence = make.evidence(risk.task)
    action = make.quality_action(risk, state=state, evidence=evidence)

    with refused("wrong_state", action, risk):
        cancel_measure(action=action, actor=worker_of(risk), reason="Late")


def test_who_does_not_work_here_gives_up_no_measure_and_nobody_without_a_reason():
    action = make.quality_action(state="running")

    with forbidden(action, action.risk):
        cancel_measure(action=action, actor=make.user(), reason="No")
    with invalid("missing", "reason"):
        cancel_measure(action=action, actor=worker_of(action.risk), reason=" ")


def test_a_measure_is_performed_by_somebody_of_the_project():
    action = make.quality_action()

    with refused("not_member", action):
        start_measure(action=action, performer=make.user(), actor=worker_of(action.risk))


def test_what_measures_do_not_mend_is_escalated():
    risk = make.risk(state="reassessed")
    low = make.risk(risk.task, "reassessed", severity=2, occurrence=3)

    with refused("within_appetite", low):
        escalate_risk(risk=low, actor=worker_of(risk), reason="I worry")
    with one_entry("risk.escalated"):
        assert escalate_risk(risk=risk, actor=worker_of(risk), reason="No method helps").state == "escalated"


@pytest.mark.parametrize("state", ["accepted", "reassessed"])
def test_a_risk_is_closed_with_a_reason(state):
    risk = make.risk(state=state)

    with invalid("missing", "reason"):
        close_risk(risk=risk, actor=worker_of(risk), reason="")
    with one_entry("risk.closed"):
        assert close_risk(risk=risk, actor=worker_of(risk), reason="Out of scope").state == "closed"


@pytest.mark.parametrize(("before", "after"), [("verified", "reopened"), ("evidence_attached", "mitigating")])
def test_a_reopened_risk_opens_its_task(before, after):
    risk = make.risk(make.task(state=before), "accepted")

    with one_entry("risk.reopened"):
        opened = reopen_risk(risk=risk, actor=worker_of(risk), reason="Acceptance has expired")

    risk.task.refresh_from_db()
    assert (opened.state, opened.accepted_by, risk.task.state) == ("reopened", None, after)


@pytest.mark.parametrize("role", ["reviewer", "auditor", None])
def test_who_does_not_work_on_risks(role):
    risk = make.risk()
    action = make.quality_action()
    evidence = make.evidence(action.risk.task)
    project = risk.task.phase.iteration.project
    person = make.member(project, role) if role else make.user()

    with forbidden(risk.task):
        add_risk(task=risk.task, text="x", category="legal", actor=person)
    with forbidden(risk):
        assess_risk(risk=risk, severity=1, occurrence=1, actor=person)
    for act in (accept_risk, refuse_risk):
        with forbidden(risk):
            act(risk=risk, actor=person)
    for act in (close_risk, reopen_risk, escalate_risk):
        with forbidden(risk):
            act(risk=risk, actor=person, reason="I want")
    with forbidden(risk):
        choose_measure(risk=risk, method="Q", name="x", actor=person)
    with forbidden(action):
        start_measure(action=action, performer=person, actor=person)
    with forbidden(action):
        finish_measure(action=action, result="passed", evidence=evidence, actor=person)
