"""Changes that delivered rows make to records that the store knows already. Pure.

A row either repeats what is stored, replaces it, deletes the record, or comes too late. Replaced values stay in the
history with the span in which they held, so that "as of" works.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cloakroom.vault.rows import (
    RowBlock,
    RowDigests,
    cells_of_row,
    columns_of,
    links_by_row,
    read_index_cell,
)
from cloakroom.vault.sealed_record import SealedKeys, SealedRecord
from cloakroom.vault.sealing import BrandSealer

LIVE, DELETED, ERASED = 0, 1, 2

OpenIndexCells = Callable[[Sequence[tuple[SealedRecord, SealedKeys]]], Sequence[bytes]]
"""Opens the index cells of stored records, as `BrandOpener.open_index_cells` does."""


class RowFate(StrEnum):
    """The outcome for a row."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    STALE = "stale"
    UNKNOWN_DELETION = "unknown_deletion"


_CHANGING = frozenset({RowFate.CHANGED, RowFate.DELETED})


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """A record as stored, so far as an import needs it.

    Attributes:
        ordinal: Ordinal of the record.
        version: Version of its values.
        valid_from: Since when they hold, in microseconds.
        state: `LIVE` or `DELETED`.
        content: Digest of the row they came from; None once deleted.
        identity: Its identity envelope, which holds the index cell.
        keys: Its wrapped keys.
    """

    ordinal: int
    version: int
    valid_from: int
    state: int
    content: bytes | None
    identity: bytes | None
    keys: SealedKeys


@dataclass(frozen=True, slots=True)
class Replacement:
    """New current values of a known record.

    Attributes:
        ordinal: Ordinal of the record.
        supersedes: Version that goes to the history, or None where there were no values.
        version: Version of the new values.
        valid_from: Since when they hold.
        state: `LIVE` or `DELETED`.
        content: Digest of the row; None where deleted.
        record: The sealed values; empty envelopes where deleted.
        retired: (index number, link digest) that the record no longer has.
        added: (index number, link digest) that it has now and had not before.
    """

    ordinal: int
    supersedes: int | None
    version: int
    valid_from: int
    state: int
    content: bytes | None
    record: SealedRecord
    retired: Sequence[tuple[int, bytes]]
    added: Sequence[tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """The changes that a block of rows makes to known records.

    Attributes:
        fates: One for each row.
        replacements: One for each row that changes or deletes its record.
        changed_rows: The row of each replacement.
    """

    fates: Sequence[RowFate]
    replacements: list[Replacement]
    changed_rows: Sequence[int]


def plan_changes(
    block: RowBlock,
    known: Sequence[KnownRecord],
    *,
    digests: RowDigests,
    sealer: BrandSealer,
    open_index_cells: OpenIndexCells,
) -> ChangePlan:
    """Return what the rows of `block` do to the records that `known` gives for them.

    Args:
        block: Rows, each of another record.
        known: The stored record of each row.
        digests: Digests of the brand.
        sealer: Seals the brand's records.
        open_index_cells: Opens the index cells of the records that change; called once, if any does.

    Raises:
        OpenError: A record that changes does not open; names it.
    """
    contents = digests.contents(block)
    fates = [_fate(block, row, record, contents[row]) for row, record in enumerate(known)]
    plan = ChangePlan(fates, [], [row for row, fate in enumerate(fates) if fate in _CHANGING])
    if not plan.changed_rows:
        return plan
    columns = columns_of(block, digests.catalogue)
    index_cells = links_by_row(len(block), digests.index_entries(block))
    earlier = open_index_cells([_identity(known[row]) for row in plan.changed_rows])
    for row, earlier_cell in zip(plan.changed_rows, earlier, strict=True):
        record, version = known[row], known[row].version + 1
        before, after = set(read_index_cell(earlier_cell)), set[tuple[int, bytes]]()
        sealed, content = SealedRecord(record.ordinal, version, (None, None, None)), None
        if fates[row] is RowFate.CHANGED:
            after = set(read_index_cell(index_cells[row]))
            held = cells_of_row(columns, row, index_cells[row])
            sealed, content = sealer.reseal(record.ordinal, version, record.keys, held), contents[row]
        plan.replacements.append(
            Replacement(
                ordinal=record.ordinal,
                supersedes=record.version if record.state == LIVE else None,
                version=version,
                valid_from=block.modified_at[row],
                state=DELETED if fates[row] is RowFate.DELETED else LIVE,
                content=content,
                record=sealed,
                retired=sorted(before - after),
                added=sorted(after - before),
            )
        )
    return plan


def _identity(record: KnownRecord) -> tuple[SealedRecord, SealedKeys]:
    return SealedRecord(record.ordinal, record.version, (None, record.identity, None)), record.keys


def _fate(block: RowBlock, row: int, record: KnownRecord, content: bytes) -> RowFate:
    if block.deleted[row]:
        if record.state == DELETED:
            return RowFate.UNCHANGED
        return RowFate.STALE if block.modified_at[row] < record.valid_from else RowFate.DELETED
    if record.state == LIVE and record.content == content:
        return RowFate.UNCHANGED
    return RowFate.STALE if block.modified_at[row] < record.valid_from else RowFate.CHANGED
