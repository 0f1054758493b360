"""Keys to the API: `gb_<prefix>_<secret>`, shown once, kept as HMAC-SHA256 under the instance's secret
key.
"""

import datetime as dt
import hmac
import re
import secrets

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import ApiToken, Project, User
from lifecycle.prepared import Prepared
from lifecycle.services.steps import allow, locked, record
from lifecycle.services.texts import line

MOST_DAYS = 366
_SHAPE = re.compile(r"gb_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_STALE = dt.timedelta(minutes=1)
_BY_PREFIX = Prepared(
    lambda prefix: ApiToken.objects.select_related("user", "project").filter(prefix=prefix).order_by(), str
)
"""Every call of the API comes through here."""


@transaction.atomic
def issue_token(
    *, user: User, name: str, scope: str, days: int, actor: User, project: Project | None = None
) -> tuple[ApiToken, str]:
    """Make a token for oneself, good for 1 to 366 days. The second value is the secret text, never kept.

    Auditors get tokens that read; `gate_check` tokens ask for deployment permission only; `intake`
    tokens send runs only, to their `project` if they have one.
    """
    holder = locked(user)
    allow(actor.pk == holder.pk and holder.is_active, _("A token is issued by the person who uses it."))
    name = line(name, "name", most=120)
    _check(scope, days)
    _check_project(holder, scope, project)
    if scope in (ApiToken.Scope.WRITE, ApiToken.Scope.INTAKE) and not rules.can_change(holder):
        raise Refused("auditors_read", _("Auditors change nothing: choose a token that reads."))

    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    now = timezone.now()
    token = ApiToken.objects.create(
        user=holder, name=name, prefix=prefix, secret_hmac=_hmac(prefix, secret), scope=scope,
        project=project, created_at=now, expires_at=now + dt.timedelta(days=days),
    )  # fmt: skip
    record(
        LifecycleAction.TOKEN_ISSUED, token, actor=actor,
        user=holder.pk, scope=scope, expires_at=token.expires_at.isoformat(),
        only=project.slug if project else None,
    )  # fmt: skip
    return token, f"gb_{prefix}_{secret}"


@transaction.atomic
def revoke_token(*, token: ApiToken, actor: User) -> ApiToken:
    """End a token at once; its holder and administrators may."""
    token = locked(token, "user")
    allow(
        actor.is_active and (actor.pk == token.user_id or rules.can_manage_people(actor)),
        _("Only its holder or an administrator revokes a token."),
    )
    if token.revoked_at is not None:
        raise Refused("already_revoked", _("This token is revoked."))

    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    record(LifecycleAction.TOKEN_REVOKED, token, actor=actor, user=token.user_id)
    return token


def authenticate_token(*, text: str) -> ApiToken | None:
    """The living token behind a secret text, with its user; None for every reason not to let it in.

    Notes the last use at most once a minute. That is no change of a record, so that the ledger has no entry
    of it.
    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    prefix, secret = match.groups()
    token = _BY_PREFIX.first(prefix)
    if token is None or not hmac.compare_digest(token.secret_hmac, _hmac(prefix, secret)):
        return None
    now = timezone.now()
    if token.revoked_at is not None or token.expires_at <= now or not token.user.is_active:
        return None
    if token.last_used_at is None or now - token.last_used_at > _STALE:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        token.last_used_at = now
    return token


def _check(scope: str, days: int) -> None:
    if scope not in ApiToken.Scope.values:
        raise Invalid("unknown_scope", _("There is no such scope."), "scope")
    if not 1 <= days <= MOST_DAYS:
        raise Invalid("bad_days", _("A token is good for 1 to %(most)d days.") % {"most": MOST_DAYS}, "days")


def _check_project(holder: User, scope: str, project: Project | None) -> None:
    if project is None:
        return
    if scope != ApiToken.Scope.INTAKE:
        text = _("Only a token that sends runs is for one project.")
        raise Invalid("project_not_needed", text, "project")
    if not rules.can_take_part(holder, project):
        raise Invalid("unknown_project", _("You do not work in this project."), "project")


def _hmac(prefix: str, secret: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), f"{prefix}.{secret}".encode(), "sha256").hexdigest()
