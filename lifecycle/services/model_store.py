"""Keeps models in the default storage under the digest of their content."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage


@dataclass(frozen=True)
class StoredModel:
    """A model artifact in the default storage: SHA-256, name there, size in bytes."""

    digest: str
    name: str
    size: int


def store_model(path: Path, digest: str) -> StoredModel:
    """Put the file into the storage, whole or not at all; putting the same content twice is one file."""
    stored = StoredModel(digest=digest, name=f"models/{digest}{path.suffix}", size=path.stat().st_size)
    _store(path, stored.name)
    return stored


def store_file(path: Path, folder: str) -> str:
    """Put a file that is named by its digest into a folder of the storage; its name there."""
    name = f"{folder}/{path.name}"
    _store(path, name)
    return name


def _store(path: Path, name: str) -> None:
    folder = _local_folder(name)
    if folder is not None:
        _put_locally(path, folder / Path(name).name)
    elif not default_storage.exists(name):
        with path.open("rb") as file:
            default_storage.save(name, File(file))


@contextmanager
def local_model(name: str) -> Iterator[Path]:
    """The stored model as a file of this machine, for as long as the block lasts."""
    folder = _local_folder(name)
    if folder is not None:
        yield folder / Path(name).name
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / Path(name).name
        with default_storage.open(name) as source, copy.open("wb") as target:
            for chunk in source.chunks():
                target.write(chunk)
        yield copy


def _local_folder(name: str) -> Path | None:
    """The folder of a storage that is a folder; None for storages elsewhere."""
    try:
        return Path(default_storage.path(name)).parent
    except NotImplementedError:
        return None


def _put_locally(path: Path, target: Path) -> None:
    """Write beside the target and rename: a worker killed half way leaves no file under the digest's name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=target.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as out, path.open("rb") as source:
            while chunk := source.read(1024**2):
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        Path(draft).chmod(0o640)
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
