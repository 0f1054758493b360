import io
import json
from hashlib import sha256

import pytest
from django.core.management import CommandError, call_command

from ledger import merkle, notes
from ledger.exporting import tile_name
from ledger.models import Entry
from ledger.notes import Verifier
from ledger.publishing import leaf_bytes_of
from ledger.queries import head
from tests.ledger.given import add_entries

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_keys(settings, tmp_path):
    settings.GATEBOOK_KEYS = tmp_path / "keys"


def say(*arguments):
    out = io.StringIO()
    call_command("ledger", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_a_stranger_checks_an_entry_with_what_the_command_prints():
    add_entries(6)

    proof, [key] = say("prove", 4), say("keys").splitlines()

    leaf = merkle.leaf_hash(leaf_bytes_of(Entry.objects.get(pk=4)))
    assert notes.open_proof(proof, leaf=leaf, verifiers=[Verifier.parse(key)]).root.hex() == head().root


def test_a_checkpoint_is_printed():
    add_entries(2)

    text = say("checkpoint")

    assert notes.parse_statement(notes.parse_note(text).text).size == head().size


def test_growth_is_proven():
    add_entries(12)

    proof = [bytes.fromhex(line) for line in say("consistency", 5).splitlines()]

    leaves = [bytes.fromhex(leaf) for leaf in Entry.objects.values_list("leaf_hash", flat=True)]
    roots = {size: merkle.root_of(leaves[:size]) for size in (5, head().size)}
    merkle.verify_consistency(
        old=5, new=head().size, proof=proof, old_root=roots[5], new_root=roots[head().size]
    )


@pytest.mark.parametrize("sizes", [(9, 3), (0, 99), (99, 100)])
def test_sizes_that_the_ledger_never_had_are_refused(sizes):
    add_entries(9)

    with pytest.raises(CommandError):
        say("consistency", *sizes)


def test_an_entry_that_is_not_there_is_refused():
    with pytest.raises(CommandError, match="no entry 7"):
        say("prove", 7)


def test_the_exported_lines_give_the_root_without_us(tmp_path):
    add_entries(8)
    file = tmp_path / "ledger.jsonl"

    said = say("export", "--lines", file)

    *lines, last = [json.loads(line) for line in file.read_text().splitlines()]
    tree = merkle.Frontier()
    for line in lines:
        leaf, payload = json.loads(line["leaf"]), line["payload"]
        salted = bytes.fromhex(payload["salt"]) + payload["body"].encode()
        assert sha256(salted).hexdigest() == leaf["payload_hash"]
        tree.append(merkle.leaf_hash(line["leaf"].encode()))
    statement = notes.parse_statement(notes.parse_note(last["checkpoint"]).text)
    assert (tree.size, tree.root()) == (statement.size, statement.root)
    assert said.strip() == f"{len(lines)} entries written."
    with pytest.raises(FileExistsError):
        say("export", "--lines", file)


def test_the_exported_tiles_are_a_mirror_and_grow(tmp_path):
    add_entries(300)
    say("export", "--tiles", tmp_path)
    full = tmp_path / "tile/0/000"
    before = full.stat().st_mtime_ns

    add_entries(1)
    say("export", "--tiles", tmp_path)

    statement = notes.parse_statement(notes.parse_note((tmp_path / "checkpoint").read_text()).text)
    partial = tmp_path / f"tile/0/001.p/{statement.size - 256}"
    raw = full.read_bytes() + partial.read_bytes()
    assert merkle.root_of(raw[at : at + 32] for at in range(0, len(raw), 32)) == statement.root
    assert full.stat().st_mtime_ns == before
    assert (tmp_path / f"tile/entries/001.p/{statement.size - 256}").exists()
    assert (tmp_path / "tile/1/000.p/1").read_bytes() == merkle.root_of(
        raw[at : at + 32] for at in range(0, 256 * 32, 32)
    )


@pytest.mark.parametrize(
    ("number", "path"), [(0, "000"), (67, "067"), (1000, "x001/000"), (1234067, "x001/x234/067")]
)
def test_tiles_are_named_as_others_look_for_them(number, path):
    assert tile_name(number) == path


def test_a_new_key_is_printed_and_the_old_one_says_why_it_went():
    add_entries(1)
    say("checkpoint")

    fresh = say("rotate-key", "--reason", "the machine was sold").strip()

    old, new = say("keys").splitlines()
    assert new == fresh
    assert old.endswith(": the machine was sold")
