"""Results of matching rows against records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl
from pyroaring import BitMap


@dataclass(frozen=True, slots=True)
class BrandMatch:
    """The records of one brand that a dump holds.

    Attributes:
        proven: Records shown by rows, broken lines included.
        proven_whole: Records shown by whole rows.
        sure: Of the proven ones, those that a row shows and no other record agrees with.
        bounded: Records that share only an address with a row of other content.
        rows: Whole rows that show a record of the brand.
        fields: Names of the fields shown, as reported.
    """

    proven: BitMap = field(repr=False)
    proven_whole: BitMap = field(repr=False)
    sure: BitMap = field(repr=False)
    bounded: BitMap = field(repr=False)
    rows: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matched:
    """All rows against all records.

    Attributes:
        brands: By brand, those of which the dump holds anything.
        emails_known: Distinct addresses of whole rows that some record holds or held.
        rows_own: Rows that prove a record.
        rows_bounded: Rows that prove none, but whose id, address or number is known, and whose other content differs.
        rows_bare: Rows whose id, address or number is known, and that show nothing else that could be compared.
        rows_fabricated: Of those whose content differs, the ones whose id is known.
        rows_jumbled: Of the same, the ones whose name or number is that of another record.
        rows_crowded: Of those that show nothing else, the ones whose key is shared by too many to name a record.
        rows_foreign: Rows with a key, none of which is known.
        rows_silent: Rows without any key.
        rows_beside: Of these, the ones in tables beside the customers, such as orders and products.
        possible: Records that rows share a key with which neither prove nor contradict them.
        alike: All records that rows prove, and those that they may show as well, canaries included.
        shown: All records that rows prove, and the canaries of which the dump holds any key.
        observations: What rows showed of a sample of records, for dating; by brand.
        notes: What limits the result.
    """

    brands: dict[str, BrandMatch]
    emails_known: int
    rows_own: int
    rows_bounded: int
    rows_bare: int
    rows_foreign: int
    rows_silent: int
    shown: BitMap = field(repr=False)
    observations: dict[str, pl.DataFrame] = field(repr=False)
    notes: tuple[str, ...] = ()
    rows_fabricated: int = 0
    rows_jumbled: int = 0
    rows_crowded: int = 0
    rows_beside: int = 0
    possible: BitMap = field(default_factory=BitMap, repr=False)
    alike: BitMap = field(default_factory=BitMap, repr=False)

    @property
    def proven(self) -> BitMap:
        """Return the records of all brands that are proven."""
        return _union(match.proven for match in self.brands.values())

    @property
    def proven_whole(self) -> BitMap:
        """Return the records of all brands that whole rows show."""
        return _union(match.proven_whole for match in self.brands.values())

    @property
    def bounded(self) -> BitMap:
        """Return the records of all brands that share an address only."""
        return _union(match.bounded for match in self.brands.values())

    @property
    def sure(self) -> BitMap:
        """Return the records of all brands that a row shows and no other record agrees with."""
        return _union(match.sure for match in self.brands.values())


def _union(sets: Iterable[BitMap]) -> BitMap:
    united = BitMap()
    for records in sets:
        united |= records
    return united
