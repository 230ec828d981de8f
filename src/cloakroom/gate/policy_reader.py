"""Taking values out of a decoded policy file, with every mistake noted where it stands.

`KEYS` is the closed list of keys. A `Section` is one table of the file: each of its methods takes one key, notes what
is wrong with it and goes on with a harmless value, so that one run finds every mistake.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from cloakroom.errors import Position, Problem
from cloakroom.gate.policy import LOCAL, Networks
from cloakroom.gate.toml_lines import Path, line_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import StrEnum

    from cloakroom.gate.policy import Network

MAX_NUMBER: Final = 2**32
"""No ceiling can be larger than the number of ordinals."""

KEYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "": ("bands", "budgets", "forbid", "format", "purposes", "releases", "renewals", "roles"),
        "purposes": ("fields", "max_records", "operations", "reference", "text"),
        "roles": ("brands", "budget", "kinds", "networks", "purposes", "text"),
        "forbid": ("brands", "fields", "networks", "operations", "purposes", "roles", "text"),
        "budgets": ("burst", "day", "lifetime", "mask_below_percent", "token_below_percent"),
        "burst": ("contact", "identity", "length", "per_brand", "probes", "records", "value"),
        "day": ("contact", "identity", "length", "per_brand", "probes", "records", "value"),
        "lifetime": ("contact", "identity", "per_brand", "probes", "records", "value"),
        "renewals": ("budgets", "by"),
        "releases": ("approvals", "approvers", "expires", "max_records", "purpose", "text"),
    }
)
"""Every key by section; `bands` and `fields` hold field names instead."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_LENGTH: Final = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on a policy file.

    Attributes:
        bytes_max: Size of the file.
        entries_max: Entries of any one table or list.
        text_max: Characters of any one text.
        window_min: Shortest window in microseconds.
        window_max: Longest window in microseconds.
        problems_max: Problems reported at most.
    """

    bytes_max: int = 1 << 20
    entries_max: int = 1000
    text_max: int = 500
    window_min: int = 60 * _MICROSECONDS
    window_max: int = 366 * 86400 * _MICROSECONDS
    problems_max: int = 200


_E = TypeVar("_E", bound="StrEnum")
_T = TypeVar("_T")


class PolicyReader:
    """Takes values out of the decoded file and collects what is wrong with them."""

    def __init__(self, source: str, lines: Mapping[Path, int], limits: Limits) -> None:
        self.problems: list[Problem] = []
        self.limits = limits
        self._source = source
        self._lines = lines

    def report(self, path: Path, reason: str) -> None:
        """Note a mistake at `path`."""
        position = Position(self._source, line_of(self._lines, path), ".".join(path) or None)
        self.problems.append(Problem(position, reason))

    def table(self, path: Path, value: object, keys: tuple[str, ...] | None) -> dict[str, object]:
        """Return `value` as a table that holds nothing but `keys`; None lets any name in."""
        if not isinstance(value, dict):
            self.report(path, "must be a table")
            return {}
        if len(value) > self.limits.entries_max:
            self.report(path, f"has more than {self.limits.entries_max} entries")
            return {}
        for key in value:
            if keys is not None and key not in keys:
                near = difflib.get_close_matches(key, keys, n=1)
                hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(keys)}"
                self.report((*path, key), f"unknown key{hint}")
        return value

    def named(self, content: Mapping[str, object], section: str, read: Callable[[Section], _T]) -> dict[str, _T]:
        """Read a table of named tables, one thing each."""
        found: dict[str, _T] = {}
        for name, value in self.table((section,), content.get(section, {}), None).items():
            path = (section, name)
            if not _NAME.fullmatch(name):
                self.report(path, "a name is lower-case letters, digits and underscores, beginning with a letter")
                continue
            found[name] = read(Section(self, path, self.table(path, value, KEYS[section]), name))
        return found


class Section:
    """One table of the file; each method takes one key, reports what is wrong and goes on with a harmless value."""

    def __init__(self, reader: PolicyReader, path: Path, values: Mapping[str, object], name: str) -> None:
        self.reader = reader
        self.path = path
        self.values = values
        self.name = name

    def report(self, key: str, reason: str) -> None:
        """Note a mistake at `key`."""
        self.reader.report((*self.path, key), reason)

    def has(self, key: str) -> bool:
        """Say whether `key` is there."""
        return key in self.values

    def text(self, key: str) -> str:
        """Take a text that is not empty."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            self.report(key, "needs a text" if value is None else "must be a text that is not empty")
            return ""
        if len(value) > self.reader.limits.text_max:
            self.report(key, f"is longer than {self.reader.limits.text_max} characters")
        return value

    def flag(self, key: str) -> bool:
        """Take true or false; absent is false."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            self.report(key, "must be true or false")
            return False
        return value

    def number(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Take a whole number from `low` to `high`; an absent one is `default`, or a mistake."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.report(key, "needs" * (value is None) + "must be" * (value is not None) + between(low, high))
            return low
        return value

    def names(self, key: str, *, needed: bool = True) -> frozenset[str]:
        """Take a list of names; an absent one is a mistake if `needed`."""
        value = self.values.get(key)
        if value is None and not needed:
            return frozenset()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.report(key, "needs a list of names" if value is None else "must be a list of names")
            return frozenset()
        if not value:
            self.report(key, "must not be empty")
        elif len(value) > self.reader.limits.entries_max:
            self.report(key, f"has more than {self.reader.limits.entries_max} entries")
        elif len(set(value)) < len(value):
            self.report(key, "names something twice")
        return frozenset(value)

    def words(self, key: str, kind: type[_E], *, needed: bool = True) -> frozenset[_E]:
        """Take a list of words from a closed set."""
        known = {word.value for word in kind}
        found = self.names(key, needed=needed)
        if found - known:
            self.report(key, f"holds an unknown word; known are {', '.join(sorted(known))}")
        return frozenset(kind(word) for word in found & known)

    def networks(self, key: str) -> Networks:
        """Take a list of CIDR ranges, and the word for the machine itself."""
        ranges: list[Network] = []
        found = self.names(key)
        for written in sorted(found - {LOCAL}):
            try:
                ranges.append(ipaddress.ip_network(written))
            except ValueError:
                self.report(key, f"must hold ranges such as 10.0.0.0/8 with no bits beyond the mask, or {LOCAL}")
        return Networks(tuple(ranges), LOCAL in found)

    def length(self, key: str) -> int:
        """Take a span such as 10m or 24h, as microseconds."""
        limits = self.reader.limits
        value = self.values.get(key)
        found = _LENGTH.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            self.report(key, f"{'needs' if value is None else 'must be'} a number with s, m, h or d, such as 10m")
            return limits.window_min
        length = int(found[1]) * _UNITS[found[2]] * _MICROSECONDS
        if not limits.window_min <= length <= limits.window_max:
            self.report(key, "must be between one minute and 366 days")
            return limits.window_min
        return length


def between(low: int, high: int) -> str:
    """Return the words for a bound, to follow a verb."""
    return f" a whole number from {low} to {high}"
