"""How long what a gate gave can hold at most."""

from __future__ import annotations

import datetime as dt

from governance.models import Condition, Gate, Waiver
from lifecycle.models import Risk, Task


def latest_end(gate: Gate, start: dt.datetime) -> dt.datetime:
    """When an authorization from `start` ends: with its validity, or with the last day of a waiver, of a
    condition or of an accepted risk behind it.

    So the gate check says no from the very moment on, whenever the site next looks at what is due. 4 queries.
    """
    ends = [start + dt.timedelta(days=int(gate.definition["validity_days"]))]
    waivers = Waiver.objects.filter(results__evaluation__in=_decided_on(gate))
    ends += [end_of(day) for day in waivers.values_list("expires_on", flat=True)]
    conditions = gate.conditions.filter(state__in=(Condition.State.OPEN, Condition.State.MISSED))
    ends += [end_of(day) for day in conditions.values_list("due_on", flat=True)]
    ends += [end_of(day) for day in _accepted_until(gate)]
    return max(min(ends), start + dt.timedelta(seconds=1))


def end_of(day: dt.date) -> dt.datetime:
    """The moment at which a day is over everywhere that this site speaks of: midnight, UTC."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=dt.UTC)


def _accepted_until(gate: Gate) -> list[dt.date]:
    """The last days of the risks that were accepted for a time, in the phases that the gate looks at."""
    looked_at = Risk.objects.filter(
        task__phase__iteration=gate.iteration_id, task__phase__order__lte=gate.phase.order,
        state=Risk.State.ACCEPTED, accepted_until__isnull=False,
    ).exclude(task__state=Task.State.NOT_APPLICABLE)  # fmt: skip
    return [day for day in looked_at.values_list("accepted_until", flat=True) if day is not None]


def _decided_on(gate: Gate) -> list[int]:
    """The evaluation that was last looked at."""
    last = gate.evaluations.order_by("-evaluated_at", "-pk").values_list("pk", flat=True).first()
    return [] if last is None else [last]
