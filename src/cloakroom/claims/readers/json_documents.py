"""JSON documents as whole values: rows wherever they lie in them.

Rows are looked for from the outside inwards. A list of objects is a table, its objects are its rows, whatever is
nested in them; so is an object whose values are objects alike (rows under their keys), a list of lists, with names
beside it or first in it, and what `json_columns` knows. Pages, objects around lists of rows, are turned over. Where
several tables are found, those that hold anything by which a person can be found count, each as a section of its own;
where none is, the document itself is a row.

A document that was cut off is closed where it ends, and says so. Several documents are taken apart, whatever stands
between them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from cloakroom.claims.readers.json_columns import is_personal, rows_of_columns, rows_of_lists, rows_of_scalars

_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"|"|[{}\[\],]', re.DOTALL)
_COMMENT_OR_BRACKET = rb"|//[^\n]*|/\*.*?\*/|/\*|[{}\[\]]"
_DOUBLE_QUOTED = rb'"(?:[^"\\]++|\\.)*+"'
_SINGLE_QUOTED = rb"'(?:[^'\\]++|\\.)*+'"
_TOKEN = re.compile(_DOUBLE_QUOTED + rb'|"' + _COMMENT_OR_BRACKET, re.DOTALL)
_TOKEN_OF_LITERALS = re.compile(
    _DOUBLE_QUOTED + rb"|" + _SINGLE_QUOTED + rb"""|["']""" + _COMMENT_OR_BRACKET, re.DOTALL
)
_SINGLE = re.compile(rb"[{,\[(:]\s*'")
_BEGIN = re.compile(rb"[{\[]")
_LOOKED_AT = 200
_DEPTH_MAX = 32
_ALIKE = 0.5
_MANY = 10
_ROWS_OF_PERSON = 4
_ROWS_AROUND_PERSON = 20
_ACTIONS = frozenset({"index", "create", "update", "delete"})
_OF_ACTION = frozenset({
    "retry_on_conflict", "routing", "version", "version_type", "require_alias", "op_type", "parent", "pipeline",
    "timestamp", "ttl", "if_seq_no", "if_primary_term", "dynamic_templates",
})  # fmt: skip
_WRAPPED = ("_source", "node", "attributes", "properties", "fields", "document")
_IDS = ("id", "_id", "key")


@dataclass(slots=True)
class Tables:
    """Tables of a document: rows by the path under which they lie, and how deep that is."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    depths: dict[str, int] = field(default_factory=dict)

    def add(self, path: str, rows: list[dict[str, Any]], depth: int = 0) -> None:
        """Take rows in."""
        self.rows.setdefault(path, []).extend(rows)
        self.depths.setdefault(path, depth)

    def personal(self) -> list[list[dict[str, Any]]]:
        """Return the tables that hold addresses, ids or numbers; all of them where none does."""
        found = [rows for rows in self.rows.values() if any(map(is_personal, rows[:_LOOKED_AT]))]
        return found or list(self.rows.values())

    def row_count(self) -> int:
        """Return how many rows all tables have."""
        return sum(map(len, self.rows.values()))

    def row_depth(self) -> int:
        """Return how many brackets are open inside of a row of the largest table of people, 0 for none."""
        found = [path for path, rows in self.rows.items() if any(map(is_personal, rows[:_LOOKED_AT]))]
        return self.depths[max(found, key=lambda path: len(self.rows[path]))] if found else 0


def find_tables(value: Any, tables: Tables, path: str = "", depth: int = 0) -> None:
    """Put every table inside a decoded document into `tables`."""
    if depth > _DEPTH_MAX:
        return
    if isinstance(value, list):
        _of_list(value, tables, path, depth)
    elif isinstance(value, dict):
        if (rows := rows_of_columns(value)) or (rows := _map(value)) or (rows := rows_of_scalars(value)):
            tables.add(path, rows, depth + 2)
            return
        before = tables.row_count()
        for name, member in value.items():
            find_tables(member, tables, f"{path}.{name}", depth + 1)
        if depth == 0 and tables.row_count() == before:
            tables.add(path, [value], 1)


def find_rows(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a page that may be one of several: those in its lists, or itself where it has none."""
    if (is_personal(value) and not is_page(value)) or not any(_lists_of(value)):
        return [unwrapped(value)]
    tables = Tables()
    find_tables(value, tables)
    return [row for rows in tables.personal() for row in rows]


def is_page(value: dict[str, Any]) -> bool:
    """Return whether an object has a list of more people than one person would have in a list."""
    return _are_pages([value])


