"""The ledger shown to the outside: over HTTP, to a real witness, and in places of every kind."""

import subprocess
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from asn1crypto import tsp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import transaction
from django.urls import reverse
from django.utils.timezone import now
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle, notes
from ledger.actions import LedgerAction
from ledger.errors import Invalid
from ledger.keys import signer
from ledger.models import Anchoring, Checkpoint, Cosignature, Entry, Witness
from ledger.notes import COSIGNATURE, Verifier
from ledger.publishing import checkpoint_text, leaf_bytes_of, origin, publish_checkpoint, verifiers
from ledger.queries import head
from ledger.witness import Cosigner, Kept, server
from lifecycle.models import Job
from reports.paths import TileConverter, TilePlace
from reports.services.anchors import Anchor, AnchorFault
from reports.services.log import add_witness, ask_witness, lay_down, publish_due, remove_witness
from tests import make
from tests.ledger.given import ACTOR, add_entries

pytestmark = pytest.mark.django_db
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
KEY = Verifier("witness.example", WITNESS.public_key().public_bytes_raw(), COSIGNATURE)


@pytest.fixture(autouse=True)
def own_keys(settings, tmp_path):
    settings.GATEBOOK_KEYS = tmp_path / "keys"
    settings.GATEBOOK_OUTBOUND_ALLOW = ["127.0.0.1"]


@pytest.fixture
def serving():
    """Start a server in a thread and give its address; all are stopped at the end."""
    running = []

    def start(listening):
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        running.append((listening, thread))
        return f"http://127.0.0.1:{listening.server_port}"

    yield start
    for listening, thread in running:
        listening.shutdown()
        listening.server_close()
        thread.join()


def cosigner(folder, **how):
    values = {"verifier": KEY, "sign": WITNESS.sign, "logs": verifiers(), "kept": Kept(folder)}
    return server("127.0.0.1", 0, Cosigner(**values | how))


def get(client, name, *arguments):
    return client.get(reverse(f"reports:{name}", args=arguments))


def test_everybody_reads_checkpoint_keys_and_hashes(client):
    add_entries(300)
    checkpoint = publish_checkpoint()

    text = get(client, "ledger-checkpoint").content.decode()
    keys = [Verifier.parse(line) for line in get(client, "ledger-keys").content.decode().splitlines()]
    full = get(client, "ledger-tile", 0, TilePlace(0, 256))
    rest = get(client, "ledger-tile", 0, TilePlace(1, checkpoint.size - 256))

    statement = notes.open_checkpoint(text, keys, origin=origin())
    raw = full.content + rest.content
    assert merkle.root_of(raw[at : at + 32] for at in range(0, len(raw), 32)) == statement.root
    assert "immutable" in full["Cache-Control"]


def test_what_the_checkpoint_does_not_cover_is_not_there(client):
    add_entries(5)
    size = publish_checkpoint().size
    add_entries(5)

    for level, place in [(0, (0, size + 1)), (0, (0, 256)), (1, (0, 1)), (9, (0, 1)), (0, (9, 1))]:
        assert get(client, "ledger-tile", level, TilePlace(*place)).status_code == 404, (level, place)
    assert get(client, "ledger-tile", 0, TilePlace(0, size)).status_code == 200


def test_before_anything_was_published_there_is_nothing(client):
    assert get(client, "ledger-checkpoint").status_code == 404
    assert get(client, "ledger-tile", 0, TilePlace(0, 1)).status_code == 404


def test_entries_are_for_those_who_see_everything(client):
    add_entries(3)
    size = publish_checkpoint().size
    place = TilePlace(0, size)

    assert get(client, "ledger-entry-tile", place).status_code == 302
    client.force_login(make.user())
    assert get(client, "ledger-entry-tile", place).status_code == 403
    client.force_login(make.user(org_role="auditor"))
    raw = get(client, "ledger-entry-tile", place)

    assert len(raw.content) > 3 * 100
    assert raw["Cache-Control"].startswith("private")


def test_a_reader_takes_a_proof_along(client):
    add_entries(4)
    publish_checkpoint()
    client.force_login(make.user(org_role="auditor"))

    text = get(client, "ledger-tlog-proof", 2).content.decode()

    leaf = merkle.leaf_hash(leaf_bytes_of(Entry.objects.get(pk=2)))
    assert notes.open_proof(text, leaf=leaf, verifiers=verifiers()).size == head().size
    assert get(client, "ledger-tlog-proof", 10**18).status_code == 404


@given(st.integers(0, 10**15 - 1), st.integers(1, 256))
def test_a_tile_has_one_address(number, width):
    converter, place = TileConverter(), TilePlace(number, width)

    assert converter.to_python(converter.to_url(place)) == place


@pytest.mark.parametrize("text", ["x000/001", "001.p/256", "001.p/999"])
def test_another_spelling_of_a_tile_is_none(text):
    with pytest.raises(ValueError, match=r"."):
        TileConverter().to_python(text)


