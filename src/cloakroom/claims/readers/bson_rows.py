"""BSON as written by mongodump: documents one after the other (bsonspec.org, version 1.1)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.json_rows import flatten
from cloakroom.claims.sources import Readable
from cloakroom.claims.tables import Batch, frame_of_records

_ROWS_PER_BATCH = 20_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIXED = {0x06: 0, 0x0A: 0, 0xFF: 0, 0x7F: 0, 0x11: 8, 0x13: 16}


def looks_like_bson(head: bytes) -> bool:
    """Return whether a file may begin with a BSON document."""
    if len(head) < 7:
        return False
    size = int.from_bytes(head[:4], "little")
    end = head.find(b"\0", 5)
    return 5 <= size <= 16 << 20 and head[4] in b"\x01\x02\x03\x04\x05\x07\x08\x09\x10\x12" and 5 < end < 128


def read_bson(stream: Readable, limits: Limits) -> Iterator[Batch]:
    """Yield one row for each document.

    Raises:
        ValueError: The lengths do not add up; what came before was given already.
    """
    records: list[dict[str, str]] = []
    broken = 0
    while True:
        prefix = stream.read(4)
        if len(prefix) < 4:
            break
        size = int.from_bytes(prefix, "little", signed=True)
        if size < 5 or size > limits.record_bytes:
            yield Batch(frame_of_records(records, limits.columns), (), broken + 1)
            raise ValueError("a document of impossible length")
        body = stream.read(size - 4)
        try:
            records.append(flatten(_document(body, 0, len(body), limits.nesting)[0], limits))
        except (ValueError, struct.error, IndexError, OverflowError):
            broken += 1
        if len(records) >= _ROWS_PER_BATCH:
            yield Batch(frame_of_records(records, limits.columns), (), broken)
            records, broken = [], 0
    yield Batch(frame_of_records(records, limits.columns), (), broken)


def _document(data: bytes, at: int, end: int, levels: int) -> tuple[dict[str, Any], int]:
    if levels < 0:
        raise ValueError("nested too deeply")
    found: dict[str, Any] = {}
    while True:
        if at >= end:
            raise ValueError("a document without an end")
        kind = data[at]
        if kind == 0:
            return found, at + 1
        stop = data.index(b"\0", at + 1, end)
        name = data[at + 1 : stop].decode("utf-8", "replace")
        found[name], at = _value(kind, data, stop + 1, end, levels)


def _value(  # noqa: PLR0911, PLR0912 - one branch for each kind of value that exists
    kind: int, data: bytes, at: int, end: int, levels: int
) -> tuple[Any, int]:
    if kind in _FIXED:
        return None, at + _FIXED[kind]
    if kind == 0x01:
        return struct.unpack_from("<d", data, at)[0], at + 8
    if kind in (0x02, 0x0D, 0x0E):
        size = struct.unpack_from("<i", data, at)[0]
        if size < 1 or at + 4 + size > end:
            raise ValueError("a text of impossible length")
        return data[at + 4 : at + 3 + size].decode("utf-8", "replace"), at + 4 + size
    if kind in (0x03, 0x04):
        inner, after = _document(data, at + 4, end, levels - 1)
        return (list(inner.values()) if kind == 0x04 else inner), after
    if kind == 0x05:
        size = struct.unpack_from("<i", data, at)[0]
        if size < 0 or at + 5 + size > end:
            raise ValueError("binary data of impossible length")
        return None, at + 5 + size
    if kind == 0x07:
        return data[at : at + 12].hex(), at + 12
    if kind == 0x08:
        return bool(data[at]), at + 1
    if kind == 0x09:
        milliseconds = struct.unpack_from("<q", data, at)[0]
        return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat(), at + 8
    if kind == 0x0B:
        stop = data.index(b"\0", data.index(b"\0", at, end) + 1, end)
        return None, stop + 1
    if kind == 0x10:
        return struct.unpack_from("<i", data, at)[0], at + 4
    if kind == 0x12:
        return struct.unpack_from("<q", data, at)[0], at + 8
    raise ValueError("a kind of value that does not exist")
