"""Sealed records of brands in memory, as releases read them and add canaries to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pyroaring import BitMap

from cloakroom.errors import InputError
from cloakroom.flows.ledger.ports import StoredRow
from cloakroom.flows.opening import Openers
from cloakroom.testing.simulators.memory_store import MemoryStore
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.facets import CANARY, RECORD
from cloakroom.vault.key_ring import KeyRing
from cloakroom.vault.row_changes import LIVE
from cloakroom.vault.rows import RowBlock, columns_of
from cloakroom.vault.sealed_record import SealedKeys, SealedRecord
from cloakroom.vault.sealing import BrandSealer
from cloakroom.vault.wraps import CLASSES


class MemoryAudience:
    """Implements `ReleaseRecords` and `CanaryStore` of `flows.releases.ports`; records are sealed as real ones."""

    def __init__(
        self, store: MemoryStore, ring: KeyRing, catalogue: Catalogue, openers: Callable[..., Openers] = Openers
    ) -> None:
        """Assemble.

        Args:
            store: Where everything lies.
            ring: The keys.
            catalogue: Numbers of brands and fields.
            openers: Makes what opens records out of keys and numbers.
        """
        self._store = store
        self._ring = ring
        self._catalogue = catalogue
        self._openers = openers(ring, catalogue)
        self._rows: dict[int, StoredRow] = store.table("record")
        self._ids: dict[tuple[int, str], int] = store.table("record_id")
        self._facets: dict[tuple[int, str, str], BitMap] = store.table("facet")
        self.rotated: set[int] = set()
        """Numbers of the brands whose keys are being rotated."""

    @property
    def openers(self) -> Openers:
        """See `ReleaseRecords.openers`."""
        return self._openers

    def settle_keys(self, brand: int) -> bool:
        """See `ReleaseRecords.settle_keys`."""
        return brand not in self.rotated

    def facets(self, brand: int) -> Mapping[tuple[str, str], BitMap]:
        """See `ReleaseRecords.facets`."""
        return {(name, value): held for (owner, name, value), held in self._facets.items() if owner == brand}

    def live(self, brand: int, ordinals: Iterable[int]) -> BitMap:
        """See `ReleaseRecords.live`."""
        rows = [self._rows[ordinal] for ordinal in ordinals if ordinal in self._rows]
        return BitMap(row.record.ordinal for row in rows if row.brand == brand and row.state == LIVE)

    def sealed_rows(self, ordinals: Iterable[int]) -> list[StoredRow]:
        """See `ReleaseRecords.sealed_rows`."""
        return [self._rows[ordinal] for ordinal in ordinals if ordinal in self._rows]

    def add(self, brand: str, record_id: str, fields: Mapping[str, str]) -> BitMap:
        """See `CanaryStore.add`."""
        number = self._catalogue.brand(brand)
        unknown = fields.keys() - self._catalogue.fields.keys()
        if unknown:
            raise InputError.at("record", "is no field of this brand", field=min(unknown))
        if (number, record_id) in self._ids:
            return BitMap()
        with self._store.effect("add record"):
            ordinal = len(self._rows) + 1
            self._rows[ordinal] = self._sealed(number, ordinal, record_id, fields)
            self._ids[number, record_id] = ordinal
            self._join(number, RECORD, "all", BitMap([ordinal]))
            if "country" in fields:
                self._join(number, "country", fields["country"], BitMap([ordinal]))
        return BitMap([ordinal])

    def mark(self, brand: str, release: str, canaries: BitMap) -> None:
        """See `CanaryStore.mark`."""
        with self._store.effect("mark canaries"):
            self._join(self._catalogue.brand(brand), CANARY, release, canaries)

    def _join(self, brand: int, name: str, value: str, ordinals: BitMap) -> None:
        place = (brand, name, value)
        self._facets[place] = self._facets.get(place, BitMap()) | ordinals

    def _sealed(self, brand: int, ordinal: int, record_id: str, fields: Mapping[str, str]) -> StoredRow:
        columns: dict[str, list[str | None]] = {name: [text] for name, text in fields.items()}
        block = RowBlock([record_id], [0], [False], columns, {}, {})
        sealer = BrandSealer(self._ring, brand)
        (wraps,), envelopes = sealer.seal_new([ordinal], columns_of(block, self._catalogue))
        contact, identity, value = (envelopes[item][0] for item in CLASSES)
        record = SealedRecord(ordinal, 1, (contact, identity, value))
        return StoredRow(brand, record, SealedKeys(sealer.generation, 0, wraps), 0, LIVE)
