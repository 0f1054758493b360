"""Inclusion proofs (RFC 9162, 2.1.3) from the leaves of a ledger of any length."""

from collections.abc import Iterable, Iterator, Sequence

from ledger.merkle import Frontier, inclusion_ranges, node_hash
from ledger.models import Entry

Range = tuple[int, int]
CHUNK = 5000


def inclusion_paths(indexes: Sequence[int], size: int) -> dict[int, tuple[str, ...]]:
    """The path of each entry for the tree of the first `size` entries, hexadecimal, leaf to root. 1 query.

    Reads every leaf hash once, as a stream; memory holds the hashes that some path needs, log2(size) for
    each entry at most. Raises ValueError for an index that is not in the tree.
    """
    if not indexes:
        return {}
    wanted = {index: inclusion_ranges(index, size) for index in indexes}
    needed = {part for ranges in wanted.values() for part in ranges}
    found = subtree_hashes(_leaves(size), needed, size)
    return {index: tuple(found[part].hex() for part in ranges) for index, ranges in wanted.items()}


def subtree_hashes(leaves: Iterable[bytes], needed: set[Range], size: int) -> dict[Range, bytes]:
    """The roots of some subtrees of an RFC 9162 tree, in one pass over its leaf hashes."""
    found: dict[Range, bytes] = {}
    tree = Frontier()
    for leaf in leaves:
        _note_completed(tree, leaf, needed, found)
        tree.append(leaf)
    if tree.size != size:
        raise ValueError(f"There are {tree.size} leaves, not {size}.")
    for start, end in needed - found.keys():
        found[start, end] = _right_edge(tree, start)
    return found


def _note_completed(tree: Frontier, leaf: bytes, needed: set[Range], found: dict[Range, bytes]) -> None:
    """Walk up the complete subtrees that this leaf closes, and keep those that somebody needs."""
    end, node, width = tree.size + 1, leaf, 1
    position, left = tree.size, len(tree.hashes)
    while True:
        if (end - width, end) in needed:
            found[end - width, end] = node
        if not position & 1:
            return
        left -= 1
        node = node_hash(tree.hashes[left], node)
        position, width = position >> 1, width * 2


def _right_edge(tree: Frontier, start: int) -> bytes:
    """The root of the leaves from `start` to the end: the last complete subtrees, folded."""
    begin, parts = 0, []
    widths = [1 << bit for bit in range(tree.size.bit_length() - 1, -1, -1) if tree.size >> bit & 1]
    for width, node in zip(widths, tree.hashes, strict=True):
        if begin >= start:
            parts.append(node)
        begin += width
    node = parts.pop()
    while parts:
        node = node_hash(parts.pop(), node)
    return node


def _leaves(size: int) -> Iterator[bytes]:
    rows = Entry.objects.filter(index__lt=size).order_by("index").values_list("leaf_hash", flat=True)
    return (bytes.fromhex(each) for each in rows.iterator(chunk_size=CHUNK))
