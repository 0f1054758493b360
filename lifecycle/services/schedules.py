"""Triggers that go by the clock. Safe with any number of schedulers: a due time is taken by one update."""

import logging
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from django.db import transaction

from lifecycle.models import Firing, Project, Trigger
from lifecycle.services.firings import fire_due
from lifecycle.services.steps import locked

log = logging.getLogger(__name__)


def next_due(trigger: Trigger, after: datetime) -> datetime:
    """The first time after `after` that the cron line names, read in the time zone of `params.timezone`."""
    try:
        zone = ZoneInfo(str(trigger.params.get("timezone") or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        log.warning("trigger %s names no known time zone; its schedule is read in UTC", trigger.pk)
        zone = ZoneInfo("UTC")
    moment: datetime = croniter(trigger.schedule, after.astimezone(zone)).get_next(datetime)
    return moment.astimezone(UTC)


def run_due_schedules(now: datetime) -> list[Firing]:
    """Fire every schedule that is due, once however many of its times were missed; returns the firings.

    A trigger that was never looked at gets its first due time and does not fire yet.
    """
    clocked = Trigger.objects.filter(
        kind="schedule", enabled=True, project__state=Project.State.ACTIVE
    ).exclude(schedule="")
    for trigger in clocked.filter(next_due_at__isnull=True):
        Trigger.objects.filter(pk=trigger.pk, next_due_at__isnull=True).update(
            next_due_at=next_due(trigger, now)
        )
    due = clocked.filter(next_due_at__lte=now).select_related("project").order_by("next_due_at", "pk")
    firings = (_run_one(trigger, now) for trigger in due)
    return [firing for firing in firings if firing is not None]


@transaction.atomic
def _run_one(trigger: Trigger, now: datetime) -> Firing | None:
    locked(trigger.project)
    due = trigger.next_due_at
    mine = Trigger.objects.filter(pk=trigger.pk, next_due_at=due, enabled=True)
    if due is None or not mine.update(next_due_at=next_due(trigger, now)):
        return None
    return fire_due(trigger=trigger, due=due)
