"""Reading a TOML file that somebody wrote by hand: strictly, and telling every mistake with its line.

`tomllib` gives values without lines. `line_numbers` finds the line of each key by scanning the text a second
time; the keys of an inline table count as standing where the table begins. `TableReader` walks one table,
collects what is wrong instead of stopping, and `finish` names the keys that nobody asked for.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, TypeAlias

from cloakroom.errors import Position, Problem, RuleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_SIZE = 4 * 1024 * 1024

Path: TypeAlias = tuple[str | int, ...]

_KEY_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")
_LINE_OF_ERROR = re.compile(r"\(at line (\d+), column \d+\)")
_STRINGS = re.compile(r'"""|\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*')


def parse_document(text: str, source: str) -> tuple[dict[str, Any], dict[Path, int]]:
    """Parse TOML and find its lines.

    Args:
        text: The document.
        source: File name for messages.

    Raises:
        RuleError: It is not TOML, or larger than `MAX_SIZE` characters.
    """
    if len(text) > MAX_SIZE:
        raise RuleError.at(source, f"larger than {MAX_SIZE} characters")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE_OF_ERROR.search(str(error))
        reason = _LINE_OF_ERROR.sub("", str(error)).strip().rstrip(":")
        line = int(found.group(1)) if found else text.count("\n") + 1
        raise RuleError.at(source, f"not TOML: {reason}", line=line) from error
    return document, line_numbers(text)


def line_numbers(text: str) -> dict[Path, int]:
    """Return the line, from 1, of each table and of each key written at the beginning of a line."""
    lines: dict[Path, int] = {(): 1}
    counts: dict[Path, int] = {}
    table: Path = ()
    depth, until = 0, ""
    for number, line in enumerate(text.split("\n"), start=1):
        if depth == 0 and not until:
            stripped = line.strip()
            if stripped.startswith("["):
                table = _table_path(stripped, counts)
                _note(lines, table, number)
                continue
            parts, end = _key_path(line)
            if parts and line[end : end + 1] == "=":
                _note(lines, table + parts, number)
        depth, until = _open_brackets(line, depth, until)
    return lines


def _note(lines: dict[Path, int], path: Path, number: int) -> None:
    for size in range(1, len(path) + 1):
        lines.setdefault(path[:size], number)


def _table_path(header: str, counts: dict[Path, int]) -> Path:
    is_array = header.startswith("[[")
    parts, _ = _key_path(header.lstrip("["))
    path: Path = ()
    for part in parts[:-1]:
        path += (part,)
        if path in counts:  # a table under the newest element of an array of tables
            path += (counts[path] - 1,)
    path += parts[-1:]
    if is_array:
        counts[path] = counts.get(path, 0) + 1
        path += (counts[path] - 1,)
    return path


def _key_path(text: str) -> tuple[Path, int]:
    """Return the dotted key at the start of `text` and the position after it."""
    parts: list[str] = []
    position = 0
    while match := _KEY_PART.match(text, position):
        quoted = match.group(1)
        parts.append(_unescape(quoted) if quoted is not None else match.group(2) or match.group(3) or "")
        position = match.end()
        if text[position : position + 1] != ".":
            break
        position += 1
    return tuple(parts), position


def _unescape(quoted: str) -> str:
    return str(tomllib.loads(f'key = "{quoted}"')["key"]) if "\\" in quoted else quoted


def _open_brackets(line: str, depth: int, until: str) -> tuple[int, str]:
    """Follow brackets and multi-line strings over one line."""
    position = 0
    while True:
        if until:
            end = line.find(until, position)
            if end < 0:
                return depth, until
            position, until = end + 3, ""
        match = _STRINGS.search(line, position)
        outside = line[position : match.start() if match else len(line)]
        depth += sum(outside.count(sign) for sign in "[{") - sum(outside.count(sign) for sign in "]}")
        if match is None:
            return max(depth, 0), ""
        position = match.end()
        if match.group() in {'"""', "'''"}:
            until = match.group()


class Findings:
    """The mistakes found in one file."""

    def __init__(self, source: str, lines: Mapping[Path, int]) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self._lines = lines

    def line_of(self, path: Path) -> int:
        """Return the line of the nearest enclosing thing whose line is known."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def add(self, path: Path, reason: str) -> None:
        """Note a mistake at `path`."""
        name = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
        self.problems.append(Problem(Position(self.source, self.line_of(path), name or None), reason))


class TableReader:
    """One table of a document; takes keys by type and remembers which were asked for."""

    def __init__(self, table: Mapping[str, Any], path: Path, findings: Findings) -> None:
        self.path = path
        self.findings = findings
        self._table = table
        self._known: set[str] = set()

    def __contains__(self, key: str) -> bool:
        self._known.add(key)
        return key in self._table

    def wrong(self, key: str, reason: str) -> None:
        """Note a mistake at `key`."""
        self.findings.add((*self.path, key), reason)

    def raw(self, key: str) -> Any:
        """Return the value of `key` as TOML has it, or None."""
        self._known.add(key)
        return self._table.get(key)

    def text(self, key: str, default: str = "", *, required: bool = False) -> str:
        """Return a text; a required one must not be empty."""
        value = self.raw(key)
        if value is None:
            if required:
                self.findings.add(self.path, f"`{key}` is missing")
            return default
        if not isinstance(value, str):
            self.wrong(key, "must be a text in quotes")
            return default
        if required and not value.strip():
            self.wrong(key, "must not be empty")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return true or false."""
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.wrong(key, "must be true or false")
            return default
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; missing means none."""
        value = self.raw(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.wrong(key, "must be a list of texts")
            return ()
        return tuple(value)

    def word(self, key: str, allowed: Iterable[str], default: str = "", *, required: bool = False) -> str:
        """Return one of the `allowed` words."""
        value = self.text(key, default, required=required)
        choices = sorted(allowed)
        if value not in choices and not (value == default and key not in self._table):
            self.wrong(key, f"must be one of {', '.join(choices)}")
            return default
        return value

    def words(self, key: str) -> dict[str, str]:
        """Return a table of texts."""
        value = self.raw(key)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            self.wrong(key, "must be a table of texts")
            return {}
        return dict(value)

    def table(self, key: str) -> TableReader:
        """Return a table below this one; missing means empty."""
        value = self.raw(key)
        if value is not None and not isinstance(value, dict):
            self.wrong(key, "must be a table")
            value = None
        return TableReader(value or {}, (*self.path, key), self.findings)

    def tables(self, key: str) -> list[TableReader]:
        """Return an array of tables; missing means none."""
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.wrong(key, f"must be tables, each under a [[{key}]] line")
            return []
        return [TableReader(item, (*self.path, key, index), self.findings) for index, item in enumerate(value)]

    def names(self) -> list[str]:
        """Return the keys in the order in which they are written."""
        return list(self._table)

    def finish(self) -> None:
        """Note each key that was never asked for."""
        for key in self._table:
            if key not in self._known:
                known = ", ".join(sorted(self._known))
                self.wrong(key, f"unknown key; known here: {known}")
