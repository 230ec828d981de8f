"""Lines of a file in a code page, among which some may be UTF-8.

Files are put together: two exports one after the other, rows that two programs appended. A code page reads nearly
any bytes, so a line of UTF-8 would become ``MÃ¼ller`` and be stored. Line by line it shows: text beyond ASCII in a
code page is valid UTF-8 hardly ever, and where it is, the signs are none that people write.

- A line that is UTF-8 beyond doubt is decoded as such where the code page was guessed, refused where it was stated.
- A line that holds both is refused: which of its bytes are what, nobody knows.
- In a file of both, a letter of UTF-8 that was cut in the middle is refused too, not read in the code page.

What is refused is marked in its place, as `physical_lines` does with bytes that do not decode.
"""

from __future__ import annotations

import codecs
import re

import numpy as np

from cloakroom.adapters.deliveries.undecodable import HANDLER, UNDECODABLE

_LATIN = frozenset(
    {"cp1252", "cp1250", "cp1254", "cp1257", "iso8859-1", "iso8859-2", "iso8859-9", "iso8859-15", "latin-1"}
)
_BY_TWO = frozenset({"cp932", "shift_jis", "gb18030", "gbk", "gb2312", "big5", "cp949", "euc_kr", "euc_jp"})
# Blocks of signs that names and addresses are written with; what two bytes of a code page look like lies outside.
_USUAL = re.compile(
    "[\u0000-\u017f\u0218-\u021b\u0300-\u0304\u0308\u030c\u0327\u0386-\u03ce\u0400-\u045f\u0490\u0491\u05b0-\u05ea"
    "\u060c-\u06d3\u0e01-\u0e5b\u1e00-\u1eff\u2010-\u203a\u20ac\u2116\u2122\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3"
    "\uff01-\uffe6\U0001f300-\U0001faff\ufe0f]*"
)
_BEYOND = re.compile("[\u0080-\U0010ffff]+")
_WITHIN = re.compile(rb"[\xc2\xc3][\x80-\xbf]|\xe2\x80[\x90-\xba]|\xe2\x82\xac")
_CUT = re.compile(
    rb"(?<=[a-z\x80-\xff])[\xc2-\xde](?=[\x00-\x40\x5b-\x60\x7b-\x7f]|\Z)"
    rb"|[\xe0-\xef][\x80-\x84\x86-\x90\x95\x98\x9a-\xaa\xac\xad\xaf\xb1-\xb9\xbc-\xbf](?=[\x00-\x7f]|\Z)"
)
_WORD = re.compile(r"[^\W\d_]+")
_LETTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_CUT_MAX = 3
_MIXED_SHARE = 20
_ASCII = b"\r\n ,;AZaz09"
_LINE_MAX = 16 * 1024 * 1024


def is_code_page(encoding: str) -> bool:
    """Return whether lines of an encoding can be told apart, and looked at, byte by byte."""
    if encoding.startswith(("utf", "iso2022", "hz")):
        return False
    try:
        return _ASCII.decode(encoding).encode() == _ASCII
    except UnicodeError:
        return False


class CodePageDecoder:
    """Decodes whole lines, as an incremental decoder does.

    Args:
        page: Name of the code page.
        newline: End of a line.
        is_stated: The mapping names the page: then nothing else is taken.
        is_mixed: Lines of UTF-8 were seen before.
    """

    def __init__(self, page: str, newline: str, *, is_stated: bool, is_mixed: bool) -> None:
        self._page = page
        self._newline = newline.encode()
        self._is_stated = is_stated
        self._is_mixed = is_mixed
        self._kept = b""

    def decode(self, data: bytes, *, final: bool = False) -> str:
        """Return the text of the lines that are whole by now."""
        data = self._kept + data
        end = len(data) if final else data.rfind(self._newline) + 1
        if end == 0 and len(data) > _LINE_MAX:  # Far beyond every limit: whatever it becomes, it is refused.
            end = len(data)
        self._kept = data[end:]
        return self._text(data[:end])

    def _text(self, whole: bytes) -> str:
        if not self._is_mixed and not _has_pairs(whole):
            return whole.decode(self._page, HANDLER)
        lines = whole.split(self._newline)
        end = self._newline.decode()
        return end.join([line.decode("ascii") if line.isascii() else self._line(line) for line in lines])

    def _line(self, line: bytes) -> str:
        text = utf8_beyond_doubt(line, self._page)
        if text is not None:
            return _BEYOND.sub(UNDECODABLE, text) if self._is_stated else text
        if self._page in _LATIN:
            found = bool(_WITHIN.search(line)) or (self._is_mixed and bool(_CUT.search(line)))
            if found:
                return _marked(line, self._page, is_mixed=self._is_mixed)
        return line.decode(self._page, HANDLER)


