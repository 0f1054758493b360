"""How work flows over the whole organization, as computed ahead: a page reads one row.

In a small ledger nothing is kept and every page computes afresh. What is kept says as of when it is.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from lifecycle.models import KeptFigures, Project
from lifecycle.queries.analytics import Analytics, analytics_among
from lifecycle.queries.analytics_rows import GateRounds, HandoffTime, Holding, Loop, PhaseTime, WorkTime

DAYS = (30, 90, 365, None)
"""The periods of the page; None is all time."""
MOST_LOOPS = 1_000
MOST_READ = 400_000
"""So many of the newest entries are read in the background; a page reads fewer."""
_ROWS: dict[str, type[Any]] = {
    "phases": PhaseTime, "work": WorkTime, "handoffs": HandoffTime, "holders": Holding, "loops": Loop,
    "gates": GateRounds,
}  # fmt: skip


def name_of(days: int | None) -> str:
    """What the figures of a period are kept under."""
    return f"analytics:{days or 'all'}"


def kept_analytics(days: int | None) -> tuple[Analytics, dt.datetime] | None:
    """The figures of a period with the moment of which they are, None if there are none. 1 query.

    Older than a day they count as none: then nothing runs in the background.
    """
    yesterday = timezone.now() - dt.timedelta(days=1)
    kept = KeptFigures.objects.filter(name=name_of(days), made_at__gt=yesterday).first()
    return (_read(kept.figures), kept.made_at) if kept is not None else None


def computed(projects: QuerySet[Project], days: int | None) -> dict[str, Any]:
    """The figures of a period over these projects, as they are kept. 3 queries and much time."""
    seen = analytics_among(projects, days=days, most=MOST_READ)
    found = dataclasses.asdict(dataclasses.replace(seen, loops=seen.loops[:MOST_LOOPS]))
    for loop in found["loops"]:
        loop["at"] = loop["at"].isoformat() if loop["at"] is not None else None
    return found


def _read(figures: dict[str, Any]) -> Analytics:
    tables = {name: [row(**line) for line in figures[name]] for name, row in _ROWS.items()}
    tables["loops"] = [
        dataclasses.replace(loop, at=parse_datetime(loop.at) if loop.at else None) for loop in tables["loops"]
    ]
    return Analytics(**tables, projects=figures["projects"], cut=figures["cut"])
