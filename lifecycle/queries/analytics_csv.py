"""The tables of the analytics as CSV: times in seconds, moments in UTC."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
from typing import Any

from lifecycle.queries.analytics import Analytics
from lifecycle.queries.analytics_rows import GateRounds, HandoffTime, Holding, Loop, PhaseTime, WorkTime

TABLES: dict[str, type[Any]] = {
    "phases": PhaseTime,
    "work": WorkTime,
    "handoffs": HandoffTime,
    "holders": Holding,
    "loops": Loop,
    "gates": GateRounds,
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table_csv(seen: Analytics, table: str) -> str:
    """One table with its header; KeyError for a table that is not there."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    names = [each.name for each in dataclasses.fields(TABLES[table])]
    writer.writerow(names)
    for row in getattr(seen, table):
        writer.writerow([_cell(getattr(row, name)) for name in names])
    return out.getvalue()


def _cell(value: object) -> object:
    """As a spreadsheet should read it: a text that looks like a formula stays a text."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="seconds")
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
