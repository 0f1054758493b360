"""Who gets which page and who may send which form."""

import pytest
from django.urls import reverse

from governance.models import Deployment, Finding, Gate
from ledger.models import Entry
from tests import make, make_gates

pytestmark = pytest.mark.django_db


def addresses(given, finding):
    """Every page, and every form with what makes it complete."""
    gate, slug = given.gate, given.project.slug
    deployment = make_gates.deployment(given)
    asked = make_gates.evaluation_of(gate)
    pages = [
        reverse("governance:project", args=[slug]),
        reverse("governance:project-gates", args=[slug]),
        reverse("governance:gate", args=[gate.pk]),
        reverse("governance:evaluation-subject", args=[asked.pk]),
        reverse("governance:project-models", args=[slug]),
        reverse("governance:authorization", args=[given.pk]),
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
        reverse("governance:deployment-withdraw", args=[deployment.pk]): {
            f"withdraw-{deployment.pk}-reason": "Because"
        },
        reverse("governance:finding-open", args=[slug]): {"finding-title": "X", "finding-severity": "low"},
        reverse("governance:finding-settle", args=[finding.pk]): {f"settle-{finding.pk}-settlement": "So"},
        **{
            reverse(f"governance:authorization-{move}", args=[given.pk]): {f"{move}-reason": reason["reason"]}
            for move in ("suspend", "resume", "withdraw")
        },
    }  # fmt: skip
    return pages, forms


@pytest.fixture
def everything():
    given = make_gates.authorization()
    return given, *addresses(given, make_gates.finding(given.project))


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
