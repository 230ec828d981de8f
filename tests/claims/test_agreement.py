"""Which records a row without an id proves: those of which one version agrees with all that it shows, two things at least."""  # noqa: E501

from __future__ import annotations

import random
from collections import Counter
from itertools import chain

import polars as pl
import pytest
from pyroaring import BitMap

from cloakroom.claims.agreement import RecordChoices, agreement, best_pairs, compare, pairs_by_name

HELD = {
    "email": "ada@example.org", "email_2": "", "phone": "+393331234567", "mobile": "+393337654321", "phone_3": "",
    "phone_4": "", "name": "ada example", "name_more": "maria", "city": "turin", "birth_date": "1980-05-14",
}  # fmt: skip


def pairs(*found: tuple[int, int]) -> pl.DataFrame:
    return pl.DataFrame(found, schema={"row": pl.UInt32, "ordinal": pl.Int64}, orient="row")


def proving_pairs(
    shown: pl.DataFrame, some: pl.DataFrame, held: pl.DataFrame, *, is_name_partial: bool
) -> pl.DataFrame:
    return agreement(compare(shown, some, held, is_name_partial=is_name_partial), shown, held).proving


def one_record_each(some: pl.DataFrame, taken: BitMap) -> BitMap:
    choices = RecordChoices()
    choices.add(some)
    return choices.chosen(taken)


def proves(shown: dict[str, str], held: dict[str, str] | None = None, *, partial: bool = False) -> bool:
    rows = pl.DataFrame({"row": [0], **{name: [value] for name, value in shown.items()}})
    rows = rows.with_columns(pl.col("row").cast(pl.UInt32))
    versions = pl.DataFrame(
        {"ordinal": [7], "valid_from": [0], "valid_to": [None], **{k: [v] for k, v in (HELD | (held or {})).items()}}
    )
    return proving_pairs(rows, pairs((0, 7)), versions, is_name_partial=partial).height == 1


@pytest.mark.parametrize(
    ("shown", "is_proof"),
    [
        ({"email": "ada@example.org"}, False),
        ({"email": "ada@example.org", "name": ""}, False),
        ({"email": "ada@example.org", "name": "ada example"}, True),
        ({"email": "ada@example.org", "name": "zoe other"}, False),
        ({"email": "zoe@example.org", "name": "ada example"}, False),
        ({"email": "ada@example.org", "phone": "+393331234567"}, True),
        ({"email": "ada@example.org", "phone": "+393337654321"}, True),
        ({"email": "ada@example.org", "phone": "+390000000000"}, False),
        ({"phone": "+393331234567", "phone_2": "+393337654321"}, False),
        ({"phone": "+393331234567", "phone_2": "+393337654321", "name": "ada example"}, True),
        ({"phone": "+393331234567", "phone_2": "+390000000000", "name": "ada example"}, False),
        ({"phone": "~3331234567", "name": "ada example"}, True),
        ({"city": "turin", "birth_date": "1980-05-14"}, False),
        ({"email": "ada@example.org", "birth_date": "1980-05-14"}, True),
        ({"email": "ada@example.org", "birth_date": "1981-05-14"}, False),
        ({"email": "ada@example.org", "city": "turin"}, False),
        ({"email": "ada+news@example.org", "name": "ada example"}, True),
        ({"phone_2": "+393331234567", "email": "ada@example.org"}, True),
        ({"email": "ada@example.org", "name": "ada example", "city": "pisa"}, True),
    ],
    ids=str,
)
def test_two_of_address_number_and_name_must_be_shown_and_none_may_differ(shown, is_proof) -> None:
    assert proves(shown) is is_proof


@pytest.mark.parametrize(
    ("name", "held", "whole", "partial"),
    [
        ("ada example", "ada example", True, True),
        ("ada", "ada example", False, True),
        ("ada maria example", "ada example", True, True),
        ("maria", "ada example", True, True),
        ("ada maria", "ada example", False, False),
        ("ada zoe example", "ada example", False, False),
        ("zoe", "ada example", False, False),
    ],
)
def test_names_agree_whole_with_what_is_held_beside_them_or_in_part_where_a_table_shows_a_part(
    name, held, whole, partial
) -> None:
    shown = {"email": "ada@example.org", "name": name}
    assert proves(shown, {"name": held}) is whole
    assert proves(shown, {"name": held}, partial=True) is partial


