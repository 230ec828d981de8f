"""Cells that hold a document of their own: JSON in a column of a table, PHP's serialised arrays in a session.

Most cells of such a column hold one. Its leaves become columns, named by their path behind the name of the column; a
cell that does not read stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import msgspec
import polars as pl

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.json_rows import flatten
from cloakroom.claims.readers.relaxed_json import decode_relaxed
from cloakroom.claims.tables import Batch, share_of

_LOOKED_AT = 50
_BEGINNING = 1 << 16
_MOST = 0.5
_LIMITS = Limits(columns=200)
_OPENING = r"^\s*(?:\{.*[:=].*\}|\[\s*\{.*\}\s*\]|[aO]:\d+:.*\{.*\})\s*$"
_SERIALISED = re.compile(
    r'(?P<open>a:\d{1,9}:\{|O:\d{1,9}:"[^"]{0,255}":\d{1,9}:\{)|(?P<close>\})|s:(?P<length>\d{1,9}):"'
    r"|[id]:(?P<number>[^;:{}]{0,40});|b:(?P<flag>[01]);|(?P<null>N);"
)
_LENGTH_TRIED = 4_096
_DEPTH_MAX = 32


def with_nested_cells(batch: Batch) -> Batch:
    """Return the batch with the leaves of such columns as columns."""
    if batch.text is not None and b"{" not in batch.text[:_BEGINNING]:
        return batch
    head = batch.frame.head(_LOOKED_AT)
    if not any(_is_nested(head[column]) for column in head.columns):
        return batch
    frame = batch.whole()
    for column in [name for name in frame.columns if _is_nested(frame[name].head(_LOOKED_AT))]:
        frame = _expanded(frame, column)
    return replace(batch, frame=frame, unparsed=None, at_signs=None)


def _is_nested(cells: pl.Series) -> bool:
    filled = cells.drop_nulls()
    # Asked of every column of every block: hardly a column has any such sign.
    if not any("{" in cell for cell in filled.to_list()):
        return False
    return share_of(filled.filter(filled != "").str.contains("(?s)" + _OPENING)) >= _MOST


def _expanded(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    found = [_leaves(cell) for cell in frame[column].to_list()]
    names = dict.fromkeys(name for leaves in found if leaves for name in leaves)
    rest = [None if leaves else cell for leaves, cell in zip(found, frame[column].to_list(), strict=True)]
    taken = set(frame.columns)
    added = [
        pl.Series(_free(f"{column}.{name}", taken), [(leaves or {}).get(name) for leaves in found], dtype=pl.String)
        for name in list(names)[: _LIMITS.columns]
    ]
    return frame.with_columns(pl.Series(column, rest, dtype=pl.String), *added)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "'"
    taken.add(name)
    return name


def _leaves(cell: str | None) -> dict[str, str] | None:
    if cell is None or "{" not in cell or len(cell) > _LIMITS.record_bytes:
        return None
    text = cell.strip()
    try:
        value = unserialised(text) if text[:2] in ("a:", "O:") else decode_relaxed(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return None
    if isinstance(value, list):
        value = {str(place): item for place, item in enumerate(value)}
    return flatten(value, _LIMITS) if isinstance(value, dict) else None


def unserialised(text: str) -> dict[str, Any]:
    """Return the value of a PHP array or object as its ``serialize`` writes it; lengths are not relied upon.

    A database's dump may have escaped what lies inside, or another encoding changed it, so that they no longer fit.
    """
    stack: list[list[Any]] = [[]]
    at = 0
    while match := _SERIALISED.search(text, at):
        at = match.end()
        if match["open"]:
            if len(stack) > _DEPTH_MAX:
                break
            stack.append([])
        elif match["close"]:
            if len(stack) == 1:
                break
            _close(stack)
        elif match["length"]:
            length = _length_of_text(text, at, int(match["length"]))
            stack[-1].append(text[at : at + length])
            at += length + 2
        else:
            stack[-1].append(None if match["null"] else match["number"] or match["flag"] or "")
    while len(stack) > 1:
        _close(stack)
    found = stack[0][0] if stack[0] else {}
    return found if isinstance(found, dict) else {}


def _close(stack: list[list[Any]]) -> None:
    """Make an array of the innermost members; names of hidden members of objects carry their class before a zero."""
    members = stack.pop()
    names = [str(name).rpartition("\0")[2] for name in members[0::2]]
    stack[-1].append(dict(zip(names, members[1::2], strict=False)))


def _length_of_text(text: str, at: int, stated: int) -> int:
    """Return how many signs the text here has: as many bytes as stated if that fits, else up to its end."""
    if stated <= _LENGTH_TRIED:
        piece = text[at : at + stated].encode("utf-8", "replace")[:stated].decode("utf-8", "ignore")
        end = at + len(piece)
        if text.startswith('";', end) or (end >= len(text) - 1 and text.endswith('"')):
            return len(piece)
    found = text.find('";', at)
    return (found if found >= 0 else len(text)) - at
