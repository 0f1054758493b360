import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle, notes
from ledger.merkle import VerificationError
from ledger.notes import COSIGNATURE, Statement, Verifier

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
NAME = "gatebook.example/ledger"


def verifier(key=KEY, name=NAME, kind=notes.ED25519):
    return Verifier(name, key.public_key().public_bytes_raw(), kind)


def leaves(count):
    return [merkle.leaf_hash(str(n).encode()) for n in range(count)]


def checkpoint(size=7, key=KEY, name=NAME, root=None):
    statement = Statement(name, size, root or merkle.root_of(leaves(size)))
    return str(notes.sign_note(statement.text, verifier(key, name), key.sign))


def proof(index=3, size=7, **how):
    return str(
        notes.Proof(index, tuple(merkle.inclusion_proof(leaves(size), index)), checkpoint(size, **how))
    )


def test_the_published_example_of_a_verifier_key_is_read():
    # The key of golang.org/x/mod/sumdb/note's own documentation.
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

    assert str(Verifier.parse(text)) == text
    signed = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngo"
        "tpRZb6KE6RyyBwJnAM=\n"
    )
    assert set(notes.verified_by(notes.parse_note(signed), [Verifier.parse(text)])) == {"PeterNeumann"}


@given(st.integers(1, 300).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
def test_every_entry_is_proven_by_the_file_that_was_written_for_it(size_and_index):
    size, index = size_and_index

    statement = notes.open_proof(
        proof(index, size), leaf=leaves(size)[index], verifiers=[verifier()], origin=NAME
    )

    assert (statement.size, statement.root) == (size, merkle.root_of(leaves(size)))


def test_a_cosigned_checkpoint_names_both_signers():
    raw = notes.parse_note(checkpoint())
    witness = verifier(OTHER, "witness.example", COSIGNATURE)
    line = notes.cosign(raw.text, witness, OTHER.sign, at=1_700_000_000)

    note = notes.parse_note(str(raw) + line.line + "\n")

    assert set(notes.verified_by(note, [verifier(), witness])) == {NAME, "witness.example"}


def test_a_signature_of_an_unknown_key_counts_for_nothing():
    raw = notes.parse_note(checkpoint())
    line = notes.cosign(raw.text, verifier(OTHER, "who.example", COSIGNATURE), OTHER.sign, at=1)

    assert notes.open_checkpoint(str(raw) + line.line + "\n", [verifier()]).size == 7


def test_a_checkpoint_of_another_key_refused():
    with pytest.raises(VerificationError, match="No known key"):
        notes.open_checkpoint(checkpoint(key=OTHER), [verifier()])


def test_a_checkpoint_that_a_witness_alone_signed_refused():
    witness = verifier(OTHER, "witness.example", COSIGNATURE)
    text = notes.parse_note(checkpoint()).text
    line = notes.cosign(text, witness, OTHER.sign, at=1).line

    with pytest.raises(VerificationError, match="itself has not signed"):
        notes.open_checkpoint(f"{text}\n{line}\n", [verifier(), witness])


def test_a_checkpoint_of_another_log_refused():
    there = "elsewhere.example/ledger"
    with pytest.raises(VerificationError, match="another log"):
        notes.open_checkpoint(checkpoint(name=there), [verifier(name=there)], origin=NAME)


def test_a_known_key_under_another_size_refused():
    altered = checkpoint().replace("\n7\n", "\n8\n")

    with pytest.raises(VerificationError, match="does not fit"):
        notes.open_checkpoint(altered, [verifier()])


@pytest.mark.parametrize(
    "size",
    ["-1", "07", "1.0", "", "x", "9" * 20, "７"],
    ids=["minus", "zero", "dot", "none", "x", "long", "wide"],
)
def test_a_size_that_is_no_number_refused(size):
    text = f"{NAME}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n"

    with pytest.raises(VerificationError):
        notes.parse_statement(text)


@pytest.mark.parametrize(
    "cut", ["no gap", "\n\n", f"{NAME}\n1\n\n— a b\n", "a\n\n— x !!!\n", "a\n\n- x AAAA\n"]
)
def test_what_is_no_note_refused(cut):
    with pytest.raises(VerificationError):
        notes.parse_note(cut)


def test_a_proof_of_another_entry_refused():
    with pytest.raises(VerificationError, match="another root"):
        notes.open_proof(proof(3), leaf=leaves(7)[4], verifiers=[verifier()])


def test_a_proof_under_another_checkpoint_refused():
    replayed = str(notes.Proof(3, tuple(merkle.inclusion_proof(leaves(7), 3)), checkpoint(6)))

    with pytest.raises(VerificationError):
        notes.open_proof(replayed, leaf=leaves(7)[3], verifiers=[verifier()])


@given(st.data())
def test_a_flipped_bit_anywhere_in_a_proof_refused(data):
    raw = proof(3, 7).encode()
    at = data.draw(st.integers(0, len(raw) * 8 - 1))
    flipped = bytearray(raw)
    flipped[at // 8] ^= 1 << at % 8
    try:
        text = flipped.decode()
    except UnicodeDecodeError:
        return

    try:
        found = notes.open_proof(text, leaf=leaves(7)[3], verifiers=[verifier()], origin=NAME)
    except VerificationError:
        return
    # Base64 has bits that say nothing: what it reads as must be what was signed.
    assert (found.size, found.root) == (7, merkle.root_of(leaves(7)))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_a_name_that_a_line_can_not_hold_is_no_name(name):
    with pytest.raises(ValueError, match="name of a key"):
        verifier(name=name)


@pytest.mark.parametrize(
    "text", ["x", "a+b", "a+00000000+AAAA", "n+zz+" + base64.b64encode(bytes(33)).decode()]
)
def test_what_is_no_verifier_key_says_so(text):
    with pytest.raises(ValueError, match=r"verifier|key"):
        Verifier.parse(text)
