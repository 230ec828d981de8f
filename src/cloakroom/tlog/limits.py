"""Bounds on everything that a log, a witness or a file may hand to this package."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on what is accepted from outside.

    Attributes:
        entry_bytes: Longest entry; an entry bundle gives each length 16 bits (C2SP tlog-tiles).
        tree_size: Most entries in a tree; sizes are signed 64-bit numbers in many implementations.
        proof_hashes: Most hashes in a proof; C2SP tlog-witness sends at most 63.
        note_bytes: Longest signed note; room for 16 post-quantum signatures of 5 kB and more.
        note_signatures: Most signature lines; verifiers must take at least 16 (C2SP signed-note).
        extra_bytes: Longest opaque part of a proof file.
    """

    entry_bytes: int = 65_535
    tree_size: int = 2**63 - 1
    proof_hashes: int = 63
    note_bytes: int = 256 * 1024
    note_signatures: int = 64
    extra_bytes: int = 1024 * 1024


DEFAULT_LIMITS = Limits()
