"""Where each key of a TOML text stands, since the standard reader does not say.

Only for texts that `tomllib` has accepted: this finds lines, it does not judge syntax. Keys inside inline tables and
elements of arrays have the line of the key that holds them.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

Path = tuple[str, ...]

_OPENING: Final = "[{"
_CLOSING: Final = "]}"
_QUOTES: Final = "\"'"


def locate_keys(text: str) -> Mapping[Path, int]:
    """Return the line, from 1, of every table header and every key outside inline tables, by full path."""
    lines: dict[Path, int] = {}
    table: Path = ()
    for line, statement in _statements(text):
        if statement.startswith("["):
            table = _parse_key(statement.strip("[] \t"))
            for length in range(1, len(table) + 1):
                lines.setdefault(table[:length], line)
            continue
        path = table + _parse_key(statement[: _end_of_key(statement)])
        for length in range(len(table) + 1, len(path) + 1):
            lines.setdefault(path[:length], line)
    return lines


def line_of(lines: Mapping[Path, int], path: Path) -> int | None:
    """Return the line of `path`, or of the nearest key around it, or None for the file as a whole."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def _statements(text: str) -> list[tuple[int, str]]:
    """Cut into headers and key-value pairs, each with its first line, comments left out."""
    found: list[tuple[int, str]] = []
    line = start = 1
    depth = 0
    held: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character in _QUOTES:
            end = _end_of_string(text, position)
            held.append(text[position:end])
            line += text.count("\n", position, end)
            position = end
            continue
        if character == "#":
            position = _end_of_line(text, position)
            continue
        if character == "\n":
            if depth == 0 and "".join(held).strip():
                found.append((start, "".join(held).strip()))
                held = []
            line += 1
            if not "".join(held).strip():
                held, start = [], line
        else:
            depth += (character in _OPENING) - (character in _CLOSING)
            held.append(character)
        position += 1
    if "".join(held).strip():
        found.append((start, "".join(held).strip()))
    return found


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _end_of_string(text: str, position: int) -> int:
    quote = text[position]
    triple = quote * 3
    if text.startswith(triple, position):
        position += 3
        while not text.startswith(triple, position):
            position += 2 if quote == '"' and text[position] == "\\" else 1
        position += 3
        # Up to two quotes may belong to the text just before the closing three.
        while position < len(text) and text[position] == quote:
            position += 1
        return position
    position += 1
    while text[position] != quote:
        position += 2 if quote == '"' and text[position] == "\\" else 1
    return position + 1


def _end_of_key(statement: str) -> int:
    position = 0
    while statement[position] != "=":
        position = _end_of_string(statement, position) if statement[position] in _QUOTES else position + 1
    return position


def _parse_key(written: str) -> Path:
    """Let the standard reader take the dotted key apart."""
    value: object = tomllib.loads(f"{written} = 0")
    path: list[str] = []
    while isinstance(value, dict):
        ((key, value),) = value.items()
        path.append(key)
    return tuple(path)
