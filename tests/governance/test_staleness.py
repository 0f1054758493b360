"""Whatever was signed for changes: the signatures are stale and permission ends, in the same transaction."""

import datetime as dt

import pytest
from django.utils import timezone

from governance.models import Authorization, Staleness
from governance.queries.gate_checks import gate_check
from governance.services.findings import open_finding
from ledger.models import Entry
from lifecycle.definitions import plain
from lifecycle.models import Compromise
from lifecycle.services.iterations import complete_iteration
from lifecycle.services.requirements import agree_requirement, change_requirement, define_requirement
from lifecycle.services.risks import reopen_risk
from lifecycle.services.users import change_person
from tests import make, make_gates
from tests.governance.given import entry_of, first_task, measured, reviewers

pytestmark = pytest.mark.django_db


@pytest.fixture
def given():
    """An authorization that rests on a measurement, a requirement and an accepted risk."""
    home = make_gates.project()
    task = home.iterations.get().phases.get(key="P1").tasks.get(key="1.1")
    make.risk(task, "accepted", key="X1")
    make.requirement(home, gate="G1", key="accuracy")
    gate = make_gates.gate(home)
    measured(first_task(gate), gate.model_version, {"metrics": {"accuracy": 0.95}}, state="verified")
    make_gates.signed(gate, *reviewers(gate))
    return Authorization.objects.get()


def stale(change):
    """The difference that was found; the gate check says no with a reason."""
    given = Authorization.objects.get()
    assert given.state == "withdrawn"
    answer = gate_check(model_digest=given.model_digest, environment="production")
    assert not answer.allow
    found = Staleness.objects.get()
    kinds = [each["change"] for each in found.changes]
    assert change in kinds, kinds
    entry = Entry.objects.filter(action="authorization.withdrawn").get()
    assert entry.payload.content["detail"]["changes"] == found.changes
    return next(each for each in found.changes if each["change"] == change)


def test_nothing_has_changed_at_first(given):
    assert gate_check(model_digest=given.model_digest, environment="production").allow
    assert not Staleness.objects.exists()


def test_a_finding_that_is_opened(given):
    with entry_of("finding.opened", "authorization.withdrawn"):
        open_finding(project=given.project, title="Odd", severity="low", actor=given.project.created_by)

    assert stale("finding_opened")["what"] == "low"


def test_a_finding_about_another_model_changes_nothing(given):
    open_finding(
        project=given.project, title="Odd", severity="high", actor=given.project.created_by,
        model_digest="a" * 64,
    )  # fmt: skip

    assert Authorization.objects.get().state == "active"


def test_a_requirement_that_is_changed(given):
    requirement = given.project.requirements.get(key="accuracy")

    change_requirement(requirement=requirement, actor=given.project.created_by, reason="Stricter", limit=0.99)

    found = stale("requirement")
    assert "0.9" in found["before"]
    assert "0.99" in found["after"]


def test_a_requirement_that_comes_up_while_the_iteration_goes_on(given):
    make.requirement(given.project, gate="G1", key="recall", state="draft")

    agree_requirement(
        requirement=given.project.requirements.get(key="recall"), actor=given.project.created_by
    )

    assert stale("requirement")["what"] == "recall"


def test_a_requirement_of_a_later_iteration_is_not_asked_of_what_was_decided_before(given):
    iteration = given.gate.iteration
    complete_iteration(iteration=iteration, actor=given.project.created_by)
    asked = define_requirement(
        project=given.project, key="recall", statement="More", metric="recall", operator=">=", limit=0.9,
        gate="G1", actor=given.project.created_by,
    )  # fmt: skip

    agree_requirement(requirement=asked, actor=given.project.created_by)

    assert Authorization.objects.get().state == "active"


def test_a_requirement_that_was_signed_for_and_is_changed_in_a_later_iteration(given):
    complete_iteration(iteration=given.gate.iteration, actor=given.project.created_by)
    requirement = given.project.requirements.get(key="accuracy")

    change_requirement(requirement=requirement, actor=given.project.created_by, reason="Stricter", limit=0.99)

    stale("requirement")


def test_a_risk_that_is_open_again(given):
    from lifecycle.models import Risk

    reopen_risk(risk=Risk.objects.get(key="X1"), actor=given.project.created_by, reason="It happened")

    assert stale("risk_reopened")["what"] == "X1"


def test_a_signer_s_account_that_somebody_else_may_have_used(given):
    from lifecycle.services.accounts import report_compromise

    signer = given.gate.signoffs.first().signer
    admin = make.user(org_role="administrator")

    report_compromise(
        person=signer, actor=admin, since=timezone.now() - dt.timedelta(hours=1), reason="Stolen laptop"
    )

    stale("signer")
    assert Compromise.objects.get().person == signer


def test_a_compromise_after_the_signature_leaves_it(given):
    from lifecycle.services.accounts import report_compromise

    signer = given.gate.signoffs.first().signer
    report_compromise(
        person=signer, actor=make.user(org_role="administrator"), since=timezone.now(), reason="Stolen"
    )

    assert Authorization.objects.get().state == "active"


def test_two_signers_who_turn_out_to_be_one_person(given):
    one, two = (each.signer for each in given.gate.signoffs.all())

    change_person(person=two, actor=make.user(org_role="administrator"), email=one.email.upper())

    stale("signer")


@pytest.mark.parametrize("material", [True, False])
def test_the_process_says_which_changes_are_material(material):
    table = [{"key": "finding_opened", "material": material, "why": "It is told otherwise"}]
    document = make_gates.gate_document().model_copy(update={"material_changes": ()})
    home = make.project(document=make.small_document(gates=plain(document)["gates"], material_changes=table))
    make.phase(make.iteration(home), "P1", "in_review")
    given = make_gates.authorization(home)

    open_finding(project=home, title="Odd", severity="high", actor=home.created_by)

    given.refresh_from_db()
    assert given.state == ("withdrawn" if material else "active")


def test_a_stale_signature_lets_nothing_pass_even_where_the_authorization_was_left_standing(given):
    Staleness.objects.create(
        evaluation=make_gates.evaluation_of(given.gate), changes=[], found_at=timezone.now()
    )

    answer = gate_check(model_digest=given.model_digest, environment="production")

    assert (answer.allow, answer.reasons) == (False, ("What was signed for has changed since.",))
