"""Sealed facets in PostgreSQL, opened and changed."""

from __future__ import annotations

from collections.abc import Mapping

from pyroaring import BitMap

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.vault.facets import FacetSealer
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
        return {(name, value): ordinals for name, value, ordinals in opened}

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
                cursor.execute(
                    "delete from facet where brand = %s and key = any (%s::uuid[])", (brand, gone)
                )

    def _sealer(self, brand: int) -> FacetSealer:
        if brand not in self._sealers:
            self._sealers[brand] = FacetSealer(self._ring.get(KeyPurpose.FACET, brand), brand)
        return self._sealers[brand]