def utf8_beyond_doubt(line: bytes, page: str) -> str | None:
    """Return a line with signs beyond ASCII as UTF-8, or None where it is rather text of a code page."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return None
    beyond = "".join(_BEYOND.findall(text))
    if not beyond or _USUAL.fullmatch(beyond) is None:
        return None
    if codecs.lookup(page).name in _BY_TWO:
        return text if len(beyond) > 1 and min(beyond) >= "\u0800" else None
    if page not in _LATIN and _is_words(line.decode(page, "replace")):
        return None
    return text if len(beyond) > 1 or beyond < "\u0180" or "\u2010" <= beyond <= "\u2122" else None


def _is_words(text: str) -> bool:
    """Return whether signs beyond ASCII make words of one case: Russian of DOS can be valid UTF-8 by chance."""
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    letters = sum(sign > "\x7f" for word in words for sign in word)
    return letters == sum(sign > "\x7f" for sign in text) and all(
        word.islower() or word.isupper() or word.istitle() for word in words
    )


def decoded_lines(data: bytes, page: str) -> tuple[str, bool]:
    """Return the beginning of a file in a code page as text, and whether lines of it are UTF-8."""
    lines = [(line, utf8_beyond_doubt(line, page)) for line in data.split(b"\n")]
    text = "\n".join([line.decode(page, "replace") if other is None else other for line, other in lines])
    return text, any(other is not None for _, other in lines)


def lines_of_a_code_page(sample: bytes) -> bytes | None:
    """Return the header and the lines by which a code page is guessed; None where UTF-8 is only damaged in places."""
    first, *lines = sample.split(b"\n")
    beyond = [line for line in lines if not line.isascii()]
    others = [line for line in beyond if utf8_beyond_doubt(line, "cp1252") is None]
    if (len(beyond) - len(others)) * _MIXED_SHARE >= len(beyond):
        others = [line for line in others if not _is_damaged(line)]
        if not others and _is_utf8(first):
            return None
    return b"\n".join([first, *others])


def _is_damaged(line: bytes) -> bool:
    """Return whether a line that is no UTF-8 is so but for one letter that was cut."""
    rest = _LETTER.sub(b"", line)
    lost = sum(byte > 0x7F for byte in rest)
    return lost <= _CUT_MAX and (len(rest) < len(line) or _CUT.search(line) is not None)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _marked(line: bytes, page: str, *, is_mixed: bool) -> str:
    """Return a line with a mark in the place of what may be UTF-8."""
    parts: list[str] = []
    at = 0
    places = sorted({*_WITHIN.finditer(line), *(_CUT.finditer(line) if is_mixed else ())}, key=re.Match.start)
    for place in places:
        if place.start() >= at:
            parts += (line[at : place.start()].decode(page, HANDLER), UNDECODABLE)
            at = place.end()
    return "".join([*parts, line[at:].decode(page, HANDLER)])


def _has_pairs(data: bytes) -> bool:
    """Return whether some byte that begins a letter in UTF-8 stands before one that goes on."""
    signs = np.frombuffer(data, np.uint8)
    first, second = signs[:-1], signs[1:]
    return bool(((first >= 0xC2) & (first <= 0xF4) & (second >= 0x80) & (second <= 0xBF)).any())
