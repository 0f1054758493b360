"""An entry names the governed rows that its transaction has touched, with their digests."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("ledger.migrations.0005_append_in_one_statement")
TOUCHED = """
    touched text := coalesce(current_setting('gatebook.touched', true), '');
BEGIN
    -- What the triggers of governed tables noted in this transaction goes into the first entry.
    IF touched <> '' THEN
        bodies[1] := left(bodies[1], -1) || ',"touched":[' || touched || ']}';
        PERFORM set_config('gatebook.touched', '', true);
    END IF;
"""
FUNCTION = BEFORE.FUNCTION.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(
    "\nBEGIN\n", TOUCHED, 1
)


def take_rows(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FUNCTION, params=None)


def leave_rows(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION ledger_append", params=None)
        schema_editor.execute(BEFORE.FUNCTION, params=None)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_append_in_one_statement")]
    operations = [migrations.RunPython(take_rows, leave_rows)]
