"""JSON documents as whole values: rows wherever they lie in them.

Rows are looked for from the outside inwards. A list of objects is a table, its objects are its rows, whatever is
nested in them; so is an object whose values are objects alike (rows under their keys), a list of lists, with names
beside it or first in it, and an object of columns as pandas writes them. Where several tables are found, those that
hold anything by which a person can be found count, each as a section of its own; where none is, the document itself
is a row.

A document that was cut off is closed where it ends, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cloakroom.claims.readers.loose import loose_finds

_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"|"|[{}\[\],]', re.DOTALL)
_LOOKED_AT = 200
_DEPTH_MAX = 12
_ALIKE = 0.5
_ACTIONS = frozenset({"index", "create", "update", "delete"})
_WRAPPED = ("_source", "node", "attributes", "properties", "fields", "document")


@dataclass(slots=True)
class Tables:
    """Tables of a document: rows by the path under which they lie."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, path: str, rows: list[dict[str, Any]]) -> None:
        """Take rows in."""
        self.rows.setdefault(path, []).extend(rows)

    def personal(self) -> list[list[dict[str, Any]]]:
        """Return the tables that hold addresses, ids or numbers; all of them where none does."""
        found = [rows for rows in self.rows.values() if any(map(_is_personal, rows[:_LOOKED_AT]))]
        return found or list(self.rows.values())


def find_tables(value: Any, tables: Tables, path: str = "", depth: int = 0) -> None:
    """Put every table inside a decoded document into `tables`."""
    if depth > _DEPTH_MAX:
        return
    if isinstance(value, list):
        _of_list(value, tables, path, depth)
    elif isinstance(value, dict):
        if (rows := _columns(value)) or (rows := _split(value)) or (rows := _map(value)):
            tables.add(path, rows)
            return
        before = sum(map(len, tables.rows.values()))
        for name, member in value.items():
            find_tables(member, tables, f"{path}.{name}", depth + 1)
        if depth == 0 and sum(map(len, tables.rows.values())) == before:
            tables.add(path, [value])


def is_action(value: Any) -> bool:
    """Return whether an object is the action line of an Elasticsearch bulk file, and no row."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((name, detail),) = value.items()
    return name in _ACTIONS and isinstance(detail, dict) and all(str(key).startswith("_") for key in detail)


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
        if all(map(_is_page, objects)):  # Pages one after the other.
            for item in objects:
                find_tables(item, tables, path, depth + 1)
            return
        tables.add(path, [_unwrapped(item) for item in objects if not is_action(item)])
    elif value and all(isinstance(item, list) for item in value):
        tables.add(path, _named(value, None))


def _is_page(item: dict[str, Any]) -> bool:
    """Return whether an object shows nobody itself and has a list of objects that do."""
    scalars = {name: member for name, member in item.items() if not isinstance(member, dict | list)}
    lists = [member for member in item.values() if isinstance(member, list) and len(member) > 1]
    of_objects = [rows for rows in lists if isinstance(rows[0], dict)]
    return any(_is_personal(rows[0]) for rows in of_objects) and not _is_personal(scalars)


def _unwrapped(item: dict[str, Any]) -> dict[str, Any]:
    """Return a row without the envelope that search engines and graphs put around it."""
    for name in _WRAPPED:
        inner = item.get(name)
        if (
            isinstance(inner, dict)
            and inner
            and not any(isinstance(member, dict | list) for key, member in item.items() if key != name)
        ):
            return inner
    return item


def _columns(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of an object of columns: every member an object of scalars under the same keys."""
    columns = list(value.values())
    if len(columns) < 2 or not all(isinstance(column, dict) and len(column) > 1 for column in columns):
        return []
    keys = list(columns[0])
    if not all(key.isdecimal() for key in keys) or any(column.keys() != columns[0].keys() for column in columns):
        return []
    if any(isinstance(column[keys[0]], dict | list) for column in columns):
        return []
    return [{name: column[key] for name, column in value.items()} for key in keys]


def _split(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of an object that has the names of its columns beside lists of values."""
    names = next((member for key, member in value.items() if key in ("columns", "fields", "header", "headers")), None)
    data = next((member for key, member in value.items() if key in ("data", "rows", "values")), None)
    if not isinstance(names, list) or not isinstance(data, list) or not all(isinstance(row, list) for row in data):
        return []
    named = [str(name.get("name", "")) if isinstance(name, dict) else str(name) for name in names]
    return _named(data, named)


def _map(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of an object whose values are objects alike, of which at least two show somebody."""
    members = list(value.values())
    if len(members) < 2 or not all(isinstance(member, dict) for member in members):
        return []
    first = members[0].keys()
    if not first or any(len(member.keys() & first) < _ALIKE * max(len(first), len(member)) for member in members):
        return []
    if not any(_is_personal(member) for member in members[:_LOOKED_AT]):
        return []
    return [{"key": key, **member} for key, member in value.items()]


def _named(rows: list[list[Any]], names: list[str] | None) -> list[dict[str, Any]]:
    if names is None:
        first = rows[0]
        is_heading = all(isinstance(cell, str) and cell and not loose_finds(cell) for cell in first) and len(rows) > 1
        names = [str(cell) for cell in first] if is_heading else [f"column {n}" for n in range(1, len(first) + 1)]
        rows = rows[1:] if is_heading else rows
    return [dict(zip(names, row, strict=False)) for row in rows]


def _is_personal(row: dict[str, Any]) -> bool:
    return any(bool(loose_finds(text[:4096])) for text in _texts(row, 0))


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) and depth < 4:
        for member in value.values():
            yield from _texts(member, depth + 1)
