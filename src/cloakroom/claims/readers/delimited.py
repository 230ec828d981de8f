"""CSV of any dialect, a block at a time.

Each block is cut into rows exactly: where no quote occurs, by counting delimiters on every line; where quotes occur
and are clean, by counting those outside of quotes; otherwise line by line (`tolerant`). Rows with another number of
cells than the header are set aside before the rest is handed to Polars, which would fill or cut them silently.

Where a block ends is found block after block, since a quoted cell may go on in the next one. What lies between two
such places is cut and parsed by workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.mending import mend_lines
from cloakroom.claims.readers.table_layout import TableLayout, detect_layout
from cloakroom.claims.readers.tolerant import Cut, cut_rows
from cloakroom.claims.sources import Workers
from cloakroom.claims.tables import BROKEN_KEPT, Batch, Unparsed, Wanted, frame_of, unique_names

_QUOTE, _NEWLINE, _RETURN, _AT = 34, 10, 13, 64
_SLICE = 1 << 18
_MARK_AND_BLANKS = 8
_LEAST_LINES = 3
_LINES_LOOKED_AT = 400
_MOST = 0.8
_Array = np.ndarray[Any, np.dtype[Any]]
_NO_QUOTES: _Array = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class _Rows:
    """A block cut into rows: the whole ones as clean bytes, the others as text, with the numbers of their lines."""

    whole: bytes
    count: int
    broken: tuple[tuple[int, str], ...]


def read_delimited(
    blocks: Iterable[bytes], layout: TableLayout, limits: Limits, workers: Workers, wanted: Wanted | None = None
) -> Iterator[Batch]:
    """Yield the rows of a delimited text.

    Args:
        blocks: Valid UTF-8.
        layout: As found in the first block.
        limits: A row longer than `record_bytes` is rejected.
        workers: Cut blocks.
        wanted: Says which columns are looked at, once that is known.
    """
    names = unique_names(layout.header or [f"column {number}" for number in range(1, layout.columns + 1)])
    cutter = _Cutter(layout, names, wanted or Wanted())
    for batches in workers.results(_cuttings(blocks, layout, limits, cutter)):
        yield from batches


def _cuttings(
    blocks: Iterable[bytes], layout: TableLayout, limits: Limits, cutter: _Cutter
) -> Iterator[Callable[[], list[Batch]]]:
    """Yield what cuts one block after the other."""
    skip = layout.preamble + (layout.header is not None)
    carry = above = b""
    for block in blocks:
        data = carry + block if carry else block
        while skip and (end := data.find(b"\n")) >= 0:
            above, data, skip = above + data[: end + 1], data[end + 1 :], skip - 1
        if above and not skip:
            if b"@" in above:
                yield partial(cutter.batches_of, Cut(), above)
            above = b""
        made, carry = cutter.take(data, is_end=False)
        if made is not None:
            yield made
        if len(carry) > limits.record_bytes:  # A quote that never closes, or a line without an end.
            if b"\n" in carry:
                made, carry = cutter.take_tolerantly(carry, is_end=False)
                yield made
            if len(carry) > limits.record_bytes:
                lost = carry[:BROKEN_KEPT].decode("utf-8", "replace")
                yield partial(cutter.batches_of, Cut(broken=[(0, lost)]), carry)
                carry = b""
    if carry.strip(b"\0\r\n\x1a"):
        made, _ = cutter.take(carry + b"\n", is_end=True)
        if made is not None:
            yield made


def _places(codes: _Array, code: int) -> _Array:
    """Return the places of a sign; in slices, which stay near the processor."""
    parts = [np.flatnonzero(codes[start : start + _SLICE] == code) + start for start in range(0, codes.size, _SLICE)]
    return np.concatenate(parts)


def _last_row_end(codes: _Array, quotes: _Array) -> tuple[int, _Array]:
    """Return the place after the last line end that is not inside quotes, 0 for none, and the quotes before it."""
    ends = np.flatnonzero(codes == _NEWLINE)
    even = ends[np.searchsorted(quotes, ends) % 2 == 0]
    end = int(even[-1]) + 1 if even.size else 0
    return end, quotes[quotes < end]


def _table(codes: tuple[int, ...]) -> _Array:
    table = np.zeros(256, np.bool_)
    table[list(codes)] = True
    return table


@dataclass(frozen=True, slots=True)
class _Signs:
    """The number of times that signs occur in a block.

    Attributes:
        lines: Line ends.
        delimiters: Delimiters.
        at_signs: ``@``.
        empty: Delimiters and line ends that follow a delimiter, a line end or nothing.
    """

    lines: int
    delimiters: int
    at_signs: int
    empty: int


def _signs(codes: _Array, delimiter: int) -> _Signs:
    """Count signs; in slices, which stay near the processor."""
    lines = ends = at_signs = empty = 0
    size = min(codes.size, _SLICE)
    is_line, is_end, is_both = np.empty(size, np.bool_), np.empty(size, np.bool_), np.empty(size, np.bool_)
    before = True
    for start in range(0, codes.size, _SLICE):
        part = codes[start : start + _SLICE]
        line, end, both = is_line[: part.size], is_end[: part.size], is_both[: part.size]
        lines += int(np.count_nonzero(np.equal(part, _NEWLINE, out=line)))
        np.logical_or(np.equal(part, delimiter, out=end), line, out=end)
        ends += int(np.count_nonzero(end))
        empty += int(np.count_nonzero(np.logical_and(end[1:], end[:-1], out=both[1:]))) + int(before and end[0])
        before = bool(end[-1])
        at_signs += int(np.count_nonzero(np.equal(part, _AT, out=line)))
    return _Signs(lines, ends - lines, at_signs, empty)


def _bytes_inside(codes: _Array, quotes: _Array) -> _Array | None:
    """Return the bytes inside quotes, or None where they are too many to be worth it."""
    lengths = quotes[1::2] - quotes[0::2]
    total = int(lengths.sum())
    if total > codes.size // 5:
        return None
    starts = np.repeat(quotes[0::2] - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths) if total else quotes
    inside: _Array = codes[starts + np.arange(total)]
    return inside


class _Cutter:
    """A cutter of blocks of whole lines."""

    def __init__(self, layout: TableLayout, names: list[str], wanted: Wanted) -> None:
        self._delimiter = layout.delimiter
        self._code = ord(layout.delimiter)
        self._columns = layout.columns
        self._is_open = layout.is_open
        self._names = names
        self._wanted = wanted
        self._sparse: set[str] = set()
        self._header = layout.header
        self._may_precede = _table((self._code, _NEWLINE, _QUOTE))
        self._may_follow = _table((self._code, _NEWLINE, _RETURN, _QUOTE))
        self._schema = dict.fromkeys(names, pl.String)

    def take(self, data: bytes, *, is_end: bool) -> tuple[Callable[[], list[Batch]] | None, bytes]:
        """Find what is complete in `data`; return what cuts it, and what remains for the next block."""
        end = data.rfind(b"\n") + 1
        if end == 0:
            return None, data
        quotes = _NO_QUOTES
        if data.find(b'"', 0, end) >= 0:
            codes = np.frombuffer(data, np.uint8, end)
            quotes = _places(codes, _QUOTE)
            if quotes.size % 2 and not is_end:
                end, quotes = _last_row_end(codes, quotes)
            if quotes.size % 2 or not self._is_clean(codes[:end], quotes):
                return self.take_tolerantly(data, is_end=is_end)
        if end == 0:
            return None, data
        whole = data if end == len(data) else data[:end]
        return partial(self._cut, whole, quotes), data[end:]

    def take_tolerantly(self, data: bytes, *, is_end: bool) -> tuple[Callable[[], list[Batch]], bytes]:
        """Do the same line by line, at once: only the last row says where the next one begins."""
        end = len(data) if is_end else data.rfind(b"\n") + 1
        cut = cut_rows(data[:end].decode("utf-8", "replace"), self._delimiter, self._columns, is_end=is_end)
        rest = cut.rest.encode()
        return partial(self.batches_of, cut, data[: end - len(rest)]), rest + data[end:]

    def _cut(self, data: bytes, quotes: _Array) -> list[Batch]:
        """Cut whole rows whose quotes are clean."""
        if (batch := self._at_once(data, quotes)) is not None:
            return [batch]
        rows = self._by_counting(data, quotes)
        frame = self._parse(rows)
        if frame is None:
            cut = cut_rows(data.decode("utf-8", "replace"), self._delimiter, self._columns, is_end=True)
            return self.batches_of(cut, data)
        return self._with_broken(self._without_headers(frame, data), rows.broken, data)

    def batches_of(self, cut: Cut, text: bytes) -> list[Batch]:
        """Make batches of rows that are cut already from `text`."""
        frame = self._without_headers(frame_of(self._names, cut.rows), None)
        return self._with_broken(frame, cut.broken, text)

    def _with_broken(self, frame: pl.DataFrame, lines: Sequence[tuple[int, str]], text: bytes) -> list[Batch]:
        """Add what can be made of broken lines: rows, or another table where the dialect changes within the file."""
        if not lines:
            return [Batch(frame, text=text)]
        mended = mend_lines(lines, self._delimiter, self._columns, is_open=self._is_open)
        if mended.rows:
            frame = pl.concat([frame, self._without_headers(frame_of(self._names, mended.rows), None)])
        other, broken = self._of_other_dialect(mended.broken)
        kept = tuple(line[:BROKEN_KEPT] for line in broken)
        return [Batch(frame, kept, len(kept), text=text, remarks=mended.remarks), *other]

    def _of_other_dialect(self, broken: list[str]) -> tuple[list[Batch], list[str]]:
        """Read lines that are no rows as a table of their own; return it and what is still broken."""
        if len(broken) < _LEAST_LINES:
            return [], broken
        layout = detect_layout("\n".join(broken[:_LINES_LOOKED_AT]) + "\n\n")
        if layout is None or layout.is_pasted or layout.columns < 2:
            return [], broken
        if layout.delimiter == self._delimiter and layout.header is None:
            return [], broken  # Rows with cells too many or too few, of which nobody knows which are which.
        cut = cut_rows("\n".join(broken), layout.delimiter, layout.columns)
        if len(cut.rows) < _MOST * len(broken):
            return [], broken
        header = layout.header or (self._header if layout.columns == self._columns else None)
        names = unique_names(header or [f"column {number}" for number in range(1, layout.columns + 1)])
        rows = [row for row in cut.rows if header is None or tuple(map(str.strip, row)) != tuple(header)]
        # A section of its own for each delimiter, the same in every block.
        return [Batch(frame_of(names, rows), section=1 + ord(layout.delimiter))], [line for _, line in cut.broken]

    def _parse(self, rows: _Rows, columns: Sequence[str] | None = None) -> pl.DataFrame | None:
        if rows.count == 0:
            return pl.DataFrame(schema=self._schema)
        if self._columns == 1 and self._code == 0:
            lines = [line.rstrip("\r") for line in rows.whole.decode().split("\n")[:-1]]
            return pl.DataFrame({self._names[0]: lines}, schema=self._schema)
        try:
            scan = pl.scan_csv(
                rows.whole,
                has_header=False,
                schema=self._schema,
                separator=self._delimiter,
                empty_string_is_null=False,
                quote_char='"' if b'"' in rows.whole else None,
            )
            frame = (scan if columns is None else scan.select(columns)).collect()
        except (pl.exceptions.PolarsError, ValueError):
            return None
        return frame if frame.height == rows.count else None

    def _at_once(self, data: bytes, quotes: _Array) -> Batch | None:
        """Cut a block at once, where that is beyond doubt; None where lines must be counted one by one.

        As many delimiters as whole rows have, and no row whose last cell is empty: then no row is short, since a
        short one would be filled up with empty cells, hence none is long.
        """
        codes = np.frombuffer(data, np.uint8)
        inside = _bytes_inside(codes, quotes)
        if self._columns == 1 or inside is None:
            return None
        signs, quoted = _signs(codes, self._code), _signs(inside, self._code)
        lines = signs.lines - quoted.lines
        if signs.delimiters - quoted.delimiters != lines * (self._columns - 1):
            return None
        rows = _Rows(data, lines, ())
        if (batch := self._wanted_only(rows, quotes, signs)) is not None:
            return batch
        frame = self._parse(rows)
        if frame is None or bool((frame[self._names[-1]].str.len_bytes() == 0).any()):
            return None
        return Batch(self._without_headers(frame, data), at_signs=signs.at_signs, text=data)

    def _wanted_only(self, rows: _Rows, quotes: _Array, signs: _Signs) -> Batch | None:
        """Parse the wanted columns only, where it is beyond doubt that the cells of all others are filled.

        That is so where as many cells are empty in the columns parsed as there are delimiters and line ends that
        follow one another; those inside quotes are counted too, and make it doubtful. Columns found to have empty
        cells are parsed from then on; where doubts have another reason, all are.
        """
        wanted = self._wanted.columns
        if wanted is None or bool((np.diff(quotes) == 1).any()) or self._has_bare_return(rows.whole):
            return None
        columns = [name for name in self._names if name in wanted or name in self._sparse or name == self._names[-1]]
        if 4 * len(columns) > 3 * self._columns:
            return None
        frame = self._parse(rows, columns)
        if frame is None or self._has_header(frame):
            return None
        empty = frame.select((pl.all().str.len_bytes() == 0).sum()).row(0)
        if empty[-1]:
            self._sparse.update(self._names)
            return None
        unparsed = Unparsed(self._names, lambda: _whole(self._parse(rows)))
        if sum(empty) != signs.empty:
            counts = unparsed.whole().select((pl.all().str.len_bytes() == 0).sum()).row(0, named=True)
            sparse = {name for name, count in counts.items() if count}
            self._sparse.update(sparse if not sparse <= set(columns) else self._names)
            return Batch(unparsed.whole(), at_signs=signs.at_signs, text=rows.whole)
        return Batch(frame, at_signs=signs.at_signs, unparsed=unparsed, text=rows.whole)

    def _has_bare_return(self, data: bytes) -> bool:
        """Return whether a cell before the last may be a lone carriage return, which Polars takes for empty."""
        if b"\r" not in data:
            return False
        delimiter = self._delimiter.encode()
        starts = (delimiter + b"\r" + delimiter, b"\n\r" + delimiter)
        return data.startswith(b"\r") or any(start in data for start in starts)

    def _is_clean(self, codes: _Array, quotes: _Array) -> bool:
        """Check that each quote opens after a delimiter and closes before one; ``""`` is closing and opening."""
        opening, closing = quotes[0::2], quotes[1::2]
        if opening.size and opening[0] == 0:
            opening = opening[1:]
        if closing.size and closing[-1] == codes.size - 1:
            closing = closing[:-1]
        return bool(self._may_precede[codes[opening - 1]].all() and self._may_follow[codes[closing + 1]].all())

    def _by_counting(self, data: bytes, quotes: _Array) -> _Rows:
        codes = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(codes == _NEWLINE)
        delimiters = np.flatnonzero(codes == self._code)
        if quotes.size:
            ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
            delimiters = delimiters[np.searchsorted(quotes, delimiters) % 2 == 0]
        starts = np.concatenate(([0], ends[:-1] + 1))
        counts = np.diff(np.searchsorted(delimiters, ends), prepend=0)
        is_whole = counts == self._columns - 1
        lengths = ends - starts
        is_blank = (lengths == 0) | ((lengths == 1) & (codes[starts] == _RETURN))
        is_whole &= ~is_blank
        broken = np.flatnonzero(~is_whole & ~is_blank)
        if broken.size == 0 and not is_blank.any():
            return _Rows(data, int(ends.size), ())
        texts = ((int(row), data[starts[row] : ends[row]].decode("utf-8", "replace").strip()) for row in broken)
        kept = _kept(data, starts, ends, is_whole)
        return _Rows(kept, int(is_whole.sum()), tuple((row, text) for row, text in texts if text))

    def _without_headers(self, frame: pl.DataFrame, data: bytes | None) -> pl.DataFrame:
        """Leave out repetitions of the header, as in files glued together from several."""
        if self._header is None or frame.height == 0 or (data is not None and not self._has_header(frame)):
            return frame
        repeated = pl.all_horizontal(
            pl.col(name).str.strip_chars("\ufeff \t\r") == label
            for name, label in zip(self._names, self._header, strict=True)
        )
        return frame.filter(~repeated)

    def _has_header(self, frame: pl.DataFrame) -> bool:
        """Return whether any row could be a repetition of the header, from one column."""
        if self._header is None:
            return False
        name = frame.columns[0]
        label = self._header[self._names.index(name)]
        # Files glued together with their byte order marks have one before the first label. Lengths are looked at
        # before cells are: hardly a cell is as long as the label.
        shortest = len(label.encode())
        alike = frame[name].filter(frame[name].str.len_bytes().is_between(shortest, shortest + _MARK_AND_BLANKS))
        return bool(((alike == label) | alike.str.starts_with("\ufeff")).any())


def _whole(frame: pl.DataFrame | None) -> pl.DataFrame:
    if frame is None:
        raise ValueError("a block does not parse as it did before")
    return frame


def _kept(data: bytes, starts: _Array, ends: _Array, is_whole: _Array) -> bytes:
    """Join the whole rows, in runs rather than one by one."""
    edges = np.flatnonzero(np.diff(is_whole.astype(np.int8), prepend=0, append=0))
    view = memoryview(data)
    return b"".join(
        view[starts[first] : ends[last - 1] + 1] for first, last in zip(edges[0::2], edges[1::2], strict=True)
    )
