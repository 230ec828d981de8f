"""Reading a policy file: TOML in, `Policy` out, every mistake collected with file, line and key.

Strict: an unknown key, a value of another type, a number out of range is a mistake; nothing is guessed. The file is
data only: no expressions, no includes. `KEYS` lists every key that exists; docs/reference/policy.md explains them.

Messages name keys and what was expected, never the value that stands there.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cloakroom.errors import LimitError, RuleError, UsageError
from cloakroom.gate.policy import (
    Budget,
    FieldClass,
    Forbid,
    Form,
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
from cloakroom.gate.policy_reader import KEYS, MAX_NUMBER, Limits, PolicyReader, Section, between
from cloakroom.gate.toml_lines import Path, locate_keys

if TYPE_CHECKING:
    from collections.abc import Mapping


FORMAT: Final = 1
"""The only format of policy files so far."""


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
    reader = PolicyReader(source, lines, limits)
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


def _read_policy(reader: PolicyReader, content: dict[str, object]) -> Policy:
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


def _digest(reader: PolicyReader, content: dict[str, object]) -> str:
    try:
        return digest(content)
    except UsageError:
        # Every key was checked, so only an unchecked one can get here; fail closed and say so.
        reader.report((), "holds a value that cannot be written as canonical JSON")
        return ""


def _read_purpose(table: Section) -> Purpose:
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


def _read_role(table: Section) -> Role:
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


def _read_forbid(table: Section) -> Forbid:
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


def _read_budget(table: Section) -> Budget:
    return Budget(
        name=table.name,
        burst=_read_window(table, WindowName.BURST),
        day=_read_window(table, WindowName.DAY),
        lifetime=_read_window(table, WindowName.LIFETIME),
        mask_below_percent=table.number("mask_below_percent", 0, 90, 0),
        token_below_percent=table.number("token_below_percent", 0, 90, 0),
    )


def _read_window(budget: Section, name: WindowName) -> Window:
    path = (*budget.path, name.value)
    if not budget.has(name):
        budget.reader.report(path, "needs a table; every budget has burst, day and lifetime")
        return Window(name, None, 0)
    table = Section(budget.reader, path, budget.reader.table(path, budget.values[name], KEYS[name]), name)
    classes = {kind: table.number(kind, 0, MAX_NUMBER) for kind in FieldClass if table.has(kind)}
    return Window(
        name=name,
        length=None if name is WindowName.LIFETIME else table.length("length"),
        records=table.number("records", 0, MAX_NUMBER),
        classes=MappingProxyType(classes),
        per_brand=table.number("per_brand", 0, MAX_NUMBER) if table.has("per_brand") else None,
        probes=table.number("probes", 0, MAX_NUMBER, 0),
    )


def _read_renewal(table: Section) -> Renewal:
    return Renewal(name=table.name, by=table.names("by"), budgets=table.names("budgets"))


def _read_release(table: Section) -> Release:
    return Release(
        name=table.name,
        text=table.text("text"),
        purpose=table.text("purpose"),
        approvers=table.names("approvers"),
        approvals=table.number("approvals", 2, 10, 2),
        max_records=table.number("max_records", 1, MAX_NUMBER),
        expires=table.length("expires"),
    )


def _read_bands(reader: PolicyReader, content: Mapping[str, object]) -> dict[str, tuple[int, ...]]:
    bands: dict[str, tuple[int, ...]] = {}
    for name, written in reader.table(("bands",), content.get("bands", {}), None).items():
        steps = written if isinstance(written, list) else []
        whole = all(isinstance(step, int) and not isinstance(step, bool) for step in steps)
        if not whole or not 1 <= len(steps) <= 20 or any(a >= b for a, b in itertools.pairwise(steps)):
            reader.report(("bands", name), "must be a list of 1 to 20 rising whole numbers")
        elif not 0 < steps[0] <= steps[-1] <= MAX_NUMBER:
            reader.report(("bands", name), f"must hold{between(1, MAX_NUMBER)}")
        else:
            bands[name] = tuple(steps)
    return bands


__all__ = ["FORMAT", "KEYS", "MAX_NUMBER", "Limits", "parse_policy"]
