"""The gate's answer to one request: permit or deny, with reasons and obligations.

Three rules, as in Cedar: what nothing permits is denied; a forbid beats every permit; an error denies. The whole
request is judged: if one brand or one field of it may not be opened, nothing is.

`decide` knows no state. Freezes are the store's to judge, in the transaction that writes the entry; budgets are
assessed with `OpenedRecords` after a permit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cloakroom.errors import UsageError
from cloakroom.gate.policy import (
    EVERY_BRAND,
    OPENING,
    PROBING,
    Budget,
    Forbid,
    Form,
    Networks,
    Policy,
    PrincipalKind,
    Purpose,
    Role,
)
from cloakroom.vocabulary import Operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

_REFERENCE: Final = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9][A-Za-z0-9./_-]{2,63}")


class Outcome(StrEnum):
    """The gate's word."""

    DENY = "deny"
    PERMIT = "permit"


class ReasonCode(StrEnum):
    """Why, for machines. Stable: stored in the ledger."""

    BRAND = "brand"
    BUDGET_UNCLEAR = "budget-unclear"
    EXPIRED = "expired"
    FIELD = "field"
    FORBIDDEN = "forbidden"
    GRANTED = "granted"
    KIND = "kind"
    NETWORK = "network"
    NOT_YET_VALID = "not-yet-valid"
    OPERATION = "operation"
    OWN_LINEAGE = "own-lineage"
    PURPOSE = "purpose"
    REFERENCE = "reference"
    RENEWAL = "renewal"
    REQUEST = "request"
    ROLE = "role"
    TOO_MANY = "too-many"


class Obligation(StrEnum):
    """Obligations that a permit lays on whoever carries it out."""

    APPROVE_RELEASE = "approve-release"
    DRAW_PROBES = "draw-probes"
    DRAW_RECORDS = "draw-records"
    RECORD_REFERENCE = "record-reference"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a stable code and a sentence for people that holds names from the policy, never data."""

    code: ReasonCode
    text: str

    def __str__(self) -> str:
        """Render as ``code: text``."""
        return f"{self.code}: {self.text}"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated principal. Its id is also the name of its lineage.

    Attributes:
        id: Name of the principal and of everything derived from it.
        kind: Person, application or system.
        roles: Names of roles in the policy.
        brands: Brands it is confined to, within what its roles allow; ``*`` for all of those.
        networks: Networks it is confined to, within what its roles allow; None for all of those.
        valid_from: First moment of validity; aware.
        valid_until: First moment after validity; aware.
    """

    id: str
    kind: PrincipalKind
    roles: frozenset[str]
    brands: frozenset[str]
    networks: Networks | None
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the gate.

    Attributes:
        operation: What to do.
        purpose: Name of the purpose it is done for.
        brands: Brands concerned; at least one.
        fields: Names of the fields to be given out; empty for operations that give none.
        records: How many records are named; an upper bound where that is not yet known.
        address: Network address of the caller; None on the machine itself.
        reference: Case, order or appointment number, if any.
        at: When; aware.
    """

    operation: Operation
    purpose: str
    brands: frozenset[str]
    at: datetime
    fields: frozenset[str] = frozenset()
    records: int = 1
    address: str | None = None
    reference: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of the gate, for the ledger and for people.

    Attributes:
        outcome: Permit or deny.
        reasons: At least one, in a stable order.
        forms: Form of each field asked for; empty unless permitted.
        obligations: What a permit asks for.
        budget: The lineage's budget, if it has one; present on denials too where it is clear.
        policy_sha256: The rules it was judged by.
    """

    outcome: Outcome
    reasons: tuple[Reason, ...]
    forms: Mapping[str, Form]
    obligations: frozenset[Obligation]
    budget: Budget | None
    policy_sha256: str

    @property
    def permitted(self) -> bool:
        """Say whether the outcome is a permit."""
        return self.outcome is Outcome.PERMIT

    @property
    def explanation(self) -> str:
        """All reasons as one text for people."""
        return "; ".join(reason.text for reason in self.reasons)


