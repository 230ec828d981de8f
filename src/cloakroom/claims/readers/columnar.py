"""Parquet files, a slice of rows at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from cloakroom.claims.limits import Limits
from cloakroom.claims.tables import Batch

PolarsDataType = DataType | DataTypeClass
_ROWS_PER_BATCH = 100_000


def read_parquet(data: bytes, limits: Limits) -> Iterator[Batch]:
    """Yield the rows of a Parquet file; nested values become columns, lists their first elements.

    Raises:
        ValueError: It is damaged.
    """
    try:
        scan = pl.scan_parquet(io.BytesIO(data))
        schema = scan.collect_schema()
        height = int(scan.select(pl.len()).collect().item())
        columns = _columns(schema)[: limits.columns]
        for start in range(0, height, _ROWS_PER_BATCH):
            frame = scan.slice(start, _ROWS_PER_BATCH).select(columns).collect()
            if frame.estimated_size() > limits.nested_bytes * 2:
                raise ValueError("values larger than allowed")
            yield Batch(frame)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ValueError("damaged Parquet file") from error


def _columns(schema: pl.Schema) -> list[pl.Expr]:
    made = []
    for name, kind in schema.items():
        made.extend(_flattened(pl.col(name), name, kind))
    return made


def _flattened(value: pl.Expr, name: str, kind: PolarsDataType) -> list[pl.Expr]:
    if isinstance(kind, pl.Struct):
        return [
            part
            for inner in kind.fields
            for part in _flattened(value.struct.field(inner.name), f"{name}.{inner.name}", inner.dtype)
        ]
    if isinstance(kind, pl.List):
        return [
            part
            for place in range(3)
            for part in _flattened(value.list.get(place, null_on_oob=True), f"{name}[{place}]", kind.inner)
        ]
    if kind == pl.Binary:
        return [pl.lit(None, pl.String).alias(name)]
    return [value.cast(pl.String, strict=False).alias(name)]
