"""Sealed facets in PostgreSQL, opened and changed."""

from __future__ import annotations

from collections.abc import Mapping

from pyroaring import BitMap

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.vault.facets import FacetChange, FacetSealer
from cloakroom.vault.key_ring import KeyPurpose, KeyRing


class FacetStore:
    """Opens the facets of brands; every change is written sealed."""

    def __init__(self, connection: Connection, ring: KeyRing) -> None:
        """Take an open connection and the keys."""
        self._connection = connection
        self._ring = ring
        self._queries = load_queries("vault")
        self._sealers: dict[int, FacetSealer] = {}

    def load(self, brand: int) -> dict[tuple[str, str], BitMap]:
        """Return every facet of a brand by (name, value)."""
        rows = self._connection.execute(self._queries["facets"], {"brand": brand}, binary=True)
        opened = (self._sealer(brand).open(key.bytes, sealed) for key, sealed in rows)
        facets = {(name, value): ordinals for name, value, ordinals in opened}
        for change in self._changes(brand):
            change.apply(facets)
        return facets

    def values_of(self, brand: int, name: str) -> dict[str, BitMap]:
        """Return the facets of one name by value."""
        return {value: ordinals for (found, value), ordinals in self.load(brand).items() if found == name}

    def store(self, brand: int, facets: Mapping[tuple[str, str], BitMap]) -> None:
        """Write facets; an empty one is removed."""
        sealer = self._sealer(brand)
        kept = {place: ordinals for place, ordinals in facets.items() if ordinals}
        with self._connection.cursor() as cursor:
            cursor.executemany(
                self._queries["put_facet"],
                [
                    {"brand": brand, "key": sealer.key_of(*place).hex(), "sealed": sealer.seal(*place, ordinals)}
                    for place, ordinals in kept.items()
                ],
            )
            gone = [sealer.key_of(*place).hex() for place in facets if place not in kept]
            if gone:
                cursor.execute("delete from facet where brand = %s and key = any (%s::uuid[])", (brand, gone))

    def fold_changes(self, brand: int) -> None:
        """Write the facets whole and drop the changes that are in them, in one transaction."""
        with self._connection.transaction():
            self._connection.execute("select pg_advisory_xact_lock(4172027, %s)", (brand,))
            if self._changes(brand):
                self.store(brand, self.load(brand))
                self._connection.execute("delete from facet_change where brand = %s", (brand,))

    def _changes(self, brand: int) -> list[FacetChange]:
        rows = self._connection.execute(
            "select sealed from facet_change where brand = %s order by id", (brand,), binary=True
        )
        return [self._sealer(brand).open_change(sealed) for (sealed,) in rows]

    def _sealer(self, brand: int) -> FacetSealer:
        if brand not in self._sealers:
            self._sealers[brand] = FacetSealer(self._ring.get(KeyPurpose.FACET, brand), brand)
        return self._sealers[brand]
