"""RFC 6962 §2.1 Merkle tree hashes over SHA-256, and the frontier that lets a tree grow without its past.

A leaf is hashed as SHA-256(0x00 ‖ entry), a node as SHA-256(0x01 ‖ left ‖ right): the prefixes keep a node from being
passed off as an entry. The empty tree has the hash of nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloakroom.crypto import sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"")


def leaf_hash(entry: bytes) -> bytes:
    """Return the leaf hash of `entry` (RFC 6962 §2.1)."""
    return sha256(b"\x00" + entry)


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two subtrees (RFC 6962 §2.1)."""
    return sha256(b"\x01" + left + right)


def complete_root(hashes: bytes) -> bytes:
    """Return the hash over a complete subtree.

    Args:
        hashes: The hashes of its leaves or subtrees, concatenated; their number is a power of two.
    """
    while len(hashes) > HASH_SIZE:
        hashes = b"".join([sha256(b"\x01" + hashes[at : at + 64]) for at in range(0, len(hashes), 64)])
    return hashes


def split_hashes(hashes: bytes) -> list[bytes]:
    """Cut concatenated hashes into single ones."""
    return [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]


def peaks_of(hashes: bytes) -> list[bytes]:
    """Return the hashes of the largest complete subtrees over `hashes`, from left to right."""
    peaks, at = [], 0
    count = len(hashes) // HASH_SIZE
    while count:
        width = 1 << (count.bit_length() - 1)
        peaks.append(complete_root(hashes[at : at + width * HASH_SIZE]))
        at += width * HASH_SIZE
        count -= width
    return peaks


def fold_peaks(peaks: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees of shrinking size, given from left to right."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the tree hash MTH over `leaf_hashes` (RFC 6962 §2.1)."""
    return fold_peaks(peaks_of(b"".join(leaf_hashes)))


@dataclass(frozen=True, slots=True)
class CompactRange:
    """The frontier of a tree: all that is needed to append to it and to know its root.

    Attributes:
        size: Number of leaves.
        peaks: Hashes of the complete subtrees that make it up, from left to right, one for each 1 bit of `size`.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf_hashes: Iterable[bytes]) -> CompactRange:
        """Return the frontier after appending leaves by their hashes."""
        size, peaks = self.size, list(self.peaks)
        for leaf in leaf_hashes:
            peak, bits = leaf, size
            while bits & 1:
                peak = node_hash(peaks.pop(), peak)
                bits >>= 1
            peaks.append(peak)
            size += 1
        return CompactRange(size, tuple(peaks))

    def append_subtree(self, height: int, root: bytes) -> CompactRange:
        """Return the frontier after appending a complete subtree of 2^height leaves.

        `size` must be a multiple of 2^height, as it is for whole tiles.
        """
        assert self.size % (1 << height) == 0
        grown = CompactRange(self.size >> height, self.peaks).append([root])
        return CompactRange(grown.size << height, grown.peaks)

    def root(self) -> bytes:
        """Return the tree hash."""
        return fold_peaks(self.peaks)
