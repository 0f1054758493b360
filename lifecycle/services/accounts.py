"""What protects an account: passwords that only its person knows, and what follows when somebody else may.

Whoever can set another one's password could sign in their name. So an administrator's reset sends the person
a link, bars the account from signing until the person has set a password of their own, and is told to those
who rely on the person's signatures.
"""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import ApiToken, Compromise, Mail, Membership, Notice, User
from lifecycle.services.notices import Occasion, ask_for_mail, tell_all
from lifecycle.services.steps import allow, locked, record
from lifecycle.services.texts import prose

_B = User.BarReason


@transaction.atomic
def set_own_password(*, actor: User, new: str, old: str | None = None) -> User:
    """Choose one's own password; `old` is None where a link proved the person.

    Ends the bar on signing and an open compromise, and keeps the account's other sessions out.
    Raises `Invalid` for a wrong old or a weak new password.
    """
    user = locked(actor)
    allow(user.is_active, _("This account is closed."))
    if old is not None and not user.check_password(old):
        raise Invalid("wrong_password", _("That is not your password."), "old_password")
    _check(new, user)
    if user.check_password(new):
        raise Invalid("same_password", _("Choose another password than the present one."), "new_password1")
    now, barred = timezone.now(), user.bar_reason
    user.set_password(new)
    user.bar_reason, user.barred_at = "", None
    user.save(update_fields=["password", "bar_reason", "barred_at"])
    Compromise.objects.filter(person=user, until__isnull=True).update(until=now)
    record(
        LifecycleAction.PASSWORD_CHANGED,
        user,
        actor=user,
        user=user.pk,
        bar_ended=barred,
        by_link=old is None,
    )
    return user


@transaction.atomic
def reset_password(*, person: User, actor: Actor, reason: str) -> User:
    """Take the password away and send the person a link to choose another. For administrators, the console.

    Nothing can be signed with the account until then. Raises `Refused` for a closed account or one's own.
    """
    user = locked(person)
    allow(rules.can_manage_people(actor), _("Only administrators reset passwords."))
    reason = prose(reason, "reason")
    _refuse_closed_or_own(user, actor)
    _bar(user, _B.PASSWORD_RESET)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    record(LifecycleAction.PASSWORD_RESET, user, actor=actor, user=user.pk, reason=reason)
    _tell(user, _("The password of %(name)s was reset by %(actor)s"), actor, reason)
    _send_link(user)
    return user


@transaction.atomic
def report_compromise(*, person: User, actor: Actor, since: dt.datetime, reason: str) -> Compromise:
    """Say that somebody else may have used an account since then. The person may, and administrators.

    What it signed since counts no more, its tokens end, and it signs nothing until the person has set a new
    password. Raises `Refused` if that was reported before, `Invalid` for a time in the future.
    """
    user = locked(person)
    own = actor.actor_key == user.actor_key
    allow(own or rules.can_manage_people(actor), _("Only administrators report somebody else's account."))
    reason = prose(reason, "reason")
    now = timezone.now()
    if since > now:
        raise Invalid("in_future", _("That time is yet to come."), "since")
    if user.compromises.filter(until__isnull=True).exists():
        raise Refused("already_reported", _("That is known already; a new password ends it."))
    made = Compromise.objects.create(
        person=user, since=since, reason=reason, reported_at=now,
        reported_by=actor if isinstance(actor, User) else None,
    )  # fmt: skip
    _bar(user, _B.COMPROMISED)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    ended = ApiToken.objects.filter(user=user, revoked_at__isnull=True).update(revoked_at=now)
    record(
        LifecycleAction.PERSON_COMPROMISED, user, actor=actor, user=user.pk, since=since.isoformat(),
        reason=reason, tokens_revoked=ended,
    )  # fmt: skip
    _tell(user, _("Somebody else may have used the account of %(name)s, says %(actor)s"), actor, reason)
    _send_link(user)
    return made


def bar_from_signing(user: User, reason: str) -> None:
    """Let the account sign nothing until its person has set a password; the caller records why."""
    _bar(user, reason)


def tell_of_account(user: User, subject: str, actor: Actor, reason: str) -> None:
    """Tell the person, and all reviewers and auditors who rely on their signature."""
    _tell(user, subject, actor, reason)


def _send_link(user: User) -> None:
    """An e-mail with a link to choose a password. The link is made when it is sent, and stored nowhere."""
    moment = timezone.now()
    mail = Mail.objects.create(
        person=user, key=f"{Mail.RESET}{user.pk}:{moment.isoformat()}", created_at=moment
    )
    ask_for_mail(mail)


def _bar(user: User, reason: str) -> None:
    user.bar_reason, user.barred_at = reason, timezone.now()
    user.save(update_fields=["bar_reason", "barred_at"])


def _check(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid("weak_password", " ".join(error.messages), "new_password1") from error


def _refuse_closed_or_own(user: User, actor: Actor) -> None:
    if not user.is_active:
        raise Refused("already_closed", _("This account is closed."))
    if actor.actor_key == user.actor_key:
        raise Refused("own_account", _("Change your own password on your profile."))


def _tell(user: User, subject: str, actor: Actor, reason: str) -> None:
    projects = Membership.objects.filter(user=user, left_at__isnull=True).values("project")
    roles = (Membership.Role.REVIEWER, Membership.Role.AUDITOR, Membership.Role.MANAGER)
    beside = Membership.objects.filter(project__in=projects, left_at__isnull=True, role__in=roles)
    auditors = User.objects.filter(org_role=User.OrgRole.AUDITOR, is_active=True)
    people = {user.pk, *beside.values_list("user_id", flat=True), *auditors.values_list("pk", flat=True)}
    moment = timezone.now()
    told = Occasion(
        sorted(people), Notice.Kind.ACCOUNT_CHANGED, subject % {"name": user, "actor": actor.actor_label},
        reverse("lifecycle:person", args=[user.pk]), f"account:{user.pk}:{moment.isoformat()}", reason,
    )  # fmt: skip
    tell_all([told])
