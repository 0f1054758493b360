"""The database itself refuses to change what a published process version says, whoever asks.

A later migration that alters this table on SQLite makes the table anew and with it loses the trigger: it has to
end with `RunPython(add_trigger, drop_trigger)` of this one.
"""

from django.db import migrations

NAME = "lifecycle_published_never_changes"
TABLE = "lifecycle_processversion"
TEXT = "A published process version never changes."
COLUMNS = ("process_id", "number", "document", "digest", "published_at")


def _refused(differs):
    changed = " OR ".join(f"NEW.{name} {differs} OLD.{name}" for name in COLUMNS)
    return f"OLD.state <> 'draft' AND (NEW.state = 'draft' OR {changed})"


def add_trigger(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN RAISE EXCEPTION '{TEXT}' USING ERRCODE = 'restrict_violation'; END $$",
            params=None,
        )
        schema_editor.execute(
            f"CREATE TRIGGER {NAME} BEFORE UPDATE ON {TABLE} FOR EACH ROW "
            f"WHEN ({_refused('IS DISTINCT FROM')}) EXECUTE FUNCTION {NAME}()",
            params=None,
        )
        return
    schema_editor.execute(
        f"CREATE TRIGGER {NAME} BEFORE UPDATE ON {TABLE} WHEN {_refused('IS NOT')} "
        f"BEGIN SELECT RAISE(ABORT, '{TEXT}'); END",
        params=None,
    )


def drop_trigger(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP FUNCTION {NAME}() CASCADE", params=None)
        return
    schema_editor.execute(f"DROP TRIGGER {NAME}", params=None)


class Migration(migrations.Migration):
    dependencies = [("lifecycle", "0004_task_exclusions")]
    operations = [migrations.RunPython(add_trigger, drop_trigger)]
