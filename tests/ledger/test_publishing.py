import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.exceptions import ImproperlyConfigured
from pymerkle import InmemoryTree

from ledger import keys, merkle, notes, tiles
from ledger.actions import LedgerAction
from ledger.errors import Invalid, Refused
from ledger.models import Checkpoint, Entry, SigningKey, Tile
from ledger.publishing import (
    checkpoint_text,
    consistency_of,
    entry_bundle,
    latest_checkpoint,
    leaf_bytes_of,
    origin,
    proof_of_entry,
    publish_checkpoint,
    verifiers,
)
from ledger.queries import head
from tests.ledger.given import ACTOR, add_entries

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_keys(settings, tmp_path):
    settings.GATEBOOK_KEYS = tmp_path / "keys"


def test_the_first_use_makes_a_key_that_only_its_owner_can_read():
    key = keys.present_key()

    assert stat.S_IMODE(keys.key_file().stat().st_mode) == 0o600
    assert keys.signer().public.hex() == key.public
    assert [entry.action for entry in Entry.objects.all()] == [LedgerAction.KEY_REGISTERED]
    assert keys.present_key() == key
    assert Entry.objects.count() == 1


def test_a_checkpoint_states_the_tree_and_is_signed_once():
    add_entries(5)

    first = publish_checkpoint()
    again = publish_checkpoint()

    assert again == first
    statement = notes.open_checkpoint(checkpoint_text(first), verifiers(), origin=origin())
    assert (statement.size, statement.root.hex()) == (head().size, head().root)
    assert latest_checkpoint() == first


def test_the_name_stays_when_the_settings_change(settings):
    settings.GATEBOOK_URL = "https://gatebook.example"
    name = origin()
    settings.GATEBOOK_URL = "https://elsewhere.example"

    assert name.startswith("gatebook.example/ledger/")
    assert origin() == name


def test_every_entry_is_proven_under_a_checkpoint():
    add_entries(9)
    publish_checkpoint()
    known = verifiers()

    for entry in Entry.objects.all():
        raw = proof_of_entry(entry.index)
        found = notes.open_proof(raw, leaf=merkle.leaf_hash(leaf_bytes_of(entry)), verifiers=known)
        assert found.root.hex() == head().root


def test_an_entry_that_is_not_there_has_no_proof():
    add_entries(1)

    with pytest.raises(Invalid) as no:
        proof_of_entry(99)

    assert no.value.where == "index"


def test_an_old_key_still_verifies_what_it_signed():
    add_entries(2)
    old = publish_checkpoint()

    fresh = keys.rotate_key(actor=ACTOR, reason="yearly")
    new = publish_checkpoint()

    assert fresh.public != old.key.public
    for checkpoint in (old, new):
        notes.open_checkpoint(checkpoint_text(checkpoint), verifiers(), origin=origin())
    retired = SigningKey.objects.get(pk=old.key.pk)
    assert (retired.retired_at is not None, retired.reason) == (True, "yearly")
    assert [entry.action for entry in Entry.objects.order_by("-index")[:2]] == [
        "key.registered",
        "key.retired",
    ]


def test_a_rotation_without_a_reason_changes_nothing():
    before = keys.present_key()

    with pytest.raises(Invalid):
        keys.rotate_key(actor=ACTOR, reason=" ")

    assert keys.signer().public.hex() == before.public
    assert SigningKey.objects.count() == 1


def test_a_retired_key_does_not_sign_again():
    raw = _pem_of_file()
    keys.rotate_key(actor=ACTOR, reason="lost")
    keys.key_file().write_bytes(raw)

    with pytest.raises(Refused) as no:
        publish_checkpoint()

    assert no.value.code == "key_retired"


def _pem_of_file():
    keys.present_key()
    return keys.key_file().read_bytes()


def test_a_key_may_come_from_the_settings(settings):
    key = Ed25519PrivateKey.generate()
    settings.GATEBOOK_SIGNING_KEY = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()

    assert keys.signer().public == key.public_key().public_bytes_raw()
    with pytest.raises(Refused):
        keys.rotate_key(actor=ACTOR, reason="x")
    assert not keys.key_file().exists()


@pytest.mark.parametrize("what", ["nothing", "another kind", "a token without its parts"])
def test_a_key_that_is_none_is_said_to_be_none(settings, what):
    other = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    given = {"nothing": "x", "another kind": other.decode(), "a token without its parts": "pkcs11:token=a"}
    settings.GATEBOOK_SIGNING_KEY = given[what]

    with pytest.raises(ImproperlyConfigured):
        keys.signer()


def test_tiles_give_the_proofs_of_an_independent_tree():
    add_entries(1030)
    size = tiles_ready()
    theirs = InmemoryTree(algorithm="sha256")
    for entry in Entry.objects.order_by("index"):
        theirs.append_entry(leaf_bytes_of(entry))

    reader = tiles.Reader(size)

    assert reader.root() == bytes.fromhex(head().root) == theirs.get_root(size)
    for index in (0, 1, 255, 256, 511, 700, 1023, 1024, size - 1):
        own, path = merkle.leaf_hash(leaf_bytes_of(Entry.objects.get(pk=index))), reader.inclusion(index)
        assert sorted([*path, own]) == sorted(theirs.prove_inclusion(index + 1, size).path), index
        merkle.verify_inclusion(leaf=own, index=index, size=size, proof=path, root=theirs.get_root(size))
    for old in (1, 2, 255, 256, 257, 768, 1024, size - 1):
        merkle.verify_consistency(
            old=old,
            new=size,
            proof=consistency_of(old, size),
            old_root=theirs.get_root(old),
            new_root=theirs.get_root(size),
        )


def tiles_ready():
    publish_checkpoint()
    return head().size


def test_tiles_hold_what_the_tree_holds_and_are_stored_once():
    add_entries(520)
    size = tiles_ready()

    assert tiles.store_tiles(size) == 0
    assert sorted(Tile.objects.values_list("level", "number")) == [(0, 0), (0, 1)]
    leaves = [
        bytes.fromhex(each) for each in Entry.objects.order_by("index").values_list("leaf_hash", flat=True)
    ]
    assert tiles.tile_hashes(0, 1, 256) == b"".join(leaves[256:512])
    assert tiles.tile_hashes(0, 2, size - 512) == b"".join(leaves[512:])
    assert tiles.tile_hashes(1, 0, 2) == merkle.root_of(leaves[:256]) + merkle.root_of(leaves[256:512])
    for level, number, width in [(0, 3, 1), (0, 2, 256), (1, 0, 3), (2, 0, 1), (5, 9, 1)]:
        with pytest.raises(LookupError):
            tiles.tile_hashes(level, number, width)


def test_a_bundle_holds_the_bytes_that_give_the_leaf_hashes():
    add_entries(3)

    raw, leaves = entry_bundle(0, 3), []
    while raw:
        length = int.from_bytes(raw[:2], "big")
        leaves.append(merkle.leaf_hash(raw[2 : 2 + length]).hex())
        raw = raw[2 + length :]

    assert leaves == list(Entry.objects.order_by("index").values_list("leaf_hash", flat=True))
    with pytest.raises(LookupError):
        entry_bundle(0, 4)


def test_a_proof_costs_few_queries_however_long_the_ledger_is(django_assert_max_num_queries):
    add_entries(1500)
    checkpoint = publish_checkpoint()

    with django_assert_max_num_queries(12):
        proof_of_entry(700, Checkpoint.objects.get(pk=checkpoint.pk))
