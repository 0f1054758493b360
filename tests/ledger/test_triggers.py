"""The database refuses, whoever asks: raw SQL as an owner of the tables would type it."""

from urllib.request import urlopen

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from ledger.merkle import EMPTY_ROOT
from ledger.models import Entry, Payload, TreeHead
from ledger.verification import verify
from tests.ledger.given import append_one, entries, sql
from tests.patience import PATIENCE

pytestmark = pytest.mark.django_db

COLUMNS = [field.column for field in Entry._meta.concrete_fields]


def refused(statement: str, *parameters: object) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        sql(statement, *parameters)


@pytest.mark.parametrize("column", COLUMNS)
def test_no_column_of_an_entry_can_be_updated(column):
    entries(2)

    refused(f'UPDATE ledger_entry SET "{column}" = "{column}" WHERE "index" = 1')


def test_entries_payloads_and_head_can_not_be_deleted():
    entries(2)

    refused('DELETE FROM ledger_payload WHERE "index" = 1')
    refused('DELETE FROM ledger_entry WHERE "index" = 1')
    refused("DELETE FROM ledger_treehead")
    with pytest.raises(DatabaseError), transaction.atomic():
        Entry.objects.all().delete()

    assert (Entry.objects.count(), Payload.objects.count(), verify().intact) == (2, 2, True)


@pytest.mark.parametrize(
    "change",
    [
        "body = '{}'",
        "salt = salt",
        "body = NULL, salt = NULL, erased_at = CURRENT_TIMESTAMP",  # no entry says so
        "erased_at = CURRENT_TIMESTAMP",
        '"index" = 5',
    ],
)
def test_a_payload_can_not_be_changed_without_a_recorded_erasure(change):
    entries(2)

    refused(f'UPDATE ledger_payload SET {change} WHERE "index" = 1')


def test_an_erased_payload_stays_erased():
    from ledger.services import erase_payload
    from tests.ledger.given import ACTOR

    entries(2)
    erase_payload(index=1, actor=ACTOR, reason="asked")

    refused("""UPDATE ledger_payload SET body = '{}', salt = '0', erased_at = NULL WHERE "index" = 1""")
    refused('UPDATE ledger_payload SET erased_at = CURRENT_TIMESTAMP WHERE "index" = 1')


@pytest.mark.parametrize("change", ["size = size - 1", "size = 0", "root = frontier", "size = size"])
def test_the_head_only_grows(change):
    entries(3)

    refused(f"UPDATE ledger_treehead SET {change}")


def test_a_second_head_is_refused():
    entries(1)

    with pytest.raises(IntegrityError), transaction.atomic():
        sql(
            "INSERT INTO ledger_treehead (id, size, frontier, root) "
            "SELECT 2, size, frontier, root FROM ledger_treehead"
        )

    assert TreeHead.objects.count() == 1


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_payload", "ledger_treehead"])
def test_postgresql_refuses_truncate(table):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    entries(1)
    sql("SET CONSTRAINTS ALL IMMEDIATE")

    refused(f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_payload", "ledger_treehead"])
def test_sqlite_refuses_to_replace_a_row(table):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has no INSERT OR REPLACE")
    entries(2)

    refused(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")
    assert verify().intact


@pytest.mark.django_db(transaction=True)
def test_the_triggers_are_back_after_a_test_that_took_them_away():
    from tests.ledger_reset import without_triggers

    append_one()
    with without_triggers():
        sql('UPDATE ledger_entry SET actor = actor WHERE "index" = 0')

    refused('UPDATE ledger_entry SET actor = actor WHERE "index" = 0')


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_committing_test_finds_the_ledger_empty_and_guarded(turn):
    entries(2)

    assert list(Entry.objects.values_list("index", flat=True)) == [0, 1]
    refused("DELETE FROM ledger_treehead")


@pytest.mark.parametrize("turn", [1, 2])
def test_a_live_server_starts_from_an_empty_ledger_each_time(live_server, turn):
    append_one()

    with urlopen(f"{live_server.url}/healthz", timeout=PATIENCE) as answer:
        assert answer.status == 200

    assert Entry.objects.get().index == 0
    refused("DELETE FROM ledger_treehead")


@pytest.mark.django_db(transaction=True)
def test_the_triggers_can_be_taken_back_and_made_again():
    call_command("migrate", "ledger", "0001", verbosity=0)
    sql("INSERT INTO ledger_treehead (id, size, frontier, root) VALUES (1, 0, %s, %s)", b"", EMPTY_ROOT)
    sql("UPDATE ledger_treehead SET root = root")
    call_command("migrate", "ledger", verbosity=0)

    refused("UPDATE ledger_treehead SET root = root")
