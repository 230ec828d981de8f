"""Rows of a JSON Lines file: one object per physical line; a line that is none is rejected by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl

from cloakroom.adapters.deliveries.batches import Limits, RawBlock, Rejection
from cloakroom.adapters.deliveries.detection import Dialect, named_encoding
from cloakroom.adapters.deliveries.nested_rows import Flattener, RowShapeError
from cloakroom.adapters.deliveries.numbers import NumberText
from cloakroom.adapters.deliveries.physical_lines import OVERLONG, read_line_blocks
from cloakroom.adapters.deliveries.undecodable import UNDECODABLE
from cloakroom.vault.payment_data import SUSPICIOUS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloakroom.adapters.deliveries.containers import DeliveryFile
    from cloakroom.vault.mapping import BrandMapping

# Floats keep their text: 12.10 must not become 12.1000000000000001 on its way through binary.
_decoder = msgspec.json.Decoder(float_hook=NumberText)


def read_json_blocks(
    file: DeliveryFile, dialect: Dialect, mapping: BrandMapping, limits: Limits, *, skip_rows: int
) -> Iterator[RawBlock]:
    """Yield the rows of a JSON Lines file in blocks; blank lines are no rows.

    Args:
        file: Positioned at the beginning.
        dialect: Tells encoding and line end.
        mapping: Which values to take.
        limits: How large things may be.
        skip_rows: Number of data rows, rejected ones included, to leave out.
    """
    flattener = Flattener(mapping)
    first_line, rows_read = 1, 0
    for lines, _ in read_line_blocks(
        file,
        dialect.encoding,
        dialect.line_end,
        limits,
        lines_in_block=limits.batch_rows,
        is_stated=dialect.is_stated,
        is_mixed=dialect.is_mixed,
    ):
        numbered = [(number, line) for number, line in enumerate(lines, start=first_line) if line.strip()]
        first_line += len(lines)
        kept = numbered[max(skip_rows - rows_read, 0) :]
        rows_read += len(numbered)
        if kept:
            yield _block(kept, flattener, named_encoding(dialect), rows_read)


def _block(numbered: list[tuple[int, str]], flattener: Flattener, encoding: str, rows_read: int) -> RawBlock:
    rows: list[list[str | None]] = []
    numbers: list[int] = []
    texts: list[str] = []
    rejected: list[Rejection] = []
    for number, line in numbered:
        try:
            item = _decoder.decode(line)
            row = flattener.row(item)
        except RowShapeError as error:
            rejected.append(Rejection(number, error.field, error.reason))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            rejected.append(Rejection(number, None, _reason(line, encoding)))
        else:
            rows.append(row)
            numbers.append(number)
            texts.append(line)
    columns = _transposed(rows, flattener.sources)
    return RawBlock(numbers, columns, rejected, rows_read, _suspicious(texts, flattener))


def _suspicious(lines: list[str], flattener: Flattener) -> list[str | None]:
    """Return what no column takes, for those rows whose whole line may hold payment data."""
    texts = pl.Series(lines, dtype=pl.String)
    found = texts.str.contains(SUSPICIOUS) | texts.str.contains("\\u", literal=True)
    result: list[str | None] = [None] * len(lines)
    for position in found.arg_true().to_list():
        result[position] = flattener.unmapped_text(_decoder.decode(lines[position]))
    return result


def _transposed(rows: list[list[str | None]], sources: tuple[str, ...]) -> dict[str, pl.Series]:
    columns = zip(*rows, strict=True) if rows else [() for _ in sources]
    return {source: pl.Series(column, dtype=pl.String) for source, column in zip(sources, columns, strict=True)}


def _reason(line: str, encoding: str) -> str:
    if OVERLONG in line:
        return "the line is too long"
    if UNDECODABLE in line:
        return f"holds bytes that are not {encoding}"
    return "is not a JSON object on one line"
