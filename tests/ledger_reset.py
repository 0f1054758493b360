"""Lets the test database be emptied although the ledger refuses to be.

Tests that really commit (`transactional_db`, `live_server`) are followed by Django's flush, a TRUNCATE or
DELETE of every table. That the ledger's triggers refuse it is the point of them, so they are off for just the
flush, and only here: the product has no such switch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import TransactionTestCase

from ledger import append_only

TABLES = ("ledger_entry", "ledger_payload", "ledger_treehead")


def tables() -> list[str]:
    """The ledger's tables and whatever else is kept as it was written."""
    return [*TABLES, *sorted(append_only.TABLES)]


@contextmanager
def without_triggers() -> Iterator[None]:
    """No trigger guards the ledger inside: what somebody with full rights on the database can do."""
    if connection.vendor == "postgresql":
        with _postgresql_without_triggers():
            yield
    else:
        with _sqlite_without_triggers():
            yield


@contextmanager
def _postgresql_without_triggers() -> Iterator[None]:
    _switch_postgresql_triggers("DISABLE")
    yield
    # Not in a finally: after an SQL error the transaction takes no statement; its end undoes the switch.
    _switch_postgresql_triggers("ENABLE")


def _switch_postgresql_triggers(how: str) -> None:
    with connection.cursor() as cursor:
        # Inside a transaction a table with unchecked foreign keys can not be altered: check them first.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table in tables():
            cursor.execute(f"ALTER TABLE {table} {how} TRIGGER USER")


@contextmanager
def _sqlite_without_triggers() -> Iterator[None]:
    with connection.cursor() as cursor:
        marks = ", ".join(["%s"] * len(tables()))
        cursor.execute(
            f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ({marks})", tables()
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


@pytest.fixture(scope="session", autouse=True)
def ledger_can_be_emptied() -> Iterator[None]:
    """Wrap Django's own clean-up after a committing test, for the whole session."""
    original = TransactionTestCase._fixture_teardown

    def teardown(case: Any) -> None:
        with without_triggers():
            original(case)

    TransactionTestCase._fixture_teardown = teardown
    yield
    TransactionTestCase._fixture_teardown = original
