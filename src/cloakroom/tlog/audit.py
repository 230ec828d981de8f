"""Recompute a whole tree from its files and say which file is wrong.

Two things are known about each tile: what it says itself, and what its entries or the tiles below it give. A third
settles who is right: the hash that the level above holds for it, which is authentic when the chain up to the signed
root holds. So a changed entry is told from a changed tile, and the first and last entry that do not fit are named.
Where nothing above is left to decide, both files are named and neither is cleared.

Every hash tile and every bundle of the tree is read once, in the order of the entries; memory stays at one file for
each level. Where a tile above the leaves is missing, and with it the beginning of all that lies below it, the whole
is one missing piece. What does not belong to the tree is not looked at here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cloakroom.crypto import is_equal
from cloakroom.errors import LimitError, TamperedError, UncheckableError
from cloakroom.tlog.hashing import HASH_SIZE, complete_root, fold_peaks, leaf_hash, peaks_of, split_hashes
from cloakroom.tlog.limits import DEFAULT_LIMITS, Limits
from cloakroom.tlog.tiles import ENTRIES, TILE_WIDTH, Tile, decode_bundle, edge_tiles, size_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Hashes = list[bytes | None]


class FileReader(Protocol):
    """The source of the files of a log."""

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        """Return the content of the file at `path`, or None where there is none.

        Raises:
            LimitError: It is longer than `limit_bytes`.
            UncheckableError: It is there but cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with one file.

    Attributes:
        path: The file, below the log's directory.
        reason: What is wrong; never a value out of the file.
        is_tampered: Whether it was checked and is wrong; otherwise it could not be checked.
        entries: First and last entry concerned, by number, where that is known.
    """

    path: str
    reason: str
    is_tampered: bool = True
    entries: tuple[int, int] | None = None

    def __str__(self) -> str:
        """Render as one line, whatever a stranger named the file."""
        path = self.path if self.path.isprintable() else ascii(self.path)
        if self.entries is None:
            return f"{path}: {self.reason}"
        first, last = self.entries
        place = f"entry {first}" if first == last else f"entries {first} to {last}"
        return f"{path}: {place}: {self.reason}"


@dataclass(slots=True)
class TreeAudit:
    """One pass over the files of a tree.

    Attributes:
        size: Number of entries, as signed.
        root: The tree hash, as signed.
        reader: Gives the files.
        on_bundle: Called with the number of the first entry and the entries of each bundle that is not found wrong.
        on_finding: Called with each finding.
        limits: Bounds.
        files: Number of files read so far.
        bundles_skipped: Number of bundles that are missing or wrong, whose entries were not handed on.
    """

    size: int
    root: bytes
    reader: FileReader
    on_bundle: Callable[[int, Sequence[bytes]], None]
    on_finding: Callable[[Finding], None]
    limits: Limits = DEFAULT_LIMITS
    files: int = field(default=0, init=False)
    bundles_skipped: int = field(default=0, init=False)
    _entries: list[bytes] | None = field(default=None, init=False)

    def run(self) -> None:
        """Walk the tree from its first entry to its last."""
        tiles = [tile for tile in reversed(edge_tiles(self.size)) if tile.level != ENTRIES]
        stored = [self._read_hashes(tile) for tile in tiles]
        is_authentic = all(stored) and is_equal(_root_of_edge(stored), self.root)
        computed = [
            self._compute(tile, hashes if is_authentic else None) for tile, hashes in zip(tiles, stored, strict=True)
        ]
        settled = [_fill(below, hashes) for below, hashes in zip(computed, stored, strict=True)]
        is_right_below = all(settled) and is_equal(_root_of_edge(settled), self.root)
        quarrels = 0
        for tile, hashes, below in zip(tiles, stored, computed, strict=True):
            wrong = _differences(hashes, below)
            quarrels += bool(wrong)
            if tile.level == 0:
                self._hand_on(tile, is_good=not wrong or (is_right_below and not is_authentic))
            if wrong:
                self._report(tile, wrong, is_tile_right=is_authentic, is_below_right=is_right_below)
        if not (is_authentic or is_right_below or quarrels) and all(stored):
            self.on_finding(Finding("checkpoint", "the files give another root than the one that was signed"))

    def _compute(self, tile: Tile, authentic: bytes | None) -> Hashes:
        """Return the hashes that the files below `tile` give; None for those that they do not give.

        Args:
            tile: The tile whose hashes are wanted.
            authentic: Those hashes, where the tile's own are known to be right.
        """
        if tile.level == 0:
            self._entries = self._read_entries(tile)
            if self._entries is None:
                return [None] * tile.width
            return [leaf_hash(entry) for entry in self._entries]
        expected: Hashes = [None] * tile.width if authentic is None else [*split_hashes(authentic)]
        first = tile.index * TILE_WIDTH
        return [self._settle(Tile(tile.level - 1, first + at), item) for at, item in enumerate(expected)]

    def _settle(self, tile: Tile, expected: bytes | None) -> bytes | None:
        """Check a full tile and all below it; return its hash for the level above, or None where that is unknown.

        Args:
            tile: The tile.
            expected: The hash that the level above holds for it, where that one is known to be right.
        """
        stored = self._read_hashes(tile)
        if stored is None and tile.level > 0 and self._is_absent_below(tile):
            self.bundles_skipped += TILE_WIDTH**tile.level
            return expected
        own = complete_root(stored) if stored else None
        is_authentic = expected is not None and own is not None and is_equal(own, expected)
        computed = self._compute(tile, stored if is_authentic else None)
        wrong = _differences(stored, computed)
        settled = _fill(computed, stored)
        below = complete_root(settled) if settled else None
        is_right_below = expected is not None and below is not None and is_equal(below, expected)
        if tile.level == 0:
            self._hand_on(tile, is_good=(not wrong and expected in {None, own}) or is_right_below)
        if wrong:
            self._report(tile, wrong, is_tile_right=is_authentic, is_below_right=is_right_below)
        elif expected is not None and not (is_authentic or is_right_below) and below is not None:
            reason = "the files below it lead to another hash than the level above holds"
            self.on_finding(Finding(tile.path, reason, entries=_covered(tile)))
        return expected or below

    def _is_absent_below(self, tile: Tile) -> bool:
        """Say whether nothing lies at the beginning of what `tile` covers.

        Then all of it counts as missing, as the finding about the tile says. A signed size may be as large as
        numbers go: the time that an audit takes must follow from the files that are there, not from what they claim.
        """
        beginnings = (Tile(tile.level - 1, tile.index * TILE_WIDTH), *_leftmost(tile))
        return all(self._is_absent(beginning) for beginning in beginnings)

    def _is_absent(self, tile: Tile) -> bool:
        try:
            return self.reader.read(tile.path, size_limit(tile, self.limits)) is None
        except (LimitError, UncheckableError):
            return False

    def _report(self, tile: Tile, wrong: list[int], *, is_tile_right: bool, is_below_right: bool) -> None:
        """Name the file that is wrong, or both where nothing tells.

        Above level 0 the files below have settled their own quarrel, so only the tile itself is left to name.
        """
        bundle = Tile(ENTRIES, tile.index, tile.width)
        first = tile.span[0]
        step = TILE_WIDTH**tile.level
        entries = (first + wrong[0] * step, first + (wrong[-1] + 1) * step - 1)
        if is_tile_right:
            self.on_finding(Finding(bundle.path, "not what was integrated", entries=entries))
        elif is_below_right:
            self.on_finding(Finding(tile.path, "not the hashes of what lies below it", entries=entries))
        elif tile.level == 0:
            reason = "bundle and hash tile disagree, and nothing above them tells which is right"
            self.on_finding(Finding(bundle.path, reason, entries=entries))
            self.on_finding(Finding(tile.path, reason, entries=entries))
        else:
            reason = "disagrees with the files below it, and nothing above tells which is right"
            self.on_finding(Finding(tile.path, reason, entries=entries))

    def _hand_on(self, tile: Tile, *, is_good: bool) -> None:
        if self._entries is not None and is_good:
            self.on_bundle(tile.span[0], self._entries)
        else:
            self.bundles_skipped += 1
        self._entries = None

    def _read_entries(self, tile: Tile) -> list[bytes] | None:
        """Read the bundle under a tile of level 0."""
        bundle = Tile(ENTRIES, tile.index, tile.width)
        data = self._read(bundle)
        if data is None:
            return None
        try:
            entries = decode_bundle(data)
        except TamperedError as error:
            self.on_finding(Finding(bundle.path, str(error), entries=_covered(bundle)))
            return None
        if len(entries) != bundle.width:
            reason = f"holds {len(entries)} entries where it must hold {bundle.width}"
            self.on_finding(Finding(bundle.path, reason, entries=_covered(bundle)))
            return None
        return entries

    def _read_hashes(self, tile: Tile) -> bytes | None:
        data = self._read(tile)
        if data is None or len(data) == tile.width * HASH_SIZE:
            return data
        reason = f"holds {len(data)} bytes where it must hold {tile.width * HASH_SIZE}"
        self.on_finding(Finding(tile.path, reason, entries=_covered(tile)))
        return None

    def _read(self, tile: Tile) -> bytes | None:
        try:
            data = self.reader.read(tile.path, size_limit(tile, self.limits))
        except (LimitError, UncheckableError) as error:
            is_tampered = isinstance(error, LimitError)
            self.on_finding(Finding(tile.path, str(error), is_tampered, _covered(tile)))
            return None
        self.files += 1
        if data is None:
            self.on_finding(Finding(tile.path, "is missing", is_tampered=False, entries=_covered(tile)))
        return data


def _leftmost(tile: Tile) -> tuple[Tile, Tile]:
    """Return the first tile of leaf hashes and the first bundle below a full tile."""
    index = tile.index * TILE_WIDTH**tile.level
    return Tile(0, index), Tile(ENTRIES, index)


def _covered(tile: Tile) -> tuple[int, int]:
    first, end = tile.span
    return first, end - 1


def _differences(stored: bytes | None, computed: Hashes) -> list[int]:
    """Return the places where both are known and differ."""
    if stored is None:
        return []
    pairs = zip(split_hashes(stored), computed, strict=True)
    return [at for at, (left, right) in enumerate(pairs) if right is not None and left != right]


def _fill(computed: Hashes, stored: bytes | None) -> bytes | None:
    """Return the computed hashes, those unknown taken from the tile itself; None where that has none either."""
    own: Hashes = [None] * len(computed) if stored is None else [*split_hashes(stored)]
    filled = [mine if below is None else below for below, mine in zip(computed, own, strict=True)]
    known = [item for item in filled if item is not None]
    return b"".join(known) if len(known) == len(filled) else None


def _root_of_edge(edge: Sequence[bytes | None]) -> bytes:
    """Return the root over the partial tiles of a tree, highest level first; all are known."""
    return fold_peaks([peak for hashes in edge for peak in peaks_of(hashes or b"")])