def test_checkpoints_are_signed_while_the_ledger_grows_and_not_otherwise(settings):
    settings.GATEBOOK_CHECKPOINT_SECONDS = 300
    add_entries(2)
    moment = now()

    first = publish_due(moment)
    add_entries(1)

    assert first is not None
    assert publish_due(moment + timedelta(seconds=10)) is None
    later = publish_due(moment + timedelta(seconds=400))
    assert later is not None
    assert later.size > first.size
    assert publish_due(moment + timedelta(days=9)) is None


def witness_at(url):
    with transaction.atomic():
        return add_witness(name=KEY.name, url=url, verifier=str(KEY), actor=ACTOR)


def ask(witness, checkpoint):
    ask_witness(witness_id=witness.pk, checkpoint_id=checkpoint.pk)
    witness.refresh_from_db()
    return witness


def test_a_witness_cosigns_what_grew(serving, tmp_path):
    publish_checkpoint()
    witness = witness_at(serving(cosigner(tmp_path / "w")))
    for count in (3, 10):
        add_entries(count)
        checkpoint = publish_checkpoint()

        assert ask(witness, checkpoint).said == ""
        signed = notes.parse_note(checkpoint_text(checkpoint))
        assert set(notes.verified_by(signed, [*verifiers(), KEY])) == {origin(), KEY.name}
    ask(witness, checkpoint)
    assert Cosignature.objects.filter(checkpoint=checkpoint).count() == 1
    assert witness.size == checkpoint.size


def test_a_witness_that_knows_more_than_we_remember_is_shown_the_growth(serving, tmp_path):
    add_entries(3)
    first = publish_checkpoint()
    witness = witness_at(serving(cosigner(tmp_path / "w")))
    ask(witness, first)
    Witness.objects.update(size=0)  # as after an old copy of the database was restored
    add_entries(2)
    witness.refresh_from_db()

    assert ask(witness, publish_checkpoint()).said == ""


def test_a_witness_that_signs_with_another_key_is_not_believed(serving, tmp_path):
    add_entries(3)
    checkpoint = publish_checkpoint()
    other = Ed25519PrivateKey.generate()
    url = serving(cosigner(tmp_path / "w", sign=other.sign))

    said = ask(witness_at(url), checkpoint).said

    assert "does not fit" in said
    assert not Cosignature.objects.exists()


def test_a_refusal_is_noted_in_words(serving, tmp_path):
    checkpoint = publish_checkpoint()

    said = ask(witness_at(serving(cosigner(tmp_path / "w", logs=[]))), checkpoint).said

    assert said == "404: This log is not known here."


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"verifier": "x"}, "verifier"),
        ({"verifier": str(Verifier(KEY.name, KEY.public))}, "verifier"),
        ({"name": "another.example"}, "verifier"),
        ({"url": "ftp://a"}, "url"),
    ],
)
def test_a_witness_that_is_none_is_refused_and_nothing_changes(given, where):
    values = {"name": KEY.name, "url": "https://w.example", "verifier": str(KEY)}

    with pytest.raises(Invalid) as no:
        add_witness(**values | given, actor=ACTOR)

    assert no.value.where == where
    assert (Witness.objects.count(), Entry.objects.count()) == (0, 0)


def test_a_witness_comes_and_goes_with_an_entry_each():
    witness_at("https://w.example/")

    remove_witness(name=KEY.name, actor=ACTOR)

    assert [entry.action for entry in Entry.objects.order_by("index")] == [
        LedgerAction.WITNESS_ADDED,
        LedgerAction.WITNESS_REMOVED,
    ]
    with pytest.raises(Invalid):
        remove_witness(name=KEY.name, actor=ACTOR)


def test_what_is_due_is_asked_for_once(settings, tmp_path):
    settings.GATEBOOK_LEDGER_ANCHORS = [f"file:{tmp_path}/out", "mail:auditor@example.org"]
    add_entries(1)
    witness_at("https://w.example")

    publish_due(now())
    publish_due(now())

    assert sorted(Job.objects.values_list("task", flat=True)) == [
        "ledger.anchor",
        "ledger.anchor",
        "ledger.witness",
    ]


def laid_down(target):
    checkpoint = publish_checkpoint()
    lay_down(target=target, checkpoint_id=checkpoint.pk)
    lay_down(target=target, checkpoint_id=checkpoint.pk)
    found = Anchoring.objects.filter(target=target)
    return checkpoint, found.get()


def test_a_checkpoint_goes_into_a_folder_once(tmp_path):
    add_entries(2)

    checkpoint, done = laid_down(f"file:{tmp_path}/out")

    [file] = (tmp_path / "out").iterdir()
    assert file.read_text() == checkpoint_text(checkpoint)
    assert done.fault == ""


