"""The listing of an export beside the files of its signed size.

Partial files left from earlier sizes may lie there, if they agree with what took their place. Nothing else may.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cloakroom.errors import LimitError, TamperedError, UnverifiedError
from cloakroom.ledger.export_files import (
    CHECKPOINT_PATH,
    ExportReader,
    VerificationLimits,
    read_or_report,
    set_bundle_path,
    tile_of,
)
from cloakroom.ledger.record_sets import decode_set_bundle
from cloakroom.tlog import ENTRIES, TILE_WIDTH, Tile
from cloakroom.tlog.audit import Finding
from cloakroom.tlog.tiles import edge_tiles, narrow_bundle, narrow_tile, size_limit


@dataclass(slots=True)
class ListingCheck:
    """One look at a directory; counts what was read and what agreed.

    Attributes:
        reader: The files.
        limits: How much is accepted.
        on_finding: Takes what is wrong.
        files: Number of files read.
        superseded: Number of partial files from earlier sizes that agree.
    """

    reader: ExportReader
    limits: VerificationLimits
    on_finding: Callable[[Finding], None]
    files: int = 0
    superseded: int = 0

    def run(self, size: int) -> None:
        """Look at everything that lies beside the files of a log of `size` entries."""
        edge = edge_tiles(size)
        expected = {tile.path for tile in edge} | {CHECKPOINT_PATH}
        expected |= {set_bundle_path(tile) for tile in edge if tile.level == ENTRIES}
        for path in self.reader.paths():
            if path in expected:
                continue
            tile = tile_of(path)
            if tile is None or tile.span[1] > size:
                self.on_finding(Finding(path, "does not belong to the log"))
            elif tile.is_partial and path == tile.path:
                self._check_superseded(tile, size)
            elif tile.is_partial:
                self._check_superseded_sets(path, tile, size)

    def _check_superseded_sets(self, path: str, bundle: Tile, size: int) -> None:
        """Compare a set bundle of an earlier size with the one that took its place: it must begin like it."""
        successor = Tile(ENTRIES, bundle.index, min(TILE_WIDTH, size - bundle.index * TILE_WIDTH))
        data = self._read(path, self.limits.set_bundle_bytes)
        if data is None:
            return
        try:
            newer = self.reader.read(set_bundle_path(successor), self.limits.set_bundle_bytes)
            if newer is None or len(decode_set_bundle(newer)) != successor.width:
                return  # Missing or malformed, which has been said already.
            agrees = newer.startswith(data) and len(decode_set_bundle(data)) == bundle.width
        except LimitError:
            return
        except TamperedError:
            agrees = False
        if agrees:
            self.superseded += 1
        else:
            first, end = bundle.span
            self.on_finding(Finding(path, f"disagrees with {set_bundle_path(successor)}", entries=(first, end - 1)))

    def _check_superseded(self, tile: Tile, size: int) -> None:
        """Compare a partial file of an earlier size with the file that took its place."""
        hashes = size if tile.level == ENTRIES else size // TILE_WIDTH**tile.level
        successor = Tile(tile.level, tile.index, min(TILE_WIDTH, hashes - tile.index * TILE_WIDTH))
        limit = size_limit(tile, self.limits.log)
        data = self._read(tile.path, limit)
        if data is None:
            return
        try:
            newer = self.reader.read(successor.path, limit)
            if newer is None:
                return  # Missing, and the audit has said so; the same goes for what is malformed.
            agreed = narrow_bundle(newer, tile) if tile.level == ENTRIES else narrow_tile(newer, tile)
        except (UnverifiedError, LimitError):
            return
        if agreed == data:
            self.superseded += 1
        else:
            first, end = tile.span
            self.on_finding(Finding(tile.path, f"disagrees with {successor.path}", entries=(first, end - 1)))

    def _read(self, path: str, limit_bytes: int) -> bytes | None:
        data = read_or_report(self.reader, path, limit_bytes, self.on_finding)
        self.files += data is not None
        return data
