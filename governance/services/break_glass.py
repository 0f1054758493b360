"""Break-glass: two people let one model version be deployed without an authorization, for some hours.

Reviewers and auditors hear of it at once, and a finding holds every gate of the project closed until somebody
has looked into it. The gate check goes on to say no.
"""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.models import BREAK_GLASS_STATES, BreakGlass, Finding
from governance.rules.gates import may_ask, may_judge, may_manage
from governance.services.findings import open_finding
from governance.services.telling import tell_glass
from ledger.actors import Actor, SystemActor
from ledger.services import append
from lifecycle.models import ModelVersion, Project, User

LONGEST_HOURS = 24
WAITS = dt.timedelta(hours=4)
"""So long may the second person take."""
REVIEW_DAYS = 7


@transaction.atomic
def ask_break_glass(
    *, project: Project, actor: User, model_version: ModelVersion, environment: str, reason: str, hours: int
) -> BreakGlass:
    """Ask that a model version may be deployed without an authorization, for so many hours (24 at the most).

    People who work on the project may ask. Raises `Invalid` for a missing reason or environment or another
    time, `Refused` if the same is asked for or open.
    """
    if not may_ask(actor, project):
        raise PermissionDenied(_("Only people who work on this project can break the glass."))
    if project.state != Project.State.ACTIVE:
        raise Refused("project_closed", _("This project is closed."))
    if model_version.project_id != project.pk:
        raise Invalid("model_of_other_project", _("This model belongs to another project."), "model_version")
    environment = environment.strip()
    if not environment:
        raise Invalid("environment_missing", _("Say which environment."), "environment")
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why it cannot wait for a gate."), "reason")
    if not 1 <= hours <= LONGEST_HOURS:
        words = {"most": LONGEST_HOURS}
        raise Invalid("hours_unfit", _("Between 1 and %(most)d hours.") % words, "hours")
    there = project.broken_glass.filter(
        model_version=model_version, environment=environment, state__in=_STANDING
    )
    if there.exists():
        raise Refused("already_asked", _("This is asked for or open already."))
    glass = BreakGlass.objects.create(
        project=project, model_version=model_version, environment=environment, reason=reason.strip(),
        hours=hours, asked_by=actor, asked_at=now(),
    )  # fmt: skip
    _record(glass, actor, Action.GLASS_ASKED, hours=hours, reason=glass.reason)
    tell_glass(glass)
    return glass


@transaction.atomic
def open_break_glass(*, glass: BreakGlass, actor: User) -> BreakGlass:
    """Say yes as the second person: a manager or a reviewer who did not ask.

    Opens the finding and tells reviewers, managers and auditors. Raises `Refused` after four hours.
    """
    glass = _locked(glass)
    _refuse_who_may_not(glass, actor)
    state = BREAK_GLASS_STATES.next(glass.state, "open")
    if now() > glass.asked_at + WAITS:
        raise Refused("asked_too_long_ago", _("It was asked for too long ago: ask again."))
    glass.state, glass.decided_by, glass.decided_at = state, actor, now()
    glass.ends_at = glass.decided_at + dt.timedelta(hours=glass.hours)
    _record(glass, actor, Action.GLASS_OPENED, ends_at=glass.ends_at.isoformat())
    words = {"model": glass.model_version, "environment": glass.environment}
    title = _("%(model)s was let into %(environment)s without an authorization")
    glass.finding = open_finding(
        project=glass.project, title=title % words, severity=Finding.Severity.HIGH, holds=True,
        detail=glass.reason, actor=SystemActor("break-glass"), glass=glass,
        due_on=(glass.decided_at + dt.timedelta(days=REVIEW_DAYS)).date(),
    )  # fmt: skip
    glass.save(update_fields=["state", "decided_by", "decided_at", "ends_at", "finding"])
    tell_glass(glass)
    return glass


@transaction.atomic
def refuse_break_glass(*, glass: BreakGlass, actor: User) -> BreakGlass:
    """Say no as the second person."""
    glass = _locked(glass)
    _refuse_who_may_not(glass, actor)
    glass.state = BREAK_GLASS_STATES.next(glass.state, "refuse")
    glass.decided_by, glass.decided_at = actor, now()
    glass.save(update_fields=["state", "decided_by", "decided_at"])
    _record(glass, actor, Action.GLASS_REFUSED)
    return glass


@transaction.atomic
def end_break_glass(*, glass: BreakGlass, actor: User | Actor) -> BreakGlass:
    """End it before its time, or note that its time is over; what runs under it has to be taken back."""
    glass = _locked(glass)
    if isinstance(actor, User) and not (may_manage(actor, glass.project) or actor.pk == glass.asked_by_id):
        raise PermissionDenied(_("Only a manager or who asked for it ends it."))
    glass.state = BREAK_GLASS_STATES.next(glass.state, "end")
    glass.save(update_fields=["state"])
    _record(glass, actor, Action.GLASS_ENDED)
    return glass


def open_glass_for(project: Project, model_version: ModelVersion, environment: str) -> BreakGlass | None:
    """What lets this be deployed now without an authorization, if anything does. 1 query."""
    found = project.broken_glass.filter(
        model_version=model_version, environment=environment, state=BreakGlass.State.OPEN, ends_at__gt=now()
    )
    return found.order_by("-ends_at").first()


_STANDING = (BreakGlass.State.ASKED, BreakGlass.State.OPEN)


def _refuse_who_may_not(glass: BreakGlass, actor: User) -> None:
    if not may_judge(actor, glass.project):
        raise PermissionDenied(_("Only a reviewer or a manager can be the second person."))
    if actor.pk == glass.asked_by_id:
        raise PermissionDenied(_("It takes two people: you asked for it."))


def _locked(glass: BreakGlass) -> BreakGlass:
    found = BreakGlass.objects.select_for_update(of=("self",))
    return found.select_related("project", "model_version", "asked_by").get(pk=glass.pk)


def _record(glass: BreakGlass, actor: User | Actor, action: Action, **detail: object) -> None:
    known = {"model": glass.model_version.digest, "environment": glass.environment}
    append(actor=actor, action=action, subject=glass, project=glass.project.slug, detail={**known, **detail})
