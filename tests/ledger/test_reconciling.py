"""Rows held against the ledger: what somebody does to a table by SQL is named, whatever table it is."""

import datetime as dt
import random
import uuid
from dataclasses import replace

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models, transaction

from ledger import reconciling, rows, upgrades
from ledger.governed import governed
from ledger.models import Entry, Payload
from ledger.reconciling import differences, last_recorded, reconcile
from ledger.rows import unwatch, watch
from ledger.services import erase_payload
from ledger.upgrades import begin_upgrade, end_upgrade
from ledger.verification import verify
from lifecycle.models import Project, User
from tests import make
from tests.ledger.given import ACTOR, append_one, sql
from tests.ledger_reset import without_triggers

pytestmark = pytest.mark.django_db
CHANGES = 1000


@pytest.fixture(autouse=True)
def checks():
    """SQLite is told by a switch of the connection to let every value in."""
    if connection.vendor == "sqlite":
        sql("PRAGMA ignore_check_constraints = ON")
    yield
    if connection.vendor == "sqlite":
        sql("PRAGMA ignore_check_constraints = OFF")


def elsewhere(statement, *parameters):
    """As in a transaction of its own, while a test has but one: what it touched is forgotten at its end."""
    sql(statement, *parameters)
    if connection.vendor == "sqlite":
        sql("DELETE FROM ledger_touched")
    else:
        sql("SELECT set_config('gatebook.touched', '', true)")


def said() -> list[str]:
    return [str(each) for each in reconcile()]


@pytest.fixture
def home() -> Project:
    """A project, made by its service; entry 0 knows it."""
    return make.small_project(slug="kites")


def test_what_a_service_did_is_as_it_was_recorded(home):
    assert verify().intact
    assert said() == []
    assert "touched" not in Payload.objects.get(pk=0).content


def test_a_changed_field_refused(home):
    sql("UPDATE lifecycle_project SET name = 'Other' WHERE id = %s", home.pk)

    assert said() == [f"lifecycle.project {home.pk} was changed after entry 0, which recorded it last"]


def test_a_removed_row_refused(home):
    member = home.memberships.get()
    sql("DELETE FROM lifecycle_membership WHERE id = %s", member.pk)

    assert said() == [f"lifecycle.membership {member.pk} was removed after entry 0, which recorded it last"]


def test_an_added_row_refused(home):
    added = make.user()

    assert said() == [f"lifecycle.user {added.pk} was added: no entry knows of it"]


def test_two_rows_swapped_refused(home):
    other = make.small_project(slug="boats")
    names = {home.pk: other.name, other.pk: home.name}
    for key, name in names.items():
        sql("UPDATE lifecycle_project SET name = %s WHERE id = %s", name, key)

    assert len(said()) == 2


def test_a_row_put_back_to_an_older_state_refused(home):
    old = home.name
    Project.objects.filter(pk=home.pk).update(name="Newer")
    append_one(subject=home)
    assert said() == []
    sql("UPDATE lifecycle_project SET name = %s WHERE id = %s", old, home.pk)

    assert said() == [f"lifecycle.project {home.pk} was changed after entry 1, which recorded it last"]


def test_a_row_that_is_put_back_as_it_was_is_as_it_was(home):
    sql("UPDATE lifecycle_project SET name = 'Other' WHERE id = %s", home.pk)
    sql("UPDATE lifecycle_project SET name = %s WHERE id = %s", home.name, home.pk)

    assert said() == []


def test_a_recorded_removal_is_no_difference(home):
    member = make.member(home)
    append_one()
    home.memberships.filter(user=member).delete()
    append_one()

    assert said() == []


def test_a_change_that_the_application_does_not_record_refused(home):
    """The database noted it, and no entry of the transaction took it along."""
    with transaction.atomic():
        Project.objects.filter(pk=home.pk).update(name="Other")

    assert len(said()) == 1


@pytest.mark.django_db(transaction=True)
def test_an_unrecorded_change_is_not_taken_along_by_the_next_transaction_refused():
    """Neither of a transaction that ended, nor of a statement by itself."""
    with transaction.atomic():
        home, other = make.small_project(slug="kites"), make.small_project(slug="boats")
    with transaction.atomic():
        Project.objects.filter(pk=home.pk).update(name="Other")
    sql("UPDATE lifecycle_project SET name = 'Else' WHERE id = %s", other.pk)
    append_one()

    assert len(said()) == 2


