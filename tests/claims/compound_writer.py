"""Writers of compound files and old workbooks, by hand from [MS-CFB] and [MS-XLS]."""

from __future__ import annotations

import struct
from collections.abc import Sequence

SECTOR = 512
FREE, END, TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def compound(streams: dict[str, bytes], *, small: bool = False) -> bytes:
    """Return a compound file; `small` lets short streams lie in the small sectors, as they do in real ones."""
    body: list[bytes] = []
    following: list[int] = []

    def chain(data: bytes) -> int:
        sectors = [data[at : at + SECTOR].ljust(SECTOR, b"\0") for at in range(0, len(data), SECTOR)]
        first = len(body)
        body.extend(sectors)
        following.extend([*range(first + 1, first + len(sectors)), END])
        return first if sectors else END

    entries: list[tuple[str, int, int, int]] = []
    small_data, small_next = b"", []
    for name, data in streams.items():
        if small and len(data) < 4096:
            first = len(small_data) // 64
            count = -(-len(data) // 64)
            small_data += data.ljust(count * 64, b"\0")
            small_next += [*range(first + 1, first + count), END]
            entries.append((name, 2, first, len(data)))
        else:
            stored = data if small else data.ljust(4096, b"\0")
            entries.append((name, 2, chain(stored), len(stored)))
    small_root = chain(small_data) if small_data else END
    small_table = chain(struct.pack(f"<{len(small_next)}I", *small_next)) if small_next else END
    entries.insert(0, ("Root Entry", 5, small_root, len(small_data)))
    directory = chain(b"".join(_entry(number, len(entries), *entry) for number, entry in enumerate(entries)))
    tables = 1
    while (len(body) + tables) * 4 > tables * SECTOR:
        tables += 1
    first_table = len(body)
    numbers = [*following, *[TABLE] * tables]
    numbers += [FREE] * (tables * SECTOR // 4 - len(numbers))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6xI", 0x3E, 3, 0xFFFE, 9, 6, 0)
    header += struct.pack("<IIIIIIII", tables, directory, 0, 4096, small_table, 1 if small_next else 0, END, 0)
    places = [*range(first_table, first_table + tables)]
    header += struct.pack("<109I", *places, *[FREE] * (109 - tables))
    return header + b"".join(body) + struct.pack(f"<{len(numbers)}I", *numbers)


def _entry(number: int, count: int, name: str, kind: int, first: int, size: int) -> bytes:
    raw = name.encode("utf-16-le") + b"\0\0"
    right = number + 1 if 0 < number < count - 1 else FREE
    child = 1 if number == 0 and count > 1 else FREE
    head = raw.ljust(64, b"\0") + struct.pack("<HBBIII", len(raw), kind, 1, FREE, right, child)
    return head + bytes(36) + struct.pack("<IQ", first, size)


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _text(text: str, length: str) -> bytes:
    raw = text.encode("utf-16-le")
    return struct.pack(f"<{length}B", len(raw) // 2, 1) + raw


def old_workbook(rows: Sequence[Sequence[str]], *, extra: bytes = b"", small: bool = False) -> bytes:
    """Return a workbook of Excel 97 of one sheet, its texts shared between cells, as Excel writes them."""
    texts = sorted({cell for row in rows for cell in row})
    place = {text: number for number, text in enumerate(texts)}
    total = sum(map(len, rows))
    shared = _shared_strings(texts, total)
    begin = _record(0x809, struct.pack("<HHHHII", 0x600, 5, 0x1CA9, 0x7CD, 0, 0x6))
    code_page = _record(0x42, struct.pack("<H", 1200))
    name = _text("Customers", "B")
    head_size = len(begin) + len(extra) + len(code_page) + 4 + 6 + len(name) + len(shared) + 4
    sheet = _record(0x85, struct.pack("<IH", head_size, 0) + name)
    globals_ = begin + extra + code_page + sheet + shared + _record(0x0A, b"")
    cells = _record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0x1CA9, 0x7CD, 0, 0x6))
    cells += _record(0x200, struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows)), 0))
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            cells += _record(0xFD, struct.pack("<HHHI", row, column, 0, place[value]))
    return compound({"Workbook": globals_ + cells + _record(0x0A, b"")}, small=small)


def _shared_strings(texts: list[str], total: int) -> bytes:
    """Return the table of texts; a record holds 8,224 bytes, whole texts here, and is continued in the next ones."""
    records = [struct.pack("<II", total, len(texts))]
    for text in texts:
        raw = _text(text, "H")
        if len(records[-1]) + len(raw) > 8000:
            records.append(b"")
        records[-1] += raw
    return _record(0xFC, records[0]) + b"".join(_record(0x3C, record) for record in records[1:])
