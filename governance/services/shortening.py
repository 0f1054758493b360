"""Brings the end of an authorization nearer, as a trigger may ask when a model begins to drift."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.models import Authorization
from governance.rules.gates import may_manage
from ledger.actors import Actor
from ledger.services import append
from lifecycle.models import User

MOST_DAYS = 366


@transaction.atomic
def shorten_authorization(
    *, authorization: Authorization, actor: User | Actor, days: float, reason: str
) -> Authorization:
    """Let an active authorization end in so many days, if it would hold for longer. Never makes it longer."""
    authorization = (
        Authorization.objects.select_for_update(of=("self",))
        .select_related("project")
        .get(pk=authorization.pk)
    )
    if isinstance(actor, User) and not may_manage(actor, authorization.project):
        raise PermissionDenied(_("Only a manager of the project can do this."))
    if not 0 < days <= MOST_DAYS:
        raise Invalid("bad_days", _("The days are more than 0 and at most 366."), "days")
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why."), "reason")
    if authorization.state != Authorization.State.ACTIVE:
        raise Refused("not_active", _("Only an active authorization can be shortened."))
    before, after = authorization.valid_until, now() + timedelta(days=days)
    if before <= after:
        return authorization

    authorization.valid_until = after
    authorization.save(update_fields=["valid_until"])
    detail = {
        "from": before.isoformat(),
        "to": after.isoformat(),
        "reason": reason,
        "model": authorization.model_digest,
    }
    append(
        actor=actor,
        action=Action.AUTHORIZATION_SHORTENED,
        subject=authorization,
        project=authorization.project.slug,
        detail=detail,
    )
    return authorization
