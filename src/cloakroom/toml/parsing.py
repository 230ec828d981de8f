"""Parse a TOML text into the `Table` of its root."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

from cloakroom.errors import InputError, RuleError
from cloakroom.toml.document import Document, DocumentLimits
from cloakroom.toml.statements import (
    Statement,
    TooDeepError,
    line_as_written,
    locate_keys,
    split_statements,
    without_tables,
)
from cloakroom.toml.table import Table

_BYTE_ORDER_MARK = "\ufeff"
_TOML_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)|\s*\(at end of document\)")
_QUOTED = re.compile(r"\s*(?:'[^'\s\w\\]'|'[^']*'|\"[^\"]*\")")
_QUOTED_SIGN = re.compile(r"\s*'[^'\s\w\\]'")


def parse_document(
    content: str | bytes,
    source: str,
    *,
    limits: DocumentLimits | None = None,
    error: type[InputError] = RuleError,
    without: frozenset[str] = frozenset(),
    semicolons: bool = False,
) -> Table:
    """Parse a file into its root table.

    Args:
        content: What it holds; bytes are UTF-8.
        source: Its name, for messages.
        limits: Bounds; the defaults suit facts and rules.
        error: What is raised for a mistake, here and by `Table.check`.
        without: Names of top-level tables to pass over unread, for speed.
        semicolons: Whether several assignments may stand on one line, separated by semicolons; one liberty over
            TOML 1.0, for files that are typed under pressure.

    Raises:
        InputError: It is too large, nested too deeply, not UTF-8 or not TOML; of the type `error`, with the line.
    """
    limits = limits or DocumentLimits()
    text = _decoded(content, source, limits, error).removeprefix(_BYTE_ORDER_MARK).replace("\r\n", "\n")
    try:
        statements = split_statements(text, depth_max=limits.depth_max, semicolons=semicolons)
    except TooDeepError as problem:
        raise error.at(source, f"nested deeper than {limits.depth_max} levels", line=problem.line) from None
    statements = list(without_tables(statements, without)) if without else statements
    values = _values("\n".join([statement.text for statement in statements]), statements, source, error)
    if _is_deeper(values, limits.depth_max):  # dotted keys nest without brackets
        raise error.at(source, f"nested deeper than {limits.depth_max} levels")
    return Table(Document(source, locate_keys(statements), limits, error), (), values)


def _decoded(content: str | bytes, source: str, limits: DocumentLimits, error: type[InputError]) -> str:
    size = len(content)
    if isinstance(content, str) and not content.isascii():
        size = len(content.encode("utf-8", "surrogatepass"))
    if size > limits.bytes_max:
        raise error.at(source, f"larger than {limits.bytes_max} bytes")
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise error.at(source, "not UTF-8", line=line) from None


def _values(text: str, statements: Sequence[Statement], source: str, error: type[InputError]) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        found = _TOML_LINE.search(str(problem))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        reason = f"not TOML: {_without_values(str(problem))}"
        raise error.at(source, reason, line=line_as_written(statements, line)) from None
    except ValueError:  # such as a number of more digits than Python converts
        raise error.at(source, "not TOML: holds a value that cannot be read") from None


def _without_values(message: str) -> str:
    """Return the parser's reason without what it quotes, which may be somebody's data."""
    reason = _TOML_LINE.sub("", message).split(":", 1)[0].strip().rstrip(".")
    reason = re.sub(r"\(.*\) twice", "a table twice", reason)
    reason = _QUOTED.sub(lambda match: match[0] if _QUOTED_SIGN.fullmatch(match[0]) else "", reason)
    return reason[:1].lower() + reason[1:] or "syntax error"


def _is_deeper(values: dict[str, Any], depth_max: int) -> bool:
    """Say whether tables and lists are nested deeper than `depth_max`; without recursion."""
    level: list[Any] = [values]
    for _ in range(depth_max + 1):
        if not level:
            return False
        level = [
            item
            for held in level
            for item in (held.values() if isinstance(held, dict) else held)
            if isinstance(item, (dict, list))
        ]
    return bool(level)
