"""What the database itself notes of governed rows: which were touched in a transaction, and their digests.

PostgreSQL: a trigger on each table adds `table:key=digest` to a setting that lives as long as the
transaction, and `ledger_append` takes it into the entry. SQLite: triggers that belong to the connection note
the keys in a temporary table, and `append` takes the digests. Either way what nobody records is forgotten at
the end, and stands out when the rows are compared with the ledger (`reconciling`).
docs/decisions/rows-in-the-ledger.md
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.governed import Governed, governed

DIGITS = 32
"""Of a digest's 64: 128 bits, which nobody finds a second row for."""
_CHUNK = 500
_SETTING = "gatebook.touched"
_KEPT = "ledger_touched"


# --- Digests ---


def _row_text(vendor: str, each: Governed, alias: str) -> str:
    """The SQL of a row as text, in columns that are vouched for."""
    columns = [f'{alias}."{column}"' for column in each.columns]
    if vendor == "postgresql":
        return f"ROW({', '.join(columns)})::text"
    return "CAST(" + "||','||".join(f"quote({column})" for column in columns) + " AS BLOB)"


def _server_digest(each: Governed, alias: str) -> str:
    text = _row_text("postgresql", each, alias)
    return f"substr(encode(sha256(convert_to({text}, 'UTF8')), 'hex'), 1, {DIGITS})"


def live_digests(each: Governed, keys: Iterable[int] | None = None) -> Iterator[tuple[int, str]]:
    """Key and digest of the rows of a table as they are: all, or those of some keys. Constant memory."""
    if keys is None:
        yield from _read(each, "")
        return
    wanted = sorted(keys)
    for at in range(0, len(wanted), _CHUNK):
        numbers = ", ".join(str(int(key)) for key in wanted[at : at + _CHUNK])
        yield from _read(each, f'WHERE r."{each.key}" IN ({numbers})')


def _read(each: Governed, where: str) -> Iterator[tuple[int, str]]:
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        sql = f'SELECT r."{each.key}", {_row_text("sqlite", each, "r")} FROM "{each.table}" r {where}'  # noqa: S608
        for key, row in connection.connection.execute(sql):
            yield key, sha256(row).hexdigest()[:DIGITS]
        return
    sql = f'SELECT r."{each.key}", {_server_digest(each, "r")} FROM "{each.table}" r {where}'  # noqa: S608
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(2000):
            yield from rows


# --- What an entry takes along ---


def take_touched() -> list[str]:
    """On SQLite: `table:key=digest` of each row touched in this transaction since the last entry.

    A row that is gone has no digest. PostgreSQL does the same inside `ledger_append`. Past Django's cursors,
    since every entry asks, mostly for nothing.
    """
    raw = connection.connection
    touched: dict[str, set[int]] = defaultdict(set)
    for name, key in raw.execute(f"SELECT name, key FROM {_KEPT}"):  # noqa: S608  (constant)
        touched[name].add(key)
    if not touched:
        return []
    raw.execute(f"DELETE FROM {_KEPT}")  # noqa: S608  (constant)
    said = []
    for each in governed():
        if keys := touched.get(each.table):
            digests = dict(live_digests(each, keys))
            said += [f"{each.table}:{key}={digests.get(key, '')}" for key in sorted(keys)]
    return said


def touch(each: Governed, keys: Iterable[int]) -> None:
    """Have the next entry of this transaction name these rows as they are."""
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            sql = f"INSERT OR IGNORE INTO {_KEPT} VALUES (%s, %s)"  # noqa: S608  (constant)
            cursor.executemany(sql, [(each.table, key) for key in keys])
            return
        said = ",".join(f'"{each.table}:{key}={digest}"' for key, digest in live_digests(each, keys))
        more = "concat_ws(',', nullif(current_setting(%s, true), ''), nullif(%s, ''))"
        cursor.execute(f"SELECT set_config(%s, {more}, true)", [_SETTING, _SETTING, said])


# --- Triggers ---


