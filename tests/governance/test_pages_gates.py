"""Asking, reading, signing, sending back: the pages of gates through the test client."""

import hashlib

import pytest
from django.urls import reverse

from governance.models import Authorization, Gate, Signoff
from ledger.models import Entry
from lifecycle.services.tasks import assign_task
from tests import make, make_gates

pytestmark = pytest.mark.django_db


def signature(shown, **changes):
    given = {
        "digest": shown.digest, "decision": "approve", "meaning": "approval", "comment": "Well done",
        "password": make.PASSWORD,
    }  # fmt: skip
    return given | changes


def address(name, gate):
    return reverse(f"governance:{name}", args=[gate.pk])


@pytest.fixture
def asked():
    """A gate that two reviewers sign, evaluated; with the two."""
    gate = make_gates.gate()
    shown = make_gates.evaluation(gate)
    home = gate.iteration.project
    return gate, shown, make.member(home, "reviewer"), make.member(home, "reviewer")


def test_two_signatures_pass_the_gate_and_authorize_the_model(client, asked):
    gate, shown, first, second = asked
    for reviewer in (first, second):
        client.force_login(reviewer)
        assert shown.digest[:8] in client.get(address("gate", gate)).text
        answer = client.post(address("gate-sign", gate), signature(shown), follow=True)
        assert answer.redirect_chain == [(address("gate", gate), 302)]

    gate.refresh_from_db()
    assert gate.state == "passed"
    assert Authorization.objects.get().model_version == gate.model_version
    assert f"Passed, signed by {first}, {second}" in answer.text
    assert answer.text.count("Well done") == 2


def test_a_wrong_password_signs_nothing_and_keeps_what_was_typed(client, asked):
    gate, shown, reviewer, _other = asked
    client.force_login(reviewer)

    answer = client.post(
        address("gate-sign", gate), signature(shown, password="wrong-guess-99", comment="Only for the US")
    )

    assert answer.status_code == 422
    assert "That is not your password" in answer.text
    assert "Only for the US" in answer.text
    assert "wrong-guess-99" not in answer.text
    assert Signoff.objects.count() == 0


def test_what_has_changed_since_it_was_shown_is_not_signed(client, asked):
    gate, shown, reviewer, _other = asked
    make_gates.finding(gate.iteration.project, severity="high")
    client.force_login(reviewer)

    assert "Something changed since this was evaluated" in client.get(address("gate", gate)).text
    answer = client.post(address("gate-sign", gate), signature(shown))

    assert answer.status_code == 422
    assert "Something changed since you were shown this" in answer.text
    assert Signoff.objects.count() == 0


def test_an_evaluation_again_shows_what_is_signed_now(client, asked):
    gate, shown, reviewer, _other = asked
    make_gates.finding(gate.iteration.project)
    client.force_login(reviewer)

    client.post(address("gate-evaluate", gate))

    newest = make_gates.evaluation_of(gate)
    assert newest.digest != shown.digest
    assert client.post(address("gate-sign", gate), signature(newest)).status_code == 302


def test_a_rejection_needs_a_reason_and_names_where_the_work_goes_on(client, asked):
    gate, shown, reviewer, _other = asked
    client.force_login(reviewer)

    silent = client.post(address("gate-sign", gate), signature(shown, decision="reject", comment=""))
    said = client.post(
        address("gate-sign", gate), signature(shown, decision="reject", target_phase="P1", comment="Too thin")
    )

    gate.refresh_from_db()
    assert (silent.status_code, said.status_code) == (422, 302)
    assert "Say why you reject it." in silent.text
    assert (gate.state, gate.outcome_reason, gate.phase.state) == ("refused", "Too thin", "in_progress")


def test_an_acknowledgement_counts_for_nothing(client, asked):
    gate, shown, reviewer, _other = asked
    client.force_login(reviewer)

    client.post(address("gate-sign", gate), signature(shown, decision="acknowledge"))

    html = client.get(address("gate", gate)).text
    assert "Ready to sign: 0 of 2 approvals are in" in html
    assert "Acknowledged" in html


def test_who_asked_is_told_why_they_may_not_sign(client, asked):
    gate, shown, _first, _second = asked
    client.force_login(gate.requested_by)

    html = client.get(address("gate", gate)).text

    assert "You may not sign" in html
    assert "Your password, again" not in html
    assert client.post(address("gate-sign", gate), signature(shown)).status_code == 403


def test_a_reviewer_who_owns_a_task_is_barred_with_the_entry(client, asked):
    gate, shown, reviewer, other = asked
    task = gate.phase.tasks.get(key="1.1")
    assign_task(task=task, owner=reviewer, accountable=other, actor=gate.requested_by)
    entry = Entry.objects.latest("index").index
    client.force_login(reviewer)

    html = client.get(address("gate", gate)).text

    assert "You may not sign" in html
    assert f"#{entry}" in html
    assert "Owns a task of this iteration" in html
    assert client.post(address("gate-sign", gate), signature(shown)).status_code == 403


