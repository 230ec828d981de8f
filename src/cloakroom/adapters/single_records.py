"""One record from an application, read by the brand's own mapping as if a delivery had brought it.

The caller names fields, not columns, and writes values in canonical form: ISO dates, decimal points, country codes.
Everything else is the delivery's: what is refused, which normal forms are indexed, which facets are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from cloakroom.adapters.deliveries.batches import Limits, RawBlock, RowBatch
from cloakroom.adapters.deliveries.interpretation import Interpreter
from cloakroom.errors import InputError, PaymentDataError, Problem
from cloakroom.errors import Position as Place
from cloakroom.vault.group import Group
from cloakroom.vault.mapping import BrandMapping, ColumnMapping, RecordColumns

_ID, _AT, _GONE = "record_id", "modified_at", "deleted"


def read_record(
    mapping: BrandMapping,
    group: Group,
    *,
    record_id: str,
    fields: Mapping[str, str],
    modified_at: str,
    deleted: bool = False,
) -> RowBatch:
    """Return one typed row.

    Args:
        mapping: The brand's mapping.
        group: Knows the countries of the brand's shops.
        record_id: Id of the record in the brand's system.
        fields: Value by field name.
        modified_at: RFC 3339.
        deleted: Whether the record is gone.

    Raises:
        InputError: A field is not the brand's, or a value cannot be taken; never repeats a value.
        PaymentDataError: A value holds payment data.
    """
    known = {column.field.name for column in mapping.columns}
    unknown = [name for name in fields if name not in known]
    if unknown:
        raise InputError([Problem(Place("record", field=name), "is no field of this brand") for name in unknown])
    columns = {_ID: record_id, _AT: modified_at, _GONE: "true" if deleted else "false", **fields}
    block = RawBlock(
        lines=[1],
        columns={name: pl.Series([text], dtype=pl.String) for name, text in columns.items()},
        rejected=[],
        rows_read=1,
        unmapped=[],
    )
    batch = Interpreter(_canonical(mapping), group, Limits()).interpret(block, 0)
    if batch.rejected:
        kind = PaymentDataError if any(item.holds_payment_data for item in batch.rejected) else InputError
        raise kind([Problem(Place("record", field=item.field), item.reason) for item in batch.rejected])
    return batch


def _canonical(mapping: BrandMapping) -> BrandMapping:
    """Return the mapping of a brand whose system writes field names and canonical values."""
    record = RecordColumns(
        id=_ID,
        id_style=mapping.record.id_style,
        modified_at=_AT,
        modified_at_format="iso",
        deleted=_GONE,
        deleted_true=frozenset({"true"}),
        deleted_false=frozenset({"false"}),
    )
    return replace(
        mapping,
        record=record,
        columns=tuple(_canonical_column(column) for column in mapping.columns),
        timezone="UTC",
        decimal_mark=".",
        grouping_mark="",
    )


def _canonical_column(column: ColumnMapping) -> ColumnMapping:
    # What the source's words stand for may be written, too.
    words = {**column.words, **{meaning.lower(): meaning for meaning in column.words.values()}}
    return replace(column, source=column.field.name, words=words, format="iso", strict=True, optional=True)
