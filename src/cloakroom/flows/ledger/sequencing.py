"""Sequencing: turns durable entries into the Merkle log, several times a second, on whichever node holds the lock.

One transaction takes the waiting entries in the order of their ids, appends them as leaves, writes the tiles that
changed and signs a checkpoint. Before it builds on a stored tree it checks the log's own signature on the newest
checkpoint, and the right edge of the tree, entries and hashes, against what was signed: a changed tile or checkpoint
stops the sequencer instead of being signed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from cloakroom.clock import Clock, to_microseconds
from cloakroom.errors import TamperedError, UnverifiedError
from cloakroom.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from cloakroom.tlog.hashing import leaf_hash
from cloakroom.tlog.note import Ed25519Signer
from cloakroom.tlog.tiles import Tile, TreeState, decode_bundle, edge_tiles, integrate, restore

MAX_BATCH = 50_000


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """The newest checkpoint of a store.

    Attributes:
        size: Number of leaves.
        root: Tree hash.
        note: The signed note.
        at: When it was signed, in microseconds.
    """

    size: int
    root: bytes
    note: bytes
    at: int


class LogStore(Protocol):
    """The store of the log's tiles and checkpoints."""

    def exclusive(self, *, wait: bool) -> AbstractContextManager[bool]:
        """Open a transaction; true inside it if this node is the sequencer for now.

        Args:
            wait: Whether to wait for another node that is.

        Raises:
            StoreError: That one does not come to an end.
        """
        ...

    def latest_checkpoint(self) -> StoredCheckpoint | None:
        """Return the newest checkpoint."""
        ...

    def read_tiles(self, tiles: Sequence[Tile]) -> Sequence[bytes]:
        """Return the content of tiles; see `tlog.tiles.TileReader`."""
        ...

    def waiting(self, limit: int) -> Sequence[tuple[int, bytes]]:
        """Return (id, leaf) of entries not yet integrated, in order."""
        ...

    def integrated(self, ids: Sequence[int], first_leaf: int) -> None:
        """Note the places of entries in the log: `ids`, ascending, from `first_leaf` on.

        Raises:
            StoreError: One of them has its place already, or none to wait for.
        """
        ...

    def write(self, files: Mapping[str, bytes], obsolete: Sequence[str], checkpoint: StoredCheckpoint) -> None:
        """Write new tiles and a checkpoint, and drop partial tiles that fuller ones replace."""
        ...


class Sequencer:
    """Integrates waiting entries. Keeps the right edge of the tree between runs, if nobody else moved it."""

    def __init__(self, *, store: LogStore, signer: Ed25519Signer, clock: Clock) -> None:
        """Take the store, the log's key (named after its origin) and a clock."""
        self._store = store
        self._signer = signer
        self._clock = clock
        self._state: TreeState | None = None

    def run(self, *, wait: bool = True) -> int:
        """Integrate what waits and return how many entries that was.

        Args:
            wait: Whether to wait for another node that is at it, so that whatever was committed before has its place
                when this returns. Without it, nothing is done then.

        Raises:
            TamperedError: The stored tree is not the one that was signed.
            StoreError: Another node is at it and does not come to an end.
        """
        done = 0
        while True:
            with self._store.exclusive(wait=wait) as mine:
                count = self._integrate() if mine else 0
            done += count
            if count < MAX_BATCH:
                return done

    def _integrate(self) -> int:
        waiting = self._store.waiting(MAX_BATCH)
        latest = self._store.latest_checkpoint()
        if not waiting and latest is not None:
            return 0
        state = self._current(latest)
        integration = integrate(state, [leaf for _, leaf in waiting])
        checkpoint = Checkpoint(self._signer.name, integration.state.size, integration.root)
        note = sign_checkpoint(checkpoint, self._signer)
        kept = {tile.path for tile in edge_tiles(integration.state.size)}
        obsolete = [tile.path for tile in edge_tiles(state.size) if tile.path not in kept]
        stored = StoredCheckpoint(checkpoint.size, checkpoint.root, note, to_microseconds(self._clock.now()))
        self._store.write(integration.files, obsolete, stored)
        self._store.integrated([number for number, _ in waiting], state.size)
        self._state = integration.state
        return len(waiting)

    def _current(self, latest: StoredCheckpoint | None) -> TreeState:
        if latest is None:
            return TreeState()
        if self._state is not None and self._state.size == latest.size and self._state.root() == latest.root:
            return self._state
        self._check_signature(latest)
        state = restore(latest.size, self._store)
        leaves = b"".join(leaf_hash(entry) for entry in decode_bundle(state.bundle))
        if state.root() != latest.root or leaves != b"".join(state.edge[:1]):
            raise TamperedError(f"the stored tree of size {latest.size} is not the one that was signed")
        return state

    def _check_signature(self, latest: StoredCheckpoint) -> None:
        try:
            signed = open_checkpoint(latest.note, self._signer.verifier).checkpoint
        except UnverifiedError as error:
            raise TamperedError(f"the stored checkpoint of size {latest.size} is not one that was signed") from error
        if (signed.size, signed.root) != (latest.size, latest.root):
            raise TamperedError(f"the stored checkpoint of size {latest.size} is not the one that was signed")
