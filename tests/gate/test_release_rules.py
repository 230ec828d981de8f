"""Who may approve and run a release, and until when: each rule at its edge, without a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cloakroom.clock import from_microseconds
from cloakroom.errors import DeniedError, UsageError
from cloakroom.gate.decision import Principal
from cloakroom.gate.policy import EVERY_BRAND, Networks, Policy, PrincipalKind, Release, Role
from cloakroom.gate.releases import (
    Approval,
    ReleaseContent,
    ReleaseState,
    Standing,
    check_approval,
    check_content,
    check_run,
)

EXPIRES = 1_750_000_000_000_000
BEFORE = EXPIRES - 1
KIND = Release("campaign", "A campaign", "mailing", frozenset({"officer"}), 2, 100, 3_600_000_000)
OFFICER = Role(
    name="officer",
    text="Approves",
    purposes=frozenset({"mailing"}),
    brands=frozenset({EVERY_BRAND}),
    networks=Networks(local=True),
    kinds=frozenset({PrincipalKind.PERSON}),
)
POLICY = replace(Policy.empty(), releases={"campaign": KIND}, roles={"officer": OFFICER})
CONTENT = ReleaseContent(
    kind="campaign",
    brand="alba",
    fields=("email",),
    recipient="printer",
    recipient_key="age1" + "q" * 58,
    maximum=100,
)


def person(name, **changes):
    always = {"valid_from": datetime(2000, 1, 1, tzinfo=UTC), "valid_until": datetime(2100, 1, 1, tzinfo=UTC)}
    values = {"kind": PrincipalKind.PERSON, "roles": frozenset({"officer"}), "brands": frozenset({EVERY_BRAND})}
    return Principal(id=name, **{**values, "networks": None, **always, **changes})


def standing(*approvers, state=ReleaseState.REQUESTED, digest=CONTENT.digest):
    approvals = [Approval(name, f"key-{name}", digest) for name in approvers]
    return Standing(CONTENT, "mia", state, EXPIRES, approvals)


def approve(release, who, *, credential="key-x", digest=CONTENT.digest, now=BEFORE, address=None, own=()):
    return check_approval(
        POLICY,
        release,
        who,
        credential=credential,
        requester_credentials=frozenset(own),
        digest=digest,
        now=now,
        address=address,
    )


def test_the_last_approval_needed_is_the_second_and_not_the_first():
    assert approve(standing(), person("omar")) is False
    assert approve(standing("omar"), person("petra")) is True


@pytest.mark.parametrize(
    ("release", "who", "given", "code"),
    [
        (standing(), person("mia"), {}, "own-lineage"),
        (standing(), person("omar"), {"own": ["key-x"]}, "own-lineage"),
        (standing("omar"), person("omar"), {}, "exhausted"),
        (standing("omar"), person("petra"), {"credential": "key-omar"}, "exhausted"),
        (standing(state=ReleaseState.APPROVED), person("omar"), {}, "exhausted"),
        (standing(), person("omar"), {"digest": "0" * 64}, "changed"),
        (standing(), person("omar"), {"now": EXPIRES}, "expired-release"),
        (standing(), person("omar", valid_until=from_microseconds(BEFORE)), {}, "expired"),
        (standing(), person("omar", valid_from=from_microseconds(EXPIRES)), {}, "expired"),
        (standing(), person("omar", roles=frozenset({"clerk"})), {}, "role"),
        (standing(), person("omar", kind=PrincipalKind.APPLICATION), {}, "role"),
        (standing(), person("omar"), {"address": "10.0.0.1"}, "role"),
        (standing(), person("omar", networks=Networks()), {}, "role"),
    ],
)
def test_an_approval_that_does_not_count_is_refused_for_its_own_reason(release, who, given, code):
    with pytest.raises(DeniedError) as caught:
        approve(release, who, **given)
    assert caught.value.code == code


def test_a_release_runs_to_the_last_moment_before_it_expires():
    approved = standing("omar", "petra", state=ReleaseState.APPROVED)
    check_run(POLICY, approved, person("mia"), BEFORE)
    check_run(POLICY, replace(approved, state=ReleaseState.RUNNING), person("mia"), BEFORE)


@pytest.mark.parametrize(
    ("release", "who", "now", "code"),
    [
        (standing("omar", "petra", state=ReleaseState.APPROVED), "omar", BEFORE, "role"),
        (standing("omar", "petra", state=ReleaseState.APPROVED), "mia", EXPIRES, "expired-release"),
        (standing("omar", "petra", state=ReleaseState.DONE), "mia", BEFORE, "exhausted"),
        (standing("omar", "petra"), "mia", BEFORE, "unapproved"),
        (standing("omar", state=ReleaseState.APPROVED), "mia", BEFORE, "unapproved"),
        (standing("omar", "omar", state=ReleaseState.APPROVED), "mia", BEFORE, "unapproved"),
        (standing("omar", "mia", state=ReleaseState.APPROVED), "mia", BEFORE, "unapproved"),
        (standing("omar", "petra", state=ReleaseState.APPROVED, digest="0" * 64), "mia", BEFORE, "unapproved"),
    ],
)
def test_a_release_that_may_not_run_is_refused_for_its_own_reason(release, who, now, code):
    with pytest.raises(DeniedError) as caught:
        check_run(POLICY, release, person(who), now)
    assert caught.value.code == code


def test_a_content_is_bounded_by_its_kind_to_the_last_record():
    assert check_content(POLICY, CONTENT) is KIND
    for maximum in (0, 101):
        with pytest.raises(DeniedError):
            check_content(POLICY, replace(CONTENT, maximum=maximum))
    with pytest.raises(DeniedError):
        check_content(POLICY, replace(CONTENT, kind="other"))
    wrong = (
        {"recipient_key": "age1" + "q" * 57},
        {"recipient_key": "age1" + "Q" * 58},
        {"form": "xlsx"},
        {"fields": ()},
    )
    for changes in wrong:
        with pytest.raises(UsageError):
            check_content(POLICY, replace(CONTENT, **changes))


def test_every_part_of_a_content_is_in_what_is_approved():
    changed = [
        replace(CONTENT, **{name: value})
        for name, value in {
            "kind": "other",
            "brand": "boreas",
            "fields": ("email", "phone"),
            "recipient": "mailer",
            "recipient_key": "age1" + "z" * 58,
            "maximum": 99,
            "facets": {"country": "FR"},
            "form": "parquet",
            "reference": "CASE-1",
        }.items()
    ]
    assert len({item.digest for item in (CONTENT, *changed)}) == len(changed) + 1
    assert all(ReleaseContent.decode(item.encode()) == item for item in changed)
