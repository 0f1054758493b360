"""Lets the test database be emptied although the ledger refuses to be.

Tests that really commit (`transactional_db`, `live_server`) are followed by Django's flush of every table.
Most of the hundred tables are empty then, so here only those are emptied that hold rows. That the ledger's
triggers refuse it is the point of them, so they are off for just that, and only here: the product has no such
switch.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase

from ledger import append_only

# What the migrations leave, and a flush would make anew.
KEPT = {"django_content_type", "auth_permission"}
TABLES = ("ledger_entry", "ledger_payload", "ledger_treehead")


def tables() -> list[str]:
    """The ledger's tables and whatever else is kept as it was written."""
    return [*TABLES, *sorted(append_only.TABLES)]


@contextmanager
def without_triggers(guarded: Sequence[str] | None = None) -> Iterator[None]:
    """No trigger guards these tables inside (all, if none are named): what full rights make possible."""
    names = tables() if guarded is None else list(guarded)
    if connection.vendor == "postgresql":
        with _postgresql_without_triggers(names):
            yield
    else:
        with _sqlite_without_triggers(names):
            yield


@contextmanager
def _postgresql_without_triggers(names: list[str]) -> Iterator[None]:
    _switch_postgresql_triggers(names, "DISABLE")
    yield
    # Not in a finally: after an SQL error the transaction takes no statement; its end undoes the switch.
    _switch_postgresql_triggers(names, "ENABLE")


def _switch_postgresql_triggers(names: list[str], how: str) -> None:
    with connection.cursor() as cursor:
        # Inside a transaction a table with unchecked foreign keys can not be altered: check them first.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table in names:
            cursor.execute(f"ALTER TABLE {table} {how} TRIGGER USER")


@contextmanager
def _sqlite_without_triggers(names: list[str]) -> Iterator[None]:
    with connection.cursor() as cursor:
        marks = ", ".join(["%s"] * len(names))
        cursor.execute(
            f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ({marks})", names
        )
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for _, sql in triggers:
                cursor.execute(sql.replace("CREATE TRIGGER", "CREATE TRIGGER IF NOT EXISTS", 1))


def empty_tables() -> None:
    """Delete every row that tests may have left, from the tables that hold some."""
    filled = _filled()
    guarded = [name for name in filled if name in tables()]
    with (
        connection.constraint_checks_disabled(),
        transaction.atomic(),
        without_triggers(guarded),
        connection.cursor() as cursor,
    ):
        for name in filled:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(name)}")


def _filled() -> list[str]:
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    asked = [
        f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {connection.ops.quote_name(name)})"
        for name in names
        if name not in KEPT
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked))
        return [name for (name,) in cursor.fetchall()]


@pytest.fixture(scope="session", autouse=True)
def ledger_can_be_emptied() -> Iterator[None]:
    """Take the place of Django's own clean-up after a committing test, for the whole session."""
    original = TransactionTestCase._fixture_teardown

    def teardown(case: Any) -> None:
        empty_tables()

    TransactionTestCase._fixture_teardown = teardown
    yield
    TransactionTestCase._fixture_teardown = original
