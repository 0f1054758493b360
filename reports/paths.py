"""Addresses that Django's own converters do not know."""

from typing import NamedTuple

from ledger.exporting import tile_name
from ledger.tiles import WIDTH


class TilePlace(NamedTuple):
    """A tile's number in its level, and how many of its hashes are meant."""

    number: int
    width: int


class TileConverter:
    """`x001/x234/067` or, for a tile that is not full, `x001/x234/067.p/8` (tlog-tiles)."""

    regex = r"(?:x[0-9]{3}/){0,5}[0-9]{3}(?:\.p/[1-9][0-9]{0,2})?"

    def to_python(self, value: str) -> TilePlace:
        name, partial, width = value.partition(".p/")
        number = int(name.replace("x", "").replace("/", ""))
        place = TilePlace(number, int(width) if partial else WIDTH)
        if place.width > WIDTH or (partial and place.width == WIDTH) or tile_name(number) != name:
            raise ValueError(value)
        return place

    def to_url(self, value: TilePlace) -> str:
        if not isinstance(value, TilePlace):
            raise ValueError(value)  # noqa: TRY004  (what Django takes for "no such address")
        return tile_name(value.number) + ("" if value.width == WIDTH else f".p/{value.width}")
