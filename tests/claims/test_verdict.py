"""A copy of an earlier dump is recycled only where the sellers do not say truly from when it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pyroaring import BitMap

from cloakroom.claims.dating import DAY, Curve, Dating, Snapshot
from cloakroom.claims.exposure import FieldAgreement
from cloakroom.claims.matched import BrandMatch, Matched
from cloakroom.claims.register import EarlierClaim
from cloakroom.claims.statement import Statement
from cloakroom.claims.verdict import Extent, judge
from cloakroom.clock import parse_time, to_microseconds

AT = to_microseconds(parse_time("2024-02-14T10:00:00Z"))
RECORDS = BitMap(range(100))
COPY = EarlierClaim("11111111-1111-4111-8111-111111111111", AT, 0.98, "records", 0.9, "copy")


def dated(*snapshots: Snapshot, fields: tuple[str, ...] = ("name", "city"), explained: float = 1.0) -> Dating:
    agreements = {name: FieldAgreement(0.99, 0.0, 50) for name in fields}
    return Dating(snapshots, explained, 50, agreements, Curve((), ()))


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
    dating = {"house": dated(Snapshot(AT, AT + DAY, 1.0))}
    verdict = judge(matched(), dating, Statement(theft=theft), earlier, Extent())
    assert verdict.word == word
    if earlier and theft != "2024-05":
        assert any(COPY.id in reason for reason in verdict.reasons)


def test_a_copy_that_cannot_be_dated_is_recycled() -> None:
    assert judge(matched(), {"house": dated()}, Statement(theft="2024-02"), [COPY], Extent()).word == "recycled"


def test_records_in_broken_lines_alone_are_no_division_by_nothing() -> None:
    assert judge(matched(own=0), {"house": dated()}, Statement(), [], Extent()).word == "genuine"


def rows(*, own: int = 0, bounded: int = 0, bare: int = 0, foreign: int = 0, silent: int = 0) -> Matched:
    """Return rows of each kind; the first `own` records are proven, ten more share an address."""
    proven = BitMap(range(own))
    brand = BrandMatch(proven, proven, proven, BitMap(range(own, own + 10)) if bounded else BitMap(), own, ("email",))
    return Matched({"house": brand}, own + bounded, own, bounded, bare, foreign, silent, proven, {})


def word(found: Matched, theft: str | None = None, **snapshots: list[Snapshot]) -> str:
    dating = {brand: dated(*spans) for brand, spans in snapshots.items()}
    return judge(found, dating, Statement(theft=theft), [], Extent()).word


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (rows(own=9_901, foreign=99), "genuine"),
        (rows(own=9_900, foreign=100), "mixed"),
        (rows(own=9_901, bounded=99), "genuine"),
        (rows(own=9_900, bounded=100), "mixed"),
        (rows(own=9_900, bounded=50, foreign=50), "mixed"),
        (rows(own=9_901, bounded=49, foreign=50), "genuine"),
        (rows(own=1, foreign=99_999), "mixed"),
        (rows(foreign=100), "foreign"),
        (rows(bounded=100), "foreign"),
        (rows(own=9_901, foreign=99, silent=10_000), "genuine"),
        (rows(own=5_000, foreign=51, bare=49), "mixed"),
        (rows(own=5_000, foreign=51, bare=51), "genuine"),
    ],
    ids=repr,
)
def test_one_row_in_a_hundred_that_is_not_ours_makes_a_dump_mixed_and_one_less_does_not(found, expected) -> None:
    assert word(found) == expected


@pytest.mark.parametrize(
    ("bare", "expected"), [(0, "foreign"), (9, "foreign"), (10, "addresses only"), (1_000, "addresses only")]
)
def test_from_one_row_in_a_hundred_on_addresses_of_ours_and_nothing_else_are_no_all_clear(bare, expected) -> None:
    verdict = judge(rows(bare=bare, foreign=1_000 - bare), {}, Statement(), [], Extent())
    assert verdict.word == expected


@pytest.mark.parametrize(
    ("own", "bare", "expected"), [(49, 51, "no record is proven by them"), (50, 50, ""), (100, 0, "")]
)
def test_own_rows_beside_more_bare_ones_say_how_many_prove_nothing(own, bare, expected) -> None:
    verdict = judge(rows(own=own, bare=bare), {}, Statement(), [], Extent())
    assert verdict.word == "genuine"
    assert verdict.reasons[0].endswith(expected or "a record of ours")


@pytest.mark.parametrize(
    ("found", "extent", "expected"),
    [
        (rows(), Extent(), "cannot tell"),
        (rows(silent=500), Extent(), "cannot tell"),
        (rows(foreign=500), Extent(files_unread=1), "cannot tell"),
        (rows(foreign=500), Extent(rows_rejected=499), "foreign"),
        (rows(foreign=500), Extent(rows_rejected=500), "cannot tell"),
        (rows(foreign=500, silent=10_000), Extent(), "foreign"),
        (rows(foreign=500, bounded=20), Extent(files_cut_short=1), "foreign"),
        (rows(own=500), Extent(files_unread=1, rows_rejected=5_000), "genuine"),
    ],
    ids=["nothing", "no keys", "unread", "damaged by half", "damaged", "side table", "cut short", "ours"],
)
def test_only_rows_that_were_read_and_hold_keys_are_foreign(found, extent, expected) -> None:
    verdict = judge(found, {}, Statement(), [], extent)
    assert verdict.word == expected
    assert verdict.reasons
    if expected == "cannot tell":
        assert not any("none of" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(("count", "expected"), [(20, "foreign"), (21, "addresses only")])
def test_more_known_addresses_than_rows_can_hold_are_no_all_clear(count, expected) -> None:
    found = replace(rows(foreign=4, bounded=6), emails_known=count)
    assert judge(found, {}, Statement(), [], Extent()).word == expected


def test_what_was_not_read_is_said_under_every_verdict() -> None:
    for found in (rows(own=100), rows(foreign=100), rows(bare=100)):
        unknown = judge(found, {}, Statement(), [], Extent(files_unread=2, files_cut_short=1)).unknown
        assert "what is in 2 files that could not be read" in unknown
        assert "what follows in 1 file that could not be read to the end" in unknown


@pytest.mark.parametrize(
    ("before", "expected"), [(30 * DAY - 1, "genuine"), (30 * DAY, "recycled"), (30 * DAY + 1, "recycled")]
)
def test_data_is_much_older_than_claimed_from_thirty_days_on(before, expected) -> None:
    newest = to_microseconds(parse_time("2024-05-01T00:00:00Z")) - before
    assert word(rows(own=100), "2024-05-01", house=[Snapshot(newest - 5 * DAY, newest, 1.0)]) == expected


def test_the_newest_of_all_as_of_times_decides_and_one_that_is_open_is_newest() -> None:
    old, new = Snapshot(AT - 400 * DAY, AT - 300 * DAY, 0.5), Snapshot(AT - 2 * DAY, AT, 0.5)
    still = Snapshot(AT - 400 * DAY, None, 1.0)
    assert word(rows(own=100), "2024-02-14", house=[old]) == "recycled"
    assert word(rows(own=100), "2024-02-14", house=[old, new]) == "genuine"
    assert word(rows(own=100), "2024-02-14", house=[old], other=[new]) == "genuine"
    assert word(rows(own=100), "2024-02-14", house=[still]) == "genuine"


@pytest.mark.parametrize("relation", ["same", "sample", "overlap"])
def test_only_a_copy_of_an_earlier_dump_is_recycling(relation) -> None:
    earlier = EarlierClaim("2" * 8, AT, 1.0, "records", 1.0, relation)
    verdict = judge(rows(own=100), {}, Statement(), [earlier], Extent())
    assert verdict.word == "genuine"
    assert not any(earlier.id in reason for reason in verdict.reasons)


def test_other_peoples_rows_are_said_before_age_is() -> None:
    assert judge(rows(own=90, foreign=10), {}, Statement(), [COPY], Extent()).word == "mixed"


def test_reasons_hold_the_counts_and_the_as_of_times() -> None:
    spans_told = "2024-02-14 10:00 to 2024-02-15 10:00 and 2024-03-25 10:00 to now"
    spans = {"house": dated(Snapshot(AT, AT + DAY, 0.6), Snapshot(AT + 40 * DAY, None, 0.4)), "other": dated()}
    verdict = judge(rows(own=9_880, bounded=20, foreign=100), spans, Statement(), [], Extent())
    assert verdict.reasons == (
        "9,880 rows show a record of ours",
        "100 rows (1.0%) show only keys that are unknown to us",
        "20 rows (0.2%) show a key of ours beside values that contradict our records",
        f"100% of the 50 rows of house that were compared equal our history as of {spans_told} (name, city)",
    )


def test_a_foreign_dump_says_how_many_addresses_are_known_nevertheless() -> None:
    made_up = ": a fabrication around real keys"
    verdict = judge(rows(bounded=1_200, foreign=300), {}, Statement(), [], Extent())
    assert verdict.reasons == (
        "none of 1,500 rows shows a record of ours",
        "300 rows (20.0%) show only keys that are unknown to us",
        f"1,200 rows (80.0%) show a key of ours beside values that contradict our records{made_up}",
        "1,200 addresses are known, beside other content: 10 records share an address with the dump, no more",
    )
    assert judge(rows(foreign=3), {}, Statement(), [], Extent()).reasons == (
        "none of 3 rows shows a record of ours",
        "3 rows (100.0%) show only keys that are unknown to us",
    )


def test_what_is_not_known_is_said() -> None:
    found = rows(own=10, bounded=2, silent=3)
    found = Matched(found.brands, 0, 10, 2, 0, 0, 3, found.shown, {}, notes=("a limit was reached",))
    assert judge(found, {}, Statement(), [], Extent()).unknown == (
        "a limit was reached",
        "whom 3 rows are about: nothing is there by which a record could be found",
        "from where 2 rows have a key of ours that stands beside other values",
        "no date for house: too little to compare",
        "what the sellers hold beyond these files",
    )
    assert judge(rows(own=1), {"house": dated(Snapshot(AT, AT, 1.0))}, Statement(), [], Extent()).unknown == (
        "what the sellers hold beyond these files",
    )
