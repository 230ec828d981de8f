"""A report sets counts, times and names of fields side by side, each under its own name, and never a value."""

from __future__ import annotations

import hashlib
from itertools import permutations

import pytest
from memory_store import DAY
from pyroaring import BitMap

from cloakroom.claims.attribution import Candidate
from cloakroom.claims.dating import Curve, Dating, Snapshot
from cloakroom.claims.exposure import Exposure, FieldAgreement
from cloakroom.claims.matched import BrandMatch, Matched
from cloakroom.claims.register import EarlierClaim
from cloakroom.claims.report import ClaimReport, Evidence, PersonInterval, content_digest, report_document
from cloakroom.claims.sizing import Size
from cloakroom.claims.statement import Statement
from cloakroom.claims.survey import FileReport
from cloakroom.claims.verdict import Verdict
from cloakroom.clock import parse_time, to_microseconds

NOW = to_microseconds(parse_time("2025-07-01T00:00:00Z"))
# Every count differs from every other, so that none can stand in another's place.
HOUSE = BrandMatch(
    BitMap(range(11)), BitMap(range(7)), BitMap(range(3)), BitMap(range(20, 33)), 17, ("name", "email")
)
OTHER = BrandMatch(BitMap(), BitMap(), BitMap(), BitMap([99]), 0, ())
MATCHED = Matched({"other": OTHER, "house": HOUSE}, 401, 101, 102, 103, 104, 105, BitMap(range(12)), {},
                  rows_fabricated=13)  # fmt: skip
SIZE = Size(515, 61, 901, 907, 899, 311, {"email": 480, "name": 500}, {"IT": 400, "FR": 2})
FOUND = Candidate("release", "r1", 2, 0.9, 0.5, ("gender",), 3.25, "2 canaries of it alone")
BEFORE = EarlierClaim("22222222-2222-4222-8222-222222222222", NOW - 3 * DAY + 1, 0.7, "records", 0.6, "overlap")
TABLE = FileReport("dump.zip!a.csv", "csv", "cp1252", 515, 61, ("email", "name"), ("line 3 is broken",))


def report(dating: Dating | None = None, **changed: object) -> ClaimReport:
    parts = {
        "id": "11111111-1111-4111-8111-111111111111", "checked_at": NOW,
        "statement": Statement(seller="nobody", rows=9),
        "exposed": {"house": Exposure(("name",), ("email",)), "other": Exposure(())},
        "size": SIZE, "matched": MATCHED, "dating": {} if dating is None else {"house": dating},
        "persons": PersonInterval(5, 8, "one record, one person"), "verdict": Verdict("mixed", ("a", "b"), ("c",)),
        "attribution": [FOUND], "earlier": [BEFORE], "files": [TABLE], "opened": 23, "countries": {"IT": 10},
        "populations": {"house": 120}, "evidence": [Evidence("dump.zip", 4711, "ab" * 32)],
    }  # fmt: skip
    return ClaimReport(**(parts | changed))


def test_every_count_stands_under_its_own_name() -> None:
    assert report_document(report()) == {
        "format": 1,
        "id": "11111111-1111-4111-8111-111111111111",
        "checked_at": "2025-07-01T00:00:00Z",
        "claimed": {
            "posted": None, "channel": None, "seller": "nobody", "brands": [], "rows": 9, "emails": None,
            "persons": None, "theft": None, "price": None, "text": None,
        },
        "verdict": "mixed",
        "reasons": ["a", "b"],
        "unknown": ["c"],
        "rows": 515,
        "rejected_rows": 61,
        "rows_own": 101,
        "rows_address_only": 102 + 103,
        "rows_contradicting": 102,
        "rows_fabricated": 13,
        "rows_foreign": 104,
        "rows_without_key": 105,
        "emails_distinct": 901,
        "emails_distinct_with_broken": 907,
        "emails_public_rule": 899,
        "emails_known": 401,
        "emails_foreign": 901 - 401,
        "phones_distinct": 311,
        "fields": {"email": 480, "name": 500},
        "countries": {"IT": 400, "FR": 2},
        "countries_of_records": {"IT": 10},
        "brands": {
            "house": {
                "records": {"proven": 11, "proven_in_whole_rows": 7, "bounded": 13}, "of": 120, "rows": 17,
                "fields": ["name"], "fields_contradicted": ["email"], "snapshots": [], "rows_compared": 0,
                "rows_explained": 0.0, "fields_agree": {}, "is_borne_out": False, "curve": [],
            },
            "other": {
                "records": {"proven": 0, "proven_in_whole_rows": 0, "bounded": 1}, "of": 0, "rows": 0, "fields": [],
                "fields_contradicted": [], "snapshots": [], "rows_compared": 0, "rows_explained": 0.0,
                "fields_agree": {}, "is_borne_out": False, "curve": [],
            },
        },
        "persons": {"lower": 5, "upper": 8, "method": "one record, one person"},
        "attribution": [
            {
                "kind": "release", "id": "r1", "marks": 2, "contained": 0.9, "covered": 0.5,
                "missing_fields": ("gender",), "evidence": 3.25, "reason": "2 canaries of it alone",
            }
        ],
        "earlier": [
            {
                "id": "22222222-2222-4222-8222-222222222222", "checked_at": "2025-06-28T00:00:00Z", "share": 0.7,
                "basis": "records", "covered": 0.6, "relation": "overlap",
            }
        ],
        "records_opened": 23,
        "content_sha256": hashlib.sha256(b"ab" * 32).hexdigest(),
        "evidence": [{"path": "dump.zip", "size": 4711, "sha256": "ab" * 32}],
        "files": [
            {
                "path": "dump.zip!a.csv", "format": "csv", "encoding": "cp1252", "rows": 515, "rejected_rows": 61,
                "columns": ["email", "name"], "notes": ["line 3 is broken"],
            }
        ],
    }  # fmt: skip


