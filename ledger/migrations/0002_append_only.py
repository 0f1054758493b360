"""The database itself refuses to change the ledger, whoever asks: shells, imports, other programs.

Who owns the tables can drop the triggers; that is what `ledger verify` and checkpoints are for.
"""

from django.db import migrations

ERASURE_IS_RECORDED = """EXISTS (
    SELECT 1 FROM ledger_entry WHERE action = 'payload.erased'
    AND subject_type = 'ledger.entry' AND subject_id = CAST(OLD."index" AS varchar(100)))"""

IS_ERASURE = f"""(
    OLD."index" = NEW."index" AND OLD.body IS NOT NULL
    AND NEW.body IS NULL AND NEW.salt IS NULL AND NEW.erased_at IS NOT NULL
    AND {ERASURE_IS_RECORDED})"""

GROWS = "(NEW.id = OLD.id AND NEW.size > OLD.size)"

# name, table, event, on which condition it is refused
REFUSED = [
    ("ledger_entry_no_update", "ledger_entry", "UPDATE", None),
    ("ledger_entry_no_delete", "ledger_entry", "DELETE", None),
    ("ledger_payload_no_update", "ledger_payload", "UPDATE", f"NOT {IS_ERASURE}"),
    ("ledger_payload_no_delete", "ledger_payload", "DELETE", None),
    ("ledger_treehead_no_shrinking", "ledger_treehead", "UPDATE", f"NOT {GROWS}"),
    ("ledger_treehead_no_delete", "ledger_treehead", "DELETE", None),
]

# SQLite's INSERT OR REPLACE removes the old row without asking the DELETE trigger.
SQLITE_REFUSED = [
    (f"{table}_no_replace", table, "INSERT", f'EXISTS (SELECT 1 FROM {table} WHERE "{key}" = NEW."{key}")')
    for table, key in [("ledger_entry", "index"), ("ledger_payload", "index"), ("ledger_treehead", "id")]
]

TABLES = ["ledger_entry", "ledger_payload", "ledger_treehead"]


def _sqlite(name, table, event, condition):
    when = f"WHEN {condition}" if condition else ""
    return (
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} {when} "
        f"BEGIN SELECT RAISE(ABORT, 'The ledger is append-only: {event} of {table} is refused.'); END"
    )


POSTGRESQL_FUNCTION = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The ledger is append-only: % of % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""

# A trigger's WHEN can not hold a subquery in PostgreSQL, so the question is asked in a function.
POSTGRESQL_PAYLOAD_FUNCTION = f"""
CREATE FUNCTION ledger_refuse_unless_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {IS_ERASURE} THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The ledger is append-only: % of % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""


def _postgresql(name, table, event, condition):
    if name == "ledger_payload_no_update":
        return f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION ledger_refuse_unless_erasure()"
    when = f"WHEN ({condition})" if condition else ""
    return f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW {when} EXECUTE FUNCTION ledger_refuse()"


def add_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL_FUNCTION, params=None)
        schema_editor.execute(POSTGRESQL_PAYLOAD_FUNCTION, params=None)
        for each in REFUSED:
            schema_editor.execute(_postgresql(*each), params=None)
        for table in TABLES:
            schema_editor.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()",
                params=None,
            )
        return
    for each in [*REFUSED, *SQLITE_REFUSED]:
        schema_editor.execute(_sqlite(*each), params=None)


def drop_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION ledger_refuse() CASCADE", params=None)
        schema_editor.execute("DROP FUNCTION ledger_refuse_unless_erasure() CASCADE", params=None)
        return
    for name, *_ in [*REFUSED, *SQLITE_REFUSED]:
        schema_editor.execute(f"DROP TRIGGER {name}", params=None)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_entries")]
    operations = [migrations.RunPython(add_triggers, drop_triggers)]
