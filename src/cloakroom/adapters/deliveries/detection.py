"""Detect what kind of file a delivery is: format, encoding, delimiter, quote and line end, from its first bytes.

What the mapping says is taken as it is. For the rest, the mapping still is the best witness: of all encodings and
delimiters, those are taken under which the header shows the most of the columns that the mapping names.
"""

from __future__ import annotations

import codecs
import csv
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloakroom.adapters.deliveries.code_page_lines import decoded_lines, is_code_page, lines_of_a_code_page
from cloakroom.canonical.byte_order import marked_encoding, order_of_utf16, unmarked_utf16
from cloakroom.canonical.code_pages import guess_code_page
from cloakroom.canonical.delimiters import DELIMITERS
from cloakroom.errors import InputError, Position, Problem
from cloakroom.vault.mapping import FileKind

if TYPE_CHECKING:
    from cloakroom.vault.mapping import BrandMapping

_DELIMITERS = (*DELIMITERS, " ")
_HEADER_PAGES = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp850", "cp852"),
    *("mac_roman", "cp932", "euc_jp", "gb18030", "big5", "cp949", "koi8_r", "cp866", "cp874"),
)
_GUESS_BYTES = 65_536
_ORDER_BYTES = 4_096
_EVIDENT_SIGNS = 4
_OTHER_FORMATS = (
    (b"\xd0\xcf\x11\xe0", "an old Office document"), (b"%PDF", "a PDF"), (b"SQLite format 3\0", "an SQLite database"),
    (b"<?xml", "XML"), (b"<html", "HTML"), (b"<!DOCTYPE", "HTML"), (b"[", "a JSON array"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dialect:
    """The dialect of a text file.

    Attributes:
        quote: The quote character, or empty for none.
        escape: The character that takes the meaning from the next one, or empty for none.
        line_end: ``lf``, ``crlf`` or ``cr``.
        lines_before_rows: Physical lines up to and including the header.
        is_stated: The encoding is named by the mapping, not guessed.
        is_mixed: Lines of UTF-8 were seen in a file of another encoding.
    """

    encoding: str
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    line_end: str = "lf"
    lines_before_rows: int = 1
    is_stated: bool = False
    is_mixed: bool = False


def detect_kind(sample: bytes, mapping: BrandMapping, name: str) -> FileKind:
    """Return the format of a file.

    Raises:
        InputError: The file is of another format than the mapping says.
    """
    start = sample.lstrip(b"\xef\xbb\xbf \t\r\n")
    for signature, what in _OTHER_FORMATS:
        if start.startswith(signature) and not (
            signature == b"[" and not start[1:].lstrip().startswith((b"{", b"]"))
        ):
            raise InputError.at(name, f"is {what}; deliver it as CSV, JSON Lines (one object a line) or Parquet")
    if sample.startswith(b"PAR1"):
        found = FileKind.PARQUET
    elif sample.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1] == b"{":
        found = FileKind.JSON_LINES
    else:
        found = FileKind.CSV
    wanted = mapping.file_format.kind
    if wanted is None or wanted is found:
        return found
    raise InputError.at(name, f"looks like {found}, but {mapping.source} says {wanted}")


def detect_encoding(sample: bytes, mapping: BrandMapping, name: str, *, is_whole: bool) -> str:
    """Return the name of the codec under which the file is text.

    Args:
        sample: The beginning of the file.
        mapping: May name the encoding.
        name: Of the file, for messages.
        is_whole: The sample is the whole file.

    Raises:
        InputError: The file is not text in the encoding that the mapping names, from the header on or throughout.
    """
    stated = mapping.file_format.encoding
    if stated is not None:
        return _check_stated(sample, codecs.lookup(stated).name, mapping, name)
    marked = _marked_encoding(sample)
    if marked is not None:
        return marked
    unmarked = unmarked_utf16(sample[:_ORDER_BYTES])
    if unmarked is not None:
        return unmarked
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=is_whole)
    except UnicodeDecodeError:
        telling = lines_of_a_code_page(sample)
        if telling is not None:
            return _guess(telling, mapping)
    return "utf-8"


def _marked_encoding(sample: bytes) -> str | None:
    """Return the encoding that a byte order mark tells; its codec finds the order by the mark, and leaves it out."""
    marked = marked_encoding(sample)
    return None if marked is None else marked[0].removesuffix("-le").removesuffix("-be")


def _check_stated(sample: bytes, encoding: str, mapping: BrandMapping, name: str) -> str:
    """Accept the stated encoding unless the header, or every hundredth line, is no text in it."""
    marked = _marked_encoding(sample)
    if marked is not None and not encoding.startswith(marked):
        reason = f"begins with the mark of {marked}, but {mapping.source} says {encoding}"
        raise InputError.at(name, reason, line=1)
    if encoding.startswith(("utf-16", "utf-32")):
        if sample[:2048].count(0) == 0 and len(sample) > 8:
            raise InputError.at(name, f"is not {encoding}, as {mapping.source} says", line=1)
        # Without a mark, the codec itself gives up or takes the machine's own order of bytes.
        return encoding if marked is not None or encoding != "utf-16" else order_of_utf16(sample[:_ORDER_BYTES])
    _refuse_evident_utf8(sample, encoding, mapping, name)
    lines = sample.split(b"\n")[:-1] or [sample]
    bad = [number for number, line in enumerate(lines, start=1) if not _decodes(line, encoding)]
    if bad and (bad[0] == 1 or (len(bad) > 3 and len(bad) * 100 > len(lines))):
        hint = f"not {encoding}, as {mapping.source} says; it looks like {_guess(sample, mapping)}"
        raise InputError(Problem(Position(name, bad[0]), hint))
    return encoding