def test_brands_stand_in_the_order_of_their_names() -> None:
    assert list(report_document(report())["brands"]) == ["house", "other"]


def test_an_as_of_time_that_is_open_ends_when_the_claim_was_checked() -> None:
    dating = Dating(
        (Snapshot(NOW - 9 * DAY, NOW - 8 * DAY, 0.25), Snapshot(NOW - 2 * DAY, None, 0.75)),
        0.912_345, 55, {"email": FieldAgreement(0.99, 0.0, 55)}, Curve((), ()),
    )  # fmt: skip
    found = report_document(report(dating))["brands"]["house"]
    assert found["snapshots"] == [
        {"from": "2025-06-22T00:00:00Z", "to": "2025-06-23T00:00:00Z", "share": 0.25},
        {"from": "2025-06-29T00:00:00Z", "to": "2025-07-01T00:00:00Z", "share": 0.75},
    ]
    assert (found["rows_compared"], found["rows_explained"], found["fields_agree"]) == (55, 0.9123, {"email": 0.99})


def curve(*points: tuple[int, float]) -> list[list[object]]:
    """Return the curve of a report, sampled at moments that are given in days before and after the check."""
    sampled = Curve(tuple(NOW + day * DAY for day, _ in points), tuple(share for _, share in points))
    return report_document(report(Dating((), 0.0, 1, {}, sampled)))["brands"]["house"]["curve"]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(-2, 0.1), (-1, 0.9)], [["2025-06-29T00:00:00Z", 0.1], ["2025-06-30T00:00:00Z", 0.9]]),
        # The last share that was true holds until the check, not what the records hold after it.
        ([(-2, 0.1), (-1, 0.9), (1, 0.3)], [["2025-06-29T00:00:00Z", 0.1], ["2025-06-30T00:00:00Z", 0.9],
                                            ["2025-07-01T00:00:00Z", 0.9]]),
        ([(-1, 0.9), (0, 0.3)], [["2025-06-30T00:00:00Z", 0.9], ["2025-07-01T00:00:00Z", 0.9]]),
        ([(0, 0.3), (1, 0.3)], []),
        ([], []),
    ],
    ids=["all before the check", "some after it", "one just then", "none before it", "no curve"],
)  # fmt: skip
def test_a_curve_is_no_forecast(points, expected) -> None:
    assert curve(*points) == expected


@pytest.mark.parametrize(("extra", "shown"), [(0, "00:00:05Z"), (999_999, "00:00:05Z"), (1_000_000, "00:00:06Z")])
def test_times_are_shown_in_whole_seconds_that_have_passed(extra, shown) -> None:
    assert report_document(report(checked_at=NOW + 5_000_000 + extra))["checked_at"] == f"2025-07-01T{shown}"


def test_the_digest_of_the_content_is_that_of_the_files_whatever_their_names_and_order() -> None:
    files = [Evidence(f"{place}.csv", place, letter * 64) for place, letter in enumerate("abc")]
    expected = hashlib.sha256(("a" * 64 + "b" * 64 + "c" * 64).encode()).hexdigest()
    assert {content_digest(order) for order in permutations(files)} == {expected}
    assert content_digest([Evidence("renamed.csv", 7, "a" * 64)]) == content_digest(files[:1])


@pytest.mark.parametrize("letters", ["", "a", "ab", "aab", "abb", "abcc"])
def test_a_file_more_or_less_or_twice_is_another_content(letters) -> None:
    def of(text: str) -> str:
        return content_digest([Evidence("x", 1, letter * 64) for letter in text])

    assert of(letters) != of("abc")