def decide(policy: Policy, principal: Principal, request: Request) -> Decision:
    """Judge one request.

    Args:
        policy: The rules in force.
        principal: Who asks; authenticated by the caller.
        request: What is asked.

    Returns:
        A permit with the form of every field, or a denial with every reason found at the first stage that fails.
    """
    roles = roles_of(policy, principal)
    budget, budget_reasons = _budget_of(policy, roles)
    purpose = policy.purposes.get(request.purpose)
    reasons = [*_standing_reasons(principal, request.at), *budget_reasons]
    if not reasons:
        reasons += _grant_reasons(roles, principal, request)
    if not reasons and purpose is not None:
        reasons += _purpose_reasons(purpose, request)
    reasons += _forbid_reasons(policy, principal, request)
    if reasons or purpose is None:
        return _denial(policy, reasons, budget)
    obligations = frozenset(_obligations(purpose, request))
    if budget is None and not obligations.isdisjoint({Obligation.DRAW_PROBES, Obligation.DRAW_RECORDS}):
        # `policy_check` refuses such a file; a policy built otherwise still opens nothing uncounted.
        return _denial(policy, [Reason(ReasonCode.BUDGET_UNCLEAR, "the roles name no budget")], None)
    granted = f"{purpose.name} allows {request.operation}"
    return Decision(
        outcome=Outcome.PERMIT,
        reasons=(Reason(ReasonCode.GRANTED, granted),),
        forms=MappingProxyType({name: purpose.fields[name] for name in sorted(request.fields)}),
        obligations=obligations,
        budget=budget,
        policy_sha256=policy.sha256,
    )


def decide_renewal(
    policy: Policy,
    *,
    renewer: Principal,
    credential: str,
    renewed: Principal,
    renewed_credentials: frozenset[str],
    at: datetime,
    address: str | None = None,
) -> Decision:
    """Judge whether one principal may start another's lifetime anew, or lift its freeze.

    Args:
        policy: The rules in force.
        renewer: Who renews.
        credential: Identifier of the credential that the renewer authenticated with.
        renewed: Whose budget is renewed.
        renewed_credentials: Identifiers of every credential of the renewed lineage.
        at: When; aware.
        address: Network address of the renewer; None on the machine itself.
    """
    roles = roles_of(policy, renewer)
    budget, reasons = _budget_of(policy, roles_of(policy, renewed))
    reasons += _standing_reasons(renewer, at)
    if renewer.id == renewed.id or credential in renewed_credentials:
        reasons.append(Reason(ReasonCode.OWN_LINEAGE, "nobody renews with a credential of the same lineage"))
    if not any(_is_here(role, renewer, address) for role in roles):
        reasons.append(Reason(ReasonCode.NETWORK, "no role of the renewer may be used from this network"))
    held = {role.name for role in roles if renewer.kind in role.kinds and _is_here(role, renewer, address)}
    budget_name = None if budget is None else budget.name
    if not any(budget_name in renewal.budgets and held & renewal.by for renewal in policy.renewals):
        reasons.append(Reason(ReasonCode.RENEWAL, "no renewal rule lets the renewer renew this budget"))
    if reasons:
        return _denial(policy, reasons, budget)
    granted = (Reason(ReasonCode.GRANTED, f"may renew the budget {budget_name}"),)
    return Decision(Outcome.PERMIT, granted, MappingProxyType({}), frozenset(), budget, policy.sha256)


def roles_of(policy: Policy, principal: Principal) -> tuple[Role, ...]:
    """Return the roles that `principal` holds and the policy knows, by name."""
    return tuple(policy.roles[name] for name in sorted(principal.roles) if name in policy.roles)


def budget_of(policy: Policy, principal: Principal) -> Budget | None:
    """Return the one budget of a lineage, or None if its roles name none.

    Raises:
        UsageError: Its roles name several, so that no ceiling could be printed.
    """
    budget, reasons = _budget_of(policy, roles_of(policy, principal))
    if reasons:
        raise UsageError(reasons[0].text)
    return budget


def _budget_of(policy: Policy, roles: tuple[Role, ...]) -> tuple[Budget | None, list[Reason]]:
    names = sorted({role.budget for role in roles if role.budget is not None})
    if len(names) > 1:
        text = f"the roles draw on different budgets ({', '.join(names)}); a lineage has one"
        return None, [Reason(ReasonCode.BUDGET_UNCLEAR, text)]
    return (policy.budgets[names[0]] if names else None), []


def _denial(policy: Policy, reasons: list[Reason], budget: Budget | None) -> Decision:
    return Decision(Outcome.DENY, tuple(reasons), MappingProxyType({}), frozenset(), budget, policy.sha256)


def _standing_reasons(principal: Principal, at: datetime) -> Iterator[Reason]:
    if at.tzinfo is None:
        raise UsageError("a decision needs an aware time")
    if at < principal.valid_from:
        yield Reason(ReasonCode.NOT_YET_VALID, "the credential is not valid yet")
    if at >= principal.valid_until:
        yield Reason(ReasonCode.EXPIRED, "the credential has expired")


def _is_here(role: Role, principal: Principal, address: str | None) -> bool:
    return role.networks.holds(address) and (principal.networks is None or principal.networks.holds(address))


