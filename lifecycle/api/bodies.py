"""What the API reads of a request: JSON of a bounded size, plain or gzipped."""

import zlib
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import APIException, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from lifecycle.errors import Invalid
from lifecycle.intake.strict_json import read_json

_PIECE = 64 * 1024


class TooLarge(APIException):
    """A body with more bytes than are read."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"

    def __init__(self) -> None:
        most = settings.GATEBOOK_INTAKE_BYTES // 1_000_000
        super().__init__(_("A request has at most %(most)d MB; send several.") % {"most": most})


def read_body(stream: IO[bytes], headers: Mapping[str, str]) -> bytes:
    """The bytes of a body, unpacked. Raises `TooLarge` before more than the allowed bytes are held."""
    most = settings.GATEBOOK_INTAKE_BYTES
    length = headers.get("Content-Length") or "0"
    if length.isdigit() and int(length) > most:
        raise TooLarge
    raw = stream.read(most + 1)
    if len(raw) > most:
        raise TooLarge
    encoding = headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return raw
    if encoding != "gzip":
        raise UnsupportedMediaType(f"Content-Encoding: {encoding[:40]}")
    return _unzipped(raw, most)


def _unzipped(raw: bytes, most: int) -> bytes:
    reader = zlib.decompressobj(wbits=31)
    try:
        plain = reader.decompress(raw, most + 1)
    except zlib.error as error:
        raise Invalid("not_gzip", _("The body is not gzip: %(why)s.") % {"why": error}) from error
    if len(plain) > most:
        raise TooLarge
    if not reader.eof:
        raise Invalid("not_gzip", _("The gzipped body ends too early."))
    return plain


class StrictJSONParser(BaseParser):
    """`application/json`; duplicate keys, NaN, invalid UTF-8, deep nesting and large bodies are refused."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value that the body holds."""
        request = (parser_context or {})["request"]
        return read_json(read_body(stream, request.headers))
