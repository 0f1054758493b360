"""Beside the decision: feedback, requests for changes, stepping back; outcomes; trying other criteria."""

import pytest
from django.urls import reverse

from governance.models import Evaluation, Gate
from governance.services.evaluations import evaluate_gate
from governance.services.gates import refuse_gate
from governance.services.reevaluation import TASK, reevaluate
from governance.services.reviews import (
    abstain_from_gate,
    ask_for_changes,
    delegate_signature,
    give_feedback,
    settle_feedback,
)
from governance.services.what_if import what_if
from lifecycle.models import Job, Notice
from tests import make, make_gates
from tests.governance.given import entry_of, first_task, measured, refused, reviewers, rows, sign

pytestmark = pytest.mark.django_db

GOOD = {"metrics": {"accuracy": 0.95}}


@pytest.fixture
def gate():
    gate = make_gates.gate(make_gates.project(required=1))
    make_gates.evaluation(gate)
    return gate


def test_feedback_stands_apart_from_the_decision(gate):
    worker, auditor = make.member(gate.project), make.member(gate.project, "auditor")
    (reviewer,) = reviewers(gate, 1)
    before = gate.evaluations.get().digest

    with entry_of("feedback.given"):
        give_feedback(gate=gate, actor=worker, grade="major", text="December is thin", about="holds")
    with refused("forbidden"):
        give_feedback(gate=gate, actor=auditor, grade="fine")
    with refused("text_missing"):
        give_feedback(gate=gate, actor=worker, grade="minor")
    with refused("grade_unknown"):
        give_feedback(gate=gate, actor=worker, grade="superb")
    with refused("criterion_unknown"):
        give_feedback(gate=gate, actor=worker, grade="fine", about="other")

    assert make_gates.evaluation(gate).digest == before
    sign(gate, reviewer)
    assert Gate.objects.get().state == "passed"


def test_a_request_for_changes_holds_the_gate_until_it_is_settled(gate):
    worker = make.member(gate.project)
    reviewer, other = reviewers(gate)
    with refused("forbidden"):
        ask_for_changes(gate=gate, actor=worker, text="Please")
    with entry_of("gate.changes_asked"):
        asked = ask_for_changes(gate=gate, actor=reviewer, text="Measure Italy")
    assert Notice.objects.filter(person=gate.project.created_by, key=f"feedback:{asked.pk}").exists()

    assert not make_gates.evaluation(gate).verdict
    with refused("criteria_not_met"):
        sign(gate, other)
    with refused("forbidden"):
        settle_feedback(feedback=asked, actor=gate.project.created_by, answer="Fine as it is")
    with entry_of("feedback.settled"):
        settle_feedback(feedback=asked, actor=reviewer, answer="Run 8 measures it")

    assert make_gates.evaluation(gate).verdict


def test_who_abstains_signs_no_more_and_is_asked_no_more(gate):
    reviewer, other = reviewers(gate)
    with refused("reason_missing"):
        abstain_from_gate(gate=gate, actor=reviewer, reason=" ")
    with entry_of("gate.abstained"):
        abstain_from_gate(gate=gate, actor=reviewer, reason="I know the author too well")

    with refused("forbidden"):
        sign(gate, reviewer)
    sign(gate, other)
    assert Gate.objects.get().state == "passed"


def test_a_delegate_needs_a_right_of_their_own(gate):
    worker = make.member(gate.project)
    reviewer, other = reviewers(gate)
    for unfit in (worker, reviewer, gate.project.created_by):
        with refused("delegate_unfit"):
            delegate_signature(gate=gate, actor=reviewer, to=unfit, reason="Away")

    with entry_of("gate.delegated"):
        delegate_signature(gate=gate, actor=reviewer, to=other, reason="Away")

    assert Notice.objects.filter(person=other, key__contains=":delegate:").exists()
    with refused("forbidden"):
        sign(gate, reviewer)


@pytest.mark.parametrize(
    ("outcome", "state", "phase"),
    [("iterate", "refused", "in_progress"), ("hold", "held", "on_hold"), ("stop", "stopped", "stopped")],
)
def test_what_is_rejected_goes_back_is_held_or_is_stopped(gate, outcome, state, phase):
    (reviewer,) = reviewers(gate, 1)

    sign(gate, reviewer, decision="reject", comment="Not so", outcome=outcome)

    gate.refresh_from_db()
    gate.phase.refresh_from_db()
    assert (gate.state, gate.phase.state) == (state, phase)


def test_an_outcome_that_the_definition_does_not_have_is_refused():
    gate = make_gates.unmet_gate()
    gate.definition["outcomes"] = ["pass", "iterate"]
    gate.save()
    make_gates.evaluation(gate)

    with refused("outcome_not_here"):
        refuse_gate(gate=gate, actor=gate.project.created_by, reason="No", outcome="stop")
    with refused("outcome_unknown"):
        refuse_gate(gate=gate, actor=gate.project.created_by, reason="No", outcome="explode")


