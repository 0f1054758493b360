"""Several querysets one after the other as one list for Django's paginator. A leaf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.models import QuerySet


class Row(NamedTuple):
    """A record with the name of the part that it is from."""

    kind: str
    record: Any


class Chained:
    """The parts in their order; a slice reads those parts that it touches. The parts are counted once."""

    def __init__(self, parts: Sequence[tuple[str, QuerySet[Any]]], sizes: Sequence[int]) -> None:
        self.parts, self.sizes = parts, sizes

    def __len__(self) -> int:
        return sum(self.sizes)

    def __getitem__(self, wanted: slice) -> list[Row]:
        start, stop, _step = wanted.indices(len(self))
        found: list[Row] = []
        for (kind, rows), size in zip(self.parts, self.sizes, strict=True):
            if start < size and stop > 0:
                found += [Row(kind, record) for record in rows[max(start, 0) : min(stop, size)]]
            start, stop = start - size, stop - size
        return found
