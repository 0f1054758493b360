import threading
import urllib.error
import urllib.request
from http import HTTPStatus

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger import merkle, notes, witness
from ledger.notes import COSIGNATURE, Statement, Verifier
from ledger.witness import Cosigner, Kept, request_text, server

LOG = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
NAME = "gatebook.example/ledger"
LOG_KEY = Verifier(NAME, LOG.public_key().public_bytes_raw())
WITNESS_KEY = Verifier("witness.example", WITNESS.public_key().public_bytes_raw(), COSIGNATURE)
LEAVES = [merkle.leaf_hash(str(n).encode()) for n in range(40)]
NOW = 1_700_000_000


@pytest.fixture
def cosigner(tmp_path):
    return Cosigner(
        verifier=WITNESS_KEY, sign=WITNESS.sign, logs=[LOG_KEY], kept=Kept(tmp_path), clock=lambda: NOW
    )


def checkpoint(size, *, name=NAME, key=LOG, leaves=LEAVES):
    text = Statement(name, size, merkle.root_of(leaves[:size])).text
    return str(notes.sign_note(text, Verifier(name, key.public_key().public_bytes_raw()), key.sign))


def ask(cosigner, old, new, proof=None, **how):
    shown = merkle.consistency_proof(LEAVES[:new], old) if proof is None else proof
    return cosigner.answer(request_text(old=old, proof=shown, checkpoint=checkpoint(new, **how)).encode())


def test_it_cosigns_what_grows(cosigner):
    for old, new in [(0, 3), (3, 3), (3, 17), (17, 40)]:
        said = ask(cosigner, old, new)

        assert said.status == HTTPStatus.OK, said.text
        raw = checkpoint(new) + said.text
        assert set(notes.verified_by(notes.parse_note(raw), [LOG_KEY, WITNESS_KEY])) == {
            NAME,
            "witness.example",
        }


def test_it_remembers_after_a_restart(cosigner, tmp_path):
    ask(cosigner, 0, 10)

    again = Cosigner(verifier=WITNESS_KEY, sign=WITNESS.sign, logs=[LOG_KEY], kept=Kept(tmp_path))

    assert ask(again, 0, 12).status == HTTPStatus.CONFLICT
    assert ask(again, 10, 12).status == HTTPStatus.OK


def test_a_log_that_it_does_not_know_refused(cosigner):
    assert ask(cosigner, 0, 3, name="elsewhere.example").status == HTTPStatus.NOT_FOUND


def test_a_checkpoint_of_another_key_refused(cosigner):
    assert ask(cosigner, 0, 3, key=WITNESS).status == HTTPStatus.FORBIDDEN


def test_another_old_size_is_answered_with_the_size_it_has(cosigner):
    ask(cosigner, 0, 10)

    said = ask(cosigner, 7, 20)

    assert (said.status, said.text.strip(), said.type) == (HTTPStatus.CONFLICT, "10", "text/x.tlog.size")


def test_an_old_size_beyond_the_checkpoint_refused(cosigner):
    ask(cosigner, 0, 20)

    assert ask(cosigner, 20, 10, proof=[]).status == HTTPStatus.BAD_REQUEST


def test_a_fork_refused(cosigner):
    ask(cosigner, 0, 10)
    forged = [*LEAVES[:4], merkle.leaf_hash(b"forged"), *LEAVES[5:]]

    same_size = ask(cosigner, 10, 10, leaves=forged, proof=[])
    longer = ask(cosigner, 10, 20, leaves=forged, proof=merkle.consistency_proof(forged[:20], 10))

    assert same_size.status == HTTPStatus.CONFLICT
    assert longer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert ask(cosigner, 10, 20).status == HTTPStatus.OK


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"old x\n\nnote", b"old 1", b"old -1\n\n", b"old 0\n!!!\n\n", b"old 0\n\nno note"],
)
def test_what_is_no_request_refused(cosigner, body):
    assert cosigner.answer(body).status == HTTPStatus.BAD_REQUEST


def test_two_who_ask_at_once_do_not_fork_it(cosigner):
    ask(cosigner, 0, 10)
    forged = [*LEAVES[:10], *(merkle.leaf_hash(b"other %d" % n) for n in range(30))]
    said = []

    def send(leaves):
        proof = merkle.consistency_proof(leaves[:20], 10)
        said.append(ask(cosigner, 10, 20, leaves=leaves, proof=proof).status)

    threads = [threading.Thread(target=send, args=(leaves,)) for leaves in (LEAVES, forged)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(said) == [HTTPStatus.OK, HTTPStatus.CONFLICT]


def test_it_answers_over_http(cosigner):
    listening = server("127.0.0.1", 0, cosigner)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{listening.server_port}"
    body = request_text(old=0, proof=[], checkpoint=checkpoint(5)).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(base + witness.PATH, body), timeout=30) as said:
            assert said.read().decode().startswith("— witness.example ")
        for path, sent, status in [("/", b"x", 404), (witness.PATH, b"x" * (witness.MAX_REQUEST + 1), 413)]:
            with pytest.raises(urllib.error.HTTPError) as no:
                urllib.request.urlopen(urllib.request.Request(base + path, sent), timeout=30)
            assert no.value.code == status
            no.value.close()
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
