"""Second factors: added and taken away by their person, checked at log-in and under every signature.

What a code or key proves is django-allauth's to say; here stand who may, what is recorded, and that a code
is good for one use.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    hotp_value,
    validate_totp_code,
    yield_hotp_counters_from_time,
)
from allauth.mfa.utils import decrypt
from allauth.mfa.webauthn.internal import auth as webauthn
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import User
from lifecycle.queries.second_factors import factors_of
from lifecycle.services.accounts import bar_from_signing, tell_of_account
from lifecycle.services.steps import allow, locked, record
from lifecycle.services.texts import line, prose

_T = Authenticator.Type


@transaction.atomic
def add_totp(*, actor: User, secret: str, code: str) -> User:
    """Let an authenticator app give codes for this account; `code` shows that it has the secret.

    Raises `Refused("already_enrolled")`, `Invalid` for a wrong code.
    """
    user = _own(actor)
    if factors_of(user).totp is not None:
        raise Refused("already_enrolled", _("An authenticator app gives your codes already."))
    if not validate_totp_code(secret, code.strip()):
        raise Invalid(
            "wrong_code", _("That is not the code of now. Look at the clock of your device."), "code"
        )
    made = TOTP.activate(user, secret).instance
    _record_added(user, made)
    return user


@transaction.atomic
def add_key(*, actor: User, name: str, credential: dict[str, Any]) -> User:
    """Let a security key or passkey stand for this account. The request's session holds the challenge."""
    user = _own(actor)
    name = line(name or _("Security key"), "name", most=60)
    try:
        webauthn.parse_registration_response(credential)
        webauthn.complete_registration(credential)
    except (ValidationError, ValueError, TypeError, KeyError) as error:
        text = _("The key's answer does not fit what it was asked. Try again.")
        raise Invalid("wrong_key", text, "credential") from error
    made = webauthn.WebAuthn.add(user, name, credential).instance
    _record_added(user, made)
    return user


@transaction.atomic
def remove_factor(*, actor: User, factor: Authenticator) -> User:
    """Take away one of one's own factors; with the last one the recovery codes go."""
    user = _own(actor)
    found = Authenticator.objects.filter(user=user, pk=factor.pk).exclude(type=_T.RECOVERY_CODES).first()
    if found is None:
        raise Refused("no_such_factor", _("This second factor is gone already."))
    kind, name = found.type, str(found)
    found.delete()
    if not factors_of(user).enrolled:
        Authenticator.objects.filter(user=user).delete()
    record(LifecycleAction.FACTOR_REMOVED, user, actor=actor, user=user.pk, kind=kind, name=name)
    return user


@transaction.atomic
def take_factors(*, person: User, actor: Actor, reason: str) -> User:
    """Take away all second factors of somebody who has lost them. Administrators and the console.

    Bars the account from signing until the person has set a new password, and is told as a reset is.
    """
    user = locked(person)
    allow(rules.can_manage_people(actor), _("Only administrators take second factors away."))
    reason = prose(reason, "reason")
    if actor.actor_key == user.actor_key:
        raise Refused("own_account", _("Remove your own second factor on its page."))
    if not factors_of(user).enrolled:
        raise Refused("not_enrolled", _("This person has no second factor."))
    count, _by_kind = Authenticator.objects.filter(user=user).delete()
    bar_from_signing(user, User.BarReason.FACTOR_REMOVED)
    record(LifecycleAction.FACTORS_TAKEN, user, actor=actor, user=user.pk, reason=reason, count=count)
    subject = _("The second factor of %(name)s was removed by %(actor)s")
    tell_of_account(user, subject, actor, reason)
    return user


@transaction.atomic
def make_recovery_codes(*, actor: User) -> list[str]:
    """Ten new codes for the day on which the factor is lost; the old ones are good no more."""
    user = _own(actor)
    if not factors_of(user).enrolled:
        raise Refused("not_enrolled", _("Recovery codes stand in for a second factor: add one first."))
    Authenticator.objects.filter(user=user, type=_T.RECOVERY_CODES).delete()
    codes: list[str] = RecoveryCodes.activate(user).get_unused_codes()
    record(LifecycleAction.RECOVERY_CODES_MADE, user, actor=actor, user=user.pk, count=len(codes))
    return codes


@transaction.atomic
def check_second_factor(*, person: User, code: str = "", credential: dict[str, Any] | None = None) -> str:
    """What proved the person: the factor's kind, "" for who has none.

    A code that was used is used up, whatever comes of what it was given for. Raises `Refused`:
    `second_factor_missing`, `wrong_second_factor`, `code_used`.
    """
    factors = factors_of(locked(person))
    if not factors.enrolled:
        return ""
    if credential is not None and factors.keys:
        return _proven_by_key(person, credential)
    code = "".join(code.split())
    if not code:
        text = _("Give the code of your second factor as well.")
        raise Refused("second_factor_missing", text)
    if factors.totp is not None and _proven_by_totp(factors.totp, code):
        return str(_T.TOTP)
    if factors.codes is not None and factors.codes.wrap().validate_code(code):
        return str(_T.RECOVERY_CODES)
    raise Refused("wrong_second_factor", _("That is not the code of your second factor."))


def _proven_by_totp(factor: Authenticator, code: str) -> bool:
    """Whether it is a code of now that comes after the last one used; the row is the memory, not a cache."""
    secret, last = decrypt(factor.data["secret"]), int(factor.data.get("last_counter", -1))
    fitting = [
        counter
        for counter in yield_hotp_counters_from_time()
        if constant_time_compare(code, format_hotp_value(hotp_value(secret, counter)))
    ]
    if not fitting:
        return False
    if max(fitting) <= last:
        raise Refused("code_used", _("This code was used already: wait for the next one."))
    factor.data["last_counter"], factor.last_used_at = max(fitting), now()
    factor.save(update_fields=["data", "last_used_at"])
    return True


def _proven_by_key(person: User, credential: dict[str, Any]) -> str:
    try:
        webauthn.parse_authentication_response(credential)
        webauthn.complete_authentication(person, credential).record_usage()
    except (ValidationError, ValueError, TypeError, KeyError) as error:
        text = _("The security key's answer does not fit what it was asked. Try again.")
        raise Refused("wrong_second_factor", text) from error
    return str(_T.WEBAUTHN)


def _own(actor: User) -> User:
    user = locked(actor)
    allow(user.is_active, _("This account is closed."))
    return user


def _record_added(user: User, made: Authenticator) -> None:
    record(LifecycleAction.FACTOR_ADDED, user, actor=user, user=user.pk, kind=made.type, name=str(made))
