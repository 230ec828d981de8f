"""What sellers say is read strictly where it is compared, and cut where it is only shown."""

from __future__ import annotations

import json

import pytest

from cloakroom.claims.statement import Statement, parse_statement
from cloakroom.clock import parse_time, to_microseconds
from cloakroom.errors import InputError


def moment(text: str) -> int:
    return to_microseconds(parse_time(f"{text}T00:00:00Z"))


@pytest.mark.parametrize(
    ("theft", "begins"),
    [
        ("2025-06", "2025-06-01"), ("2025-12", "2025-12-01"), ("2025-06-10", "2025-06-10"),
        ("2025-06-10T08:00:00Z", "2025-06-10"), ("2024-02-29", "2024-02-29"),
    ],
)  # fmt: skip
def test_a_claimed_time_begins_with_its_month_or_day(theft, begins) -> None:
    assert Statement(theft=theft).theft_begins() == moment(begins)


def test_no_claimed_time_has_no_beginning() -> None:
    assert Statement().theft_begins() is None


def test_all_that_is_known_of_a_claim_is_kept_and_the_rest_left_out() -> None:
    said = {
        "posted": "2025-06-12", "channel": "forum", "actor": "nobody", "claimed_brands": ["house", 7],
        "claimed_rows": 0, "claimed_emails": 7_400_000, "claimed_persons": 5, "claimed_theft": "2025-06",
        "price": 20, "text": "x" * 6_000, "mood": "bad",
    }  # fmt: skip
    found = parse_statement(json.dumps(said).encode(), "claim.json")
    assert found.as_dict() == {
        "posted": "2025-06-12", "channel": "forum", "seller": "nobody", "brands": ["house", "7"], "rows": 0,
        "emails": 7_400_000, "persons": 5, "theft": "2025-06", "price": "20", "text": "x" * 5_000,
    }  # fmt: skip
    assert parse_statement(b'{"seller":"a","actor":"b"}', "x").seller == "a"


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        ("[]", "must be an object"),
        ('{"claimed_theft": "June"}', "claimed_theft: must be a month or a day"),
        ('{"claimed_theft": "2025-13"}', "claimed_theft: must be a month or a day"),
        ('{"claimed_theft": "2025-02-30"}', "claimed_theft: must be a month or a day"),
        ('{"posted": 20250601}', "posted: must be a month or a day"),
        ('{"claimed_rows": -1}', "claimed_rows: must be a whole number"),
        ('{"claimed_emails": 1.5}', "claimed_emails: must be a whole number"),
        ('{"claimed_persons": true}', "claimed_persons: must be a whole number"),
        ('{"claimed_brands": "house"}', "claimed_brands: must be a list"),
    ],
)
def test_what_would_be_compared_wrongly_is_refused_and_named(said, word) -> None:
    data = said if isinstance(said, bytes) else said.encode()
    with pytest.raises(InputError, match=word) as caught:
        parse_statement(data, "claim.json")
    assert str(caught.value).startswith("claim.json")


@pytest.mark.parametrize("length", [199, 200, 201])
def test_what_is_only_shown_is_cut(length) -> None:
    said = {"price": "x" * length, "claimed_brands": ["y" * length], "channel": "z" * (4_800 + length)}
    found = parse_statement(json.dumps(said).encode(), "claim.json")
    assert (found.price, found.brands) == ("x" * min(length, 200), ("y" * min(length, 200),))
    assert found.channel == "z" * min(4_800 + length, 5_000)


@pytest.mark.parametrize("count", [99, 100, 101])
def test_no_more_than_a_hundred_brands_are_kept(count) -> None:
    said = {"claimed_brands": [f"brand {number}" for number in range(count)]}
    assert len(parse_statement(json.dumps(said).encode(), "claim.json").brands) == min(count, 100)


def test_what_is_not_said_is_not_known() -> None:
    assert (
        parse_statement(b"{}", "x") == parse_statement(b'{"price": null, "claimed_brands": null}', "x") == Statement()
    )