def test_the_exact_text_has_the_digest_that_is_signed(client, asked):
    _gate, shown, reviewer, _other = asked
    client.force_login(reviewer)

    answer = client.get(reverse("governance:evaluation-subject", args=[shown.pk]))

    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert hashlib.sha256(answer.content).hexdigest() == shown.digest


def test_unmet_criteria_are_refused_by_the_manager_without_a_signature(client):
    home = make_gates.project(expression="size(monitoring) > 0")
    gate = make_gates.gate(home)
    make_gates.evaluation(gate)
    client.force_login(home.created_by)

    page = client.get(address("gate", gate)).text
    silent = client.post(address("gate-refuse", gate), {"refuse-reason": ""})
    done = client.post(address("gate-refuse", gate), {"refuse-reason": "Nothing was watched"})

    gate.refresh_from_db()
    assert "1 blocking criterion is not met" in page
    assert "size(monitoring) &gt; 0" in page
    assert (silent.status_code, done.status_code) == (422, 302)
    assert (gate.state, gate.outcome_reason) == ("refused", "Nothing was watched")


def test_met_criteria_are_not_refused_without_a_signature(client, asked):
    gate, _shown, _first, _second = asked
    client.force_login(gate.requested_by)

    answer = client.post(address("gate-refuse", gate), {"refuse-reason": "I do not like it"})

    gate.refresh_from_db()
    assert (answer.status_code, gate.state) == (422, "open")


def test_a_gate_is_withdrawn_with_a_reason(client, asked):
    gate, _shown, _first, _second = asked
    client.force_login(gate.requested_by)

    answer = client.post(address("gate-withdraw", gate), {"withdraw-reason": "Asked too early"}, follow=True)

    gate.refresh_from_db()
    assert (gate.state, gate.outcome_reason) == ("withdrawn", "Asked too early")
    assert "Withdrawn: nobody asks any more" in answer.text


def test_a_decided_gate_is_not_evaluated_again(client, asked):
    gate, _shown, first, second = asked
    make_gates.signed(gate, first, second)
    client.force_login(gate.requested_by)

    answer = client.post(address("gate-evaluate", gate))

    assert answer.status_code == 422
    assert "already passed" in answer.text


def test_a_gate_is_opened_from_its_form_for_a_scope(client):
    home = make_gates.project()
    version = make.model_version(home)
    client.force_login(home.created_by)
    form = reverse("governance:gate-open", args=[home.slug, "G1"])
    sent = {"model_version": version.pk, "environment": "production", "scope": "country=US, IT\nstore=small"}

    answer = client.post(form, sent)

    gate = Gate.objects.get()
    assert answer.url == address("gate", gate)
    assert gate.scope == {"country": ["US", "IT"], "store": ["small"]}
    assert gate.model_version == version


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scope": "country US"}, "“country US” is not a key"),
        ({"environment": ""}, "This field is required"),
        ({"model_version": ""}, "This field is required"),
    ],
)
def test_an_open_form_that_is_refused_keeps_what_was_typed(client, change, words):
    home = make_gates.project()
    version = make.model_version(home)
    client.force_login(home.created_by)
    sent = {"model_version": version.pk, "environment": "staging-7", "scope": "store=small"} | change

    answer = client.post(reverse("governance:gate-open", args=[home.slug, "G1"]), sent)

    assert answer.status_code == 422
    assert words in answer.text
    assert ("staging-7" in answer.text) is ("environment" not in change)
    assert change.get("scope", "store=small") in answer.text
    assert Gate.objects.count() == 0


def test_a_gate_of_a_phase_that_is_not_in_review_is_refused_on_the_form(client):
    home = make_gates.project()
    client.force_login(home.created_by)

    answer = client.post(reverse("governance:gate-open", args=[home.slug, "G2"]), {"scope": ""})

    assert answer.status_code == 422
    assert "not in review" in answer.text


def test_a_gate_that_the_process_does_not_have_is_not_found(client):
    home = make_gates.project()
    client.force_login(home.created_by)

    assert client.get(reverse("governance:gate-open", args=[home.slug, "G9"])).status_code == 404


def test_a_review_is_requested_once_the_tasks_are_verified(client):
    home = make_gates.project()
    phase = make.phase(home.iterations.get(), "P1", "in_progress")
    client.force_login(home.created_by)
    form = reverse("governance:phase-review", args=[home.slug, "P1"])

    early = client.post(form)
    for task in phase.tasks.all():
        make.task(phase, task.key, "verified")
    done = client.post(form, follow=True)

    phase.refresh_from_db()
    assert early.status_code == 422
    assert "These tasks are not verified: 1.1" in early.text
    assert phase.state == "in_review"
    assert "Open the gate" in done.text
