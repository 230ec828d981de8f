"""The policy: who may do what with which fields, in which form, how often.

This module is the model only. `policy_text` reads a file into it and `policy_check` finds what makes no sense;
`decision` answers questions. A `Policy` is immutable; `sha256` names it in every ledger entry, so that an old entry
can always be judged by the rules that were in force.

The empty policy, `Policy.empty()`, permits nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address
from types import MappingProxyType
from typing import TYPE_CHECKING

from cloakroom.canonical import json as canonical_json
from cloakroom.vocabulary import FieldClass, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

Network = IPv4Network | IPv6Network

LOCAL = "local"
"""Stands in `networks` for a caller on the machine itself, who has no network address."""

EVERY_BRAND = "*"


class Form(StrEnum):
    """The form in which a field leaves: all of it, a range, a hint, or only the record's token."""

    BAND = "band"
    MASK = "mask"
    REVEAL = "reveal"
    TOKEN = "token"  # noqa: S105  the name of a form, not a secret


OPENING = frozenset({Operation.FIND, Operation.LIST, Operation.RELEASE, Operation.REVEAL})
"""Operations that can make fields leave."""

PROBING = frozenset({Operation.EXCHANGE, Operation.FIND, Operation.PROBE})
"""Operations that tell whether somebody is a customer, or make further tokens; they draw on the budget's probes."""


class PrincipalKind(StrEnum):
    """The kind of principal behind a credential."""

    APPLICATION = "application"
    PERSON = "person"
    SYSTEM = "system"


class WindowName(StrEnum):
    """The three spans over which a budget counts."""

    BURST = "burst"
    DAY = "day"
    LIFETIME = "lifetime"


@dataclass(frozen=True, slots=True)
class Purpose:
    """A purpose for which somebody opens data, and what it allows."""

    name: str
    text: str
    operations: frozenset[Operation]
    fields: Mapping[str, Form] = field(default_factory=lambda: MappingProxyType({}))
    reference: bool = False
    max_records: int = 100


@dataclass(frozen=True, slots=True)
class Networks:
    """Networks that calls may come from: address ranges, and whether the machine itself counts."""

    ranges: tuple[Network, ...] = ()
    local: bool = False

    def holds(self, address: str | None) -> bool:
        """Say whether `address` lies inside; None is a caller on the machine itself."""
        if address is None:
            return self.local
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        if mapped is not None:
            parsed = mapped
        return any(parsed in network for network in self.ranges)


@dataclass(frozen=True, slots=True)
class Role:
    """A bundle of purposes within brands and networks, with the budget it draws on."""

    name: str
    text: str
    purposes: frozenset[str]
    brands: frozenset[str]
    networks: Networks
    kinds: frozenset[PrincipalKind]
    budget: str | None = None

    def covers_brand(self, brand: str) -> bool:
        """Say whether the role reaches `brand`."""
        return EVERY_BRAND in self.brands or brand in self.brands


@dataclass(frozen=True, slots=True)
class Forbid:
    """A refusal that beats every permit. All conditions that are present must hold; an absent one always holds."""

    name: str
    text: str
    roles: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    operations: frozenset[Operation] = frozenset()
    brands: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    networks: Networks | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Ceilings within one span.

    Attributes:
        name: Which span.
        length: Microseconds; None for the lifetime, which no clock ends.
        records: Distinct records, whatever the class.
        classes: Distinct records per field class, where bounded apart.
        per_brand: Distinct records of any one brand, or None.
        probes: Searches and existence checks, each counting one plus the records it named.
    """

    name: WindowName
    length: int | None
    records: int
    classes: Mapping[FieldClass, int] = field(default_factory=lambda: MappingProxyType({}))
    per_brand: int | None = None
    probes: int = 0


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget: the most that one lineage may open.

    Attributes:
        name: Its name in the policy.
        burst: Ceilings of the short window.
        day: Ceilings of the long window.
        lifetime: Ceilings until somebody else renews.
        mask_below_percent: Once less than this share of any ceiling is left, values leave masked.
        token_below_percent: Once less than this share is left, only tokens leave.
    """

    name: str
    burst: Window
    day: Window
    lifetime: Window
    mask_below_percent: int = 0
    token_below_percent: int = 0

    @property
    def windows(self) -> tuple[Window, Window, Window]:
        """The three windows, shortest first."""
        return (self.burst, self.day, self.lifetime)

    def masked_from(self, ceiling: int) -> int:
        """Return how many of `ceiling` records may leave in full; the rest leave masked or as tokens."""
        return ceiling * (100 - self.mask_below_percent) // 100

    def tokens_from(self, ceiling: int) -> int:
        """Return how many of `ceiling` records may leave at least masked; the rest leave as tokens."""
        return ceiling * (100 - self.token_below_percent) // 100


@dataclass(frozen=True, slots=True)
class Renewal:
    """Which roles may renew which budgets. Never their own, never with the renewed lineage's credential."""

    name: str
    by: frozenset[str]
    budgets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Release:
    """Bounds on one kind of approved bulk."""

    name: str
    text: str
    purpose: str
    approvers: frozenset[str]
    approvals: int
    max_records: int
    expires: int


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that the gate decides by.

    Attributes:
        sha256: SHA-256 over the canonical JSON of the file's content, in hex: the same for two files that differ
            only in comments, order of keys or layout.
    """

    purposes: Mapping[str, Purpose]
    roles: Mapping[str, Role]
    forbids: tuple[Forbid, ...]
    budgets: Mapping[str, Budget]
    renewals: tuple[Renewal, ...]
    releases: Mapping[str, Release]
    bands: Mapping[str, tuple[int, ...]]
    sha256: str

    @classmethod
    def empty(cls) -> Policy:
        """Return the policy that permits nothing."""
        nothing: Mapping[str, object] = {}
        return cls(
            purposes=MappingProxyType({}),
            roles=MappingProxyType({}),
            forbids=(),
            budgets=MappingProxyType({}),
            renewals=(),
            releases=MappingProxyType({}),
            bands=MappingProxyType({}),
            sha256=digest(nothing),
        )


def digest(content: Mapping[str, object]) -> str:
    """Return the policy hash of a file's `content` as decoded from TOML."""
    return hashlib.sha256(canonical_json.encode(content)).hexdigest()
