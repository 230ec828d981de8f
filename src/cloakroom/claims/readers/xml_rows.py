"""XML and HTML as text: leaves and attributes become columns. Nothing is resolved but the entities of the standard.

A row is an element that comes again beside one of its own name and holds what a person could be found by, whatever
it is called: the first leaf of a document is found in it, and a new row begins where that element begins anew. The
declaration, comments, definitions and processing instructions are left out, so that nothing can be expanded.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.row_filter import RowFilter
from cloakroom.claims.tables import Batch, frame_of_records

_TOKEN = re.compile(
    r"<!--.*?-->|<!\[CDATA\[(?P<cdata>.*?)\]\]>|<[?!][^>]*>|<(?P<end>/)?(?P<name>[^\W\d][\w:.-]*)(?P<inside>[^<>]*)>"
    r"|(?P<text>[^<]+)|<",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([\w:.-]{1,80})\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")
_ROWS_PER_BATCH = 20_000
_DEPTH_MAX = 64


def read_xml(blocks: Iterable[bytes], limits: Limits) -> Iterator[Batch]:
    """Yield the rows of an XML document, however its lines are broken.

    Args:
        blocks: Valid UTF-8.
        limits: A piece of text longer than `record_bytes` is cut.
    """
    records: list[dict[str, str]] = []
    rows = _Rows(limits.columns)
    kept = RowFilter()
    text = ""
    for block in blocks:
        text += block.decode("utf-8", "replace")
        # What may be cut in the middle waits for the next block.
        end = text.rfind(">") + 1
        if end == 0 and len(text) > limits.record_bytes:
            text = ""
        for record in rows.take(text[:end]):
            records.extend(kept.take(record))
        text = text[end:]
        if len(records) >= _ROWS_PER_BATCH:
            yield Batch(frame_of_records(records, limits.columns))
            records = []
    for record in (*rows.take(text), *rows.rest()):
        records.extend(kept.take(record))
    if records:
        yield Batch(frame_of_records(records, limits.columns))


@dataclass(slots=True)
class _Rows:
    """Rows gathered from leaves while elements open and close."""

    columns_max: int
    path: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    record: dict[str, str] = field(default_factory=dict)
    around: list[str] = field(default_factory=list)

    def take(self, text: str) -> Iterator[dict[str, str]]:
        """Yield the rows that are complete at the end of `text`."""
        for match in _TOKEN.finditer(text):
            name = match["name"]
            if name is None:
                if self.texts:
                    self.texts[-1] += match["cdata"] or html.unescape(match["text"] or "")
            elif match["end"]:
                self._close(name)
            else:
                yield from self._open(name, match["inside"])

    def rest(self) -> Iterator[dict[str, str]]:
        """Yield the last row."""
        if self.record:
            yield self.record
            self.record = {}

    def _open(self, name: str, inside: str) -> Iterator[dict[str, str]]:
        depth = len(self.path)
        if 0 < depth < len(self.around) and self.around[depth] == name:
            yield from self.rest()
        if depth < _DEPTH_MAX:
            self.path.append(name)
            self.texts.append("")
        for attribute, double, single in _ATTRIBUTE.findall(inside):
            self._add(attribute, html.unescape(double or single))
        if inside.endswith("/"):
            self._close(name)

    def _close(self, name: str) -> None:
        if name not in self.path:
            return
        while self.path:
            last, text = self.path[-1], self.texts[-1].strip()
            if text:
                self._add(last, text)
            self.path.pop()
            self.texts.pop()
            if last == name:
                return

    def _add(self, name: str, value: str) -> None:
        if not self.around and len(self.path) > 1:  # What the outermost element says is said of no row.
            self.around = list(self.path)
        label = name.rpartition(":")[2]
        if label in self.record and value:
            label = f"{label} ({len(self.record)})"
        if len(self.record) < self.columns_max:
            self.record.setdefault(label, value)
