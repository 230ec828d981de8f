"""XML, and HTML without tables, as rows: values and attributes inside of an element that stands for a person.

Which element that is, the beginning of the document says (`xml_shape`). Its values become columns, named by their
path inside of it. Addresses outside of all rows are counted by whoever looks at the text as it passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.row_filter import RowFilter
from cloakroom.claims.readers.xml_events import Elements, Event
from cloakroom.claims.readers.xml_shape import row_elements
from cloakroom.claims.tables import Batch, frame_of_records

_ROWS_PER_BATCH = 20_000
_LOOKED_AT = 1 << 18


def read_xml(blocks: Iterable[bytes], limits: Limits) -> Iterator[Batch]:
    """Yield the rows of an XML document, however its lines are broken.

    Args:
        blocks: Valid UTF-8.
        limits: A piece of text longer than `record_bytes` is cut.
    """
    records: list[dict[str, str]] = []
    rows: _Rows | None = None
    kept = RowFilter()
    for text in _with_beginning(_between_tags(blocks, limits)):
        rows = rows or _Rows({row.path: row.is_mixed for row in row_elements(text)}, limits.columns)
        for record, is_mixed in rows.take(text):
            records.extend(kept.take(record) if is_mixed else (record,))
        if len(records) >= _ROWS_PER_BATCH:
            yield Batch(frame_of_records(records, limits.columns))
            records = []
    if rows is not None:
        for record, is_mixed in rows.rest():
            records.extend(kept.take(record) if is_mixed else (record,))
    if records:
        yield Batch(frame_of_records(records, limits.columns))


def _between_tags(blocks: Iterable[bytes], limits: Limits) -> Iterator[str]:
    """Yield the text in pieces that end with a tag, the last one as it is."""
    text = ""
    for block in blocks:
        text += block.decode("utf-8", "replace")
        # What may be cut in the middle waits for the next block.
        end = text.rfind(">") + 1
        if end:
            yield text[:end]
        text = text[end:] if end or len(text) <= limits.record_bytes else ""
    if text:
        yield text


def _with_beginning(texts: Iterator[str]) -> Iterator[str]:
    """Yield the texts, the first ones together, so that they show where rows lie."""
    first: list[str] = []
    size = 0
    for text in texts:
        first.append(text)
        size += len(text)
        if size >= _LOOKED_AT:
            break
    if first:
        yield "".join(first)
    yield from texts


@dataclass(slots=True)
class _Rows:
    """Rows gathered while elements open and close."""

    paths: dict[str, bool]
    columns_max: int
    elements: Elements = field(default_factory=Elements)
    record: dict[str, str] | None = None
    seen: dict[str, int] = field(default_factory=dict)
    row: str = ""

    def take(self, text: str) -> Iterator[tuple[dict[str, str], bool]]:
        """Yield the rows that are complete at the end of `text`, and whether not all such are people."""
        yield from self._through(self.elements.events(text))

    def rest(self) -> Iterator[tuple[dict[str, str], bool]]:
        """Yield the row that the text never ends."""
        yield from self._through(self.elements.rest())

    def _through(self, events: Iterable[Event]) -> Iterator[tuple[dict[str, str], bool]]:
        for kind, name, value in events:
            if kind == "open":
                if self.record is None and self.elements.path in self.paths:
                    self.record, self.row, self.seen = {}, self.elements.path, {}
            elif self.record is None:
                continue
            elif kind != "close":
                self._add(self.record, name, value, is_text=kind == "text")
            elif self.elements.path == self.row:
                if self.record:
                    yield self.record, self.paths[self.row]
                self.record = None

    def _add(self, record: dict[str, str], name: str, value: str, *, is_text: bool) -> None:
        around = self.elements.path[len(self.row) + 1 :]
        if is_text:
            around = around.rpartition("/")[0]
        label = f"{around}.{name}".replace("/", ".") if around else name
        self.seen[label] = count = self.seen.get(label, 0) + 1
        if len(record) < self.columns_max:
            record[label if count == 1 else f"{label} ({count})"] = value
