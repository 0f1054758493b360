"""Models in an S3-compatible store: moto's server, reached as any store is."""

import hashlib
import socket
import subprocess
import time
import urllib.request

import fsspec
import pytest

from config.settings import BASE_DIR
from ledger.errors import GatebookError
from lifecycle.artifacts.manifests import take_manifest
from lifecycle.artifacts.places import PlaceError, place_for


@pytest.fixture(scope="module")
def store():
    """Address of the running store."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    python = BASE_DIR / ".venv-peers/bin/python"
    command = [python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _attempt in range(300):
        try:
            urllib.request.urlopen(f"{address}/moto-api", timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    yield address
    server.kill()
    server.wait()


@pytest.fixture
def bucket(store, settings):
    """The store as the installation knows it, and a client to fill it."""
    settings.GATEBOOK_MODEL_ROOTS = ["s3://models/team"]
    settings.GATEBOOK_S3_ENDPOINT, settings.GATEBOOK_S3_KEY, settings.GATEBOOK_S3_SECRET = (
        store,
        "key",
        "secret",
    )
    files = fsspec.filesystem(
        "s3", key="key", secret="secret", client_kwargs={"endpoint_url": store}, skip_instance_cache=True
    )
    if not files.exists("models"):
        files.mkdir("models")
    return files


def named(uri):
    return take_manifest(place_for(uri), progress=lambda *_said: None)


def test_an_object_and_a_prefix_are_named_as_files_and_folders_are(bucket):
    bucket.pipe("models/team/m.onnx", b"abc")
    bucket.pipe("models/team/net/a", b"1")
    bucket.pipe("models/team/net/deep/b", b"x" * 20_000_000)

    assert named("s3://models/team/m.onnx").digest == hashlib.sha256(b"abc").hexdigest()
    found = named("s3://models/team/net/")
    assert [(each.name, each.size) for each in found.items] == [("a", 1), ("deep/b", 20_000_000)]


def test_what_lies_outside_the_roots_or_is_not_there_is_refused(bucket):
    bucket.pipe("models/teammate/m", b"1")
    for uri in ("s3://models/teammate/m", "s3://other/m", "s3://models", "s3://models/team/../teammate/m"):
        with pytest.raises(GatebookError) as no:
            named(uri)
        assert no.value.code in ("outside_root", "bad_uri")
    with pytest.raises(GatebookError) as no:
        named("s3://models/team/nothing")
    assert no.value.code == "missing"


def test_an_object_whose_name_leads_elsewhere_is_refused(bucket):
    bucket.call_s3("put_object", Bucket="models", Key="team/odd/../../up", Body=b"1")
    bucket.call_s3("put_object", Bucket="models", Key="team/odd2//x", Body=b"1")

    for uri in ("s3://models/team/odd", "s3://models/team/odd2"):
        with pytest.raises(GatebookError) as no:
            named(uri)
        assert no.value.code == "unsafe_name"


def test_an_object_that_is_replaced_while_it_is_hashed_is_refused(bucket):
    bucket.pipe("models/team/moving", b"1")

    def replace(*_said):
        bucket.pipe("models/team/moving", b"2")

    with pytest.raises(GatebookError) as no:
        take_manifest(place_for("s3://models/team/moving"), progress=replace)
    assert no.value.code == "changed_while_read"


def test_a_store_that_is_down_is_asked_again_later(bucket, settings):
    settings.GATEBOOK_S3_ENDPOINT = "http://127.0.0.1:9"

    with pytest.raises(PlaceError):
        named("s3://models/team/m.onnx")
