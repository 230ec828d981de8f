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
    if not any(map(_written, batch.frame.head(_LOOKED_AT))):
        return batch
    # Columns that nobody looked at yet are needed beside the new one.
    frame = batch.whole()
    for column in frame.columns:
        match _written(frame[column].head(_LOOKED_AT)):
            case "displayed":
                frame = _split(frame, column)
            case "linked":
                linked = pl.col(column).str.extract(_LINKED, 1)
                frame = frame.with_columns(pl.coalesce(linked, pl.col(column)).alias(column))
    return replace(batch, frame=frame, unparsed=None)


def _written(cells: pl.Series) -> str | None:
    """Return how the addresses of a column are written: ``displayed``, ``linked``, or None for plainly."""
    # Most tables have neither sign anywhere. This is asked of every column of every block, hence without Polars,
    # whose threads are busy with other blocks.
    text = "\n".join(filter(None, cells.to_list()))
    if "@" not in text or not ("<" in text or "mailto:" in text):
        return None
    filled = cells.drop_nulls()
    filled = filled.filter(filled.str.contains("@", literal=True))
    if share_of(filled.str.contains(_DISPLAYED)) >= _LEAST_SHARE:
        return "displayed"
    return "linked" if share_of(filled.str.contains(_LINKED)) >= _LEAST_SHARE else None


def _split(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Give the address its own column; a cell without an address in brackets keeps what it shows."""
    name = "display name" if "display name" not in frame.columns else f"display name of {column}"
    address = pl.col(column).str.extract(_DISPLAYED, 2)
    return frame.with_columns(
        pl.col(column).str.extract(_DISPLAYED, 1).alias(name),
        pl.coalesce(address, pl.col(column)).alias(column),
    )
