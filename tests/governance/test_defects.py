"""Eight defects that other products really had, each tried at the page, at the API and by an administrator.

The table says which test tries which defect at which door. Tests "by door" sign at the page, at the API with
a session and at the API with a token; what a door does not have at all, its test shows to be missing.
"""

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import DatabaseError, transaction
from django.urls import get_resolver, reverse

from governance.models import Authorization, Gate, Signoff
from lifecycle.services.evidence import attach_evidence, freeze_run
from lifecycle.services.sources import SOURCES
from lifecycle.services.users import add_person, change_person
from tests import make, make_gates
from tests.governance import doors
from tests.governance.doors import DOORS, REFUSED, SIGNED, api, may_run, sign_at, web
from tests.governance.given import reviewers

pytestmark = pytest.mark.django_db

TABLE = {
    "1 an edit of what was approved keeps the approval": {
        "page": "test_1_editing_what_was_approved_does_not_keep_the_approval",
        "api": "test_1_a_run_put_again_through_the_api_does_not_keep_the_approval",
        "admin": "test_1_an_administrator_who_edits_a_signer_does_not_keep_the_approval_either",
    },
    "2 stale approvals are promised to go and stay": {
        "page": "test_2_what_changed_after_the_decision_stands_on_the_page_of_the_gate",
        "api": "test_2_a_stale_approval_counts_no_more_and_the_page_says_so",
        "admin": "test_2_one_mailbox_given_by_an_administrator_makes_two_approvals_one",
    },
    "3 one person fills two seats, or first fit waits for ever": {
        "page": "test_3_one_person_does_not_satisfy_two_rules",
        "api": "test_3_one_person_does_not_satisfy_two_rules",
        "admin": "test_3_a_second_account_from_an_administrator_is_no_second_person",
    },
    "4 an administrator goes past the approval": {
        "page": "test_4_an_administrator_has_no_way_past_the_signatures",
        "api": "test_4_an_administrator_has_no_way_past_the_signatures",
        "admin": "test_4_no_page_or_api_of_an_administrator_writes_signatures_gates_or_authorizations",
    },
    "5 four eyes are asked for by the form alone": {
        "page": "test_5_four_eyes_hold_behind_every_door",
        "api": "test_5_four_eyes_hold_behind_every_door",
        "admin": "test_5_an_administrator_who_asked_does_not_sign_either",
    },
    "6 an edited template changes the rules of what is under way": {
        "page": "test_6_a_new_version_of_the_process_leaves_the_open_gate_its_rules",
        "api": "test_6_the_api_has_no_verb_for_the_rules_of_a_gate",
        "admin": "test_6_the_rules_of_a_gate_that_is_open_do_not_change_with_its_template",
    },
    "7 an approval can be deleted": {
        "page": "test_7_no_page_edits_or_deletes_a_signature",
        "api": "test_7_no_api_edits_or_deletes_a_signature",
        "admin": "test_7_no_administrator_edits_or_deletes_a_signature_by_the_shell",
    },
    "8 what a signature means is not said": {
        "page": "test_8_no_signature_without_its_meaning",
        "api": "test_8_the_meaning_stands_wherever_the_signature_is_shown",
        "admin": "test_7_no_administrator_edits_or_deletes_a_signature_by_the_shell",
    },
}


def test_each_defect_is_tried_at_each_door():
    assert [name[0] for name in TABLE] == list("12345678")
    for tried in TABLE.values():
        assert set(tried) == {"page", "api", "admin"}
        assert set(tried.values()) <= set(globals())


@pytest.fixture
def gate():
    return doors.gate()


@pytest.fixture
def measured_gate():
    return doors.measured_gate()


def edit_at(page, gate):
    """The status of an edit of what the gate decides on, by the page of requirements or of exceptions."""
    project = gate.iteration.project
    client = web(project.created_by)
    if page == "finding":
        address = reverse("governance:finding-open", args=[project.slug])
        # As the page sends it: the form of the page of exceptions.
        return client.post(address, {"finding-title": "Odd", "finding-severity": "low"}).status_code
    requirement = project.requirements.get()
    address = reverse("lifecycle:requirement-act", args=[project.slug, requirement.pk, "change"])
    given = {"statement": "More", "operator": ">=", "limit": "0.99", "reason": "Not enough"}
    return client.post(address, given).status_code


@pytest.mark.parametrize("edit", ["requirement", "finding"])
@pytest.mark.parametrize("door", DOORS)
def test_1_editing_what_was_approved_does_not_keep_the_approval(measured_gate, door, edit):
    gate = measured_gate
    for reviewer in reviewers(gate):
        assert sign_at(door, gate, reviewer) == SIGNED[door]
    assert may_run(gate) == "allow"

    assert edit_at(edit, gate) == 302

    assert may_run(gate) == "deny"
    assert Authorization.objects.get().state == "withdrawn"


