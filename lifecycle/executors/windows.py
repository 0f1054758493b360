"""The current window of a monitoring run: which rows are in it, and whether they can be scored at all."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import pandas as pd

from lifecycle.executors.datasets import Dataset
from lifecycle.executors.errors import Invalid
from lifecycle.executors.monitoring_specs import MonitoringSpec, Window

State = Literal["scored", "empty", "too_few", "late"]

_LATE_SHARE = 0.25
"""Without a limit of its own a window is late when the last quarter of its time has brought no row."""


@dataclass(frozen=True)
class Cut:
    """The rows of the window, its state, and what is recorded of it."""

    dataset: Dataset
    state: State
    record: dict[str, Any]


def cut_window(spec: MonitoringSpec, source: Dataset) -> Cut:
    """The rows of `source` that the window holds, and whether they are enough, and complete.

    Raises Invalid when the column of time cannot be read.
    """
    if spec.window is None:
        kept, newest = source, None
    else:
        kept, newest = _between(spec.window, source)
    rows = len(kept.frame)
    state = _state(spec, rows, newest)
    record: dict[str, Any] = {
        "state": state,
        "rows": rows,
        "needed_rows": spec.min_rows,
        "text": _text(state, rows, spec, newest),
    }
    if spec.window is not None:
        record |= {
            "column": spec.window.column,
            "start": spec.window.start.isoformat(),
            "end": spec.window.end.isoformat(),
            "newest": newest.isoformat() if newest is not None else None,
        }
    return Cut(kept, state, record)


def _between(window: Window, source: Dataset) -> tuple[Dataset, pd.Timestamp | None]:
    times = read_times(source.frame[window.column])
    start, end = utc(window.start), utc(window.end)
    inside = ((times >= start) & (times < end)).to_numpy(dtype=bool)
    kept = source.frame.loc[inside].reset_index(drop=True)
    newest = times.max() if times.notna().any() else None
    part = Dataset(source.uri, source.sha256, source.bytes, kept, source.rows_in_file, source.columns)
    return part, newest


def read_times(column: "pd.Series[Any]", where: str = "/window/column") -> "pd.Series[pd.Timestamp]":
    """A column as times in UTC; a time without zone counts as UTC. Raises Invalid naming what is no time."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_datetime64_any_dtype(column):
        text = f"“{column.name}” holds numbers; a column of times is needed."
        raise Invalid("not_a_time", text, where)
    try:
        return pd.to_datetime(column, utc=True, format="ISO8601")
    except (ValueError, TypeError) as error:
        first = str(error).strip().splitlines()[0][:200]
        raise Invalid("not_a_time", f"“{column.name}” must hold times: {first}", where) from error


def utc(moment: datetime) -> pd.Timestamp:
    """The moment in UTC, which is what a time without zone is taken to be in."""
    stamp = pd.Timestamp(moment)
    return stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")


def _state(spec: MonitoringSpec, rows: int, newest: pd.Timestamp | None) -> State:
    if spec.window is not None and newest is not None and newest < _expected(spec.window):
        return "late"
    if rows == 0:
        return "empty"
    return "too_few" if rows < spec.min_rows else "scored"


def _expected(window: Window) -> pd.Timestamp:
    """The time that the newest row of the source must have reached."""
    whole = utc(window.end) - utc(window.start)
    slack = (
        whole * _LATE_SHARE if window.late_after_hours is None else timedelta(hours=window.late_after_hours)
    )
    return utc(window.end) - slack


def _text(state: State, rows: int, spec: MonitoringSpec, newest: pd.Timestamp | None) -> str:
    if state == "late" and newest is not None:
        return (
            f"The window is late: the newest row of “{spec.current.uri}” is of {newest:%Y-%m-%d %H:%M} UTC."
        )
    if state == "empty":
        return "The window is empty: no row of the data is from its time."
    if state == "too_few":
        count = f"{rows} row{'' if rows == 1 else 's'}"
        return f"The window has {count}; at least {spec.min_rows} are needed to say anything."
    return f"The window has {rows} rows."