def is_action(value: Any) -> bool:
    """Return whether an object is the action line of an Elasticsearch bulk file, and no row."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((name, detail),) = value.items()
    if name not in _ACTIONS or not isinstance(detail, dict):
        return False
    return all(str(key).startswith("_") or key in _OF_ACTION for key in detail)


def unwrapped(item: dict[str, Any]) -> dict[str, Any]:
    """Return a row without the envelope that search engines and graphs put around it."""
    for name in _WRAPPED:
        inner = item.get(name)
        if not isinstance(inner, dict) or not inner:
            continue
        around = {key: member for key, member in item.items() if key != name}
        if any(isinstance(member, dict | list) for member in around.values()):
            continue
        if is_personal(around) and not is_personal(inner):
            continue
        ids = {key: around[key] for key in _IDS if key in around}
        return inner if any(key in inner for key in _IDS) else {**ids, **inner}
    return item


def documents_in(data: bytes) -> tuple[list[bytes], bytes]:
    """Return the documents in a text, one after the other, and the beginning of the one that ends too early.

    What stands between documents is left out: headers, prompts, names of variables.
    """
    token = _TOKEN_OF_LITERALS if _SINGLE.search(data[:65536]) else _TOKEN
    found: list[bytes] = []
    at = 0
    while (begin := _BEGIN.search(data, at)) is not None:
        start, depth = begin.start(), 0
        for match in token.finditer(data, start):
            sign = match.group()
            if sign in (b"{", b"["):
                depth += 1
            elif sign in (b"}", b"]"):
                depth -= 1
                if depth == 0:
                    at = match.end()
                    found.append(data[start:at])
                    break
            elif sign in (b'"', b"'", b"/*"):
                return found, data[start:]  # A string or comment that is never closed.
        else:
            return found, data[start:]
    return found, b""


def closed(document: bytes) -> bytes:
    """Return a document that was cut off, closed after its last whole value."""
    stack: list[bytes] = []
    kept: tuple[int, tuple[bytes, ...]] = (0, ())
    for match in _STRUCTURE.finditer(document):
        sign = match.group()
        if sign == b'"':
            break
        if sign in (b"{", b"["):
            stack.append(b"}" if sign == b"{" else b"]")
        elif sign in (b"}", b"]"):
            if stack:
                stack.pop()
            kept = (match.end(), tuple(stack))
        elif sign == b"," and stack and stack[-1] == b"]":
            kept = (match.start(), tuple(stack))
    end, still_open = kept
    return document[:end] + b"".join(reversed(still_open))


def _of_list(value: list[Any], tables: Tables, path: str, depth: int) -> None:
    objects = [item for item in value if isinstance(item, dict)]
    if objects and len(objects) > _ALIKE * len(value):
        if _are_pages(objects):
            for item in objects:
                named = next((item[key] for key in ("name", "table") if isinstance(item.get(key), str)), "")
                find_tables(item, tables, f"{path}[{named}]", depth + 1)
            return
        tables.add(path, [unwrapped(item) for item in objects if not is_action(item)], depth + 2)
    elif rows := rows_of_lists(value):
        tables.add(path, rows, depth + 2)
    elif any(isinstance(item, list) for item in value):
        for item in value:
            find_tables(item, tables, path, depth + 1)


def _are_pages(items: list[dict[str, Any]]) -> bool:
    """Return whether objects have lists of people, more than one person would have, and show nobody themselves."""
    looked_at = items[:_LOOKED_AT]
    pages = [count for item in looked_at if (count := sum(map(_people, _lists_of(item))))]
    if not pages:
        return False
    least = _ROWS_AROUND_PERSON if any(map(is_personal, looked_at)) else _ROWS_OF_PERSON
    return sum(pages) > least * len(pages)


def _people(rows: list[Any]) -> int:
    return sum(isinstance(row, dict) and is_personal(row) for row in islice(rows, _LOOKED_AT))


def _lists_of(value: dict[str, Any], depth: int = 0) -> Iterator[list[Any]]:
    """Yield the lists of objects in an object and the objects in it."""
    for member in value.values():
        if isinstance(member, list) and member and isinstance(member[0], dict):
            yield member
        elif isinstance(member, dict) and depth < _DEPTH_MAX:
            yield from _lists_of(member, depth + 1)


def _map(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of an object whose values are objects alike: many, or such that show somebody."""
    members = list(value.values())
    if len(members) < 2 or not all(isinstance(member, dict) and member for member in members):
        return []
    counts = Counter(key for member in members for key in member)
    usual = {key for key, count in counts.items() if count >= _ALIKE / 2 * len(members) and count > 1}
    if any(len(member.keys() & usual) < _ALIKE * len(member) for member in members):
        return []
    if len(members) < _MANY and not any(map(is_personal, members[:_LOOKED_AT])):
        return []
    return [{"key": key, **member} for key, member in value.items()]
