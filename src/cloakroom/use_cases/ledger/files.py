"""The ledger as static files: export, verification from files alone, proofs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cloakroom.adapters.postgres.connection import snapshot
from cloakroom.adapters.postgres.log_store import PostgresLog
from cloakroom.adapters.tile_files import TileDirectory
from cloakroom.errors import CloakroomError, TamperedError, UncheckableError
from cloakroom.flows.ledger.sequencing import Sequencer, StoredCheckpoint
from cloakroom.ledger.entry import decode_entry
from cloakroom.ledger.export_files import set_bundle_path
from cloakroom.ledger.record_sets import RecordSetSealer, encode_set_bundle, entry_place, is_sealed_set
from cloakroom.ledger.verification import (
    EarlierCheckpoint,
    Inspection,
    Verification,
    verify_export,
)
from cloakroom.tlog.note import Ed25519Verifier
from cloakroom.tlog.proof_file import ProofFile
from cloakroom.tlog.proofs import TileHashReader, prove_inclusion
from cloakroom.tlog.tiles import ENTRIES, TILE_WIDTH, Tile
from cloakroom.wiring import Application

_FILES_PER_WRITE = 512
_BYTES_PER_WRITE = 64 << 20
_BUNDLES_PER_READ = 64


@dataclass(frozen=True, slots=True)
class Export:
    """An export of the ledger.

    Attributes:
        size: Number of entries.
        root: Root hash.
        files: Number of files.
        key: The log's verifier key, to be kept apart from the files.
    """

    size: int
    root: bytes
    files: int
    key: str


def export_ledger(application: Application, directory: Path) -> Export:
    """Write the whole log with its record sets as static files; whatever is there already must agree."""
    application.sequencer.run()
    log = application.log
    target = TileDirectory(directory)
    count, pending = 0, {}
    with snapshot(application.connection):
        checkpoint = log.latest_checkpoint()
        if checkpoint is None:
            raise UncheckableError("the log is empty")
        for path, data in log.all_tiles():
            pending[path] = data
            if len(pending) >= _FILES_PER_WRITE:
                target.write(pending)
                count, pending = count + len(pending), {}
        waiting = 0
        for path, data in _set_bundles(log, checkpoint.size):
            pending[path] = data
            waiting += len(data)
            if len(pending) >= _FILES_PER_WRITE or waiting >= _BYTES_PER_WRITE:
                target.write(pending)
                count, pending, waiting = count + len(pending), {}, 0
    target.publish(pending, checkpoint.note)
    target.remove_superseded(checkpoint.size)
    return Export(checkpoint.size, checkpoint.root, count + len(pending) + 1, application.signer.verifier.render())


def _set_bundles(log: PostgresLog, size: int) -> Iterator[tuple[str, bytes]]:
    """Yield the set bundle beside each entry bundle that has sets."""
    for first in range(0, size, _BUNDLES_PER_READ * TILE_WIDTH):
        by_bundle: dict[int, dict[int, bytes]] = {}
        for number, sealed in log.sets(first, min(first + _BUNDLES_PER_READ * TILE_WIDTH, size)):
            by_bundle.setdefault(number // TILE_WIDTH, {})[number] = sealed
        for index, sets in sorted(by_bundle.items()):
            bundle = Tile(ENTRIES, index, min(TILE_WIDTH, size - index * TILE_WIDTH))
            yield set_bundle_path(bundle), encode_set_bundle([sets.get(number) for number in range(*bundle.span)])


class CloakroomEntries:
    """Checks that each leaf is an entry, and each set one that an entry names. Implements `EntryInspector`.

    Sets are sealed: without their key only their hash and their shape can be checked. Whoever holds the store's keys
    can also look whether each holds as many records as its entry says.
    """

    def __init__(self, sets: RecordSetSealer | None = None) -> None:
        """Start with nothing seen.

        Args:
            sets: Opens the sets, where whoever verifies has the store's keys.
        """
        self._sets = sets
        self._named: dict[int, tuple[str, int]] = {}

    def inspect_entries(self, first: int, entries: Sequence[bytes]) -> Inspection:
        """See `EntryInspector.inspect_entries`."""
        self._named.clear()
        problems: list[tuple[int, str]] = []
        sets: list[tuple[int, str]] = []
        for number, leaf in enumerate(entries, first):
            try:
                entry = decode_entry(leaf)
            except CloakroomError as error:
                problems.append((number, str(error)))
                continue
            if entry.set_sha256:
                sets.append((number, entry.set_sha256))
                self._named[number] = (entry.lineage, entry.records)
        return Inspection(problems, sets)

    def inspect_set(self, number: int, content: bytes) -> str | None:
        """See `EntryInspector.inspect_set`."""
        if not is_sealed_set(content):
            return "is not a sealed set of records"
        if self._sets is None:
            return None
        lineage, records = self._named[number]
        try:
            size = len(self._sets.open(entry_place(lineage), content))
        except TamperedError:
            return "does not open as the set of its entry"
        return None if size == records else "holds another number of records than its entry says"


def verify_ledger(
    directory: Path,
    key: str,
    *,
    earlier: Sequence[Path] = (),
    sets: RecordSetSealer | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Verify exported files with nothing but the log's verifier key.

    Args:
        directory: The exported files.
        key: The verifier key in its text form, from somewhere else than the files.
        earlier: Checkpoints that somebody kept.
        sets: Opens the record sets, where the store's keys are at hand; else only their hashes are checked.
        progress: Is told (entries done, entries in all).

    Raises:
        TamperedError: Something was changed; names each file and entry.
        UncheckableError: Something is missing or unreadable.
    """
    if not directory.is_dir():
        raise UncheckableError(f"{directory} is not a folder of exported files")
    verifier = Ed25519Verifier.parse(key.strip())
    kept = [EarlierCheckpoint(path.name, path.read_bytes()) for path in earlier]
    return verify_export(
        TileDirectory(directory),
        verifier.key,
        verifier.name,
        earlier=kept,
        inspector=CloakroomEntries(sets),
        progress=progress,
    )


def prove_entry(log: PostgresLog, sequencer: Sequencer, leaf_index: int) -> tuple[ProofFile, StoredCheckpoint]:
    """Return a proof file that one entry is in the log.

    What waits is taken into the log first, unless another process is at that.

    Raises:
        UncheckableError: There is no such entry.
    """
    sequencer.run(wait=False)
    checkpoint = log.latest_checkpoint()
    if checkpoint is None or not 0 <= leaf_index < checkpoint.size:
        raise UncheckableError(f"no entry {leaf_index} in the log")
    leaf = log.leaf(leaf_index)
    reader = TileHashReader(log, checkpoint.size)
    return ProofFile(
        leaf_index, prove_inclusion(leaf_index, checkpoint.size, reader), checkpoint.note, leaf
    ), checkpoint