def test_each_further_column_that_agrees_counts() -> None:
    shown = pl.DataFrame(
        {"row": [0], "email": ["ada@example.org"], "name": ["ada example"], "city": ["turin"], "birth_date": [""]}
    )
    held = pl.DataFrame([{"ordinal": 7, **HELD}, {"ordinal": 8, **HELD, "city": "pisa"}])
    found = proving_pairs(
        shown.with_columns(pl.col("row").cast(pl.UInt32)), pairs((0, 7), (0, 8)), held, is_name_partial=False
    )
    assert sorted(found.rows()) == [(0, 7, 101), (0, 8, 100)]  # An equal name outweighs all other columns.


def test_records_that_agree_most_are_kept_and_of_two_brands_the_one_of_the_table() -> None:
    counts: Counter[str] = Counter()
    proving = pl.DataFrame(
        {"row": [0, 0, 1, 2, 2], "ordinal": [1, 2, 1, 1, 50], "score": [3, 2, 0, 4, 4], "brand": [1, 1, 1, 1, 2]}
    )
    found = best_pairs(proving, {0: "", 1: "house", 2: "other"}, counts)
    assert sorted(found.select("row", "ordinal").rows()) == [(0, 1), (1, 1), (2, 1)]
    assert counts == {"house": 2}


def test_a_row_between_brands_that_are_as_many_keeps_both() -> None:
    proving = pl.DataFrame({"row": [0, 0], "ordinal": [1, 50], "score": [1, 1], "brand": [1, 2]})
    assert best_pairs(proving, {1: "house", 2: "other"}, Counter(house=5, other=5)).height == 2
    assert best_pairs(proving, {1: "house", 2: "other"}, Counter(house=6, other=5))["ordinal"].to_list() == [1]


def test_rows_prove_as_many_records_as_they_can_show_at_once() -> None:
    # Rows 0 and 1 may show 1 or 2, row 2 shows 2 or 3, row 3 can only be 1.
    found = pairs((0, 1), (0, 2), (1, 1), (1, 2), (2, 2), (2, 3), (3, 1))
    assert len(one_record_each(found, BitMap())) == 3
    chain = [pair for row in range(30) for pair in ((row, row), (row, row + 1))]
    assert len(one_record_each(pairs(*chain), BitMap())) == 30
    assert len(one_record_each(pairs(*chain, *[(row + 100, row) for row in range(30)]), BitMap())) == 31


def test_records_that_earlier_rows_have_taken_are_not_taken_again() -> None:
    found = pairs((0, 1), (0, 2))
    assert one_record_each(found, BitMap([1])) == BitMap([2])
    assert one_record_each(found, BitMap([1, 2])) == BitMap()
    assert one_record_each(pairs((0, 1), (1, 2)), BitMap([1])) == BitMap([1, 2])


def test_addresses_of_a_crowd_are_paired_by_name_as_well() -> None:
    shown = pl.DataFrame({"row": [0, 1, 2], "email": ["d@example.org"] * 3, "name": ["ada", "", "zoe"]})
    held = pl.DataFrame({"ordinal": [7, 8], "email": ["d@example.org"] * 2, "name": ["ada", "eve"]})
    assert pairs_by_name(shown, held).rows() == [(0, 7)]
    assert pairs_by_name(shown.drop("name"), held).height == 0


def test_as_many_records_are_proven_in_whatever_order_and_pieces_rows_come() -> None:
    rows = [(row, row // 2 + step) for row in range(40) for step in range(1 + row % 3)]
    by_row = [[pair for pair in rows if pair[0] == row] for row in range(40)]
    counts = set()
    for seed in range(20):
        order = random.Random(seed).sample(by_row, len(by_row))
        choices = RecordChoices()
        for start in range(0, len(order), 1 + seed):
            choices.add(pairs(*chain(*order[start : start + 1 + seed])))
        counts.add(len(choices.chosen()))
    assert len(counts) == 1
