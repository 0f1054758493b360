"""Models named by digest, wherever they lie; what is odd is refused. Signatures are real OpenSSF ones."""

import hashlib
import io
import os
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import model_signing
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from model_signing._signing.signing import Payload  # the very statement that is signed

from ledger.errors import GatebookError
from lifecycle.artifacts import archives, manifests
from lifecycle.artifacts.archives import refuse_harmful_archive
from lifecycle.artifacts.manifests import take_manifest
from lifecycle.artifacts.names import safe_name
from lifecycle.artifacts.places import LocalPlace, PlaceError, place_for
from lifecycle.artifacts.signatures import trusted_keys, verify
from lifecycle.errors import Invalid, Refused


def quiet(step, share):
    """Nobody looks at the progress."""


@pytest.fixture
def root(tmp_path, settings):
    folder = tmp_path / "models"
    folder.mkdir()
    settings.GATEBOOK_MODEL_ROOTS = [str(folder)]
    return folder


def model(root, name="net", **files):
    """A folder with these files; an underscore in a name is a slash."""
    for inner, content in (files or {"weights.bin": b"123", "config_model.json": b"{}"}).items():
        path = root / name / inner.replace("_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root / name


def named(place):
    return take_manifest(place, progress=quiet)


def code_of(work, *args):
    with pytest.raises(GatebookError) as no:
        work(*args)
    return no.value.code


# ---- digests ----


def test_a_file_is_named_by_its_sha256(root):
    (root / "m.onnx").write_bytes(b"abc")

    found = named(place_for("m.onnx"))

    assert (found.digest, found.size, found.single) == (hashlib.sha256(b"abc").hexdigest(), 3, True)
    assert named(place_for((root / "m.onnx").as_uri())) == found
    assert named(place_for(str(root / "m.onnx"))) == found


def openssf(folder, *ignored):
    """Files and digest as model_signing has them."""
    config = model_signing.hashing.Config().set_ignored_paths(paths=ignored)
    manifest = config.hash(folder)
    listed = {each.identifier: each.digest.digest_hex for each in manifest.resource_descriptors()}
    return listed, Payload(manifest).statement.pb.subject[0].digest["sha256"]


@given(
    st.dictionaries(
        st.text("ab.-/é", min_size=1, max_size=6).filter(
            lambda name: all(part not in ("", ".", "..") for part in name.split("/"))
        ),
        st.binary(max_size=4),
        min_size=1,
        max_size=6,
    )
)
def test_a_folder_is_named_as_openssf_model_signing_names_it(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("model")
    for name, content in files.items():
        path = folder / name
        if any(parent.is_file() for parent in path.parents) or path.is_dir():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    place = LocalPlace.__new__(LocalPlace)
    place.path = folder

    found = named(place)

    assert ({each.name: each.digest for each in found.items}, found.digest) == openssf(folder)


def test_git_and_the_signature_are_no_part_of_a_folder(root):
    folder = model(root)
    plain = named(place_for("net"))
    (folder / ".git").mkdir()
    for name in (".git/HEAD", ".gitignore", "model.sig"):
        (folder / name).write_bytes(b"x")

    assert named(place_for("net")) == plain
    assert openssf(folder, "model.sig")[1] == plain.digest


def test_files_under_other_names_have_another_manifest(root):
    one, other = model(root, "one", a=b"1", b=b"2"), model(root, "other", a=b"1", c=b"2")

    first, second = named(LocalPlace(str(one))), named(LocalPlace(str(other)))

    assert first.digest == second.digest  # as OpenSSF has it
    assert first.text_digest != second.text_digest


# ---- what is odd ----


@pytest.mark.parametrize(
    "uri",
    [
        "../secret",
        "/etc/passwd",
        "net/../../secret",
        "file:///etc/passwd",
        "a/../../models2/x",
        "%2e%2e/secret",
    ],
)
def test_a_path_that_leads_out_of_the_roots_is_refused(root, uri):
    (root.parent / "secret").write_text("no")
    (root.parent / "models2").mkdir()

    assert code_of(lambda: named(place_for(uri))) in ("outside_root", "missing", "link_refused")


@pytest.mark.parametrize(
    "uri", ["", "ftp://x/y", "gopher:x", "file://other/x", "a\nb", "s3:///x", "x" * 3000, "//[x"]
)
def test_an_address_that_is_none_is_refused(root, uri):
    assert code_of(place_for, uri) in ("bad_uri", "scheme_not_allowed", "outside_root")


def test_links_and_special_files_are_refused_wherever_they_stand(root):
    folder = model(root)
    (root.parent / "secret").write_text("no")
    (folder / "link").symlink_to(root.parent / "secret")
    assert code_of(named, place_for("net")) == "link_refused"
    (folder / "link").unlink()
    (folder / "deep").symlink_to("/etc")
    assert code_of(named, place_for("net")) == "link_refused"
    (folder / "deep").unlink()
    os.mkfifo(folder / "pipe")
    assert code_of(named, place_for("net")) == "not_a_file"
    (folder / "pipe").unlink()
    (root / "out").symlink_to(root.parent / "secret")
    assert code_of(lambda: named(place_for("out"))) == "link_refused"
    (root / "way").symlink_to("/etc")
    assert code_of(lambda: named(place_for("way/passwd"))) == "outside_root"


@pytest.mark.parametrize(
    "name",
    ["../x", "/x", "a/../b", "a//b", "a\\b", "C:/x", "", ".", "a/.", "a\0b", "a\nb", "x" * 1001, "\ud800"],
)
def test_a_name_that_leads_elsewhere_is_refused(name):
    assert code_of(safe_name, name) == "unsafe_name"


def test_what_is_missing_empty_or_too_much_is_refused(root, settings, monkeypatch):
    assert code_of(lambda: named(place_for("nothing"))) == "missing"
    (root / "empty").mkdir()
    assert code_of(named, place_for("empty")) == "empty"
    model(root)
    settings.GATEBOOK_MODEL_BYTES = 4
    assert code_of(named, place_for("net")) == "too_large"
    monkeypatch.setattr("lifecycle.artifacts.places.MOST_FILES", 1)
    assert code_of(named, place_for("net")) == "too_many_files"


class Restless:
    """A place that changes something at a certain reading."""

    def __init__(self, place, at, change):
        self.place, self.at, self.change, self.readings = place, at, change, 0

    def entries(self):
        return self.place.entries()

    def pieces(self, entry):
        self.readings += 1
        if self.readings == self.at:
            self.change()
        return self.place.pieces(entry)


@pytest.mark.parametrize("at", [2, 3, 4])
@pytest.mark.parametrize("keeps_its_looks", [False, True])
def test_a_model_that_changes_while_it_is_hashed_is_refused(root, at, keeps_its_looks):
    folder = model(root, a=b"1", b=b"2")

    def change():
        before = (folder / "b").stat()
        (folder / "b").write_bytes(b"3")
        if keeps_its_looks:  # size and times tell nothing
            os.utime(folder / "b", ns=(before.st_atime_ns, before.st_mtime_ns))

    if keeps_its_looks and at == 2:
        pytest.skip("changed before it was first read: there is nothing to tell")
    with pytest.raises(Refused) as no:
        named(Restless(place_for("net"), at, change))
    assert no.value.code == "changed_while_read"


def test_a_file_that_comes_or_goes_meanwhile_is_refused(root):
    folder = model(root, a=b"1", b=b"2")

    with pytest.raises(Refused):
        named(Restless(place_for("net"), 3, lambda: (folder / "new").write_bytes(b"x")))
    with pytest.raises(Refused):
        named(Restless(place_for("net"), 3, (folder / "b").unlink))


# ---- archives ----


def zipped(path, *members, level=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", level) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_a_zip_bomb_is_refused_and_an_honest_archive_is_not(tmp_path, monkeypatch):
    refuse_harmful_archive(
        zipped(tmp_path / "good.skops", ("schema.json", b"{}"), ("a.npy", os.urandom(5000)))
    )
    (tmp_path / "plain").write_bytes(b"no archive")
    refuse_harmful_archive(tmp_path / "plain")

    bomb = zipped(tmp_path / "bomb.zip", ("zeros", bytes(100 * 1024**2)))
    assert code_of(refuse_harmful_archive, bomb) == "archive_bomb"
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    many = zipped(tmp_path / "many.zip", *[(f"m{n}", b"") for n in range(4)])
    assert code_of(refuse_harmful_archive, many) == "archive_bomb"


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/x", "a/../../x", "C:\\x"])
def test_an_archive_with_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    assert code_of(refuse_harmful_archive, zipped(tmp_path / "x.zip", (name, b"x"))) == "unsafe_name"


def test_members_that_overlap_and_damaged_archives_are_refused(tmp_path):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("one", os.urandom(4000))
        first = archive.infolist()[0]
        for number in range(5):
            again = zipfile.ZipInfo(f"again{number}")
            again.header_offset, again.CRC = first.header_offset, first.CRC
            again.file_size, again.compress_size = first.file_size, first.compress_size
            archive.filelist.append(again)
    (tmp_path / "overlap.zip").write_bytes(raw.getvalue())
    assert code_of(refuse_harmful_archive, tmp_path / "overlap.zip") == "archive_bomb"

    good = zipped(tmp_path / "good.zip", ("one", os.urandom(4000))).read_bytes()
    (tmp_path / "broken.zip").write_bytes(good.replace(b"PK\x01\x02", b"PK\x09\x09"))
    assert code_of(refuse_harmful_archive, tmp_path / "broken.zip") == "broken_archive"


# ---- signatures ----


def key_pair(folder, name, curve=None):
    """A private key beside, its public one among the trusted."""
    private = ec.generate_private_key(curve or ec.SECP256R1())
    secret = folder.parent / f"{folder.name}-{name}.key"
    secret.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{name}.pub").write_bytes(public)
    return secret


def sign(path, signature, secret, **hashing):
    config = model_signing.signing.Config().use_elliptic_key_signer(private_key=secret)
    method = model_signing.hashing.Config()
    if hashing:
        getattr(method, hashing.pop("use"))(**hashing)
    method.set_ignored_paths(paths=[signature] if signature.is_relative_to(path) else [])
    config.set_hashing_config(method).sign(path, signature)


@pytest.fixture
def keys(tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    "curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda each: each.name
)
def test_a_real_signature_is_verified(root, keys, curve):
    folder, secret = model(root), key_pair(keys, "release", curve)
    key_pair(keys, "other")
    sign(folder, folder / "model.sig", secret)

    verdict = verify((folder / "model.sig").read_bytes(), named(place_for("net")), trusted_keys(keys))

    assert (verdict.state, verdict.key_name) == ("verified", "release")


def test_a_signature_of_one_file_is_verified(root, keys):
    (root / "m.onnx").write_bytes(b"abc")
    sign(root / "m.onnx", root / "m.onnx.sig", key_pair(keys, "release"))

    verdict = verify((root / "m.onnx.sig").read_bytes(), named(place_for("m.onnx")), trusted_keys(keys))

    assert verdict.state == "verified"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda folder: (folder / "weights.bin").write_bytes(b"124"),
            "changed since it was signed: weights.bin",
        ),
        (lambda folder: (folder / "extra").write_bytes(b"x"), "not signed: extra"),
        (lambda folder: (folder / "weights.bin").unlink(), "signed, but not there: weights.bin"),
    ],
)
def test_a_signature_of_another_state_does_not_fit(root, keys, change, said):
    folder = model(root)
    sign(folder, folder / "model.sig", key_pair(keys, "release"))
    change(folder)

    verdict = verify((folder / "model.sig").read_bytes(), named(place_for("net")), trusted_keys(keys))

    assert (verdict.state, said in verdict.text) == ("failed", True)


