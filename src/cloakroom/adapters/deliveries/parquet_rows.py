"""Rows of a Parquet file, in batches that fit memory whatever the size of its row groups."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import polars as pl

from cloakroom.adapters.deliveries.batches import Limits, RawBlock, Rejection
from cloakroom.adapters.deliveries.nested_rows import NO_TEXT, Flattener, RowShapeError
from cloakroom.adapters.deliveries.numbers import number_expression
from cloakroom.errors import InputError, LimitError
from cloakroom.vault.fields import FieldKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cloakroom.adapters.deliveries.containers import DeliveryFile
    from cloakroom.vault.mapping import BrandMapping

MAX_COMPRESSED_BYTES = 2 * 1024**3
"""Parquet needs random access; one inside .gz or .zst is held in memory, up to this size once uncompressed."""


class ParquetFile:
    """An opened Parquet file.

    Args:
        source: A path, or the whole file in memory.
        name: For messages.

    Raises:
        InputError: It is not readable Parquet.
    """

    def __init__(self, source: Path | io.BytesIO, name: str) -> None:
        self._frame = pl.scan_parquet(source)
        self._name = name
        try:
            self.schema = self._frame.collect_schema()
            self.rows = int(self._frame.select(pl.len()).collect().item())
        except (pl.exceptions.PolarsError, OSError) as error:
            raise InputError.at(name, "is not readable Parquet") from error

    @property
    def is_nested(self) -> bool:
        """Return whether some column holds more than single values."""
        return any(dtype.is_nested() for dtype in self.schema.values())

    def blocks(self, mapping: BrandMapping, limits: Limits, *, skip_rows: int) -> Iterator[RawBlock]:
        """Yield the rows in blocks; lines are row numbers from 1.

        Raises:
            InputError: The file is damaged.
        """
        flattener = Flattener(mapping)
        done = skip_rows
        frame = (
            self._frame.slice(skip_rows)
            if self.is_nested
            else self._frame.select(self._texts(mapping)).slice(skip_rows)
        )
        try:
            for chunk in frame.collect_batches(chunk_size=limits.batch_rows, maintain_order=True):
                for part in chunk.iter_slices(limits.batch_rows):
                    numbers = list(range(done + 1, done + len(part) + 1))
                    done += len(part)
                    yield self._nested(part, numbers, flattener) if self.is_nested else self._flat(part, numbers)
        except pl.exceptions.PolarsError as error:
            raise InputError.at(self._name, f"the Parquet data is damaged after row {done}") from error

    def _texts(self, mapping: BrandMapping) -> list[pl.Expr]:
        amounts = {column.source for column in mapping.columns if column.field.kind is FieldKind.DECIMAL}
        marks = {name: mapping.decimal_mark if name in amounts else "." for name in self.schema}
        return [_as_text(name, dtype, marks[name]).alias(name) for name, dtype in self.schema.items()]

    def _flat(self, frame: pl.DataFrame, numbers: list[int]) -> RawBlock:
        rows_read = numbers[-1]
        wrong: dict[int, str] = {}
        for name in [name for name, dtype in frame.schema.items() if dtype == pl.Binary]:
            texts = pl.Series([_decoded(value) for value in frame[name].to_list()], dtype=pl.String)
            for at in (texts.is_null() & frame[name].is_not_null()).arg_true().to_list():
                wrong.setdefault(at, name)
            frame = frame.with_columns(texts.alias(name))
        rejected = [Rejection(numbers[at], name, NO_TEXT) for at, name in sorted(wrong.items())]
        if wrong:
            kept = [at for at in range(len(numbers)) if at not in wrong]
            frame, numbers = frame[kept], [numbers[at] for at in kept]
        return RawBlock(numbers, {name: frame[name] for name in frame.columns}, rejected, rows_read, [])

    def _nested(self, frame: pl.DataFrame, numbers: list[int], flattener: Flattener) -> RawBlock:
        rows: list[list[str | None]] = []
        lines: list[int] = []
        unmapped: list[str | None] = []
        rejected: list[Rejection] = []
        for number, item in zip(numbers, self._items(frame, numbers), strict=True):
            try:
                rows.append(flattener.row(item))
            except RowShapeError as error:
                rejected.append(Rejection(number, error.field, error.reason))
            else:
                lines.append(number)
                unmapped.append(flattener.unmapped_text(item))
        columns = {
            source: pl.Series([row[position] for row in rows], dtype=pl.String)
            for position, source in enumerate(flattener.sources)
        }
        return RawBlock(lines, columns, rejected, numbers[-1], unmapped)

    def _items(self, frame: pl.DataFrame, numbers: list[int]) -> Iterator[dict[str, Any]]:
        try:
            yield from frame.iter_rows(named=True)
        except (ValueError, OverflowError) as error:  # Python's own times end where the calendar does.
            reason = f"rows {numbers[0]} to {numbers[-1]} hold a time beyond the year 9999"
            raise InputError.at(self._name, reason) from error


def in_memory(file: DeliveryFile, name: str) -> io.BytesIO:
    """Return the uncompressed bytes of a compressed Parquet file.

    Raises:
        LimitError: There are more than `MAX_COMPRESSED_BYTES`.
    """
    data = file.read(MAX_COMPRESSED_BYTES + 1)
    if len(data) > MAX_COMPRESSED_BYTES:
        raise LimitError(f"{name}: compressed Parquet may unpack to {MAX_COMPRESSED_BYTES} bytes; deliver it plain")
    return io.BytesIO(data)


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _as_text(name: str, dtype: pl.DataType, mark: str) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is not None:
            return column.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        return column.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")
    if dtype.is_float() or isinstance(dtype, pl.Decimal):
        return number_expression(column, dtype, mark)
    # Texts that their writer did not mark are decoded where one that cannot be refuses its row.
    return column if isinstance(dtype, pl.Binary) else column.cast(pl.String)
