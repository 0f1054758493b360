"""The SQL of the ledger: appending and reading in bulk, on SQLite and PostgreSQL alike.

Raw SQL and not the ORM, since every change in the product passes here and waits for the one before it: fewer
statements and no model machinery between lock and commit.
"""

import datetime as dt
from collections.abc import Sequence
from itertools import chain
from typing import Any

from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper

from ledger.merkle import Frontier
from ledger.models import Entry

ENTRY_COLUMNS = (
    "index",
    "recorded_at",
    "actor",
    "action",
    "subject_type",
    "subject_id",
    "project",
    "payload_hash",
    "leaf_hash",
)
LOCK = 7164526313417201
"""The advisory lock of PostgreSQL at which writers queue; migration 0005 has it too."""
DAMAGED = "GB001"
_QUOTED = ", ".join(f'"{column}"' for column in ENTRY_COLUMNS)


class Broken(Exception):
    """The tables contradict each other: nothing may be appended before `ledger verify` has been looked at."""


def lock_head(cursor: CursorWrapper) -> Frontier:
    """The tree as it stands, locked until the end of the transaction; starts the tree if there is none.

    On PostgreSQL writers queue at an advisory lock, the one that `ledger_append` takes. SQLite has one writer
    at a time: with BEGIN IMMEDIATE this is it already.
    """
    if connection.vendor == "postgresql":
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    select = "SELECT size, frontier FROM ledger_treehead WHERE id = 1"
    cursor.execute(select)
    size, frontier = cursor.fetchone() or _start_head(cursor)
    try:
        return Frontier.from_bytes(size, bytes(frontier))
    except ValueError as error:
        raise Broken(f"The head of the ledger is damaged: {error}") from error


def _start_head(cursor: CursorWrapper) -> tuple[int, bytes]:
    """Write the head of the empty tree."""
    cursor.execute("SELECT EXISTS (SELECT 1 FROM ledger_entry)")
    if cursor.fetchone()[0]:
        raise Broken("The ledger has entries, but its head is missing.")
    tree = Frontier()
    sql = "INSERT INTO ledger_treehead (id, size, frontier, root) VALUES (1, %s, %s, %s)"
    cursor.execute(sql, [tree.size, tree.to_bytes(), tree.root()])
    return tree.size, tree.to_bytes()


def append_on_server(
    cursor: CursorWrapper, moment: dt.datetime, batch: Sequence[Sequence[Any]]
) -> list[tuple[int, dt.datetime, bytes, bytes]]:
    """Let PostgreSQL number, hash and write a batch of (actor, action, subject type and id, project, salt,
    body) in one statement: index, time, payload hash and leaf hash of each.

    `moment` is the caller's time; what was spent waiting for other writers is added. Raises Broken.
    """
    types = ("text", "text", "text", "text", "text", "bytea", "text")
    values: list[Any]
    if len(batch) == 1:
        marks = ", ".join(f"ARRAY[%s]::{each}[]" for each in types)
        values = list(batch[0])
    else:
        marks = ", ".join(f"%s::{each}[]" for each in types)
        values = [list(column) for column in zip(*batch, strict=True)]
    try:
        parameters: list[Any] = [moment, *values]
        cursor.execute(f"SELECT * FROM ledger_append(%s, {marks})", parameters)  # noqa: S608  (marks)
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) == DAMAGED:
            raise Broken(str(error)) from error
        raise
    rows: list[tuple[int, dt.datetime, bytes, bytes]] = cursor.fetchall()
    return rows


def insert(
    cursor: CursorWrapper,
    *,
    entries: Sequence[Entry],
    payloads: Sequence[tuple[int, bytes, str]],
    tree: Frontier,
) -> None:
    """Write entries, their payloads (index, salt, body) and the head that follows from them."""
    statements: list[tuple[str, list[Any]]] = [
        _insert(f"ledger_entry ({_QUOTED})", [_row(entry) for entry in entries]),
        _insert('ledger_payload ("index", salt, body)', payloads),
        (
            "UPDATE ledger_treehead SET size = %s, frontier = %s, root = %s WHERE id = 1",
            [tree.size, tree.to_bytes(), tree.root()],
        ),
    ]
    for sql, parameters in statements:
        cursor.execute(sql, parameters)


def _insert(into: str, rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    row = f"({', '.join(['%s'] * len(rows[0]))})"
    sql = f"INSERT INTO {into} VALUES {', '.join([row] * len(rows))}"  # noqa: S608  (constants and marks)
    return sql, list(chain.from_iterable(rows))


def _row(entry: Entry) -> list[Any]:
    values = [getattr(entry, column) for column in ENTRY_COLUMNS]
    values[1] = connection.ops.adapt_datetimefield_value(entry.recorded_at)
    values[-2:] = map(bytes.fromhex, values[-2:])
    return values
