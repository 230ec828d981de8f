"""Looks at the beginning of a file and picks its reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Protocol

import msgspec

from cloakroom.claims.decoding import TextBlocks, wide_encoding
from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.bson_rows import looks_like_bson, read_bson
from cloakroom.claims.readers.columnar import read_parquet
from cloakroom.claims.readers.delimited import read_delimited
from cloakroom.claims.readers.dialect import detect_dialect
from cloakroom.claims.readers.json_rows import is_map, read_json_lines, read_json_objects
from cloakroom.claims.readers.pasted import read_pasted
from cloakroom.claims.readers.prose import kind_of_text, read_prose
from cloakroom.claims.readers.read_ahead import read_ahead
from cloakroom.claims.readers.sql_rows import read_sql
from cloakroom.claims.readers.workbook import read_workbook
from cloakroom.claims.readers.xml_rows import read_xml
from cloakroom.claims.tables import Batch, Reading, Wanted
from cloakroom.errors import LimitError

_HEAD_BYTES = 64 << 10
_SQL = re.compile(
    r"^\s*(?:insert\s+into|insert\s+\[|replace\s+into|create\s+table|copy\s+\S+.*from\s+stdin)",
    re.IGNORECASE | re.MULTILINE,
)
_WRAPPED = re.compile(r"\{[^{}\[\]]*+\[\s*\{")
_BINARY = {
    b"SQLite format 3\0": "an SQLite database", b"%PDF": "a PDF", b"\xd0\xcf\x11\xe0": "an old Office document",
    b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"\x7fELF": "a program", b"MZ\x90": "a program",
    b"GIF8": "a picture", b"PGDMP": "a PostgreSQL custom dump",
}  # fmt: skip


class Source(Protocol):
    """A file to be read."""

    def peek(self, size: int, /) -> bytes:
        """Return the next bytes without taking them."""
        ...

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        ...


def open_leaf(name: str, stream: Source, limits: Limits) -> Reading:
    """Return the rows of one file.

    Args:
        name: Its name, a hint only.
        stream: Its bytes.
        limits: What it may cost.

    Raises:
        ValueError: Its form is one that is not read; the message names the form.
    """
    head = stream.peek(_HEAD_BYTES)
    for signature, what in _BINARY.items():
        if head.startswith(signature):
            raise ValueError(f"{what}, which is not read")
    if head.startswith(b"PK\x03\x04"):
        return Reading("xlsx", None, _whole(stream, limits, read_workbook))
    if head.startswith(b"PAR1"):
        return Reading("parquet", None, _whole(stream, limits, read_parquet))
    if looks_like_bson(head) and wide_encoding(head)[0] is None:
        return Reading("bson", None, read_bson(stream, limits))
    if not head.strip(b"\0 \r\n"):
        return Reading("empty", None, _drain(stream, limits))
    return _open_text(name, stream, limits)


def _open_text(name: str, stream: Source, limits: Limits) -> Reading:
    texts = TextBlocks(stream, limits.block_bytes)
    blocks: Iterator[bytes] = iter(texts)
    first = next(blocks, b"")
    if b"\n" not in first and b"\r" in first:  # Line ends of old Macintoshes.
        first, blocks = first.replace(b"\r", b"\n"), (block.replace(b"\r", b"\n") for block in blocks)
    head = first[:_HEAD_BYTES].decode("utf-8", "replace")
    # Reading and decoding, cutting, and working out are three steps of about the same length.
    whole = chain([first], read_ahead(blocks))
    wanted = Wanted()
    form, batches = _text_reader(name, head, whole, limits, wanted, is_all=len(first) < _HEAD_BYTES)
    reading = Reading(form, texts.encoding, iter(()), wanted=wanted)

    def until_end() -> Iterator[Batch]:
        yield from batches
        reading.encoding = texts.encoding

    reading.batches = until_end()
    return reading


def _text_reader(  # noqa: PLR0911 - one return for each form
    name: str, head: str, blocks: Iterator[bytes], limits: Limits, wanted: Wanted, *, is_all: bool
) -> tuple[str, Iterator[Batch]]:
    start = head.lstrip("\ufeff \t\r\n")
    if _WRAPPED.match(start) and (is_all or "\n" not in start.rstrip()) and _is_object(start):
        return "json", read_json_objects(blocks, limits)
    if is_map(start.encode()) and (is_all or "\n" not in start.rstrip() or not _is_object(start.split("\n", 1)[0])):
        return "json", read_json_objects(blocks, limits)
    if start.startswith("{") and (_is_object(start.split("\n", 1)[0]) or _is_object_below(start)):
        return "jsonl", read_json_lines(blocks, limits)
    if start.startswith(("{", "[")) and re.match(r'[\[{]\s*(?:[\[{"]|$)', start):
        return "json", read_json_objects(blocks, limits)
    if _SQL.search(head):
        return "sql", read_sql(blocks, limits)
    kind = kind_of_text(name, start)
    if kind == "xml":
        return kind, read_xml(blocks, limits)
    dialect = detect_dialect(head if not is_all else head + "\n\n")
    if dialect is not None and not (kind in ("yaml", "log") and dialect.delimiter in ":, "):
        if dialect.is_pasted:
            return "text", read_pasted(blocks, dialect, limits)
        return "tsv" if dialect.delimiter == "\t" else "csv", read_delimited(blocks, dialect, limits, wanted)
    return kind, read_prose(blocks, kind, limits)


def _is_object(line: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(line.strip().rstrip(",")), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def _is_object_below(text: str) -> bool:
    """Answer whether most of the first lines are objects, although the first one is broken."""
    lines = [line for line in text.split("\n")[:20] if line.strip()]
    return len(lines) > 2 and sum(map(_is_object, lines)) > len(lines) / 2


def _whole(stream: Source, limits: Limits, reader: object) -> Iterator[Batch]:
    data = stream.read(limits.nested_bytes + 1)
    if len(data) > limits.nested_bytes:
        raise LimitError(f"a file of this form of more than {limits.nested_bytes} bytes")
    yield from reader(data, limits)  # type: ignore[operator]


def _drain(stream: Source, limits: Limits) -> Iterator[Batch]:
    while block := stream.read(limits.block_bytes):
        if block.strip(b"\0 \r\n"):
            raise ValueError("begins with zeros, then something else")
    return
    yield
