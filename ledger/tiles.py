"""The tree as tiles of 256 hashes (C2SP tlog-tiles): proofs of a log of any length from a few short reads.

Level 0 holds leaf hashes; a hash of level n + 1 is the root of a full tile of level n. Full tiles are stored
when a checkpoint is published; what is not full yet is read from the entries and the level below.
"""

from collections.abc import Iterable, Iterator

from django.db.models import Max

from ledger.merkle import HASH_SIZE, Frontier, consistency_ranges, inclusion_ranges, node_hash, root_of
from ledger.models import Entry, Tile

WIDTH = 256
_BITS = 8
_BATCH = 64


def store_tiles(size: int) -> int:
    """Store every full tile of the first `size` entries that is not there yet; how many were stored.

    Derived from the entries alone, so that doing it twice changes nothing. Reads each leaf once, in parts.
    """
    stored, level = 0, 0
    while (full := size >> (_BITS * (level + 1))) > 0:
        begin = _count(level)
        for first in range(begin, full, _BATCH):
            tiles = [_full_tile(level, number) for number in range(first, min(first + _BATCH, full))]
            Tile.objects.bulk_create(tiles, ignore_conflicts=True)
            stored += len(tiles)
        level += 1
    return stored


def tile_hashes(level: int, number: int, width: int) -> bytes:
    """The first `width` hashes of a tile (1 to 256), 32 bytes each. 1 query, 2 where it is not full.

    Raises LookupError where the tree has no such hashes.
    """
    stored = Tile.objects.filter(level=level, number=number).values_list("hashes", flat=True).first()
    hashes = bytes(stored) if stored is not None else b"".join(_hashes_below(level, number * WIDTH, width))
    if len(hashes) < width * HASH_SIZE:
        raise LookupError(f"There is no tile {level}/{number} of {width} hashes.")
    return hashes[: width * HASH_SIZE]


class Reader:
    """Hashes of subtrees of the first `size` entries; each tile is read once."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._tiles: dict[tuple[int, int], bytes] = {}

    def inclusion(self, index: int) -> list[bytes]:
        """The audit path of an entry, leaf to root. ValueError if it is not in the tree."""
        return self._subtrees(inclusion_ranges(index, self.size))

    def consistency(self, old: int) -> list[bytes]:
        """The proof that the first `old` entries begin this tree. ValueError if it is smaller."""
        return self._subtrees(consistency_ranges(old, self.size))

    def root(self) -> bytes:
        """The root of the tree, from its tiles."""
        return self._range(0, self.size) if self.size else root_of(())

    def _subtrees(self, ranges: Iterable[tuple[int, int]]) -> list[bytes]:
        return [self._range(start, end) for start, end in ranges]

    def _range(self, start: int, end: int) -> bytes:
        """The root over the leaves from start to end: its complete subtrees, folded from the right."""
        parts = [self._node(height, position) for height, position in _complete(start, end)]
        root = parts.pop()
        while parts:
            root = node_hash(parts.pop(), root)
        return root

    def _node(self, height: int, position: int) -> bytes:
        """The root of the complete subtree of 2^height leaves at a position."""
        level, within = divmod(height, _BITS)
        first = position << within
        tile, offset = divmod(first, WIDTH)
        hashes = self._tile(level, tile)
        cut = hashes[offset * HASH_SIZE : (offset + (1 << within)) * HASH_SIZE]
        return root_of(cut[at : at + HASH_SIZE] for at in range(0, len(cut), HASH_SIZE))

    def _tile(self, level: int, number: int) -> bytes:
        key = (level, number)
        if key not in self._tiles:
            width = min(WIDTH, (self.size >> (_BITS * level)) - number * WIDTH)
            self._tiles[key] = tile_hashes(level, number, width)
        return self._tiles[key]


def _complete(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees, as height and position, that make up a range beginning on such a border."""
    while start < end:
        height = min((end - start).bit_length() - 1, (start & -start).bit_length() - 1 if start else 63)
        yield height, start >> height
        start += 1 << height


def _count(level: int) -> int:
    """How many tiles of a level are stored, from the first one on without a gap."""
    last: int | None = Tile.objects.filter(level=level).aggregate(last=Max("number"))["last"]
    return 0 if last is None else last + 1


def _full_tile(level: int, number: int) -> Tile:
    hashes = _hashes_below(level, number * WIDTH, WIDTH)
    tree = Frontier()
    for each in hashes:
        tree.append(each)
    return Tile(level=level, number=number, hashes=b"".join(hashes), root=tree.root().hex())


def _hashes_below(level: int, start: int, count: int) -> list[bytes]:
    """Hashes of a level from `start` on: leaf hashes, or roots of the tiles of the level below. 1 query."""
    if level == 0:
        leaves = Entry.objects.filter(index__gte=start, index__lt=start + count).order_by("index")
        return [bytes.fromhex(each) for each in leaves.values_list("leaf_hash", flat=True)]
    below = Tile.objects.filter(level=level - 1, number__gte=start, number__lt=start + count)
    return [bytes.fromhex(each) for each in below.order_by("number").values_list("root", flat=True)]
