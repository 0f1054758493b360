"""What people and other systems report: new data, changes, incidents, rules, measurements.

A report is kept as it was sent, enters the ledger, and is put before the project's triggers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import Firing, Project, ReportedEvent, User
from lifecycle.services.event_shapes import SHAPES, check_event
from lifecycle.services.firings import handle_event
from lifecycle.services.steps import allow, ensure_active, locked, record
from lifecycle.services.telling import tell_reported
from lifecycle.services.texts import line


class Reported(NamedTuple):
    """A report, what it fired, and whether this call brought it."""

    report: ReportedEvent
    firings: list[Firing]
    created: bool


@transaction.atomic
def report_event(*, project: Project, kind: str, event: Mapping[str, Any], key: str, actor: User) -> Reported:
    """Keep what has happened and put it before the triggers.

    `key` is the reporter's own name of the event (100 characters): reported again with the same content, the
    first report is the answer. `event` has the keys of its kind (`SHAPES`); what else a trigger of the
    project looks at goes into `details`. Raises `Invalid` with the place, `Refused("key_used")` for another
    event under the key, PermissionDenied for whoever takes no part in the project.
    """
    project = locked(project)
    allow(rules.can_take_part(actor, project), _("Only people who work on the project report events."))
    if kind not in SHAPES:
        known = ", ".join(SHAPES)
        raise Invalid("unknown_kind", _("The kinds of events are: %(known)s.") % {"known": known}, "kind")
    key, checked = line(key, "key", most=100), check_event(kind, event)
    ensure_active(project)
    known_report = ReportedEvent.objects.filter(project=project, key=key).first()
    if known_report is not None:
        if (known_report.kind, known_report.event) != (kind, checked):
            raise Refused("key_used", _("Another event was reported under this key."))
        return Reported(known_report, firings_of(known_report), created=False)

    report = ReportedEvent.objects.create(
        project=project, kind=kind, key=key, event=checked, reported_by=actor, reported_at=timezone.now()
    )
    record(
        LifecycleAction.EVENT_REPORTED, report, actor=actor, project=project,
        kind=kind, key=key, event=checked,
    )  # fmt: skip
    fired = handle_event(project=project, kind=kind, event=checked, event_key=report.event_key)
    tell_reported(report)
    return Reported(report, fired, created=True)


def firings_of(report: ReportedEvent) -> list[Firing]:
    """What a report fired. 1 query."""
    fired = Firing.objects.filter(trigger__project=report.project_id, event_key=report.event_key)
    return list(fired.select_related("trigger").order_by("pk"))
