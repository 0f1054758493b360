"""Appending as one statement on PostgreSQL, and no root beside each entry any more.

The root of the tree at any size follows from the tiles in O(log n); keeping it with every entry cost a fifth of
appending and half of verifying, and showed nothing that leaf hashes, tiles and head do not.
"""

from django.db import migrations

# Writers queue here, not at the head's row: a queue of one lock is half as dear as one of row versions.
LOCK = 7164526313417201

LEAF = """'{"action":' || to_json(%(action)s)::text || ',"actor":' || to_json(%(actor)s)::text
        || ',"index":' || %(index)s || ',"payload_hash":"' || encode(%(payload)s, 'hex')
        || '","project":' || to_json(%(project)s)::text || ',"subject_id":' || to_json(%(subject_id)s)::text
        || ',"subject_type":' || to_json(%(subject_type)s)::text || ',"time":"'
        || to_char(%(time)s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '","v":1}'"""

FUNCTION = f"""
CREATE FUNCTION ledger_append(
    moment timestamptz, actors text[], actions text[], subject_types text[], subject_ids text[],
    projects text[], salts bytea[], bodies text[]
) RETURNS TABLE (number bigint, recorded timestamptz, payload bytea, leaf bytea) LANGUAGE plpgsql AS $$
DECLARE
    filled bigint;
    tree bytea;
    node bytea;
    rest bigint;
BEGIN
    PERFORM pg_advisory_xact_lock({LOCK});
    -- The caller's clock, and the time that was spent waiting here.
    recorded := moment + (clock_timestamp() - statement_timestamp());
    SELECT h.size, h.frontier INTO filled, tree FROM ledger_treehead h WHERE h.id = 1;
    IF NOT FOUND THEN
        IF EXISTS (SELECT 1 FROM ledger_entry) THEN
            RAISE EXCEPTION 'The ledger has entries, but its head is missing.' USING ERRCODE = 'GB001';
        END IF;
        INSERT INTO ledger_treehead (id, size, frontier, root) VALUES (1, 0, '', sha256(''));
        filled := 0;
        tree := '';
    END IF;
    IF length(tree) <> 32 * length(replace(filled::bit(64)::text, '0', '')) THEN
        RAISE EXCEPTION 'The head of the ledger is damaged: a tree of size % has no frontier of % bytes.',
            filled, length(tree) USING ERRCODE = 'GB001';
    END IF;
    FOR n IN 1 .. cardinality(actors) LOOP
        number := filled;
        payload := sha256(salts[n] || convert_to(bodies[n], 'UTF8'));
        leaf := sha256('\\x00'::bytea || convert_to({
    LEAF
    % {
        "action": "actions[n]",
        "actor": "actors[n]",
        "index": "number",
        "payload": "payload",
        "project": "projects[n]",
        "subject_id": "subject_ids[n]",
        "subject_type": "subject_types[n]",
        "time": "recorded",
    }
}, 'UTF8'));
        node := leaf;
        rest := filled;
        WHILE rest & 1 = 1 LOOP
            node := sha256('\\x01'::bytea || substr(tree, length(tree) - 31) || node);
            tree := substr(tree, 1, length(tree) - 32);
            rest := rest >> 1;
        END LOOP;
        tree := tree || node;
        filled := filled + 1;
        INSERT INTO ledger_entry (
            "index", recorded_at, actor, action, subject_type, subject_id, project, payload_hash, leaf_hash
        ) VALUES (
            number, recorded, actors[n], actions[n], subject_types[n], subject_ids[n], projects[n], payload, leaf
        );
        INSERT INTO ledger_payload ("index", salt, body) VALUES (number, salts[n], bodies[n]);
        RETURN NEXT;
    END LOOP;
    node := substr(tree, length(tree) - 31);
    FOR n IN REVERSE length(tree) / 32 - 1 .. 1 LOOP
        node := sha256('\\x01'::bytea || substr(tree, 32 * n - 31, 32) || node);
    END LOOP;
    UPDATE ledger_treehead SET size = filled, frontier = tree, root = node WHERE id = 1;
END $$
"""


def drop_root(apps, schema_editor):
    schema_editor.execute("ALTER TABLE ledger_entry DROP COLUMN root")


def add_root(apps, schema_editor):
    kind = "bytea" if schema_editor.connection.vendor == "postgresql" else "BLOB"
    schema_editor.execute(f"ALTER TABLE ledger_entry ADD COLUMN root {kind}")


def add_function(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FUNCTION, params=None)


def drop_function(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION ledger_append", params=None)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_latest_moment")]
    operations = [
        # By hand, since Django makes a table of SQLite anew to bring a column back, and triggers forbid that.
        migrations.SeparateDatabaseAndState(
            [migrations.RunPython(drop_root, add_root)],
            [migrations.RemoveField(model_name="entry", name="root")],
        ),
        migrations.RunPython(add_function, drop_function),
    ]
