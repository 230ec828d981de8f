"""C2SP tlog-tiles: the tree as files of 256 hashes, and the step that turns new entries into new files.

A **hash tile** holds up to 256 consecutive hashes of one level; level 0 are leaf hashes, and each hash of level n + 1
covers one *full* tile of level n. An **entry bundle** holds the entries behind one tile of level 0, each after its
length (16 bits, big-endian). A tile that is not full is *partial* and carries its width in its name; it is never
hashed upwards. For a tree of size s, level n has floor(s / 256^n) hashes.

A sequencer keeps a `TreeState`: the size and the partial files at the right edge, at most 8 kB per level and one
bundle. `integrate` takes it and new entries and returns the files to write, the root to sign and the next state. It
changes nothing itself, so a crash between integrating and writing costs nothing: read the state again and repeat.
A full file never changes again; a partial file is superseded by a wider one, and both stay true.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cloakroom.errors import LimitError, TamperedError, UncheckableError
from cloakroom.tlog.hashing import HASH_SIZE, complete_root, fold_peaks, leaf_hash, peaks_of
from cloakroom.tlog.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TILE_HEIGHT = 8
TILE_WIDTH = 256
ENTRIES = -1
"""The "level" of entry bundles, below the leaf hashes."""

_FULL_BYTES = TILE_WIDTH * HASH_SIZE
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)"
    r"/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """The name of a hash tile or an entry bundle.

    Attributes:
        level: 0 to 7, or `ENTRIES` for a bundle.
        index: Place within the level, from 0.
        width: Number of hashes or entries, 1 to 256; below 256 the file is partial.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """The path below the log's prefix, such as ``tile/0/x001/234.p/17``."""
        digits = f"{self.index % 1000:03d}"
        rest = self.index // 1000
        while rest:
            digits = f"x{rest % 1000:03d}/{digits}"
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{digits}" + (f".p/{self.width}" if self.is_partial else "")

    @property
    def is_partial(self) -> bool:
        """Say whether the file has room for more."""
        return self.width < TILE_WIDTH

    @property
    def span(self) -> tuple[int, int]:
        """First entry that the tile covers, and the first one after it."""
        entries = 1 if self.level == ENTRIES else TILE_WIDTH**self.level
        first = self.index * TILE_WIDTH * entries
        return first, first + self.width * entries

    @classmethod
    def parse(cls, path: str) -> Tile:
        """Parse a path, refusing every spelling but the canonical one.

        Raises:
            UncheckableError: `path` names no tile.
        """
        match = _PATH.fullmatch(path)
        if match is not None:
            level = ENTRIES if match["level"] == "entries" else int(match["level"])
            index = int(match["index"].replace("/", "").replace("x", ""))
            tile = cls(level, index, int(match["width"] or TILE_WIDTH))
            if tile.path == path and level < 8:
                return tile
        raise UncheckableError("not the path of a tile")


class TileReader(Protocol):
    """The source of tiles; the only question that restoring and proving ask."""

    def read_tiles(self, tiles: Sequence[Tile]) -> Sequence[bytes]:
        """Return the content of each tile, in order.

        A fuller version of a partial tile serves as well: its first hashes or entries are the same.

        Raises:
            UncheckableError: A tile is not there.
        """
        ...


