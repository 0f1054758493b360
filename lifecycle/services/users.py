"""People: their accounts are opened and closed, never deleted."""

import re

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import ApiToken, Membership, User
from lifecycle.queries.open_work import open_work_of
from lifecycle.services.accounts import bar_from_signing, tell_of_account
from lifecycle.services.steps import allow, change, locked, record
from lifecycle.services.texts import line, prose
from lifecycle.zones import known_zones

_USERNAME = re.compile(r"[\w.@+-]{1,150}")


@transaction.atomic
def add_person(
    *, username: str, name: str, email: str, password: str, org_role: str = "member", actor: Actor
) -> User:
    """Open an account. Administrators and the console may.

    Raises `Invalid` for a user name that is taken, a bad address, an unknown role or a weak password.
    """
    allow(rules.can_manage_people(actor), _("Only administrators add people."))
    name = line(name, "name")
    _check_account(username, email, org_role)
    _check_password(password, User(username=username, name=name, email=email))

    user = User.objects.create_user(
        username=username, email=email, password=password, name=name, org_role=org_role
    )
    if isinstance(actor, User):  # who chose the password could sign in the new person's name
        bar_from_signing(user, User.BarReason.FIRST_PASSWORD)
    record(LifecycleAction.PERSON_ADDED, user, actor=actor, user=user.pk, org_role=org_role)
    return user


@transaction.atomic
def change_person(
    *,
    person: User,
    actor: Actor,
    name: str | None = None,
    email: str | None = None,
    org_role: str | None = None,
    identity_subject: str | None = None,
) -> User:
    """Change a printed name, address, role in the organization or the identity provider's name for them;
    administrators may, nobody their own role. A changed address is told to those who rely on the person's
    signature, since links to choose a password go there.
    """
    user = locked(person)
    allow(rules.can_manage_people(actor), _("Only administrators change people."))
    if org_role is not None and actor.actor_key == user.actor_key and org_role != user.org_role:
        raise Refused("own_role", _("Another administrator has to change your own role."))
    before, address = user.org_role, user.email
    user.name = line(name, "name") if name is not None else user.name
    if email is not None or org_role is not None:
        _check_fields(email if email is not None else user.email, org_role or user.org_role)
    user.email = email if email is not None else user.email
    user.org_role = org_role or user.org_role
    if identity_subject is not None:
        user.identity_subject = identity_subject.strip()[:300]

    user.save(update_fields=["name", "email", "org_role", "identity_subject"])
    record(
        LifecycleAction.PERSON_CHANGED,
        user,
        actor=actor,
        user=user.pk,
        **change(before, user.org_role),
        address_changed=user.email != address,
    )
    if user.email != address and actor.actor_key != user.actor_key:
        told = _("The e-mail address of %(name)s was changed by %(actor)s")
        tell_of_account(user, told, actor, "")
    return user


@transaction.atomic
def change_own_profile(*, actor: User, name: str, time_zone: str) -> User:
    """Change one's own printed name and the IANA time zone in which pages show times.

    What was signed before keeps the name that stood under it. Raises `Invalid` for an unknown zone.
    """
    user = locked(actor)
    allow(user.is_active, _("This account is closed."))
    name = line(name, "name")
    if time_zone not in known_zones():
        raise Invalid("unknown_zone", _("There is no such time zone."), "time_zone")

    before, renamed = user.time_zone, user.name != name
    user.name, user.time_zone = name, time_zone
    user.save(update_fields=["name", "time_zone"])
    record(
        LifecycleAction.PERSON_CHANGED, user, actor=actor, user=user.pk, renamed=renamed,
        time_zone=change(before, time_zone),
    )  # fmt: skip
    return user


@transaction.atomic
def close_person(*, person: User, actor: Actor, reason: str) -> User:
    """Close an account: no more sign-in, tokens revoked, memberships ended. Name and past work stay.

    Raises `Refused("holds_work")` while open work waits with the person, or a project has no other manager:
    `transfer_work` comes first.
    """
    user = locked(person)
    allow(rules.can_manage_people(actor), _("Only administrators close accounts."))
    reason = prose(reason, "reason")
    if user.closed_at is not None:
        raise Refused("already_closed", _("This account is closed."))
    if actor.actor_key == user.actor_key:
        raise Refused("own_account", _("Another administrator has to close your account."))
    _refuse_last_administrator(user)
    _refuse_open_work(user)

    now = timezone.now()
    user.is_active, user.closed_at = False, now
    user.save(update_fields=["is_active", "closed_at"])
    tokens = ApiToken.objects.filter(user=user, revoked_at__isnull=True).update(revoked_at=now)
    left = list(
        Membership.objects.filter(user=user, left_at__isnull=True).values_list("project_id", flat=True)
    )
    Membership.objects.filter(user=user, left_at__isnull=True).update(left_at=now)
    record(
        LifecycleAction.PERSON_CLOSED, user, actor=actor,
        user=user.pk, reason=reason, tokens_revoked=tokens, left_projects=left,
    )  # fmt: skip
    return user


def _check_account(username: str, email: str, org_role: str) -> None:
    if not _USERNAME.fullmatch(username):
        text = _("A user name has up to 150 letters, digits and @ . + - _.")
        raise Invalid("bad_username", text, "username")
    _check_fields(email, org_role)
    if User.objects.filter(username__iexact=username).exists():
        raise Invalid("username_taken", _("This user name is taken."), "username")


def _check_fields(email: str, org_role: str) -> None:
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid("bad_email", " ".join(error.messages), "email") from error
    if org_role not in User.OrgRole.values:
        raise Invalid("unknown_role", _("There is no such role in the organization."), "org_role")


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid("weak_password", " ".join(error.messages), "password") from error


def _refuse_last_administrator(user: User) -> None:
    if user.org_role != User.OrgRole.ADMINISTRATOR:
        return
    others = User.objects.filter(org_role=User.OrgRole.ADMINISTRATOR, is_active=True).exclude(pk=user.pk)
    if not others.exists():
        raise Refused("last_administrator", _("This is the last administrator: name another one first."))


def _refuse_open_work(user: User) -> None:
    work = open_work_of(user, lock=True)
    if work.held:
        words = {"name": user, "projects": ", ".join(str(project) for project in work.projects)}
        text = _("%(name)s still holds work in %(projects)s: transfer it first.")
        raise Refused("holds_work", text % words)
