"""Forgeries, each by name: what somebody with all rights on the database could try, and that it is found."""

import datetime as dt
import io

import pytest
from django.core.management import call_command
from django.db import connection

from ledger import queries
from ledger.actors import SystemActor
from ledger.canonical import leaf_bytes, payload_digest, time_text
from ledger.merkle import Frontier, VerificationError, consistency_proof, leaf_hash, verify_consistency
from ledger.models import Entry, Payload
from ledger.services import Record, append_many, erase_payload
from ledger.verification import CHUNK, Fault, verify
from tests.ledger.given import ACTOR, Deed, append_one, entries, sql, subject
from tests.ledger_reset import without_triggers

pytestmark = pytest.mark.django_db
CLERK = SystemActor("clerk")


@pytest.fixture
def seven():
    """Seven good entries; the fourth is the one that forgers like."""
    return entries(7)


def forge(*statements: str) -> Fault:
    """Change the database behind the application's back, and verify: the fault that must be found."""
    with without_triggers():
        for statement in statements:
            sql(statement)
    fault = verify().fault
    assert fault is not None, "the forgery was not found"
    return fault


def digest_literal(text: str) -> str:
    return f"decode('{text}', 'hex')" if connection.vendor == "postgresql" else f"x'{text}'"


OTHER_DIGEST = "ab" * 32


def test_an_untouched_ledger_is_intact(seven):
    assert str(verify()) == f"7 entries, root {queries.head().root}, intact"


def test_an_empty_ledger_is_intact():
    assert str(verify()) == f"0 entries, root {queries.head().root}, intact"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("recorded_at", "'2026-01-01 12:00:00.123456'"),
        ("actor", "'user:1'"),
        ("action", "'kite.sold'"),
        ("subject_type", "'auth.user'"),
        ("subject_id", "'999'"),
        ("project", "'boats'"),
        ("project", "''"),
        ("payload_hash", OTHER_DIGEST),
        ("leaf_hash", OTHER_DIGEST),
        ("index", "99"),
    ],
)
def test_a_changed_column_is_found_refused(seven, column, value):
    assert {field.column for field in Entry._meta.concrete_fields} >= {column}
    value = digest_literal(value) if value == OTHER_DIGEST else value
    statements = [f'UPDATE ledger_entry SET "{column}" = {value} WHERE "index" = 3']
    if column == "index":
        statements.append('UPDATE ledger_payload SET "index" = 99 WHERE "index" = 3')

    fault = forge(*statements)

    assert fault.index == 3
    assert str(fault).startswith("entry 3 ")


def test_every_column_has_its_forgery():
    marks = next(
        mark for mark in test_a_changed_column_is_found_refused.pytestmark if mark.name == "parametrize"
    )

    assert {column for column, _ in marks.args[1]} == {field.column for field in Entry._meta.concrete_fields}


def test_a_time_that_differs_by_a_microsecond_is_found_refused(seven):
    entry = Entry.objects.get(pk=3)
    with without_triggers():
        Entry.objects.filter(pk=3).update(recorded_at=entry.recorded_at + dt.timedelta(microseconds=1))

    kite = f"auth.group {entry.subject_id}"
    assert str(verify().fault) == (
        f"entry 3 (kite_of_tests.flown on {kite}): its columns do not match its leaf hash"
    )


def test_a_removed_row_is_found_refused(seven):
    fault = forge(
        'DELETE FROM ledger_payload WHERE "index" = 3', 'DELETE FROM ledger_entry WHERE "index" = 3'
    )

    assert (fault.index, str(fault)) == (3, "entry 3 is missing: the next one is 4")


def test_a_removed_row_whose_gap_was_closed_is_found_refused(seven):
    statements = [
        'DELETE FROM ledger_payload WHERE "index" = 3',
        'DELETE FROM ledger_entry WHERE "index" = 3',
    ]
    for index in (4, 5, 6):
        statements += [f'UPDATE {table} SET "index" = {index - 1} WHERE "index" = {index}' for table in ROWS]

    assert forge(*statements).index == 3


ROWS = ("ledger_entry", "ledger_payload")


def test_a_cut_tail_is_found_refused(seven):
    fault = forge(
        'DELETE FROM ledger_payload WHERE "index" > 4', 'DELETE FROM ledger_entry WHERE "index" > 4'
    )

    assert (fault.index, str(fault)) == (5, "entry 5 is missing: the head says 7 entries")


def test_a_swapped_pair_is_found_refused(seven):
    moves = [(2, 90), (3, 2), (90, 3)]

    fault = forge(
        *[f'UPDATE {table} SET "index" = {to} WHERE "index" = {frm}' for frm, to in moves for table in ROWS]
    )

    assert fault.index == 2
    assert "do not match its leaf hash" in str(fault)


def test_a_swapped_pair_of_payloads_is_found_refused(seven):
    first, second = Payload.objects.get(pk=2), Payload.objects.get(pk=3)
    with without_triggers():
        Payload.objects.filter(pk=2).update(salt=second.salt, body=second.body)
        Payload.objects.filter(pk=3).update(salt=first.salt, body=first.body)

    fault = verify().fault

    assert fault.index == 2
    assert "payload does not match its hash" in str(fault)


