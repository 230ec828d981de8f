"""Take the policy's own kinds of values: words of closed sets, networks, lengths of time, tables with names.

Everything else is taken as `cloakroom.toml` takes it. Each function takes one key, notes what is wrong with it and
goes on with a harmless value, so that one run finds every mistake.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from cloakroom.gate.policy import LOCAL, Network, Networks
from cloakroom.toml import DocumentLimits, Table

MAX_NUMBER: Final = 2**32
"""No ceiling can be larger than the number of ordinals."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_LENGTH: Final = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MICROSECONDS: Final = 1_000_000
_LENGTH_MIN: Final = 60 * _MICROSECONDS
_LENGTH_MAX: Final = 366 * 86400 * _MICROSECONDS


@dataclass(frozen=True, slots=True)
class Limits(DocumentLimits):
    """Bounds on a policy file.

    Attributes:
        bytes_max: Size of the file, in bytes.
        items_max: Entries of any one table or list.
        text_max: Characters of any one text.
        depth_max: How deep tables and lists may be nested.
        problems_max: Mistakes that are told at most.
    """

    bytes_max: int = 1 << 20
    items_max: int = 1000
    text_max: int = 500


_Word = TypeVar("_Word", bound=StrEnum)
_Thing = TypeVar("_Thing")


def named_tables(root: Table, section: str, read: Callable[[str, Table], _Thing]) -> dict[str, _Thing]:
    """Take a table of named tables, and read each with its name."""
    found: dict[str, _Thing] = {}
    tables = root.table_or_empty(section)
    for name in tables.values:
        table = tables.table(name)
        if not _NAME.fullmatch(name):
            tables.report(name, "a name is lower-case letters, digits and underscores, beginning with a letter")
        elif table is not None:
            found[name] = read(name, table)
            table.close()
    return found


def words(table: Table, key: str, known: Collection[_Word], *, required: bool = True) -> frozenset[_Word]:
    """Take a list of words from a closed set."""
    found = table.texts(key, required=required, choices=known)
    return frozenset(word for word in known if word in found)


def networks(table: Table, key: str) -> Networks:
    """Take a list of CIDR ranges, and the word for the machine itself."""
    ranges: list[Network] = []
    found = frozenset(table.texts(key, required=True))
    for written in sorted(found - {LOCAL}):
        try:
            ranges.append(ipaddress.ip_network(written))
        except ValueError:
            table.report(key, f"must hold ranges such as 10.0.0.0/8 with no bits beyond the mask, or {LOCAL}")
    return Networks(tuple(ranges), LOCAL in found)


def length(table: Table, key: str) -> int:
    """Take a span such as 10m or 24h, as microseconds."""
    text = table.text(key)
    found = _LENGTH.fullmatch(text)
    if found is None:
        if text:
            table.report(key, "must be a number with s, m, h or d, such as 10m")
        return _LENGTH_MIN
    microseconds = int(found[1]) * _UNITS[found[2]] * _MICROSECONDS
    if not _LENGTH_MIN <= microseconds <= _LENGTH_MAX:
        table.report(key, "must be between one minute and 366 days")
        return _LENGTH_MIN
    return microseconds
