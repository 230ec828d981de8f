"""Sealed records in memory, as imports and single writes make them and erasures destroy them.

New records come as they are encoded for PostgreSQL (`adapters.postgres.copy_rows`) and are read from those bytes, so
that what is sealed, opened and found here is what the real store would hold.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

import msgspec
from pyroaring import BitMap

from cloakroom.adapters.postgres.copy_rows import HEADER, TRAILER
from cloakroom.crypto import BLOCK_SIZE
from cloakroom.flows.ledger.ports import PreparedEntry, StoredRow
from cloakroom.flows.records.import_ports import BatchWrite, NewRows
from cloakroom.flows.records.ports import KeptAnswer
from cloakroom.flows.store.keys import StoreKeys
from cloakroom.testing.simulators.memory_ledger import MemoryEntry
from cloakroom.testing.simulators.memory_store import MemoryStore
from cloakroom.vault.facets import ERASED as ERASED_FACET
from cloakroom.vault.facets import PERMANENT, FacetSealer
from cloakroom.vault.key_ring import KeyPurpose
from cloakroom.vault.row_changes import ERASED, KnownRecord, Replacement
from cloakroom.vault.rows import RECORD_ID_INDEX, RowDigests
from cloakroom.vault.sealed_record import SealedKeys, SealedRecord

IMPORT = "import"
"""Name of the lock of whoever imports a delivery of a brand."""

_COUNT = struct.Struct(">h")
_LENGTH = struct.Struct(">i")


class MemoryImports:
    """Implements `flows.import_ports.ImportStore` over a store in memory."""

    def __init__(self, store: MemoryStore) -> None:
        """Take the store."""
        self._store = store
        self._rows: dict[int, StoredRow] = store.table("record")
        self._contents: dict[int, bytes | None] = store.table("content")
        self._versions: dict[tuple[int, int], tuple[StoredRow, int]] = store.table("version")
        self._index: dict[tuple[int, int, bytes, int], bool] = store.table("blind_index")
        self._changes: dict[tuple[int, int], bytes] = store.table("facet_change")
        self._counter: dict[str, int] = store.table("ordinal_counter")

    def has_records(self, brand: int) -> bool:
        """See `ImportStore.has_records`."""
        return any(row.brand == brand for row in self._rows.values())

    def known(self, brand: int, digests: RowDigests, links: bytes) -> dict[int, KnownRecord]:
        """See `ImportStore.known`."""
        found: dict[int, KnownRecord] = {}
        for generation in digests.generations:
            index_id = digests.index_id(RECORD_ID_INDEX, generation)
            for position, digest in enumerate(_blocks(digests.stored_links(links, generation))):
                for owner, held, stored, ordinal in self._index:
                    if (owner, held, stored) == (brand, index_id, digest):
                        row = self._rows[ordinal]
                        assert row.keys is not None
                        found[position] = KnownRecord(
                            ordinal,
                            row.record.version,
                            row.valid_from,
                            row.state,
                            self._contents[ordinal],
                            row.record.envelopes[1],
                            row.keys,
                        )
        return found

    def take_ordinals(self, count: int) -> range:
        """See `ImportStore.take_ordinals`."""
        with self._store.effect("take ordinals"):
            first = self._counter.get("next", 0)
            self._counter["next"] = first + count
        return range(first, first + count)

    def atomic(self) -> AbstractContextManager[None]:
        """See `ImportStore.atomic`."""
        return self._store.transaction()

    def write(self, brand: int, sha256: bytes, digests: RowDigests, batch: BatchWrite) -> None:
        """See `ImportStore.write`; progress is kept for no delivery, since none is known here."""
        with self._store.effect("write rows"):
            if batch.new is not None:
                self._add(batch.new)
            for item in batch.replacements:
                self._replace(brand, digests, item)
            if batch.facet_change is not None:
                self._changes[brand, len(self._changes) + 1] = batch.facet_change

    def _add(self, new: NewRows) -> None:
        keys = {
            _number(ordinal): SealedKeys(_number(generation), _number(number), wraps or b"")
            for ordinal, _, generation, number, wraps in _copied_rows(new.keys)
        }
        for valid_from, ordinal, version, brand, state, content, *envelopes in _copied_rows(new.records):
            contact, identity, value = envelopes
            record = SealedRecord(_number(ordinal), _number(version), (contact, identity, value))
            self._contents[record.ordinal] = content
            self._rows[record.ordinal] = StoredRow(
                _number(brand), record, keys[record.ordinal], _number(valid_from), _number(state)
            )
        for ordinal, brand, index_id, digest, current in _copied_rows(new.index):
            self._index[_number(brand), _number(index_id), digest or b"", _number(ordinal)] = bool(_number(current))

    def _replace(self, brand: int, digests: RowDigests, item: Replacement) -> None:
        before = self._rows[item.ordinal]
        if item.supersedes is not None:
            self._versions[item.ordinal, item.supersedes] = (before, item.valid_from)
        self._contents[item.ordinal] = item.content
        self._rows[item.ordinal] = StoredRow(brand, item.record, before.keys, item.valid_from, item.state)
        for place in _places(brand, digests, [(item.ordinal, *one) for one in item.retired]):
            if place in self._index:
                self._index[place] = False
        newest = digests.generations[:1]
        for place in _places(brand, digests, [(item.ordinal, *one) for one in item.added], newest):
            self._index[place] = True


class MemoryErasures:
    """Implements `flows.record_ports.ErasureStore` over a store in memory."""

    def __init__(self, store: MemoryStore) -> None:
        """Take the store."""
        self._store = store
        self._rows: dict[int, StoredRow] = store.table("record")
        self._contents: dict[int, bytes | None] = store.table("content")
        self._versions: dict[tuple[int, int], tuple[StoredRow, int]] = store.table("version")
        self._index: dict[tuple[int, int, bytes, int], bool] = store.table("blind_index")
        self._entries: dict[int, MemoryEntry] = store.table("entry")

    def transaction(self) -> AbstractContextManager[None]:
        """See `ErasureStore.transaction`."""
        return self._store.transaction()

    def hold_records(self, brand: int, ordinals: Sequence[int]) -> None:
        """See `ErasureStore.hold_records`; transactions do not overlap here, so that nobody waits."""

    def sealed_rows(self, ordinals: Iterable[int]) -> list[StoredRow]:
        """See `ErasureStore.sealed_rows`."""
        return [self._rows[ordinal] for ordinal in ordinals if ordinal in self._rows]

    def sealed_versions(self, ordinals: Iterable[int]) -> list[tuple[StoredRow, int]]:
        """See `ErasureStore.sealed_versions`."""
        wanted = set(ordinals)
        return [
            (msgspec.structs.replace(row, keys=self._rows[ordinal].keys), valid_to)
            for (ordinal, _), (row, valid_to) in self._versions.items()
            if ordinal in wanted
        ]

    def erase_index_rows(self, brand: int, digests: RowDigests, links: Sequence[tuple[int, int, bytes]]) -> None:
        """See `ErasureStore.erase_index_rows`."""
        with self._store.effect("erase index rows"):
            for place in _places(brand, digests, links):
                self._index.pop(place, None)

    def erase_values(self, brand: int, ordinals: Sequence[int]) -> None:
        """See `ErasureStore.erase_values`."""
        with self._store.effect("erase values"):
            for place in [place for place in self._versions if place[0] in ordinals]:
                del self._versions[place]
            for ordinal in ordinals:
                row = self._rows[ordinal]
                record = SealedRecord(ordinal, row.record.version, (None, None, None))
                self._contents[ordinal] = None
                self._rows[ordinal] = StoredRow(brand, record, None, row.valid_from, ERASED)

    def place_of(self, entry: PreparedEntry) -> int | None:
        """See `ErasureStore.place_of`; entries have their places in the log as they come."""
        found = (number for number, item in self._entries.items() if item.prepared.body == entry.body)
        return next(found, None)


class MemoryWrites:
    """Implements `flows.record_ports.WriteStore` over a store in memory."""

    def __init__(self, store: MemoryStore) -> None:
        """Take the store."""
        self._store = store
        self._answers: dict[tuple[str, str], KeptAnswer] = store.table("idempotency")

    def transaction(self) -> AbstractContextManager[None]:
        """See `WriteStore.transaction`."""
        return self._store.transaction()

    def kept_answer(self, lineage: str, key: str) -> KeptAnswer | None:
        """See `WriteStore.kept_answer`."""
        return self._answers.get((lineage, key))

    def keep_answer(self, lineage: str, key: str, kept: KeptAnswer, at: int) -> bool:
        """See `WriteStore.keep_answer`."""
        if (lineage, key) in self._answers:
            return False
        with self._store.effect("keep answer"):
            self._answers[lineage, key] = kept
        return True

    def keep_imports_away(self, brand: int) -> bool:
        """See `WriteStore.keep_imports_away`."""
        return (IMPORT, brand) not in self._store.held

    def hold_record_id(self, link: bytes) -> None:
        """See `WriteStore.hold_record_id`; transactions do not overlap here, so that nobody waits."""


class MemoryFacets:
    """Implements `flows.record_ports.Facets` over a store in memory."""

    def __init__(self, store: MemoryStore, keys: StoreKeys) -> None:
        """Take the store, and the keys under which changes of facets are sealed."""
        self._store = store
        self._keys = keys
        self._facets: dict[tuple[int, str, str], BitMap] = store.table("facet")
        self._changes: dict[tuple[int, int], bytes] = store.table("facet_change")

    def load(self, brand: int) -> dict[tuple[str, str], BitMap]:
        """See `Facets.load`."""
        facets = {
            (name, value): members.copy() for (owner, name, value), members in self._facets.items() if owner == brand
        }
        sealer = FacetSealer(self._keys.ring.get(KeyPurpose.FACET, brand), brand)
        for (owner, _), sealed in sorted(self._changes.items()):
            if owner == brand:
                sealer.open_change(sealed).apply(facets)
        erased = facets.get((ERASED_FACET, "all"))
        if erased:
            # A batch that was on its way when its record was erased must not bring the record's facets back.
            for (name, _), members in facets.items():
                if name not in PERMANENT:
                    members -= erased  # noqa: PLW2901 - in place
        return facets

    def store(self, brand: int, facets: Mapping[tuple[str, str], BitMap]) -> None:
        """See `Facets.store`."""
        with self._store.effect("store facets"):
            self._put(brand, facets)

    def fold_changes(self, brand: int) -> None:
        """See `Facets.fold_changes`."""
        with self._store.effect("fold facets"):
            self._put(brand, self.load(brand))
            for place in [place for place in self._changes if place[0] == brand]:
                del self._changes[place]

    def _put(self, brand: int, facets: Mapping[tuple[str, str], BitMap]) -> None:
        for (name, value), members in facets.items():
            if members:
                self._facets[brand, name, value] = members
            else:
                self._facets.pop((brand, name, value), None)


def _places(
    brand: int,
    digests: RowDigests,
    links: Sequence[tuple[int, int, bytes]],
    generations: Sequence[int] | None = None,
) -> Iterator[tuple[int, int, bytes, int]]:
    """Yield the places of rows in the blind index, of all generations of its key unless told."""
    for generation in digests.generations if generations is None else generations:
        stored = _blocks(digests.stored_links(b"".join(link for *_, link in links), generation))
        for (ordinal, number, _), digest in zip(links, stored, strict=True):
            yield brand, number * 256 + generation, digest, ordinal


def _blocks(data: bytes) -> list[bytes]:
    return [data[at : at + BLOCK_SIZE] for at in range(0, len(data), BLOCK_SIZE)]


def _copied_rows(data: bytes) -> Iterator[list[bytes | None]]:
    """Yield the fields of each row in PostgreSQL's binary COPY format."""
    at = len(HEADER)
    while data[at:] != TRAILER:
        (count,) = _COUNT.unpack_from(data, at)
        at += _COUNT.size
        fields: list[bytes | None] = []
        for _ in range(count):
            (size,) = _LENGTH.unpack_from(data, at)
            at += _LENGTH.size
            fields.append(None if size < 0 else data[at : at + size])
            at += max(0, size)
        yield fields


def _number(field: bytes | None) -> int:
    return int.from_bytes(field or b"", "big", signed=True)