def test_a_signature_that_leaves_files_out_covers_nothing(root, keys):
    folder, secret = model(root), key_pair(keys, "release")
    method = model_signing.hashing.Config().set_ignored_paths(
        paths=[folder / "weights.bin", folder / "model.sig"]
    )
    model_signing.signing.Config().use_elliptic_key_signer(private_key=secret).set_hashing_config(
        method
    ).sign(folder, folder / "model.sig")

    verdict = verify((folder / "model.sig").read_bytes(), named(place_for("net")), trusted_keys(keys))

    assert (verdict.state, "not signed: weights.bin" in verdict.text) == ("failed", True)


def test_a_strange_key_a_forged_envelope_and_rubbish_are_told_apart(root, keys, tmp_path):
    folder, secret = model(root), key_pair(keys, "release")
    sign(folder, folder / "model.sig", secret)
    bundle, manifest = (folder / "model.sig").read_bytes(), named(place_for("net"))
    at = bundle.index(b'"sig"') + 12
    forged = bundle[:at] + (b"A" if bundle[at : at + 1] != b"A" else b"B") + bundle[at + 1 :]

    assert verify(bundle, manifest, []).state == "unknown_key"
    assert verify(forged, manifest, trusted_keys(keys)).state == "failed"
    for rubbish in (
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"verificationMaterial":{"publicKey":{}}}',
        b"[" * 100_000,
        b"1",
    ):
        assert verify(rubbish, manifest, trusted_keys(keys)).state == "unreadable"
    assert (
        verify(bundle.replace(b"publicKey", b"certificate"), manifest, trusted_keys(keys)).state
        == "unreadable"
    )