COPIED = "recorded_at, actor, action, subject_type, subject_id, project, payload_hash, leaf_hash"
INSERT_COPY = (
    f'INSERT INTO ledger_entry ("index", {COPIED}) '
    f'SELECT {{at}}, {COPIED} FROM ledger_entry WHERE "index" = {{of}}'
)
INSERT_PAYLOAD_COPY = (
    'INSERT INTO ledger_payload ("index", salt, body) '
    'SELECT {at}, salt, body FROM ledger_payload WHERE "index" = {of}'
)


def test_an_entry_inserted_in_the_middle_is_found_refused(seven):
    statements = []
    for index in (6, 5, 4):
        statements += [f'UPDATE {table} SET "index" = {index + 1} WHERE "index" = {index}' for table in ROWS]
    statements += [
        INSERT_COPY.format(at=4, of=2),
        INSERT_PAYLOAD_COPY.format(at=4, of=2),
    ]

    assert forge(*statements).index == 4


def test_an_entry_inserted_before_the_first_is_found_refused(seven):
    if connection.vendor == "postgresql":
        sql("ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_index_from_0")
    else:
        sql("PRAGMA ignore_check_constraints = ON")
    try:
        fault = forge(INSERT_COPY.format(at=-1, of=0))
    finally:
        if connection.vendor == "sqlite":
            sql("PRAGMA ignore_check_constraints = OFF")

    assert (fault.index, str(fault)) == (0, "entry 0 is missing: in its place is one numbered -1")


def test_an_entry_put_behind_the_last_is_found_refused(seven):
    fault = forge(
        INSERT_COPY.format(at=7, of=6),
        INSERT_PAYLOAD_COPY.format(at=7, of=6),
    )

    assert fault.index == 7


def test_a_well_made_entry_behind_the_last_is_found_by_the_head_refused(seven):
    with without_triggers():
        forge_entry(tree_before(7), detail="{}")

    assert str(verify().fault) == "the head says 7 entries, but there are 8"


@pytest.mark.parametrize("change", ["body = '{}'", "body = body || ' '", "salt = {salt}"])
def test_a_changed_payload_is_found_refused(seven, change):
    change = change.replace("{salt}", digest_literal("00" * 16))

    fault = forge(f'UPDATE ledger_payload SET {change} WHERE "index" = 3')

    assert str(fault).startswith("entry 3 (kite_of_tests.flown on auth.group ")
    assert str(fault).endswith("): its payload does not match its hash")


def test_bytes_moved_between_salt_and_body_are_found_refused(seven):
    payload = Payload.objects.get(pk=3)
    moved = payload.body[0].encode()
    with without_triggers():
        Payload.objects.filter(pk=3).update(salt=(bytes(payload.salt) + moved)[-16:], body=payload.body[1:])

    assert verify().fault.index == 3


def test_a_removed_payload_is_found_refused(seven):
    fault = forge('DELETE FROM ledger_payload WHERE "index" = 3')

    assert str(fault).endswith("its payload is missing")


def test_a_payload_erased_without_an_entry_is_found_refused(seven):
    fault = forge(
        'UPDATE ledger_payload SET salt = NULL, body = NULL, erased_at = CURRENT_TIMESTAMP WHERE "index" = 3'
    )

    assert fault.index == 3
    assert str(fault).endswith("its payload was erased without a record")


def test_another_time_of_erasure_is_found_refused(seven):
    erase_payload(index=3, actor=CLERK, reason="asked")
    assert verify().intact

    fault = forge("UPDATE ledger_payload SET erased_at = '2026-01-01 12:00:00' WHERE \"index\" = 3")

    assert fault.index == 3


def test_an_erasure_does_not_excuse_another(seven):
    erase_payload(index=2, actor=CLERK, reason="asked")

    fault = forge(
        'UPDATE ledger_payload SET salt = NULL, body = NULL, erased_at = CURRENT_TIMESTAMP WHERE "index" = 3'
    )

    assert fault.index == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("root = {digest}", "the root of the head is not that of the entries"),
        ("frontier = {digest}", "the frontier of the head is not that of the entries"),
        ("size = 6", "the head says 6 entries, but there are 7"),
        ("size = 8", "entry 7 is missing: the head says 8 entries"),
    ],
)
def test_a_changed_head_is_found_refused(seven, change, says):
    change = change.format(digest=digest_literal(OTHER_DIGEST))

    assert str(forge(f"UPDATE ledger_treehead SET {change}")) == says


def test_a_removed_head_is_found_refused(seven):
    assert str(forge("DELETE FROM ledger_treehead")) == "the head of the tree is missing"


def test_a_changed_entry_with_a_new_leaf_hash_is_found_by_the_head_refused(seven):
    with without_triggers():
        forge_columns(3, actor="user:666")

    assert str(verify().fault) == "the root of the head is not that of the entries"


