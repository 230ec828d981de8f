"""Read a policy file: TOML in, `Policy` out, every mistake collected with file, line and key.

Strict: an unknown key, a value of another type, a number out of range is a mistake; nothing is guessed. The file is
data only: no expressions, no includes. docs/reference/policy.md explains every key that exists.

Messages name keys and what was expected, never the value that stands there.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cloakroom.errors import UsageError
from cloakroom.gate.policy import (
    Budget,
    Forbid,
    Form,
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
from cloakroom.gate.policy_reader import MAX_NUMBER, Limits, length, named_tables, networks, words
from cloakroom.toml import Table, parse_document
from cloakroom.vocabulary import POLICY_OPERATIONS, FieldClass

__all__ = ["FORMAT", "MAX_NUMBER", "Limits", "parse_policy"]

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
    """
    root = parse_document(data, source, limits=limits or Limits())
    policy = _read_policy(root)
    root.check()
    for path, reason in check_policy(policy, fields):
        root.document.report(path, reason)
    root.check()
    return policy


def _read_policy(root: Table) -> Policy:
    if root.raw("format") != FORMAT and root.values:
        root.report("format", f"must be {FORMAT}, the only format that this version reads")
    policy = Policy(
        purposes=MappingProxyType(named_tables(root, "purposes", _read_purpose)),
        roles=MappingProxyType(named_tables(root, "roles", _read_role)),
        forbids=tuple(named_tables(root, "forbid", _read_forbid).values()),
        budgets=MappingProxyType(named_tables(root, "budgets", _read_budget)),
        renewals=tuple(named_tables(root, "renewals", _read_renewal).values()),
        releases=MappingProxyType(named_tables(root, "releases", _read_release)),
        bands=MappingProxyType(_read_bands(root)),
        sha256=_digest(root),
    )
    root.close()
    return policy


def _digest(root: Table) -> str:
    try:
        return digest(root.values)
    except UsageError:
        # A date or a fraction, which no key takes: whatever else is said about it, there is no hash of it.
        root.report(None, "holds a value that cannot be written as canonical JSON")
        return ""


def _read_purpose(name: str, table: Table) -> Purpose:
    forms = {}
    fields = table.table_or_empty("fields")
    for field in fields.values:
        form = fields.text(field, choices=list(Form))
        if form:
            forms[field] = Form(form)
    return Purpose(
        name=name,
        text=table.text("text"),
        operations=words(table, "operations", POLICY_OPERATIONS),
        fields=MappingProxyType(forms),
        reference=table.flag("reference"),
        max_records=table.number("max_records", default=100, least=1, most=MAX_NUMBER),
    )


def _read_role(name: str, table: Table) -> Role:
    return Role(
        name=name,
        text=table.text("text"),
        purposes=_names(table, "purposes"),
        brands=_names(table, "brands"),
        networks=networks(table, "networks"),
        kinds=words(table, "kinds", list(PrincipalKind)) if table.has("kinds") else frozenset({PrincipalKind.PERSON}),
        budget=table.text("budget") if table.has("budget") else None,
    )


def _read_forbid(name: str, table: Table) -> Forbid:
    return Forbid(
        name=name,
        text=table.text("text"),
        roles=_names(table, "roles", required=False),
        purposes=_names(table, "purposes", required=False),
        operations=words(table, "operations", POLICY_OPERATIONS, required=False),
        brands=_names(table, "brands", required=False),
        fields=_names(table, "fields", required=False),
        networks=networks(table, "networks") if table.has("networks") else None,
    )


def _read_budget(name: str, table: Table) -> Budget:
    return Budget(
        name=name,
        burst=_read_window(table, WindowName.BURST),
        day=_read_window(table, WindowName.DAY),
        lifetime=_read_window(table, WindowName.LIFETIME),
        mask_below_percent=table.number("mask_below_percent", default=0, most=90),
        token_below_percent=table.number("token_below_percent", default=0, most=90),
    )


def _read_window(budget: Table, name: WindowName) -> Window:
    if not budget.has(name):
        budget.report(name, "needs a table; every budget has burst, day and lifetime")
    table = budget.table(name)
    if table is None:
        return Window(name, None, 0)
    classes = {kind: table.number(kind, most=MAX_NUMBER) for kind in FieldClass if table.has(kind)}
    window = Window(
        name=name,
        length=None if name is WindowName.LIFETIME else length(table, "length"),
        records=table.number("records", most=MAX_NUMBER),
        classes=MappingProxyType(classes),
        per_brand=table.number("per_brand", most=MAX_NUMBER) if table.has("per_brand") else None,
        probes=table.number("probes", default=0, most=MAX_NUMBER),
    )
    table.close()
    return window


def _read_renewal(name: str, table: Table) -> Renewal:
    return Renewal(name=name, by=_names(table, "by"), budgets=_names(table, "budgets"))


def _read_release(name: str, table: Table) -> Release:
    return Release(
        name=name,
        text=table.text("text"),
        purpose=table.text("purpose"),
        approvers=_names(table, "approvers"),
        approvals=table.number("approvals", default=2, least=2, most=10),
        max_records=table.number("max_records", least=1, most=MAX_NUMBER),
        expires=length(table, "expires"),
    )


def _read_bands(root: Table) -> dict[str, tuple[int, ...]]:
    bands: dict[str, tuple[int, ...]] = {}
    table = root.table_or_empty("bands")
    for name in table.values:
        steps = table.raw(name)
        whole = isinstance(steps, list) and all(type(step) is int for step in steps)
        if not whole or not 1 <= len(steps) <= 20 or any(a >= b for a, b in itertools.pairwise(steps)):
            table.report(name, "must be a list of 1 to 20 rising whole numbers")
        elif not 0 < steps[0] <= steps[-1] <= MAX_NUMBER:
            table.report(name, f"must hold whole numbers from 1 to {MAX_NUMBER}")
        else:
            bands[name] = tuple(steps)
    return bands


def _names(table: Table, key: str, *, required: bool = True) -> frozenset[str]:
    return frozenset(table.texts(key, required=required))