def _grant_reasons(roles: tuple[Role, ...], principal: Principal, request: Request) -> Iterator[Reason]:
    """Narrow the roles down to those that grant the request; say where none is left."""
    if not roles:
        yield Reason(ReasonCode.ROLE, "the principal holds no role of this policy")
        return
    roles = tuple(role for role in roles if principal.kind in role.kinds)
    if not roles:
        yield Reason(ReasonCode.KIND, f"no role of the principal is for a principal of kind {principal.kind}")
        return
    roles = tuple(role for role in roles if request.purpose in role.purposes)
    if not roles:
        yield Reason(ReasonCode.PURPOSE, "no role of the principal has this purpose")
        return
    roles = tuple(role for role in roles if _is_here(role, principal, request.address))
    if not roles:
        yield Reason(ReasonCode.NETWORK, "no role of the principal may be used from this network")
        return
    # No brand named means the whole group, which takes a role for every brand.
    for brand in sorted(request.brands or {EVERY_BRAND}):
        confined = EVERY_BRAND in principal.brands or brand in principal.brands
        if not confined or not any(role.covers_brand(brand) for role in roles):
            known = any(brand in role.brands for role in roles)
            text = f"no grant for brand {brand}" if known else "no grant for one of the brands, or for all of them"
            yield Reason(ReasonCode.BRAND, text)


def _purpose_reasons(purpose: Purpose, request: Request) -> Iterator[Reason]:
    operation = request.operation
    if operation not in purpose.operations:
        yield Reason(ReasonCode.OPERATION, f"{purpose.name} does not allow {operation}")
    if operation in OPENING | PROBING:
        if not request.brands:
            yield Reason(ReasonCode.REQUEST, f"{operation} needs a brand")
        if not 0 <= request.records <= purpose.max_records:
            text = f"{request.records} records in one request; {purpose.name} allows {purpose.max_records}"
            yield Reason(ReasonCode.TOO_MANY, text)
    if operation in OPENING - PROBING and not request.fields:
        yield Reason(ReasonCode.REQUEST, f"{operation} needs at least one field")
    if operation not in OPENING and request.fields:
        yield Reason(ReasonCode.REQUEST, f"{operation} gives out no fields")
    refused = request.fields - purpose.fields.keys()
    if refused:
        # Names that the caller made up are counted, not repeated: reasons end in the ledger.
        yield Reason(ReasonCode.FIELD, f"{purpose.name} does not open {len(refused)} of the fields asked for")
    if request.reference is not None and not is_reference(request.reference):
        text = "a reference is 3 to 64 letters, digits and ./_- with at least one digit"
        yield Reason(ReasonCode.REFERENCE, text)
    elif purpose.reference and request.reference is None:
        yield Reason(ReasonCode.REFERENCE, f"{purpose.name} needs the number of a case, order or appointment")


def is_reference(text: str) -> bool:
    """Say whether `text` can be a case, order or appointment number.

    The form keeps names and addresses out of the ledger, where the reference is written down for good.
    """
    return _REFERENCE.fullmatch(text) is not None


def _forbid_reasons(policy: Policy, principal: Principal, request: Request) -> Iterator[Reason]:
    for forbid in policy.forbids:
        if _is_forbidden(forbid, principal, request):
            yield Reason(ReasonCode.FORBIDDEN, f"{forbid.name}: {forbid.text}")


def _is_forbidden(forbid: Forbid, principal: Principal, request: Request) -> bool:
    return (
        (not forbid.roles or not forbid.roles.isdisjoint(principal.roles))
        and (not forbid.purposes or request.purpose in forbid.purposes)
        and (not forbid.operations or request.operation in forbid.operations)
        # A request that names no brand concerns all of them.
        and (not forbid.brands or not request.brands or not forbid.brands.isdisjoint(request.brands))
        and (not forbid.fields or not forbid.fields.isdisjoint(request.fields))
        and (forbid.networks is None or forbid.networks.holds(request.address))
    )


def _obligations(purpose: Purpose, request: Request) -> Iterator[Obligation]:
    if request.operation is Operation.RELEASE:
        yield Obligation.APPROVE_RELEASE
    elif request.operation in PROBING:
        yield Obligation.DRAW_PROBES
    if request.operation in OPENING and request.operation is not Operation.RELEASE:
        drawn = any(purpose.fields[name] is not Form.TOKEN for name in request.fields)
        if drawn:
            yield Obligation.DRAW_RECORDS
        elif request.operation not in PROBING:
            yield Obligation.DRAW_PROBES
    if request.reference is not None:
        yield Obligation.RECORD_REFERENCE
