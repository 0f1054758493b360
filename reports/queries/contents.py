"""What a finished report says, for its page: verdict, five answers, and the beginning of each table."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from reports.formats.tables import DataTable, Heading, Value, tables_of
from reports.papers.kinds import Kind

SHOWN = 25  # rows of a table on the page; all are in the files
LOOKS = {Kind.NUMBER: "num", Kind.DIGEST: "mono wrap-any", Kind.CODE: "code wrap-any", Kind.MOMENT: "w2"}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A value as people read it, with the title of its column and how it is set."""

    title: str
    text: str
    look: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class ShownTable:
    """The first rows of a table, and how many there are in all."""

    name: str
    caption: str
    columns: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int


def shown_tables(data: dict[str, Any]) -> list[ShownTable]:
    """Every table of the report in its order, those without rows too. No two have the same caption."""
    seen: Counter[str] = Counter()
    found = []
    for table in tables_of(data):
        seen[table.caption] += 1
        number = seen[table.caption]
        found.append(_shown(table, table.caption if number == 1 else f"{table.caption} ({number})"))
    return found


def _shown(table: DataTable, caption: str) -> ShownTable:
    rows = tuple(
        tuple(_cell(column, value) for column, value in zip(table.columns, row, strict=True))
        for row in table.rows[:SHOWN]
    )
    return ShownTable(
        name=table.name, caption=caption, columns=table.columns, rows=rows, total=len(table.rows)
    )


def _cell(column: Heading, value: Value) -> Cell:
    return Cell(
        title=column.title, text=_text(value), look=LOOKS.get(column.kind, ""), kind=column.kind.value
    )


def _text(value: Value) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%-d %b %Y %H:%M}"
    if isinstance(value, date):
        return f"{value:%-d %b %Y}"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
