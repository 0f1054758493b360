"""Tables that the database itself keeps from being changed: whoever asks, by whatever program.

Asked for after every migration rather than in one, since on SQLite a migration that alters a table makes it
anew and loses its triggers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

FUNCTION = "gatebook_append_only"
TABLES: set[str] = set()
"""The tables that are guarded, for tests that have to empty them."""


def keep_append_only(*kept: type[models.Model]) -> Callable[..., None]:
    """A receiver of `post_migrate` X

    On SQLite INSERT OR REPLACE too, which removes rows without asking a DELETE trigger.
    """
    tables = [model._meta.db_table for model in kept]
    TABLES.update(tables)

    def guard(using: str = "default", **kwargs: Any) -> None:
        connection = connections[using]
        there = connection.introspection.table_names()
        missing = [name for name in tables if name in there and name not in _guarded(connection, tables)]
        with connection.cursor() as cursor:
            for statement in _statements(connection.vendor, missing):
                cursor.execute(statement)

    return guard


def _guarded(connection: BaseDatabaseWrapper, tables: Sequence[str]) -> set[str]:
    marks = ", ".join(["%s"] * len(tables))
    if connection.vendor == "postgresql":
        sql = (
            "SELECT tgrelid::regclass::text FROM pg_trigger "  # noqa: S608  (marks only)
            f"WHERE tgname LIKE '%%_no_update' AND tgrelid::regclass::text IN ({marks})"
        )
    else:
        sql = (
            "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' "  # noqa: S608  (marks only)
            f"AND name LIKE '%%_no_update' AND tbl_name IN ({marks})"
        )
    with connection.cursor() as cursor:
        cursor.execute(sql, list(tables))
        return {str(name) for (name,) in cursor.fetchall()}


def is_append_only(model: type[models.Model]) -> bool:
    """Whether the database has a trigger that refuses to change rows of this model's table now. 1 query."""
    table = model._meta.db_table
    connection = connections["default"]
    if connection.vendor == "postgresql":
        sql = (
            "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D' "
            "AND tgrelid = %s::regclass AND tgname LIKE '%%update%%'"
        )
    else:
        sql = (
            "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s "
            "AND name LIKE '%%update%%'"
        )
    with connection.cursor() as cursor:
        cursor.execute(sql, [table])
        return bool(cursor.fetchone()[0])


def _statements(vendor: str, tables: Sequence[str]) -> list[str]:
    if not tables:
        return []
    if vendor != "postgresql":
        return [
            f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} {when} BEGIN "
            f"SELECT RAISE(ABORT, 'Rows of {table} are kept as they are: {event} is refused.'); END"
            for table in tables
            for event, when in (
                ("DELETE", ""),
                ("INSERT", f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)"),  # noqa: S608
                ("UPDATE", ""),
            )
        ]
    function = (
        f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'Rows of % are kept as they are: % is refused.', TG_TABLE_NAME, TG_OP "
        "USING ERRCODE = 'restrict_violation'; END $$"
    )
    return [
        function,
        *(
            f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
            f"FOR EACH {each} EXECUTE FUNCTION {FUNCTION}()"
            for table in tables
            for event, each in (("DELETE", "ROW"), ("TRUNCATE", "STATEMENT"), ("UPDATE", "ROW"))
        ),
    ]
