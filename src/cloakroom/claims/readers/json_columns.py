"""Tables that JSON writes without an object for each row: columns, lists of values, addresses alone.

pandas writes an object of columns, whose values stand under the number or name of their row, or lists of values
beside the names of the columns; others write an object of lists of the
same length, or values under the key of their row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from cloakroom.claims.readers.loose import loose_finds

_LOOKED_AT = 200
_TEXT_MAX = 4096
_DEPTH_MAX = 4
_MOST = 0.5
_MORE_THAN_ONE_PERSON = 4
_OF_ROW = 3


def is_personal(row: dict[str, Any]) -> bool:
    """Return whether an object holds an address, an id or a number, lists in it apart."""
    return any(map(_shows, _texts(row, 0)))


def rows_of_columns(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of an object of columns, or of one with the names of its columns beside lists of values."""
    return _keyed_columns(value) or _named_values(value) or _listed_columns(value)


def rows_of_lists(value: list[Any], names: list[str] | None = None) -> list[dict[str, Any]]:
    """Return lists of values as rows, named by the first where it holds no value; addresses alone as rows of one.

    Args:
        value: A list.
        names: Of the columns, if they are known.
    """
    if value and all(isinstance(item, list) and not any(isinstance(cell, list) for cell in item) for item in value):
        return _named(value, names)
    if len(value) > _MORE_THAN_ONE_PERSON and _share(value) > _MOST:
        return [{"value": item} for item in value]
    return []


def rows_of_scalars(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of an object that has an address as key or value of every member, or few in lists."""
    if len(value) <= _MORE_THAN_ONE_PERSON:
        return []
    members = list(value.values())
    if all(isinstance(member, list) and len(member) > 1 and not _nests(member) for member in members):
        if all(sum(map(_is_address, member)) in range(1, _OF_ROW + 1) for member in members[:_LOOKED_AT]):
            return [
                {"key": key, **{f"column {n}": cell for n, cell in enumerate(member, 1)}}
                for key, member in value.items()
            ]
        return []
    if _nests(members):
        return []
    are_keys = all(map(_is_address, list(value)[:_LOOKED_AT]))
    return [{"key": k, "value": v} for k, v in value.items()] if are_keys or all(map(_is_address, members)) else []


def _keyed_columns(value: dict[str, Any]) -> list[dict[str, Any]]:
    columns = list(value.values())
    if len(columns) < 2 or not all(isinstance(column, dict) and len(column) > 1 for column in columns):
        return []
    keys = columns[0].keys()
    if any(column.keys() != keys for column in columns) or any(_nests(column.values()) for column in columns):
        return []
    are_numbers = all(str(key).isdecimal() for key in keys)
    if not are_numbers and not (
        len(keys) > _MORE_THAN_ONE_PERSON and any(_share(list(column.values())) > _MOST for column in columns)
    ):
        return []
    added = {} if are_numbers else {"key": {key: key for key in keys}}
    return [{name: column[key] for name, column in (added | value).items()} for key in keys]


def _named_values(value: dict[str, Any]) -> list[dict[str, Any]]:
    names = next((member for key, member in value.items() if key in ("columns", "fields", "header", "headers")), None)
    data = next((member for key, member in value.items() if key in ("data", "rows", "values")), None)
    if not isinstance(names, list) or not isinstance(data, list) or not all(isinstance(row, list) for row in data):
        return []
    return _named(data, [str(name.get("name", "")) if isinstance(name, dict) else str(name) for name in names])


def _listed_columns(value: dict[str, Any]) -> list[dict[str, Any]]:
    columns = {name: member for name, member in value.items() if isinstance(member, list)}
    lengths = set(map(len, columns.values()))
    if len(columns) < 2 or len(lengths) != 1 or min(lengths) <= _MORE_THAN_ONE_PERSON:
        return []
    others = [member for name, member in value.items() if name not in columns]
    if _nests(others) or any(map(_nests, columns.values())) or max(map(_share, columns.values())) <= _MOST:
        return []
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _named(rows: list[list[Any]], names: list[str] | None) -> list[dict[str, Any]]:
    if names is None:
        first = rows[0]
        is_heading = all(isinstance(cell, str) and cell and not loose_finds(cell) for cell in first) and len(rows) > 1
        width = max(map(len, rows))
        names = [str(cell) for cell in first] if is_heading else []
        names += [f"column {n}" for n in range(len(names) + 1, width + 1)]
        rows = rows[1:] if is_heading else rows
    return [dict(zip(names, row, strict=False)) for row in rows]


def _nests(values: Iterable[Any]) -> bool:
    return any(isinstance(value, dict | list) for value in values)


def _share(values: list[Any]) -> float:
    """Return how many of the first values show somebody, as a share."""
    looked_at = values[:_LOOKED_AT]
    return sum(map(_is_address, looked_at)) / len(looked_at) if looked_at else 0.0


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and "@" in value and _shows(value)


def _shows(text: str) -> bool:
    return bool(loose_finds(text[:_TEXT_MAX]))


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) and depth < _DEPTH_MAX:
        for member in value.values():
            yield from _texts(member, depth + 1)
