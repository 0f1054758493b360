"""Tables read in batches: CSV, Parquet, and what an SQL query gives. Below the data root, of bounded size.

Cells of a CSV are taken as the text that they are, since guessing their types from some of the rows would
make the digest depend on which rows come first; the types that are shown are found over all rows.
"""

from __future__ import annotations

import csv
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.utils.translation import gettext as _

from lifecycle.artifacts.rows import Column, Row
from lifecycle.errors import Invalid
from lifecycle.executors.datasets import MAX_CELLS

BATCH = 1024
MOST_BATCH_BYTES = 256 * 1024**2
MOST_COLUMNS = 10_000
MOST_FIELD = 16 * 1024**2
QUERY_SECONDS = 600.0
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")


@dataclass
class Table:
    """A table as it is read: columns with the types that go into the digest, and rows in batches, once."""

    columns: list[Column]
    batches: Iterator[list[Row]]
    found: list[_Kinds] = field(default_factory=list)

    @property
    def schema(self) -> list[dict[str, str]]:
        """Names and types for people; of a CSV known once all rows were read."""
        if self.found:
            return [
                {"name": column.name, "type": kinds.word}
                for column, kinds in zip(self.columns, self.found, strict=True)
            ]
        return [{"name": each.name, "type": each.type} for each in self.columns]


def open_table(path: Path, kind: str, query: str = "") -> Table:
    """The table in a file: `csv`, `parquet`, or `sql` for a query on an SQLite file.

    Raises `Invalid` for what cannot be read, at the time that it is found.
    """
    if kind == "csv":
        return _csv(path)
    return _parquet(path) if kind == "parquet" else _sql(path, query)


# ---- CSV ----


@dataclass
class _Kinds:
    """What the cells of a column have been so far."""

    whole: bool = True
    number: bool = True
    date: bool = True
    moment: bool = True
    seen: bool = False

    def see(self, text: str) -> None:
        if text == "":
            return
        self.seen = True
        self.whole = self.whole and _WHOLE.fullmatch(text) is not None
        self.number = self.number and _NUMBER.fullmatch(text) is not None
        self.date = self.date and _DATE.fullmatch(text) is not None
        self.moment = self.moment and _TIME.fullmatch(text) is not None

    @property
    def word(self) -> str:
        if not self.seen:
            return "empty"
        named = (("integer", self.whole), ("number", self.number), ("date", self.date), ("time", self.moment))
        return next((word for word, holds in named if holds), "text")


def _csv(path: Path) -> Table:
    lines = _csv_lines(path)
    names = next(lines, None)
    if not names:
        raise Invalid("file_empty", _("The file has no line that names the columns."), "/uri")
    _check_names(names)
    found = [_Kinds() for _name in names]
    return Table([Column(name, "text") for name in names], _csv_batches(lines, len(names), found), found)


def _csv_lines(path: Path) -> Iterator[list[str]]:
    csv.field_size_limit(MOST_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from csv.reader(file, strict=True)
    except (UnicodeDecodeError, csv.Error) as error:
        text = _("This is not CSV in UTF-8: %(why)s.") % {"why": error}
        raise Invalid("not_parsable", text, "/uri") from error


def _csv_batches(lines: Iterator[list[str]], width: int, found: list[_Kinds]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for number, line in enumerate(lines, 2):
        if not line:
            continue
        if len(line) != width:
            words = {"line": number, "has": len(line), "wants": width}
            text = _("Line %(line)d has %(has)d fields; the header has %(wants)d.")
            raise Invalid("not_parsable", text % words, "/uri")
        _check_cells(number, width)
        for kinds, cell in zip(found, line, strict=True):
            kinds.see(cell)
        batch.append(line)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


# ---- Parquet ----


def _parquet(path: Path) -> Table:
    try:
        file = pq.ParquetFile(path, memory_map=True)
    except (pa.ArrowException, OSError) as error:
        raise Invalid("not_parsable", _("This is not a Parquet file."), "/uri") from error
    names = list(file.schema_arrow.names)
    _check_names(names)
    _check_cells(file.metadata.num_rows, len(names))
    columns = [Column(each.name, str(each.type)) for each in file.schema_arrow]
    return Table(columns, _parquet_batches(file))


def _parquet_batches(file: pq.ParquetFile) -> Iterator[list[Row]]:
    try:
        with file:
            for batch in file.iter_batches(batch_size=BATCH):
                if batch.nbytes > MOST_BATCH_BYTES:
                    text = _("A thousand rows of the file unpack to more than %(most)d MB.")
                    raise Invalid("file_too_large", text % {"most": MOST_BATCH_BYTES // 2**20}, "/uri")
                parts = [column.to_pylist() for column in batch.columns]
                yield list(zip(*parts, strict=True)) if parts else [()] * batch.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        text = _("The Parquet file is damaged: %(why)s.") % {"why": str(error).splitlines()[0][:200]}
        raise Invalid("not_parsable", text, "/uri") from error


# ---- SQL ----


_READS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_HARMFUL_FUNCTIONS = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})


def _sql(path: Path, query: str) -> Table:
    """The answer to one SELECT on an SQLite file that can not be written through this connection."""
    if not query.strip():
        raise Invalid("query_missing", _("Say which rows: a SELECT."), "/query")
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=0".replace("#", "%23"), uri=True)
    connection.set_authorizer(_only_reading)
    ends = time.monotonic() + QUERY_SECONDS
    connection.set_progress_handler(lambda: int(time.monotonic() > ends), 100_000)
    try:
        cursor = connection.execute(query)
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        connection.close()
        raise Invalid(
            "query_refused", _("The query can not be asked: %(why)s.") % {"why": error}, "/query"
        ) from error
    if cursor.description is None:
        connection.close()
        raise Invalid("query_refused", _("The query gives no rows."), "/query")
    names = [each[0] for each in cursor.description]
    _check_names(names)
    return Table([Column(name, "sql") for name in names], _sql_batches(connection, cursor, len(names)))


def _only_reading(action: int, _one: str | None, two: str | None, *_rest: object) -> int:
    if action in _READS or (action == sqlite3.SQLITE_FUNCTION and two not in _HARMFUL_FUNCTIONS):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _sql_batches(connection: sqlite3.Connection, cursor: sqlite3.Cursor, width: int) -> Iterator[list[Row]]:
    rows = 0
    try:
        while batch := cursor.fetchmany(BATCH):
            rows += len(batch)
            _check_cells(rows, width)
            yield batch
    except sqlite3.Error as error:
        raise Invalid(
            "query_refused", _("The query ended early: %(why)s.") % {"why": error}, "/query"
        ) from error
    finally:
        connection.close()


def _check_names(names: Iterable[Any]) -> None:
    listed = [str(each) for each in names]
    twice = sorted({name for name in listed if listed.count(name) > 1}) if len(listed) <= MOST_COLUMNS else []
    if len(listed) > MOST_COLUMNS:
        text = _("A table has at most %(most)d columns.") % {"most": MOST_COLUMNS}
        raise Invalid("too_many_columns", text, "/uri")
    if twice:
        text = _("The column “%(name)s” is there twice.") % {"name": twice[0][:100]}
        raise Invalid("duplicate_columns", text, "/uri")


def _check_cells(rows: int, columns: int) -> None:
    if rows * columns > MAX_CELLS:
        text = _("The table has more than %(most)d cells.") % {"most": MAX_CELLS}
        raise Invalid("file_too_large", text, "/uri")
