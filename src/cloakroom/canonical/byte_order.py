"""Unicode encodings told by the first bytes of a text: byte order marks, and the zero bytes of UTF-16 without one."""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LEAST_BYTES = 8
_LEAST_ZEROS = 0.15
_OTHER_ZEROS = 1 / 8


def marked_encoding(head: bytes) -> tuple[str, int] | None:
    """Return the encoding that a byte order mark tells and the length of the mark, or None where there is none."""
    return next(((name, len(mark)) for mark, name in _MARKS if head.startswith(mark)), None)


def unmarked_utf16(head: bytes) -> str | None:
    """Return ``utf-16-le`` or ``utf-16-be`` where every second byte is often zero, and the others hardly ever are.

    Even a text in Chinese has line ends, digits and separators, of which one byte is zero.
    """
    if len(head) < _LEAST_BYTES:
        return None
    even, odd = _zeros(head)
    if odd > _LEAST_ZEROS and even < odd * _OTHER_ZEROS:
        return "utf-16-le"
    if even > _LEAST_ZEROS and odd < even * _OTHER_ZEROS:
        return "utf-16-be"
    return None


def order_of_utf16(head: bytes) -> str:
    """Return the likelier of ``utf-16-le`` and ``utf-16-be`` for a text known to be one of them."""
    even, odd = _zeros(head)
    return "utf-16-be" if even > odd else "utf-16-le"


def _zeros(head: bytes) -> tuple[float, float]:
    """Return the share of zeros among the first bytes of pairs, and among the second."""
    pairs = max(len(head) // 2, 1)
    return head[0 : 2 * pairs : 2].count(0) / pairs, head[1 : 2 * pairs : 2].count(0) / pairs
