"""Where the bytes of an artifact lie: local folders, S3-compatible buckets, web servers.

A place lists its files with a stamp of each (what changes when the file does) and gives their bytes in
pieces. Closed by default: local paths and buckets have to lie below a root that the installation names.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import unquote, urlsplit

import fsspec
from django.conf import settings
from django.utils.translation import gettext as _

from ledger.errors import GatebookError
from lifecycle.artifacts.names import safe_name
from lifecycle.errors import Invalid, Refused
from lifecycle.outbound import Limits, OutboundError, Session

PIECE = 1024**2
MOST_FILES = 10_000
_WEB_SECONDS = 6 * 3600.0
_OK = 200
_MISSING = (404, 410)
_NOT_PERMITTED = (401, 403)
_NO_HEAD = (403, 405, 501)


@dataclass(frozen=True)
class Entry:
    """A file of an artifact. `name` is "" where the artifact is one file; `stamp` differs when it changes."""

    name: str
    size: int | None
    stamp: str


class Place(Protocol):
    """Where an artifact lies."""

    def entries(self) -> list[Entry]:
        """All files, by name. Raises `Invalid` or `Refused` for what may not or can not be read."""
        ...

    def pieces(self, entry: Entry) -> Iterator[bytes]:
        """The bytes of a file, in pieces."""
        ...


class PlaceError(GatebookError):
    """The place did not answer; asked again later it may."""


Factory = Callable[[str], Place]
_SCHEMES: dict[str, Factory] = {}


def register_scheme(scheme: str, factory: Factory) -> None:
    """Let connectors add addresses of their own, such as `mlflow-artifacts:`."""
    _SCHEMES[scheme] = factory


def place_for(uri: str) -> Place:
    """The place behind an address.

    Raises `Invalid` for an address that is none, is not allowed, or does not exist.
    """
    if not uri or len(uri) > 2000 or any(ord(letter) < 0x20 for letter in uri):
        raise Invalid("bad_uri", _("This is no address of a model."), "/uri")
    try:
        scheme = urlsplit(uri).scheme.lower()
    except ValueError as error:
        raise Invalid("bad_uri", _("This is no address of a model."), "/uri") from error
    factory = _SCHEMES.get(scheme)
    if factory is None:
        known = ", ".join(f"{each}:" for each in sorted(name for name in _SCHEMES if name))
        text = _("Models are read from paths and from %(known)s, not from “%(scheme)s:”.")
        raise Invalid("scheme_not_allowed", text % {"known": known, "scheme": scheme}, "/uri")
    return factory(uri)


# ---- local ----


class LocalPlace:
    """A file or folder below one of the local roots."""

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        if parts.netloc not in ("", "localhost") or parts.query or (parts.scheme and parts.fragment):
            raise Invalid("bad_uri", _("A local path has neither host nor question mark."), "/uri")
        plain = Path(unquote(parts.path) if parts.scheme else uri)
        roots = [Path(each).resolve() for each in _roots() if "://" not in each]
        self.path = (
            next((found for root in roots if (found := _below(root, plain))), None) or _refuse_outside()
        )

    def entries(self) -> list[Entry]:
        """Every regular file below the path; links and special files are refused."""
        if not os.path.lexists(self.path):
            raise Invalid("missing", _("There is nothing at this address."), "/uri")
        _refuse_odd(self.path, self.path.lstat())
        if self.path.is_file():
            return [_local_entry("", self.path)]
        found = []
        for folder, folders, files in os.walk(self.path, onerror=_raise):
            for name in sorted([*folders, *files]):
                path = Path(folder) / name
                _refuse_odd(path, path.lstat())
                if path.is_file():
                    found.append(_local_entry(safe_name(path.relative_to(self.path).as_posix()), path))
            _refuse_too_many(found)
        return sorted(found, key=lambda each: each.name)

    def pieces(self, entry: Entry) -> Iterator[bytes]:
        """Opened without following a link at the end, so that one put there in between is no way out."""
        path = self.path / entry.name if entry.name else self.path
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise changed(entry) from error
        with os.fdopen(handle, "rb") as file:
            yield from _read(file)


def _below(root: Path, plain: Path) -> Path | None:
    """The path below the root; None if it lies outside. Links among its folders are followed first."""
    path = root / plain
    real = path.parent.resolve() / path.name if path.name not in ("", "..") else path.resolve()
    return real if real.is_relative_to(root) else None


def _refuse_outside() -> Path:
    text = _("This path lies outside the folders that models may be read from.")
    raise Invalid("outside_root", text, "/uri")


def _refuse_odd(path: Path, found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        text = _("“%(name)s” is a link. A model is made of files, which can not lead elsewhere.")
        raise Invalid("link_refused", text % {"name": path.name}, "/uri")
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        text = _("“%(name)s” is neither a file nor a folder.")
        raise Invalid("not_a_file", text % {"name": path.name}, "/uri")


def _local_entry(name: str, path: Path) -> Entry:
    found = path.lstat()
    return Entry(name, found.st_size, f"{found.st_size}:{found.st_mtime_ns}:{found.st_ino}")


def _raise(error: OSError) -> None:
    raise PlaceError(_("A folder can not be read: %(why)s.") % {"why": error.strerror}) from error


# ---- buckets ----


class BucketPlace:
    """An object or a prefix of an S3-compatible store, below one of the roots `s3://bucket/prefix`.

    The store and its keys are the installation's; nobody can name another one.
    """

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        path = f"{parts.netloc}/{unquote(parts.path).strip('/')}".rstrip("/")
        if not parts.netloc or parts.query or parts.fragment or ".." in path.split("/"):
            raise Invalid("bad_uri", _("A bucket is written s3://bucket/path."), "/uri")
        roots = [each.removeprefix("s3://").rstrip("/") for each in _roots() if each.startswith("s3://")]
        if not any(path == root or path.startswith(f"{root}/") for root in roots):
            text = _("This bucket or path is none that models may be read from.")
            raise Invalid("outside_root", text, "/uri")
        self.path = path

    def entries(self) -> list[Entry]:
        """The object, or every object below the prefix."""
        with _store_in_words():
            files = _store().find(self.path, detail=True)
        if not files:
            raise Invalid("missing", _("There is nothing at this address."), "/uri")
        found = []
        for name, about in files.items():
            inner = "" if name == self.path else safe_name(name.removeprefix(f"{self.path}/"))
            if inner or name == self.path:
                found.append(Entry(inner, int(about["size"]), f"{about['size']}:{about.get('ETag')}"))
            _refuse_too_many(found)
        if any(not each.name for each in found):  # an object and others below its name: what is meant?
            found = [each for each in found if not each.name]
        return sorted(found, key=lambda each: each.name)

    def pieces(self, entry: Entry) -> Iterator[bytes]:
        """Read without a cache: each reading asks the store again."""
        name = f"{self.path}/{entry.name}" if entry.name else self.path
        with _store_in_words():
            file: Any = _store().open(name, "rb", block_size=8 * PIECE, cache_type="readahead")
        with _store_in_words(), file:
            yield from _read(file)


def _store() -> Any:
    """The installation's store, with listings that are never remembered."""
    try:
        return fsspec.filesystem(
            "s3",
            key=settings.GATEBOOK_S3_KEY or None,
            secret=settings.GATEBOOK_S3_SECRET or None,
            client_kwargs={"endpoint_url": settings.GATEBOOK_S3_ENDPOINT}
            if settings.GATEBOOK_S3_ENDPOINT
            else {},
            use_listings_cache=False,
            skip_instance_cache=True,
            default_fill_cache=False,
        )
    except ImportError as error:
        raise Refused(
            "not_installed", _("Buckets need the extra s3 (s3fs), which is not installed.")
        ) from error


