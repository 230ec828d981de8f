"""XLSX workbooks and ODS documents: cells as they were last shown, formulas never computed.

The content of an ODS document is read as the markup that it is, since its rows and cells say how often they stand
there, usually a million times at the end.

The parser holds a sheet as a full rectangle. Before it sees the file, the parts inside are measured: their real
unpacked size, and the rectangle that the cells span, since two cells in opposite corners would make it ask for
gigabytes. Definitions of entities are refused.
"""

from __future__ import annotations

import codecs
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import IO, Any

import fastexcel
import polars as pl

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.markup_tables import read_markup
from cloakroom.claims.readers.table_layout import detect_layout
from cloakroom.claims.sources import NotReadError
from cloakroom.claims.tables import Batch, unique_names
from cloakroom.errors import CloakroomError, LimitError

_CELL = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_SPAN = re.compile(rb'<dimension[^>]*ref="[A-Z]{1,3}\d{1,7}(?::([A-Z]{1,3})(\d{1,7}))?"')
CELLS_MAX = 12_000_000
_PIECE = 1 << 20
_BEGINNING = 64
_CONTENT = "content.xml"


def read_workbook(data: bytes, limits: Limits) -> Iterator[Batch]:
    """Yield the rows of every sheet.

    Raises:
        LimitError: Its parts are too large once unpacked.
        ValueError: It is no workbook that can be read.
    """
    try:
        _measure(data, limits)
    except CloakroomError:
        raise
    except Exception as error:  # the library of zip files raises whatever it meets in a stranger's bytes
        raise ValueError("not a readable workbook") from error
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if _CONTENT in archive.namelist():
            with archive.open(_CONTENT) as part:
                yield from read_markup(_blocks(part, limits), limits)
            return
    yield from sheets_of(data)


def sheets_of(data: bytes) -> Iterator[Batch]:
    """Yield the rows of every sheet of a workbook that was measured.

    Raises:
        ValueError: It is no workbook that can be read.
    """
    book = _parsed(lambda: fastexcel.read_excel(data), "not a readable workbook")
    for number, _ in enumerate(book.sheet_names):
        frame = _parsed(
            lambda number=number: book.load_sheet(number, header_row=None, dtypes="string").to_polars(),  # type: ignore[misc]
            f"sheet {number + 1} cannot be read",
        )
        if frame.height and frame.width:
            yield _as_batch(frame.cast(pl.String), number)


def _parsed(parse: Callable[[], Any], words: str) -> Any:
    """Return what the library makes of a stranger's bytes.

    Raises:
        ValueError: It stumbles over them; with `words`. It may also panic, which is no `Exception`.
    """
    try:
        return parse()
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        raise ValueError(words) from error


def _blocks(part: IO[bytes], limits: Limits) -> Iterator[bytes]:
    """Yield the text of a part of a document in blocks of valid UTF-8.

    Raises:
        NotReadError: It is no markup, as that of an encrypted document.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    first = part.read(_PIECE)
    if b"<" not in first[:_BEGINNING]:
        raise NotReadError("an encrypted document, which is not read")
    yield decoder.decode(first).encode()
    while piece := part.read(limits.block_bytes):
        yield decoder.decode(piece).encode()


def _as_batch(frame: pl.DataFrame, number: int) -> Batch:
    frame = frame.filter(~pl.all_horizontal(pl.all().fill_null("").str.strip_chars() == ""))
    head = frame.head(200)
    if frame.width == 1:
        lines = [str(row[0] or "") for row in head.rows()]
    else:
        lines = ["\x1f".join(_flat(cell) for cell in row) for row in head.rows()]
    layout = detect_layout("\n".join(lines))
    if layout is None or layout.header is None:
        names = unique_names([""] * frame.width)
        return Batch(frame.rename(dict(zip(frame.columns, names, strict=True))), section=number)
    cells = [_flat(cell) for cell in frame.row(layout.preamble)]
    names = unique_names(cells)
    body = frame.slice(layout.preamble + 1)
    return Batch(body.rename(dict(zip(frame.columns, names, strict=True))), section=number)


def _flat(cell: str | None) -> str:
    return " ".join((cell or "").replace("\x1f", " ").replace('"', "'").split())


def _measure(data: bytes, limits: Limits) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        total = 0
        for info in archive.infolist():
            if not info.filename.endswith((".xml", ".rels", ".bin", ".vml")):
                continue
            columns = rows = 1
            tail = b""
            with archive.open(info) as part:
                while piece := part.read(_PIECE):
                    total += len(piece)
                    if total > limits.sheet_bytes:
                        raise LimitError(f"a workbook of more than {limits.sheet_bytes} bytes once unpacked")
                    window = tail + piece
                    if b"<!DOCTYPE" in window or b"<!ENTITY" in window:
                        raise LimitError("a workbook that defines entities")
                    for letters, digits in _CELL.findall(window) + [
                        pair for pair in _SPAN.findall(window) if pair[1]
                    ]:
                        columns, rows = max(columns, _column(letters)), max(rows, int(digits))
                    tail = window[-64:]
            if columns * rows > CELLS_MAX:
                raise LimitError(f"a sheet that spans more than {CELLS_MAX} cells")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