@pytest.mark.parametrize(
    "how",
    [
        {"use": "use_shard_serialization", "shard_size": 10},
        {"use": "use_file_serialization", "hashing_algorithm": "blake2"},
    ],
)
def test_other_ways_to_sign_are_said_not_to_be_compared(root, keys, how):
    folder = model(root)
    sign(folder, folder / "model.sig", key_pair(keys, "release"), **how)

    verdict = verify((folder / "model.sig").read_bytes(), named(place_for("net")), trusted_keys(keys))

    assert (verdict.state, "SHA-256" in verdict.text) == ("unreadable", True)


def test_a_file_among_the_keys_that_is_none_is_named(keys):
    (keys / "bad.pem").write_text("no")

    with pytest.raises(ValueError, match=r"bad\.pem"):
        trusted_keys(keys)
    assert trusted_keys(None) == []


# ---- the web ----


class Shelf(BaseHTTPRequestHandler):
    """A web server with models on it."""

    content, tag, moves, hide_head = b"model bytes", '"1"', False, False

    def log_message(self, *words):
        """Say nothing."""

    def do_HEAD(self):
        if type(self).hide_head:
            return self.answer(b"", 405)
        return self.answer(b"" if self.path.endswith(".sig") else type(self).content)

    def do_GET(self):
        self.answer(type(self).content, body=True)
        if type(self).moves:
            type(self).content = type(self).content[::-1]

    def answer(self, content, status=200, *, body=False):
        if self.path.startswith("/missing") or self.path.endswith(".sig"):
            status, content = 404, b""
        elif self.path.startswith("/broken"):
            status, content = 500, b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", type(self).tag)
        self.end_headers()
        if body:
            self.wfile.write(content)


