"""A delivery: one file of a brand's customer system, read in batches of typed rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cloakroom.adapters.deliveries.batches import Limits
from cloakroom.adapters.deliveries.containers import is_compressed, open_container
from cloakroom.adapters.deliveries.csv_rows import read_csv_blocks
from cloakroom.adapters.deliveries.detection import (
    Dialect,
    detect_dialect,
    detect_encoding,
    detect_kind,
    header_line,
    split_header,
)
from cloakroom.adapters.deliveries.header import check_header
from cloakroom.adapters.deliveries.interpretation import Interpreter
from cloakroom.adapters.deliveries.json_rows import read_json_blocks
from cloakroom.adapters.deliveries.parquet_rows import ParquetFile, in_memory
from cloakroom.adapters.deliveries.spoilt_ids import WHOLE
from cloakroom.errors import InputError
from cloakroom.vault.mapping import FileKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from cloakroom.adapters.deliveries.batches import RawBlock, RowBatch
    from cloakroom.adapters.deliveries.containers import DeliveryFile
    from cloakroom.vault.group import Group
    from cloakroom.vault.mapping import BrandMapping


_FIRST_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One file whose form was recognised, and whose columns are those of the mapping.

    Attributes:
        path: Where it lies.
        kind: Its format.
        dialect: How it is written; of a JSON Lines file only encoding and line end matter; None for Parquet.
        header: Names of the columns of a CSV file.
        total_bytes: Its size on disk.
    """

    path: Path
    mapping: BrandMapping
    group: Group
    limits: Limits
    kind: FileKind
    dialect: Dialect | None
    header: tuple[str, ...]
    total_bytes: int

    def ids_with_fraction(self) -> list[str]:
        """Return the record ids at the beginning of a text file if all are whole numbers written with `.0`."""
        if self.kind is FileKind.PARQUET:
            return []
        with open_container(self.path) as file:
            first = next(self._text_blocks(file, 0, replace(self.limits, batch_rows=_FIRST_ROWS)), None)
        texts = [] if first is None else first.columns[self.mapping.record.id].to_list()
        ids = [text.strip() for text in texts if text and text.strip()]
        return ids if all(WHOLE.fullmatch(text) for text in ids) else []

    def batches(
        self, *, skip_rows: int = 0, today: date | None = None, whole_ids: bool = False
    ) -> Iterator[RowBatch]:
        """Yield the rows in batches, from the beginning of the file each time it is called.

        Args:
            skip_rows: Number of data rows to leave out, rejected ones included: `RowBatch.rows_read` of the last
                batch that was finished.
            today: The day by which birth dates are judged; None for the day on which the file is read.
            whole_ids: Take `ids_with_fraction`, and those that follow, without the fraction.

        Raises:
            InputError: The file is damaged or cannot be read further; or what is read shows that it means something
                else than the mapping says.
        """
        interpreter = Interpreter(
            self.mapping, self.group, self.limits, self.path.name, today=today, whole_ids=whole_ids
        )
        if self.kind is FileKind.PARQUET:
            parquet = _open_parquet(self.path)
            for block in parquet.blocks(self.mapping, self.limits, skip_rows=skip_rows):
                # Parquet is not read from front to back; the share of rows stands for the share of bytes.
                yield interpreter.interpret(block, self.total_bytes * block.rows_read // parquet.rows)
            return
        with open_container(self.path) as file:
            for block in self._text_blocks(file, skip_rows, self.limits):
                yield interpreter.interpret(block, file.bytes_read)

    def _text_blocks(self, file: DeliveryFile, skip_rows: int, limits: Limits) -> Iterator[RawBlock]:
        assert self.dialect is not None
        if self.kind is FileKind.JSON_LINES:
            return read_json_blocks(file, self.dialect, self.mapping, limits, skip_rows=skip_rows)
        return read_csv_blocks(file, self.dialect, self.header, limits, skip_rows=skip_rows)


def open_delivery(path: Path, mapping: BrandMapping, group: Group, *, limits: Limits | None = None) -> Delivery:
    """Recognise a file and check its columns; no row is read yet.

    Args:
        path: A CSV, JSON Lines or Parquet file, plain or in gzip or Zstandard.
        mapping: The brand's.
        group: Knows the shops.
        limits: How large things may be.

    Raises:
        InputError: The file is empty, unreadable, of another form than the mapping says, or its columns differ.
    """
    limits = limits or Limits()
    with open_container(path) as file:
        sample = file.read(limits.sample_bytes)
    size = path.stat().st_size
    if not sample:
        raise InputError.at(path.name, "is empty")
    kind = detect_kind(sample, mapping, path.name)
    dialect: Dialect | None = None
    header: tuple[str, ...] = ()
    if kind is FileKind.PARQUET:
        _check_parquet(path, mapping, limits)
    else:
        is_whole = len(sample) < limits.sample_bytes
        encoding = detect_encoding(sample, mapping, path.name, is_whole=is_whole)
        dialect = detect_dialect(sample, encoding, mapping)
        if kind is FileKind.CSV:
            header = mapping.file_format.header or tuple(split_header(header_line(sample, dialect), dialect))
            check_header(header, mapping, path.name, max_columns=limits.columns)
    return Delivery(path, mapping, group, limits, kind, dialect, header, size)


def _open_parquet(path: Path) -> ParquetFile:
    if not is_compressed(path):
        return ParquetFile(path, path.name)
    with open_container(path) as file:
        return ParquetFile(in_memory(file, path.name), path.name)


def _check_parquet(path: Path, mapping: BrandMapping, limits: Limits) -> None:
    parquet = _open_parquet(path)
    names: Sequence[str] = parquet.schema.names()
    if not parquet.is_nested:
        check_header(names, mapping, path.name, max_columns=limits.columns)
