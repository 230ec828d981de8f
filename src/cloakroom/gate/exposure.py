"""If this credential were stolen now: how many records, which fields, until when.

The numbers are upper bounds that hold for whatever the thief does from now on, with any schedule, over any number of
nodes; `tests/gate` tries to beat them. They rest on the policy as it is, on the ceilings of the lineage's budget and
on what it has opened; networks are not counted as a defence, since a thief may sit in them. Releases are not in
it: they need other people's approval.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from cloakroom.clock import to_microseconds
from cloakroom.gate.decision import budget_of, roles_of
from cloakroom.gate.policy import EVERY_BRAND, OPENING, PROBING, Form, WindowName
from cloakroom.vocabulary import FieldClass, Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from cloakroom.gate.budget import OpenedRecords
    from cloakroom.gate.decision import Principal
    from cloakroom.gate.policy import Budget, Policy, Purpose, Role, Window


@dataclass(frozen=True, slots=True)
class Bound:
    """The most that can be opened from now on until the end of one window.

    Attributes:
        window: Burst, day or lifetime.
        until: Microseconds since the epoch; None for until somebody renews.
        records: Distinct records, those included that are open already and may be opened again.
        in_full: Of these, how many can leave in full before masks and tokens begin.
        never_opened: Of these, how many the lineage has not opened since its last renewal.
        classes: Distinct records per field class.
        brands: Distinct records per brand within reach.
        probes: Searches and existence checks, with the records they name.
    """

    window: WindowName
    until: int | None
    records: int
    in_full: int
    never_opened: int
    classes: Mapping[FieldClass, int]
    brands: Mapping[str, int]
    probes: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """The printed ceiling of one credential.

    Attributes:
        principal: Whose.
        at: As of when, in microseconds since the epoch.
        fields: Strongest form in which each field within reach can leave.
        bounds: One per window, shortest first; empty if nothing can be opened.
    """

    principal: str
    at: int
    fields: Mapping[str, Form]
    bounds: tuple[Bound, ...]

    @property
    def ceiling(self) -> int:
        """Distinct records that can be opened until somebody renews."""
        return self.bounds[-1].records if self.bounds else 0

    def __str__(self) -> str:
        """Say it in one sentence."""
        if not self.bounds:
            return "If it were stolen now: no record."
        burst, day, lifetime = self.bounds
        return (
            f"If it were stolen now: at most {burst.records} records at once, {day.records} in a day and "
            f"{lifetime.records} until it expires or somebody renews it."
        )


def expose(
    policy: Policy,
    principal: Principal,
    view: OpenedRecords | None,
    at: int,
    *,
    fields: Mapping[str, FieldClass],
    records_by_brand: Mapping[str, int],
    frozen: bool = False,
) -> Exposure:
    """Compute what `principal` could open at most if it were stolen at `at`.

    Args:
        policy: The rules in force.
        principal: Whose credential.
        view: What its lineage has opened; None if nothing.
        at: Now, in microseconds since the epoch.
        fields: The fields that exist, with their class.
        records_by_brand: Every brand with the number of its records, which bounds what can be taken.
        frozen: Whether the lineage is frozen; then nothing can be opened.

    Raises:
        UsageError: Its roles draw on different budgets.
    """
    budget = budget_of(policy, principal)
    left = to_microseconds(principal.valid_until) - at
    grants = list(_grants(policy, principal))
    brands = _brands(principal, [role for role, _ in grants], records_by_brand)
    if budget is None or frozen or left <= 0 or not brands:
        return Exposure(principal.id, at, MappingProxyType({}), ())
    forms = _forms(policy, principal, [purpose for _, purpose in grants])
    reach = _Reach(
        budget=budget,
        at=at,
        left=left,
        opened=_opened(view, at, budget),
        classes=frozenset(fields[name] for name, form in forms.items() if form is not Form.TOKEN and name in fields),
        records_by_brand={brand: records_by_brand[brand] for brand in brands},
    )
    bounds = tuple(_bound(reach, window) for window in budget.windows)
    return Exposure(principal.id, at, MappingProxyType(forms), bounds)


@dataclass(frozen=True, slots=True)
class _Reach:
    """The records that a thief could get at, before any window bounds it."""

    budget: Budget
    at: int
    left: int
    opened: int
    classes: frozenset[FieldClass]
    records_by_brand: Mapping[str, int]

    def most(self, span: int, ceiling_of: Callable[[Window], int]) -> int:
        """Return how many the windows together let through in `span`."""
        return min(_within(window, span, ceiling_of(window)) for window in self.budget.windows)


def _grants(policy: Policy, principal: Principal) -> Iterator[tuple[Role, Purpose]]:
    """Pair each role with each of its purposes that open or search; where it may be called from does not matter."""
    for role in roles_of(policy, principal):
        if principal.kind not in role.kinds:
            continue
        for name in sorted(role.purposes):
            purpose = policy.purposes.get(name)
            if purpose is not None and purpose.operations & ((OPENING | PROBING) - {Operation.RELEASE}):
                yield role, purpose


def _forms(policy: Policy, principal: Principal, purposes: list[Purpose]) -> dict[str, Form]:
    order = [Form.TOKEN, Form.MASK, Form.BAND, Form.REVEAL]
    found: dict[str, Form] = {}
    for purpose in purposes:
        for name, form in purpose.fields.items():
            if not _is_out_of_reach(policy, principal, purpose, name):
                found[name] = max(found.get(name, Form.TOKEN), form, key=order.index)
    return dict(sorted(found.items()))


def _is_out_of_reach(policy: Policy, principal: Principal, purpose: Purpose, name: str) -> bool:
    """Say whether a forbid keeps the field from this purpose whatever the brand, network and operation."""
    return any(
        name in forbid.fields
        and not (forbid.brands or forbid.operations or forbid.networks)
        and (not forbid.roles or not forbid.roles.isdisjoint(principal.roles))
        and (not forbid.purposes or purpose.name in forbid.purposes)
        for forbid in policy.forbids
    )


def _brands(principal: Principal, roles: list[Role], known: Collection[str]) -> list[str]:
    return [
        brand
        for brand in sorted(known)
        if (EVERY_BRAND in principal.brands or brand in principal.brands)
        and any(role.covers_brand(brand) for role in roles)
    ]


def _opened(view: OpenedRecords | None, at: int, budget: Budget) -> int:
    if view is None:
        return 0
    levels = view.levels(at, "", budget)
    return next(
        level.before for level in levels if level.window is WindowName.LIFETIME and level.counter == "records"
    )


def _bound(reach: _Reach, window: Window) -> Bound:
    span = reach.left if window.length is None else min(window.length, reach.left)
    records = min(reach.most(span, _records), sum(reach.records_by_brand.values())) if reach.classes else 0
    per_brand = reach.most(span, _per_brand)
    brands = {brand: min(records, count, per_brand) for brand, count in reach.records_by_brand.items()}
    records = min(records, sum(brands.values()))
    classes = {}
    for kind in FieldClass:
        ceiling = reach.most(span, partial(_of_class, kind))
        classes[kind] = min(records, ceiling) if kind in reach.classes else 0
    return Bound(
        window=window.name,
        until=None if window.length is None else reach.at + span,
        records=records,
        in_full=min(records, reach.most(span, lambda one: reach.budget.masked_from(one.records))),
        never_opened=min(records, max(reach.budget.lifetime.records - reach.opened, 0)),
        classes=MappingProxyType(classes),
        brands=MappingProxyType(brands),
        probes=reach.most(span, lambda one: one.probes),
    )


def _records(window: Window) -> int:
    return window.records


def _per_brand(window: Window) -> int:
    return window.records if window.per_brand is None else window.per_brand


def _of_class(kind: FieldClass, window: Window) -> int:
    return window.classes.get(kind, window.records)


def _within(window: Window, span: int, ceiling: int) -> int:
    """Return how many a ceiling lets through in `span`: it holds anew in each of the windows that cover the span."""
    if window.length is None:
        return ceiling
    return ceiling * -(-span // window.length)
