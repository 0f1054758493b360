"""What protects an account: second factors, and passwords that nobody else can use to sign."""

import datetime as dt
import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from django.core import mail as outbox
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from ledger.models import Entry
from lifecycle.errors import Invalid, Refused
from lifecycle.models import Mail, Notice, User
from lifecycle.queries.second_factors import factors_of
from lifecycle.services import accounts, identity, mails, second_factors
from lifecycle.services.users import add_person
from tests import make

pytestmark = pytest.mark.django_db


def code_of(secret, ahead=0):
    """What an authenticator app shows now, or so many steps later."""
    import time

    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + ahead))


@pytest.fixture
def person():
    return make.user()


@pytest.fixture
def admin():
    return make.user(org_role="administrator")


@pytest.fixture
def secret(person):
    made = generate_totp_secret()
    second_factors.add_totp(actor=person, secret=made, code=code_of(made))
    return made


def last():
    entry = Entry.objects.order_by("-index").first()
    return entry.action, entry.payload.content["detail"]


def test_an_app_is_added_with_a_code_and_its_secret_is_stored_encrypted(person):
    made = generate_totp_secret()
    with pytest.raises(Invalid, match="not the code"):
        second_factors.add_totp(
            actor=person, secret=made, code="000000" if code_of(made) != "000000" else "1"
        )

    second_factors.add_totp(actor=person, secret=made, code=code_of(made))

    assert last()[0] == "person.factor_added"
    assert factors_of(person).enrolled
    assert made not in str(Authenticator.objects.get().data)


def test_a_code_is_good_once_and_no_earlier_one_after_it(person, secret):
    code = code_of(secret)
    assert second_factors.check_second_factor(person=person, code=code) == "totp"

    for again in (code, code_of(secret, -1)):
        with pytest.raises(Refused) as no:
            second_factors.check_second_factor(person=person, code=again)
        assert no.value.code == "code_used"


def test_without_a_code_nothing_is_proven_and_a_wrong_one_is_counted(person, secret):
    with pytest.raises(Refused) as no:
        identity.prove(actor=person, password=make.PASSWORD)
    assert no.value.code == "second_factor_missing"
    for attempt in range(1, identity.MOST_WRONG + 1):
        with pytest.raises(Refused) as no:
            identity.prove(actor=person, password=make.PASSWORD, code="12")
        assert no.value.code == "wrong_second_factor"
        assert last()[1]["attempt"] == attempt

    with pytest.raises(Refused) as no:
        identity.prove(actor=person, password=make.PASSWORD, code=code_of(secret))
    assert no.value.code == "too_many_attempts"


def test_a_recovery_code_stands_in_once(person, secret):
    code = second_factors.make_recovery_codes(actor=person)[0]
    assert last() == ("person.recovery_codes_made", {"count": 10, "user": person.pk})

    assert second_factors.check_second_factor(person=person, code=code) == "recovery_codes"
    with pytest.raises(Refused):
        second_factors.check_second_factor(person=person, code=code)


def test_with_the_last_factor_its_recovery_codes_go(person, secret):
    second_factors.make_recovery_codes(actor=person)

    second_factors.remove_factor(actor=person, factor=factors_of(person).totp)

    assert last()[0] == "person.factor_removed"
    assert not Authenticator.objects.exists()
    assert second_factors.check_second_factor(person=person) == ""


def test_an_administrator_who_takes_a_factor_bars_the_account_and_everybody_hears(person, secret, admin):
    home = make.small_project()
    make.member(home, "reviewer", user=person)
    auditor = make.member(home, "auditor")

    second_factors.take_factors(person=person, actor=admin, reason="Phone lost")

    person.refresh_from_db()
    assert person.bar_reason == "factor_removed"
    assert last()[1]["reason"] == "Phone lost"
    told = set(Notice.objects.filter(kind="account_changed").values_list("person_id", flat=True))
    assert {person.pk, auditor.pk, home.created_by_id} <= told


def test_an_administrator_never_learns_a_password_that_signs(person, admin, settings):
    accounts.reset_password(person=person, actor=admin, reason="Forgotten")

    person.refresh_from_db()
    assert (person.bar_reason, person.has_usable_password()) == ("password_reset", False)
    assert last()[0] == "person.password_reset"
    mail = Mail.objects.get(key__startswith="reset:")
    mails.send_mail(mail_id=mail.pk)
    (message,) = [each for each in outbox.outbox if "choose a password" in each.subject]
    assert message.to == [person.email]
    assert "/password/choose/" in message.body


