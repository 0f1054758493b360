"""What was signed on evidence that no longer stands, stands no longer."""

import pytest

from governance.models import Authorization
from ledger.models import Entry
from ledger.verification import verify
from lifecycle.events import evidence_changed
from lifecycle.services.evidence import attach_evidence, expire_evidence
from lifecycle.services.phases import reopen_phase
from tests import make, make_gates
from tests.governance.given import entry_of, first_task, measured, no_trace, reviewers

pytestmark = pytest.mark.django_db


@pytest.fixture
def resting():
    """Evidence, and the authorization that rests on it."""
    gate = make_gates.gate()
    proof = measured(first_task(gate), gate.model_version, {"metrics": {"accuracy": 0.95}}, state="verified")
    make_gates.signed(gate, *reviewers(gate))
    return proof, Authorization.objects.get()


def test_evidence_that_expires_withdraws_the_authorization_with_it(resting):
    proof, given = resting

    with entry_of("evidence.expired", "authorization.withdrawn"):
        expire_evidence(evidence=proof, actor=given.project.created_by, reason="The data was wrong")

    given.refresh_from_db()
    assert given.state == "withdrawn"
    assert proof.snapshot.digest[:16] in given.state_reason
    assert Entry.objects.last().actor == "system:lapse"
    assert verify().intact


def test_i8_a_reopened_phase_expires_the_evidence_and_withdraws_what_rested_on_it(resting):
    _proof, given = resting

    reopen_phase(phase=given.gate.phase, actor=given.project.created_by, reason="New data")

    given.refresh_from_db()
    assert given.state == "withdrawn"


def test_a_suspended_authorization_is_withdrawn_too(resting):
    proof, given = resting
    Authorization.objects.update(state="suspended")

    expire_evidence(evidence=proof, actor=given.project.created_by, reason="Wrong")

    assert Authorization.objects.get().state == "withdrawn"


def test_evidence_that_came_later_takes_nothing_away(resting):
    _proof, given = resting
    later = make.task(make.phase(given.gate.iteration, "P2"), "2.1", "instantiated")
    worker = make.member(given.project)
    new = attach_evidence(task=later, snapshot=make.snapshot(given.project, "EVR"), actor=worker)

    expire_evidence(evidence=new, actor=worker, reason="Mistaken")

    assert Authorization.objects.get().state == "active"


def test_the_authorization_of_another_project_stays(resting):
    proof, given = resting
    other = make_gates.authorization()

    expire_evidence(evidence=proof, actor=given.project.created_by, reason="Wrong")

    other.refresh_from_db()
    assert other.state == "active"


def test_a_failing_listener_leaves_both_evidence_and_authorization(resting):
    proof, given = resting

    def fail(**kwargs):
        raise OSError("The listener broke")

    evidence_changed.connect(fail, weak=False)
    try:
        with no_trace(), pytest.raises(OSError, match="listener"):
            expire_evidence(evidence=proof, actor=given.project.created_by, reason="Wrong")
    finally:
        evidence_changed.disconnect(fail)