def test_text_that_is_not_unicode_is_found_in_sqlite_refused(seven):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL takes no such text")

    for table, column in [("ledger_entry", "actor"), ("ledger_entry", "action"), ("ledger_payload", "body")]:
        with without_triggers():
            bad = f"CAST(x'ff' || CAST({column} AS BLOB) AS TEXT)"
            sql(f'UPDATE {table} SET {column} = {bad} WHERE "index" = 3')
        fault = verify().fault
        assert fault.index == 3
        str(fault).encode()


@pytest.mark.parametrize(
    "column", ["project", "actor", "subject_id", "recorded_at", "leaf_hash", "payload_hash"]
)
def test_a_column_of_another_type_is_found_in_sqlite_refused(seven, column):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has types")
    other = "TEXT" if column.endswith("hash") else "BLOB"

    fault = forge(f'UPDATE ledger_entry SET {column} = CAST({column} AS {other}) WHERE "index" = 3')

    assert fault.index == 3


@pytest.mark.parametrize(
    "spelling", ["replace(recorded_at, ' ', 'T')", "recorded_at || 'Z'", "recorded_at || '0'"]
)
def test_a_time_written_in_another_way_is_found_in_sqlite_refused(seven, spelling):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has a type for time")

    assert forge(f'UPDATE ledger_entry SET recorded_at = {spelling} WHERE "index" = 3').index == 3


def test_a_time_without_microseconds_is_verified(monkeypatch):
    monkeypatch.setattr("ledger.services.now", lambda: dt.datetime(2026, 5, 1, 8, 30, tzinfo=dt.UTC))
    append_one()

    assert verify().intact


def test_a_ledger_rewritten_as_a_whole_is_found_by_a_checkpoint_alone(seven):
    # With full rights one can rewrite everything so that it fits again. Nothing in the database can tell; the
    # size and root that somebody wrote down before can.
    noted = queries.head()
    with without_triggers():
        forge_columns(3, actor="user:666")
        tree = tree_before(7)
        sql("UPDATE ledger_treehead SET frontier = %s, root = %s", tree.to_bytes(), tree.root())

    assert verify().intact
    assert queries.head().root != noted.root
    leaves = [bytes.fromhex(leaf) for leaf in Entry.objects.values_list("leaf_hash", flat=True)]
    append_one()
    leaves.append(bytes.fromhex(Entry.objects.last().leaf_hash))
    with pytest.raises(VerificationError):
        verify_consistency(
            old=noted.size,
            new=8,
            proof=consistency_proof(leaves, noted.size),
            old_root=bytes.fromhex(noted.root),
            new_root=bytes.fromhex(queries.head().root),
        )


def test_entries_beyond_one_chunk_are_verified_with_progress():
    append_many([Record(ACTOR, Deed.KITE_FLOWN, subject())] * (CHUNK + 1))
    seen = []

    verdict = verify(lambda done, total: seen.append((done, total)))

    assert verdict.intact
    runs = [CHUNK + 1] if connection.vendor == "postgresql" else [CHUNK, CHUNK + 1]
    assert seen == [(run, CHUNK + 1) for run in runs]


def test_the_command_says_intact(seven):
    out = io.StringIO()

    call_command("ledger", "verify", stdout=out)

    assert out.getvalue() == f"7 entries, root {queries.head().root}, intact\n"


def test_the_command_names_the_first_bad_entry_and_exits_with_1(seven):
    forge("""UPDATE ledger_payload SET body = '{}' WHERE "index" >= 3""")
    out, err = io.StringIO(), io.StringIO()

    with pytest.raises(SystemExit) as end:
        call_command("ledger", "verify", stdout=out, stderr=err)

    assert end.value.code == 1
    assert "entry 3 (kite_of_tests.flown on auth.group" in err.getvalue()
    assert "payload does not match its hash (3 entries before it are good)" in err.getvalue()
    assert out.getvalue() == ""


# --- A forger who knows how it is done ---


def tree_before(index: int) -> Frontier:
    tree = Frontier()
    for leaf in Entry.objects.filter(index__lt=index).values_list("leaf_hash", flat=True):
        tree.append(bytes.fromhex(leaf))
    return tree


def forge_columns(index: int, **changes: str) -> None:
    """Change an entry and make its leaf hash fit."""
    Entry.objects.filter(pk=index).update(**changes)
    leaf = leaf_hash(leaf_of(Entry.objects.get(pk=index)))
    Entry.objects.filter(pk=index).update(leaf_hash=leaf.hex())


def leaf_of(entry: Entry) -> bytes:
    return leaf_bytes(
        index=entry.index,
        time=time_text(entry.recorded_at),
        actor=entry.actor,
        action=entry.action,
        subject_type=entry.subject_type,
        subject_id=entry.subject_id,
        project=entry.project,
        payload_hash=entry.payload_hash,
    )


def forge_entry(tree: Frontier, detail: str) -> None:
    """A new last entry, made as the ledger would, but without moving the head."""
    entry = Entry.objects.last()
    salt = b"0" * 16
    entry.index, entry.payload_hash = tree.size, payload_digest(salt, detail)
    leaf = leaf_hash(leaf_of(entry))
    tree.append(leaf)
    entry.leaf_hash = leaf.hex()
    entry.save(force_insert=True)
    Payload.objects.create(entry=entry, salt=salt, body=detail)
