"""Taking the mapped values out of nested objects, and seeing what the mapping does not name."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from cloakroom.adapters.deliveries.numbers import NumberText, number_text
from cloakroom.vault.fields import FieldKind
from cloakroom.vault.mapping import parse_path

if TYPE_CHECKING:
    from cloakroom.vault.mapping import BrandMapping

Steps: TypeAlias = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_ -]{0,39}")
_MAX_DEPTH = 32
NO_TEXT = "holds bytes that are no text"
"""Why a Parquet text was not taken that its writer did not mark as one."""


class RowShapeError(Exception):
    """An object that cannot be a row under the mapping; caught by the readers of this package."""

    def __init__(self, field: str | None, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


class _Node:
    """A place in the tree of names that the mapping knows."""

    __slots__ = ("children", "is_ignored", "is_leaf")

    def __init__(self) -> None:
        self.children: dict[str | int, _Node] = {}
        self.is_leaf = False
        self.is_ignored = False


class Flattener:
    """Turns nested objects into rows of texts.

    Args:
        mapping: Names the paths of values, and those to ignore; ignoring a place ignores everything below it.
    """

    def __init__(self, mapping: BrandMapping) -> None:
        self.sources = tuple(dict.fromkeys((*mapping.record.sources, *(column.source for column in mapping.columns))))
        amounts = {column.source for column in mapping.columns if column.field.kind is FieldKind.DECIMAL}
        marks = {source: mapping.decimal_mark if source in amounts else "." for source in self.sources}
        self._paths = [(source, parse_path(source), marks[source]) for source in self.sources]
        self._refuse_unknown = mapping.refuse_unknown
        self._root = _Node()
        for _, steps, _ in self._paths:
            self._place(steps).is_leaf = True
        for source in mapping.ignore:
            self._place(parse_path(source)).is_ignored = True

    def row(self, item: object) -> list[str | None]:
        """Return the mapped values in the order of `sources`.

        Raises:
            RowShapeError: A value is nested where a text is expected, or has a name that the mapping does not know.
        """
        if not isinstance(item, dict):
            raise RowShapeError(None, "is not an object")
        if self._refuse_unknown:
            self._check(item, self._root, "", 0)
        return [_text(source, _follow(item, steps), mark) for source, steps, mark in self._paths]

    def unmapped_text(self, item: object) -> str:
        """Return all texts and numbers that no column takes, for the search for payment data."""
        found: list[str] = []
        _collect(item, self._root, found, 0)
        return " | ".join(found)

    def _place(self, steps: Steps) -> _Node:
        node = self._root
        for step in steps:
            node = node.children.setdefault(step, _Node())
        return node

    def _check(self, item: object, node: _Node, path: str, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise RowShapeError(None, f"is nested deeper than {_MAX_DEPTH}")
        if isinstance(item, dict):
            for key, value in item.items():
                child = node.children.get(key)
                if child is not None:
                    if (child.children or not child.is_leaf) and not (child.is_ignored and not child.children):
                        self._check(value, child, f"{path}{key}.", depth + 1)
                elif not node.is_ignored:
                    raise RowShapeError(_shown(path, key), "is neither mapped nor ignored")
        elif isinstance(item, list):
            for index, value in enumerate(item):
                child = node.children.get(index)
                if child is not None:
                    self._check(value, child, f"{path.rstrip('.')}[{index}].", depth + 1)
                elif value is not None and not node.is_ignored:
                    raise RowShapeError(f"{path.rstrip('.')}[{index}]", "is neither mapped nor ignored")


def _follow(item: object, steps: Steps) -> object:
    for step in steps:
        if isinstance(item, dict):
            item = item.get(step)
        elif isinstance(item, list) and isinstance(step, int):
            item = item[step] if step < len(item) else None
        else:
            return None
    return item


def _text(source: str, value: object, mark: str) -> str | None:
    if value is None or type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, NumberText | float | Decimal):
        return number_text(value, mark)
    if isinstance(value, bytes):
        return _decoded(source, value)
    if isinstance(value, dict | list):
        raise RowShapeError(source, "is nested where a single value is expected")
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def _decoded(source: str, value: bytes) -> str:
    """Return a Parquet text that its writer did not mark as one."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise RowShapeError(source, NO_TEXT) from None


def _shown(path: str, key: str) -> str | None:
    """Return the name for a message, unless the key looks like a value: some systems use addresses as keys."""
    return f"{path}{key}" if _PLAIN_KEY.fullmatch(key) else (path.rstrip(".") or None)


def _collect(item: object, node: _Node | None, found: list[str], depth: int) -> None:
    if depth > _MAX_DEPTH:
        return
    if isinstance(item, dict):
        for key, value in item.items():
            child = node.children.get(key) if node else None
            if child is None:
                found.append(str(key))
            _collect(value, child, found, depth + 1)
    elif isinstance(item, list):
        for index, value in enumerate(item):
            _collect(value, node.children.get(index) if node else None, found, depth + 1)
    elif item is not None and not isinstance(item, bool) and not (node is not None and node.is_leaf):
        found.append(str(item))
