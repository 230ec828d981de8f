"""Cells such as ``Ada Example <ada@example.org>``: the address and the name that goes with it, each in its column."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from cloakroom.claims.tables import Batch, share_of

_DISPLAYED = r"""^\s*["']?([^<>@]*?)["']?\s*<\s*(?:mailto:)?([^<>\s@]+@[^<>\s@]+)\s*>\s*$"""
_LINKED = r"^\s*mailto:([^<>\s@?]+@[^<>\s@?]+)\s*$"
_LEAST_SHARE = 0.3
_LOOKED_AT = 200


def with_display_names(batch: Batch) -> Batch:
    """Return the batch with such columns split in two; ``mailto:`` before addresses is left out."""
    frame = batch.frame
    head = frame.head(_LOOKED_AT)
    for column in frame.columns:
        filled = head[column].drop_nulls()
        filled = filled.filter(filled.str.contains("@", literal=True))
        if filled.len() == 0:
            continue
        if share_of(filled.str.contains(_DISPLAYED)) >= _LEAST_SHARE:
            frame = _split(frame, column)
        elif share_of(filled.str.contains(_LINKED)) >= _LEAST_SHARE:
            linked = pl.col(column).str.extract(_LINKED, 1)
            frame = frame.with_columns(pl.coalesce(linked, pl.col(column)).alias(column))
    return batch if frame is batch.frame else replace(batch, frame=frame)


def _split(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Give the address its own column; a cell without an address in brackets keeps what it shows."""
    name = "display name" if "display name" not in frame.columns else f"display name of {column}"
    address = pl.col(column).str.extract(_DISPLAYED, 2)
    return frame.with_columns(
        pl.col(column).str.extract(_DISPLAYED, 1).alias(name),
        pl.coalesce(address, pl.col(column)).alias(column),
    )
