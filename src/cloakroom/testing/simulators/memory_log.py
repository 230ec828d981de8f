"""Tiles and checkpoints of the log in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from cloakroom.errors import StoreError, UncheckableError
from cloakroom.flows.ledger.sequencing import StoredCheckpoint
from cloakroom.testing.simulators.memory_ledger import MemoryEntry
from cloakroom.testing.simulators.memory_store import MemoryStore
from cloakroom.tlog.tiles import TILE_WIDTH, Tile


class MemoryLog:
    """Implements `flows.sequencing.LogStore` over a store in memory, whose entries `MemoryLedger` appends."""

    def __init__(self, store: MemoryStore) -> None:
        """Take the store."""
        self._store = store
        self._entries: dict[int, MemoryEntry] = store.table("entry")
        self._places: dict[int, int] = store.table("place")
        self._tiles: dict[str, bytes] = store.table("tile")
        self._checkpoints: dict[int, StoredCheckpoint] = store.table("checkpoint")

    @contextmanager
    def exclusive(self, *, wait: bool) -> Iterator[bool]:
        """See `LogStore.exclusive`."""
        with self._store.transaction():
            yield True

    def latest_checkpoint(self) -> StoredCheckpoint | None:
        """See `LogStore.latest_checkpoint`."""
        return self._checkpoints[max(self._checkpoints)] if self._checkpoints else None

    def read_tiles(self, tiles: Sequence[Tile]) -> Sequence[bytes]:
        """See `LogStore.read_tiles`; a full tile serves where a partial one is asked for."""
        contents = []
        for tile in tiles:
            full = Tile(tile.level, tile.index, TILE_WIDTH).path
            data = self._tiles.get(tile.path) or self._tiles.get(full)
            if data is None:
                raise UncheckableError(f"{tile.path} is not in the store")
            contents.append(data)
        return contents

    def waiting(self, limit: int) -> Sequence[tuple[int, bytes]]:
        """See `LogStore.waiting`."""
        found = [(number, item.prepared.body) for number, item in self._entries.items() if number not in self._places]
        return sorted(found)[:limit]

    def integrated(self, ids: Sequence[int], first_leaf: int) -> None:
        """See `LogStore.integrated`."""
        with self._store.effect("place entries"):
            for leaf, number in enumerate(ids, first_leaf):
                if number in self._places:
                    raise StoreError("entries that were to get their place in the log no longer wait for it")
                self._places[number] = leaf

    def write(self, files: Mapping[str, bytes], obsolete: Sequence[str], checkpoint: StoredCheckpoint) -> None:
        """See `LogStore.write`."""
        with self._store.effect("write tiles"):
            self._tiles.update(files)
            for path in obsolete:
                self._tiles.pop(path, None)
            self._checkpoints[checkpoint.size] = checkpoint
