"""Permission for one model digest in one environment: given by a gate, suspended, resumed, withdrawn."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance import events
from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.models import AUTHORIZATION_STATES, Authorization, Gate
from governance.queries.limits import latest_end
from governance.rules.gates import may_manage
from ledger.actors import Actor
from ledger.services import append, hold_ledger
from lifecycle.models import User


@transaction.atomic
def give_authorization(*, gate: Gate, actor: User) -> Authorization:
    """Authorize the model of a passed gate for its environment and scope, as long as the definition says.

    Raises `Refused` if the gate has not been passed or names no model.
    """
    hold_ledger()
    gate = (
        Gate.objects.select_for_update(of=("self",))
        .select_related("model_version", "iteration__project")
        .get(pk=gate.pk)
    )
    if not gate.is_passed or gate.model_version is None:
        raise Refused("gate_not_passed", _("Only a passed gate that names a model authorizes."))
    if not gate.definition["authorizes"]:
        raise Refused("gate_authorizes_nothing", _("Passing this gate authorizes nothing."))
    if Authorization.objects.filter(gate=gate).exists():
        raise Refused("already_authorized", _("This gate has given its authorization."))
    start = now()
    authorization = Authorization.objects.create(
        project=gate.iteration.project,
        gate=gate,
        model_version=gate.model_version,
        model_digest=gate.model_version.digest,
        environment=gate.environment,
        scope=gate.scope,
        valid_from=start,
        valid_until=latest_end(gate, start),
    )
    detail = {
        "iteration": gate.iteration.number,
        "model": authorization.model_digest,
        "environment": authorization.environment,
        "scope": authorization.scope,
        "valid_until": authorization.valid_until.isoformat(),
    }
    _record(authorization, actor, Action.AUTHORIZATION_GIVEN, detail)
    return authorization


def suspend_authorization(*, authorization: Authorization, actor: User | Actor, reason: str) -> Authorization:
    """Stop it until somebody resumes it. A manager may, and a trigger."""
    return _move(authorization, actor, "suspend", Action.AUTHORIZATION_SUSPENDED, reason)


def resume_authorization(*, authorization: Authorization, actor: User, reason: str) -> Authorization:
    """Let a suspended authorization hold again."""
    return _move(authorization, actor, "resume", Action.AUTHORIZATION_RESUMED, reason)


def withdraw_authorization(
    *,
    authorization: Authorization,
    actor: User | Actor,
    reason: str,
    changes: list[dict[str, str]] | None = None,
) -> Authorization:
    """End it for good; another gate can give another one. `changes`: what was signed for and is no more."""
    more: dict[str, object] = {"changes": changes} if changes else {}
    return _move(authorization, actor, "withdraw", Action.AUTHORIZATION_WITHDRAWN, reason, more)


@transaction.atomic
def _move(
    authorization: Authorization,
    actor: User | Actor,
    event: str,
    action: Action,
    reason: str,
    more: dict[str, object] | None = None,
) -> Authorization:
    # Before the row: whoever changes what was signed for holds the ledger when it comes to the authorization.
    hold_ledger()
    authorization = (
        Authorization.objects.select_for_update(of=("self",))
        .select_related("project")
        .get(pk=authorization.pk)
    )
    if isinstance(actor, User) and not may_manage(actor, authorization.project):
        raise PermissionDenied(_("Only a manager of the project can do this."))
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why."), "reason")
    before = authorization.state
    after = AUTHORIZATION_STATES.next(before, event)

    authorization.state, authorization.state_reason = after, reason
    authorization.save(update_fields=["state", "state_reason"])
    detail: dict[str, object] = {
        "from": before,
        "to": after,
        "reason": reason,
        "model": authorization.model_digest,
        **(more or {}),
    }
    _record(authorization, actor, action, detail)
    if after != Authorization.State.ACTIVE:
        told = events.AuthorizationStopped(authorization.pk, authorization.project_id, after)
        events.authorization_stopped.send(sender=Authorization, event=told)
    return authorization


def _record(
    authorization: Authorization, actor: User | Actor, action: Action, detail: dict[str, object]
) -> None:
    append(
        actor=actor, action=action, subject=authorization, project=authorization.project.slug, detail=detail
    )
