"""Gates: asked for, evaluated, sent back, withdrawn."""

import hashlib
import json

import pytest

from governance.events import gate_decided
from governance.models import Gate
from governance.services.gates import evaluate_gate, open_gate, refuse_gate, withdraw_gate
from lifecycle.models import ProcessVersion
from lifecycle.services.iterations import stop_iteration
from lifecycle.services.phases import reopen_phase
from tests import make, make_gates
from tests.governance.given import entry_of, first_task, measured, refused, reviewers, sign

pytestmark = pytest.mark.django_db

OUTSIDERS = ("stranger", "auditor", "reviewer", "closed", "left", "org_auditor")


@pytest.fixture
def home():
    return make_gates.project()


@pytest.fixture
def unmet():
    gate = make_gates.gate(make_gates.project(expression="metrics.accuracy > 0.9"))
    make_gates.evaluation(gate)
    return gate


def manager(gate):
    return gate.iteration.project.created_by


def outsider(kind, project):
    if kind == "stranger":
        return make.user()
    if kind == "closed":
        return make.member(project, "manager", user=make.user(is_active=False))
    if kind == "left":
        return make.member(project, "manager", left_at="2026-01-01T00:00Z")
    if kind == "org_auditor":
        return make.member(project, "manager", user=make.user(org_role="auditor"))
    return make.member(project, kind)


def ask(home, **changes):
    values = {
        "key": "G1",
        "actor": home.created_by,
        "model_version": None,
        "environment": "production",
    } | changes
    if values["model_version"] is None:
        values["model_version"] = make.model_version(home)
    return open_gate(iteration=home.iterations.get(), **values)


def test_asking_for_a_decision_freezes_the_definition_and_leaves_one_entry(home):
    with entry_of("gate.opened"):
        gate = ask(home, environment=" production ", scope={"country": ["US"]})

    assert (gate.state, gate.round, gate.environment) == ("open", 1, "production")
    assert gate.definition["signatures"]["required"] == gate.required_signatures == 2


@pytest.mark.parametrize("kind", OUTSIDERS)
def test_who_does_not_work_here_asks_for_no_decision(home, kind):
    somebody = outsider(kind, home)
    version = make.model_version(home)

    with refused("forbidden"):
        ask(home, actor=somebody, model_version=version)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": "G9"}, "gate_unknown"),
        ({"key": "G2"}, "phase_not_in_review"),
        ({"environment": "  "}, "environment_missing"),
        ({"scope": {"country": []}}, "scope_unreadable"),
        ({"scope": {"": ["US"]}}, "scope_unreadable"),
        ({"scope": {"country": [7]}}, "scope_unreadable"),
    ],
)
def test_a_question_that_is_half_asked_is_refused(home, change, code):
    version = make.model_version(home)

    with refused(code):
        ask(home, model_version=version, **change)


def test_a_gate_that_authorizes_needs_a_model_of_its_own_project(home):
    foreign = make.model_version()

    with refused("model_of_other_project"):
        ask(home, model_version=foreign)
    with refused("model_missing"):
        open_gate(iteration=home.iterations.get(), key="G1", actor=home.created_by, environment="production")


def test_the_same_question_is_not_asked_twice_at_once(home):
    version = ask(home).model_version

    with refused("gate_already_open"):
        ask(home, model_version=version)


def test_in_an_iteration_that_is_over_nothing_is_asked_evaluated_or_signed(home):
    gate = ask(home)
    make_gates.evaluation(gate)
    (reviewer,) = reviewers(gate, 1)
    stop_iteration(iteration=gate.iteration, actor=home.created_by, reason="Given up")

    for act in (
        lambda: evaluate_gate(gate=gate, actor=home.created_by),
        lambda: sign(gate, reviewer),
        lambda: refuse_gate(gate=gate, actor=home.created_by, reason="No"),
    ):
        with refused("iteration_closed"):
            act()


def test_a_question_of_an_iteration_that_is_over_can_still_be_taken_back(home):
    gate = ask(home)
    stop_iteration(iteration=gate.iteration, actor=home.created_by, reason="Given up")

    withdraw_gate(gate=gate, actor=home.created_by, reason="Nobody asks any more")

    gate.refresh_from_db()
    assert (gate.state, gate.phase.state) == ("withdrawn", "stopped")


def test_an_evaluation_is_recorded_with_the_digest_of_its_text(unmet):
    evaluation = unmet.evaluations.get()

    assert evaluation.digest == hashlib.sha256(evaluation.subject.encode()).hexdigest()
    assert not evaluation.verdict
    result = evaluation.results.get()
    assert (result.verdict, result.observed) == ("not_met", None)
    assert "accuracy" in result.reason


def test_evaluating_again_without_a_change_gives_the_evaluation_that_is_there(unmet):
    with entry_of("gate.evaluated"):
        measured(first_task(unmet), unmet.model_version, {"metrics": {"accuracy": 0.95}})
        changed = evaluate_gate(gate=unmet, actor=manager(unmet))
        again = evaluate_gate(gate=unmet, actor=manager(unmet))

    assert changed == again
    assert changed.verdict


@pytest.mark.parametrize("kind", ["stranger", "auditor", "closed", "left", "org_auditor"])
def test_who_has_no_place_here_has_no_gate_evaluated(unmet, kind):
    somebody = outsider(kind, unmet.iteration.project)

    with refused("forbidden"):
        evaluate_gate(gate=unmet, actor=somebody)


