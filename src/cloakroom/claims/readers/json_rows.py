"""JSON Lines, JSON arrays and concatenated objects; nested values become columns such as ``address.city``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgspec
import polars as pl

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.json_documents import (
    Tables,
    closed,
    documents_in,
    find_rows,
    find_tables,
    is_action,
    is_page,
    unwrapped,
)
from cloakroom.claims.readers.relaxed_json import decode_relaxed
from cloakroom.claims.tables import BROKEN_KEPT, Batch, frame_of_records, unique_names
from cloakroom.errors import LimitError

_ROWS_PER_BATCH = 50_000
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"|"|[{}\[\]]', re.DOTALL)
_WRAPPER = re.compile(rb"\s*\{[^{}\[\]]*+\[\s*\{")
_TEXT = rb'"(?:[^"\\]|\\.)*+"'
_KEYED = re.compile(rb"\s*\{\s*" + _TEXT + rb"\s*:\s*\{\s*(" + _TEXT + rb"\s*:)")
_NEXT_KEYED = rb"\}\s*,\s*" + _TEXT + rb"\s*:\s*\{\s*"
_VALUE = re.compile(r"@|\d{4}")
_LISTS = re.compile(rb"\[\s*\{")
_LOOKED_AT = 200
_AROUND = b" \t\r\n\0\x1a\x1e"


def read_json_lines(blocks: Iterator[bytes], limits: Limits) -> Iterator[Batch]:
    """Yield one row for each line that holds an object; other lines are rejected."""
    carry = b""
    shape = RowShape()
    for block in blocks:
        lines = (carry + block).split(b"\n")
        carry = lines.pop()
        yield from _batches(lines, limits, shape)
        if len(carry) > limits.document_bytes:
            raise LimitError(f"a line of more than {limits.document_bytes} bytes")
    if carry.strip(b"\0 \r\n\x1a"):
        yield from _batches([carry], limits, shape)


def read_json(blocks: Iterator[bytes], limits: Limits) -> Iterator[Batch]:
    """Yield the rows of a JSON document wherever they lie in it; one too large to be held, object by object."""
    held: list[bytes] = []
    size = 0
    for block in blocks:
        held.append(block)
        size += len(block)
        if size > limits.document_bytes:
            yield from read_json_objects(chain(held, blocks), limits, _depth_in(held[0]))
            return
    yield from _of_document(b"".join(held), limits)


def _depth_in(head: bytes) -> int:
    """Return how deep the rows of a document lie that begins with `head`, 0 where that does not tell."""
    tables = Tables()
    if (value := _decoded(closed(head))) is not None:
        find_tables(value, tables)
    return tables.row_depth()


def _of_document(data: bytes, limits: Limits) -> Iterator[Batch]:
    """Yield the rows of a whole document; of one that ends too early, what there is; of several, of each."""
    value = _decoded(data, is_strict=True)
    values = [] if value is None else [value]
    broken: list[bytes] = []
    tail = ""
    if value is None:
        found, rest = documents_in(data)
        for text in found:
            if (value := _decoded(text)) is not None:
                values.append(value)
            elif b"{" in text or b"@" in text:
                broken.append(text)
        if rest and (value := _decoded(kept := closed(rest))) is not None:
            values.append(value)
            tail = rest[len(kept.rstrip(b"]}")) :][:BROKEN_KEPT].decode("utf-8", "replace")
        elif rest:
            broken.append(rest)
    tables = Tables()
    if all(isinstance(value, dict) for value in values) and len(values) > 1:
        values = [values]
    for number, value in enumerate(values):
        find_tables(value, tables, str(number))
    found_rows = tables.personal()
    beside = tables.row_count() - sum(map(len, found_rows))
    for section, rows in enumerate(found_rows):
        for start in range(0, len(rows), _ROWS_PER_BATCH):
            records = [flatten(row, limits) for row in rows[start : start + _ROWS_PER_BATCH]]
            yield Batch(frame_of_records(records, limits.columns), section=section, remarks=beside)
            beside = 0
    for text in broken:
        yield from read_json_objects(iter([text]), limits)
    if tail.strip():
        yield Batch(pl.DataFrame(), (tail,), 1)


def _decoded(data: bytes, *, is_strict: bool = False) -> Any:
    """Return the value of a document, None where it is none; of one inside a string, its own."""
    try:
        value = msgspec.json.decode(data) if is_strict else decode_relaxed(data)
        if isinstance(value, str):
            value = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def read_json_objects(blocks: Iterator[bytes], limits: Limits, row_depth: int = 0) -> Iterator[Batch]:
    """Yield one row for each object of an array, wherever the array lies, or of a sequence of objects.

    Args:
        blocks: Valid UTF-8.
        limits: An object may have `record_bytes`.
        row_depth: How many brackets are open inside of a row; 0 has it found out.
    """
    objects: list[bytes] = []
    shape = RowShape()
    for text in _objects(blocks, limits, row_depth):
        objects.append(text)
        if len(objects) >= _ROWS_PER_BATCH // 5:
            yield from _batches(objects, limits, shape)
            objects = []
    yield from _batches(objects, limits, shape)


@dataclass(slots=True)
class RowShape:
    """Knowledge that earlier rows give of later ones: names of columns of arrays, and whether objects are pages."""

    names: list[str] = field(default_factory=list)
    is_paged: bool = False
    looked_at: int = 0

    def row(self, values: list[Any]) -> dict[str, Any] | None:
        """Return an array as a row, None for the one that holds the names.

        Raises:
            ValueError: It is longer or shorter than the first.
        """
        if not self.names:
            are_names = all(isinstance(value, str) and value and not _VALUE.search(value) for value in values)
            self.names = unique_names([str(value) if are_names else "" for value in values])
            if are_names:
                return None
        return dict(zip(self.names, values, strict=True))


def _batches(texts: list[bytes], limits: Limits, shape: RowShape) -> Iterator[Batch]:
    records: list[dict[str, str]] = []
    broken: list[str] = []
    for text in texts:
        stripped = text.strip(_AROUND)
        if not stripped or stripped in (b"[", b"]"):
            continue
        found = _records(stripped.rstrip(b","), limits, shape)
        if found is None:
            broken.append(stripped[:BROKEN_KEPT].decode("utf-8", "replace"))
        else:
            records += found
        if len(records) + len(broken) >= _ROWS_PER_BATCH:
            yield Batch(frame_of_records(records, limits.columns), tuple(broken), len(broken))
            records, broken = [], []
    if records or broken:
        yield Batch(frame_of_records(records, limits.columns), tuple(broken), len(broken))


def _records(text: bytes, limits: Limits, shape: RowShape) -> list[dict[str, str]] | None:
    """Return the rows of a text, none for one that is no row, None for one that cannot be read."""
    if len(text) > limits.document_bytes:
        return None
    try:
        value = decode_relaxed(text)
        row = shape.row(value) if isinstance(value, list) else value
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError):
        return None
    if not isinstance(row, dict):
        return [] if isinstance(value, list) else None
    if is_action(row):
        return []
    if not _LISTS.search(text) and len(text) <= limits.record_bytes:
        return [flatten(row, limits)]
    if not shape.is_paged and shape.looked_at < _LOOKED_AT:
        shape.looked_at += 1
        shape.is_paged = is_page(row)
    rows = find_rows(row) if shape.is_paged else [unwrapped(row)]
    return None if len(text) > limits.record_bytes * len(rows) else [flatten(found, limits) for found in rows]


def flatten(value: dict[str, Any], limits: Limits) -> dict[str, str]:
    """Return the leaves of a nested value as texts, named by their path; nulls are left out."""
    flat: dict[str, str] = {}
    stack: list[tuple[str, Any, int]] = [(str(key), value[key], 1) for key in reversed(value)]
    while stack and len(flat) < limits.columns:
        path, item, depth = stack.pop()
        if item is None:
            continue
        if isinstance(item, dict) and depth < limits.nesting:
            stack.extend((f"{path}.{key}", item[key], depth + 1) for key in reversed(item))
        elif isinstance(item, list) and depth < limits.nesting:
            places = list(enumerate(item[: limits.columns]))
            stack.extend((f"{path}[{place}]", element, depth + 1) for place, element in reversed(places))
        elif isinstance(item, str):
            flat[path] = item
        elif isinstance(item, bool):
            flat[path] = "true" if item else "false"
        elif isinstance(item, int | float):
            flat[path] = repr(item)
    return flat


def _objects(blocks: Iterator[bytes], limits: Limits, row_depth: int) -> Iterator[bytes]:
    """Yield the text of each object that is a row."""
    pending = b""
    at = start = depth = 0
    for block in blocks:
        pending += block
        row_depth = row_depth or _row_depth(pending)
        for match in _STRUCTURE.finditer(pending, at):
            sign = match.group()
            if sign == b'"':
                break  # A string that is not complete yet.
            at = match.end()
            if sign in (b"{", b"["):
                depth += 1
                if depth == row_depth:
                    start = match.start()
            elif sign in (b"}", b"]"):
                if depth == row_depth:
                    yield pending[start:at]
                depth = max(depth - 1, 0)
        else:
            at = len(pending)
        keep = min(start, at) if depth >= row_depth else at
        pending, at, start = pending[keep:], at - keep, max(start - keep, 0)
        if len(pending) > limits.record_bytes:
            raise LimitError(f"an object of more than {limits.record_bytes} bytes")
    if depth >= row_depth and pending[start:].strip():
        yield pending[start:]  # Cut off in the middle: counted as broken.


def is_map(head: bytes) -> bool:
    """Return whether an object holds rows under their keys: its first two values are objects that begin alike."""
    first = _KEYED.match(head)
    return first is not None and re.search(_NEXT_KEYED + re.escape(first[1]), head) is not None


def _row_depth(head: bytes) -> int:
    """Return how deep rows lie: in an array, in an array inside a wrapper, or one after the other."""
    if head.lstrip().startswith(b"["):
        return 2
    if _WRAPPER.match(head):
        return 3
    return 2 if is_map(head) else 1
