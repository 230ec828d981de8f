"""Sets of rows and pairs of rows and records, against what the words say, over every small batch."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
import pytest
from test_doubtful_ids import pairs, rows

from cloakroom.claims.remembered import Answered
from cloakroom.claims.row_pairs import crowd_rows, is_single, row_flags, settled_rows, without

ROW_SETS = [rows(*(row for row, is_in in enumerate(flags) if is_in)) for flags in product((False, True), repeat=3)]
SOME = ((0, 7), (0, 8), (1, 7), (2, 9))


def test_flags_are_set_for_just_the_rows_given() -> None:
    for chosen in ROW_SETS:
        assert row_flags(chosen, 3).tolist() == [row in chosen.to_list() for row in range(3)]
    assert row_flags(rows(1, 1), 2).tolist() == [False, True]
    assert row_flags(rows(), 0).tolist() == []


def test_pairs_of_other_rows_are_kept_as_they_are() -> None:
    for left_out in ROW_SETS:
        expected = [pair for pair in SOME if pair[0] not in left_out.to_list()]
        assert without(pairs(*SOME), left_out, 3).rows() == expected
    assert without(pairs(), rows(0), 1).rows() == []


def test_a_pair_is_single_when_no_other_has_its_row() -> None:
    for size in range(4):
        for numbers in product(range(3), repeat=size):
            found = is_single(pairs(*((row, 40 + place) for place, row in enumerate(numbers))))
            assert found.tolist() == [numbers.count(row) == 1 for row in numbers]


def test_rows_of_a_crowd_are_those_whose_own_key_is_crowded() -> None:
    keys = pl.DataFrame({"row": [4, 0, 4], "key": ["a", "b", "c"]}, schema_overrides={"row": pl.UInt32})
    answered = Answered(pairs(), np.arange(3), np.ones(3, np.bool_), np.array([False, True, True]))
    assert crowd_rows(keys, answered).to_list() == [0, 4]


def ids(*found: tuple[int, bool]) -> pl.DataFrame:
    return pl.DataFrame(found, schema={"row": pl.UInt32, "unmistakable": pl.Boolean}, orient="row")


@pytest.mark.parametrize(
    ("is_unmistakable", "by_id", "by_address", "is_settled"),
    [
        (True, [(0, 7)], [], True),
        (True, [(0, 7)], [(0, 8)], True),
        (True, [(0, 7), (0, 8)], [], False),
        (True, [(0, 7), (0, 8)], [(0, 7)], False),
        (False, [(0, 7)], [], False),
        (False, [(0, 7)], [(0, 7)], True),
        (False, [(0, 7)], [(0, 7), (0, 8)], True),
        (False, [(0, 7)], [(0, 8)], False),
        (False, [(0, 7)], [(1, 7)], False),
        (True, [], [(0, 7)], False),
    ],
)
def test_an_id_settles_a_row_when_it_names_one_record_beyond_doubt_or_together_with_the_address(
    is_unmistakable, by_id, by_address, is_settled
) -> None:
    found = settled_rows(ids((0, is_unmistakable)), pairs(*by_id), pairs(*by_address))
    assert found.to_list() == ([0] if is_settled else [])


def test_an_id_beyond_doubt_in_one_row_settles_no_other() -> None:
    found = settled_rows(ids((0, True), (1, False)), pairs((0, 7), (1, 8)), pairs())
    assert found.to_list() == [0]


def test_a_row_that_is_settled_in_both_ways_is_one_row() -> None:
    assert settled_rows(ids((0, True)), pairs((0, 7)), pairs((0, 7))).to_list() == [0]