def watch_connection(connection: BaseDatabaseWrapper, **_more: object) -> None:
    """A receiver of `connection_created`: SQLite's triggers are the connection's own."""
    if connection.vendor != "sqlite":
        return
    raw = connection.connection
    raw.execute(f"CREATE TEMP TABLE {_KEPT} (name TEXT, key INTEGER, PRIMARY KEY (name, key)) WITHOUT ROWID")
    _watch_sqlite(raw)
    # Django has no signal for the beginning of a transaction, and what an earlier one left is not this one's.
    begin = connection._start_transaction_under_autocommit  # type: ignore[attr-defined]  # noqa: SLF001
    if getattr(begin, "forgets", False):  # the connection was opened before
        return

    def begin_anew() -> None:
        begin()
        connection.connection.execute(f"DELETE FROM {_KEPT}")  # noqa: S608  (constant)

    begin_anew.forgets = True  # type: ignore[attr-defined]
    connection._start_transaction_under_autocommit = begin_anew  # type: ignore[attr-defined]  # noqa: SLF001


def _watch_sqlite(raw: Any) -> None:
    there = {name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for each in governed():
        if each.table not in there:
            continue
        for verb, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            insert = f"INSERT OR IGNORE INTO {_KEPT} VALUES ('{each.table}', {row}.\"{each.key}\")"  # noqa: S608
            raw.execute(
                f'CREATE TEMP TRIGGER IF NOT EXISTS "touched_{verb}_{each.table}" '
                f'AFTER {verb} ON main."{each.table}" BEGIN {insert}; END'
            )


def unwatch() -> None:
    """Take the triggers away, for tables that are about to change."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name FROM sqlite_temp_master WHERE type = 'trigger' AND name LIKE 'touched_%%'"
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER temp."{name}"')
            return
        cursor.execute(
            "SELECT p.proname FROM pg_proc p WHERE p.proname LIKE 'touched\\_%%' "
            "AND p.pronamespace = current_schema()::regnamespace"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP FUNCTION "{name}"() CASCADE')


def watch() -> None:
    """Set the triggers on every governed table that is there, where they are missing or of other columns."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        _watch_sqlite(connection.connection)
        return
    there = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.proname, p.prosrc FROM pg_proc p WHERE p.proname LIKE 'touched\\_%%' "
            "AND p.pronamespace = current_schema()::regnamespace"
        )
        known = dict(cursor.fetchall())
        for each in governed():
            body = _trigger_body(each)
            if each.table in there and known.get(_function(each)) != body:
                for statement in _trigger_statements(each, body):
                    cursor.execute(statement)


def _function(each: Governed) -> str:
    return f"touched_{each.table}"[:63]


def _trigger_body(each: Governed) -> str:
    name = f"'\"{each.table}:' || r.\"{each.key}\" || '='"
    return f"""
DECLARE
    said text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        SELECT string_agg({name} || '"', ',') INTO said FROM touched r;
    ELSE
        SELECT string_agg({name} || {_server_digest(each, "r")} || '"', ',') INTO said FROM touched r;
    END IF;
    IF said IS NOT NULL THEN
        said := concat_ws(',', nullif(current_setting('{_SETTING}', true), ''), said);
        PERFORM set_config('{_SETTING}', said, true);
    END IF;
    RETURN NULL;
END
"""  # noqa: S608  (names of our tables)


def _trigger_statements(each: Governed, body: str) -> Iterator[str]:
    function = _function(each)
    yield f'CREATE OR REPLACE FUNCTION "{function}"() RETURNS trigger LANGUAGE plpgsql AS $body${body}$body$'
    for verb, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        trigger = f"touched_{verb.lower()}"
        yield f'DROP TRIGGER IF EXISTS {trigger} ON "{each.table}"'
        yield (
            f'CREATE TRIGGER {trigger} AFTER {verb} ON "{each.table}" REFERENCING {rows} TABLE AS touched '
            f'FOR EACH STATEMENT EXECUTE FUNCTION "{function}"()'
        )
