"""Reading a policy file: TOML in, `Policy` out, every mistake collected with file, line and key.

Strict: an unknown key, a value of another type, a number out of range is a mistake; nothing is guessed. The file is
data only: no expressions, no includes. `KEYS` lists every key that exists; docs/reference/policy.md explains them.

Messages name keys and what was expected, never the value that stands there.
"""

from __future__ import annotations

import difflib
import ipaddress
import itertools
import re
import tomllib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from cloakroom.errors import LimitError, Position, Problem, RuleError, UsageError
from cloakroom.gate.policy import (
    LOCAL,
    Budget,
    FieldClass,
    Forbid,
    Form,
    Networks,
    Operation,
    Policy,
    PrincipalKind,
    Purpose,
    Release,
    Renewal,
    Role,
    Window,
    WindowName,
    digest,
)
from cloakroom.gate.policy_check import check_policy
from cloakroom.gate.toml_lines import Path, line_of, locate_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import StrEnum

    from cloakroom.gate.policy import Network

FORMAT: Final = 1
"""The only format of policy files so far."""

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
        problems_max: Problems reported; more only say how many.
    """

    bytes_max: int = 1 << 20
    entries_max: int = 1000
    text_max: int = 500
    window_min: int = 60 * _MICROSECONDS
    window_max: int = 366 * 86400 * _MICROSECONDS
    problems_max: int = 200


def parse_policy(
    data: bytes, source: str, *, fields: Mapping[str, FieldClass] | None = None, limits: Limits | None = None
) -> Policy:
    """Read a policy file.

    Args:
        data: The file's bytes, UTF-8.
        source: Its name, for messages.
        fields: The fields that exist, with their class; None to leave field names unchecked.
        limits: Bounds on what is read.

    Raises:
        RuleError: With every mistake found.
        LimitError: The file is larger than `limits` allow.
    """
    limits = limits or Limits()
    if len(data) > limits.bytes_max:
        raise LimitError(f"{source}: larger than {limits.bytes_max} bytes")
    content, lines = _read_toml(data, source)
    reader = _Reader(source, lines, limits)
    policy = _read_policy(reader, content)
    if not reader.problems:
        for path, reason in check_policy(policy, fields):
            reader.report(path, reason)
    if reader.problems:
        ordered = sorted(reader.problems, key=lambda problem: (problem.position.line or 0, str(problem)))
        raise RuleError(ordered[: limits.problems_max])
    return policy


def _read_toml(data: bytes, source: str) -> tuple[dict[str, object], Mapping[Path, int]]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RuleError.at(source, "not UTF-8", line=line) from None
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The reader's own message can repeat what stands in the file; only its position is taken.
        found = re.search(r"\(at line ([0-9]+), column", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise RuleError.at(source, f"not TOML: {_syntax(str(error))}", line=line) from None
    except RecursionError:
        raise RuleError.at(source, "not TOML: nested too deeply") from None
    return content, locate_keys(text.replace("\r\n", "\n"))


def _syntax(message: str) -> str:
    """Take the parser's words, without the names that it puts in round brackets."""
    said = message.split(" (at ", maxsplit=1)[0].rstrip(".").lower()
    return re.sub(r"\(.*\) twice", "a table twice", said)


_E = TypeVar("_E", bound="StrEnum")
_T = TypeVar("_T")


class _Reader:
    """Takes values out of the decoded file and collects what is wrong with them."""

    def __init__(self, source: str, lines: Mapping[Path, int], limits: Limits) -> None:
        self.problems: list[Problem] = []
        self.limits = limits
        self._source = source
        self._lines = lines

    def report(self, path: Path, reason: str) -> None:
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

    def named(self, content: Mapping[str, object], section: str, read: Callable[[_Table], _T]) -> dict[str, _T]:
        """Read a table of named tables, one thing each."""
        found: dict[str, _T] = {}
        for name, value in self.table((section,), content.get(section, {}), None).items():
            path = (section, name)
            if not _NAME.fullmatch(name):
                self.report(path, "a name is lower-case letters, digits and underscores, beginning with a letter")
                continue
            found[name] = read(_Table(self, path, self.table(path, value, KEYS[section]), name))
        return found


