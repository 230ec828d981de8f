"""Small budgets and principals that several tests share. All names are invented."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from pyroaring import BitMap

from cloakroom.gate.budget import Draw
from cloakroom.gate.decision import Principal
from cloakroom.gate.policy import Budget, PrincipalKind, Window, WindowName
from cloakroom.vocabulary import FieldClass

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = 1_700_000_000_000_000


def window(
    name: str,
    length: int | None,
    records: int,
    *,
    classes: Mapping[FieldClass, int] | None = None,
    per_brand: int | None = None,
    probes: int = 1_000_000,
) -> Window:
    return Window(WindowName(name), length, records, MappingProxyType(dict(classes or {})), per_brand, probes)


def budget(
    burst: int = 20,
    day: int = 120,
    lifetime: int = 2000,
    *,
    burst_length: int = 10 * MINUTE,
    day_length: int = DAY,
    mask: int = 0,
    token: int = 0,
) -> Budget:
    return Budget(
        "counter",
        window("burst", burst_length, burst),
        window("day", day_length, day),
        window("lifetime", None, lifetime),
        mask,
        token,
    )


def contact(*records: int, brand: str = "auberon") -> Draw:
    return Draw(brand, {FieldClass.CONTACT: BitMap(records)})


def person(name: str = "chiara", *roles: str, brands: tuple[str, ...] = ("*",)) -> Principal:
    return Principal(
        id=name,
        kind=PrincipalKind.PERSON,
        roles=frozenset(roles),
        brands=frozenset(brands),
        networks=None,
        valid_from=datetime(2025, 1, 1, tzinfo=UTC),
        valid_until=datetime(2027, 1, 1, tzinfo=UTC),
    )
