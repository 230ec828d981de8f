"""Inclusion and consistency proofs (RFC 6962 §§2.1.1–2.1.2): making them from stored hashes, checking them.

Both directions walk the same path through the tree, so that what is made is what is checked: `_audit_path` and
`_consistency_path` list the ranges of leaves whose hashes make up the proof, innermost first. A range that is not a
complete subtree is hashed from the complete ones it consists of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cloakroom.crypto import is_equal
from cloakroom.errors import TamperedError, UsageError
from cloakroom.tlog.hashing import EMPTY_ROOT, HASH_SIZE, complete_root, fold_peaks, node_hash
from cloakroom.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, TileReader, narrow_tile

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Node:
    """A complete subtree.

    Attributes:
        level: It has 2^level leaves.
        index: Its first leaf is number index × 2^level.
    """

    level: int
    index: int


class HashReader(Protocol):
    """The source of the hashes of complete subtrees; the only question that proving asks."""

    def read_hashes(self, nodes: Sequence[Node]) -> Sequence[bytes]:
        """Return the hash of each node, in order.

        Raises:
            UncheckableError: A hash is not there.
        """
        ...


@dataclass(frozen=True, slots=True)
class TileHashReader:
    """Finds hashes of complete subtrees in the tiles of a tree.

    The tiles are not checked against anything here; check the finished proof against the signed root.

    Attributes:
        tiles: Where the tiles come from; asked once for each proof.
        size: Size of the tree that the tiles belong to.
    """

    tiles: TileReader
    size: int

    def read_hashes(self, nodes: Sequence[Node]) -> list[bytes]:
        """Return the hash of each node, reading each tile once.

        Raises:
            UncheckableError: A tile is missing or too short.
        """
        names = list(dict.fromkeys(self._tile_of(node) for node in nodes))
        contents = self.tiles.read_tiles(names)
        found = {name: narrow_tile(data, name) for name, data in zip(names, contents, strict=True)}
        return [self._hash_in(found[self._tile_of(node)], node) for node in nodes]

    def _tile_of(self, node: Node) -> Tile:
        level = node.level // TILE_HEIGHT
        index = (node.index << (node.level % TILE_HEIGHT)) // TILE_WIDTH
        return Tile(level, index, min(TILE_WIDTH, (self.size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH))

    @staticmethod
    def _hash_in(hashes: bytes, node: Node) -> bytes:
        width = 1 << (node.level % TILE_HEIGHT)
        at = (node.index * width) % TILE_WIDTH * HASH_SIZE
        return complete_root(hashes[at : at + width * HASH_SIZE])


def prove_inclusion(index: int, size: int, reader: HashReader) -> tuple[bytes, ...]:
    """Return the hashes that lead from leaf `index` to the root of the tree of `size` (RFC 6962 §2.1.1).

    Args:
        index: Number of the leaf, from 0.
        size: Size of the tree.
        reader: Gives the hashes.

    Raises:
        UsageError: The tree has no such leaf.
        UncheckableError: A hash is not there.
    """
    if not 0 <= index < size:
        raise UsageError(f"a tree of {size} entries has no entry {index}")
    return _read_ranges(_audit_path(index, size), reader)


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Return silently if `proof` shows that the tree of `size` and `root` holds the leaf hash `leaf` at `index`.

    Raises:
        TamperedError: It does not.
    """
    if not 0 <= index < size:
        raise TamperedError(f"a tree of {size} entries has no entry {index}")
    path = _audit_path(index, size)
    _check_shape(proof, len(path))
    found = leaf
    for (first, _), sibling in zip(path, proof, strict=True):
        found = node_hash(found, sibling) if first > index else node_hash(sibling, found)
    if not is_equal(found, root):
        raise TamperedError("the inclusion proof does not lead to the root")


def prove_consistency(old_size: int, new_size: int, reader: HashReader) -> tuple[bytes, ...]:
    """Return the hashes that show that the tree of `new_size` begins with the tree of `old_size` (RFC 6962 §2.1.2).

    The proof is empty where one size is 0 or both are equal.

    Raises:
        UsageError: The old tree is not the smaller one.
        UncheckableError: A hash is not there.
    """
    if not 0 <= old_size <= new_size:
        raise UsageError(f"a tree of {new_size} entries cannot have grown out of {old_size}")
    return _read_ranges(_consistency_path(old_size, new_size), reader)


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Return silently if `proof` shows that the new tree begins with the old one.

    Raises:
        TamperedError: It does not.
    """
    if not 0 <= old_size <= new_size:
        raise TamperedError(f"a tree of {new_size} entries cannot have grown out of {old_size}")
    path = _consistency_path(old_size, new_size)
    _check_shape(proof, len(path))
    if old_size in {0, new_size}:
        expected = new_root if old_size else EMPTY_ROOT
        if not is_equal(old_root, expected):
            raise TamperedError("the old root is not the root of its size")
        return
    # Where the old tree is not itself a complete subtree, the proof begins with the last part that both trees share.
    inside = path[0][1] == old_size
    old = new = proof[0] if inside else old_root
    for (first, _), sibling in zip(path[inside:], proof[inside:], strict=True):
        if first >= old_size:
            new = node_hash(new, sibling)
        else:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
    if not (is_equal(old, old_root) and is_equal(new, new_root)):
        raise TamperedError("the consistency proof does not lead to both roots")


def _split(width: int) -> int:
    """Return the largest power of two below `width`: where RFC 6962 cuts a list in two."""
    return 1 << ((width - 1).bit_length() - 1)


def _audit_path(index: int, size: int) -> list[tuple[int, int]]:
    """Return the ranges beside the way from leaf `index` up to the root, innermost first."""
    path, first, end = [], 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((first, middle))
            first = middle
    return path[::-1]


def _consistency_path(old_size: int, new_size: int) -> list[tuple[int, int]]:
    """Return the ranges of the consistency proof, innermost first."""
    if not old_size:
        return []
    path, first, end = [], 0, new_size
    while end != old_size:
        middle = first + _split(end - first)
        if old_size <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((first, middle))
            first = middle
    if first:
        path.append((first, end))
    return path[::-1]


def _nodes_of(first: int, end: int) -> list[Node]:
    """Return the complete subtrees of a range that starts where RFC 6962 cuts, from left to right."""
    nodes = []
    while first < end:
        level = (end - first).bit_length() - 1
        nodes.append(Node(level, first >> level))
        first += 1 << level
    return nodes


def _read_ranges(path: list[tuple[int, int]], reader: HashReader) -> tuple[bytes, ...]:
    """Return the hash of each range, asking the reader once for all."""
    nodes = [_nodes_of(first, end) for first, end in path]
    flat = [node for group in nodes for node in group]
    hashes = iter(reader.read_hashes(flat) if flat else ())
    return tuple(fold_peaks([next(hashes) for _ in group]) for group in nodes)


def _check_shape(proof: Sequence[bytes], expected: int) -> None:
    if len(proof) != expected:
        raise TamperedError(f"the proof has {len(proof)} hashes where these sizes need {expected}")
    if any(len(item) != HASH_SIZE for item in proof):
        raise TamperedError(f"the proof has a hash that is not {HASH_SIZE} bytes long")
