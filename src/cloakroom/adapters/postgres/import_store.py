"""The store of imports: a batch at a time, each batch in one transaction with its progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import msgspec

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.adapters.postgres.rows import index_arguments
from cloakroom.errors import ConflictError
from cloakroom.flows.records.import_ports import BatchWrite, DeliveryState
from cloakroom.vault.row_changes import KnownRecord, Replacement
from cloakroom.vault.rows import RowDigests
from cloakroom.vault.sealed_record import SealedKeys

_WITHOUT_KEY = "without_key."


class PostgresImports:
    """Reads and writes what imports need, over one connection."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
        self._queries = load_queries("vault")
        self._ledger = load_queries("ledger")

    def delivery(self, brand: int, sha256: bytes, name: str, at: int) -> DeliveryState:
        """Return the state of a delivery, which is noted as begun if it is new."""
        key = {"brand": brand, "sha256": sha256}
        self._connection.execute(self._queries["start_delivery"], key | {"name": name, "counts": "{}", "at": at})
        row = self._connection.execute(self._queries["delivery"], key).fetchone()
        assert row is not None
        rows_done, finished, kept = row
        counts = {name: count for name, count in kept.items() if not name.startswith(_WITHOUT_KEY)}
        without_key = {
            name.removeprefix(_WITHOUT_KEY): count for name, count in kept.items() if name.startswith(_WITHOUT_KEY)
        }
        return DeliveryState(rows_done, finished, counts, without_key)

    def has_records(self, brand: int) -> bool:
        """See `flows.import_ports.ImportStore.has_records`."""
        row = self._connection.execute(self._queries["has_records"], {"brand": brand}).fetchone()
        return bool(row and row[0])

    def known(self, brand: int, digests: RowDigests, links: bytes) -> dict[int, KnownRecord]:
        """Return the records known for record-id link digests, by position."""
        found: dict[int, KnownRecord] = {}
        for generation in digests.generations:
            stored = digests.stored_links(links, generation)
            rows = self._connection.execute(
                self._queries["known_records"],
                {
                    "brand": brand,
                    "index_ids": [digests.index_id("customer_number", generation)],
                    "digests": [stored[at : at + 16].hex() for at in range(0, len(stored), 16)],
                },
                binary=True,
            )
            for position, ordinal, version, valid_from, state, content, identity, *keys in rows:
                if keys[0] is not None:
                    found[position - 1] = KnownRecord(
                        ordinal,
                        version,
                        valid_from,
                        state,
                        content.bytes if content else None,
                        identity,
                        SealedKeys(*keys),
                    )
        return found

    def take_ordinals(self, count: int) -> range:
        """Return `count` ordinals that nobody else gets; those that a crash leaves unused stay unused."""
        row = self._connection.execute(self._queries["take_ordinals"], {"count": count}).fetchone()
        assert row is not None
        return range(row[0], row[0] + count)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """See `ImportStore.atomic`."""
        with self._connection.transaction():
            self._connection.execute("set local synchronous_commit = off")
            yield

    def write(self, brand: int, sha256: bytes, digests: RowDigests, batch: BatchWrite) -> None:
        """Write a batch in one transaction. The last write of a delivery makes all of them durable."""
        with self._connection.transaction():
            # A batch that a crash takes away is simply done again: its progress goes with it.
            self._connection.execute("set local synchronous_commit = off")
            if batch.new is not None:
                self._copy("record", batch.new.records)
                self._copy("person_key", batch.new.keys)
                self._copy("blind_index", batch.new.index)
            if batch.replacements:
                self._replace(brand, digests, batch.replacements)
            if batch.facet_change is not None:
                self.add_facet_change(brand, batch.facet_change)
            self._connection.execute(
                self._queries["advance_delivery"],
                {
                    "brand": brand,
                    "sha256": sha256,
                    "rows_done": batch.rows_done,
                    "counts": _kept(batch.counts, batch.without_key),
                },
            )

    def finish(
        self,
        brand: int,
        sha256: bytes,
        *,
        at: int,
        rows_done: int,
        counts: Mapping[str, int],
        without_key: Mapping[str, int],
        append: Callable[[], object],
    ) -> None:
        """Mark a delivery as finished. `append` is called in the same, durable transaction."""
        with self._connection.transaction():
            self._connection.execute(
                self._queries["finish_delivery"],
                {
                    "brand": brand,
                    "sha256": sha256,
                    "at": at,
                    "rows_done": rows_done,
                    "counts": _kept(counts, without_key),
                },
            )
            append()

    def _copy(self, table: str, data: bytes) -> None:
        with self._connection.cursor().copy(f"copy {table} from stdin (format binary)".encode()) as copy:
            copy.write(data)

    def add_facet_change(self, brand: int, sealed: bytes) -> None:
        """Note a sealed change of a brand's facets, which the next reader folds into them."""
        self._connection.execute(self._queries["add_facet_change"], {"brand": brand, "sealed": sealed})

    def _replace(self, brand: int, digests: RowDigests, replacements: Sequence[Replacement]) -> None:
        # Whoever erases a record destroys its keys first: what was erased since it was read is left alone, and what
        # still has its keys keeps them until this transaction ends.
        alive = self._connection.execute(
            self._queries["keep_keys"], {"brand": brand, "ordinals": sorted(item.ordinal for item in replacements)}
        )
        kept = {ordinal for (ordinal,) in alive}
        replacements = [item for item in replacements if item.ordinal in kept]
        gone = [item for item in replacements if item.supersedes is not None]
        if gone:
            self._connection.execute(
                self._queries["supersede"],
                {
                    "brand": brand,
                    "ordinals": [item.ordinal for item in gone],
                    "versions": [item.supersedes for item in gone],
                    "valid_to": [item.valid_from for item in gone],
                },
            )
        replaced = self._connection.execute(
            self._queries["replace"],
            {
                "brand": brand,
                "ordinals": [item.ordinal for item in replacements],
                "versions": [item.version for item in replacements],
                "valid_from": [item.valid_from for item in replacements],
                "states": [item.state for item in replacements],
                "contents": [item.content.hex() if item.content else None for item in replacements],
                "contact": [item.record.envelopes[0] for item in replacements],
                "identity": [item.record.envelopes[1] for item in replacements],
                "value": [item.record.envelopes[2] for item in replacements],
            },
        ).rowcount
        if replaced != len(replacements):
            raise ConflictError("somebody else changed these records meanwhile; nothing was written")
        retired = [(item.ordinal, number, link) for item in replacements for number, link in item.retired]
        added = [(item.ordinal, number, link) for item in replacements for number, link in item.added]
        for generation in digests.generations:
            self._index("retire_index", brand, digests, retired, generation)
        self._index("add_index", brand, digests, added, digests.generations[0])

    def _index(
        self,
        query: str,
        brand: int,
        digests: RowDigests,
        entries: Sequence[tuple[int, int, bytes]],
        generation: int,
    ) -> None:
        if not entries:
            return
        self._connection.execute(self._queries[query], index_arguments(brand, digests, entries, generation))


