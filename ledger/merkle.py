"""The Merkle tree of RFC 9162, section 2.1: pure functions over SHA-256, no storage.

Hashes are `bytes` of length 32. A tree is named by its size and its root.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()


class VerificationError(Exception):
    """A proof does not prove what it claims."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of an entry as a leaf (2.1.1); the prefix keeps leaves and nodes apart."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees (2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the complete subtrees that make up a tree, largest first: all that appending needs.

    There is one hash for each bit that is set in the size: at most 20 for a tree of a million leaves.
    """

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)
        if size < 0 or len(self.hashes) != size.bit_count():
            raise ValueError(f"A tree of size {size} does not have {len(self.hashes)} subtrees.")

    @classmethod
    def from_bytes(cls, size: int, raw: bytes) -> "Frontier":
        """Read what `to_bytes` wrote; ValueError if the length does not fit the size."""
        if len(raw) % HASH_SIZE:
            raise ValueError(f"A frontier is a row of {HASH_SIZE}-byte hashes, not {len(raw)} bytes.")
        return cls(size, (raw[at : at + HASH_SIZE] for at in range(0, len(raw), HASH_SIZE)))

    def to_bytes(self) -> bytes:
        """All hashes in a row, largest subtree first."""
        return b"".join(self.hashes)

    def append(self, leaf: bytes) -> None:
        """Add the hash of one leaf; O(log n) at worst, one node on average."""
        hashes, filled = self.hashes, self.size
        while filled & 1:
            leaf = sha256(b"\x01" + hashes.pop() + leaf).digest()
            filled >>= 1
        hashes.append(leaf)
        self.size += 1

    def extend(self, leaves: bytes) -> None:
        """Add many leaf hashes that lie in a row, 32 bytes each; a third quicker than one by one."""
        hashes, size = self.hashes, self.size
        for at in range(0, len(leaves), HASH_SIZE):
            leaf, filled = leaves[at : at + HASH_SIZE], size
            while filled & 1:
                leaf = sha256(b"\x01" + hashes.pop() + leaf).digest()
                filled >>= 1
            hashes.append(leaf)
            size += 1
        self.size = size

    def root(self) -> bytes:
        """The root of the whole tree (2.1.1); O(log n)."""
        if not self.hashes:
            return EMPTY_ROOT
        remaining = reversed(self.hashes)
        root = next(remaining)
        for left in remaining:
            root = sha256(b"\x01" + left + root).digest()
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes (2.1.1)."""
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def _split(size: int) -> int:
    """The largest power of two below a size of at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """Which subtrees, as half-open ranges of leaves, make up the inclusion proof; leaf to root (2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError(f"There is no leaf {index} in a tree of size {size}.")
    ranges, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[tuple[int, int]]:
    """Which subtrees, as half-open ranges of leaves, make up the consistency proof (2.1.4.1).

    Empty if the sizes are equal or the old tree is empty: there is nothing to prove then.
    """
    if not 0 <= old <= new:
        raise ValueError(f"A tree of size {new} can not be consistent with a larger one of size {old}.")
    if old in (0, new):
        return []
    ranges, start, end = [], 0, new
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # the old tree is not itself one of the subtrees: its last part has to be shown
        ranges.append((start, end))
    return ranges[::-1]


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of one leaf over all leaf hashes (2.1.3.1); ValueError if there is no such leaf."""
    return [root_of(leaves[start:end]) for start, end in inclusion_ranges(index, len(leaves))]


def consistency_proof(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """The proof that the tree over the first `old` leaf hashes is a prefix of the whole tree (2.1.4.1)."""
    return [root_of(leaves[start:end]) for start, end in consistency_ranges(old, len(leaves))]


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise `VerificationError` unless the leaf hash stands at `index` of the tree (2.1.3.2)."""
    if not 0 <= index < size:
        raise VerificationError(f"There is no leaf {index} in a tree of size {size}.")
    position, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise VerificationError("The inclusion proof is too long.")
        if position & 1 or position == last:
            current = node_hash(sibling, current)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise VerificationError("The inclusion proof is too short.")
    if current != root:
        raise VerificationError("The inclusion proof leads to another root.")


def verify_consistency(
    *, old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Raise `VerificationError` unless the old tree is a prefix of the new one (2.1.4.2)."""
    if not 0 <= old <= new:
        raise VerificationError(f"A log does not shrink from {old} to {new} entries.")
    if old in (0, new):
        _verify_trivial_consistency(old, new, proof, old_root, new_root)
        return
    if not proof:
        raise VerificationError("The consistency proof is empty.")
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    of_old = of_new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise VerificationError("The consistency proof is too long.")
        if position & 1 or position == last:
            of_old, of_new = node_hash(sibling, of_old), node_hash(sibling, of_new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            of_new = node_hash(of_new, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise VerificationError("The consistency proof is too short.")
    if of_old != old_root or of_new != new_root:
        raise VerificationError("The consistency proof leads to other roots.")


def _verify_trivial_consistency(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    if proof:
        raise VerificationError("Between these sizes a consistency proof is empty.")
    if old == 0 and old_root != EMPTY_ROOT:
        raise VerificationError("The root of the empty tree is another.")
    if old == new and old_root != new_root:
        raise VerificationError("Two roots for one size: the log has forked.")
