"""Check what makes no sense in a policy whose every line is well formed.

Names that lead nowhere, rules that contradict each other, rules that can never take effect, ceilings that can
never be reached. A rule that does nothing is refused like a wrong one: somebody believes that it protects them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloakroom.gate.policy import EVERY_BRAND, OPENING, PROBING, Form, Networks
from cloakroom.vocabulary import Operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cloakroom.gate.policy import Budget, Forbid, Policy, Purpose, Role, Window
    from cloakroom.toml import Path
    from cloakroom.vocabulary import FieldClass

Finding = tuple["Path", str]


def check_policy(policy: Policy, fields: Mapping[str, FieldClass] | None = None) -> Iterator[Finding]:
    """Find every contradiction.

    Args:
        policy: A policy whose parts are well formed.
        fields: The fields that exist, with their class; None to leave field names unchecked.

    Yields:
        The path of a key and what is wrong with it.
    """
    for purpose in policy.purposes.values():
        yield from _check_purpose(policy, purpose, fields)
    for role in policy.roles.values():
        yield from _check_role(policy, role)
    for forbid in policy.forbids:
        yield from _check_forbid(policy, forbid, fields)
    for budget in policy.budgets.values():
        yield from _check_budget(policy, budget)
    yield from _check_renewals(policy)
    yield from _check_releases(policy)
    shown = {
        name for purpose in policy.purposes.values() for name in purpose.fields if purpose.fields[name] is Form.BAND
    }
    for name in sorted(policy.bands.keys() - shown):
        yield ("bands", name), "is shown as a band by no purpose"


def _check_purpose(policy: Policy, purpose: Purpose, fields: Mapping[str, FieldClass] | None) -> Iterator[Finding]:
    path = ("purposes", purpose.name)
    if not any(purpose.name in role.purposes for role in policy.roles.values()):
        yield path, "no role has this purpose"
    if purpose.fields and purpose.operations.isdisjoint(OPENING):
        yield (*path, "fields"), "none of the operations gives out fields"
    if not purpose.fields and not purpose.operations.isdisjoint(OPENING - PROBING):
        yield (*path, "fields"), "an operation gives out fields, but there are none"
    for name, form in purpose.fields.items():
        if fields is not None and name not in fields:
            yield (*path, "fields", name), "no brand has this field"
        if form is Form.BAND and name not in policy.bands:
            yield (*path, "fields", name), "shown as a band, but bands has no steps for it"


def _check_role(policy: Policy, role: Role) -> Iterator[Finding]:
    path = ("roles", role.name)
    unknown = role.purposes - policy.purposes.keys()
    if unknown:
        yield (*path, "purposes"), "names a purpose that does not exist"
    if EVERY_BRAND in role.brands and len(role.brands) > 1:
        yield (*path, "brands"), f"{EVERY_BRAND} stands for every brand and stands alone"
    overlap = _overlap(role.networks)
    if overlap:
        yield (*path, "networks"), "one range lies inside another"
    purposes = [policy.purposes[name] for name in sorted(role.purposes - unknown)]
    counted = [purpose for purpose in purposes if _is_counted(purpose)]
    if role.budget is None:
        if counted:
            yield (*path, "budget"), f"{counted[0].name} opens or searches, which needs a budget"
        return
    if role.budget not in policy.budgets:
        yield (*path, "budget"), "names a budget that does not exist"
    elif not counted:
        yield (*path, "budget"), "no purpose of the role opens or searches anything"
    else:
        yield from _check_probes(path, policy.budgets[role.budget], counted)


def _is_counted(purpose: Purpose) -> bool:
    return not purpose.operations.isdisjoint((OPENING | PROBING) - {Operation.RELEASE})


def _probes(purpose: Purpose) -> bool:
    tokens_only = all(form is Form.TOKEN for form in purpose.fields.values())
    listing = purpose.operations & {Operation.LIST, Operation.REVEAL}
    return not purpose.operations.isdisjoint(PROBING) or bool(listing and tokens_only)


def _check_probes(path: Path, budget: Budget, purposes: list[Purpose]) -> Iterator[Finding]:
    probing = [purpose for purpose in purposes if _probes(purpose)]
    if probing and any(window.probes == 0 for window in budget.windows):
        yield (*path, "budget"), f"{probing[0].name} searches, but a window of the budget has no probes"


def _check_forbid(policy: Policy, forbid: Forbid, fields: Mapping[str, FieldClass] | None) -> Iterator[Finding]:
    path = ("forbid", forbid.name)
    conditions = (forbid.roles, forbid.purposes, forbid.operations, forbid.brands, forbid.fields, forbid.networks)
    if not any(conditions):
        yield path, "has no condition, so it would forbid everything; an empty policy says that better"
        return
    for key, named, known in (
        ("roles", forbid.roles, policy.roles.keys()),
        ("purposes", forbid.purposes, policy.purposes.keys()),
    ):
        if named - known:
            yield (*path, key), f"names {'a role' if key == 'roles' else 'a purpose'} that does not exist"
            return
    if fields is not None and forbid.fields - fields.keys():
        yield (*path, "fields"), "names a field that no brand has"
    elif not any(_touches(policy, forbid, role) for role in policy.roles.values()):
        yield path, "forbids only what nothing permits"


def _touches(policy: Policy, forbid: Forbid, role: Role) -> bool:
    """Say whether anything that `role` permits meets the forbid's conditions; networks are not compared."""
    if forbid.roles and role.name not in forbid.roles:
        # Another role of the same principal may be the forbidden one.
        return False
    if forbid.brands and EVERY_BRAND not in role.brands and forbid.brands.isdisjoint(role.brands):
        return False
    for name in role.purposes & policy.purposes.keys():
        purpose = policy.purposes[name]
        if (
            (not forbid.purposes or name in forbid.purposes)
            and (not forbid.operations or forbid.operations & purpose.operations)
            and (not forbid.fields or forbid.fields & purpose.fields.keys())
        ):
            return True
    return False


