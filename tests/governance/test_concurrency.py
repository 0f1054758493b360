"""Several people at once: one decision, one authorization, and nobody counted twice."""

import pytest
from django.db import connection

from governance.errors import Refused
from governance.models import Authorization, Evaluation, Gate, Signoff
from governance.services.findings import open_finding
from ledger.models import Entry
from ledger.verification import verify
from lifecycle.models import Evidence
from lifecycle.services.evidence import expire_evidence
from tests import make, make_gates
from tests.governance.given import first_task, measured, reviewers, sign
from tests.ledger.test_concurrency import run_writers
from tests.patience import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gate():
    asked = make_gates.gate()
    make_gates.evaluation(asked)
    return asked


def refusals(failures):
    """Codes of what went wrong; anything but a refusal is a fault."""
    assert all(isinstance(each, Refused) for each in failures), failures
    return sorted(each.code for each in failures)


def test_two_people_who_sign_at_once_give_exactly_one_authorization(gate):
    people = reviewers(gate)

    assert run_writers(2, lambda number: sign(gate, people[number])) == []

    assert Gate.objects.get().state == "passed"
    assert (Signoff.objects.count(), Authorization.objects.count()) == (2, 1)
    assert Entry.objects.filter(action="authorization.given").count() == 1
    assert verify().intact


def test_more_people_than_are_needed_give_one_authorization_too(gate):
    people = reviewers(gate, 5)

    codes = refusals(run_writers(5, lambda number: sign(gate, people[number])))

    assert codes == ["gate_not_open"] * 3
    assert (Signoff.objects.count(), Authorization.objects.count()) == (2, 1)


def test_the_same_person_twice_at_once_leaves_one_signature(gate):
    (person,) = reviewers(gate, 1)

    codes = refusals(run_writers(2, lambda _: sign(gate, person)))

    assert codes == ["already_signed"]
    assert (Signoff.objects.count(), Authorization.objects.count()) == (1, 0)


def test_an_approval_and_a_rejection_at_once_come_to_one_end(gate):
    first, second, third = reviewers(gate, 3)
    sign(gate, first)

    def work(number):
        if number:
            sign(gate, second)
        else:
            sign(gate, third, decision="reject", comment="No")

    assert refusals(run_writers(2, work)) == ["gate_not_open"]

    passed = Gate.objects.get().state == "passed"
    assert Authorization.objects.count() == (1 if passed else 0)
    assert Entry.objects.filter(action="gate.decided").count() == 1


@pytest.mark.parametrize("turn", range(4))
def test_no_authorization_stands_on_evidence_that_expired_meanwhile(gate, turn):
    proof = measured(first_task(gate), gate.model_version, {"metrics": {"accuracy": 0.95}})
    make_gates.evaluation(gate)
    first, second = reviewers(gate)
    sign(gate, first)

    def work(number):
        if number:
            sign(gate, second)
        else:
            expire_evidence(evidence=proof, actor=gate.requested_by, reason="Wrong")

    codes = refusals(run_writers(2, work))

    assert codes in ([], ["changed_since_shown"])
    assert Evidence.objects.get(pk=proof.pk).state == "expired"
    assert not Authorization.objects.filter(state="active").exists()
    assert verify().intact


@pytest.mark.parametrize("turn", range(3))
def test_a_finding_opened_meanwhile_comes_before_or_after_the_decision_and_never_between(gate, turn):
    first, second = reviewers(gate)
    sign(gate, first)

    def work(number):
        if number:
            sign(gate, second)
        else:
            open_finding(
                project=gate.iteration.project, title="Odd", severity="high", actor=gate.requested_by
            )

    run_writers(2, work)

    order = list(Entry.objects.filter(action__in=["finding.opened", "gate.decided"]).values_list("action"))
    if Gate.objects.get().state == "passed":
        assert [action for (action,) in order] == ["gate.decided", "finding.opened"]


def test_many_who_evaluate_at_once_record_one_evaluation(gate):
    make_gates.finding(gate.iteration.project)

    assert run_writers(4, lambda _: make_gates.evaluation(gate)) == []

    assert Evaluation.objects.count() == 2


def test_waiting_for_a_password_holds_nobody_up(gate, monkeypatch):
    import threading

    from lifecycle.models import User

    people = reviewers(gate)
    hashing, carry_on = threading.Event(), threading.Event()
    original = User.check_password

    def slow(person, raw):
        if person.pk == people[0].pk:
            hashing.set()
            assert carry_on.wait(PATIENCE)
        return original(person, raw)

    monkeypatch.setattr(User, "check_password", slow)

    def work(number):
        if number:
            assert hashing.wait(PATIENCE)
            sign(gate, people[1])
            carry_on.set()
        else:
            sign(gate, people[0])

    assert run_writers(2, work) == []
    assert Authorization.objects.count() == 1
    assert connection.vendor in ("sqlite", "postgresql")


def test_decisions_beside_every_other_kind_of_work_do_not_wait_for_each_other_for_ever(gate):
    from lifecycle.services.requirements import define_requirement
    from lifecycle.services.runs import record_run
    from lifecycle.services.triggers import fire_manually

    project = gate.iteration.project
    trigger = make.trigger(project, action="notify")
    worker, people = make.member(project), reviewers(gate, 2)

    def work(number):
        for turn in range(4):
            if number == 0:
                define_requirement(
                    project=project, key=f"r{turn}", statement="S", metric="m", operator=">=", limit=1.0,
                    actor=worker,
                )  # fmt: skip
            elif number == 1:
                record_run(
                    project=project, iteration=gate.iteration, task=first_task(gate), kind="TRN", title="T",
                    source="x", external_id=f"{turn}", record={}, actor=worker,
                )  # fmt: skip
            elif number == 2:
                fire_manually(trigger=trigger, actor=project.created_by, reason="Now")
            elif turn < 2 and number < 5:
                try:
                    sign(gate, people[number - 3], decision="approve")
                except Refused as no:
                    assert no.code in ("already_signed", "gate_not_open", "changed_since_shown")  # noqa: PT017

    assert run_writers(5, work) == []
    assert verify().intact
