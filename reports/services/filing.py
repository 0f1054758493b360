"""Files of reports in the default storage: whole or not at all, named by digest: equal ones are one."""

import tempfile
from hashlib import sha256
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

FOLDER = "reports"


def keep(content: bytes, suffix: str) -> tuple[str, str]:
    """Store the bytes. Returns name in the storage and SHA-256. Raises OSError for a full or broken disk."""
    digest = sha256(content).hexdigest()
    name = f"{FOLDER}/{digest}{suffix}"
    try:
        target = Path(default_storage.path(name))
    except NotImplementedError:  # a storage elsewhere, which sees to whole files itself
        if not default_storage.exists(name):
            default_storage.save(name, ContentFile(content))
        return name, digest
    put(content, target)
    return name, digest


def put(content: bytes, target: Path) -> None:
    """Write beside the target and rename, so that nobody ever sees half a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".report-", dir=target.parent) as folder:
        draft = Path(folder) / "draft"
        draft.write_bytes(content)
        draft.chmod(0o640)
        draft.replace(target)


def content_of(name: str) -> bytes:
    """What was kept under a name. Raises FileNotFoundError."""
    with default_storage.open(name) as file:
        return bytes(file.read())


def drop(name: str) -> None:
    """Remove a file; one that is gone already is no error."""
    if name:
        default_storage.delete(name)