def put_run(project, accuracy):
    """A training told by its own program, and told again: the digest of the answer."""
    said = {
        "external_id": "t-1", "kind": "TRN", "title": "Trained", "finished_at": "2026-01-02T10:00:00Z",
        "metrics": {"accuracy": accuracy},
    }  # fmt: skip
    client = api(make.member(project), "write")
    answer = client.put(reverse("api:run-list"), {"project": project.slug, "runs": [said]}, format="json")
    assert answer.status_code == 200, answer.content
    return answer.json()["runs"][0]


def test_1_a_run_put_again_through_the_api_does_not_keep_the_approval():
    asked = make_gates.gate()
    project = asked.iteration.project
    told = put_run(project, 0.95)
    task = make.task(asked.phase, "1.1", "instantiated")
    frozen = freeze_run(run=project.runs.get(pk=told["id"]), actor=SOURCES)
    attach_evidence(task=task, snapshot=frozen, actor=task.owner)
    make_gates.signed(asked, *reviewers(asked))
    assert may_run(asked) == "allow"

    assert put_run(project, 0.94)["outcome"] == "changed"

    assert may_run(asked) == "deny"
    assert Authorization.objects.get().state == "withdrawn"


def test_1_an_administrator_who_edits_a_signer_does_not_keep_the_approval_either(measured_gate):
    gate = measured_gate
    first, second = reviewers(gate)
    assert [sign_at("page", gate, each) for each in (first, second)] == [302, 302]

    change_person(person=second, actor=make.user(org_role="administrator"), email=f"x+{first.email}")
    assert may_run(gate) == "allow", "another mailbox is another person"
    change_person(person=second, actor=make.user(org_role="administrator"), email=first.email.upper())

    assert may_run(gate) == "deny"


@pytest.mark.parametrize("edit", ["requirement", "finding"])
@pytest.mark.parametrize("door", DOORS)
def test_2_a_stale_approval_counts_no_more_and_the_page_says_so(measured_gate, door, edit, client):
    gate = measured_gate
    first, second = reviewers(gate)
    shown = make_gates.evaluation_of(gate).digest
    assert sign_at(door, gate, first) == SIGNED[door]

    assert edit_at(edit, gate) == 302
    assert sign_at(door, gate, second, digest=shown) in REFUSED[door], "what was shown is not what there is"
    if edit == "finding":
        make_gates.evaluation(gate)
        assert sign_at(door, gate, second) == SIGNED[door]

    assert Gate.objects.get().state == "open", "one approval of another text and one of this are not two"
    assert may_run(gate) == "deny"


def test_2_what_changed_after_the_decision_stands_on_the_page_of_the_gate(measured_gate, client):
    gate = measured_gate
    for reviewer in reviewers(gate):
        sign_at("page", gate, reviewer)
    edit_at("finding", gate)
    client.force_login(gate.iteration.project.created_by)

    page = client.get(reverse("governance:gate", args=[gate.pk])).content.decode()

    assert "the signatures count no more" in page
    assert "Findings of low severity opened after the signatures: 1." in page


def test_2_one_mailbox_given_by_an_administrator_makes_two_approvals_one(gate):
    first, second = reviewers(gate)
    assert sign_at("page", gate, first) == 302

    change_person(person=second, actor=make.user(org_role="administrator"), email=first.email.upper())

    assert sign_at("page", gate, get_user_model().objects.get(pk=second.pk)) in REFUSED["page"]
    assert Gate.objects.get().state == "open"


@pytest.mark.parametrize("door", DOORS)
def test_3_one_person_does_not_satisfy_two_rules(gate, door):
    gate.definition["signatures"]["seats"] = [{"role": "DS"}, {"role": "PO"}]
    gate.save(update_fields=["definition"])
    make_gates.evaluation(gate)
    project = gate.iteration.project
    both = make.member(project, "reviewer", "DS", "PO", user=make.user(email="ann@example.org"))
    again = make.member(project, "reviewer", "PO", user=make.user(email="Ann+2@example.org"))

    assert sign_at(door, gate, both) == SIGNED[door]
    assert sign_at(door, gate, both) in REFUSED[door]
    assert sign_at(door, gate, again) in REFUSED[door]
    assert Gate.objects.get().state == "open"
    # First fit would have put the first signer where only the second one fits, and waited for ever.
    assert sign_at(door, gate, make.member(project, "reviewer", "DS")) == SIGNED[door]
    assert Gate.objects.get().state == "passed"


