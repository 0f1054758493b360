"""The offline verifier: what it accepts, and all that somebody may try. An attacker may have our keys too."""

import base64
import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.signers import SimpleSigner

import reports.sealing.seal as sealing
from ledger import notes
from ledger.canonical import payload_digest
from ledger.merkle import consistency_proof, inclusion_proof, leaf_hash, root_of
from reports import verify
from reports.rendering.attachments import Attachment
from reports.sealing.identity import Identity, self_signed
from reports.sealing.seal import seal

LOG = "log.example/ledger"
MOMENT = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


def identity_of(since, *, years=3):
    key = generate_private_key(public_exponent=65537, key_size=2048)
    own = asn1_x509.Certificate.load(
        self_signed(key, name="Reports", since=since, years=years).public_bytes(Encoding.DER)
    )
    pair = asn1_keys.PrivateKeyInfo.load(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    return Identity(signer=SimpleSigner(own, pair, None), certificate=own)


@dataclass(frozen=True)
class Forge:
    """A log and a sealing key in the hands of the test: it makes what an operator could make."""

    body: bytes
    files: dict[str, bytes]
    log: Ed25519PrivateKey
    who: Identity
    origin: str = LOG
    moment: datetime = MOMENT
    said: tuple = ()
    others: int = 6

    @property
    def key(self):
        return str(notes.Verifier(self.origin, self.log.public_key().public_bytes_raw()))

    def detail(self):
        ledger = json.loads(self.files["evidence.json"])["ledger"]
        digests = {name: sha256(content).hexdigest() for name, content in self.files.items()}
        return {
            "kind": "risk-register", "report": 7, "as_of": "2026-11-27T09:00:00+00:00",
            "body": {"bytes": len(self.body), "sha256": sha256(self.body).hexdigest()},
            "files": digests, "evidence": digests["evidence.json"], "certificate": self.who.digest,
            "root": ledger["root"], "size": ledger["size"], **dict(self.said),
        }  # fmt: skip

    def entry(self, index, *, detail=None):
        detail = detail or self.detail()
        salt, body = bytes(16), json.dumps({"actor": "reports", "detail": detail, "subject": "one"})
        leaf = {
            "action": "report.sealed", "actor": "system:reports", "index": index,
            "payload_hash": payload_digest(salt, body), "project": "", "subject_id": str(detail["report"]),
            "subject_type": "reports.report", "time": f"{self.moment:%Y-%m-%dT%H:%M:%S.%fZ}", "v": 1,
        }  # fmt: skip
        return {"leaf": json.dumps(leaf), "salt": salt.hex(), "body": body}

    def checkpoint(self, leaves):
        text = notes.Statement(self.origin, len(leaves), root_of(leaves)).text
        verifier = notes.Verifier(self.origin, self.log.public_key().public_bytes_raw())
        return str(notes.sign_note(text, verifier, self.log.sign))

    def leaves(self, entry, index):
        ledger = json.loads(self.files["evidence.json"])["ledger"]
        first = [bytes.fromhex(each["leaf_hash"]) for each in ledger["entries"]]
        first += [leaf_hash(b"other %d" % n) for n in range(len(first), self.others)]
        first[index] = leaf_hash(entry["leaf"].encode())
        return first

    def proofs(self):
        index = self.others - 1
        entry = self.entry(index)
        leaves = self.leaves(entry, index)
        old = json.loads(self.files["evidence.json"])["ledger"]["size"]
        checkpoint = self.checkpoint(leaves)
        consistency = {"proof": [each.hex() for each in consistency_proof(leaves, old)]}
        return {
            "entry.json": json.dumps(entry).encode(),
            "report.tlog-proof": str(
                notes.Proof(index, tuple(inclusion_proof(leaves, index)), checkpoint)
            ).encode(),
            "checkpoint.txt": checkpoint.encode(),
            "consistency.json": json.dumps(consistency).encode(),
        }

    def sealed(self, *, body=None, who=None, **changed):
        """The file; `changed` are proofs to be exchanged, by their name up to the dot."""
        proofs = self.proofs()
        for name, content in changed.items():
            proofs[next((known for known in proofs if known.split(".")[0] == name), name)] = content
        given = [
            Attachment(name=name, content=content, description=name, relationship="Supplement")
            for name, content in proofs.items()
        ]
        return seal(body or self.body, by=who or self.who, proofs=given, moment=self.moment)


def embedded(raw):
    pdf = verify.Pdf(raw)
    return {name: pdf.content(reference) for name, reference in pdf.files().items()}


_forged = {}


@pytest.fixture
def forge(signed_report) -> Forge:
    """Around the body of a real report. Its evidence is of a ledger of one entry."""
    if not _forged:
        raw = signed_report.path.read_bytes()
        files = embedded(raw)
        said = json.loads(json.loads(files["entry.json"])["body"])["detail"]
        kept = {name: files[name] for name in said["files"]}
        _forged["one"] = Forge(
            body=raw[: said["body"]["bytes"]],
            files=kept,
            log=Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
            who=identity_of(MOMENT - timedelta(days=30)),
        )
    return _forged["one"]


def reason(raw, key, **given):
    with pytest.raises(verify.Refused) as no:
        verify.verify(raw, [verify.read_key(key)], **given)
    return str(no.value)


def holds(raw, key, **given):
    return verify.verify(raw, [verify.read_key(key)], **given)


# --- What holds ---


def test_a_report_is_accepted_where_there_is_nothing_but_python(signed_report, tmp_path):
    """Isolated, without site-packages: what an empty virtual environment has, and less."""
    (tmp_path / "keys.txt").write_text("".join(f"{key}\n" for key in signed_report.keys))
    call = [sys.executable, "-I", "-S", verify.__file__, signed_report.path, "--key", tmp_path / "keys.txt"]

    done = subprocess.run(call, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("The report holds.\n")
    assert signed_report.digest in done.stdout


def test_a_bad_call_is_told_from_a_bad_report(signed_report, tmp_path, capsys):
    assert verify.main([str(signed_report.path), "--key", "nobody"]) == 2
    assert verify.main([str(tmp_path / "none.pdf"), "--key", signed_report.keys[0]]) == 2
    assert verify.main([str(Path(__file__)), "--key", signed_report.keys[0]]) == 1
    assert "This is no report" in capsys.readouterr().out


def test_checkpoints_from_elsewhere_are_compared(forge):
    raw = forge.sealed()
    leaves = forge.leaves(forge.entry(5), 5)
    later = [*leaves, leaf_hash(b"later")]
    hashes = "\n".join(each.hex() for each in consistency_proof(later, 6))

    assert holds(raw, forge.key, checkpoint=forge.checkpoint(leaves)).notes == []
    assert holds(raw, forge.key, checkpoint=forge.checkpoint(leaves[:1])).notes == []
    assert holds(raw, forge.key, checkpoint=forge.checkpoint(later), consistency=hashes).notes == []
    [note] = holds(raw, forge.key, checkpoint=forge.checkpoint(later)).notes
    assert "--consistency" in note


# --- What anybody may try ---


def test_a_byte_flipped_anywhere_is_refused(signed_report):
    raw, keys = signed_report.path.read_bytes(), [verify.read_key(key) for key in signed_report.keys]
    marks = (
        rb"%PDF|/ByteRange|/Contents <|/Prev|/Root|/ID|startxref|%%EOF|/EmbeddedFiles|/Perms|/V |/Type /Sig"
    )
    places = {at for found in re.finditer(marks, raw) for at in range(found.start(), found.end() + 4)}
    gap = raw.rindex(b"/Contents <")
    places |= set(range(gap, raw.index(b">", gap) + 60, 41)) | set(range(0, len(raw), 397))
    places |= set(range(len(raw) - 40, len(raw)))

    for place in sorted(place for place in places if place < len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 0x20 if place % 2 else 0x01
        with pytest.raises(verify.Refused):
            verify.verify(bytes(changed), keys)


def test_a_file_cut_anywhere_is_refused(signed_report):
    raw = signed_report.path.read_bytes()
    for size in {*range(0, len(raw), 1777), len(raw) - 1, len(raw) - 7}:
        reason(raw[:size], signed_report.keys[0])


def test_a_signature_that_was_taken_out_refused(forge):
    raw = forge.sealed()
    gap = raw.rindex(b"/Contents <") + 11
    end = raw.index(b">", gap)

    assert "not sealed" in reason(forge.body, forge.key)
    reason(raw[:gap] + b"0" * (end - gap) + raw[end:], forge.key)
    field = re.sub(rb"/V (\d+) 0 R\n>>", lambda m: b" " * (len(m[0]) - 3) + b"\n>>", raw)
    assert "bears no signature" in reason(field, forge.key)


def test_bytes_hidden_behind_the_signature_refused(forge):
    raw = forge.sealed()
    end = raw.index(b">", raw.rindex(b"/Contents <"))

    assert "hidden" in reason(raw[: end - 2] + b"41" + raw[end:], forge.key)


def test_something_appended_refused(forge):
    raw = forge.sealed()

    assert "behind its end" in reason(raw + b"% one more line\n", forge.key)
    assert "does not cover the whole file" in reason(raw + raw[-40:], forge.key)


def test_a_second_incremental_update_refused(forge, tmp_path):
    (tmp_path / "sealed.pdf").write_bytes(forge.sealed())
    with (tmp_path / "sealed.pdf").open("r+b") as file:
        writer = IncrementalPdfFileWriter(file)
        page = writer.root["/Pages"]["/Kids"][0]
        page["/Rotate"] = generic.NumberObject(180)
        writer.update_container(page)
        writer.write_in_place()

    assert "a further revision follows" in reason((tmp_path / "sealed.pdf").read_bytes(), forge.key)


def test_a_report_sealed_again_by_somebody_else_refused(forge):
    assert "somebody else" in reason(forge.sealed(who=identity_of(MOMENT - timedelta(1))), forge.key)


def test_a_seal_over_a_part_of_the_file_refused(forge):
    raw = forge.sealed()
    changed = re.sub(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]", lambda m: m[0][:-4] + b"100]", raw)

    assert "does not cover the whole file" in reason(changed, forge.key)


def test_another_log_and_another_key_refused(forge):
    raw = forge.sealed()
    other = replace(forge, origin="elsewhere.example/ledger")
    wrong = replace(forge, log=Ed25519PrivateKey.from_private_bytes(bytes(32)))

    assert "of another log" in reason(raw, other.key)
    assert "not signed with a key that you gave" in reason(raw, wrong.key)
    leaves = forge.leaves(forge.entry(5), 5)
    assert "of another log" in reason(raw, forge.key, checkpoint=other.checkpoint(leaves))


def test_a_forked_log_refused(forge):
    raw = forge.sealed()
    leaves = forge.leaves(forge.entry(5), 5)
    other = [*leaves[:4], leaf_hash(b"rewritten"), leaves[5]]
    longer = [*other, leaf_hash(b"later")]
    hashes = "\n".join(each.hex() for each in consistency_proof(longer, 6))

    assert "forked" in reason(raw, forge.key, checkpoint=forge.checkpoint(other))
    assert "rewritten" in reason(raw, forge.key, checkpoint=forge.checkpoint(longer), consistency=hashes)


# --- What who has the keys may try ---


def test_a_replayed_proof_of_another_record_refused(forge):
    index, entry = (
        5,
        forge.entry(5, detail=forge.detail() | {"report": 8, "body": {"bytes": 9, "sha256": ""}}),
    )
    leaves = forge.leaves(entry, index)
    checkpoint = forge.checkpoint(leaves)
    proof = str(notes.Proof(index, tuple(inclusion_proof(leaves, index)), checkpoint)).encode()
    both = {"report": proof, "checkpoint": checkpoint.encode()}

    assert "does not lead" in reason(forge.sealed(**both), forge.key)
    assert "of another report" in reason(forge.sealed(entry=json.dumps(entry).encode(), **both), forge.key)


def test_a_proof_at_another_place_refused(forge):
    proof = forge.proofs()["report.tlog-proof"].replace(b"index 5", b"index 4")

    assert "entry 4" in reason(forge.sealed(report=proof), forge.key)


def test_an_entry_about_something_else_refused(forge):
    entry = forge.entry(5)
    leaf = json.loads(entry["leaf"])
    for changed, why in (
        ({"action": "report.made"}, "not about a report that was sealed"),
        ({"subject_id": "8"}, "another record"),
    ):
        other = entry | {"leaf": json.dumps(leaf | changed)}
        assert why in reason(forge.sealed(entry=json.dumps(other).encode()), forge.key)
    other = entry | {"body": entry["body"].replace("risk-register", "certificate!!")}
    assert "not those that were recorded" in reason(forge.sealed(entry=json.dumps(other).encode()), forge.key)


def test_a_body_that_was_exchanged_refused(forge):
    other = forge.body.replace(b"/F 4", b"/F 2").replace(b"%\xbf\xf7", b"%\xbf\xf6", 1)

    assert "of another report" in reason(forge.sealed(body=other), forge.key)


def test_a_swapped_attachment_refused(forge):
    other = replace(forge, files={"evidence.json": forge.files["evidence.json"] + b" "})

    assert "evidence.json was exchanged" in reason(other.sealed(), forge.key)
    # put over it in the increment, so that body and entry stay as they are
    assert "evidence.json was exchanged" in reason(
        forge.sealed(**{"evidence.json": other.files["evidence.json"]}), forge.key
    )
    # the same bytes again, as another file
    assert "attachments were changed" in reason(
        forge.sealed(**{"evidence.json": forge.files["evidence.json"]}), forge.key
    )


def test_an_attachment_more_or_less_refused(forge):
    less = replace(forge, said=(("files", forge.detail()["files"] | {"gone.json": "00"}),))

    assert "was not in the report" in reason(forge.sealed(**{"notes.txt": b"trust me"}), forge.key)
    assert "taken out" in reason(less.sealed(), forge.key)


def test_an_expired_key_refused(forge):
    for since in (MOMENT - timedelta(days=800), MOMENT + timedelta(days=1)):
        old = replace(forge, who=identity_of(since, years=1))
        moment = old.who.valid_from + timedelta(days=1)
        proofs = [
            Attachment(name=name, content=content, description=name, relationship="Supplement")
            for name, content in old.proofs().items()
        ]
        raw = seal(forge.body, by=old.who, proofs=proofs, moment=moment)
        assert "expired" in reason(raw, forge.key)


def test_a_ledger_rewritten_after_the_moment_of_the_report_refused(forge):
    rewritten = replace(forge, files=forge.files)
    entry = rewritten.entry(5)
    leaves = [leaf_hash(b"rewritten"), *rewritten.leaves(entry, 5)[1:]]
    checkpoint = forge.checkpoint(leaves)
    changed = {
        "report": str(notes.Proof(5, tuple(inclusion_proof(leaves, 5)), checkpoint)).encode(),
        "checkpoint": checkpoint.encode(),
        "consistency": json.dumps({"proof": [each.hex() for each in consistency_proof(leaves, 1)]}).encode(),
    }

    assert "rewritten after" in reason(forge.sealed(**changed), forge.key)


def draw_over(monkeypatch, change):
    """Let `change(writer)` alter the file in the very increment that is signed."""
    embed = sealing._embed

    def also(writer, proofs, moment):
        embed(writer, proofs, moment)
        change(writer)

    monkeypatch.setattr(sealing, "_embed", also)


def rotated(writer):
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Rotate"] = generic.NumberObject(180)
    writer.update_container(page)


def emptied(writer):
    page = writer.root["/Pages"]["/Kids"][0].raw_get("/Contents")
    stream = generic.StreamObject(stream_data=b"BT ET")
    writer.objects[page.generation, page.idnum] = stream


def scripted(writer):
    writer.root["/OpenAction"] = generic.DictionaryObject(
        {
            generic.pdf_name("/S"): generic.pdf_name("/JavaScript"),
            generic.pdf_name("/JS"): generic.pdf_string("1"),
        }
    )
    writer.update_root()


def other_pages(writer):
    writer.root["/Pages"] = writer.add_object(generic.DictionaryObject(writer.root["/Pages"]))
    writer.update_root()


def second_field(writer):
    form = writer.root["/AcroForm"]
    form["/Fields"].append(
        writer.add_object(generic.DictionaryObject({generic.pdf_name("/FT"): generic.pdf_name("/Tx")}))
    )
    writer.update_container(form["/Fields"])


@pytest.mark.parametrize("change", [rotated, emptied, scripted, other_pages, second_field])
def test_a_page_replaced_in_the_signed_increment_refused(forge, monkeypatch, change):
    """A shadow attack by who holds both keys: body, entry and seal are right, the page is another."""
    draw_over(monkeypatch, change)

    why = reason(forge.sealed(), forge.key)

    assert re.search("was replaced|was changed|exactly one signature field", why), why


def test_a_signature_that_draws_over_the_page_refused(forge, monkeypatch):
    """The field's appearance is the one picture that an increment may bring."""
    style = sealing.StaticStampStyle
    from pyhanko.pdf_utils.content import RawContent
    from pyhanko.pdf_utils.layout import BoxConstraints

    box = RawContent(b"0 0 100 20 re f", box=BoxConstraints(width=100, height=20))
    monkeypatch.setattr(sealing, "StaticStampStyle", lambda **_given: style(border_width=0, background=box))

    assert "draws something" in reason(forge.sealed(), forge.key)


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_refused_and_not_crashed_on(raw):
    for whole in (raw, b"%PDF-1.7\n" + raw, b"%PDF-1.7\n" + raw + b"\nstartxref\n9\n%%EOF\n"):
        with pytest.raises(verify.Refused):
            verify.verify(whole, [])


# --- The arithmetic, held against another implementation ---


@settings(max_examples=15)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.integers(0, 511))
def test_ed25519_agrees_with_cryptography(seed, message, bit):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8

    assert verify.ed25519_holds(public, message, signature)
    assert not verify.ed25519_holds(public, message, bytes(flipped))
    assert not verify.ed25519_holds(public, message + b"!", signature)


def test_a_signature_of_ed25519_cannot_be_written_twice(forge):
    signature = forge.log.sign(b"note")
    more = int.from_bytes(signature[32:], "little") + verify.L

    assert not verify.ed25519_holds(
        forge.log.public_key().public_bytes_raw(), b"note", signature[:32] + more.to_bytes(32, "little")
    )


def test_base64_is_read_in_one_spelling_only():
    assert verify.unbase64("QQ==") == b"A"
    for other in ("QR==", "QQ", "QQ==\n", "Q Q=="):
        with pytest.raises(ValueError, match=r".*"):
            verify.unbase64(other)
    assert base64.b64decode("QR==") == b"A"