@pytest.fixture
def shelf(settings):
    settings.GATEBOOK_OUTBOUND_ALLOW = ["127.0.0.1"]
    shelf = type("OwnShelf", (Shelf,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), shelf)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield shelf, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("hide_head", [False, True])
def test_a_model_on_a_web_server_is_named(shelf, hide_head):
    handler, address = shelf
    handler.hide_head = hide_head

    assert named(place_for(f"{address}/m.onnx")).digest == hashlib.sha256(handler.content).hexdigest()


def test_one_that_changes_between_two_readings_is_refused(shelf):
    handler, address = shelf
    handler.moves = True

    assert code_of(named, place_for(f"{address}/m.onnx")) == "changed_while_read"


def test_a_web_server_that_has_nothing_or_breaks_is_told_apart(shelf, settings):
    _handler, address = shelf

    assert code_of(named, place_for(f"{address}/missing")) == "missing"
    with pytest.raises(PlaceError):
        named(place_for(f"{address}/broken"))
    settings.GATEBOOK_MODEL_BYTES = 3
    assert code_of(named, place_for(f"{address}/m")) == "too_large"


def test_an_address_inside_is_refused_unless_it_is_allowed(shelf, settings):
    _handler, address = shelf
    settings.GATEBOOK_OUTBOUND_ALLOW = []

    for uri in (f"{address}/m", "http://169.254.169.254/latest/meta-data", "http://localhost/x"):
        with pytest.raises(Invalid) as no:
            named(place_for(uri))
        assert no.value.code == "refused_address"


def test_memory_does_not_grow_with_the_model(root):
    import tracemalloc  # only here

    with (root / "big").open("wb") as file:
        file.truncate(64 * 1024**2)
    tracemalloc.start()
    named(place_for("big"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 8 * 1024**2
    assert manifests.SIGNATURES == ("model.sig",)
