"""The sealed file, read back by others: poppler, pikepdf, pdfua, and our own reading of its proofs."""

import hashlib
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pdfua
import pikepdf
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.exceptions import ImproperlyConfigured
from pikepdf import Name

from ledger import notes
from ledger.canonical import payload_digest
from ledger.merkle import leaf_hash, verify_consistency
from ledger.notes import Verifier
from reports.papers.schema import evidence_problems
from reports.sealing.errors import SealFailed
from reports.sealing.identity import identity, self_signed
from reports.sealing.seal import seal

PROOFS = {"entry.json", "report.tlog-proof", "checkpoint.txt", "consistency.json"}


def embedded(path) -> dict[str, bytes]:
    with pikepdf.open(path) as pdf:
        return {name: spec.get_file().read_bytes() for name, spec in pdf.attachments.items()}


def test_poppler_finds_the_signature_valid_over_the_whole_document(signed_report):
    if not shutil.which("pdfsig"):
        pytest.skip("pdfsig (poppler-utils) is not installed")
    said = subprocess.run(["pdfsig", signed_report.path], capture_output=True, text=True, check=False).stdout

    assert "Signature is Valid." in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said
    assert said.count("Signature #") == 1


def test_the_body_stands_unchanged_at_the_head_of_the_file(signed_report):
    whole = signed_report.path.read_bytes()
    said = json.loads(json.loads(embedded(signed_report.path)["entry.json"])["body"])["detail"]

    assert hashlib.sha256(whole).hexdigest() == signed_report.digest
    assert hashlib.sha256(whole[: said["body"]["bytes"]]).hexdigest() == said["body"]["sha256"]
    assert said["body"]["sha256"] == signed_report.body_digest


def test_every_file_of_the_body_is_named_by_the_entry(signed_report):
    files = embedded(signed_report.path)
    said = json.loads(json.loads(files["entry.json"])["body"])["detail"]

    assert set(files) == set(said["files"]) | PROOFS
    assert {name: hashlib.sha256(files[name]).hexdigest() for name in said["files"]} == said["files"]
    assert said["evidence"] == said["files"]["evidence.json"]


def test_the_proofs_hold_for_who_knows_only_the_key_of_the_log(signed_report):
    files = embedded(signed_report.path)
    entry, consistency = json.loads(files["entry.json"]), json.loads(files["consistency.json"])
    keys = [Verifier.parse(each) for each in signed_report.keys]

    state = notes.open_proof(
        files["report.tlog-proof"].decode(),
        leaf=leaf_hash(entry["leaf"].encode()),
        verifiers=keys,
        origin=signed_report.origin,
    )
    known = notes.open_checkpoint(files["checkpoint.txt"].decode(), keys, origin=signed_report.origin)

    assert state == known
    leaf = json.loads(entry["leaf"])
    assert leaf["action"] == "report.sealed"
    assert leaf["payload_hash"] == payload_digest(bytes.fromhex(entry["salt"]), entry["body"])
    evidence = json.loads(files["evidence.json"])["ledger"]
    old, new = consistency["old"], consistency["new"]
    assert (old["size"], old["root"]) == (evidence["size"], evidence["root"])
    assert (new["size"], new["root"]) == (state.size, state.root.hex())
    verify_consistency(
        old=old["size"],
        new=new["size"],
        old_root=bytes.fromhex(old["root"]),
        new_root=bytes.fromhex(new["root"]),
        proof=[bytes.fromhex(each) for each in consistency["proof"]],
    )


def test_the_increment_changes_no_page(signed_report):
    said = json.loads(json.loads(embedded(signed_report.path)["entry.json"])["body"])["detail"]
    whole = signed_report.path.read_bytes()
    changed = {int(n) for n in re.findall(rb"(?m)^(\d+) 0 obj", whole[said["body"]["bytes"] :])}

    with pikepdf.open(signed_report.path) as pdf:
        kept = {page.objgen[0] for page in pdf.pages} | {page.Contents.objgen[0] for page in pdf.pages}
        kept |= {pdf.Root.StructTreeRoot.objgen[0], pdf.Root.Metadata.objgen[0]}
    assert not changed & kept


