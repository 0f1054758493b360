"""The files of a registered model's version, as a place whose digest can be taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from lifecycle.artifacts.names import safe_name
from lifecycle.artifacts.places import MOST_FILES, Entry, Place, PlaceError, place_for
from lifecycle.connectors.mlflow import Tracker
from lifecycle.connectors.shapes import FileInfo, ModelVersionShape, TrackerError
from lifecycle.errors import Invalid
from lifecycle.outbound import Limits, OutboundError

_SECONDS = 3600.0
_MOST_FOLDERS = 1000
_NOT_THERE = (403, 404, 410)


def place_of(tracker: Tracker, version: ModelVersionShape) -> Place:
    """Where a version's files are read: directly, where this installation may, else from the tracker.

    Raises `Invalid` where it says nothing of files, and what the tracker raises.
    """
    source = tracker.version_source(version.name, version.version)
    if urlsplit(source).scheme in ("", "file", "s3"):
        try:
            return place_for(source)
        except Invalid:
            pass  # not below one of our roots: the tracker may give it
    return VersionPlace(tracker, version, source)


class VersionPlace:
    """A version read through the tracker. Sizes are all that it tells of a file beforehand."""

    def __init__(self, tracker: Tracker, version: ModelVersionShape, source: str) -> None:
        self._tracker, self._version = tracker, version
        self._list, self._root = self._listing(source)

    def _listing(self, source: str) -> tuple[Callable[[str], list[FileInfo]], str]:
        tracker, version = self._tracker, self._version
        if version.model_id:
            return lambda folder: tracker.logged_files(version.model_id, folder), ""
        root = source.rpartition(f"/{version.run_id}/artifacts/")[2] if version.run_id else ""
        if not root or root == source:
            text = _("The tracker does not say where the files of this version are.")
            raise Invalid("no_files", text, "/uri")
        return lambda folder: tracker.run_files(version.run_id, folder), root.strip("/")

    def entries(self) -> list[Entry]:
        """Every file of the version, by name."""
        found: list[Entry] = []
        folders = [self._root]
        for count, folder in enumerate(folders):
            if count > _MOST_FOLDERS or len(found) > MOST_FILES:
                raise Invalid("too_many_files", _("The version has too many files."), "/uri")
            for each in self._list(folder):
                if each.is_dir:
                    folders.append(each.path)
                    continue
                name = safe_name(each.path.removeprefix(f"{self._root}/") if self._root else each.path)
                found.append(Entry(name, each.file_size, str(each.file_size)))
        return sorted(found, key=lambda each: each.name)

    def pieces(self, entry: Entry) -> Iterator[bytes]:
        """The bytes of a file."""
        limits = Limits(seconds=_SECONDS, size=settings.GATEBOOK_MODEL_BYTES, redirects=0)
        version = self._version
        try:
            with self._tracker.version_file(version.name, version.version, entry.name, limits) as flow:
                yield from flow.chunks
        except OutboundError as error:
            raise PlaceError(str(error)) from error
        except TrackerError as error:
            if error.status in _NOT_THERE:
                raise Invalid("missing", str(error), "/uri") from error
            raise PlaceError(str(error)) from error
