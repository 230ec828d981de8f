"""Batches of a delivery: typed rows, column by column, with the rows that were refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on deliveries.

    Attributes:
        batch_rows: Rows in one batch; the last may hold fewer.
        field_chars: Characters in one field; a row with a longer one is rejected.
        line_chars: Characters in one physical line; a longer one is rejected without being kept.
        record_lines: Physical lines that one quoted record may span before its quote counts as unclosed.
        columns: Columns of a file.
        sample_bytes: How much of the beginning is read to detect encoding and dialect.
    """

    batch_rows: int = 20_000
    field_chars: int = 65_536
    line_chars: int = 4 * 1024 * 1024
    record_lines: int = 1_000
    columns: int = 1_000
    sample_bytes: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was not taken.

    Attributes:
        line: Physical line from 1 at which the row begins; in Parquet the row number from 1.
        field: Name of the source column, or None where the row as a whole is wrong.
        reason: What is wrong; never holds a value.
        holds_payment_data: Whether that is what is wrong.
    """

    line: int
    field: str | None
    reason: str
    holds_payment_data: bool = False


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Typed rows in the order of the file. All lists but `rejected` have one item per accepted row.

    Attributes: lines: Physical line from 1 at which each row begins; in Parquet the row number from 1.
        record_ids: Canonical record ids. modified_at: Microseconds since 1970 in UTC, or None where the mapping
        names no such column. deleted: Whether the row says that the record is gone; then all its values are None.
        columns: Field name to stored texts; None where the row is silent. normal: Name of an indexed field to the
        normal forms that enter its index; None where there is none. without_key: Name of an indexed field to how many
        of its values have no normal form. facets: Facet name to values: ISO codes, words, ISO dates, names of spend
        bands. rejected: Rows that were not taken, in the order of their lines.
        rows_read: Data rows of the file up to the end of this batch, rejected ones included: the count to skip on
        resume. bytes_read: Bytes of the file, as it lies on disk, read so far.
    """

    lines: list[int]
    record_ids: list[str]
    modified_at: list[int | None]
    deleted: list[bool]
    columns: Mapping[str, list[str | None]]
    normal: Mapping[str, list[str | None]]
    without_key: Mapping[str, int]
    facets: Mapping[str, list[str | None]]
    rejected: list[Rejection]
    rows_read: int
    bytes_read: int

    def __len__(self) -> int:
        return len(self.record_ids)

    def __repr__(self) -> str:
        return f"RowBatch(rows={len(self)}, rejected={len(self.rejected)}, rows_read={self.rows_read})"


@dataclass(frozen=True, slots=True)
class RawBlock:
    """Rows as the file shows them, before anything is understood.

    Attributes:
        lines: Where each row begins. columns: Source column to a series of texts; every column of the file, the
        ignored ones too where they are separate. rejected: Rows whose form is broken. rows_read: Data rows of
        the file so far, rejected ones included. unmapped: Per row, what no column of `columns` shows and may
        hold payment data, or None; empty where `columns` shows everything.
    """

    lines: list[int]
    columns: Mapping[str, pl.Series]
    rejected: list[Rejection]
    rows_read: int
    unmapped: list[str | None]

    def __repr__(self) -> str:
        return f"RawBlock(rows={len(self.lines)}, rejected={len(self.rejected)})"
