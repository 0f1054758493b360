"""ZIP files whose bytes follow from their content: names in order, no time but the one given."""

import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import IO

File = tuple[str, bytes]


def write_archive(out: IO[bytes], files: Iterable[File], moment: datetime) -> None:
    """Write the files one after the other, all dated `moment` (UTC)."""
    stamp = moment.astimezone(UTC).timetuple()[:6]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, stamp)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
