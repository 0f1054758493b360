"""What ends by itself: authorizations and the youth of models. Parts of the day's sweep."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from governance.models import Authorization, Deployment
from governance.services.telling import tell_ended, tell_ending
from lifecycle.models import Project
from lifecycle.services.sweeps import sweep_part
from lifecycle.services.triggers import handle_event

SOON = timedelta(days=14)
LONG_AGO = timedelta(days=30)


def _ending(now: datetime) -> QuerySet[Authorization]:
    found = Authorization.objects.filter(
        state__in=(Authorization.State.ACTIVE, Authorization.State.SUSPENDED),
        valid_until__lte=now + SOON, valid_until__gt=now - LONG_AGO, project__state=Project.State.ACTIVE,
    )  # fmt: skip
    return found.select_related("project", "gate", "model_version")


@sweep_part("authorizations", _ending, chunk=50)
def end_authorizations(found: list[Authorization], now: datetime) -> None:
    """Say which end within 14 days; put those that have ended before the triggers.

    An authorization ends by its date without anybody's doing, so there is nothing to change and no entry.
    """
    tell_ending(each for each in found if each.valid_until > now)
    for each in found:
        if each.valid_until <= now:
            _end(each, now)


@transaction.atomic
def _end(given: Authorization, now: datetime) -> None:
    ended = f"{given.valid_until:%Y-%m-%d}"
    said = _("The authorization for %(environment)s ended on %(day)s.")
    event = {
        "expired": "authorization", "model": given.model_digest, "environment": given.environment,
        "until": given.valid_until.isoformat(), "model_age_days": (now - given.model_version.created_at).days,
        "summary": said % {"environment": given.environment, "day": ended},
    }  # fmt: skip
    key = f"authorization:{given.pk}:{ended}"
    handle_event(project=given.project, kind="expiry", event=event, event_key=key)
    tell_ended(given)


def _live(now: datetime) -> QuerySet[Deployment]:
    found = Deployment.objects.filter(state=Deployment.State.LIVE, project__state=Project.State.ACTIVE)
    return found.select_related("project", "model_version")


@sweep_part("model_ages", _live)
def tell_ages(found: list[Deployment], now: datetime) -> None:
    """Put the age of each live model before the triggers; a deployment that has fired one does so once."""
    for each in found:
        days = (now - each.model_version.created_at).days
        event = {
            "model_age_days": days, "model": each.model_version.digest, "environment": each.environment,
            "summary": _("The model in %(environment)s is %(days)d days old.")
            % {"environment": each.environment, "days": days},
        }  # fmt: skip
        handle_event(project=each.project, kind="expiry", event=event, event_key=f"model-age:{each.pk}")
