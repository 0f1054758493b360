"""How long what a gate gave can hold at most."""

from __future__ import annotations

import datetime as dt

from governance.models import Condition, Gate, Waiver


def latest_end(gate: Gate, start: dt.datetime) -> dt.datetime:
    """When an authorization from `start` ends: with its validity, a waiver behind it, or a condition's day.

    So the gate check says no from the very moment on, whenever the site next looks at what is due. 2 queries.
    """
    ends = [start + dt.timedelta(days=int(gate.definition["validity_days"]))]
    waivers = Waiver.objects.filter(results__evaluation__in=_decided_on(gate))
    ends += [end_of(day) for day in waivers.values_list("expires_on", flat=True)]
    conditions = gate.conditions.filter(state__in=(Condition.State.OPEN, Condition.State.MISSED))
    ends += [end_of(day) for day in conditions.values_list("due_on", flat=True)]
    return max(min(ends), start + dt.timedelta(seconds=1))


def end_of(day: dt.date) -> dt.datetime:
    """The moment at which a day is over everywhere that this site speaks of: midnight, UTC."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=dt.UTC)


def _decided_on(gate: Gate) -> list[int]:
    """The evaluation that was last looked at."""
    last = gate.evaluations.order_by("-evaluated_at", "-pk").values_list("pk", flat=True).first()
    return [] if last is None else [last]
