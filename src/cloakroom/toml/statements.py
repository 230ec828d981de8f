"""Cut a TOML text into statements and find the line of each key.

For texts that may be wrong, too: this finds places, it does not judge syntax. Keys inside inline tables and elements
of lists have the line of the key that holds them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Keys from the root down; an element of a list by its index, from 0."""

_TOKEN = re.compile(
    r'''
      """ (?: [^"\\]++ | \\. | "{1,2}(?!") )*+ "{3,5}
    | \'\'\' (?: [^']++ | '{1,2}(?!') )*+ '{3,5}
    | " (?: [^"\\\n]++ | \\[^\n] )*+ "?
    | ' [^'\n]*+ '?
    | \# [^\n]*+
    | [\[\]{}\n;]
    ''',
    re.VERBOSE | re.DOTALL,
)
_KEY_PART = re.compile(r"""[ \t]*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))[ \t]*""")


class TooDeepError(ValueError):
    """Brackets are nested deeper than allowed.

    Attributes:
        line: Where, from 1.
    """

    def __init__(self, line: int) -> None:
        super().__init__(f"nested too deeply at line {line}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Statement:
    """A header, an assignment or an empty line, with the line on which it begins."""

    line: int
    text: str

    @property
    def height(self) -> int:
        """Number of lines that it takes."""
        return self.text.count("\n") + 1


def split_statements(text: str, *, depth_max: int, semicolons: bool = False) -> list[Statement]:
    """Cut a document into its statements.

    Args:
        text: The document, its lines ended by line feeds.
        depth_max: How deep brackets may be nested.
        semicolons: Whether a semicolon ends a statement, too.

    Raises:
        TooDeepError: They are nested deeper.
    """
    found: list[Statement] = []
    start, line, begun_at, depth = 0, 1, 1, 0
    for match in _TOKEN.finditer(text):
        position = match.start()
        sign = text[position]
        if sign == "\n":
            line += 1
        elif sign in "\"'":
            line += text.count("\n", position, match.end())
        elif sign in "[{":
            depth += 1
            if depth > depth_max:
                raise TooDeepError(line)
        elif sign in "]}":
            depth = max(depth - 1, 0)
        if depth == 0 and (sign == "\n" or (sign == ";" and semicolons)):
            found.append(Statement(begun_at, text[start:position]))
            start, begun_at = position + 1, line
    found.append(Statement(begun_at, text[start:]))
    return found


def without_tables(statements: Iterable[Statement], names: frozenset[str]) -> Iterator[Statement]:
    """Yield the statements that do not stand under a top-level table named in `names`."""
    is_dropped = False
    for statement in statements:
        if statement.text.lstrip().startswith("["):
            parts, _ = _key_path(statement.text.lstrip().lstrip("["))
            is_dropped = bool(parts) and parts[0] in names
        if not is_dropped:
            yield statement


def locate_keys(statements: Iterable[Statement]) -> dict[Path, int]:
    """Return the line, from 1, of the root, of each table and of each key written outside inline tables."""
    lines: dict[Path, int] = {(): 1}
    counts: dict[Path, int] = {}
    table: Path = ()
    for statement in statements:
        written = statement.text.lstrip()
        if written.startswith("["):
            table = _table_path(written, counts)
            _note(lines, table, statement.line, known=0)
            continue
        parts, end = _key_path(written)
        if parts and written[end : end + 1] == "=":
            _note(lines, table + parts, statement.line, known=len(table))
    return lines


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """Return the line of `path`, or of the nearest enclosing thing whose line is known."""
    while path not in lines:
        path = path[:-1]
    return lines[path]


def line_as_written(statements: Sequence[Statement], line: int) -> int:
    """Return the line in the file of a line in the text that `statements` are joined to."""
    for statement in statements:
        if line <= statement.height:
            return statement.line + line - 1
        line -= statement.height
    return statements[-1].line + statements[-1].height - 1 if statements else 1


def _note(lines: dict[Path, int], path: Path, line: int, known: int) -> None:
    for size in range(known + 1, len(path) + 1):
        lines.setdefault(path[:size], line)


def _table_path(header: str, counts: dict[Path, int]) -> Path:
    """Return the path of a header, giving each element of a list of tables its index."""
    is_list = header.startswith("[[")
    parts, _ = _key_path(header.lstrip("["))
    path: Path = ()
    for part in parts[:-1]:
        path += (part,)
        if path in counts:  # a table under the newest element of a list of tables
            path += (counts[path] - 1,)
    path += parts[-1:]
    if is_list:
        counts[path] = counts.get(path, 0) + 1
        path += (counts[path] - 1,)
    return path


def _key_path(text: str) -> tuple[Path, int]:
    """Return the dotted key at the start of `text` and the position after it."""
    parts: list[str] = []
    position = 0
    while match := _KEY_PART.match(text, position):
        basic, literal, bare = match.groups()
        parts.append(_unescape(basic) if basic is not None else bare if literal is None else literal)
        position = match.end()
        if text[position : position + 1] != ".":
            break
        position += 1
    return tuple(parts), position


def _unescape(quoted: str) -> str:
    if "\\" not in quoted:
        return quoted
    try:
        return str(tomllib.loads(f'key = "{quoted}"')["key"])
    except tomllib.TOMLDecodeError:
        return quoted
