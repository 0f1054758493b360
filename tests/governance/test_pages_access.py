"""Who gets which page and who may send which form."""

import pytest
from django.urls import reverse

from governance.models import Deployment, Finding, Gate
from governance.services.break_glass import ask_break_glass
from governance.services.reviews import give_feedback
from ledger.models import Entry
from tests import make, make_gates

pytestmark = pytest.mark.django_db


def _exceptions(given):
    """One of each exception, as it comes to be on another open gate."""
    other = make_gates.unmet_gate()
    version = make.model_version(given.project)
    waiver, bound = make_gates.waiver(other), make_gates.condition(other)
    said = give_feedback(gate=other, actor=bound.owner, grade="minor", text="Odd")
    records = (waiver, bound, said)
    for record in records:
        type(record).objects.filter(pk=record.pk).update(gate=given.gate)
        record.gate = given.gate
    glass = ask_break_glass(
        project=given.project, actor=make.member(given.project), model_version=version,
        environment="staging", reason="Down", hours=1,
    )  # fmt: skip
    return *records, glass


def _exception_forms(given, waiver, bound, said, glass):
    gate, slug = given.gate, given.project.slug
    day = "2030-01-01"
    return {
        reverse("governance:feedback-give", args=[gate.pk]): {"feedback-grade": "fine"},
        reverse("governance:feedback-settle", args=[said.pk]): {f"answer-{said.pk}-answer": "So"},
        reverse("governance:gate-step-back", args=[gate.pk]): {"back-reason": "So"},
        reverse("governance:condition-propose", args=[gate.pk]): {
            "condition-text": "So", "condition-owner": make.member(given.project).pk, "condition-due_on": day,
        },
        reverse("governance:condition-drop", args=[bound.pk]): {},
        reverse("governance:condition-fulfil", args=[bound.pk]): {f"fulfil-{bound.pk}-note": "So"},
        reverse("governance:waiver-grant", args=[waiver.pk]): {"digest": "0" * 64, "password": make.PASSWORD},
        reverse("governance:waiver-refuse", args=[waiver.pk]): {"refuse-reason": "So"},
        reverse("governance:waiver-revoke", args=[waiver.pk]): {"revoke-reason": "So"},
        reverse("governance:glass-ask", args=[slug]): {
            "glass-model_version": given.model_version_id, "glass-environment": "x", "glass-hours": 1,
            "glass-reason": "So",
        },
        reverse("governance:glass-act", args=[glass.pk, "refuse"]): {},
    }  # fmt: skip


def addresses(given, finding, exceptions):
    """Every page, and every form with what makes it complete."""
    gate, slug = given.gate, given.project.slug
    deployment = make_gates.deployment(given)
    asked = make_gates.evaluation_of(gate)
    waiver, bound, said, glass = exceptions
    pages = [
        reverse("governance:project", args=[slug]),
        reverse("governance:project-gates", args=[slug]),
        reverse("governance:gate", args=[gate.pk]),
        reverse("governance:evaluation-subject", args=[asked.pk]),
        reverse("governance:project-models", args=[slug]),
        reverse("governance:authorization", args=[given.pk]),
        reverse("governance:project-deployments", args=[slug]),
        reverse("governance:deployment", args=[deployment.pk]),
        reverse("governance:project-exceptions", args=[slug]),
        reverse("governance:waiver", args=[waiver.pk]),
    ]
    reason = {"reason": "Because"}
    forms = {
        reverse("governance:phase-review", args=[slug, "P2"]): {},
        reverse("governance:gate-open", args=[slug, "G2"]): {"scope": ""},
        reverse("governance:gate-evaluate", args=[gate.pk]): {},
        reverse("governance:gate-sign", args=[gate.pk]): {
            "digest": asked.digest, "decision": "approve", "meaning": "approval", "password": make.PASSWORD,
        },
        reverse("governance:gate-refuse", args=[gate.pk]): {"refuse-reason": "Because"},
        reverse("governance:gate-withdraw", args=[gate.pk]): {"withdraw-reason": "Because"},
        reverse("governance:deployment-record", args=[slug]): {
            "model_version": given.model_version_id, "environment": "production",
        },
        **{
            reverse("governance:deployment-act", args=[deployment.pk, act]): {f"{act}-reason": "Because"}
            for act in ("withdraw", "abort", "roll-back")
        },
        reverse("governance:finding-open", args=[slug]): {"finding-title": "X", "finding-severity": "low"},
        reverse("governance:finding-act", args=[finding.pk, "resolve"]): {
            f"resolve-{finding.pk}-settlement": "So"
        },
        **_exception_forms(given, waiver, bound, said, glass),
        **{
            reverse(f"governance:authorization-{move}", args=[given.pk]): {f"{move}-reason": reason["reason"]}
            for move in ("suspend", "resume", "withdraw")
        },
    }  # fmt: skip
    return pages, forms


@pytest.fixture
def everything():
    given = make_gates.authorization()
    return given, *addresses(given, make_gates.finding(given.project), _exceptions(given))


def test_a_member_reads_every_page(client, everything):
    given, pages, _forms = everything
    client.force_login(make.member(given.project))

    assert [client.get(page).status_code for page in pages] == [200] * len(pages)


def test_a_stranger_finds_nothing(client, everything):
    _given, pages, forms = everything
    client.force_login(make.user())
    before = Entry.objects.count()

    assert {client.get(page).status_code for page in pages} == {404}
    assert {client.post(form, data).status_code for form, data in forms.items()} == {404}
    assert Entry.objects.count() == before


@pytest.mark.parametrize("kind", ["of the organization", "of the project"])
def test_an_auditor_reads_everything_and_changes_nothing(client, everything, kind):
    given, pages, forms = everything
    auditor = (
        make.user(org_role="auditor") if "organization" in kind else make.member(given.project, "auditor")
    )
    client.force_login(auditor)
    before = Entry.objects.count()

    assert {client.get(page).status_code for page in pages} == {200}
    assert {form: client.post(form, data).status_code for form, data in forms.items()} == dict.fromkeys(
        forms, 403
    )
    assert Entry.objects.count() == before


def test_an_auditor_is_offered_no_form_but_the_log_out(client, everything):
    given, pages, _forms = everything
    client.force_login(make.user(org_role="auditor"))

    for page in pages:
        assert client.get(page).text.count('method="post"') <= 1, page
    assert given.state == "active"


def test_nobody_without_a_log_in_sees_anything(client, everything):
    _given, pages, forms = everything

    for address in [reverse("governance:portfolio"), *pages]:
        answer = client.get(address)
        assert (answer.status_code, answer.url) == (302, f"{reverse('lifecycle:login')}?next={address}")
    for form, data in forms.items():
        answer = client.post(form, data)
        assert (answer.status_code, answer.url.partition("?")[0]) == (302, reverse("lifecycle:login"))


def test_forms_are_sent_and_not_followed(client, everything):
    given, _pages, forms = everything
    client.force_login(given.project.created_by)
    with_page = ("/open", "/record")

    for form in forms:
        if not form.endswith(with_page) or "findings" in form:
            assert client.get(form).status_code == 405, form


def test_a_stranger_s_project_is_not_in_the_portfolio(client):
    mine, other = make_gates.project(), make_gates.project()
    client.force_login(mine.created_by)

    html = client.get(reverse("governance:portfolio")).text

    assert mine.name in html
    assert other.name not in html
    assert Gate.objects.count() == Deployment.objects.count() == Finding.objects.count() == 0
