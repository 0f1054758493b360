import io

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from ledger.actors import SystemActor
from lifecycle.models import ApiToken, Membership, User
from lifecycle.services.tokens import authenticate_token, issue_token, revoke_token
from lifecycle.services.users import add_person, change_person, close_person
from tests import make
from tests.traces import forbidden, invalid, no_trace, one_entry, refused

pytestmark = pytest.mark.django_db

CONSOLE = SystemActor("console")


@pytest.fixture
def administrator():
    return make.user(org_role="administrator")


def add(actor=CONSOLE, **fields):
    values = {
        "username": "noor", "name": "Noor Haddad", "email": "noor@example.org", "password": "quiet-harbour-41"
    } | fields  # fmt: skip
    return add_person(actor=actor, **values)


def test_an_administrator_adds_a_person_who_can_sign_in(administrator, client):
    with one_entry("person.added") as detail:
        person = add(administrator, org_role="auditor")

    assert client.login(username="noor", password="quiet-harbour-41")
    assert detail == {"user": person.pk, "org_role": "auditor"}


@pytest.mark.parametrize("name", ["نور حدّاد", "Zoë 👩‍🔬 O'Neil-Ñandú", "x" * 300])
def test_names_are_as_people_write_them(name):
    assert add(name=name).name == name


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "", "missing"),
        ("name", "x" * 301, "too_long"),
        ("name", "two\nlines", "control_character"),
        ("name", "nul\x00", "control_character"),
        ("username", "with space", "bad_username"),
        ("email", "nowhere", "bad_email"),
        ("org_role", "emperor", "unknown_role"),
        ("password", "short", "weak_password"),
    ],
)
def test_a_person_is_not_added_with_bad_input(field, value, code):
    with invalid(code, field):
        add(**{field: value})

    assert not User.objects.filter(username="noor").exists()


def test_a_user_name_is_given_once_whatever_its_case():
    add()

    with invalid("username_taken", "username"):
        add(username="NOOR")


@pytest.mark.parametrize("org_role", ["member", "auditor", "process_owner"])
def test_only_administrators_add_people(org_role):
    with forbidden():
        add(make.user(org_role=org_role))


def test_closing_an_account_ends_tokens_and_memberships_and_keeps_the_person(administrator, client):
    project = make.small_project()
    person = make.member(project)
    _token, text = issue_token(user=person, name="laptop", scope="read", days=3, actor=person)

    with one_entry("person.closed") as detail:
        close_person(person=person, actor=administrator, reason="Left the company")

    person.refresh_from_db()
    assert (person.is_active, person.closed_at is None) == (False, False)
    assert authenticate_token(text=text) is None
    assert Membership.objects.get(user=person).left_at is not None
    assert not client.login(username=person.username, password=make.PASSWORD)
    assert detail["left_projects"] == [project.pk]


def test_an_account_is_closed_once(administrator):
    person = make.user()
    close_person(person=person, actor=administrator, reason="Left")

    with refused("already_closed", person):
        close_person(person=person, actor=administrator, reason="Left")


def test_nobody_closes_their_own_account_nor_the_last_administrator(administrator):
    with refused("own_account", administrator):
        close_person(person=administrator, actor=administrator, reason="Bye")
    with refused("last_administrator", administrator):
        close_person(person=administrator, actor=CONSOLE, reason="Bye")


def test_a_person_is_changed_by_an_administrator_but_not_their_own_role(administrator):
    person = make.user()

    with one_entry("person.changed") as detail:
        change_person(person=person, name="New Name", org_role="auditor", actor=administrator)

    assert (detail["from"], detail["to"]) == ("member", "auditor")
    with refused("own_role", administrator):
        change_person(person=administrator, org_role="member", actor=administrator)


def test_a_token_lets_its_holder_in_and_is_not_stored():
    person = make.user()

    with one_entry("token.issued"):
        token, text = issue_token(user=person, name="laptop", scope="write", days=30, actor=person)

    assert authenticate_token(text=text) == token
    assert text.startswith(f"gb_{token.prefix}_")
    assert text.removeprefix(f"gb_{token.prefix}_") not in str(ApiToken.objects.values().get())


@pytest.mark.parametrize("text", ["", "gb_", "gb_000000000000_" + "x" * 43, "Bearer", "gb_é_ü", "x" * 10_000])
def test_what_is_no_token_lets_nobody_in(text):
    assert authenticate_token(text=text) is None


def test_a_token_with_another_secret_lets_nobody_in():
    person = make.user()
    _token, text = issue_token(user=person, name="laptop", scope="read", days=1, actor=person)
    other = text[:-1] + ("A" if text[-1] != "A" else "B")

    assert authenticate_token(text=other) is None


def test_an_expired_or_revoked_token_lets_nobody_in():
    person = make.user()
    _token, text = issue_token(user=person, name="laptop", scope="read", days=1, actor=person)
    ApiToken.objects.update(expires_at=timezone.now())
    _other, revoked = issue_token(user=person, name="other", scope="read", days=1, actor=person)

    with one_entry("token.revoked"):
        revoke_token(token=_other, actor=person)

    assert authenticate_token(text=text) is None
    assert authenticate_token(text=revoked) is None
    with refused("already_revoked", _other):
        revoke_token(token=_other, actor=person)


def test_the_use_of_a_token_is_noted_without_an_entry():
    person = make.user()
    _token, text = issue_token(user=person, name="laptop", scope="read", days=1, actor=person)

    with no_trace():
        authenticate_token(text=text)

    assert ApiToken.objects.get().last_used_at is not None


def test_tokens_are_issued_by_their_holder_and_revoked_by_nobody_strange(administrator):
    person, stranger = make.user(), make.user()
    with forbidden():
        issue_token(user=person, name="x", scope="read", days=1, actor=administrator)
    token, _text = issue_token(user=person, name="x", scope="read", days=1, actor=person)
    with forbidden(token):
        revoke_token(token=token, actor=stranger)

    assert revoke_token(token=token, actor=administrator).revoked_at is not None


def test_an_auditor_gets_tokens_that_read_only():
    auditor = make.user(org_role="auditor")

    with refused("auditors_read"):
        issue_token(user=auditor, name="x", scope="write", days=1, actor=auditor)
    assert issue_token(user=auditor, name="x", scope="read", days=1, actor=auditor)


@pytest.mark.parametrize(
    ("days", "scope", "code"),
    [(0, "read", "bad_days"), (367, "read", "bad_days"), (1, "all", "unknown_scope")],
)
def test_a_token_has_a_known_scope_and_an_end(days, scope, code):
    person = make.user()

    with invalid(code):
        issue_token(user=person, name="x", scope=scope, days=days, actor=person)


def test_the_command_adds_the_first_administrator(monkeypatch):
    monkeypatch.setenv("GATEBOOK_PASSWORD", "quiet-harbour-41")
    out = io.StringIO()

    with one_entry("person.added"):
        call_command(
            "add_person",
            "marta",
            "--name",
            "Marta",
            "--email",
            "m@example.org",
            "--role",
            "administrator",
            stdout=out,
        )

    assert User.objects.get().org_role == "administrator"
    assert "Added Marta as marta" in out.getvalue()


def test_the_command_says_what_is_wrong(monkeypatch):
    monkeypatch.setenv("GATEBOOK_PASSWORD", "x")

    with no_trace(), pytest.raises(CommandError, match="password"):
        call_command("add_person", "marta", "--name", "Marta", "--email", "m@example.org")