def _kept(counts: Mapping[str, int], without_key: Mapping[str, int]) -> str:
    """Return both counts as the one object that the progress of a delivery has."""
    fields = {f"{_WITHOUT_KEY}{name}": count for name, count in without_key.items()}
    return msgspec.json.encode({**counts, **fields}).decode()


class OverlappedImports:
    """Writes batches over a second connection while the next ones are read and sealed; one write at a time.

    Whatever depends on earlier writes waits for the one under way. An error of a write is raised by what comes next.
    """

    def __init__(self, store: PostgresImports, writer: PostgresImports) -> None:
        """Take the store of the importing connection, and one over a connection of its own for the writes."""
        self._store = store
        self._writer = writer
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="import-writer")
        self._writing: Future[None] | None = None
        self._atomic = False

    def has_records(self, brand: int) -> bool:
        """See `flows.import_ports.ImportStore.has_records`."""
        return self._store.has_records(brand)

    def known(self, brand: int, digests: RowDigests, links: bytes) -> dict[int, KnownRecord]:
        """See `flows.import_ports.ImportStore.known`."""
        self.settle()
        return self._store.known(brand, digests, links)

    def take_ordinals(self, count: int) -> range:
        """See `flows.import_ports.ImportStore.take_ordinals`."""
        return self._store.take_ordinals(count)

    def write(self, brand: int, sha256: bytes, digests: RowDigests, batch: BatchWrite) -> None:
        """See `flows.import_ports.ImportStore.write`; returns while the write goes on, unless within `atomic`."""
        self.settle()
        if self._atomic:
            self._store.write(brand, sha256, digests, batch)
        else:
            self._writing = self._threads.submit(self._writer.write, brand, sha256, digests, batch)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """See `flows.import_ports.ImportStore.atomic`."""
        self.settle()
        self._atomic = True
        try:
            with self._store.atomic():
                yield
        finally:
            self._atomic = False

    def settle(self) -> None:
        """Wait until nothing is being written."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def close(self) -> None:
        """Wait for the write under way, whatever becomes of it, and end the thread."""
        self._threads.shutdown(wait=True)
