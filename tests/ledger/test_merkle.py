"""The tree against published vectors and against an implementation that is not ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    VerificationError,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The test data of the Certificate Transparency reference implementation (google/certificate-transparency,
# cpp/merkletree/merkle_tree_test.cc), used by most implementations of RFC 6962.
LEAVES = [
    bytes.fromhex(text)
    for text in [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
NODE_01 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
NODE_03 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
NODE_23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
NODE_45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
NODE_47 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
NODE_67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
LEAF_0 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
LEAF_1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
LEAF_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"

hashes = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70)


def hashed(count: int) -> list[bytes]:
    return [leaf_hash(leaf) for leaf in LEAVES[:count]]


def peer(leaves: list[bytes]) -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for leaf in leaves:
        tree.append_entry(leaf)
    return tree


def test_the_empty_tree_has_the_published_root():
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_of([]) == EMPTY_ROOT


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_the_published_ones(size):
    assert root_of(hashed(size)).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (0, 8, [LEAF_1, NODE_23, NODE_47]),
        (5, 8, [LEAF_4, NODE_67, NODE_03]),
        (2, 3, [NODE_01]),
        (1, 5, [LEAF_0, NODE_23, LEAF_4]),
    ],
)
def test_inclusion_proofs_are_the_published_ones(index, size, path):
    proof = inclusion_proof(hashed(size), index)

    assert [each.hex() for each in proof] == path
    root = bytes.fromhex(ROOTS[size - 1])
    verify_inclusion(leaf=leaf_hash(LEAVES[index]), index=index, size=size, proof=proof, root=root)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (1, 1, []),
        (1, 8, [LEAF_1, NODE_23, NODE_47]),
        (6, 8, [NODE_45, NODE_67, NODE_03]),
        (2, 5, [NODE_23, LEAF_4]),
    ],
)
def test_consistency_proofs_are_the_published_ones(old, new, path):
    proof = consistency_proof(hashed(new), old)

    assert [each.hex() for each in proof] == path
    verify_consistency(
        old=old,
        new=new,
        proof=proof,
        old_root=bytes.fromhex(ROOTS[old - 1]),
        new_root=bytes.fromhex(ROOTS[new - 1]),
    )


@given(st.lists(st.binary(max_size=40), max_size=80))
def test_the_root_after_every_append_is_that_of_pymerkle(leaves):
    tree = peer([])
    frontier = Frontier()

    for size, leaf in enumerate(leaves, start=1):
        tree.append_entry(leaf)
        frontier.append(leaf_hash(leaf))
        assert (frontier.size, frontier.root()) == (size, tree.get_root())


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=70), st.data())
def test_inclusion_is_proven_as_by_pymerkle(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))

    ours = inclusion_proof([leaf_hash(leaf) for leaf in leaves], index)

    tree = peer(leaves)
    own = leaf_hash(leaves[index])
    theirs = tree.prove_inclusion(index + 1)
    theirs.verify(own, tree.get_root())
    # Its path holds the leaf too and runs from left to right; the published vectors fix the order of ours.
    assert sorted([*ours, own]) == sorted(theirs.path)
    verify_inclusion(leaf=own, index=index, size=len(leaves), proof=ours, root=tree.get_root())


@given(hashes, st.data())
def test_consistency_is_proven_between_any_two_sizes(leaves, data):
    old = data.draw(st.integers(0, len(leaves)))

    proof = consistency_proof(leaves, old)

    roots = {"old_root": root_of(leaves[:old]), "new_root": root_of(leaves)}
    verify_consistency(old=old, new=len(leaves), proof=proof, **roots)


@given(st.lists(st.binary(max_size=40), min_size=2, max_size=70), st.data())
def test_consistency_is_proven_as_by_pymerkle(leaves, data):
    old = data.draw(st.integers(1, len(leaves) - 1))

    hashed_leaves = [leaf_hash(leaf) for leaf in leaves]
    ours = consistency_proof(hashed_leaves, old)

    # Its proofs are of another form: each side accepts its own between the roots of the other.
    tree = peer(leaves)
    theirs = tree.prove_consistency(old, len(leaves))
    theirs.verify(root_of(hashed_leaves[:old]), root_of(hashed_leaves))
    verify_consistency(
        old=old, new=len(leaves), proof=ours, old_root=tree.get_root(old), new_root=tree.get_root()
    )


@given(hashes, st.data())
def test_a_changed_inclusion_proof_is_refused(leaves, data):
    size = len(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(leaves, index)
    root = root_of(leaves)
    other = b"\xff" * 32

    for claim in [
        {"leaf": other},
        {"root": other},
        {"proof": [*proof, other]},
        {"proof": proof[:-1]} if proof else {"size": size + 1},
        {"proof": [other, *proof[1:]]} if proof else {"index": 1},
        {"index": size},
        {"index": -1},
    ]:
        with pytest.raises(VerificationError):
            verify_inclusion(
                **{"leaf": leaves[index], "index": index, "size": size, "proof": proof, "root": root} | claim
            )


@given(hashes, st.data())
def test_a_changed_consistency_proof_is_refused(leaves, data):
    new = len(leaves)
    old = data.draw(st.integers(1, new))
    proof = consistency_proof(leaves, old)
    good = {
        "old": old,
        "new": new,
        "proof": proof,
        "old_root": root_of(leaves[:old]),
        "new_root": root_of(leaves),
    }
    other = b"\xff" * 32

    claims = [{"new_root": other}, {"old_root": other}, {"proof": [*proof, other]}, {"old": new + 1}]
    if proof:
        claims += [{"proof": proof[:-1]}, {"proof": [other, *proof[1:]]}, {"proof": []}]
    for claim in claims:
        with pytest.raises(VerificationError):
            verify_consistency(**good | claim)


def test_the_empty_tree_is_consistent_with_every_tree_but_not_under_another_root():
    leaves = hashed(3)
    verify_consistency(old=0, new=3, proof=[], old_root=EMPTY_ROOT, new_root=root_of(leaves))

    with pytest.raises(VerificationError):
        verify_consistency(old=0, new=3, proof=[], old_root=leaves[0], new_root=root_of(leaves))


def test_two_roots_of_one_size_are_called_a_fork():
    with pytest.raises(VerificationError, match="forked"):
        verify_consistency(old=3, new=3, proof=[], old_root=root_of(hashed(3)), new_root=root_of(hashed(2)))


@given(hashes)
def test_a_frontier_comes_back_from_its_bytes(leaves):
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)

    again = Frontier.from_bytes(frontier.size, frontier.to_bytes())

    assert (again.size, again.hashes, again.root()) == (len(leaves), frontier.hashes, root_of(leaves))


@pytest.mark.parametrize(
    ("size", "raw"), [(1, b""), (0, b"x" * 32), (3, b"x" * 32), (1, b"x" * 31), (-1, b"")]
)
def test_a_frontier_that_does_not_fit_its_size_is_refused(size, raw):
    with pytest.raises(ValueError, match=r"tree|hashes"):
        Frontier.from_bytes(size, raw)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_there_is_no_inclusion_proof_of_what_is_not_there(index, size):
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_proof(hashed(size), index)


def test_there_is_no_consistency_proof_with_a_larger_tree():
    with pytest.raises(ValueError, match="larger"):
        consistency_proof(hashed(2), 3)