@pytest.mark.parametrize("door", DOORS)
def test_3_a_second_account_from_an_administrator_is_no_second_person(gate, door):
    (ann,) = reviewers(gate, 1)
    mailbox, _at, host = ann.email.partition("@")
    twin = add_person(
        username="ann-2", name="Ann", email=f"{mailbox}+2@{host}".upper(), password=make.PASSWORD,
        actor=make.user(org_role="administrator"),
    )  # fmt: skip
    # As after the link of the e-mail, by which she chose the password herself.
    type(twin).objects.filter(pk=twin.pk).update(bar_reason="", barred_at=None)
    make.member(gate.iteration.project, "reviewer", user=twin)

    assert sign_at(door, gate, ann) == SIGNED[door]
    assert sign_at(door, gate, get_user_model().objects.get(pk=twin.pk)) in REFUSED[door]

    assert Gate.objects.get().state == "open"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", ["administrator", "superuser", "process_owner"])
def test_4_an_administrator_has_no_way_past_the_signatures(gate, door, kind):
    role = "administrator" if kind == "superuser" else kind
    who = make.user(org_role=role, is_superuser=kind == "superuser", is_staff=kind == "superuser")

    assert sign_at(door, gate, who) == 403

    manager = make.member(gate.iteration.project, "manager", user=who)
    assert sign_at(door, gate, manager) == 403, "being a manager gives no seat"
    assert not Signoff.objects.exists()
    assert not Authorization.objects.exists()


@pytest.mark.parametrize("door", DOORS)
def test_4_an_administrator_does_not_sign_with_a_password_that_was_reset(gate, door):
    from lifecycle.services.accounts import reset_password

    admin = make.user(org_role="administrator")
    (reviewer,) = reviewers(gate, 1)
    reset_password(person=reviewer, actor=admin, reason="Forgotten")
    assert sign_at(door, gate, get_user_model().objects.get(pk=reviewer.pk)) in REFUSED[door]

    puppet = add_person(
        username="puppet", name="P", email="p@example.org", password=make.PASSWORD, actor=admin
    )
    make.member(gate.iteration.project, "reviewer", user=puppet)
    assert sign_at(door, gate, puppet) in REFUSED[door]
    assert not Signoff.objects.exists()


def test_4_no_page_or_api_of_an_administrator_writes_signatures_gates_or_authorizations():
    assert not apps.is_installed("django.contrib.admin")
    paths = [str(pattern.pattern) for pattern in get_resolver().url_patterns]
    assert not [path for path in paths if "admin" in path]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("who", ["requester", "owner", "runner", "giver", "second account"])
def test_5_four_eyes_hold_behind_every_door(gate, door, who):
    project = gate.iteration.project
    task = gate.phase.tasks.get(key="1.1")
    person = make.member(project, "reviewer")
    if who == "requester":
        person = gate.requested_by
        project.memberships.filter(user=person).update(role="reviewer")
    elif who == "owner":
        from lifecycle.services.tasks import assign_task

        project.memberships.filter(user=person).update(role="contributor")
        assign_task(task=task, owner=person, actor=project.created_by)
        project.memberships.filter(user=person).update(role="reviewer")
    elif who == "runner":
        from lifecycle.services.runs import record_run

        project.memberships.filter(user=person).update(role="contributor")
        record_run(
            project=project, iteration=gate.iteration, kind="TRN", title="T", source="x", external_id="1",
            record={}, actor=person, task=None,
        )  # fmt: skip
        project.memberships.filter(user=person).update(role="reviewer")
    elif who == "giver":
        from lifecycle.services.evidence import attach_evidence

        make.task(gate.phase, "1.1", "instantiated")
        project.memberships.filter(user=person).update(role="contributor")
        attach_evidence(task=task, snapshot=make.snapshot(project, "TRN"), actor=person)
        project.memberships.filter(user=person).update(role="reviewer")
        make_gates.evaluation(gate)
    else:
        twin = make.user(email=gate.requested_by.email.title())
        person = make.member(project, "reviewer", user=twin)

    assert sign_at(door, gate, person) == 403
    assert not Signoff.objects.exists()


@pytest.mark.parametrize("door", DOORS)
def test_5_an_administrator_who_asked_does_not_sign_either(door):
    boss = make.user(org_role="administrator", is_superuser=True, is_staff=True)
    home = make.project(boss, make_gates.gate_document())
    make.phase(make.iteration(home), "P1", "in_review")
    asked = make_gates.gate(home)
    make_gates.evaluation(asked)
    home.memberships.filter(user=boss).update(role="reviewer")

    assert sign_at(door, asked, boss) == 403
    assert not Signoff.objects.exists()


