"""Everything else as text: log lines, YAML, XML, prose. Names and values where they stand, loose finds otherwise.

Lines of the form ``name: value`` (YAML, reports), ``<name>value</name>`` (XML) and ``name=value`` (logs) become
rows; a new row begins where a name comes again. XML is read as text: no entity is resolved except the five of the
standard and numbers, so that nothing can be expanded. Other lines become a row where they hold an address, an id or
a number.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import polars as pl

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.tolerant import logical_lines
from cloakroom.claims.tables import Batch, frame_of_records

LOOSE_EMAIL = re.compile(
    r"""(?<![\w.%+@-])(?:\\[trn])?([^\s"'(),:;<>@\[\]\\{}|=?/]{1,64}@(?:[\w-]{1,63}\.)+[\w-]{2,63})"""
)
LOOSE_ID = re.compile(r"(?<![0-9A-Za-z])(0[0-9A-Za-z]{2}[0-9A-Za-z]{12}(?:[A-Z0-5]{3})?)(?![0-9A-Za-z])")
LOOSE_PHONE = re.compile(r"(?<![\w.@+-])(\+\d[\d ().-]{7,18}\d|00\d[\d ().-]{8,18}\d|0\d[\d ().-]{7,14}\d)(?![\w@])")
_YAML = re.compile(r"^\s*(?:-\s+)?[\"']?([\w][\w .\-/]{0,60}?)[\"']?\s*:\s+(.*)$")
_XML_LEAF = re.compile(r"<([\w:.-]{1,80})(?:\s[^<>]{0,400})?>([^<>]*)</\1\s*>")
_XML_ATTRIBUTES = re.compile(r"""\s([\w:.-]{1,80})=(?:"([^"<]*)"|'([^'<]*)')""")
_PAIR = re.compile(r"""(?<![\w?&])([\w.-]{1,60})=(?:"([^"]*)"|'([^']*)'|([^\s,;&"']+))""")
_ROWS_PER_BATCH = 50_000


def read_prose(blocks: Iterator[bytes], kind: str, limits: Limits) -> Iterator[Batch]:
    """Yield rows out of a text.

    Args:
        blocks: Valid UTF-8.
        kind: ``yaml``, ``xml``, ``log`` or ``text``: which forms of names and values are looked for.
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
    if kind in ("yaml", "xml"):
        yield from _grouped(lines, _yaml_pairs if kind == "yaml" else _xml_pairs, limits)
        return
    for line in lines:
        pairs = {match[1]: match[2] or match[3] or match[4] or "" for match in _PAIR.finditer(line[:65536])}
        found = loose_finds(line[:65536])
        if len(pairs) < 2:
            pairs = {}
        if found and not (pairs and set(found.values()) <= set(pairs.values())):
            pairs = found | pairs
        if found:
            yield pairs


def _grouped(lines: Iterator[str], pairs_of: object, limits: Limits) -> Iterator[dict[str, str]]:
    record: dict[str, str] = {}
    leader: str | None = None
    for line in lines:
        pairs, begins = pairs_of(line)  # type: ignore[operator]
        if (begins or (leader is not None and any(name == leader for name, _ in pairs))) and record:
            if _is_personal(record):
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
    if _is_personal(record):
        yield record


def _yaml_pairs(line: str) -> tuple[list[tuple[str, str]], bool]:
    match = _YAML.match(line[:65536])
    if match is None:
        found = loose_finds(line[:65536])
        return [(f"found {name}", value) for name, value in found.items()], False
    value = match[2].strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    is_item = line.lstrip().startswith("- ") or line.startswith("---")
    return [(match[1], "" if value in ("null", "~") else value)], is_item


def _xml_pairs(line: str) -> tuple[list[tuple[str, str]], bool]:
    text = line[:65536]
    pairs = [(match[1].rpartition(":")[2], _entities(match[2]).strip()) for match in _XML_LEAF.finditer(text)]
    if not pairs:
        pairs = [(match[1], _entities(match[2] or match[3] or "")) for match in _XML_ATTRIBUTES.finditer(text)]
        if len(pairs) < 2:
            pairs = [(f"found {name}", value) for name, value in loose_finds(text).items()]
    return pairs, False


def _entities(text: str) -> str:
    return html.unescape(text) if "&" in text else text


def _is_personal(record: dict[str, str]) -> bool:
    return any(loose_finds(value[:65536]) for value in record.values())


def loose_finds(line: str) -> dict[str, str]:
    """Return the first address, id and telephone number in a line."""
    found = {}
    if "@" in line and (match := LOOSE_EMAIL.search(line)):
        found["email"] = match[1]
    if match := LOOSE_ID.search(line):
        found["id"] = match[1]
    if match := LOOSE_PHONE.search(line):
        found["phone"] = match[1]
    return found


def _frame(records: list[dict[str, str]], limits: Limits) -> pl.DataFrame:
    return frame_of_records(records, limits.columns)
