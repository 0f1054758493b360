"""Static files in production: named by content, compressed once, collected only when something changed."""

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

STAMP = ".collected"


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise ships no types
    """whitenoise's storage without Brotli, whose best level holds up the first start for half a minute."""

    def create_compressor(self, **kwargs: Any) -> Compressor:
        return Compressor(use_brotli=False, **kwargs)


def collect() -> bool:
    """Fill `STATIC_ROOT` if any source file came, went or changed since the last time; True if it did so."""
    stamp = Path(settings.STATIC_ROOT) / STAMP
    found = fingerprint()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == found:
        return False
    # Cleared first: Django otherwise keeps a file that looks newer than its source, as after an upgrade of a
    # package, whose files carry the time of their making.
    call_command("collectstatic", clear=True, verbosity=0, interactive=False)
    stamp.write_text(found, encoding="ascii")
    return True


def fingerprint() -> str:
    """A digest of every source file's name, size and time of change."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
