"""TOML files written by hand, read strictly: every mistake is reported, each with its file, line and key.

`parse_document` gives a `Table`; the caller takes each key it knows by type, and `Table.close` reports the keys that
nobody took. Problems are collected in one list that all tables of a document share; `Table.check` raises them
together. Messages never repeat a value.

One liberty over TOML 1.0: several ``key = value`` pairs may stand on one line, separated by semicolons, since facts
files are typed under pressure.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from cloakroom.errors import InputError, Position, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DocumentLimits", "Table", "parse_document"]

Path = tuple[str | int, ...]
Value = TypeVar("Value")

_HEADER = re.compile(r"^(\[\[?)\s*([A-Za-z0-9_.\- \"']+?)\s*\]\]?$")
_KEY = re.compile(r"^([A-Za-z0-9_\-]+(?:\s*\.\s*[A-Za-z0-9_\-]+)*|\"[^\"]*\")\s*=")
_INTERESTING = re.compile(r"[\n;#\"'\[\]{}]")
_TOML_LINE = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """Bounds on a file from outside.

    Attributes:
        bytes_max: Size of the file.
        items_max: Entries of one list.
        text_max: Characters of one text.
    """

    bytes_max: int = 8_000_000
    items_max: int = 100_000
    text_max: int = 2_000


@dataclass(frozen=True, slots=True)
class _Statement:
    line: int
    text: str


@dataclass(slots=True)
class Table:
    """One table of a document, from which typed values are taken key by key."""

    source: str
    path: Path
    values: dict[str, Any]
    lines: dict[Path, int]
    problems: list[Problem]
    limits: DocumentLimits
    taken: set[str] = field(default_factory=set)

    def line(self, key: str | None = None) -> int | None:
        """Return the line of `key`, or of the nearest enclosing thing whose line is known."""
        path = self.path if key is None else (*self.path, key)
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return None

    def report(self, key: str | None, reason: str) -> None:
        """Note a mistake at `key` (or at the table as a whole)."""
        self.problems.append(Problem(Position(self.source, self.line(key), key), reason))

    def has(self, key: str) -> bool:
        """Answer whether the key is present."""
        return key in self.values

    def take(self, key: str, kind: type[Value], what: str) -> Value | None:
        """Take a value of exactly one type; None if absent or (reported) of another type."""
        self.taken.add(key)
        value = self.values.get(key)
        if value is None:
            return None
        if type(value) is not kind:
            self.report(key, f"must be {what}")
            return None
        return value

    def text(self, key: str, *, default: str | None = None, choices: frozenset[str] | None = None) -> str:
        """Take a text; without `default` the key is required, with `choices` it must be one of them."""
        value = self.take(key, str, "a text in quotes")
        if value is None:
            if default is None and key not in self.values:
                self.report(key, "is missing")
            return default or ""
        if len(value) > self.limits.text_max:
            self.report(key, f"is longer than {self.limits.text_max} characters")
            return ""
        if choices is not None and value not in choices:
            self.report(key, "must be one of " + ", ".join(sorted(choices)))
        return value

    def texts(self, key: str, *, required: bool = False, choices: frozenset[str] | None = None) -> tuple[str, ...]:
        """Take a list of different texts."""
        values = self.take(key, list, "a list of texts")
        if values is None:
            if required and key not in self.values:
                self.report(key, "is missing")
            return ()
        if len(values) > self.limits.items_max:
            self.report(key, f"has more than {self.limits.items_max} entries")
            return ()
        for value in values:
            if not isinstance(value, str):
                self.report(key, "must be a list of texts")
                return ()
            if choices is not None and value not in choices:
                self.report(key, "has an entry that is not one of " + ", ".join(sorted(choices)))
        if len(set(values)) != len(values):
            self.report(key, "names an entry twice")
        if required and not values:
            self.report(key, "must not be empty")
        return tuple(values)

    def number(self, key: str, *, default: int | None = None, least: int = 0) -> int:
        """Take a whole number of at least `least`."""
        value = self.take(key, int, "a whole number")
        if value is None:
            if default is None and key not in self.values:
                self.report(key, "is missing")
            return default if default is not None else least
        if value < least:
            self.report(key, f"must be at least {least}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
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
        value = self.take(key, dict, "a table")
        return None if value is None else self._child((*self.path, key), value)

    def tables(self, key: str) -> tuple[Table, ...]:
        """Take a list of tables."""
        values = self.take(key, list, "a list of tables")
        if values is None:
            return ()
        if len(values) > self.limits.items_max:
            self.report(key, f"has more than {self.limits.items_max} entries")
            return ()
        if not all(isinstance(value, dict) for value in values):
            self.report(key, "must be a list of tables")
            return ()
        return tuple(self._child((*self.path, key, index), value) for index, value in enumerate(values))

    def close(self) -> None:
        """Report every key that nobody took."""
        for key in self.values:
            if key not in self.taken:
                self.report(key, "is not a known key here")

    def check(self, error: type[InputError] = InputError) -> None:
        """Raise `error` with all problems of the document, if there are any."""
        if self.problems:
            raise error(sorted(self.problems, key=lambda problem: problem.position.line or 0))

    def _child(self, path: Path, values: dict[str, Any]) -> Table:
        return Table(self.source, path, values, self.lines, self.problems, self.limits)


def parse_document(
    text: str, source: str, *, limits: DocumentLimits | None = None, without: frozenset[str] = frozenset()
) -> Table:
    """Parse `text` into its root table.

    Args:
        text: The file's content.
        source: Its name for messages.
        limits: Bounds; the defaults suit facts and rules.
        without: Names of top-level tables to pass over unread, for speed.

    Raises:
        InputError: The text is too large or not TOML; with the line.
    """
    limits = limits or DocumentLimits()
    if len(text) > limits.bytes_max:
        raise InputError.at(source, f"is larger than {limits.bytes_max} characters")
    statements = list(_kept(_statements(text), without))
    try:
        values = tomllib.loads("\n".join(statement.text for statement in statements))
    except tomllib.TOMLDecodeError as error:
        raise _located(error, statements, source, text) from None
    return Table(source, (), values, _lines(statements), [], limits)


def _located(error: tomllib.TOMLDecodeError, statements: list[_Statement], source: str, text: str) -> InputError:
    """Turn the parser's error into ours, with the line in the file as it was written."""
    match = _TOML_LINE.search(str(error))
    if match is None:
        return InputError.at(source, "is not TOML: it ends too early", line=text.count("\n") + 1)
    wanted = int(match[1])
    line = None
    for statement in statements:
        height = statement.text.count("\n") + 1
        if wanted <= height:
            line = statement.line + wanted - 1
            break
        wanted -= height
    reason = _TOML_LINE.sub("", str(error)).split(":", 1)[0].strip()
    return InputError.at(source, f"is not TOML: {_without_values(reason)}", line=line)


