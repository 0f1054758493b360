"""Handoffs as events that triggers look at: each step of one, and that it is over its date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.utils.translation import gettext as _

from lifecycle.definitions import TriggerKind
from lifecycle.models import Handoff, Trigger
from lifecycle.services.firings import handle_event

KIND = TriggerKind.HANDOFF.value


def show_step(handoff_id: int) -> None:
    """Put before the triggers what a handoff has just become. In the transaction of the step."""
    handoff = Handoff.objects.select_related("iteration__project").get(pk=handoff_id)
    said = _("%(handoff)s is %(state)s")
    event = _seen(handoff, 0, said % {"handoff": handoff, "state": handoff.get_state_display().lower()})
    key = f"handoff:{handoff.pk}:{handoff.rounds}:{handoff.state}"
    handle_event(project=handoff.iteration.project, kind=KIND, event=event, event_key=key)


def show_overdue(handoffs: Collection[Handoff], today: dt.date) -> None:
    """Put before the triggers, day by day, which handoffs are over their dates.

    For each date that it was given, a handoff fires a trigger once. 1 query where no project has such a
    trigger.
    """
    late = [each for each in handoffs if each.due_on is not None and each.due_on < today]
    asked = Trigger.objects.filter(
        project__in={each.iteration.project_id for each in late}, kind=KIND, enabled=True
    )
    listening = set(asked.order_by().values_list("project_id", flat=True))
    for each in late:
        if each.iteration.project_id in listening:
            days = (today - (each.due_on or today)).days
            event = _seen(
                each, days, _("%(handoff)s is %(days)d days late") % {"handoff": each, "days": days}
            )
            key = f"handoff:{each.pk}:overdue:{each.due_on}"
            handle_event(project=each.iteration.project, kind=KIND, event=event, event_key=key)


def _seen(handoff: Handoff, days_late: int, summary: str) -> dict[str, Any]:
    return {
        "handoff": handoff.key, "state": handoff.state, "phase": handoff.phase_key, "round": handoff.rounds,
        "overdue": days_late > 0, "days_late": days_late, "reason": handoff.reason[:300],
        "summary": summary[:500],
    }  # fmt: skip