def _refuse_evident_utf8(sample: bytes, encoding: str, mapping: BrandMapping, name: str) -> None:
    """Refuse UTF-8 under the name of a code page; most read any bytes, and every accented letter would be wrong."""
    if encoding.startswith("utf") or sample.isascii():
        return
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return
    beyond = [number for number, line in enumerate(text.split("\n"), start=1) if not line.isascii()]
    if sum(sign > "\x7f" for sign in text) >= _EVIDENT_SIGNS:
        reason = f"is UTF-8, but {mapping.source} says {encoding}"
        raise InputError.at(name, reason, line=beyond[0])


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _text(sample: bytes, encoding: str) -> tuple[str, bool]:
    """Return the beginning of a file as text, and whether lines of it are UTF-8 although the file is not."""
    if is_code_page(encoding) and not sample.isascii():
        return decoded_lines(sample, encoding)
    plain = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
    return plain.removeprefix("\ufeff"), False


def _guess(sample: bytes, mapping: BrandMapping) -> str:
    """Return the likeliest encoding of text that is not UTF-8, by the names in the header or else by the letters."""
    by_header = _encoding_of_header(sample, mapping)
    return by_header if by_header is not None else guess_code_page(sample).name


def _encoding_of_header(sample: bytes, mapping: BrandMapping) -> str | None:
    """Return the encoding under which the first line shows the mapping's names, by the letters where several do."""
    names = [name for name in _names(mapping) if not name.isascii()]
    first = sample[:_GUESS_BYTES].splitlines()[0]
    if _decodes(first, "utf-8"):
        return None
    shown = {
        encoding: sum(name in unicodedata.normalize("NFC", first.decode(encoding)) for name in names)
        for encoding in _HEADER_PAGES
        if _decodes(first, encoding)
    }
    most = max(shown.values(), default=0)
    if not most:
        return None
    alike = [encoding for encoding, count in shown.items() if count == most]
    by_letters = guess_code_page(sample).name
    return by_letters if by_letters in alike else alike[0]


def _names(mapping: BrandMapping) -> set[str]:
    return {*mapping.record.sources, *(column.source for column in mapping.columns)}


def detect_dialect(sample: bytes, encoding: str, mapping: BrandMapping) -> Dialect:
    """Return how a CSV file in a known encoding is written."""
    text, is_mixed = _text(sample, encoding)
    is_stated = mapping.file_format.encoding is not None
    line_end = mapping.file_format.line_end or _line_end(text)
    newline = "\r" if line_end == "cr" else "\n"
    first, _, second = text.partition(newline)
    delimiter, quote = mapping.file_format.delimiter, mapping.file_format.quote
    before = 0 if mapping.file_format.header else 1
    if first[:4].lower() == "sep=" and len(first.rstrip("\r")) == 5:
        # What spreadsheet programs write before the header to name the delimiter.
        delimiter, before, first = delimiter or first[4], before + 1, second.partition(newline)[0]
    names = _names(mapping)
    choices = [
        Dialect(encoding, mark, sign, mapping.file_format.escape, line_end, before, is_stated, is_mixed)
        for mark in ([delimiter] if delimiter else _DELIMITERS)
        for sign in ([quote] if quote is not None else ['"', "'"])
    ]
    if mapping.file_format.header:
        width = len(mapping.file_format.header)
        return max(choices, key=lambda dialect: len(split_header(first, dialect)) == width)
    return max(choices, key=lambda dialect: len(names & set(split_header(first, dialect))))


def header_line(sample: bytes, dialect: Dialect) -> str:
    """Return the last physical line before the rows."""
    text, _ = _text(sample, dialect.encoding)
    lines = text.split("\r" if dialect.line_end == "cr" else "\n", dialect.lines_before_rows)
    return lines[dialect.lines_before_rows - 1]


def named_encoding(dialect: Dialect) -> str:
    """Return the encoding of a file, or both of one in which lines of two were seen, for messages."""
    both = dialect.is_mixed and not dialect.is_stated
    return f"utf-8, nor certainly {dialect.encoding}" if both else dialect.encoding


def csv_options(dialect: Dialect) -> dict[str, Any]:
    """Return the arguments of `csv.reader` for a dialect.

    A doubled quote is one quote beside an escape character too: PHP's `fputcsv` writes both in one file.
    """
    return {
        "delimiter": dialect.delimiter,
        "quotechar": dialect.quote or None,
        "quoting": csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        "escapechar": dialect.escape or None,
        "doublequote": True,
    }


def split_header(line: str, dialect: Dialect) -> list[str]:
    """Return the names in a header line, trimmed and in NFC; empty where it does not parse."""
    try:
        rows = list(csv.reader([line.rstrip("\r\n")], strict=True, **csv_options(dialect)))
    except csv.Error:
        return []
    return [unicodedata.normalize("NFC", name.strip()) for name in rows[0]] if rows else []


def _line_end(text: str) -> str:
    newline, carriage = text.find("\n"), text.find("\r")
    if newline < 0 and carriage >= 0:
        return "cr"
    return "crlf" if newline > 0 and text[newline - 1] == "\r" else "lf"
