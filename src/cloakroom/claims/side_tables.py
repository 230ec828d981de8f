"""Tables beside the customers: orders, households, deals. Joined to customers by id, they are nobody else's.

A table that shows no address and proves no record is a side table where the ids in one of its columns stand beside
proven records, or in another side table. Ids are compared by samples: of the hashes of each column the lowest are
kept, so that samples of two columns hold the same ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from cloakroom.claims.concepts import Concept, Recognised, header_words
from cloakroom.claims.distinct import Hashes

_KEPT = 2_048
_COLUMNS_MAX = 6
_LEAST_IDS = 5
_LONG, _SHORT = 18, 15
_JOINED = 0.5
_NEVER_IDS = frozenset([Concept.EMAIL, Concept.PHONE, Concept.COUNTRY, Concept.BIRTH_DATE, Concept.TOTAL_SALES,
                        Concept.TIMESTAMP, Concept.LANGUAGE, Concept.GENDER, Concept.POSTCODE])  # fmt: skip
_ID_WORDS = frozenset({"id", "ids", "no", "nr", "num", "number", "key", "ref", "code", "uuid", "guid"})


@dataclass(slots=True)
class IdSample:
    """A sample of the distinct ids of a column: those with the lowest hashes (a K-minimum-values sketch)."""

    hashes: Hashes = field(default_factory=lambda: np.zeros(0, np.uint64), repr=False)

    def add(self, values: pl.Series, seed: int) -> None:
        """Take ids in; what is empty is none."""
        bare = pl.col("id").str.strip_chars()
        # Ids of 18 signs have their first 15 and a check on these (Salesforce).
        form = pl.when(bare.str.len_bytes() == _LONG).then(bare.str.slice(0, _SHORT)).otherwise(bare)
        found = values.to_frame("id").select(form).to_series().drop_nulls().unique()
        self.add_hashes(found.filter(found != "").hash(seed).to_numpy())

    def add_hashes(self, hashes: Hashes) -> None:
        """Take the hashes of ids in."""
        self.hashes = np.unique(np.concatenate((self.hashes, hashes)))[:_KEPT]

    def share_in(self, other: IdSample) -> float:
        """Return the share of these ids that are among others, as far as both samples reach."""
        compared = self.hashes
        for sample in (self.hashes, other.hashes):
            if sample.size == _KEPT:
                compared = compared[compared <= sample[-1]]
        return float(np.isin(compared, other.hashes).mean()) if compared.size >= _LEAST_IDS else 0.0


@dataclass(slots=True)
class TableLinks:
    """The ids of one table.

    Attributes:
        proven: Ids beside proven records.
        columns: Ids of all rows, by column.
        has_addresses: Whether it shows e-mail addresses: then it is about people, and their addresses say whose.
    """

    proven: IdSample = field(default_factory=IdSample)
    columns: dict[str, IdSample] = field(default_factory=dict)
    has_addresses: bool = False

    def take(self, frame: pl.DataFrame, recognised: Recognised, proven: pl.Series, seed: int) -> None:
        """Take a batch in; `proven` are the rows that prove a record."""
        self.has_addresses |= bool(recognised.columns(Concept.EMAIL))
        for column in id_columns(recognised):
            values = frame[column]
            if proven.len():
                self.proven.add(values.gather(proven.unique()), seed)
            elif not self.has_addresses:
                self.columns.setdefault(column, IdSample()).add(values, seed)


def id_columns(recognised: Recognised) -> list[str]:
    """Return the columns that may hold ids of anything."""
    return [
        column
        for column, concept in recognised.by_column.items()
        if concept is Concept.RECORD_ID
        or (concept not in _NEVER_IDS and _ID_WORDS & set(header_words(column)[-1].split()[-1:]))
    ][:_COLUMNS_MAX]


def side_tables(tables: Sequence[TableLinks], proving: Sequence[bool]) -> list[bool]:
    """Return for each table whether it is one beside the customers.

    Args:
        tables: Their ids.
        proving: For each, whether any of its rows proves a record.
    """
    joined = [False] * len(tables)
    known = IdSample()
    for table in tables:
        known.add_hashes(table.proven.hashes)
    while True:
        found = [
            place
            for place, table in enumerate(tables)
            if not (joined[place] or proving[place] or table.has_addresses)
            and any(sample.share_in(known) >= _JOINED for sample in table.columns.values())
        ]
        if not found:
            return joined
        for place in found:
            joined[place] = True
            for sample in tables[place].columns.values():
                known.add_hashes(sample.hashes)