def test_an_open_gate_is_evaluated_again_when_a_fact_changes():
    from governance.services.findings import open_finding

    gate = make_gates.gate(make_gates.project(required=1))
    make_gates.evaluation(gate)
    open_finding(project=gate.project, title="Odd", severity="low", holds=True, actor=gate.project.created_by)
    job = Job.objects.get(task=TASK)

    reevaluate(**job.args)
    reevaluate(**job.args)

    last = gate.evaluations.order_by("-pk").first()
    assert (gate.evaluations.count(), last.verdict) == (2, False)
    assert "finding.opened" in last.reason


def test_an_evaluation_keeps_what_it_looked_at(gate):
    measured(first_task(gate), gate.model_version, GOOD)

    kept = evaluate_gate(gate=gate, actor=gate.project.created_by)

    assert kept.facts["metrics"] == {"accuracy": 0.95}


def test_another_policy_is_tried_on_past_cases_and_changes_nothing():
    gate = make_gates.gate(make_gates.project(required=1, expression="metrics.accuracy > 0.9"))
    measured(first_task(gate), gate.model_version, GOOD)
    make_gates.signed(gate, *reviewers(gate, 1))
    asked = {"key": "holds", "blocking": True}
    stranger, before = make.user(), rows()

    same = what_if(
        user=gate.project.created_by, key="G1", criteria=[asked | {"expression": "metrics.accuracy > 0.8"}]
    )
    harder = what_if(
        user=gate.project.created_by, key="G1", criteria=[asked | {"expression": "metrics.accuracy > 0.99"}]
    )

    assert (len(same.cases), same.differing) == (1, [])
    assert (harder.stricter, harder.looser) == (1, 0)
    assert "0.95" in harder.differing[0].reasons[0].reason
    assert what_if(user=stranger, key="G1", criteria=[asked | {"expression": "true"}]).cases == ()
    assert rows() == before


def test_the_page_tries_a_draft_and_names_what_cannot_be_read(client):
    gate = make_gates.gate(make_gates.project(required=1))
    make_gates.signed(gate, *reviewers(gate, 1))
    client.force_login(gate.project.created_by)
    address = reverse("governance:what-if")
    rows_ = {"criteria-TOTAL_FORMS": 1, "criteria-INITIAL_FORMS": 0, "criteria-0-key": "holds",
             "criteria-0-blocking": "on"}  # fmt: skip

    shown = client.get(address)
    tried = client.post(address, rows_ | {"criteria-0-expression": "false"})
    odd = client.post(address, rows_ | {"criteria-0-expression": "metrics.a >"})

    assert shown.status_code == 200
    assert "1 of 1 past decisions would differ" in tried.text
    assert (odd.status_code, "holds: Cannot be read" in odd.text) == (422, True)
    assert Evaluation.objects.count() == 1


def test_the_review_page_walks_through_feedback_waiver_condition_and_stepping_back(client):
    gate = make_gates.unmet_gate(required=1)
    reviewer, other = reviewers(gate)
    worker = make.member(gate.project)
    page = reverse("governance:gate", args=[gate.pk])
    client.force_login(reviewer)
    for address, sent in (
        ("feedback-give", {"feedback-grade": "changes", "feedback-text": "Measure Italy"}),
        ("condition-propose", {"condition-text": "Watch it", "condition-owner": worker.pk,
                               "condition-due_on": "2027-01-01"}),
    ):  # fmt: skip
        assert client.post(reverse(f"governance:{address}", args=[gate.pk]), sent).status_code == 302
    asked = gate.feedback.get()
    html = client.get(page).text
    assert all(text in html for text in ("Measure Italy", "Watch it", "Accuracy is more than 0.9"))
    client.post(reverse("governance:feedback-settle", args=[asked.pk]), {f"answer-{asked.pk}-answer": "Done"})

    client.force_login(worker)
    address = reverse("governance:waiver-ask", args=[gate.pk]) + "?criterion=holds"
    assert client.get(address).status_code == 200
    client.post(address, {"justification": "No data", "measure": "By hand", "expires_on": "2027-01-01"})
    waiver = gate.waivers.get()
    client.force_login(other)
    shown = client.get(reverse("governance:waiver", args=[waiver.pk]))
    client.post(
        reverse("governance:waiver-grant", args=[waiver.pk]),
        {"digest": shown.context["digest"], "password": make.PASSWORD},
    )

    html = client.get(page).text
    assert "Ready to sign" in html
    assert "Waiver granted" in html
    client.post(reverse("governance:gate-step-back", args=[gate.pk]), {"back-reason": "Too near"})
    assert "abstains" in client.get(page).text
    assert "waiver" in client.get(reverse("governance:exceptions")).text.lower()
    assert client.get(reverse("governance:project-exceptions", args=[gate.project.slug])).status_code == 200
