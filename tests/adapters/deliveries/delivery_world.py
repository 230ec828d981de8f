"""A small group with one brand, and files of it that are read within a test's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloakroom.adapters.deliveries import Limits, RowBatch, open_delivery
from cloakroom.vault.group import parse_group
from cloakroom.vault.mapping_file import parse_mapping

if TYPE_CHECKING:
    from pathlib import Path

GROUP = parse_group(
    'group = "G"\n[[controllers]]\nid = "c"\nname = "C"\ncountry = "FR"\n'
    '[[brands]]\nid = "b"\ncontroller = "c"\nmapping = "b.toml"\n'
    '[[stores]]\nbrand = "b"\ncode = "S1"\ncountry = "GB"\n[[stores]]\nbrand = "b"\ncode = "WEB"\n',
    "group.toml",
)
NOTES = '[record]\nid = "id"\n[columns]\nnote = "notes"\n'
"""The least mapping but for the brand: an id and a text."""


def delivered(
    folder: Path, data: bytes | str, mapping: str = NOTES, *, limits: Limits | None = None, skip_rows: int = 0
) -> list[RowBatch]:
    """Read a file under a mapping of the brand, of which the first line is left out."""
    path = folder / "f.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    delivery = open_delivery(path, parse_mapping(f'brand = "b"\n{mapping}', "b.toml"), GROUP, limits=limits)
    return list(delivery.batches(skip_rows=skip_rows))


def taken(batches: list[RowBatch]) -> list[str]:
    """Return the ids of the rows that were taken."""
    return [identifier for batch in batches for identifier in batch.record_ids]


def refused(batches: list[RowBatch]) -> list[tuple[int, str | None, str]]:
    """Return line, column and reason of the rows that were not."""
    return [(item.line, item.field, item.reason) for batch in batches for item in batch.rejected]


def values(batches: list[RowBatch], field: str) -> list[str | None]:
    """Return what is stored of a field."""
    return [value for batch in batches for value in batch.columns[field]]
