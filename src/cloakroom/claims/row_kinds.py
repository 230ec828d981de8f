"""Kinds of rows, by what they show of our records: silent, foreign, bare, bounded, own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from cloakroom.claims.row_pairs import row_flags

_SILENT, _FOREIGN, _BARE, _BOUNDED, _OWN = range(5)
KINDS = ("silent", "foreign", "bare", "bounded", "own")
"""Names of the kinds, each row being of one."""


@dataclass(frozen=True, slots=True)
class RowKinds:
    """Rows of a batch by what is known of their keys; a row may be in several.

    Attributes:
        ids: Rows with an id.
        unknown: Rows with an address or a number that nobody of ours has.
        known: Rows with an address or a number that leads to records.
        known_by_id: Rows with an id that leads to records.
        crowded: Rows with a key that too many records share.
        contradicted: Rows that differ from all records that they share a key with.
        jumbled: Those of them whose name or number is that of another record.
        fabricated: Rows around an id of ours with nothing else of its record.
        proven: Rows that prove a record.
    """

    ids: pl.Series = field(repr=False)
    unknown: pl.Series = field(repr=False)
    known: pl.Series = field(repr=False)
    known_by_id: pl.Series = field(repr=False)
    crowded: pl.Series = field(repr=False)
    contradicted: pl.Series = field(repr=False)
    jumbled: pl.Series = field(repr=False)
    fabricated: pl.Series = field(repr=False)
    proven: pl.Series = field(repr=False)

    def counts(self, height: int, *, is_about_people: bool, are_ids_contradicted: bool) -> Counter[str]:
        """Count the rows of a batch by kind; of some of these the ones that are something more.

        ``crowded`` are bare; ``jumbled`` and ``fabricated`` bounded; ``beside``, of no table about people, silent.

        Args:
            height: Rows of the batch.
            is_about_people: Whether its table is; an unknown id in another table is nobody's.
            are_ids_contradicted: Whether the table shows that its ids are not ours although they look so.
        """
        state = np.full(height, _SILENT, np.int8)
        if is_about_people:
            state[self.ids.to_numpy()] = _FOREIGN
        # A number that half a town shares tells nothing beside an address that nobody has.
        state[self.crowded.to_numpy()] = _BARE
        state[self.unknown.to_numpy()] = _FOREIGN
        known = row_flags(self.known, height)
        is_unknown = row_flags(self.unknown, height)
        by_id_alone = row_flags(self.known_by_id, height) & ~known
        state[known | by_id_alone] = _BARE
        # An id of ours beside an address that is not: of a stranger whose shop counts alike, or of a seller's making.
        state[by_id_alone & is_unknown] = _FOREIGN if are_ids_contradicted else _BOUNDED
        if are_ids_contradicted:
            state[by_id_alone & ~is_unknown] = _BOUNDED
        state[self.contradicted.to_numpy()] = _BOUNDED
        state[self.fabricated.to_numpy()] = _BOUNDED
        state[self.proven.to_numpy()] = _OWN
        found = Counter(dict(zip(KINDS, np.bincount(state, minlength=len(KINDS)).tolist(), strict=True)))
        found["crowded"] = int((row_flags(self.crowded, height) & ~known & (state == _BARE)).sum())
        is_bounded = state == _BOUNDED
        found["beside"] = 0 if is_about_people else found["silent"]
        # What was put together of our own values has no key that is not ours.
        found["jumbled"] = int((row_flags(self.jumbled, height) & is_bounded & ~is_unknown).sum())
        found["fabricated"] = int((row_flags(self.fabricated, height) & is_bounded).sum())
        return found