@pytest.mark.django_db(transaction=True)
def test_a_crash_between_record_and_entry_leaves_neither():
    with transaction.atomic():
        home = make.small_project()
    with transaction.atomic():
        Project.objects.filter(pk=home.pk).update(name="Other")
        transaction.set_rollback(True)
    append_one()

    assert said() == []
    assert verify().intact


def test_a_savepoint_that_was_given_up_is_not_recorded(home):
    with transaction.atomic():
        with transaction.atomic():
            Project.objects.filter(pk=home.pk).update(name="Other")
            transaction.set_rollback(True)
        append_one()

    assert said() == []


def test_with_the_triggers_off_nothing_is_recorded_refused(home):
    unwatch()
    Project.objects.filter(pk=home.pk).update(name="Other")
    append_one()
    watch()

    assert len(said()) == 1


def test_truncated_refused(home):
    if connection.vendor == "postgresql":
        sql("SET CONSTRAINTS ALL IMMEDIATE")
        sql("TRUNCATE lifecycle_membership CASCADE")
    else:
        sql("DELETE FROM lifecycle_membership")

    assert any("lifecycle.membership" in each and "removed" in each for each in said())


def test_payloads_that_were_changed_to_fit_are_found_by_verification_refused(home):
    """Who changes the row and what the ledger says of it changes the payload's hash."""
    sql("UPDATE lifecycle_project SET name = 'Other' WHERE id = %s", home.pk)
    [each] = [one for one in governed() if one.label == "lifecycle.project"]
    digest = next(digest for key, digest in _live(each) if key == home.pk)
    body = Payload.objects.get(pk=0).body
    at = body.index(f"lifecycle_project:{home.pk}=") + len(f"lifecycle_project:{home.pk}=")
    with without_triggers():
        sql('UPDATE ledger_payload SET body = %s WHERE "index" = 0', body[:at] + digest + body[at + 32 :])

    assert said() == []
    assert "payload does not match" in str(verify())


def _live(each):
    from ledger.rows import live_digests

    return list(live_digests(each))


def test_an_erased_payload_leaves_its_rows_known(home):
    erase_payload(index=0, actor=ACTOR, reason="asked for")

    assert said() == []
    sql("UPDATE lifecycle_project SET name = 'Other' WHERE id = %s", home.pk)
    assert len(said()) == 1


def test_an_erasure_launders_nothing(home):
    elsewhere("UPDATE lifecycle_project SET name = 'Other' WHERE id = %s", home.pk)
    erase_payload(index=0, actor=ACTOR, reason="asked for")

    assert len(said()) == 1


def test_a_migration_records_what_it_changed_and_launders_nothing(home):
    other = make.small_project(slug="boats")
    elsewhere("UPDATE lifecycle_project SET name = 'Forged' WHERE id = %s", other.pk)

    begin_upgrade(plan=["a migration"])
    sql("UPDATE lifecycle_project SET name = 'Migrated' WHERE id = %s", home.pk)
    end_upgrade(plan=["a migration"])

    assert said() == [f"lifecycle.project {other.pk} was changed after entry 1, which recorded it last"]
    assert Entry.objects.last().action == "rows.migrated"


def test_a_migration_that_adds_a_column_launders_nothing(home, monkeypatch):
    """The code knows the column before the table has it: so it is whenever an older database is opened."""
    other = make.small_project(slug="boats")
    elsewhere("UPDATE lifecycle_project SET name = 'Forged' WHERE id = %s", other.pk)
    later = tuple(
        replace(each, columns=(*each.columns, "mascot")) if each.table == "lifecycle_project" else each
        for each in governed()
    )
    for module in (upgrades, reconciling, rows):
        monkeypatch.setattr(module, "governed", lambda: later)

    begin_upgrade(plan=["a migration"])
    if connection.vendor == "postgresql":  # else the table waits for keys that are checked at the end
        sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("ALTER TABLE lifecycle_project ADD COLUMN mascot varchar(9) DEFAULT 'cat' NOT NULL")
    end_upgrade(plan=["a migration"])

    assert said() == [f"lifecycle.project {other.pk} was changed after entry 1, which recorded it last"]
    sql("UPDATE lifecycle_project SET mascot = 'dog' WHERE id = %s", home.pk)
    assert len(said()) == 2


