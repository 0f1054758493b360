"""Whether an archive may ever be opened: looked at by its table of contents, nothing is unpacked."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile, ZipFile, is_zipfile

from django.utils.translation import gettext as _

from lifecycle.artifacts.names import safe_name
from lifecycle.errors import Invalid

MOST_UNPACKED = 4 * 1024**3
MOST_RATIO = 200
MOST_MEMBERS = 100_000
_SMALL = 64 * 1024**2


def refuse_harmful_archive(path: Path) -> None:
    """Raise `Invalid` for a zip (skops, PyTorch, Keras, a wheel) that unpacks to too much or to elsewhere.

    Overlapping members, by which a small file names the same bytes again and again, are refused too.
    """
    if not is_zipfile(path):
        return
    try:
        with ZipFile(path) as archive:
            members = archive.infolist()
    except (BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Invalid("broken_archive", _("The archive can not be read: it is damaged."), "/uri") from error
    packed = path.stat().st_size
    unpacked = sum(each.file_size for each in members)
    if (
        len(members) > MOST_MEMBERS
        or unpacked > MOST_UNPACKED
        or (unpacked > _SMALL and unpacked > MOST_RATIO * packed)
    ):
        words = {"packed": packed, "unpacked": unpacked}
        text = _("The archive of %(packed)d bytes would unpack to %(unpacked)d bytes. It is not taken.")
        raise Invalid("archive_bomb", text % words, "/uri")
    if sum(each.compress_size for each in members) > packed:
        raise Invalid("archive_bomb", _("Members of the archive overlap. It is not taken."), "/uri")
    for each in members:
        safe_name(each.filename.rstrip("/") or each.filename)
