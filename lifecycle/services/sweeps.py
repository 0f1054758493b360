"""The day's look at what has become due: every record once a day, in chunks, by any number of schedulers.

A part says which records it looks at and what it does with some of them. How far it has come is a row, so
that a crash or a standstill costs nothing. Two schedulers may do the same chunk at once: what a part does is
the same when it is done twice (a notice is told once, an expired acceptance reopens once).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils import timezone

from lifecycle.models import Sweep

log = logging.getLogger(__name__)

CHUNK = 200
CHUNKS_A_TICK = 20

Records = Callable[[datetime], QuerySet[Any]]
Work = Callable[[list[Any], datetime], None]


class Part(NamedTuple):
    """What is looked at (`records(now)`) and what is done with a list of it (`work(records, now)`)."""

    records: Records
    work: Work
    chunk: int


_PARTS: dict[str, Part] = {}


def sweep_part(name: str, records: Records, *, chunk: int = CHUNK) -> Callable[[Work], Work]:
    """Register the decorated function as part `name` of every day; higher apps have parts of their own."""

    def register(work: Work) -> Work:
        _PARTS[name] = Part(records, work, chunk)
        return work

    return register


def sweep_day(now: datetime) -> int:
    """Go on with what of today's look is left; returns how many records were looked at.

    1 query when nothing is left. A part that fails is logged and tried again at the next call; the others go
    on.
    """
    day = timezone.localdate(now)
    done = set(Sweep.objects.filter(day=day, finished_at__isnull=False).values_list("part", flat=True))
    seen = 0
    for name, part in list(_PARTS.items()):  # a part may load a module that has parts of its own
        if name in done:
            continue
        try:
            seen += _go_on(Sweep.objects.get_or_create(day=day, part=name)[0], part, now)
        except Exception:  # a process edge: one record that goes wrong must not hold up the other parts
            log.exception("part %s of the look at %s failed", name, day)
    return seen


def _go_on(sweep: Sweep, part: Part, now: datetime) -> int:
    seen = 0
    for _number in range(CHUNKS_A_TICK):
        records = list(part.records(now).filter(pk__gt=sweep.last_pk).order_by("pk")[: part.chunk])
        if records:
            part.work(records, now)
            sweep.last_pk = records[-1].pk
            seen += len(records)
        if len(records) < part.chunk:
            sweep.finished_at = timezone.now()
        # A scheduler that has come less far must not take back what another has done.
        Sweep.objects.filter(pk=sweep.pk, last_pk__lte=sweep.last_pk, finished_at__isnull=True).update(
            last_pk=sweep.last_pk, finished_at=sweep.finished_at
        )
        if sweep.finished_at:
            break
    return seen
