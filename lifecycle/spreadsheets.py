"""Tables as CSV that a spreadsheet opens without harm. A leaf."""

import csv
import datetime as dt
import io
from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def line_of(values: Iterable[object]) -> str:
    """One line with its end; moments in UTC, numbers to the thousandth, what is None empty."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([cell(value) for value in values])
    return out.getvalue()


def cell(value: object) -> object:
    """As a spreadsheet should read it: a text that looks like a formula stays a text."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="seconds")
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