def test_the_process_that_changes_later_does_not_change_an_open_gate(home):
    gate = ask(home)
    before = make_gates.evaluation(gate)
    document = ProcessVersion.objects.get().document
    document["gates"][0]["criteria"][0]["expression"] = "false"
    document["gates"][0]["signatures"]["required"] = 1
    # The database refuses to change what is published: as if another version had been pinned instead.
    other = make.process_version(make_gates.gate_document(expression="false", required=1))
    home.process_version = other
    home.save()
    gate.iteration.process_version = other
    gate.iteration.save()

    assert evaluate_gate(gate=gate, actor=home.created_by) == before
    sign(gate, *reviewers(gate, 1))
    assert Gate.objects.get().state == "open"


def test_what_is_signed_names_gate_model_scope_criteria_and_evidence(home):
    gate = ask(home, scope={"country": ["US"]})
    proof = measured(first_task(gate), gate.model_version, {"metrics": {"accuracy": 0.95}})

    said = json.loads(make_gates.evaluation(gate).subject)

    assert said["model"] == gate.model_version.digest
    assert (said["environment"], said["scope"]) == ("production", {"country": ["US"]})
    assert said["gate"]["definition"] == gate.definition
    assert [line["words"] for line in said["criteria"]] == ["It holds"]
    assert said["evidence"] == [["1.1", "TRN", proof.snapshot.digest, "attached"]]


def test_a_manager_sends_the_work_back_when_everybody_can_see_that_it_is_not_met(unmet):
    with entry_of("gate.decided", "phase.decided"):
        refuse_gate(gate=unmet, actor=manager(unmet), reason="Not yet")

    unmet.refresh_from_db()
    assert (unmet.state, unmet.outcome_reason, unmet.phase.state) == ("refused", "Not yet", "in_progress")


def test_sending_back_needs_an_evaluation_that_is_not_met_a_reason_and_a_manager(unmet):
    reviewer = outsider("reviewer", unmet.iteration.project)

    with refused("reason_missing"):
        refuse_gate(gate=unmet, actor=manager(unmet), reason="  ")
    with refused("forbidden"):
        refuse_gate(gate=unmet, actor=reviewer, reason="No")
    with refused("phase_unknown"):
        refuse_gate(gate=unmet, actor=manager(unmet), reason="No", target_phase="P2")


def test_met_criteria_are_not_sent_back_without_a_signature(home):
    gate = ask(home)
    with refused("criteria_met"):
        refuse_gate(gate=gate, actor=home.created_by, reason="No")
    make_gates.evaluation(gate)

    with refused("criteria_met"):
        refuse_gate(gate=gate, actor=home.created_by, reason="No")


def test_facts_that_have_changed_are_looked_at_before_the_work_is_sent_back(unmet):
    measured(first_task(unmet), unmet.model_version, {"metrics": {"accuracy": 0.95}})

    with refused("changed_since_shown"):
        refuse_gate(gate=unmet, actor=manager(unmet), reason="No")


def test_a_question_is_taken_back_with_a_reason_and_the_phase_goes_on(home):
    gate = ask(home)
    with refused("reason_missing"):
        withdraw_gate(gate=gate, actor=home.created_by, reason=" ")

    with entry_of("gate.withdrawn", "phase.decided"):
        withdraw_gate(gate=gate, actor=home.created_by, reason="Wrong model")

    gate.refresh_from_db()
    assert (gate.state, gate.phase.state) == ("withdrawn", "in_progress")
    with refused("gate_not_open"):
        withdraw_gate(gate=gate, actor=home.created_by, reason="Again")


def test_a_question_whose_phase_was_reopened_is_taken_back_and_not_signed():
    home = make_gates.project()
    make.phase(home.iterations.get(), "P1", "passed")
    make.phase(home.iterations.get(), "P2", "in_review")
    gate = open_gate(iteration=home.iterations.get(), key="G2", actor=home.created_by)
    make_gates.evaluation(gate)
    (reviewer,) = reviewers(gate, 1)
    reopen_phase(phase=home.iterations.get().phases.get(key="P1"), actor=home.created_by, reason="New data")

    with refused("phase_not_in_review"):
        sign(gate, reviewer)
    withdraw_gate(gate=gate, actor=home.created_by, reason="Its ground is gone")

    gate.refresh_from_db()
    assert (gate.state, gate.phase.state) == ("withdrawn", "in_progress")


def test_a_receiver_that_fails_undoes_the_whole_decision(unmet):
    def fail(**kwargs):
        raise OSError("The listener broke")

    gate_decided.connect(fail, weak=False)
    try:
        with pytest.raises(OSError, match="listener"):
            refuse_gate(gate=unmet, actor=manager(unmet), reason="No")
    finally:
        gate_decided.disconnect(fail)

    unmet.refresh_from_db()
    assert (unmet.state, unmet.phase.state) == ("open", "in_review")


def test_a_requirement_changed_while_the_gate_is_open_is_not_met_until_it_is_agreed():
    from lifecycle.services.requirements import agree_requirement, change_requirement

    home = make_gates.project()
    demand = make.requirement(home, gate="G1", key="accuracy", limit=0.9)
    gate = ask(home)
    measured(first_task(gate), gate.model_version, {"metrics": {"accuracy": 0.95}})
    assert make_gates.evaluation(gate).verdict

    new = change_requirement(requirement=demand, limit=0.5, reason="Softer", actor=home.created_by)

    changed = make_gates.evaluation(gate)
    assert not changed.verdict
    assert "agreed" in changed.results.get(key="accuracy").reason
    agree_requirement(requirement=new, actor=home.created_by)
    assert make_gates.evaluation(gate).verdict
