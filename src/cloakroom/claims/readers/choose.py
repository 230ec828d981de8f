"""Looks at the beginning of a file and picks its reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import msgspec

from cloakroom.claims.addresses import addresses_of_text
from cloakroom.claims.decoding import TextBlocks, wide_encoding
from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.bson_rows import looks_like_bson, read_bson
from cloakroom.claims.readers.columnar import read_parquet
from cloakroom.claims.readers.compound_file import SIGNATURE
from cloakroom.claims.readers.contact_cards import CARD, read_cards
from cloakroom.claims.readers.delimited import read_delimited
from cloakroom.claims.readers.directory_entries import ENTRY, read_directory
from cloakroom.claims.readers.fixed_columns import FixedColumns, fixed_columns, read_fixed
from cloakroom.claims.readers.forms_not_read import not_read
from cloakroom.claims.readers.json_rows import is_map, read_json, read_json_lines
from cloakroom.claims.readers.labelled import LabelLayout, label_layout, read_labelled
from cloakroom.claims.readers.markup_tables import MARKUP, read_markup
from cloakroom.claims.readers.old_workbook import read_compound
from cloakroom.claims.readers.pasted import read_pasted
from cloakroom.claims.readers.prose import kind_of_text, read_prose
from cloakroom.claims.readers.relaxed_json import decode_relaxed
from cloakroom.claims.readers.rewriting import SEPARATOR, Rewriting, rewriting_of
from cloakroom.claims.readers.sql_fragment import is_fragment
from cloakroom.claims.readers.sql_rows import read_sql
from cloakroom.claims.readers.table_layout import TableLayout, detect_layout, possible_layouts
from cloakroom.claims.readers.trial import ENOUGH, Trial, try_reading
from cloakroom.claims.readers.workbook import read_workbook
from cloakroom.claims.readers.xml_rows import read_xml
from cloakroom.claims.sources import InTurn, NotReadError, PlainFile, Readable, Workers
from cloakroom.claims.tables import BROKEN_CONTENT, Batch, Reading, Wanted
from cloakroom.claims.witness import TextWitness
from cloakroom.errors import CloakroomError, LimitError

_HEAD_BYTES = 64 << 10
_TRIAL_BYTES = 128 << 10
_CLEARLY = 0.05
_LEAST_SHOWN = 0.5
_LINES_OF_ADDRESS = 10
_TABLE = r"(?:\[[^\]\n]*+\]|[\w.`\"]++)++"
_SQL = re.compile(
    r"(?:^|;|\*/|\b(?:begin|then|go)\b|\))[ \t]*+"
    r"(?:(?:insert|upsert|replace)\s*+(?:(?:ignore|low_priority|high_priority|delayed|overwrite|or\s+\w+)\s++)*+"
    rf"(?:into\b|all\b|table\b|{_TABLE}\s*+\()"
    r"|create\s+(?:\w+\s+){0,4}table\b|copy\s+\S+.*from\s+stdin"
    rf"|update\s+{_TABLE}\s+set\s|merge\s+(?:into\s+)?{_TABLE}\s[^;]{{0,40}}?using\s*\()",
    re.IGNORECASE | re.MULTILINE,
)
_DOCUMENT = re.compile(r"""[\[{]\s*(?:[\[{"'(]|$|[A-Za-z_$][\w$]*\s*:\s*[\[{"'\w])""")
_COMMENTS = re.compile(r"(?:\s*+(?://[^\n]*+|/\*.*?\*/))*+\s*+", re.DOTALL)
_READERS: Mapping[str, Callable[[Iterator[bytes], Limits], Iterator[Batch]]] = {
    "json": read_json, "jsonl": read_json_lines, "sql": read_sql, "xml": read_xml, "html": read_markup,
    "vcard": read_cards, "ldif": read_directory,
}  # fmt: skip


def open_file(file: PlainFile, limits: Limits, workers: Workers, seed: int) -> Reading:
    """Return the rows of one file.

    Args:
        file: The file; its name is a hint only.
        limits: What it may cost.
        workers: Read and cut ahead.
        seed: Of the hashes by which addresses are compared.

    Raises:
        NotReadError: It is encrypted, or its form is one that is not read.
    """
    stream = file.stream
    head = stream.peek(_HEAD_BYTES)
    if (what := not_read(head)) is not None:
        raise NotReadError(what)
    if head.startswith(SIGNATURE):
        return Reading("xls", None, _whole(stream, limits, read_compound))
    if head.startswith(b"PK\x03\x04"):
        return Reading("xlsx", None, _whole(stream, limits, read_workbook))
    if head.startswith(b"PAR1"):
        return Reading("parquet", None, _whole(stream, limits, read_parquet))
    if looks_like_bson(head) and wide_encoding(head)[0] is None:
        return Reading("bson", None, read_bson(stream, limits))
    if not head.strip(b"\0 \r\n"):
        return Reading("empty", None, _drain(stream, limits))
    return _open_text(file, limits, workers, seed)


def _open_text(file: PlainFile, limits: Limits, workers: Workers, seed: int) -> Reading:
    texts = TextBlocks(file.stream, limits.block_bytes)
    blocks: Iterator[bytes] = iter(texts)
    first, blocks = _beginning(blocks)
    if b"\n" not in first and b"\r" in first:  # Line ends of old Macintoshes.
        first, blocks = first.replace(b"\r", b"\n"), (block.replace(b"\r", b"\n") for block in blocks)
    form = _best_form(file.path, first, limits)
    # Reading and decoding, cutting, and working out are three steps of about the same length.
    whole: Iterator[bytes] = chain([first], workers.ahead(blocks))
    reading = Reading(form.name, texts.encoding, iter(()))
    if not form.gives_text:
        reading.witness = TextWitness(seed)
        whole = reading.witness.passing(whole)
    batches = _text_rows(form, whole, limits, reading.wanted, workers)

    def until_end() -> Iterator[Batch]:
        yield from batches
        reading.encoding = texts.encoding

    reading.batches = until_end()
    return reading


def _beginning(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return as much as is looked at, if there is so much, and the rest; a block may be a single short line.

    What breaks after the first block breaks when the rest is read.
    """
    first = next(blocks, b"")
    try:
        while len(first) < _HEAD_BYTES and (more := next(blocks, b"")):
            first += more
    except (CloakroomError, MemoryError, *BROKEN_CONTENT) as error:
        return first, _raising(error)
    return first, blocks


def _raising(error: Exception) -> Iterator[bytes]:
    raise error
    yield


@dataclass(frozen=True, slots=True)
class _TextForm:
    """The form of a text.

    Attributes:
        name: As reports have it.
        layout: Of its table, if it is one.
        rewriting: How its cells are kept apart, where one sign does not do it.
        labels: How rows follow on one another, if values have labels.
        columns: Where columns begin, if they have a width.
    """

    name: str
    layout: TableLayout | None = None
    rewriting: Rewriting | None = None
    labels: LabelLayout | None = None
    columns: FixedColumns | None = None

    @property
    def gives_text(self) -> bool:
        """Return whether batches bring the text that they were cut from (`Batch.text`)."""
        return self.layout is not None and not self.layout.is_pasted


def _best_form(name: str, first: bytes, limits: Limits) -> _TextForm:
    """Return the form of a text that begins with `first`: the likeliest one that shows the addresses in it.

    The likeliest form is taken at its word where it shows nearly all addresses as cells of their own. Otherwise every
    form that the text may have is tried: one that cuts out more of them is better, and one that shows them somewhere
    in its cells is better than one that does not. Prose, in which nothing but addresses is found, comes last.
    """
    head = first[:_HEAD_BYTES].decode("utf-8", "replace")
    is_all = len(first) < _HEAD_BYTES
    likeliest = _text_form(name, head, is_all=is_all)
    piece = first if is_all else first[: first.rfind(b"\n", 0, _TRIAL_BYTES) + 1] or first[:_TRIAL_BYTES]
    addresses = addresses_of_text(piece)
    if addresses.height == 0:
        return likeliest

    def trial(form: _TextForm) -> Trial:
        return try_reading(_text_rows(form, iter([piece]), limits, Wanted(), InTurn()), addresses)

    best, shown = likeliest, trial(likeliest)
    if shown.alone >= ENOUGH:
        return best
    for form in _possible_forms(name, head, is_all=is_all):
        if form == likeliest:
            continue
        other = trial(form)
        is_cleaner = other.alone > shown.alone + _CLEARLY and other.anywhere > shown.anywhere - _CLEARLY
        if is_cleaner or (shown.alone < _LEAST_SHOWN and other.anywhere > shown.anywhere + _CLEARLY):
            best, shown = form, other
    # A few addresses in remarks do not make prose of a table of something else.
    is_about_people = addresses.height * _LINES_OF_ADDRESS >= piece.count(b"\n")
    return _TextForm("text") if shown.anywhere < _LEAST_SHOWN and is_about_people else best


def _possible_forms(name: str, head: str, *, is_all: bool) -> Iterator[_TextForm]:
    """Yield every form that a text may have, with its structure."""
    start = head.lstrip("\ufeff \t\r\n")
    layouts = possible_layouts(head if not is_all else head + "\n\n")
    if (rewritten := _rewritten_form(head)) is not None:
        yield rewritten
    yield from map(_table_form, filter(None, layouts))
    if "{" in head or "[" in head:
        yield from (_TextForm("jsonl"), _TextForm("json"))
    if _SQL.search(head) or is_fragment(head):
        yield _TextForm("sql")
    if MARKUP.search(head):
        yield _TextForm("html")
    if start.startswith("<"):
        yield _TextForm("xml")
    if (kind := kind_of_text(name, start)) in ("yaml", "log"):
        yield _TextForm(kind)


def _text_form(name: str, head: str, *, is_all: bool) -> _TextForm:
    """Return the form of a text that begins with `head`, and is no longer if `is_all`."""
    start = head.lstrip("\ufeff \t\r\n")
    if structured := _structured_form(start, is_all=is_all):
        return _TextForm(structured)
    if _SQL.search(head) or is_fragment(head):
        return _TextForm("sql")
    kind = kind_of_text(name, start)
    if kind == "xml":
        return _TextForm("html" if MARKUP.search(head) else kind)
    if (listed := _listed_form(head)) is not None:
        return listed
    layout = detect_layout(head if not is_all else head + "\n\n")
    if layout is None or (kind in ("yaml", "log") and layout.delimiter in ":, "):
        return _TextForm(kind)
    return _table_form(layout)


def _listed_form(head: str) -> _TextForm | None:
    """Return the form of a text that says what is what itself, or whose cells several signs keep apart."""
    if CARD.search(head):
        return _TextForm("vcard")
    if ENTRY.search(head):
        return _TextForm("ldif")
    if (labels := label_layout(head)) is not None:
        return _TextForm("labels", labels=labels)
    if (columns := fixed_columns(head)) is not None:
        return _TextForm("text", columns=columns)
    return _rewritten_form(head)


def _rewritten_form(head: str) -> _TextForm | None:
    """Return the form of a table whose cells are not kept apart by one sign; None where they are."""
    rewriting = rewriting_of(head)
    if rewriting is None:
        return None
    layout = detect_layout(rewriting.rewritten(head.encode()).decode() + "\n\n")
    if layout is None or (rewriting.between and layout.delimiter != SEPARATOR):
        return None
    return _TextForm("text" if layout.is_pasted else "csv", layout, rewriting)


def _table_form(layout: TableLayout) -> _TextForm:
    if layout.is_pasted:
        return _TextForm("text", layout)
    return _TextForm("tsv" if layout.delimiter == "\t" else "csv", layout)


def _structured_form(start: str, *, is_all: bool) -> str | None:
    """Return ``json`` or ``jsonl`` for a text that is one of these."""
    start = _COMMENTS.sub("", start, count=1)
    is_one_line = is_all or "\n" not in start.rstrip()
    first_is_object = start.startswith("{") and _is_object(start.split("\n", 1)[0])
    if start.startswith("{") and is_one_line and _is_object(start):
        return "json"
    if is_map(start.encode()) and (is_one_line or not first_is_object):
        return "json"
    if first_is_object or (start.startswith("{") and _is_object_below(start)):
        return "jsonl"
    return "json" if _DOCUMENT.match(start) else None


def _text_rows(
    form: _TextForm, blocks: Iterator[bytes], limits: Limits, wanted: Wanted, workers: Workers
) -> Iterator[Batch]:
    if form.rewriting is not None:
        blocks = form.rewriting.blocks(blocks, limits.record_bytes)
    if form.labels is not None:
        return read_labelled(blocks, form.labels, limits)
    if form.columns is not None:
        return read_fixed(blocks, form.columns, limits)
    if form.layout is not None:
        if form.layout.is_pasted:
            return read_pasted(blocks, form.layout, limits)
        return read_delimited(blocks, form.layout, limits, workers, wanted)
    reader = _READERS.get(form.name)
    return read_prose(blocks, form.name, limits) if reader is None else reader(blocks, limits)


def _is_object(line: str) -> bool:
    try:
        return isinstance(decode_relaxed(line.strip().rstrip(",").encode("utf-8", "replace")), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def _is_object_below(text: str) -> bool:
    """Return whether most of the first lines are objects, although the first one is broken."""
    lines = [line for line in text.split("\n")[:20] if line.strip()]
    return len(lines) > 2 and sum(map(_is_object, lines)) > len(lines) / 2


def _whole(stream: Readable, limits: Limits, reader: Callable[[bytes, Limits], Iterator[Batch]]) -> Iterator[Batch]:
    data = stream.read(limits.nested_bytes + 1)
    if len(data) > limits.nested_bytes:
        raise LimitError(f"a file of this form of more than {limits.nested_bytes} bytes")
    yield from reader(data, limits)


def _drain(stream: Readable, limits: Limits) -> Iterator[Batch]:
    while block := stream.read(limits.block_bytes):
        if block.strip(b"\0 \r\n"):
            raise ValueError("begins with zeros, then something else")
    return
    yield