def _overlap(networks: Networks) -> bool:
    ranges = networks.ranges
    return any(
        one.version == other.version and one.overlaps(other)
        for index, one in enumerate(ranges)
        for other in ranges[index + 1 :]
    )


def _check_budget(policy: Policy, budget: Budget) -> Iterator[Finding]:
    path = ("budgets", budget.name)
    if not any(role.budget == budget.name for role in policy.roles.values()):
        yield path, "no role draws on this budget"
    if budget.token_below_percent > budget.mask_below_percent:
        yield (*path, "token_below_percent"), "is above mask_below_percent, so nothing would ever be masked"
    if budget.burst.length is not None and budget.day.length is not None and budget.burst.length >= budget.day.length:
        yield (*path, "burst", "length"), "must be shorter than the length of day"
    for window in budget.windows:
        yield from _check_window((*path, window.name), window)
    for shorter, longer in ((budget.burst, budget.day), (budget.day, budget.lifetime)):
        yield from _check_order(path, shorter, longer)


def _check_window(path: Path, window: Window) -> Iterator[Finding]:
    for field_class, ceiling in window.classes.items():
        if ceiling > window.records:
            yield (*path, field_class.value), "is above records, so it can never be reached"
    if window.per_brand is not None and window.per_brand > window.records:
        yield (*path, "per_brand"), "is above records, so it can never be reached"


def _check_order(path: Path, shorter: Window, longer: Window) -> Iterator[Finding]:
    """A short window's ceiling above a longer one's could never be reached."""
    for key, low, high in (
        ("records", shorter.records, longer.records),
        ("probes", shorter.probes, longer.probes),
        ("per_brand", shorter.per_brand, longer.per_brand),
        *((kind.value, ceiling, longer.classes.get(kind)) for kind, ceiling in shorter.classes.items()),
    ):
        if low is not None and high is not None and low > high:
            yield (
                (*path, shorter.name, key),
                f"is above that of {longer.name}, so it can never be reached",
            )


def _check_renewals(policy: Policy) -> Iterator[Finding]:
    for renewal in policy.renewals:
        path = ("renewals", renewal.name)
        if renewal.by - policy.roles.keys():
            yield (*path, "by"), "names a role that does not exist"
        if renewal.budgets - policy.budgets.keys():
            yield (*path, "budgets"), "names a budget that does not exist"
        for name in sorted(renewal.by & policy.roles.keys()):
            if policy.roles[name].budget in renewal.budgets:
                yield (*path, "by"), f"{name} draws on a budget that it renews, so two of them could renew each other"


def _check_releases(policy: Policy) -> Iterator[Finding]:
    released = set()
    for release in policy.releases.values():
        path = ("releases", release.name)
        purpose = policy.purposes.get(release.purpose)
        released.add(release.purpose)
        if purpose is None:
            yield (*path, "purpose"), "names a purpose that does not exist"
        elif Operation.RELEASE not in purpose.operations:
            yield (*path, "purpose"), "the purpose does not allow the operation release"
        if release.approvers - policy.roles.keys():
            yield (*path, "approvers"), "names a role that does not exist"
    for purpose in policy.purposes.values():
        if Operation.RELEASE in purpose.operations and purpose.name not in released:
            yield ("purposes", purpose.name, "operations"), "allows release, but no entry of releases bounds it"
