"""The tables in the data of a report, with their values as Python has them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from reports.papers.kinds import Kind

Value = str | int | float | date | datetime | None


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A column: its name for a machine, its title for a reader, and what its values are."""

    key: str
    title: str
    kind: Kind


@dataclass(frozen=True, kw_only=True)
class DataTable:
    """A table of a report, named the same in each form."""

    name: str
    caption: str
    columns: tuple[Heading, ...]
    rows: tuple[tuple[Value, ...], ...]


def tables_of(data: dict[str, Any]) -> tuple[DataTable, ...]:
    """All tables in the order of the report; two of one name are told apart by a number."""
    seen: dict[str, int] = {}
    return tuple(_table(each, seen) for each in data["tables"])


def _table(data: dict[str, Any], seen: dict[str, int]) -> DataTable:
    name = data["name"]
    seen[name] = seen.get(name, 0) + 1
    columns = tuple(Heading(key=c["key"], title=c["title"], kind=Kind(c["kind"])) for c in data["columns"])
    return DataTable(
        name=name if seen[name] == 1 else f"{name}-{seen[name]}",
        caption=data["caption"],
        columns=columns,
        rows=tuple(tuple(_values(columns, row)) for row in data["rows"]),
    )


def _values(columns: tuple[Heading, ...], row: list[Any]) -> Iterator[Value]:
    for column, value in zip(columns, row, strict=True):
        yield _value(column.kind, value)


def _value(kind: Kind, value: Any) -> Value:
    """Days and moments as such; a list or an object as it would be read out."""
    if isinstance(value, str) and kind is Kind.MOMENT:
        return datetime.fromisoformat(value).astimezone(UTC)
    if isinstance(value, str) and kind is Kind.DAY:
        return date.fromisoformat(value[:10])
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        return str(value)
    return value
