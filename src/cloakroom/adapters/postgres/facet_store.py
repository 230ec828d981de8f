"""Sealed facets in PostgreSQL, opened and changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyroaring import BitMap

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.locks import Lock, hold
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.vault.facets import ERASED, PERMANENT, FacetSealer
from cloakroom.vault.key_ring import KeyPurpose, KeyRing


class FacetStore:
    """Opens the facets of brands; every change is written sealed."""

    def __init__(self, connection: Connection, ring: Callable[[], KeyRing]) -> None:
        """Take an open connection, and what gives the keys as they are by now; those of facets stay the same."""
        self._connection = connection
        self._ring = ring
        self._queries = load_queries("vault")
        self._sealers: dict[int, FacetSealer] = {}

    def load(self, brand: int) -> dict[tuple[str, str], BitMap]:
        """Return every facet of a brand by (name, value)."""
        return self._load(brand)[0]

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
                cursor.execute(self._queries["drop_facets"], {"brand": brand, "keys": gone})

    def fold_changes(self, brand: int) -> None:
        """Write the facets whole and drop the changes that are in them, in one transaction."""
        with self._connection.transaction():
            hold(self._connection, Lock.FACETS, brand)
            facets, changes = self._load(brand)
            if changes:
                self.store(brand, facets)
                self._connection.execute(self._queries["drop_facet_changes"], {"brand": brand, "ids": changes})

    def _load(self, brand: int) -> tuple[dict[tuple[str, str], BitMap], list[int]]:
        """Return the facets with all changes applied, and the ids of those changes.

        One statement reads both, so that a fold or an import that commits meanwhile is seen whole or not at all.
        """
        rows = self._connection.execute(self._queries["facets_and_changes"], {"brand": brand}, binary=True).fetchall()
        sealer = self._sealer(brand)
        opened = (sealer.open(key.bytes, sealed) for key, _, sealed in rows if key is not None)
        facets = {(name, value): ordinals for name, value, ordinals in opened}
        changes = sorted((number, sealed) for key, number, sealed in rows if key is None)
        for _, sealed in changes:
            sealer.open_change(sealed).apply(facets)
        erased = facets.get((ERASED, "all"))
        if changes and erased:
            # A batch that was on its way when its record was erased must not bring the record's facets back.
            for (name, _), ordinals in facets.items():
                if name not in PERMANENT:
                    ordinals -= erased  # noqa: PLW2901 - in place
        return facets, [number for number, _ in changes]

    def _sealer(self, brand: int) -> FacetSealer:
        if brand not in self._sealers:
            self._sealers[brand] = FacetSealer(self._ring().get(KeyPurpose.FACET, brand), brand)
        return self._sealers[brand]
