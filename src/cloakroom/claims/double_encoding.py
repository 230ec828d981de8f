"""Undo double encoding: UTF-8 that some system took for a single-byte encoding, and encoded once more.

``Zoé`` becomes ``ZoÃ©`` that way. A text is mended only where all of its letters beyond ASCII, put back into bytes of
one such encoding, are whole UTF-8; hardly any text that people write is.
"""

from __future__ import annotations

from functools import lru_cache
from unicodedata import category

_ENCODINGS = ("cp1252", "mac_roman", "cp1250", "cp437", "cp850", "cp1251", "cp1254")
_TIMES = 3
_NO_SIGNS = ("Cn", "Co", "Cs")


@lru_cache(maxsize=len(_ENCODINGS))
def _bytes_of(encoding: str) -> dict[int, int | None]:
    """Return the byte of each sign; bytes that an encoding leaves undefined are control signs in practice."""
    found: dict[int, int | None] = {}
    for byte in range(0x80, 0x100):
        found.setdefault(byte if byte < 0xA0 else 0x110000, byte)
        try:
            found[ord(bytes([byte]).decode(encoding))] = byte
        except UnicodeDecodeError:
            found[byte] = byte
    return found


def undo_double_encoding(text: str) -> str:
    """Return a text as it was before it was encoded twice or more; other texts as they are."""
    for _ in range(_TIMES):
        if text.isascii():
            return text
        mended = next((found for encoding in _ENCODINGS if (found := _undone(text, encoding)) is not None), None)
        if mended is None:
            return text
        text = mended
    return text


def _undone(text: str, encoding: str) -> str | None:
    known = _bytes_of(encoding)
    taken = bytearray()
    for sign in text:
        code = ord(sign)
        byte = code if code < 0x80 else known.get(code)
        if byte is None:
            return None
        taken.append(byte)
    try:
        found = taken.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return found if all(category(sign) not in _NO_SIGNS for sign in found) else None
