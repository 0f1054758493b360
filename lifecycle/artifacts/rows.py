"""The digest of a table's rows: in their order, or whatever their order.

Each row is written as bytes that no other row has (a kind and a length before each value) and hashed with
SHA-256. Kept order: SHA-256 over a head (columns, types, order) and the rows' digests as they come. Any
order: the same over the sorted digests, so that a row that is there twice counts twice. Sorting goes through
files of 1/256 of the rows each, so that memory stays bounded.
"""

from __future__ import annotations

import datetime as dt
import decimal
import hashlib
import math
import struct
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, Literal

import rfc8785
from django.utils.translation import gettext as _

from lifecycle.errors import Invalid

FORMAT = "gatebook-rows/1"
SIZE = 32
_BUFFER = 64 * 1024

Order = Literal["kept", "any"]
Row = Sequence[Any]


@dataclass(frozen=True)
class Column:
    """A column and its type, as the table itself names it."""

    name: str
    type: str


@dataclass(frozen=True)
class RowsDigest:
    """What names a table by its rows."""

    digest: str
    rows: int


def digest_rows(columns: Sequence[Column], batches: Iterable[Iterable[Row]], order: Order) -> RowsDigest:
    """The digest of a table that comes in batches of rows. Raises `Invalid` for a value of unknown kind."""
    whole = hashlib.sha256(_head(columns, order))
    hashed = (hashlib.sha256(row_bytes(row)).digest() for batch in batches for row in batch)
    rows = 0
    for each in hashed if order == "kept" else _sorted(hashed):
        whole.update(each)
        rows += 1
    return RowsDigest(whole.hexdigest(), rows)


def row_bytes(row: Row) -> bytes:
    """A row as bytes: no two different rows have the same."""
    return b"".join(_cell(value) for value in row)


def _head(columns: Sequence[Column], order: Order) -> bytes:
    listed: list[Any] = [[each.name, each.type] for each in columns]
    return hashlib.sha256(rfc8785.dumps({"format": FORMAT, "order": order, "columns": listed})).digest()


def _cell(value: Any) -> bytes:
    kind, raw = _kind(value)
    return kind + struct.pack(">Q", len(raw)) + raw


def _kind(value: Any) -> tuple[bytes, bytes]:
    """One letter for the kind, and the value as bytes."""
    if value is None:
        return b"n", b""
    if isinstance(value, str):
        return b"s", value.encode("utf-8", "surrogatepass")
    if isinstance(value, bool):
        return b"b", b"\x01" if value else b"\x00"
    if isinstance(value, int):
        return b"i", str(value).encode()
    if isinstance(value, float):
        return b"f", _float(value)
    return _rarer(value)


def _float(value: float) -> bytes:
    """Big-endian IEEE 754; every NaN is one, and minus zero is zero."""
    if math.isnan(value):
        return b"nan"
    return struct.pack(">d", value + 0.0)


def _rarer(value: Any) -> tuple[bytes, bytes]:
    if isinstance(value, bytes | bytearray | memoryview):
        return b"y", bytes(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return b"t", value.isoformat().encode()
    if isinstance(value, dt.timedelta):
        return (
            b"d",
            f"{value.days} {value.seconds} {value.microseconds} {getattr(value, 'nanoseconds', 0)}".encode(),
        )
    if isinstance(value, decimal.Decimal):
        return b"m", str(value).encode()
    if isinstance(value, uuid.UUID):
        return b"u", value.bytes
    if isinstance(value, list | tuple):
        return b"l", b"".join(_cell(each) for each in value)
    if isinstance(value, dict):
        return b"o", b"".join(_cell(key) + _cell(value[key]) for key in sorted(value, key=str))
    text = _("A cell holds a %(kind)s, which has no digest.") % {"kind": type(value).__name__}
    raise Invalid("unknown_value", text, "/uri")


def _sorted(digests: Iterable[bytes]) -> Iterator[bytes]:
    """The digests in order: put into 256 files by their first byte, then each file sorted by itself."""
    with tempfile.TemporaryFile() as spilled:
        buckets = _Buckets(spilled)
        for each in digests:
            buckets.add(each)
        yield from buckets.in_order()


class _Buckets:
    """256 heaps of digests in one file, as chains of full buffers."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._open = [bytearray() for _number in range(256)]
        self._written: list[list[tuple[int, int]]] = [[] for _number in range(256)]

    def add(self, digest: bytes) -> None:
        """Put one digest into its heap."""
        number = digest[0]
        buffer = self._open[number]
        buffer += digest
        if len(buffer) >= _BUFFER:
            self._written[number].append((self._file.tell(), len(buffer)))
            self._file.write(buffer)
            self._open[number] = bytearray()

    def in_order(self) -> Iterator[bytes]:
        """All digests, smallest first."""
        for buffer, written in zip(self._open, self._written, strict=True):
            whole = bytearray(buffer)
            for place, length in written:
                self._file.seek(place)
                whole += self._file.read(length)
            yield from sorted(bytes(whole[at : at + SIZE]) for at in range(0, len(whole), SIZE))
