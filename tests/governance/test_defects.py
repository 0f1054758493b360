"""Defects that other products really had, tried through page, API and as administrator."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from rest_framework.test import APIClient

from governance.models import Authorization, Gate, Signoff
from tests import make, make_gates
from tests.governance.given import reviewers

pytestmark = pytest.mark.django_db

DOORS = ("page", "api", "api_token")


@pytest.fixture
def gate():
    asked = make_gates.gate()
    make_gates.evaluation(asked)
    return asked


def sign_at(door, gate, person, **changes):
    """The status of an attempt to sign, by this door; all doors lead to the same service."""
    given = {
        "digest": make_gates.evaluation_of(gate).digest, "decision": "approve", "meaning": "approval",
        "password": make.PASSWORD,
    } | changes  # fmt: skip
    given = {key: value for key, value in given.items() if value is not None}
    if door == "page":
        from django.test import Client

        client = Client()
        client.force_login(person)
        return client.post(reverse("governance:gate-sign", args=[gate.pk]), given).status_code
    client = APIClient()
    if door == "api":
        client.force_login(person)
    else:
        from lifecycle.services.tokens import issue_token

        _token, secret = issue_token(user=person, actor=person, name="t", scope="write", days=1)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client.post(reverse("api:gate-signoffs", args=[gate.pk]), given, format="json").status_code


SIGNED = {"page": 302, "api": 201, "api_token": 201}
REFUSED = {"page": (403, 422), "api": (400, 403, 409), "api_token": (400, 403, 409)}


def edit_at(page, gate):
    """The status of an edit of what the gate decides on, by the page of requirements or of exceptions."""
    from django.test import Client

    client, project = Client(), gate.iteration.project
    client.force_login(project.created_by)
    if page == "finding":
        address = reverse("governance:finding-open", args=[project.slug])
        # As the page sends it: the form of the page of exceptions.
        return client.post(address, {"finding-title": "Odd", "finding-severity": "low"}).status_code
    requirement = project.requirements.get()
    address = reverse("lifecycle:requirement-act", args=[project.slug, requirement.pk, "change"])
    given = {"statement": "More", "operator": ">=", "limit": "0.99", "reason": "Not enough"}
    return client.post(address, given).status_code


def may_run(gate):
    """What the API of the gate check says, asked as a deployer does."""
    client = APIClient()
    client.force_login(gate.iteration.project.created_by)
    asked = {"model_digest": gate.model_version.digest, "environment": gate.environment}
    return client.get(reverse("api:gate-checks"), asked).json()["decision"]


@pytest.fixture
def measured_gate():
    from tests.governance.given import first_task, measured

    home = make_gates.project()
    make.requirement(home, gate="G1", key="accuracy")
    asked = make_gates.gate(home)
    measured(first_task(asked), asked.model_version, {"metrics": {"accuracy": 0.95}}, state="verified")
    make_gates.evaluation(asked)
    return asked


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


def test_1_an_administrator_who_edits_a_signer_does_not_keep_the_approval_either(measured_gate):
    from lifecycle.services.users import change_person

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


def test_6_the_rules_of_a_gate_that_is_open_do_not_change_with_its_template(gate):
    from django.db import IntegrityError, transaction

    version = gate.iteration.process_version
    document = version.document
    document["gates"][0]["signatures"]["required"] = 1

    # A published version is what it is; and the gate holds its own copy of the definition besides.
    with pytest.raises(IntegrityError), transaction.atomic():
        type(version).objects.filter(pk=version.pk).update(document=document)
    assert Gate.objects.get().definition["signatures"]["required"] == 2


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
    from lifecycle.services.users import add_person

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
    from django.apps import apps
    from django.urls import get_resolver

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


@pytest.mark.parametrize("door", DOORS)
def test_a_signature_is_not_replayed(gate, door):
    (reviewer,) = reviewers(gate, 1)
    shown = make_gates.evaluation_of(gate).digest
    assert sign_at(door, gate, reviewer) == SIGNED[door]
    assert sign_at(door, gate, reviewer) in REFUSED[door]

    make_gates.finding(gate.iteration.project)
    make_gates.evaluation(gate)
    assert sign_at(door, gate, reviewer, digest=shown) in REFUSED[door], "an old digest"
    assert Signoff.objects.count() == 1


def test_a_form_from_another_site_signs_nothing(gate):
    from django.test import Client

    (reviewer,) = reviewers(gate, 1)
    client = Client(enforce_csrf_checks=True)
    client.force_login(reviewer)
    given = {
        "digest": make_gates.evaluation_of(gate).digest, "decision": "approve", "meaning": "approval",
        "password": make.PASSWORD,
    }  # fmt: skip
    page = client.post(
        reverse("governance:gate-sign", args=[gate.pk]), given, headers={"origin": "https://evil.example"}
    )
    api = APIClient(enforce_csrf_checks=True)
    api.cookies = client.cookies
    answer = api.post(reverse("api:gate-signoffs", args=[gate.pk]), given, format="json")

    assert (page.status_code, answer.status_code) == (403, 403)
    assert not Signoff.objects.exists()


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_7_no_api_edits_or_deletes_a_signature(gate, method):
    (reviewer,) = reviewers(gate, 1)
    assert sign_at("api", gate, reviewer) == 201
    client = APIClient()
    client.force_login(reviewer)

    answer = getattr(client, method)(reverse("api:gate-signoffs", args=[gate.pk]), {}, format="json")

    assert answer.status_code == 405
    assert Signoff.objects.count() == 1
