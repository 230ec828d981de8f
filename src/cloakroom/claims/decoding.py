"""Bytes of unknown encoding as blocks of UTF-8.

Order of belief: a byte order mark; zero bytes in every second place (UTF-16 without a mark); UTF-8 where a line is
valid UTF-8; a code page for the lines that are not, so that a file glued together from two systems is read rightly
line by line. The code page is guessed once, from the first lines that need one; among the Latin ones Windows-1252
is taken, since it holds whatever ISO 8859-1 holds in practice.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Protocol

import polars as pl
from charset_normalizer import from_bytes

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CODE_PAGES = [
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp932",
    "gb18030",
    "big5",
    "euc_kr",
]
_SAMPLE_BYTES = 64 << 10


class Peekable(Protocol):
    """A stream that can be looked at before it is read."""

    def peek(self, size: int, /) -> bytes:
        """Return the next bytes without taking them."""
        ...

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        ...


class TextBlocks:
    """Blocks of valid UTF-8, cut anywhere between two characters.

    Attributes:
        encoding: What the bytes turned out to be; final once all blocks were taken.
    """

    def __init__(self, stream: Peekable, block_bytes: int) -> None:
        self._stream = stream
        self._block_bytes = block_bytes
        self._wide, self._skip = wide_encoding(stream.peek(_SAMPLE_BYTES))
        self._code_page: str | None = None
        self._is_utf8_seen = False
        self._is_ascii = True

    @property
    def encoding(self) -> str:
        """Name the encoding found so far."""
        if self._wide:
            return self._wide
        if self._code_page is None:
            return "ascii" if self._is_ascii else "utf-8"
        return f"mixed utf-8 and {self._code_page}" if self._is_utf8_seen else self._code_page

    def __iter__(self) -> Iterator[bytes]:
        """Yield the blocks."""
        self._stream.read(self._skip)
        return self._wide_blocks(self._wide) if self._wide and self._wide != "utf-8" else self._narrow_blocks()

    def _wide_blocks(self, encoding: str) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        while True:
            piece = self._stream.read(self._block_bytes)
            text = decoder.decode(piece, final=not piece)
            if text:
                yield text.encode("utf-8", "replace")
            if not piece:
                return

    def _narrow_blocks(self) -> Iterator[bytes]:
        carry = b""
        while True:
            piece = self._stream.read(self._block_bytes)
            if not piece:
                break
            end = piece.rfind(b"\n") + 1
            if end == 0:
                carry += piece
                if len(carry) >= 2 * self._block_bytes:
                    yield self._as_utf8(carry)
                    carry = b""
                continue
            block = b"".join((carry, memoryview(piece)[:end]))
            carry = piece[end:]
            yield self._as_utf8(block)
        if carry:
            yield self._as_utf8(carry)

    def _as_utf8(self, block: bytes) -> bytes:
        if block.isascii():
            return block
        self._is_ascii = False
        if not is_utf8(block):
            return b"".join(map(self._line_as_utf8, block.splitlines(keepends=True)))
        self._is_utf8_seen = True
        return block

    def _line_as_utf8(self, line: bytes) -> bytes:
        if line.isascii():
            return line
        try:
            line.decode()
        except UnicodeDecodeError:
            if self._code_page is None:
                self._code_page = code_page(line)
            return line.decode(self._code_page, "replace").encode()
        self._is_utf8_seen = True
        return line


def is_utf8(block: bytes) -> bool:
    """Answer whether bytes are valid UTF-8; ten times as fast as decoding them."""
    try:
        pl.Series([block]).cast(pl.String)
    except pl.exceptions.PolarsError:
        return False
    return True


def wide_encoding(head: bytes) -> tuple[str | None, int]:
    """Return the encoding that the first bytes settle, or None, and how many bytes the mark takes."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    sample = head[: len(head) // 2 * 2]
    if len(sample) < 8:
        return None, 0
    even, odd = sample[0::2].count(0) * 2 / len(sample), sample[1::2].count(0) * 2 / len(sample)
    # Even a text in Chinese has line ends, digits and separators, whose second byte is zero.
    if odd > 0.15 and even < odd / 8:
        return "utf-16-le", 0
    if even > 0.15 and odd < even / 8:
        return "utf-16-be", 0
    return None, 0


def code_page(sample: bytes) -> str:
    """Guess the code page of bytes that are no UTF-8."""
    high = bytes(byte for byte in sample if byte >= 0x80)
    if len(high) < 6:  # Too little to tell a script from: accented letters between ASCII ones.
        return "cp1252"
    best = from_bytes(sample[:4096], cp_isolation=_CODE_PAGES).best()
    return "cp1252" if best is None else str(best.encoding)
