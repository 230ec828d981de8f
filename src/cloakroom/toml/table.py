"""One table of a document, from which typed values are taken key by key."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from cloakroom.toml.document import Document
from cloakroom.toml.statements import Path

Value = TypeVar("Value")


@dataclass(slots=True)
class Table:
    """A table, and which of its keys were asked for.

    Each method takes one key, notes what is wrong with its value and goes on with a harmless one, so that one run
    finds every mistake. What it returns after a mistake is of the promised type, and of no other use.
    """

    document: Document
    path: Path
    values: Mapping[str, Any]
    taken: set[str] = field(default_factory=set)

    @property
    def source(self) -> str:
        """The name of the file."""
        return self.document.source

    def line(self, key: str | None = None) -> int:
        """Return the line of `key`, of the table as a whole, or of the nearest thing around it."""
        return self.document.line_of(self.path if key is None else (*self.path, key))

    def report(self, key: str | None, reason: str) -> None:
        """Note a mistake at `key`, or at the table as a whole."""
        self.document.report(self.path if key is None else (*self.path, key), reason)

    def has(self, key: str) -> bool:
        """Say whether `key` is there; it is a known key from now on."""
        self.taken.add(key)
        return key in self.values

    def raw(self, key: str) -> Any:
        """Take the value of `key` as TOML has it, or None."""
        self.taken.add(key)
        return self.values.get(key)

    def take(self, key: str, kind: type[Value], expected: str) -> Value | None:
        """Take a value of exactly one type; None where it is absent or, reported, of another type."""
        value = self.raw(key)
        if value is None:
            return None
        if type(value) is not kind:
            self.report(key, f"must be {expected}")
            return None
        return value

    def text(
        self,
        key: str,
        *,
        default: str | None = None,
        choices: Collection[str] | None = None,
        may_be_empty: bool = False,
    ) -> str:
        """Take a text.

        Args:
            key: Where it stands.
            default: What an absent one means; None where it must be there, and not empty.
            choices: It must be one of these.
            may_be_empty: Whether one that must be there may be empty.
        """
        value = self.take(key, str, "a text in quotes")
        if value is None:
            if default is None and key not in self.values:
                self.report(key, "is missing")
            return default or ""
        if len(value) > self.document.limits.text_max:
            self.report(key, f"is longer than {self.document.limits.text_max} characters")
        elif choices is not None and value not in choices:
            self.report(key, f"must be one of {', '.join(sorted(choices))}")
        elif default is None and choices is None and not value.strip() and not may_be_empty:
            self.report(key, "must not be empty")
        else:
            return value
        return default or ""

    def texts(self, key: str, *, required: bool = False, choices: Collection[str] | None = None) -> tuple[str, ...]:
        """Take a list of different texts; those that are none of `choices` are reported and left out."""
        values = self._list(key, "a list of texts", str)
        if required and not values:
            if key not in self.values:
                self.report(key, "is missing")
            elif values is not None:
                self.report(key, "must not be empty")
        if not values:
            return ()
        if any(len(value) > self.document.limits.text_max for value in values):
            self.report(key, f"has an entry of more than {self.document.limits.text_max} characters")
        if len(set(values)) != len(values):
            self.report(key, "names an entry twice")
        if choices is not None and not set(values) <= set(choices):
            self.report(key, f"has an entry that is not one of {', '.join(sorted(choices))}")
            return tuple(value for value in values if value in choices)
        return tuple(values)

    def text_table(self, key: str) -> dict[str, str]:
        """Take a table of texts; empty where it is absent."""
        value = self._table(key) or {}
        if not all(isinstance(item, str) for item in value.values()):
            self.report(key, "must be a table of texts")
            return {}
        return dict(value)

    def number(self, key: str, *, default: int | None = None, least: int = 0, most: int | None = None) -> int:
        """Take a whole number from `least` to `most`; without `default` it must be there."""
        span = "a whole number" if most is None else f"a whole number from {least} to {most}"
        value = self.take(key, int, span)
        if value is None:
            if default is None and key not in self.values:
                self.report(key, "is missing")
            return least if default is None else default
        if value < least or (most is not None and value > most):
            self.report(key, f"must be at least {least}" if most is None else f"must be {span}")
            return least
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Take true or false."""
        value = self.take(key, bool, "true or false")
        return default if value is None else value

    def day(self, key: str) -> date | None:
        """Take a date without a time."""
        return self.take(key, date, "a date such as 2026-03-02")

    def time(self, key: str) -> datetime | None:
        """Take a time with an offset, as UTC."""
        value = self.take(key, datetime, "a time such as 2026-03-02T09:00:00Z")
        if value is None:
            return None
        if value.tzinfo is None:
            self.report(key, "needs an offset, such as Z or +02:00")
            return None
        return value.astimezone(UTC)

    def table(self, key: str) -> Table | None:
        """Take a table, or None where there is none."""
        values = self._table(key)
        return None if values is None else self.child(key, values)

    def table_or_empty(self, key: str) -> Table:
        """Take a table; where there is none, an empty one."""
        return self.child(key, self._table(key) or {})

    def tables(self, key: str) -> tuple[Table, ...]:
        """Take a list of tables; none where it is absent."""
        values = self._list(key, f"tables, each under a [[{key}]] line", dict)
        return tuple(
            Table(self.document, (*self.path, key, index), value) for index, value in enumerate(values or ())
        )

    def child(self, key: str, values: Mapping[str, Any]) -> Table:
        """Return `values` as the table that stands at `key`."""
        return Table(self.document, (*self.path, key), values)

    def close(self) -> None:
        """Report every key that nobody took."""
        for key in self.values:
            if key not in self.taken:
                near = difflib.get_close_matches(key, self.taken, n=1)
                known = ", ".join(sorted(self.taken))
                self.report(
                    key, f"unknown key; did you mean {near[0]}?" if near else f"unknown key; known here: {known}"
                )

    def check(self) -> None:
        """Raise every mistake of the document, if there is any."""
        self.document.check()

    def _list(self, key: str, expected: str, kind: type[Value]) -> list[Value] | None:
        values = self.take(key, list, expected)
        if values is None:
            return None
        if len(values) > self.document.limits.items_max:
            self.report(key, f"has more than {self.document.limits.items_max} entries")
            return None
        if not all(type(value) is kind for value in values):
            self.report(key, f"must be {expected}")
            return None
        return values

    def _table(self, key: str) -> Mapping[str, Any] | None:
        values = self.take(key, dict, "a table")
        if values is not None and len(values) > self.document.limits.items_max:
            self.report(key, f"has more than {self.document.limits.items_max} entries")
            return None
        return values
