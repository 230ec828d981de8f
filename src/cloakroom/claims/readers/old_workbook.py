"""Workbooks of Excel 97 to 2003 (.xls), and what else lies in compound files: encrypted documents, old Office ones.

The cells are read by the same parser as those of later workbooks. It holds every sheet as a full rectangle, so the
records of the workbook are gone through before ([MS-XLS]): one with corners too far from each other is refused, and
one that is encrypted says so by a record of its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.compound_file import CompoundFile
from cloakroom.claims.readers.workbook import CELLS_MAX, sheets_of
from cloakroom.claims.sources import NotReadError
from cloakroom.claims.tables import Batch
from cloakroom.errors import LimitError

_OTHERS = {
    "EncryptedPackage": "an encrypted Office document", "EncryptionInfo": "an encrypted Office document",
    "WordDocument": "an old Word document", "PowerPoint Document": "an old PowerPoint document",
    "__properties_version1.0": "an Outlook message", "VisioDocument": "a Visio drawing",
}  # fmt: skip
_BOOKS = ("Workbook", "Book", "WORKBOOK", "BOOK")
_BEGIN, _ENCRYPTED = frozenset({0x0809, 0x0409, 0x0209, 0x0009}), 0x2F
_CELLS = frozenset({0x06, 0xBD, 0xBE, 0xD6, 0xFD, 0x201, 0x203, 0x204, 0x205, 0x27E, 0x406, 0x206})
_SEVERAL = frozenset({0xBD, 0xBE})
_RECORDS_MAX = 8_000_000


def read_compound(data: bytes, _: Limits) -> Iterator[Batch]:
    """Yield the rows of every sheet of an old workbook.

    Raises:
        NotReadError: It is encrypted, or no workbook.
        LimitError: A sheet is too large.
        ValueError: It is damaged.
    """
    file = CompoundFile(data)
    for name, what in _OTHERS.items():
        if name in file.streams:
            raise NotReadError(f"{what}, which is not read")
    book = next((name for name in _BOOKS if name in file.streams), None)
    if book is None:
        raise NotReadError("an old Office document, which is not read")
    _measure(file.stream(book))
    yield from sheets_of(data)


def _measure(book: bytes) -> None:
    """Go through the records of a workbook."""
    at, count, cells = 0, 0, 0
    rows = columns = 0
    while at + 4 <= len(book):
        kind, length = struct.unpack_from("<HH", book, at)
        if kind == _ENCRYPTED:
            raise NotReadError("an encrypted workbook, which is not read")
        if kind in _BEGIN:
            cells += rows * columns
            rows = columns = 0
        elif kind in _CELLS and length >= 6 and at + 8 <= len(book):
            row, column = struct.unpack_from("<HH", book, at + 4)
            last = int.from_bytes(book[at + 2 + length : at + 4 + length], "little") if kind in _SEVERAL else column
            rows, columns = max(rows, row + 1), max(columns, column + 1, last + 1)
        at += 4 + length
        count += 1
        if count > _RECORDS_MAX:
            raise LimitError(f"a workbook of more than {_RECORDS_MAX} records")
    if cells + rows * columns > CELLS_MAX:
        raise LimitError(f"a workbook whose sheets span more than {CELLS_MAX} cells")
