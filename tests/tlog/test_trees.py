"""Hashes and proofs: published vectors, and every tree up to 100 leaves against RFC 6962's own definitions."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.errors import TamperedError, UsageError
from cloakroom.tlog import (
    EMPTY_ROOT,
    CompactRange,
    Node,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    root_of,
    verify_consistency,
    verify_inclusion,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "rfc6962" / "tree.json").read_text())
LARGEST = 100
LEAVES = [leaf_hash(b"entry %d" % number) for number in range(130)]


@cache
def naive_root(first: int, end: int) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if end - first == 0:
        return sha256(b"").digest()
    if end - first == 1:
        return LEAVES[first]
    k = 1
    while k * 2 < end - first:
        k *= 2
    return sha256(b"\x01" + naive_root(first, first + k) + naive_root(first + k, end)).digest()


def naive_path(index: int, first: int, end: int) -> list[bytes]:
    """RFC 6962 §2.1.1, word for word."""
    if end - first == 1:
        return []
    k = 1
    while k * 2 < end - first:
        k *= 2
    if index < k:
        return [*naive_path(index, first, first + k), naive_root(first + k, end)]
    return [*naive_path(index - k, first + k, end), naive_root(first, first + k)]


def naive_subproof(size: int, first: int, end: int, *, is_whole: bool) -> list[bytes]:
    """RFC 6962 §2.1.2, word for word."""
    if size == end - first:
        return [] if is_whole else [naive_root(first, end)]
    k = 1
    while k * 2 < end - first:
        k *= 2
    if size <= k:
        return [*naive_subproof(size, first, first + k, is_whole=is_whole), naive_root(first + k, end)]
    return [*naive_subproof(size - k, first + k, end, is_whole=False), naive_root(first, first + k)]


@dataclass(frozen=True)
class Leaves:
    """Gives the hashes of complete subtrees over a list of leaf hashes."""

    hashes: list[bytes]

    def read_hashes(self, nodes: list[Node]) -> list[bytes]:
        return [root_of(self.hashes[node.index << node.level : (node.index + 1) << node.level]) for node in nodes]


def flipped(hashes: tuple[bytes, ...], at: int, bit: int) -> list[bytes]:
    copy = list(hashes)
    changed = bytearray(copy[at])
    changed[bit // 8] ^= 1 << (bit % 8)
    copy[at] = bytes(changed)
    return copy


def test_leaf_and_node_hashes_are_those_published() -> None:
    assert leaf_hash(b"L123456").hex() == VECTORS["hashes"]["leaf of L123456"]
    assert node_hash(b"N123", b"N456").hex() == VECTORS["hashes"]["node of N123 and N456"]
    assert leaf_hash(b"").hex() == VECTORS["nodes"][0][0]


def test_the_tree_of_eight_leaves_has_the_published_roots_and_nodes() -> None:
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
    assert [root_of(leaves[:size]).hex() for size in range(9)] == VECTORS["roots"]
    for level, nodes in enumerate(VECTORS["nodes"]):
        width = 1 << level
        assert [root_of(leaves[at * width : (at + 1) * width]).hex() for at in range(len(nodes))] == nodes


def test_published_inclusion_proofs_are_made_and_verified() -> None:
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
    for case in VECTORS["inclusion"]:
        proof = prove_inclusion(case["index"], case["size"], Leaves(leaves))
        assert [item.hex() for item in proof] == case["proof"]
        root = bytes.fromhex(VECTORS["roots"][case["size"]])
        verify_inclusion(case["index"], case["size"], leaves[case["index"]], proof, root)


def test_published_consistency_proofs_are_made_and_verified() -> None:
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
    roots = [bytes.fromhex(root) for root in VECTORS["roots"]]
    for case in VECTORS["consistency"]:
        old, new = case["old"], case["new"]
        proof = prove_consistency(old, new, Leaves(leaves))
        assert [item.hex() for item in proof] == case["proof"]
        verify_consistency(old, roots[old], new, roots[new], proof)


@pytest.mark.parametrize("case", VECTORS["consistency_refused"], ids=lambda case: case["desc"])
def test_published_wrong_consistency_proofs_are_refused(case: dict[str, object]) -> None:
    def decode(value: object) -> bytes:
        return base64.b64decode(str(value))

    with pytest.raises(TamperedError):
        verify_consistency(
            case["old"],  # type: ignore[arg-type]
            decode(case["old_root"]),
            case["new"],  # type: ignore[arg-type]
            decode(case["new_root"]),
            [decode(item) for item in case["proof"]],  # type: ignore[attr-defined]
        )


def test_all_subtrees_up_to_130_leaves_give_the_published_accumulated_hashes() -> None:
    """A subtree [first, end) is valid where first is a multiple of the smallest power of two not below its width."""
    largest = VECTORS["subtrees"]["largest"]
    leaves = [leaf_hash(bytes([number])) for number in range(largest)]
    hashes, inclusion = sha256(), sha256()
    for end in range(1, largest + 1):
        for first in range(end):
            if first % (1 << (end - first - 1).bit_length()):
                continue
            part = leaves[first:end]
            hashes.update(f"[{first}, {end}) {root_of(part).hex()}\n".encode())
            for index in range(first, end):
                proof = prove_inclusion(index - first, end - first, Leaves(part))
                words = "".join(f" {item.hex()}" for item in proof)
                inclusion.update(f"{index} [{first}, {end}){words}\n".encode())
    assert hashes.hexdigest() == VECTORS["subtrees"]["hashes"]
    assert inclusion.hexdigest() == VECTORS["subtrees"]["inclusion"]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert root_of([]) == EMPTY_ROOT == CompactRange().root() == sha256(b"").digest()


def test_every_root_up_to_130_leaves_is_what_the_recursive_definition_gives() -> None:
    frontier = CompactRange()
    for size in range(131):
        assert root_of(LEAVES[:size]) == naive_root(0, size) == frontier.root()
        assert len(frontier.peaks) == size.bit_count()
        if size < 130:
            frontier = frontier.append([LEAVES[size]])


@given(st.integers(0, 130), st.integers(0, 130))
def test_a_frontier_grows_alike_in_whatever_steps(first: int, second: int) -> None:
    middle, end = sorted((first, second))
    assert CompactRange().append(LEAVES[:middle]).append(LEAVES[middle:end]) == CompactRange().append(LEAVES[:end])


def test_a_frontier_takes_whole_subtrees() -> None:
    grown = CompactRange().append(LEAVES[:96]).append_subtree(5, root_of(LEAVES[96:128]))
    assert grown == CompactRange().append(LEAVES[:128])


def test_every_inclusion_proof_up_to_100_leaves_verifies_and_fails_with_any_hash_changed() -> None:
    reader = Leaves(LEAVES)
    for size in range(1, LARGEST + 1):
        root = naive_root(0, size)
        for index in range(size):
            proof = prove_inclusion(index, size, reader)
            assert list(proof) == naive_path(index, 0, size)
            verify_inclusion(index, size, LEAVES[index], proof, root)
            for at in range(len(proof)):
                wrong = flipped(proof, at, (index * 7 + at * 31 + size) % 256)
                with pytest.raises(TamperedError):
                    verify_inclusion(index, size, LEAVES[index], wrong, root)


def test_every_consistency_proof_up_to_100_leaves_verifies_and_fails_with_any_hash_changed() -> None:
    reader = Leaves(LEAVES)
    for new in range(1, LARGEST + 1):
        for old in range(1, new + 1):
            proof = prove_consistency(old, new, reader)
            assert list(proof) == naive_subproof(old, 0, new, is_whole=True)
            old_root, new_root = naive_root(0, old), naive_root(0, new)
            verify_consistency(old, old_root, new, new_root, proof)
            for at in range(len(proof)):
                wrong = flipped(proof, at, (old * 7 + at * 31 + new) % 256)
                with pytest.raises(TamperedError):
                    verify_consistency(old, old_root, new, new_root, wrong)


@pytest.mark.parametrize("size", range(1, 34))
def test_an_inclusion_proof_holds_for_its_own_leaf_place_size_and_root_only(size: int) -> None:
    reader = Leaves(LEAVES)
    root = naive_root(0, size)
    for index in range(size):
        proof = prove_inclusion(index, size, reader)
        leaf = LEAVES[index]
        wrong = [
            (index, size, leaf_hash(b"another"), proof, root),
            (index, size, leaf, proof, naive_root(0, size + 1)),
            (index, size, leaf, (*proof, root), root),
            (index, size, leaf, (root, *proof), root),
            (index, size, leaf, proof[:-1] if proof else (root,), root),
            (index, size, leaf, [item[:-1] for item in proof] or [b""], root),
            (index, 0, leaf, proof, root),
            (-1, size, leaf, proof, root),
            (size, size, leaf, proof, root),
        ]
        wrong += [(other, size, leaf, proof, root) for other in range(size) if other != index]
        for arguments in wrong:
            with pytest.raises(TamperedError):
                verify_inclusion(*arguments)


@pytest.mark.parametrize("new", range(1, 34))
def test_a_consistency_proof_holds_for_its_own_sizes_and_roots_only(new: int) -> None:
    reader = Leaves(LEAVES)
    for old in range(1, new + 1):
        proof = prove_consistency(old, new, reader)
        old_root, new_root = naive_root(0, old), naive_root(0, new)
        stranger = leaf_hash(b"another")
        wrong = [
            (old, stranger, new, new_root, proof),
            (old, old_root, new, stranger, proof),
            (old, old_root, new, new_root, (*proof, stranger)),
            (old, old_root, new, new_root, (stranger, *proof)),
            (new + 1, old_root, new, new_root, proof),
            (-1, old_root, new, new_root, proof),
        ]
        if proof:
            wrong.append((old, old_root, new, new_root, proof[:-1]))
            wrong.append((old, old_root, new, new_root, [item[1:] for item in proof]))
            wrong.append((old, new_root, new, old_root, proof))
        for arguments in wrong:
            with pytest.raises(TamperedError):
                verify_consistency(*arguments)


def test_every_tree_grows_out_of_the_empty_one_without_a_proof() -> None:
    root = naive_root(0, 5)
    assert prove_consistency(0, 5, Leaves(LEAVES)) == ()
    verify_consistency(0, EMPTY_ROOT, 5, root, ())
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, ())
    with pytest.raises(TamperedError):
        verify_consistency(0, root, 5, root, ())
    with pytest.raises(TamperedError):
        verify_consistency(0, EMPTY_ROOT, 5, root, (root,))


def test_asking_for_an_impossible_proof_is_the_callers_mistake() -> None:
    reader = Leaves(LEAVES)
    for index, size in ((0, 0), (-1, 3), (3, 3)):
        with pytest.raises(UsageError):
            prove_inclusion(index, size, reader)
    for old, new in ((-1, 3), (4, 3)):
        with pytest.raises(UsageError):
            prove_consistency(old, new, reader)
