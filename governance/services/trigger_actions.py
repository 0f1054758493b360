"""What a trigger sets off on this floor: authorizations suspended or shortened, findings opened."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from governance.models import Authorization, Finding
from governance.services.authorizations import suspend_authorization
from governance.services.findings import open_finding
from governance.services.shortening import MOST_DAYS, shorten_authorization
from ledger.actors import SystemActor
from lifecycle.models import Firing, Trigger

SHORT_DAYS = 7.0


def carry_out(firing: Firing) -> None:
    """Do this floor's part of a firing's action; nothing for actions of the floor below."""
    act = ACTIONS.get(firing.trigger.action)
    if act is not None:
        act(firing, SystemActor(f"trigger {firing.trigger.key}"))


def _touched(firing: Firing) -> QuerySet[Authorization]:
    """The active authorizations that the firing is about: of the model that its run looked at, or all.

    `params.environment` narrows them to one environment.
    """
    active = Authorization.objects.filter(
        project_id=firing.trigger.project_id, state=Authorization.State.ACTIVE
    )
    if firing.run is not None and firing.run.model_version_id is not None:
        active = active.filter(model_version=firing.run.model_version_id)
    environment = firing.trigger.params.get("environment")
    return active.filter(environment=environment) if environment else active


def _suspend(firing: Firing, actor: SystemActor) -> None:
    for authorization in _touched(firing):
        suspend_authorization(authorization=authorization, actor=actor, reason=firing.summary)


def _shorten(firing: Firing, actor: SystemActor) -> None:
    given = firing.trigger.params.get("days", SHORT_DAYS)
    plain = isinstance(given, int | float) and not isinstance(given, bool) and 0 < given <= MOST_DAYS
    days = float(given) if plain else SHORT_DAYS
    for authorization in _touched(firing):
        shorten_authorization(authorization=authorization, actor=actor, days=days, reason=firing.summary)


def _find(firing: Firing, actor: SystemActor) -> None:
    severity = str(firing.trigger.params.get("severity", ""))
    open_finding(
        project=firing.trigger.project,
        title=firing.summary[:200],
        severity=severity if severity in Finding.Severity.values else Finding.Severity.MEDIUM,
        actor=actor,
        detail=_("Opened by trigger %(key)s. %(seen)s")
        % {"key": firing.trigger.key, "seen": str(firing.observed.get("summary") or "")},
    )


ACTIONS: dict[str, Callable[[Firing, SystemActor], None]] = {
    Trigger.Action.SUSPEND_AUTHORIZATION: _suspend,
    Trigger.Action.SHORTEN_AUTHORIZATION: _shorten,
    Trigger.Action.OPEN_FINDING: _find,
}
