import json
from hashlib import sha256

import pytest
import rfc8785
from django.contrib.auth.models import Group, User
from django.db import connection, transaction

from ledger import merkle, queries, tables, tiles
from ledger.actors import SystemActor
from ledger.canonical import time_text
from ledger.errors import Invalid
from ledger.models import Entry, Payload, TreeHead
from ledger.services import BATCH, Record, append, append_many
from ledger.verification import verify
from tests.ledger.given import ACTOR, Deed, append_one, entries, sql, subject

pytestmark = pytest.mark.django_db


def test_an_entry_says_who_did_what_to_what():
    kite = subject("Red kite")

    entry = append_one(subject=kite, detail={"height": 20})

    again = Entry.objects.get()
    assert again == entry
    assert (again.index, again.actor, again.action) == (0, "system:tests", "kite_of_tests.flown")
    assert (again.subject_type, again.subject_id, again.project) == ("auth.group", str(kite.pk), "kites")
    assert again.payload.content == {
        "actor": "Gatebook (tests)",
        "detail": {"height": 20},
        "subject": "Red kite",
    }
    assert str(again) == f"entry 0 (kite_of_tests.flown on auth.group {kite.pk})"


def test_the_entry_that_append_returns_is_the_one_that_is_stored():
    returned = append_one()

    stored = Entry.objects.get()

    for field in Entry._meta.concrete_fields:
        assert getattr(stored, field.attname) == getattr(returned, field.attname), field.attname


def test_entries_are_numbered_from_0_without_gaps():
    entries(5)

    assert list(Entry.objects.values_list("index", flat=True)) == [0, 1, 2, 3, 4]


def test_the_leaf_is_the_canonical_json_of_all_columns_and_the_root_that_of_the_tree():
    entries(5)

    leaves = []
    for entry in Entry.objects.all():
        leaf = {
            "v": 1,
            "index": entry.index,
            "time": time_text(entry.recorded_at),
            "actor": entry.actor,
            "action": entry.action,
            "subject_type": entry.subject_type,
            "subject_id": entry.subject_id,
            "project": entry.project,
            "payload_hash": entry.payload_hash,
        }
        leaves.append(merkle.leaf_hash(rfc8785.dumps(leaf)))
        assert entry.leaf_hash == leaves[-1].hex()
        assert tiles.Reader(entry.index + 1).root() == merkle.root_of(leaves)
    head = TreeHead.objects.get()
    assert (head.size, head.root) == (5, merkle.root_of(leaves).hex())
    assert queries.head() == queries.Head(5, head.root)


def test_the_payload_is_hashed_with_a_salt_of_its_own():
    first, second = entries(1)[0], append_one(detail={"height": 0})

    salts = set()
    for entry in (first, second):
        payload = Payload.objects.get(pk=entry.pk)
        assert payload.body == rfc8785.dumps(json.loads(payload.body)).decode()
        assert sha256(bytes(payload.salt) + payload.body.encode()).hexdigest() == entry.payload_hash
        salts.add(bytes(payload.salt))
    assert len(salts) == 2
    assert first.payload_hash != second.payload_hash


def test_any_text_is_recorded_as_it_is():
    text = "NUL \x00, quotes \"\\', lines \n\r\u2028, \x7f, wide 🪁, percent %s"

    entry = append_one(
        detail={"text": text, text: [1.5, 1e300, -0.0, True, None]}, subject=subject(text[8:60])
    )

    assert Payload.objects.get(pk=entry.pk).content["detail"] == {
        "text": text,
        text: [1.5, 1e300, 0, True, None],
    }
    assert verify().intact


def test_a_detail_is_optional_and_so_is_a_project():
    entry = append_one(detail=None, project=None)

    assert entry.project == ""
    assert Payload.objects.get(pk=entry.pk).content["detail"] == {}


@pytest.mark.parametrize("count", [0, 1, 3, BATCH + 1])
def test_many_entries_are_as_good_as_one_by_one(count):
    append_one()
    kite = subject()

    written = append_many(Record(ACTOR, Deed.KITE_BUILT, kite, "kites", {"n": n}) for n in range(count))

    assert [entry.index for entry in written] == list(range(1, count + 1))
    assert verify().size == count + 1
    assert verify().intact


@pytest.mark.parametrize("count", [1, 50])
def test_appending_costs_few_statements_however_many_entries(django_assert_num_queries, count):
    append_one()
    kite = subject()

    with django_assert_num_queries(1 if connection.vendor == "postgresql" else 4):
        append_many([Record(ACTOR, Deed.KITE_BUILT, kite)] * count)


@pytest.mark.django_db(transaction=True)
def test_without_a_transaction_nothing_is_recorded():
    kite = subject()

    with pytest.raises(RuntimeError, match="transaction"):
        append(actor=ACTOR, action=Deed.KITE_FLOWN, subject=kite)

    assert queries.head().size == 0


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_rolled_back_leaves_no_gap():
    entries(2)

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        append(actor=ACTOR, action=Deed.KITE_FLOWN, subject=subject())
        1 / 0  # noqa: B018
    entry = append_one()

    assert entry.index == 2
    assert verify().intact


def test_a_savepoint_that_is_rolled_back_leaves_no_gap():
    kite = subject()
    with transaction.atomic():
        append_one(subject=kite)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            append(actor=ACTOR, action=Deed.KITE_FLOWN, subject=kite)
            1 / 0  # noqa: B018
        append(actor=ACTOR, action=Deed.KITE_FLOWN, subject=kite)

    assert (verify().size, verify().fault) == (2, None)


@pytest.mark.parametrize("action", ["kite_of_tests.flown", None, 3])
def test_an_action_of_no_vocabulary_is_refused(action):
    with pytest.raises(TypeError, match="vocabulary"):
        append_one(action=action)

    assert queries.head().size == 0


@pytest.mark.parametrize(
    "unsaved", [Group(name="unsaved"), Group(pk=7, name="key by hand"), User(username="u")]
)
def test_an_unsaved_subject_is_refused(unsaved):
    with pytest.raises(ValueError, match="not saved"):
        append_one(subject=unsaved)

    assert queries.head().size == 0


def test_a_deleted_subject_is_refused():
    kite = subject()
    kite.delete()

    with pytest.raises(ValueError, match="not saved"):
        append_one(subject=kite)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"project": "p" * 101}, ValueError),
        ({"project": "nul\x00"}, ValueError),
        ({"project": 7}, TypeError),
        ({"actor": SystemActor("x" * 100)}, ValueError),
        ({"project": "\ud800"}, ValueError),
    ],
)
def test_a_key_that_does_not_fit_is_refused(changes, error):
    with pytest.raises(error):
        append_one(**changes)

    assert (queries.head().size, Entry.objects.count()) == (0, 0)


@pytest.mark.parametrize("detail", [{"x": float("nan")}, {"x": "y" * 300_000}, {"x": object()}])
def test_a_detail_that_can_not_be_recorded_leaves_no_trace(detail):
    with pytest.raises(Invalid) as no:
        append_one(detail=detail)

    assert no.value.where.startswith("/detail")
    assert (queries.head().size, Entry.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_appended_to_a_ledger_whose_head_is_lost_or_damaged():
    from tests.ledger_reset import without_triggers

    entries(3)
    with without_triggers():
        sql("UPDATE ledger_treehead SET frontier = %s", b"x" * 33)
    with pytest.raises(tables.Broken, match="damaged"):
        append_one()
    with without_triggers():
        sql("DELETE FROM ledger_treehead")
    with pytest.raises(tables.Broken, match="missing"):
        append_one()

    assert Entry.objects.count() == 3
