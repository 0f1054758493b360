"""Reads a model, names it by its digest, looks at its signature, and makes the model version."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, Self

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from lifecycle.actions import LifecycleAction
from lifecycle.artifacts.archives import refuse_harmful_archive
from lifecycle.artifacts.manifests import SIGNATURES, Manifest, take_manifest
from lifecycle.artifacts.places import Entry, Place, PlaceError, place_for
from lifecycle.artifacts.signatures import MOST_BYTES, Verdict, trusted_keys, verify
from lifecycle.errors import Invalid, Refused
from lifecycle.models import ModelSignature, ModelVersion, Registration, Run
from lifecycle.services.model_store import store_model
from lifecycle.services.registrations import ENDED, MACHINE, Reporter, finish
from lifecycle.services.steps import locked, record

_EVALUATED = (".skops", ".onnx")
"""Models that runs can evaluate: only of these a copy is kept, of at most `_MOST_KEPT` bytes."""
_MOST_KEPT = 1024**3


class Read(NamedTuple):
    """What was read of a model."""

    manifest: Manifest
    stored: str
    signature: bytes


def read_model(registration: Registration) -> Read:
    """Read a model twice, in bounded memory, with the signature beside it."""
    place = place_for(registration.uri)
    with tempfile.TemporaryDirectory(prefix="gatebook-model-") as scratch:
        copies = _Copies(Path(scratch), registration.uri)
        with copies:
            manifest = take_manifest(place, progress=Reporter(registration), taken=copies.take)
        for path in copies.archives:
            refuse_harmful_archive(path)
        signature = _signature(place, registration.uri)
        stored = ""
        kept = copies.kept
        if manifest.single and kept is not None and manifest.size <= _MOST_KEPT:
            named = kept.rename(kept.with_name(manifest.digest + kept.suffix))
            stored = store_model(named, manifest.digest).name
        return Read(manifest, stored, signature)


class _Copies:
    """Copies of what has to be looked at as a whole: archives, and the model that runs will evaluate."""

    def __init__(self, folder: Path, uri: str) -> None:
        self._folder, self._suffix = folder, PurePosixPath(uri.partition("?")[0]).suffix.lower()
        self._entry: Entry | None = None
        self._file: IO[bytes] | None = None
        self._paths: list[Path] = []

    def take(self, entry: Entry, piece: bytes) -> None:
        """One piece of a file, in order."""
        if entry is not self._entry:
            self._close()
            self._entry = entry
            suffix = PurePosixPath(entry.name).suffix.lower() if entry.name else self._suffix
            if piece.startswith(b"PK") or suffix in _EVALUATED or _may_be_archive(suffix):
                path = self._folder / f"{len(self._paths)}{suffix if suffix in _EVALUATED else ''}"
                self._paths.append(path)
                self._file = path.open("wb")
        if self._file is not None:
            self._file.write(piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def archives(self) -> list[Path]:
        return self._paths

    @property
    def kept(self) -> Path | None:
        """The copy of the one file that can be evaluated."""
        return next((path for path in self._paths if path.suffix in _EVALUATED), None)


def _may_be_archive(suffix: str) -> bool:
    """An archive may begin with other bytes, its table of contents stands at the end."""
    return suffix in (".zip", ".npz", ".pt", ".pth", ".keras", ".whl", ".jar", ".mlmodel", ".mar")


def _signature(place: Place, uri: str) -> bytes:
    """The bytes of the signature beside the model; empty if there is none.

    In a folder it is called model.sig; beside a single file, like the file with .sig behind it.
    """
    found = [entry for entry in place.entries() if entry.name in SIGNATURES]
    if not found and all(entry.name == "" for entry in place.entries()):
        try:
            place = place_for(f"{uri}.sig")
            found = place.entries()
        except (Invalid, PlaceError):
            return b""
    if len(found) != 1:
        return b""
    raw = bytearray()
    for piece in place.pieces(found[0]):
        raw += piece
        if len(raw) > MOST_BYTES:
            raise Invalid("too_large", _("The signature file is too large."), "/uri")
    return bytes(raw)


@transaction.atomic
def keep_model(registration: Registration, read: Read) -> ModelVersion:
    """Make the version, or find it; say what its signature is worth; end the registration. One entry."""
    project = locked(registration.project)
    registration = locked(registration, "run", "project")
    if registration.state in ENDED:
        assert registration.model_version is not None
        return registration.model_version
    manifest = read.manifest
    version = ModelVersion.objects.filter(project=project, digest=manifest.digest).first()
    made = version is None
    if version is None:
        last = ModelVersion.objects.filter(project=project).order_by("-number").first()
        version = ModelVersion.objects.create(
            project=project, number=last.number + 1 if last else 1, digest=manifest.digest,
            path=read.stored, size=manifest.size, source_uri=registration.uri, manifest=manifest.text,
            created_at=now(),
        )  # fmt: skip
    elif version.manifest and version.manifest != manifest.text:
        text = _(
            "Model %(number)d has the same files under other names; its digest does not tell them apart."
        )
        raise Refused("names_differ", text % {"number": version.number})
    signature = _keep_signature(version, read)
    if registration.run is not None and registration.run.model_version_id is None:
        Run.objects.filter(pk=registration.run.pk).update(model_version=version)
    finish(registration, model_version=version)
    record(
        LifecycleAction.MODEL_REGISTERED, version, actor=MACHINE, project=project, digest=version.digest,
        uri=registration.uri, files=len(manifest.items), size=manifest.size, new=made,
        manifest=manifest.text_digest, registration=registration.pk,
        signature=signature.state if signature else "none", key=signature.key_name if signature else "",
    )  # fmt: skip
    return version


def _keep_signature(version: ModelVersion, read: Read) -> ModelSignature | None:
    if not read.signature:
        return None
    verdict = _judge(read)
    return ModelSignature.objects.create(
        model_version=version, state=verdict.state, text=verdict.text[:1000], key_name=verdict.key_name[:200],
        key_digest=verdict.key_digest, bundle=read.signature.decode("utf-8", "replace").replace("\0", ""),
        bundle_digest=hashlib.sha256(read.signature).hexdigest(), checked_at=now(),
    )  # fmt: skip


def _judge(read: Read) -> Verdict:
    folder = Path(settings.GATEBOOK_MODEL_KEYS) if settings.GATEBOOK_MODEL_KEYS else None
    try:
        keys = trusted_keys(folder)
    except (OSError, ValueError) as error:
        return Verdict("unreadable", _("The trusted keys can not be read: %(why)s") % {"why": error})
    return verify(read.signature, read.manifest, keys)