def test_6_a_new_version_of_the_process_leaves_the_open_gate_its_rules(gate):
    project, (only,) = gate.iteration.project, reviewers(gate, 1)
    owner = web(make.user(org_role="process_owner"))
    weaker = make.process_version(make_gates.gate_document(required=1), state="draft", published_at=None)
    address = reverse("lifecycle:process-publish", args=[weaker.pk])
    assert owner.post(address, {"seen": weaker.digest}).status_code == 302
    move = {"to": weaker.pk, "seen": project.process_version_id, "reason": "Faster"}
    address = reverse("lifecycle:project-move", args=[project.slug])
    assert web(project.created_by).post(address, move).status_code == 302
    project.refresh_from_db()
    assert project.process_version == weaker

    assert sign_at("page", gate, only) == 302

    assert Gate.objects.get().state == "open", "it still asks for two"
    assert may_run(gate) == "deny"


def test_6_the_api_has_no_verb_for_the_rules_of_a_gate(gate):
    (names,) = [each.url_patterns for each in get_resolver().url_patterns if "api/" in str(each.pattern)]
    paths = " ".join(str(each.pattern) for each in names)
    assert "process" not in paths
    owner = api(make.user(org_role="process_owner"), "write")
    for address in (
        reverse("api:gate-signoffs", args=[gate.pk]),
        reverse("api:project-detail", args=[gate.iteration.project.slug]),
    ):
        changed = {"definition": {"signatures": {"required": 1}}, "process_version": 1}
        for method in ("put", "patch", "delete"):
            assert getattr(owner, method)(address, changed, format="json").status_code in (403, 404, 405)
    assert Gate.objects.get().definition["signatures"]["required"] == 2


def test_6_the_rules_of_a_gate_that_is_open_do_not_change_with_its_template(gate):
    version = gate.iteration.process_version
    document = version.document
    document["gates"][0]["signatures"]["required"] = 1

    # A published version is what it is; and the gate holds its own copy of the definition besides.
    with pytest.raises(DatabaseError), transaction.atomic():
        type(version).objects.filter(pk=version.pk).update(document=document)
    assert Gate.objects.get().definition["signatures"]["required"] == 2


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("meaning", ["", None, "whatever", "APPROVAL"])
def test_8_no_signature_without_its_meaning(gate, door, meaning):
    (reviewer,) = reviewers(gate, 1)

    assert sign_at(door, gate, reviewer, meaning=meaning) in (400, 422)
    assert not Signoff.objects.exists()


@pytest.mark.parametrize("meaning", Signoff.Meaning.values)
def test_8_the_meaning_stands_wherever_the_signature_is_shown(gate, meaning, client):
    (reviewer,) = reviewers(gate, 1)
    assert sign_at("page", gate, reviewer, meaning=meaning, decision="acknowledge") == 302
    client.force_login(reviewer)
    signed = Signoff.objects.get()

    page = client.get(reverse("governance:gate", args=[gate.pk])).content.decode()
    (api,) = client.get(reverse("api:gate-signoffs", args=[gate.pk])).json()

    assert signed.get_meaning_display() in page
    assert signed.signer_name in page
    assert (api["meaning"], api["signer_name"], api["digest"]) == (meaning, str(reviewer), signed.digest)


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_7_no_page_edits_or_deletes_a_signature(gate, method):
    """No address names a signature; those of its gate know no such verb, and a gate with one stays."""
    (reviewer,) = reviewers(gate, 1)
    assert sign_at("page", gate, reviewer) == 302
    boss = web(make.member(gate.iteration.project, "manager", user=make.user(org_role="administrator")))
    paths = [str(each.pattern) for each in get_resolver().url_patterns]
    assert not [path for path in paths if "signoff" in path or "signature" in path]

    for name in ("gate", "gate-sign", "gate-evaluate", "gate-withdraw"):
        address = reverse(f"governance:{name}", args=[gate.pk])
        assert getattr(boss, method)(address).status_code == 405
    withdraw = reverse("governance:gate-withdraw", args=[gate.pk])
    boss.post(withdraw, {"withdraw-reason": "Asked too early"})

    assert Signoff.objects.get().signer == reviewer


@pytest.mark.parametrize("changed", ["decision", "meaning", "signer_name", "delete"])
def test_7_no_administrator_edits_or_deletes_a_signature_by_the_shell(gate, changed):
    (reviewer,) = reviewers(gate, 1)
    assert sign_at("page", gate, reviewer, meaning="review") == 302
    before = Signoff.objects.values().get()

    with pytest.raises(DatabaseError, match="kept as they are"), transaction.atomic():
        if changed == "delete":
            Signoff.objects.all()._raw_delete("default")
        else:
            Signoff.objects.update(**{changed: "approval"})

    assert Signoff.objects.values().get() == before


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_7_no_api_edits_or_deletes_a_signature(gate, method):
    (reviewer,) = reviewers(gate, 1)
    assert sign_at("api", gate, reviewer) == 201
    client = api(reviewer)

    answer = getattr(client, method)(reverse("api:gate-signoffs", args=[gate.pk]), {}, format="json")

    assert answer.status_code == 405
    assert Signoff.objects.count() == 1
