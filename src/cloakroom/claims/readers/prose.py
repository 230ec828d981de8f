"""Everything else as text: log lines, YAML, prose. Names and values where they stand, loose finds otherwise.

Lines of the form ``name: value`` (YAML, reports) and ``name=value`` (logs) become rows; a new row begins where the
first name comes again, or a list goes on. Other lines become a row where they hold an address, an id or a number;
what stands before an address in angle brackets is the name that goes with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
import polars as pl

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.loose import loose_finds
from cloakroom.claims.readers.row_filter import RowFilter
from cloakroom.claims.readers.tolerant import logical_lines
from cloakroom.claims.tables import Batch, frame_of_records

_YAML = re.compile(r"^\s*(?:-\s+)?[\"']?([\w][\w .\-/]{0,60}?)[\"']?\s*:\s+(.*)$")
_PAIR = re.compile(r"""(?<![\w?&])([\w.-]{1,60})=(?:"([^"]*)"|'([^']*)'|([^\s,;&"']+))""")
_DISPLAYED = re.compile(
    r"""(?:^|[\s,;:("'-])((?:[^\W\d_][^\s<>,;:@()"]*\s+){0,4}[^\W\d_][^\s<>,;:@()"]*)["']?\s*<(?:[^<>@]{1,64}@|\s*>)"""
)
_ROWS_PER_BATCH = 50_000


def read_prose(blocks: Iterator[bytes], kind: str, limits: Limits) -> Iterator[Batch]:
    """Yield rows out of a text.

    Args:
        blocks: Valid UTF-8.
        kind: ``yaml``, ``log`` or ``text``: which forms of names and values are looked for.
        limits: Lines are cut at `record_bytes`.
    """
    records: list[dict[str, str]] = []
    for record in _records(logical_lines(blocks, limits.record_bytes), kind, limits):
        records.append(record)
        if len(records) >= _ROWS_PER_BATCH:
            yield Batch(_frame(records, limits))
            records = []
    if records:
        yield Batch(_frame(records, limits))


def kind_of_text(name: str, head: str) -> str:
    """Name the kind of text, by its beginning first and its name second."""
    lower = name.lower()
    if head.lstrip().startswith("<") or lower.endswith((".xml", ".html", ".htm")):
        return "xml"
    lines = [line for line in head.split("\n")[:200] if line.strip()]
    if lines and sum(bool(_YAML.match(line)) for line in lines) > 0.6 * len(lines):
        return "yaml"
    if lines and sum(len(_PAIR.findall(line)) >= 2 for line in lines) > 0.4 * len(lines):
        return "log"
    return "text"


def _records(lines: Iterator[str], kind: str, limits: Limits) -> Iterator[dict[str, str]]:
    kept = RowFilter()
    if kind == "yaml":
        for record in _grouped(lines, limits):
            yield from kept.take(record)
        return
    for line in lines:
        pairs = {match[1]: match[2] or match[3] or match[4] or "" for match in _PAIR.finditer(line[:65536])}
        found = loose_finds(line[:65536])
        if len(pairs) < 2:
            if found:
                yield _named(line, found)
        elif set(found.values()) <= set(pairs.values()):
            yield from kept.take(pairs)
        else:
            yield found | pairs


def _named(line: str, found: dict[str, str]) -> dict[str, str]:
    """Add the name that stands before an address in angle brackets."""
    match = _DISPLAYED.search(line[:65536])
    return found if match is None else {"name": match[1].strip(), **found}


def _grouped(lines: Iterator[str], limits: Limits) -> Iterator[dict[str, str]]:
    record: dict[str, str] = {}
    leader: str | None = None
    outermost: int | None = None
    for line in lines:
        pairs = _yaml_pairs(line)
        begins = line.startswith("---")
        if line.lstrip().startswith("- "):  # An item of a list, of the outermost one if it stands as far to the left.
            indent = len(line) - len(line.lstrip())
            outermost = indent if outermost is None else min(outermost, indent)
            begins = indent <= outermost
        if (begins or (outermost is None and any(name == leader for name, _ in pairs))) and record:
            yield record
            record = {}
        for name, value in pairs:
            leader = leader or name
            if name in record and value:
                record[f"{name} ({len(record)})"] = value
            else:
                record.setdefault(name, value)
            if len(record) > limits.columns:
                record = {}
    if record:
        yield record


def _yaml_pairs(line: str) -> list[tuple[str, str]]:
    match = _YAML.match(line[:65536])
    if match is None:
        return [(f"found {name}", value) for name, value in loose_finds(line[:65536]).items()]
    value = match[2].strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = _unquoted(value)
    return [(match[1], "" if value in ("null", "~") else value)]


def _unquoted(value: str) -> str:
    try:
        return str(msgspec.json.decode(value))
    except (msgspec.DecodeError, UnicodeError):
        return value[1:-1]


def _frame(records: list[dict[str, str]], limits: Limits) -> pl.DataFrame:
    return frame_of_records(records, limits.columns)