def test_the_command_names_what_was_changed(home, capsys):
    call_command("ledger", "reconcile")
    assert "Every governed row is as the ledger recorded it last." in capsys.readouterr().out

    sql("UPDATE lifecycle_project SET name = 'Other' WHERE id = %s", home.pk)
    with pytest.raises(SystemExit) as end:
        call_command("ledger", "reconcile")
    assert end.value.code == 1
    assert f"lifecycle.project {home.pk} was changed" in capsys.readouterr().out


def test_a_persons_last_login_is_not_vouched_for(home):
    User.objects.update(last_login=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))

    assert said() == []


# --- Every table ---


def without_constraints(table):
    """On PostgreSQL whoever owns the table can; on SQLite whoever writes to the file."""
    if connection.vendor == "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype NOT IN ('p', 'n')",
            [table],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}" CASCADE')
        cursor.execute(
            "SELECT indexrelid::regclass FROM pg_index WHERE indrelid = %s::regclass AND NOT indisprimary",
            [table],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX {name}")


def sample(field, chance):
    """Some value of a column, as the database takes it."""
    number = chance.randrange(10**6)
    values = {
        models.BooleanField: bool(number % 2),
        models.DateTimeField: dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=number),
        models.DateField: dt.date(2026, 1, 1) + dt.timedelta(days=number % 1000),
        models.FloatField: number / 7,
        models.DecimalField: number % 100,
        models.JSONField: {"n": number},
        models.BinaryField: number.to_bytes(8, "big"),
        models.UUIDField: uuid.UUID(int=number),
        models.DurationField: dt.timedelta(seconds=number),
        models.IntegerField: number % 100,
        models.ForeignKey: number,
    }
    for kind, value in values.items():
        if isinstance(field, kind):
            return value
    return str(number)[: field.max_length or 6]


def put_row(each, fields, chance, key):
    names, marks, values = [], [], []
    for column, field in fields.items():
        if column is None or field.generated:
            continue
        names.append(f'"{column}"')
        marks.append("%s")
        values.append(key if column == each.key else prepared(field, sample(field, chance)))
    sql(f"INSERT INTO {each.table} ({', '.join(names)}) VALUES ({', '.join(marks)})", *values)


def prepared(field, value):
    return (field.target_field if isinstance(field, models.ForeignKey) else field).get_db_prep_save(
        value, connection
    )


def change_one(each, fields, chance):
    """One row changed, removed or added, by SQL."""
    how = chance.choice(["change", "change", "change", "remove", "add"])
    if how == "remove":
        sql(f'DELETE FROM {each.table} WHERE "{each.key}" = 1')
    elif how == "add":
        put_row(each, fields, chance, 2)
    else:
        column = chance.choice([name for name in each.columns if name != each.key] or [each.key])
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT "{column}" FROM {each.table}')
            before = cursor.fetchone()[0]
            cursor.execute(
                f'UPDATE {each.table} SET "{column}" = %s WHERE "{each.key}" = 1',
                [prepared(fields[column], sample(fields[column], chance))],
            )
            cursor.execute(f'SELECT "{column}" FROM {each.table}')
            if cursor.fetchone()[0] == before:
                sql(f'DELETE FROM {each.table} WHERE "{each.key}" = 1')


def test_a_thousand_random_changes_over_every_governed_table_refused():
    """Of each table a row that an entry recorded, and twelve changes or more, each alone, with all rights."""
    chance, tables = random.Random(20261128), governed()
    rounds = -(-CHANGES // len(tables))
    with transaction.atomic():
        missed = [each.table for each in tables for _turn in range(rounds - found_of(each, chance, rounds))]
        transaction.set_rollback(True)
    assert (missed, rounds * len(tables) >= CHANGES) == ([], True)


def found_of(each, chance, rounds):
    """How many of so many changes to one table are named."""
    everything = apps.get_models(include_auto_created=True)
    [model] = [model for model in everything if model._meta.db_table == each.table]
    fields = {field.column: field for field in model._meta.local_fields}
    without_constraints(each.table)
    put_row(each, fields, chance, 1)
    append_one()
    recorded = last_recorded()[each.table]
    assert differences(each, recorded) == []
    found = 0
    with without_triggers([each.table]):
        for _turn in range(rounds):
            point = transaction.savepoint()
            change_one(each, fields, chance)
            found += len(differences(each, recorded)) == 1
            transaction.savepoint_rollback(point)
    return found
