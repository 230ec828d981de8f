"""A copy of an earlier dump is recycled only where the sellers do not say truly from when it is."""

from __future__ import annotations

import pytest
from pyroaring import BitMap

from cloakroom.claims.dating import DAY, Snapshot
from cloakroom.claims.matched import BrandMatch, Matched
from cloakroom.claims.register import EarlierClaim
from cloakroom.claims.statement import Statement
from cloakroom.claims.verdict import judge
from cloakroom.clock import parse_time, to_microseconds

AT = to_microseconds(parse_time("2024-02-14T10:00:00Z"))
RECORDS = BitMap(range(100))
COPY = EarlierClaim("11111111-1111-4111-8111-111111111111", AT, 0.98, "records", 0.9, "copy")


def matched(*, own: int = 100, foreign: int = 0) -> Matched:
    brand = BrandMatch(RECORDS, RECORDS, RECORDS, BitMap(), own, ("email",))
    return Matched({"house": brand}, own, own, 0, 0, foreign, 0, RECORDS, {})


@pytest.mark.parametrize(
    ("theft", "earlier", "word"),
    [
        ("2024-02", [COPY], "genuine"),
        ("2024-02", [], "genuine"),
        (None, [COPY], "recycled"),
        (None, [], "genuine"),
        ("2024-05", [COPY], "recycled"),
        ("2024-05", [], "recycled"),
    ],
)
def test_the_claimed_time_of_the_theft_decides(theft, earlier, word) -> None:
    verdict = judge(matched(), {"house": [Snapshot(AT, AT + DAY, 1.0)]}, Statement(theft=theft), earlier)
    assert verdict.word == word
    if earlier and theft != "2024-05":
        assert any(COPY.id in reason for reason in verdict.reasons)


def test_a_copy_that_cannot_be_dated_is_recycled() -> None:
    assert judge(matched(), {"house": []}, Statement(theft="2024-02"), [COPY]).word == "recycled"


def test_records_in_broken_lines_alone_are_no_division_by_nothing() -> None:
    assert judge(matched(own=0), {"house": []}, Statement(), []).word == "genuine"