def _without_values(reason: str) -> str:
    """Drop quoted pieces: the parser quotes what it stumbled over, and that may be somebody's data."""
    return re.sub(r"\s*\(?'[^']*'\)?|\s*\"[^\"]*\"", "", reason) or "syntax error"


def _statements(text: str) -> list[_Statement]:
    """Cut a document into headers and assignments, each with the line on which it starts."""
    found: list[_Statement] = []
    start, line, begun_at, depth = 0, 1, 1, 0
    match = _INTERESTING.search(text)
    while match is not None:
        position = match.start()
        end = _skip(text, position)
        if end > position:
            line += text.count("\n", position, end)
            match = _INTERESTING.search(text, end)
            continue
        character = match[0]
        depth += (character in "[{") - (character in "]}")
        if depth == 0 and character in "\n;":
            found.append(_Statement(begun_at, text[start:position]))
            start = position + 1
            begun_at = line + (character == "\n")
        line += character == "\n"
        match = _INTERESTING.search(text, position + 1)
    found.append(_Statement(begun_at, text[start:]))
    return found


def _kept(statements: list[_Statement], without: frozenset[str]) -> Iterator[_Statement]:
    """Yield the statements that do not stand under a header named in `without`."""
    dropping = False
    for statement in statements:
        if statement.text.lstrip().startswith("["):
            header = _header(statement)
            dropping = header is not None and _names(header[2])[0] in without
        if not dropping:
            yield statement


def _header(statement: _Statement) -> re.Match[str] | None:
    return _HEADER.match(statement.text.split("#", 1)[0].strip())


def _skip(text: str, position: int) -> int:
    """Return the end of the string or comment that starts at `position`, or `position` itself."""
    character = text[position]
    if character == "#":
        end = text.find("\n", position)
        return len(text) if end < 0 else end
    if character not in "\"'":
        return position
    triple = character * 3
    if text.startswith(triple, position):
        end = text.find(triple, position + 3)
        return len(text) if end < 0 else end + 3
    end = position + 1
    while end < len(text) and text[end] not in (character, "\n"):
        end += 2 if text[end] == "\\" and character == '"' else 1
    return min(end + 1, len(text)) if end < len(text) and text[end] == character else min(end, len(text))


def _lines(statements: list[_Statement]) -> dict[Path, int]:
    """Map each table and key to its line."""
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    prefix: Path = ()
    for statement in statements:
        stripped = statement.text.strip()
        header = _header(statement) if stripped.startswith("[") else None
        if header is not None:
            prefix = _open_table(_names(header[2]), counts, is_list=header[1] == "[[")
            lines.setdefault(prefix, statement.line)
            continue
        key = _KEY.match(stripped)
        if key is not None:
            lines.setdefault((*prefix, *_names(key[1])), statement.line + _leading_lines(statement.text))
    return lines


def _leading_lines(text: str) -> int:
    return text[: len(text) - len(text.lstrip())].count("\n")


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(name.strip().strip("\"'") for name in dotted.split("."))


def _open_table(names: tuple[str, ...], counts: dict[Path, int], *, is_list: bool) -> Path:
    """Return the path of a header, giving each repeated list its current index."""
    path: Path = ()
    for name in names[:-1]:
        path = (*path, name)
        if path in counts:
            path = (*path, counts[path])
    path = (*path, names[-1])
    if not is_list:
        return path
    counts[path] = counts.get(path, -1) + 1
    return (*path, counts[path])
