"""Tables are joined by samples of their ids, which hold the same ids whatever else the columns hold."""

from __future__ import annotations

import polars as pl
import pytest

from cloakroom.claims.concepts import Concept, Recognised
from cloakroom.claims.side_tables import IdSample, TableLinks, id_columns, side_tables


def sample(numbers: range) -> IdSample:
    found = IdSample()
    found.add(pl.Series([f"K-{number}" for number in numbers]), 7)
    return found


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        (range(100), range(100), 1.0), (range(100), range(50, 400), 0.5), (range(100), range(500, 600), 0.0),
        (range(20_000), range(100_000), 1.0), (range(20_000), range(10_000, 200_000), 0.5),
        (range(100_000), range(20_000), 0.2), (range(100_000), range(200_000, 300_000), 0.0),
        (range(4), range(4), 0.0),  # Too few to tell.
    ],
    ids=str,
)  # fmt: skip
def test_the_share_of_ids_among_others_is_told_by_samples(here, there, expected) -> None:
    assert sample(here).share_in(sample(there)) == pytest.approx(expected, abs=0.06)


def test_a_sample_is_the_same_in_whatever_pieces_ids_come() -> None:
    pieces = IdSample()
    for start in range(0, 30_000, 1_000):
        pieces.add(pl.Series([f"K-{number}" for number in range(start, start + 1_500)]), 7)
    assert pieces.hashes.tolist() == sample(range(30_500)).hashes.tolist()


def test_ids_of_eighteen_signs_are_those_of_fifteen_and_empty_ones_are_none() -> None:
    long, short = IdSample(), IdSample()
    long.add(pl.Series(["0015g00000Ab001AAA", " ", None, "", "0015g00000Ab002AAA"]), 1)
    short.add(pl.Series(["0015g00000Ab001", "0015g00000Ab002 "]), 1)
    assert long.hashes.size == 2
    assert long.hashes.tolist() == short.hashes.tolist()


def test_columns_of_ids_are_told_by_their_headers_and_never_by_what_people_are_reached_by() -> None:
    headers = ["Id", "AccountId", "Customer_No__c", "order_number", "phone_no", "postal_code", "note", "Valid"]
    concepts = dict.fromkeys(headers, Concept.OTHER) | {"phone_no": Concept.PHONE, "postal_code": Concept.POSTCODE}
    assert id_columns(Recognised(concepts)) == headers[:4]


def test_tables_are_joined_over_others_and_never_those_with_addresses_or_own_rows() -> None:
    people, orders, lines, strangers = (TableLinks() for _ in range(4))
    people.proven.add(pl.Series([f"K-{number}" for number in range(50)]), 7)
    orders.columns = {"customer": sample(range(50)), "order": sample(range(1_000, 1_050))}
    lines.columns = {"order": sample(range(1_000, 1_050))}
    strangers.columns = {"id": sample(range(50))}
    strangers.has_addresses = True
    tables = [lines, orders, strangers, people]
    assert side_tables(tables, [False, False, False, True]) == [True, True, False, False]
    assert side_tables(tables, [False, True, False, True]) == [False, False, False, False]
    assert side_tables([lines, strangers], [False, False]) == [False, False]