def test_the_link_lets_the_person_choose_a_password_once_and_ends_the_bar(person, admin, client):
    accounts.reset_password(person=person, actor=admin, reason="Forgotten")
    mails.send_mail(mail_id=Mail.objects.get(key__startswith="reset:").pk)
    link = re.search(r"/password/choose/\S+", outbox.outbox[-1].body)[0]

    there = client.get(link, follow=True)
    new = {"new_password1": "violet-kettle-93", "new_password2": "violet-kettle-93"}
    client.post(there.redirect_chain[-1][0], new)

    person.refresh_from_db()
    assert person.check_password("violet-kettle-93")
    assert (person.bar_reason, person.barred_at) == ("", None)
    assert last()[0] == "person.password_changed"
    assert "good no more" in client.get(link, follow=True).content.decode()


def test_the_bar_ends_with_an_own_password_and_not_before(person, admin):
    accounts.reset_password(person=person, actor=admin, reason="Forgotten")
    for wrong in ("short", make.PASSWORD):
        if wrong == "short":
            with pytest.raises(Invalid):
                accounts.set_own_password(actor=person, new=wrong)
    person.refresh_from_db()
    assert person.bar_reason


@pytest.mark.parametrize("role", ["member", "process_owner", "auditor"])
def test_only_administrators_touch_another_account(person, role):
    who = make.user(org_role=role)
    for act in (accounts.reset_password, second_factors.take_factors):
        with pytest.raises(PermissionDenied):
            act(person=person, actor=who, reason="Because")


def test_a_first_password_chosen_by_an_administrator_signs_nothing(admin):
    made = add_person(
        username="new", name="New", email="new@example.org", password="quiet-lamp-5521", actor=admin
    )
    assert User.objects.get(pk=made.pk).bar_reason == "first_password"


def test_one_s_own_account_may_be_reported(person):
    accounts.report_compromise(person=person, actor=person, since=timezone.now(), reason="Odd log-in")

    assert last()[0] == "person.compromised"
    with pytest.raises(Refused):
        accounts.report_compromise(person=person, actor=person, since=timezone.now(), reason="Again")
    with pytest.raises(Invalid):
        later = timezone.now() + dt.timedelta(days=1)
        accounts.report_compromise(
            person=make.user(), actor=make.user(org_role="administrator"), since=later, reason="x"
        )


# ---- pages ----


def test_log_in_asks_for_the_second_factor_and_gives_no_session_before(person, secret, client):
    door = reverse("lifecycle:login")
    half = client.post(door, {"username": person.username, "password": make.PASSWORD, "next": "/inbox/"})
    assert half.url == reverse("lifecycle:login-code")
    assert client.get("/inbox/").status_code == 302, "half-way is outside"

    wrong = client.post(half.url, {"code": "1"})
    assert wrong.status_code == 422
    right = client.post(half.url, {"code": code_of(secret)})

    assert right.url == "/inbox/"
    assert client.get("/inbox/").status_code == 200


def test_who_changed_the_password_meanwhile_is_not_half_way_any_more(person, secret, client):
    client.post(reverse("lifecycle:login"), {"username": person.username, "password": make.PASSWORD})
    person.set_password("another-word-771")
    person.save()

    answer = client.post(reverse("lifecycle:login-code"), {"code": code_of(secret)})

    assert answer.url == reverse("lifecycle:login")


def test_the_page_adds_an_app_shows_the_codes_once_and_removes_it(person, client):
    client.force_login(person)
    page = reverse("lifecycle:account-factors")
    client.get(page)
    made = client.session["second_factor_secret"]
    url = reverse("lifecycle:account-factor-act", args=["app"])
    refused = client.post(url, {"first_code": code_of(made), "password": "wrong"})
    assert refused.status_code == 422
    assert not factors_of(person).enrolled

    shown = client.post(url, {"first_code": code_of(made), "password": make.PASSWORD})

    codes = factors_of(person).codes.wrap().get_unused_codes()
    assert all(code in shown.content.decode() for code in codes)
    assert codes[0] not in client.get(page).content.decode()
    remove = reverse("lifecycle:account-factor-act", args=["remove"])
    factor = factors_of(person).totp.pk
    assert client.post(remove, {"factor": factor, "password": make.PASSWORD}).status_code == 422
    done = client.post(remove, {"factor": factor, "password": make.PASSWORD, "code": code_of(made)})
    assert done.status_code == 302
    assert not factors_of(person).enrolled


def test_an_administrator_resets_from_the_person_s_page(person, admin, client):
    client.force_login(admin)
    url = reverse("lifecycle:person-act", args=[person.pk, "reset"])
    assert client.post(url, {"reason": ""}).status_code == 422
    assert client.post(url, {"reason": "Forgotten"}).status_code == 302
    person.refresh_from_db()
    assert person.bar_reason == "password_reset"
    assert "signs nothing" in client.get(reverse("lifecycle:person", args=[person.pk])).content.decode()
