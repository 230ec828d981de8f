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
from cloakroom.claims.readers.json_documents import Tables, closed, find_tables, is_action
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
_NO_ROW: dict[str, str] = {"": ""}


def read_json_lines(blocks: Iterator[bytes], limits: Limits) -> Iterator[Batch]:
    """Yield one row for each line that holds an object; other lines are rejected."""
    carry = b""
    for block in blocks:
        lines = (carry + block).split(b"\n")
        carry = lines.pop()
        yield from _batches(lines, limits)
        if len(carry) > limits.record_bytes:
            raise LimitError(f"a line of more than {limits.record_bytes} bytes")
    if carry.strip(b"\0 \r\n\x1a"):
        yield from _batches([carry], limits)


def read_json(blocks: Iterator[bytes], limits: Limits) -> Iterator[Batch]:
    """Yield the rows of a JSON document wherever they lie in it; one too large to be held, object by object."""
    held: list[bytes] = []
    size = 0
    for block in blocks:
        held.append(block)
        size += len(block)
        if size > limits.document_bytes:
            yield from read_json_objects(chain(held, blocks), limits)
            return
    yield from _of_document(b"".join(held), limits)


def _of_document(data: bytes, limits: Limits) -> Iterator[Batch]:
    """Yield the rows of a whole document; of one that ends too early, what there is; of many, each object."""
    value = _decoded(data)
    tail = ""
    if value is None and (value := _decoded(kept := closed(data))) is not None:
        tail = data[len(kept.rstrip(b"]}")) :][:BROKEN_KEPT].decode("utf-8", "replace")
    if value is None:
        yield from read_json_objects(iter([data]), limits)
        return
    tables = Tables()
    find_tables(value, tables)
    for section, rows in enumerate(tables.personal()):
        for start in range(0, len(rows), _ROWS_PER_BATCH):
            records = [flatten(row, limits) for row in rows[start : start + _ROWS_PER_BATCH]]
            yield Batch(frame_of_records(records, limits.columns), section=section)
    if tail.strip():
        yield Batch(pl.DataFrame(), (tail,), 1)


def _decoded(data: bytes) -> Any:
    """Return the value of a document, None where it is none."""
    try:
        value = decode_relaxed(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def read_json_objects(blocks: Iterator[bytes], limits: Limits) -> Iterator[Batch]:
    """Yield one row for each object of an array, wherever the array lies, or of a sequence of objects."""
    objects: list[bytes] = []
    names = ArrayNames()
    for text in _objects(blocks, limits):
        objects.append(text)
        if len(objects) >= _ROWS_PER_BATCH // 5:
            yield from _batches(objects, limits, names)
            objects = []
    yield from _batches(objects, limits, names)


@dataclass(slots=True)
class ArrayNames:
    """Names of the columns of rows that are arrays: those of the first, where it holds nothing but names."""

    names: list[str] = field(default_factory=list)

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


def _batches(texts: list[bytes], limits: Limits, names: ArrayNames | None = None) -> Iterator[Batch]:
    for start in range(0, len(texts), _ROWS_PER_BATCH):
        records: list[dict[str, str]] = []
        broken: list[str] = []
        for text in texts[start : start + _ROWS_PER_BATCH]:
            stripped = text.strip()
            if not stripped or stripped in (b"[", b"]"):
                continue
            record = _record(stripped.rstrip(b","), limits, names or ArrayNames())
            if record is _NO_ROW:
                continue
            if record is None:
                broken.append(stripped[:BROKEN_KEPT].decode("utf-8", "replace"))
            else:
                records.append(record)
        if records or broken:
            yield Batch(frame_of_records(records, limits.columns), tuple(broken), len(broken))


def _record(text: bytes, limits: Limits, names: ArrayNames) -> dict[str, str] | None:
    if len(text) > limits.record_bytes:
        return None
    try:
        value = decode_relaxed(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    if is_action(value):
        return _NO_ROW
    if isinstance(value, list):
        try:
            row = names.row(value)
        except ValueError:
            return None
        return _NO_ROW if row is None else flatten(row, limits)
    return flatten(value, limits) if isinstance(value, dict) else None


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


def _objects(blocks: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    """Yield the text of each object that is a row."""
    pending = b""
    at = start = depth = 0
    row_depth = 0
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
