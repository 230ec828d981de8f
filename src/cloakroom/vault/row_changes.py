"""What a delivered row does to a record that the store knows already. Pure.

A row either repeats what is stored, replaces it, deletes the record, or comes too late. Replaced values stay in the
history with the span in which they held, so that "as of" works.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.rows import (
    INDEX_CELL,
    RowBlock,
    RowDigests,
    cells_of_row,
    columns_of,
    links_by_row,
    read_index_cell,
)
from cloakroom.vault.sealing import BrandSealer, SealedKeys, SealedRecord

LIVE, DELETED, ERASED = 0, 1, 2


class RowFate(StrEnum):
    """What became of a row."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    STALE = "stale"
    UNKNOWN_DELETION = "unknown_deletion"


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


@dataclass(slots=True)
class ChangePlan:
    """What a block of rows does to known records."""

    fates: list[RowFate] = field(default_factory=list)
    replacements: list[Replacement] = field(default_factory=list)
    changed_rows: list[int] = field(default_factory=list)


def plan_changes(
    block: RowBlock, known: Sequence[KnownRecord], *, digests: RowDigests, sealer: BrandSealer
) -> ChangePlan:
    """Return what the rows of `block` do to the records that `known` gives for them.

    Args:
        block: Rows, each of another record.
        known: The stored record of each row.
        digests: Digests of the brand.
        sealer: Seals and opens the brand's records.
    """
    plan = ChangePlan()
    contents = digests.contents(block)
    columns = columns_of(block, digests.catalogue)
    index_cells = links_by_row(len(block), digests.index_entries(block))
    for row, record in enumerate(known):
        fate = _fate(block, row, record, contents[row])
        plan.fates.append(fate)
        if fate not in {RowFate.CHANGED, RowFate.DELETED}:
            continue
        before = _index_entries(record, sealer)
        version = record.version + 1
        if fate is RowFate.DELETED:
            after: set[tuple[int, bytes]] = set()
            sealed, content = SealedRecord(record.ordinal, version, (None, None, None)), None
        else:
            after = set(read_index_cell(index_cells[row]))
            keys = sealer.unwrap(record.ordinal, record.keys, tuple(EnvelopeClass))
            held = cells_of_row(columns, row, index_cells[row])
            sealed = sealer.seal(record.ordinal, version, keys, held, record.keys.key_number)
            content = contents[row]
        plan.changed_rows.append(row)
        plan.replacements.append(
            Replacement(
                ordinal=record.ordinal,
                supersedes=record.version if record.state == LIVE else None,
                version=version,
                valid_from=block.modified_at[row],
                state=DELETED if fate is RowFate.DELETED else LIVE,
                content=content,
                record=sealed,
                retired=sorted(before - after),
                added=sorted(after - before),
            )
        )
    return plan


def _fate(block: RowBlock, row: int, record: KnownRecord, content: bytes) -> RowFate:
    if block.deleted[row]:
        if record.state == DELETED:
            return RowFate.UNCHANGED
        return RowFate.STALE if block.modified_at[row] < record.valid_from else RowFate.DELETED
    if record.state == LIVE and record.content == content:
        return RowFate.UNCHANGED
    return RowFate.STALE if block.modified_at[row] < record.valid_from else RowFate.CHANGED


def _index_entries(record: KnownRecord, sealer: BrandSealer) -> set[tuple[int, bytes]]:
    if record.identity is None:
        return set()
    sealed = SealedRecord(record.ordinal, record.version, (None, record.identity, None))
    values = sealer.open(sealed, record.keys, {EnvelopeClass.IDENTITY: (INDEX_CELL,)})
    return set(read_index_cell(values.get(INDEX_CELL, b"")))
