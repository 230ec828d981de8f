r"""Rows as people and programs print them one below the other: a label before each value (`labels`).

So do forms in mails, posts in chats, psql after ``\x``, mysql after ``\G``; others print several pairs on a line.
What keeps rows apart is told by the beginning of the text: lines, rules and numbers, blank lines, or nothing. In the
last case a row ends where the order of labels, as it is learnt, goes back. A value goes on in lines without a label.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from cloakroom.claims.concepts import Concept, concept_of_header
from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.labels import LINE_MAX, pairs_of, plain_value
from cloakroom.claims.readers.row_filter import RowFilter
from cloakroom.claims.readers.tolerant import logical_lines
from cloakroom.claims.tables import Batch, frame_of_records

_RULE = re.compile(r"[^\w@]{3,}$")
_NUMBER = re.compile(
    r"(?:[-*=#~_+<\[(]|\s)*+(?:(?:record|row|entry|user|customer|client|contact|person|item|lead|no|nr)\W{0,3})?"
    r"\d{1,9}(?:\W{0,2}(?:row|record|entry))?[^\w@]*$"
    r"|\(?\d{1,9} (?:rows?|records?|entries)\b[^:=@]*$",
    re.IGNORECASE,
)
_OF_PEOPLE = frozenset(
    {Concept.EMAIL, Concept.PHONE, Concept.RECORD_ID, Concept.NAME, Concept.GIVEN_NAME, Concept.FAMILY_NAME}
)
_BLANK = " \t>│"
_HEAD_LINES = 400
_CONTINUED_MAX = 40
_MOST, _OFTEN = 0.6, 0.8
_FEW = 3
_ADDRESSES_OF_ROW = 2
_LABELS_MAX = 400
_EMPTY_MAX = 0.3
_ROWS_PER_BATCH = 50_000


@dataclass(frozen=True, slots=True)
class LabelLayout:
    """The layout of a text of labels and values.

    Attributes:
        apart: What keeps rows apart: ``lines``, ``rules``, ``blanks`` or ``order``.
        order: The labels in the order in which they come in rows.
    """

    apart: str
    order: tuple[str, ...]


def label_layout(head: str) -> LabelLayout | None:
    """Return the layout of a text that begins with `head`; None where it is no text of labels."""
    lines = [line.rstrip("\r") for line in head.split("\n")[:_HEAD_LINES]]
    parts = [_parts(line) for line in lines]
    named = [part for part in parts if isinstance(part, list) and part]
    others = sum(part == [] for part in parts)
    if not named or len(named) < _MOST * (len(named) + others) or _is_nested(lines):
        return None
    counts = Counter(label for pairs in named for label, _ in pairs)
    values = [value for pairs in named for _, value in pairs]
    addresses = sum("@" in value for value in values)
    often = max(counts.values())
    is_one_row = often == 1 and len(values) >= _FEW and 0 < addresses <= _ADDRESSES_OF_ROW
    is_told = often > 1 and _FEW * len(counts) <= max(_FEW * _FEW, 2 * sum(counts.values()))
    is_empty = sum(not value for value in values) > _EMPTY_MAX * len(values)
    is_about_people = any(concept_of_header(label) in _OF_PEOPLE for label in list(counts)[:_LABELS_MAX])
    if is_empty or not is_about_people or len(counts) > _LABELS_MAX or not (is_told or is_one_row):
        return None
    apart = _apart(parts, named)
    order = _Order()
    last: str | None = None
    for pairs in named:
        for label, _ in pairs:
            last = order.seen(label, last)
    return LabelLayout(apart, tuple(order.labels))


def _apart(parts: Sequence[list[tuple[str, str]] | str], named: Sequence[list[tuple[str, str]]]) -> str:
    """Return what keeps rows apart."""
    if sum(len(pairs) > 1 for pairs in named) > _MOST * len(named):
        return "lines"
    for sign, name in (("rule", "rules"), ("blank", "blanks")):
        blocks: list[set[str]] = [set()]
        for part in parts:
            if part == sign:
                blocks.append(set())
            elif isinstance(part, list):
                blocks[-1].update(label for label, _ in part)
        filled = [block for block in blocks if block]
        alike = [bool(one & other) for one, other in pairwise(filled)]
        if len(filled) > 1 and sum(alike) > _MOST * len(alike) and sum(map(len, filled)) > len(filled):
            return name
    return "order"


def _is_nested(lines: Sequence[str]) -> bool:
    """Return whether lines are an outline, whose items begin with a dash and go on below: YAML."""
    filled = [line for line in lines if line.strip()]
    dashes = sum(line.lstrip().startswith("- ") for line in filled)
    deeper = sum(line.startswith("  ") and not line.lstrip().startswith("- ") for line in filled)
    return bool(dashes and deeper and dashes < _OFTEN * len(filled))


def _parts(line: str) -> list[tuple[str, str]] | str:
    """Return the pairs of a line, or ``rule`` or ``blank`` for one that keeps rows apart."""
    if not line.strip(_BLANK):
        return "blank"
    return "rule" if _is_apart(line) else pairs_of(line)


def _is_apart(line: str) -> bool:
    """Return whether a line keeps rows apart: a rule, a number with some decoration, or a count of rows."""
    bare = line[:LINE_MAX].strip()[:200]
    if _RULE.match(bare):
        return True
    return not bare.isdecimal() and _NUMBER.match(bare) is not None


class _Order:
    """The order in which labels come in rows, learnt as they come."""

    def __init__(self, labels: Sequence[str] = ()) -> None:
        self.labels = list(labels)
        self._places = {label: place for place, label in enumerate(self.labels)}

    def seen(self, label: str, last: str | None) -> str:
        """Take in that a label came after another one; return it."""
        if label not in self._places and len(self.labels) < _LABELS_MAX:
            place = self._places[last] + 1 if last in self._places and last is not None else len(self.labels)
            self.labels.insert(place, label)
            self._places = {name: number for number, name in enumerate(self.labels)}
        return label

    def goes_back(self, last: str, label: str) -> bool:
        """Return whether a label comes before another one."""
        return self._places.get(label, 1 << 30) < self._places.get(last, -1)


def read_labelled(blocks: Iterator[bytes], layout: LabelLayout, limits: Limits) -> Iterator[Batch]:
    """Yield the rows of a text of labels and values.

    Args:
        blocks: Valid UTF-8.
        layout: As from `label_layout`.
        limits: Lines are cut at `record_bytes`, rows at `columns` values.
    """
    gathered = _Rows(layout.apart, _Order(layout.order), limits.columns)
    kept = RowFilter()
    records: list[dict[str, str]] = []
    for line in logical_lines(blocks, limits.record_bytes):
        for row in gathered.take(line):
            records.extend(kept.take(row))
        if len(records) >= _ROWS_PER_BATCH:
            yield Batch(frame_of_records(records, limits.columns))
            records = []
    for row in gathered.end():
        records.extend(kept.take(row))
    if records:
        yield Batch(frame_of_records(records, limits.columns))


@dataclass(slots=True)
class _Rows:
    """Rows gathered from lines."""

    apart: str
    order: _Order
    columns_max: int
    row: dict[str, list[str]] = field(default_factory=dict, repr=False)
    _first: str | None = None
    _last: str | None = None
    _column: str | None = None

    def take(self, line: str) -> Iterator[dict[str, str]]:
        """Take a line in, and yield the row that it ends."""
        parts = _parts(line)
        if isinstance(parts, str):
            self._column = None
            if self.apart == "lines" or parts == "rule" or self.apart == "blanks":
                yield from self.end()
            return
        if not parts:
            self._go_on(line)
            return
        if self._is_new(parts[0][0], is_several=len(parts) > 1):
            yield from self.end()
        for name, value in parts:
            self._enter(name, value)

    def end(self) -> Iterator[dict[str, str]]:
        """Yield the row at hand, if there is one, and begin anew."""
        row, self.row = self.row, {}
        self._first = self._last = self._column = None
        if row:
            yield {name: plain_value(" ".join(values)) for name, values in row.items()}

    def _is_new(self, label: str, *, is_several: bool) -> bool:
        """Return whether a row begins with a label."""
        if self._last is None:
            return False
        if self.apart == "lines":
            return is_several or label == self._first
        if self.apart == "order":
            return self.order.goes_back(self._last, label) or (label == self._first and label in self.row)
        return label == self._first and self._last != label

    def _enter(self, name: str, value: str) -> None:
        self.order.seen(name, self._last)
        self._first, self._last = self._first or name, name
        if len(self.row) >= self.columns_max or (name in self.row and value in ("", *self.row[name])):
            return
        column = name if name not in self.row else f"{name} ({len(self.row)})"
        self.row[column] = [value] if value else []
        self._column = column

    def _go_on(self, line: str) -> None:
        """Add a line without a label to the value above it."""
        if self._column is None:
            return
        values = self.row[self._column]
        if len(values) < _CONTINUED_MAX:
            values.append(line[:LINE_MAX].strip(_BLANK + "|"))
