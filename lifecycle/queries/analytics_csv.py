"""The tables of the analytics as CSV: times in seconds, moments in UTC."""

from __future__ import annotations

import dataclasses
from typing import Any

from lifecycle.queries.analytics import Analytics
from lifecycle.queries.analytics_rows import GateRounds, HandoffTime, Holding, Loop, PhaseTime, WorkTime
from lifecycle.spreadsheets import line_of

TABLES: dict[str, type[Any]] = {
    "phases": PhaseTime,
    "work": WorkTime,
    "handoffs": HandoffTime,
    "holders": Holding,
    "loops": Loop,
    "gates": GateRounds,
}


def table_csv(seen: Analytics, table: str) -> str:
    """One table with its header; KeyError for a table that is not there."""
    names = [each.name for each in dataclasses.fields(TABLES[table])]
    rows = ([getattr(row, name) for name in names] for row in getattr(seen, table))
    return line_of(names) + "".join(map(line_of, rows))
