"""Sealed records, index rows and facets in PostgreSQL: what reveals, searches and counts read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.adapters.postgres.rows import stored_row
from cloakroom.flows.ledger.ports import StoredRow

_INDEX_ROW = np.dtype([("digest", "V16"), ("ordinal", ">i4")])


@dataclass(frozen=True, slots=True)
class IndexMatches:
    """Answers of a look-up.

    Attributes:
        positions: For each match, the position of the digest that was looked up, from 0.
        ordinals: For each match, the record.
        current: For each match, whether the record holds the value now.
    """

    positions: NDArray[np.int64]
    ordinals: NDArray[np.int64]
    current: NDArray[np.bool_]


class PostgresVault:
    """Reads sealed things. Implements the reading protocols of the flows over one connection."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
        self._queries = load_queries("vault")

    def sealed_rows(self, ordinals: Iterable[int]) -> list[StoredRow]:
        """Return the sealed rows of `ordinals`, in no particular order; unknown ones are left out."""
        rows = self._connection.execute(self._queries["sealed_rows"], {"ordinals": list(ordinals)}, binary=True)
        return [stored_row(row) for row in rows]

    def live(self, brand: int, ordinals: Iterable[int]) -> BitMap:
        """Return which of these records of a brand its system has not deleted and nobody has erased."""
        rows = self._connection.execute(self._queries["live_records"], {"brand": brand, "ordinals": list(ordinals)})
        return BitMap(ordinal for (ordinal,) in rows)

    def sealed_versions(self, ordinals: Iterable[int]) -> list[tuple[StoredRow, int]]:
        """Return the superseded values of `ordinals`, each with the moment at which it ceased to hold."""
        rows = self._connection.execute(self._queries["sealed_versions"], {"ordinals": list(ordinals)}, binary=True)
        return [(stored_row(row[:11]), row[11]) for row in rows]

    def look_up(
        self, brands: Sequence[int], index_ids: Sequence[int], digests: Sequence[str], *, only_current: bool
    ) -> IndexMatches:
        """Look digests (hexadecimal) up in the blind index, all in one round trip."""
        rows = self._connection.execute(
            self._queries["look_up"],
            {
                "brands": list(brands),
                "index_ids": list(index_ids),
                "digests": list(digests),
                "only_current": only_current,
            },
            binary=True,
        ).fetchall()
        return IndexMatches(
            np.fromiter((row[0] - 1 for row in rows), np.int64, len(rows)),
            np.fromiter((row[1] for row in rows), np.int64, len(rows)),
            np.fromiter((row[2] for row in rows), np.bool_, len(rows)),
        )

    def look_up_pairs(
        self, brands: Sequence[int], index_ids: Sequence[int], digests: Sequence[str], *, only_current: bool
    ) -> list[tuple[int, int]]:
        """Return (position of the digest, ordinal) of each match; for the few digests of a search."""
        matches = self.look_up(brands, index_ids, digests, only_current=only_current)
        return list(zip(matches.positions.tolist(), matches.ordinals.tolist(), strict=True))

    def index_rows(self, brand: int, index_id: int) -> tuple[bytes, NDArray[np.int64]]:
        """Return every row of an index of one brand: digests (16 bytes each, concatenated) and ordinals."""
        arguments = {"brand": brand, "index_id": index_id}
        blocks = self._connection.execute(self._queries["index_rows"], arguments, binary=True)
        rows = np.frombuffer(b"".join(block[0] for block in blocks), _INDEX_ROW)
        return rows["digest"].tobytes(), rows["ordinal"].astype(np.int64)

    def facets(self, brand: int) -> dict[bytes, bytes]:
        """Return the sealed facets of a brand by their keys."""
        rows = self._connection.execute(self._queries["facets"], {"brand": brand}, binary=True)
        return {_uuid_bytes(key): sealed for key, sealed in rows}

    def ordinals_end(self) -> int:
        """Return the first ordinal that no record has."""
        row = self._connection.execute("select next from ordinal_counter").fetchone()
        return int(row[0]) if row else 0

    def counts(self) -> Mapping[tuple[int, int], int]:
        """Return the number of records by brand and state."""
        return {(row[0], row[1]): row[2] for row in self._connection.execute(self._queries["count_records"])}


def _uuid_bytes(value: UUID) -> bytes:
    return value.bytes
