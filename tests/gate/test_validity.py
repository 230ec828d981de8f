"""Whether a credential is still valid: one rule with three ends."""

from __future__ import annotations

import pytest

from cloakroom.gate.validity import UNUSED_DAYS, has_lapsed

DAY = 86_400_000_000
START = 1_000 * DAY
NEW = {"created_at": START, "expires_at": None, "revoked_at": None, "last_used_at": None, "idle": None}


@pytest.mark.parametrize(
    ("changes", "now", "lapsed"),
    [
        ({}, START, False),
        ({}, START + UNUSED_DAYS * DAY, False),
        ({}, START + UNUSED_DAYS * DAY + 1, True),
        ({"last_used_at": START + 80 * DAY}, START + 100 * DAY, False),
        ({"last_used_at": START + 80 * DAY}, START + 170 * DAY + 1, True),
        ({"last_used_at": START - 200 * DAY}, START, False),
        ({"expires_at": START + 5}, START + 4, False),
        ({"expires_at": START + 5}, START + 5, True),
        ({"revoked_at": START + 5}, START, True),
        ({"idle": 60}, START + 60, False),
        ({"idle": 60}, START + 61, True),
        ({"idle": 60, "last_used_at": START + 50}, START + 110, False),
        ({"idle": 60, "last_used_at": START + 50, "expires_at": START + 100}, START + 101, True),
    ],
)
def test_a_credential_lapses_at_the_first_of_its_ends(changes, now, lapsed):
    assert has_lapsed(**{**NEW, **changes}, now=now) is lapsed
