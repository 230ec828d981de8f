"""Bytes of unknown encoding as blocks of UTF-8.

Order of belief: a byte order mark; zero bytes in every second place (UTF-16 without a mark); UTF-8 where a line is
valid UTF-8; a code page for the lines that are not, so that a file glued together from two systems is read rightly
line by line. The code page is guessed from the lines that need one, and anew where the text ceases to look like the
language that it was guessed by. In the neighbourhood of such lines one that is valid UTF-8 by chance is read as what
it looks like.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

import polars as pl

from cloakroom.canonical.byte_order import marked_encoding, unmarked_utf16
from cloakroom.canonical.code_pages import CodePage, guess_code_page
from cloakroom.claims.sources import DamagedError, Peekable

_SAMPLE_BYTES = 64 << 10
_LINES_AT_ONCE = 2_000
_LINES_OF_PIECE = 40
_TELLING_SIGNS = 30
_LESS_LIKE = 1.0


class TextBlocks:
    """Blocks of valid UTF-8, cut anywhere between two characters.

    Attributes:
        encoding: What the bytes turned out to be; final once all blocks were taken.
    """

    def __init__(self, stream: Peekable, block_bytes: int) -> None:
        self._stream = stream
        self._block_bytes = block_bytes
        self._wide, self._skip = wide_encoding(stream.peek(_SAMPLE_BYTES))
        self._pages: dict[str, None] = {}
        self._page: CodePage | None = None
        self._usual = 0.0
        self._is_utf8_seen = False
        self._is_ascii = True

    @property
    def encoding(self) -> str:
        """Return the name of the encoding found so far."""
        if self._wide:
            return self._wide
        if not self._pages:
            return "ascii" if self._is_ascii else "utf-8"
        names = ["utf-8", *self._pages] if self._is_utf8_seen else list(self._pages)
        return f"mixed {' and '.join(names)}" if len(names) > 1 else names[0]

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
        damage: Exception | None = None
        while True:
            try:
                piece = self._stream.read(self._block_bytes)
            except DamagedError as error:  # What came before it is handed out first.
                damage, piece = error, b""
            if not piece:
                break
            end = piece.rfind(b"\n") + 1
            if end == 0:
                carry += piece
                if len(carry) >= 2 * self._block_bytes:
                    whole = len(carry) - _unfinished(carry)
                    yield self._as_utf8(carry[:whole])
                    carry = carry[whole:]
                continue
            block = b"".join((carry, memoryview(piece)[:end]))
            carry = piece[end:]
            yield self._as_utf8(block)
        if carry:
            yield self._as_utf8(carry)
        if damage is not None:
            raise damage

    def _as_utf8(self, block: bytes) -> bytes:
        if block.isascii():
            return block
        self._is_ascii = False
        if is_utf8(block):
            self._is_utf8_seen = True
            return block
        lines = block.splitlines(keepends=True)
        parts = [lines[start : start + _LINES_AT_ONCE] for start in range(0, len(lines), _LINES_AT_ONCE)]
        return b"".join(line for part in parts for line in self._lines_as_utf8(part))

    def _lines_as_utf8(self, lines: list[bytes]) -> Iterator[bytes]:
        marked = [line for line in lines if not line.isascii()]
        others = [line for line in marked if not _is_valid(line)]
        if others:
            pages = dict(self._pages)
            self._settle_page(b"".join(others))
            if len(others) > _LINES_OF_PIECE and not self._is_even(others):
                self._page, self._pages = None, pages
                yield from self._lines_of_several(lines)
                return
        if self._page is not None and len(others) == len(marked):
            yield b"".join(lines).decode(self._page.name, "replace").encode()
            return
        is_utf8_rare = 10 * len(others) > 9 * len(marked)
        for line in lines:
            if line.isascii():
                yield line
            elif _is_valid(line) and not (is_utf8_rare and self._is_chance(line)):
                self._is_utf8_seen = True
                yield line
            else:
                assert self._page is not None
                yield line.decode(self._page.name, "replace").encode()

    def _lines_of_several(self, lines: list[bytes]) -> Iterator[bytes]:
        """Decode lines among which another code page begins: each by the page that it looks most like."""
        others = [line for line in lines if not _is_valid(line)]
        for start in range(0, len(others), _LINES_OF_PIECE):
            self._settle_page(b"".join(others[start : start + _LINES_OF_PIECE]))
        pages = [CodePage(name) for name in self._pages]
        for line in lines:
            if _is_valid(line):
                self._is_utf8_seen |= not line.isascii()
                yield line
            else:
                texts = [(page.likeness(text := line.decode(page.name, "replace")), text) for page in pages]
                yield max(texts, key=lambda item: item[0])[1].encode()

    def _settle_page(self, sample: bytes) -> None:
        """Guess the code page of lines, or keep the one at hand where they look as the earlier ones did."""
        signs = _signs(sample[:_SAMPLE_BYTES])
        if self._page is not None and (
            signs < _TELLING_SIGNS or _likeness(self._page, sample) > self._usual - _LESS_LIKE
        ):
            return
        self._page = guess_code_page(sample, preferred=self._pages)
        self._pages[self._page.name] = None
        self._usual = _likeness(self._page, sample)

    def _is_even(self, lines: list[bytes]) -> bool:
        """Return whether lines look alike under the page at hand, from the first to the last."""
        assert self._page is not None
        middle = len(lines) // 2
        parts = [lines[:_LINES_OF_PIECE], lines[middle : middle + _LINES_OF_PIECE], lines[-_LINES_OF_PIECE:]]
        pieces = [piece for part in parts if _signs(piece := b"".join(part)) >= _TELLING_SIGNS]
        found = [_likeness(self._page, piece) for piece in pieces]
        return not found or min(found) > max(self._usual, *found) - _LESS_LIKE

    def _is_chance(self, line: bytes) -> bool:
        """Return whether a line that is valid UTF-8 looks more like the code page around it."""
        page = self._page
        return page is not None and page.likeness(line.decode(page.name, "replace")) > page.likeness(line.decode())


def _unfinished(block: bytes) -> int:
    """Return how many bytes at the end may begin a sign of UTF-8 that goes on."""
    for count in range(1, min(len(block), 3) + 1):
        last = block[-count]
        if last & 0xC0 != 0x80:
            length = 4 if last >= 0xF0 else 3 if last >= 0xE0 else 2 if last >= 0xC0 else 1
            return count if length > count else 0
    return 0


def _signs(sample: bytes) -> int:
    return sum(byte > 0x7F for byte in sample)


def _is_valid(line: bytes) -> bool:
    """Return whether one line is UTF-8."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _likeness(page: CodePage, sample: bytes) -> float:
    """Return how well a sample looks like a page's language, by sign."""
    text = sample[:2000].decode(page.name, "replace")
    return page.likeness(text) / max(sum(sign > "\x7f" for sign in text), 1)


def is_utf8(block: bytes) -> bool:
    """Return whether bytes are valid UTF-8; ten times as fast as decoding them."""
    try:
        pl.Series([block]).cast(pl.String)
    except pl.exceptions.PolarsError:
        return False
    return True


def wide_encoding(head: bytes) -> tuple[str | None, int]:
    """Return the encoding that the first bytes settle, or None, and how many bytes the mark takes."""
    return marked_encoding(head) or (unmarked_utf16(head), 0)
