"""What a file is: told by its content, which has to agree with what its name says."""

import json
import zipfile
from collections.abc import Callable
from pathlib import PurePath
from typing import BinaryIO

_OFFICE = "application/vnd.openxmlformats-officedocument"
TYPES = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "json": "application/json",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "docx": f"{_OFFICE}.wordprocessingml.document",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "pptx": f"{_OFFICE}.presentationml.presentation",
}
"""Media types by the end of the name. No HTML, SVG or archive: somebody might run what is inside."""

_TEXT = frozenset({"txt", "md", "csv", "yaml", "yml"})
_CONTROLS = frozenset(range(32)) - {9, 10, 12, 13}
_MOST_PARTS = 10_000


def media_type_of(name: str, file: BinaryIO) -> str | None:
    """The media type if the name's end is allowed and the content agrees, else None. Reads the file."""
    ending = PurePath(name).suffix[1:].lower()
    check = _CHECKS.get(ending)
    if check is None:
        return None
    file.seek(0)
    agrees = check(file)
    file.seek(0)
    return TYPES[ending] if agrees else None


def _starts(*heads: bytes) -> Callable[[BinaryIO], bool]:
    return lambda file: file.read(16).startswith(heads)


def _is_webp(file: BinaryIO) -> bool:
    head = file.read(12)
    return head[:4] == b"RIFF" and head[8:] == b"WEBP"


def _is_text(file: BinaryIO) -> bool:
    """UTF-8 without control characters but tabs and line ends."""
    content = file.read()
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return not _CONTROLS & set(content)


def _is_json(file: BinaryIO) -> bool:
    try:
        json.loads(file.read())
    except (ValueError, RecursionError):
        return False
    return True


def _office(folder: str) -> Callable[[BinaryIO], bool]:
    """A document of Office Open XML with its main folder and without macros."""

    def check(file: BinaryIO) -> bool:
        try:
            with zipfile.ZipFile(file) as package:
                names = package.namelist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            return False
        plain = len(names) <= _MOST_PARTS and not any("vbaproject" in name.lower() for name in names)
        return plain and "[Content_Types].xml" in names and any(name.startswith(folder) for name in names)

    return check


_CHECKS: dict[str, Callable[[BinaryIO], bool]] = {
    "pdf": _starts(b"%PDF-"),
    "png": _starts(b"\x89PNG\r\n\x1a\n"),
    "jpg": _starts(b"\xff\xd8\xff"),
    "jpeg": _starts(b"\xff\xd8\xff"),
    "webp": _is_webp,
    "json": _is_json,
    "docx": _office("word/"),
    "xlsx": _office("xl/"),
    "pptx": _office("ppt/"),
    **dict.fromkeys(_TEXT, _is_text),
}
