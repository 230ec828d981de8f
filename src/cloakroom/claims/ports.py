"""Ports of matching to the vault, split by what each answer discloses.

`CustomerIndex` answers from keyed digests and opens nothing. `History` opens values: each call is an internal reveal
that the implementation records before it answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import polars as pl
from pyroaring import BitMap

from cloakroom.disclosures.disclosure import Disclosure

Positions = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Found:
    """Answers of a look-up: for each match, the position of the key that was asked for, and the record."""

    positions: Positions = field(repr=False)
    ordinals: Positions = field(repr=False)


Answer = Callable[[], Found]
"""A look-up under way: gives what was found, waiting for it where need be."""


class CustomerIndex(Protocol):
    """An index of records by keyed digests: every version of every record of every brand, deleted ones included."""

    def look_up(self, kind: str, normalised: pl.Series) -> Answer:
        """Begin to look up the records that hold or held each key.

        Args:
            kind: ``email``, ``phone`` or ``customer_number``.
            normalised: Distinct normal forms, as made by `cloakroom.claims.keys`.
        """
        ...

    def brands(self) -> Mapping[str, BitMap]:
        """Return all records that each brand has or had."""
        ...

    def regions(self) -> Sequence[str]:
        """Return the countries whose national telephone numbers the brands' systems hold without saying so."""
        ...


FURTHER = ("phone_region", "phone_3", "phone_4", "email_2", "name_more")
"""Columns that `History` may add: the country of a version's national telephone numbers, and the numbers, addresses
and parts of names in fields of a brand's own."""


class History(Protocol):
    """The values of records; each call is on record as an internal reveal under its own purpose."""

    def open_versions(self, ordinals: BitMap, fields: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield the versions of records, as text columns by field beside ``ordinal``, ``valid_from``, ``valid_to``.

        Times are microseconds since the epoch; ``valid_to`` is null while the version holds. A field that a brand
        does not have is null. Beside the fields asked for there may be the columns of `FURTHER`.
        """
        ...


class DisclosureSource(Protocol):
    """The disclosures by our own hand."""

    def disclosures(self) -> Iterator[Disclosure]:
        """Yield releases, and one disclosure for each lineage with everything that it opened.

        Those of releases left in bulk, and have the id of the release as their object.
        """
        ...

    def canaries(self) -> Mapping[str, BitMap]:
        """Return the canaries by what they belong to: the id of a release, or a population."""
        ...
