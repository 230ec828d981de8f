"""One place for every limit on what an alleged dump may make us do."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits on what a dump from a stranger may cost.

    Attributes:
        depth: Containers inside containers, the outermost counted as 1.
        members: Files in all containers together.
        expanded_bytes: Bytes read in all, after decompression.
        ratio: Bytes that one compressed byte may become, once `ratio_free_bytes` were read.
        ratio_free_bytes: Bytes from one container before the ratio counts; small files compress very well.
        seconds: Time for reading everything.
        nested_bytes: Size of a container that must be held in memory, since it lies inside another.
        sheet_bytes: Size of the unpacked parts of one workbook.
        record_bytes: Size of one row, line, object or document; longer ones are rejected and counted.
        document_bytes: Size of a JSON document, or a line with one, that is held whole; longer: read in pieces.
        block_bytes: How much of a file is looked at together.
        columns: Columns of one table.
        nesting: Levels of one JSON or BSON document.
        window_bytes: Memory that a decompressor may ask for.
        open_records: Records whose values are opened to prove rows that carry no id.
        dating_records: Records of one brand whose values are opened to date the dump.
        holders: Records that may share one address or number; beyond, it says nothing about any of them.
    """

    depth: int = 6
    members: int = 100_000
    expanded_bytes: int = 512 * 1024 * MEBIBYTE
    ratio: int = 250
    ratio_free_bytes: int = 64 * MEBIBYTE
    seconds: float = 6 * 3600.0
    nested_bytes: int = 160 * MEBIBYTE
    sheet_bytes: int = 160 * MEBIBYTE
    record_bytes: int = 1 * MEBIBYTE
    document_bytes: int = 32 * MEBIBYTE
    block_bytes: int = 6 * MEBIBYTE
    columns: int = 2_000
    nesting: int = 32
    window_bytes: int = 128 * MEBIBYTE
    open_records: int = 500_000
    dating_records: int = 25_000
    holders: int = 10