def test_a_checkpoint_goes_into_a_git_repository_and_is_pushed(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", there], check=True)
    subprocess.run(["git", "clone", "--quiet", there, here], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["git", "-C", here, "checkout", "--quiet", "-b", "main"], check=False)
    subprocess.run(["git", "-C", here, "config", "push.default", "current"], check=True)
    add_entries(2)

    checkpoint, done = laid_down(f"git:{here}")

    assert done.fault == ""
    command = ["git", "-C", there, "log", "--format=%s", "main"]
    log = subprocess.run(command, capture_output=True, text=True, check=True)
    assert log.stdout.strip() == f"Checkpoint of {checkpoint.size} entries, root {checkpoint.root}"


def test_a_checkpoint_goes_out_by_mail():
    add_entries(2)

    checkpoint, _done = laid_down("mail:auditor@example.org")

    [sent] = mail.outbox
    assert sent.to == ["auditor@example.org"]
    assert checkpoint.note in sent.body


class Stamper(BaseHTTPRequestHandler):
    """A time-stamp service with a certificate of its own, which can be told to misbehave."""

    stamper, twist = None, staticmethod(lambda raw: raw)

    def log_message(self, *words):
        """Say nothing."""

    def do_POST(self):
        asked = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
        body = type(self).twist(self.stamper.request_tsa_response(asked).dump())
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def stamper():
    from asn1crypto import keys as asn1_keys
    from asn1crypto import x509 as asn1_x509
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    from pyhanko.sign.timestamps import DummyTimeStamper

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stamps")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=30))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding, no_secret = serialization.Encoding.DER, serialization.NoEncryption()
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_secret)
    return DummyTimeStamper(
        tsa_cert=asn1_x509.Certificate.load(certificate.public_bytes(encoding)),
        tsa_key=asn1_keys.PrivateKeyInfo.load(private),
    )


def stamping(stamper, twist=lambda raw: raw):
    handler = type("H", (Stamper,), {"stamper": stamper, "twist": staticmethod(twist)})
    return ThreadingHTTPServer(("127.0.0.1", 0), handler)


def test_a_checkpoint_is_time_stamped(serving, stamper):
    add_entries(2)

    _checkpoint, done = laid_down(f"tsa:{serving(stamping(stamper))}")

    assert done.fault == ""
    assert tsp.TimeStampResp.load(bytes(done.proof))["status"]["status"].native == "granted"


@pytest.mark.parametrize("twist", [lambda _raw: b"<html>", lambda raw: raw[:40], lambda _raw: b""])
def test_a_time_stamp_that_is_none_refused(serving, stamper, twist):
    anchor = Anchor.parse(f"tsa:{serving(stamping(stamper, twist))}")

    with pytest.raises(AnchorFault, match="cannot be read"):
        anchor.lay_down(publish_checkpoint())


def test_a_time_stamp_of_something_else_refused(serving, stamper):
    kept = []

    def replay(raw):
        kept.append(raw)
        return kept[0]

    anchor = Anchor.parse(f"tsa:{serving(stamping(stamper, replay))}")
    add_entries(1)
    anchor.lay_down(publish_checkpoint())
    add_entries(1)

    with pytest.raises(AnchorFault, match="something else"):
        anchor.lay_down(publish_checkpoint())


def test_a_place_that_fails_is_noted_and_does_no_harm(tmp_path):
    (tmp_path / "file").touch()
    checkpoint = publish_checkpoint()

    lay_down(target=f"file:{tmp_path}/file/below", checkpoint_id=checkpoint.pk)
    lay_down(target=f"git:{tmp_path}", checkpoint_id=checkpoint.pk)

    faults = list(Anchoring.objects.values_list("fault", flat=True))
    assert len(faults) == 2
    assert all(faults)


@pytest.mark.parametrize("target", ["", "x", "file:", "file:relative", "mail:nobody", "tsa:ftp://a", "s3:/a"])
def test_what_is_no_place_is_said_to_be_none(target):
    with pytest.raises(ValueError, match=r"place|path|address"):
        Anchor.parse(target)


def test_a_tree_that_went_another_way_gets_no_cosignature(serving, tmp_path):
    add_entries(5)
    ours = publish_checkpoint()
    witness = ask(witness_at(serving(cosigner(tmp_path / "w"))), ours)
    add_entries(9)
    forged = [merkle.leaf_hash(b"other %d" % n) for n in range(9)]
    statement = notes.Statement(origin(), 9, merkle.root_of(forged))
    [key] = verifiers()
    note = str(notes.sign_note(statement.text, key, signer().sign))
    other = Checkpoint.objects.create(
        size=9, root=statement.root.hex(), note=note, key=ours.key, signed_at=now()
    )

    assert ask(witness, other).said.startswith("422")


def test_witnesses_are_told_of_by_command(capsys):
    call_command("witnesses", "add", KEY.name, "https://w.example", str(KEY))
    call_command("witnesses", "list")
    assert capsys.readouterr().out == "witness.example  https://w.example  cosigned 0 entries\n"

    call_command("witnesses", "remove", KEY.name)
    call_command("witnesses", "list")
    assert capsys.readouterr().out == ""
    with pytest.raises(CommandError, match="no witness"):
        call_command("witnesses", "remove", KEY.name)


def test_the_pages_name_the_checkpoint_once_there_is_one(client):
    add_entries(2)
    client.force_login(make.user(org_role="auditor"))
    assert "Signed checkpoint" not in get(client, "ledger").text

    publish_checkpoint()

    assert reverse("reports:ledger-checkpoint") in get(client, "ledger").text
    assert reverse("reports:ledger-tlog-proof", args=[1]) in get(client, "ledger-entry", 1).text