class _Table:
    """One table of the file; each method takes one key, reports what is wrong and goes on with a harmless value."""

    def __init__(self, reader: _Reader, path: Path, values: Mapping[str, object], name: str) -> None:
        self.reader = reader
        self.path = path
        self.values = values
        self.name = name

    def report(self, key: str, reason: str) -> None:
        self.reader.report((*self.path, key), reason)

    def has(self, key: str) -> bool:
        return key in self.values

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            self.report(key, "needs a text" if value is None else "must be a text that is not empty")
            return ""
        if len(value) > self.reader.limits.text_max:
            self.report(key, f"is longer than {self.reader.limits.text_max} characters")
        return value

    def flag(self, key: str) -> bool:
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            self.report(key, "must be true or false")
            return False
        return value

    def number(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.report(key, "needs" * (value is None) + "must be" * (value is not None) + _between(low, high))
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


def _between(low: int, high: int) -> str:
    return f" a whole number from {low} to {high}"


def _read_policy(reader: _Reader, content: dict[str, object]) -> Policy:
    reader.table((), content, KEYS[""])
    if content and content.get("format") != FORMAT:
        reader.report(("format",), f"must be {FORMAT}, the only format that this version reads")
    empty = Policy.empty()
    return Policy(
        purposes=MappingProxyType(reader.named(content, "purposes", _read_purpose)),
        roles=MappingProxyType(reader.named(content, "roles", _read_role)),
        forbids=tuple(reader.named(content, "forbid", _read_forbid).values()),
        budgets=MappingProxyType(reader.named(content, "budgets", _read_budget)),
        renewals=tuple(reader.named(content, "renewals", _read_renewal).values()),
        releases=MappingProxyType(reader.named(content, "releases", _read_release)),
        bands=MappingProxyType(_read_bands(reader, content)),
        sha256=empty.sha256 if reader.problems else _digest(reader, content),
    )


def _digest(reader: _Reader, content: dict[str, object]) -> str:
    try:
        return digest(content)
    except UsageError:
        # Every key was checked, so only an unchecked one can get here; fail closed and say so.
        reader.report((), "holds a value that cannot be written as canonical JSON")
        return ""


def _read_purpose(table: _Table) -> Purpose:
    forms = {}
    known = {form.value for form in Form}
    for name, form in table.reader.table((*table.path, "fields"), table.values.get("fields", {}), None).items():
        if form in known:
            forms[name] = Form(form)
        else:
            table.reader.report((*table.path, "fields", name), f"must be one of {', '.join(sorted(known))}")
    return Purpose(
        name=table.name,
        text=table.text("text"),
        operations=table.words("operations", Operation),
        fields=MappingProxyType(forms),
        reference=table.flag("reference"),
        max_records=table.number("max_records", 1, MAX_NUMBER, 100),
    )


def _read_role(table: _Table) -> Role:
    kinds = table.words("kinds", PrincipalKind) if table.has("kinds") else frozenset({PrincipalKind.PERSON})
    return Role(
        name=table.name,
        text=table.text("text"),
        purposes=table.names("purposes"),
        brands=table.names("brands"),
        networks=table.networks("networks"),
        kinds=kinds,
        budget=table.text("budget") if table.has("budget") else None,
    )


def _read_forbid(table: _Table) -> Forbid:
    return Forbid(
        name=table.name,
        text=table.text("text"),
        roles=table.names("roles", needed=False),
        purposes=table.names("purposes", needed=False),
        operations=table.words("operations", Operation, needed=False),
        brands=table.names("brands", needed=False),
        fields=table.names("fields", needed=False),
        networks=table.networks("networks") if table.has("networks") else None,
    )


def _read_budget(table: _Table) -> Budget:
    return Budget(
        name=table.name,
        burst=_read_window(table, WindowName.BURST),
        day=_read_window(table, WindowName.DAY),
        lifetime=_read_window(table, WindowName.LIFETIME),
        mask_below_percent=table.number("mask_below_percent", 0, 90, 0),
        token_below_percent=table.number("token_below_percent", 0, 90, 0),
    )


def _read_window(budget: _Table, name: WindowName) -> Window:
    path = (*budget.path, name.value)
    if not budget.has(name):
        budget.reader.report(path, "needs a table; every budget has burst, day and lifetime")
        return Window(name, None, 0)
    table = _Table(budget.reader, path, budget.reader.table(path, budget.values[name], KEYS[name]), name)
    classes = {kind: table.number(kind, 0, MAX_NUMBER) for kind in FieldClass if table.has(kind)}
    return Window(
        name=name,
        length=None if name is WindowName.LIFETIME else table.length("length"),
        records=table.number("records", 0, MAX_NUMBER),
        classes=MappingProxyType(classes),
        per_brand=table.number("per_brand", 0, MAX_NUMBER) if table.has("per_brand") else None,
        probes=table.number("probes", 0, MAX_NUMBER, 0),
    )


def _read_renewal(table: _Table) -> Renewal:
    return Renewal(name=table.name, by=table.names("by"), budgets=table.names("budgets"))


def _read_release(table: _Table) -> Release:
    return Release(
        name=table.name,
        text=table.text("text"),
        purpose=table.text("purpose"),
        approvers=table.names("approvers"),
        approvals=table.number("approvals", 2, 10, 2),
        max_records=table.number("max_records", 1, MAX_NUMBER),
        expires=table.length("expires"),
    )


def _read_bands(reader: _Reader, content: Mapping[str, object]) -> dict[str, tuple[int, ...]]:
    bands: dict[str, tuple[int, ...]] = {}
    for name, written in reader.table(("bands",), content.get("bands", {}), None).items():
        steps = written if isinstance(written, list) else []
        whole = all(isinstance(step, int) and not isinstance(step, bool) for step in steps)
        if not whole or not 1 <= len(steps) <= 20 or any(a >= b for a, b in itertools.pairwise(steps)):
            reader.report(("bands", name), "must be a list of 1 to 20 rising whole numbers")
        elif not 0 < steps[0] <= steps[-1] <= MAX_NUMBER:
            reader.report(("bands", name), f"must hold{_between(1, MAX_NUMBER)}")
        else:
            bands[name] = tuple(steps)
    return bands


__all__ = ["FORMAT", "KEYS", "MAX_NUMBER", "Limits", "parse_policy"]
