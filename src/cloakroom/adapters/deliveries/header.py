"""Checking the columns of a file against the mapping, before a single row is taken.

A file without a header shows its first row here. So names that the mapping does not know are repeated in messages
only when the header is one beyond doubt: the record id's column stands in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloakroom.errors import InputError, Position, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloakroom.vault.mapping import BrandMapping

_SHOWN = 60


def check_header(header: Sequence[str], mapping: BrandMapping, name: str, *, max_columns: int) -> None:
    """Check that every mapped column is there and every other one is ignored on purpose.

    Args:
        header: Names of the file's columns.
        mapping: Names those that matter.
        name: Of the file, for messages.
        max_columns: How many columns a file may have.

    Raises:
        InputError: With every problem found.
    """
    if len(header) > max_columns:
        raise InputError.at(name, f"has {len(header)} columns; at most {max_columns} are read", line=1)
    present = set(header)
    needed = [*mapping.record.sources, *(column.source for column in mapping.columns if not column.optional)]
    missing = [source for source in dict.fromkeys(needed) if source not in present]
    if mapping.record.id in missing and len(missing) * 2 > len(needed):
        reason = f"the first line is no header that {mapping.source} describes: {', '.join(missing)} are missing"
        raise InputError.at(name, reason, line=1)
    problems = [_problem(name, f"column `{source}` of {mapping.source} is missing") for source in missing]
    mapped = {*mapping.record.sources, *(column.source for column in mapping.columns)}
    for position, column in enumerate(header, start=1):
        if column in mapped and header.index(column) < position - 1:
            problems.append(_problem(name, f"column {position} is `{column}` once more"))
        elif mapping.refuse_unknown and column not in mapped and column not in mapping.ignore:
            shown = f" (`{column[:_SHOWN]}`)" if mapping.record.id in present else ""
            reason = f"column {position}{shown} is neither mapped nor ignored by {mapping.source}"
            problems.append(_problem(name, reason))
    if problems:
        raise InputError(problems)


def _problem(name: str, reason: str) -> Problem:
    return Problem(Position(name, 1), reason)