@contextmanager
def _store_in_words() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise Invalid("missing", _("There is nothing at this address."), "/uri") from error
    except PermissionError as error:
        raise Invalid("not_permitted", _("The store does not let us read this."), "/uri") from error
    except GatebookError:
        raise
    except Exception as error:  # what a store's client raises has no common family
        raise PlaceError(_("The store did not answer: %(why)s.") % {"why": type(error).__name__}) from error


# ---- web ----


class WebPlace:
    """One file on a web server, asked for by the guarded client."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def entries(self) -> list[Entry]:
        """The file, by what the server says of it (ETag, date, length)."""
        about = self._about()
        length = about.get("content-length", "")
        size = int(length) if length.isdigit() else None
        stamp = ":".join([length, about.get("etag", ""), about.get("last-modified", "")])
        return [Entry("", size, stamp)]

    def _about(self) -> dict[str, str]:
        """The headers of an answer; of a GET that is not read where HEAD is not allowed."""
        for method in ("HEAD", "GET"):
            with self._flow(method) as flow:
                if flow.status == _OK:
                    return {name.lower(): value for name, value in flow.headers.items()}
                if method == "HEAD" and flow.status in _NO_HEAD:
                    continue
                _refuse_answer(flow.status)
        return {}

    def pieces(self, entry: Entry) -> Iterator[bytes]:
        """The bytes as they are sent, never unpacked."""
        with self._flow("GET") as flow:
            _refuse_answer(flow.status)
            try:
                yield from flow.chunks
            except OutboundError as error:
                raise PlaceError(str(error)) from error

    @contextmanager
    def _flow(self, method: str) -> Iterator[Any]:
        limits = Limits(seconds=_WEB_SECONDS, size=settings.GATEBOOK_MODEL_BYTES)
        with Session(limits) as session:
            try:
                with session.stream(method, self.uri, limits=limits) as flow:
                    yield flow
            except OutboundError as error:
                if error.code in ("bad_address", "refused_address", "too_large", "redirected"):
                    raise Invalid(error.code, str(error), "/uri") from error
                raise PlaceError(str(error)) from error


def _refuse_answer(status: int) -> None:
    if status in _MISSING:
        raise Invalid("missing", _("There is nothing at this address."), "/uri")
    if status in _NOT_PERMITTED:
        raise Invalid("not_permitted", _("The server does not let us read this."), "/uri")
    if status != _OK:
        raise PlaceError(_("The server answered %(status)d.") % {"status": status})


def _read(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def _roots() -> list[str]:
    return [str(each) for each in settings.GATEBOOK_MODEL_ROOTS]


def _refuse_too_many(found: list[Entry]) -> None:
    if len(found) > MOST_FILES:
        text = _("A model has at most %(most)d files.") % {"most": MOST_FILES}
        raise Invalid("too_many_files", text, "/uri")


def changed(entry: Entry) -> Refused:
    """What is said of a file that did not stand still."""
    text = _("“%(name)s” changed while it was read. Nothing is kept; ask again when it stands still.")
    return Refused("changed_while_read", text % {"name": entry.name or _("the file")})


register_scheme("", LocalPlace)
register_scheme("file", LocalPlace)
register_scheme("s3", BucketPlace)
register_scheme("http", WebPlace)
register_scheme("https", WebPlace)
