"""The SQL of the ledger: appending and reading in bulk, on SQLite and PostgreSQL alike.

Raw SQL and not the ORM, since every change in the product passes here and waits for the one before it: fewer
statements and no model machinery between lock and commit.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from django.db import connection
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
    "root",
)
_QUOTED = ", ".join(f'"{column}"' for column in ENTRY_COLUMNS)


class Broken(Exception):
    """The tables contradict each other: nothing may be appended before `ledger verify` has been looked at."""


def lock_head(cursor: CursorWrapper) -> Frontier:
    """The tree as it stands, locked until the end of the transaction; starts the tree if there is none.

    PostgreSQL locks the row. SQLite has one writer at a time: with BEGIN IMMEDIATE this is it already.
    """
    lock = " FOR UPDATE" if connection.vendor == "postgresql" else ""
    select = f"SELECT size, frontier FROM ledger_treehead WHERE id = 1{lock}"  # noqa: S608  (constants)
    cursor.execute(select)
    row = cursor.fetchone() or _start_head(cursor, select)
    size, frontier = row
    try:
        return Frontier.from_bytes(size, bytes(frontier))
    except ValueError as error:
        raise Broken(f"The head of the ledger is damaged: {error}") from error


def _start_head(cursor: CursorWrapper, select: str) -> tuple[int, bytes]:
    """Write the head of the empty tree and lock it. Two first writers at once may both come here."""
    unless_there = " ON CONFLICT DO NOTHING" if connection.vendor == "postgresql" else ""
    tree = Frontier()
    sql = "INSERT INTO ledger_treehead (id, size, frontier, root) VALUES (1, %s, %s, %s)"
    cursor.execute(sql + unless_there, [tree.size, tree.to_bytes(), tree.root()])
    cursor.execute(select)
    size, frontier = cursor.fetchone()
    if size == 0:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM ledger_entry)")
        if cursor.fetchone()[0]:
            raise Broken("The ledger has entries, but its head is missing.")
    return size, frontier


def insert(
    cursor: CursorWrapper,
    *,
    entries: Sequence[Entry],
    payloads: Sequence[tuple[int, bytes, str]],
    tree: Frontier,
) -> None:
    """Write entries, their payloads (index, salt, body) and the head that follows from them."""
    statements = [
        _insert(f"ledger_entry ({_QUOTED})", [_row(entry) for entry in entries]),
        _insert('ledger_payload ("index", salt, body)', payloads),
        (
            "UPDATE ledger_treehead SET size = %s, frontier = %s, root = %s WHERE id = 1",
            [tree.size, tree.to_bytes(), tree.root()],
        ),
    ]
    if connection.vendor == "postgresql":
        statements = [_one_round_trip(statements)]
    for sql, parameters in statements:
        cursor.execute(sql, parameters)


def _insert(into: str, rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    row = f"({', '.join(['%s'] * len(rows[0]))})"
    sql = f"INSERT INTO {into} VALUES {', '.join([row] * len(rows))}"  # noqa: S608  (constants and marks)
    return sql, list(chain.from_iterable(rows))


def _row(entry: Entry) -> list[Any]:
    values = [getattr(entry, column) for column in ENTRY_COLUMNS]
    values[1] = connection.ops.adapt_datetimefield_value(entry.recorded_at)
    values[-3:] = map(bytes.fromhex, values[-3:])
    return values


def _one_round_trip(statements: list[tuple[str, list[Any]]]) -> tuple[str, list[Any]]:
    """The same statements as one, each in a CTE of its own but for the last: PostgreSQL only."""
    *first, (last, parameters) = statements
    ctes = ", ".join(f"step_{at} AS ({sql})" for at, (sql, _) in enumerate(first))
    return f"WITH {ctes} {last}", [*chain.from_iterable(each for _, each in first), *parameters]