def edge_tiles(size: int) -> list[Tile]:
    """Return the partial files at the right edge of a tree of `size`: the bundle, then hash tiles by level."""
    tiles = []
    if size % TILE_WIDTH:
        tiles.append(Tile(ENTRIES, size // TILE_WIDTH, size % TILE_WIDTH))
    level, hashes = 0, size
    while hashes:
        if hashes % TILE_WIDTH:
            tiles.append(Tile(level, hashes // TILE_WIDTH, hashes % TILE_WIDTH))
        hashes //= TILE_WIDTH
        level += 1
    return tiles


def size_limit(tile: Tile, limits: Limits = DEFAULT_LIMITS) -> int:
    """Return how many bytes the file of `tile`, or a fuller version of it, can have at most."""
    return TILE_WIDTH * (limits.entry_bytes + 2 if tile.level == ENTRIES else HASH_SIZE)


def level_count(size: int) -> int:
    """Return how many levels of tiles a tree of `size` has."""
    return (size.bit_length() + TILE_HEIGHT - 1) // TILE_HEIGHT


def encode_bundle(entries: Sequence[bytes], limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Encode entries, each after its length in 16 bits, big-endian.

    Raises:
        LimitError: An entry is too long.
    """
    if any(len(entry) > limits.entry_bytes for entry in entries):
        raise LimitError(f"an entry is longer than {limits.entry_bytes} bytes")
    return b"".join([part for entry in entries for part in (len(entry).to_bytes(2), entry)])


def decode_bundle(data: bytes) -> list[bytes]:
    """Decode an entry bundle.

    Raises:
        TamperedError: The lengths do not add up.
    """
    entries, at, end = [], 0, len(data)
    while at < end:
        start = at + 2
        at = start + int.from_bytes(data[at:start])
        if start > end or at > end:
            raise TamperedError("the lengths in the bundle do not add up")
        entries.append(data[start:at])
    return entries


@dataclass(frozen=True, slots=True)
class TreeState:
    """The state that a sequencer needs to append: nothing but the right edge.

    Attributes:
        size: Number of entries integrated.
        edge: For each level the hashes of its partial tile, concatenated; empty where the level is full.
        bundle: The partial entry bundle; empty after a full one.
    """

    size: int = 0
    edge: tuple[bytes, ...] = ()
    bundle: bytes = b""

    def root(self) -> bytes:
        """Return the tree hash; compare it with the last checkpoint after restoring."""
        return fold_peaks([peak for hashes in reversed(self.edge) for peak in peaks_of(hashes)])


def restore(size: int, reader: TileReader) -> TreeState:
    """Restore the state of a tree of `size` from its stored partial files.

    The caller compares `TreeState.root()` with the root that was signed at `size` before building on it.

    Raises:
        UncheckableError: A file is missing or has less than its name says.
        TamperedError: The bundle is malformed.
    """
    tiles = edge_tiles(size)
    edge, bundle = [b""] * level_count(size), b""
    for tile, data in zip(tiles, reader.read_tiles(tiles), strict=True):
        if tile.level == ENTRIES:
            bundle = narrow_bundle(data, tile)
        else:
            edge[tile.level] = narrow_tile(data, tile)
    return TreeState(size, tuple(edge), bundle)


def narrow_tile(data: bytes, tile: Tile) -> bytes:
    """Return the first `tile.width` hashes of a hash tile that may be fuller.

    Raises:
        UncheckableError: It holds fewer, or not whole hashes.
    """
    if len(data) < tile.width * HASH_SIZE or len(data) > _FULL_BYTES or len(data) % HASH_SIZE:
        raise UncheckableError(f"{tile.path} does not hold {tile.width} hashes")
    return data[: tile.width * HASH_SIZE]


def narrow_bundle(data: bytes, tile: Tile) -> bytes:
    """Return the first `tile.width` entries of a bundle that may be fuller, still encoded.

    Raises:
        UncheckableError: It holds fewer.
        TamperedError: The lengths do not add up.
    """
    entries = decode_bundle(data)
    if len(entries) < tile.width:
        raise UncheckableError(f"{tile.path} does not hold {tile.width} entries")
    return encode_bundle(entries[: tile.width])


@dataclass(frozen=True, slots=True)
class Integration:
    """The result of appending.

    Attributes:
        state: The state after it.
        files: Path to content of every new or widened file; write all of them durably before publishing the root.
        root: The tree hash to sign.
    """

    state: TreeState
    files: Mapping[str, bytes]
    root: bytes


def integrate(state: TreeState, entries: Sequence[bytes], limits: Limits = DEFAULT_LIMITS) -> Integration:
    """Append `entries` and return the files that result; effects nothing.

    Args:
        state: The tree before.
        entries: New entries in order; none gives no files and the same root.
        limits: Bounds on entries and tree size.

    Raises:
        LimitError: An entry is too long, or the tree would be too large.
    """
    size = state.size + len(entries)
    if size > limits.tree_size:
        raise LimitError("the tree would be larger than any")
    if any(len(entry) > limits.entry_bytes for entry in entries):
        raise LimitError(f"an entry is longer than {limits.entry_bytes} bytes")
    if not entries:
        return Integration(state, {}, state.root())
    files: dict[str, bytes] = {}
    bundle = _lay_bundles(files, state, entries)
    edge = list(state.edge)
    hashes = b"".join([leaf_hash(entry) for entry in entries])
    level, before = 0, state.size
    while hashes:
        if level == len(edge):
            edge.append(b"")
        hashes, edge[level] = _lay_tiles(files, level, before, edge[level] + hashes)
        before //= TILE_WIDTH
        level += 1
    grown = TreeState(size, tuple(edge), bundle)
    return Integration(grown, files, grown.root())


def _lay_bundles(files: dict[str, bytes], state: TreeState, entries: Sequence[bytes]) -> bytes:
    """Add the new bundles to `files`; return the partial one that remains."""
    index, width = divmod(state.size, TILE_WIDTH)
    at, bundle = 0, state.bundle
    while at < len(entries):
        part = entries[at : at + TILE_WIDTH - width]
        bundle += encode_bundle(part)
        width += len(part)
        at += len(part)
        files[Tile(ENTRIES, index, width).path] = bundle
        if width == TILE_WIDTH:
            index, width, bundle = index + 1, 0, b""
    return bundle


def _lay_tiles(files: dict[str, bytes], level: int, before: int, hashes: bytes) -> tuple[bytes, bytes]:
    """Add the new tiles of one level to `files`.

    Args:
        files: Grows.
        level: The level.
        before: Number of hashes that the level had.
        hashes: Its partial tile so far, and the new hashes after it.

    Returns:
        The hashes of the tiles that became full, for the level above, and the partial tile that remains.
    """
    index, above, at = before // TILE_WIDTH, [], 0
    while at + _FULL_BYTES <= len(hashes):
        full = hashes[at : at + _FULL_BYTES]
        files[Tile(level, index).path] = full
        above.append(complete_root(full))
        index += 1
        at += _FULL_BYTES
    rest = hashes[at:]
    if rest:
        files[Tile(level, index, len(rest) // HASH_SIZE).path] = rest
    return b"".join(above), rest
