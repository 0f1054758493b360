"""What a model is made of, and its digest.

A single file is named by its SHA-256. A folder is named as OpenSSF model signing names it (model_signing 1.x,
the subject of its statement): SHA-256 over the SHA-256 digests of its files in the order of their names,
without what belongs to git and without the signature itself. Because that digest does not cover names, the
manifest with names has a digest of its own beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import rfc8785
from django.conf import settings
from django.utils.translation import gettext as _

from lifecycle.artifacts.places import Entry, Place, changed
from lifecycle.errors import Invalid

SIGNATURES = ("model.sig",)
"""Names of a signature at the top of a folder; it is no part of what it signs."""
_GIT = (".git", ".gitattributes", ".github", ".gitignore")

Progress = Callable[[str, float], None]
Taken = Callable[[Entry, bytes], None]


@dataclass(frozen=True)
class Item:
    """One file of a model: its name ("." where it is the model), SHA-256 and size in bytes."""

    name: str
    digest: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """The files of a model, by name."""

    items: tuple[Item, ...]
    single: bool

    @property
    def digest(self) -> str:
        """What names the model."""
        if self.single:
            return self.items[0].digest
        whole = hashlib.sha256()
        for item in self.items:
            whole.update(bytes.fromhex(item.digest))
        return whole.hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(item.size for item in self.items)

    @property
    def text(self) -> str:
        """The manifest as canonical JSON, names included."""
        listed: list[Any] = [
            {"name": each.name, "sha256": each.digest, "size": each.size} for each in self.items
        ]
        return rfc8785.dumps({"format": "gatebook-model/1", "single": self.single, "files": listed}).decode()

    @property
    def text_digest(self) -> str:
        """SHA-256 of `text`."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def signed_entries(entries: Iterable[Entry]) -> list[Entry]:
    """The files that count: without git's own and without the signature, in OpenSSF's order of names."""
    kept = [
        each
        for each in entries
        if not (each.name and PurePosixPath(each.name).parts[0] in _GIT) and each.name not in SIGNATURES
    ]
    return sorted(kept, key=lambda each: PurePosixPath(each.name))


def take_manifest(place: Place, *, progress: Progress, taken: Taken | None = None) -> Manifest:
    """Read everything twice and name it; `taken` gets each piece of the first reading.

    Raises `Refused("changed_while_read")` if a listing or a byte differs between the readings, and `Invalid`
    for what is too large, empty or not allowed. Memory does not grow with the size.
    """
    before = signed_entries(place.entries())
    if not before:
        raise Invalid("empty", _("There is no file that could be a model."), "/uri")
    _refuse_too_large(sum(each.size or 0 for each in before))
    first = _read_all(place, before, progress, _("Reading"), 0.0, taken)
    second = _read_all(place, before, progress, _("Reading again"), 0.5, None)
    for entry, one, other in zip(before, first, second, strict=True):
        if one != other or (entry.size is not None and entry.size != one.size):
            raise changed(entry)
    after = signed_entries(place.entries())
    if after != before:
        moved = next((one for one, other in zip(before, after, strict=False) if one != other), before[-1])
        raise changed(moved)
    return Manifest(tuple(first), single=before[0].name == "")


def _read_all(
    place: Place, entries: list[Entry], progress: Progress, words: str, start: float, taken: Taken | None
) -> list[Item]:
    total = sum(each.size or 0 for each in entries) or 1
    found, done = [], 0
    for entry in entries:
        digest, size = hashlib.sha256(), 0
        for piece in place.pieces(entry):
            digest.update(piece)
            size, done = size + len(piece), done + len(piece)
            _refuse_too_large(done)
            if taken is not None:
                taken(entry, piece)
            progress(f"{words} {entry.name}".strip(), start + 0.5 * min(done / total, 1.0))
        found.append(Item(entry.name or ".", digest.hexdigest(), size))
    return found


def _refuse_too_large(size: int) -> None:
    if size > settings.GATEBOOK_MODEL_BYTES:
        text = _("A model has at most %(most)d MB.") % {"most": settings.GATEBOOK_MODEL_BYTES // 1_000_000}
        raise Invalid("too_large", text, "/uri")