def test_the_sealed_file_still_declares_and_keeps_both_standards(signed_report):
    with pikepdf.open(signed_report.path) as pdf:
        meta = pdf.open_metadata()
        assert (meta["pdfaid:part"], meta["pdfaid:conformance"], meta["pdfuaid:part"]) == ("3", "A", "1")
        assert pdf.pdf_version == "1.7"
        assert "/Version" not in pdf.Root
        assert pdf.Root.OutputIntents[0].S == Name.GTS_PDFA1
        for spec in pdf.Root.AF:
            assert spec.AFRelationship in (Name.Data, Name.Supplement)
            assert spec.F == spec.UF
            assert "/Subtype" in spec.EF.F
            assert "/ModDate" in spec.EF.F.Params
        assert [str(spec.UF) for spec in pdf.Root.AF].count("evidence.json") == 1
        names = [str(each) for each in list(pdf.Root.Names.EmbeddedFiles.Names)[::2]]
        assert names == sorted(names)
        field = pdf.Root.AcroForm.Fields[0]
        parents = pdf.Root.StructTreeRoot.ParentTree.Nums
        form = {int(parents[n]): parents[n + 1] for n in range(0, len(parents), 2)}[int(field.StructParent)]
        assert Name.Form == form.S
        assert str(form.Alt) == str(field.TU)
        assert field.F == 4
    assert [str(each) for each in pdfua.validate(str(signed_report.path)).findings] == []


def test_the_evidence_fits_the_published_schema(signed_report):
    assert evidence_problems(json.loads(embedded(signed_report.path)["evidence.json"])) == []


def test_an_expired_certificate_seals_nothing(db, settings, tmp_path):
    key = generate_private_key(public_exponent=65537, key_size=2048)
    armed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    past = self_signed(key, name="old", since=datetime(2020, 1, 1, tzinfo=UTC), years=1)
    (tmp_path / "key.pem").write_bytes(armed)
    (tmp_path / "cert.pem").write_bytes(past.public_bytes(Encoding.PEM))
    settings.GATEBOOK_REPORT_KEY = str(tmp_path / "key.pem")
    settings.GATEBOOK_REPORT_CERTIFICATE = str(tmp_path / "cert.pem")

    with identity() as who, pytest.raises(SealFailed) as no:
        seal(b"", by=who, proofs=[], moment=datetime.now(UTC))

    assert no.value.code == "expired"
    assert who.valid_until - who.valid_from == timedelta(days=366)


def test_a_key_without_its_own_certificate_is_refused(db, settings, tmp_path):
    keys = [generate_private_key(public_exponent=65537, key_size=2048) for _each in range(2)]
    armed = keys[0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    other = self_signed(keys[1], name="other", since=datetime.now(UTC))
    (tmp_path / "key.pem").write_bytes(armed)
    (tmp_path / "cert.pem").write_bytes(other.public_bytes(Encoding.PEM))
    settings.GATEBOOK_REPORT_KEY = str(tmp_path / "key.pem")

    with pytest.raises(ImproperlyConfigured, match="GATEBOOK_REPORT_CERTIFICATE"), identity():
        pass
    settings.GATEBOOK_REPORT_CERTIFICATE = str(tmp_path / "cert.pem")
    with pytest.raises(ImproperlyConfigured, match="not of the key"), identity():
        pass


def test_the_certificate_made_here_stays(db, settings, tmp_path):
    settings.GATEBOOK_KEYS = tmp_path / "keys"
    with identity() as first:
        pass
    with identity() as second:
        pass

    assert first.digest == second.digest
    assert (tmp_path / "keys/reports.pair").stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in (tmp_path / "keys/reports.crt").read_bytes()
