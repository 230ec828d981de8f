"""Names agree in whole or in part, and pairs of rows and records are settled, against oracles over small worlds."""

from __future__ import annotations

from collections import Counter
from itertools import chain, combinations, permutations, product

import polars as pl
import pytest
from pyroaring import BitMap
from test_agreement import HELD, one_record_each, pairs, proves, proving_pairs

from cloakroom.claims.agreement import best_pairs, pairs_by_name

WORDS = ("ada", "maria", "example", "zoe")
SHOWN = [" ".join(words) for size in (1, 2, 3) for words in combinations(WORDS, size)]
FIELDS = ("street", "city", "region", "postcode", "country", "birth_date", "language", "kind", "store", "total_sales",
          "gender")  # fmt: skip


def same_name(shown: str, held: str, more: str, *, is_partial: bool) -> bool:
    """Say in sets what is meant: nothing but what is held, and the whole name, or only what is held beside it."""
    seen, base, beside = set(shown.split()), set(held.split()), set(more.split())
    if shown == held or (is_partial and seen <= base):
        return True
    return bool(more) and seen <= base | beside and (base <= seen or seen <= beside)


@pytest.mark.parametrize("is_partial", [False, True])
@pytest.mark.parametrize("more", ["", "maria", "maria zoe"])
def test_names_agree_as_their_words_do(more, is_partial) -> None:
    for shown in SHOWN:
        row = {"email": "ada@example.org", "name": shown}
        found = proves(row, {"name": "ada example", "name_more": more}, partial=is_partial)
        assert found is same_name(shown, "ada example", more, is_partial=is_partial), (shown, more)


@pytest.mark.parametrize("field", ["email", "email_2"])
@pytest.mark.parametrize("number", ["phone", "mobile", "phone_3", "phone_4"])
def test_any_address_and_any_number_of_a_record_agrees(field, number) -> None:
    empty = dict.fromkeys(("email", "email_2", "phone", "mobile", "phone_3", "phone_4"), "")
    held = empty | {field: "ada@example.org", number: "+393331234567"}
    assert proves({"email": "ada@example.org", "phone": "+393331234567"}, held)
    assert not proves({"email": "ada@example.org", "phone": "+393331234567"}, empty | {field: "ada@example.org"})
    assert not proves({"email": "ada@example.org", "phone": "+393331234567"}, empty | {number: "+393331234567"})


def test_what_a_record_does_not_hold_agrees_with_nothing() -> None:
    assert not proves({"email": "ada@example.org", "name": "ada example"}, {"name": None})
    assert not proves({"email": "ada@example.org", "name": "ada example"}, {"email": None})


@pytest.mark.parametrize("count", range(len(FIELDS) + 1))
def test_the_score_is_the_number_of_further_fields_that_agree(count) -> None:
    values = {name: f"{name} value" for name in FIELDS}
    shown = values | dict.fromkeys(FIELDS[count:], "other")
    row = pl.DataFrame([{"row": 0, "email": "ada@example.org", "name": "ada example", **shown}])
    row = row.with_columns(pl.col("row").cast(pl.UInt32))
    held = pl.DataFrame([{"ordinal": 7, **HELD, **values}])
    assert proving_pairs(row, pairs((0, 7)), held, is_name_partial=False).rows() == [(0, 7, 100 + count)]


def test_what_is_missing_in_row_and_record_alike_scores_nothing() -> None:
    row = pl.DataFrame({"row": [0], "email": ["ada@example.org"], "name": ["ada example"], "city": [""]},
                       schema_overrides={"row": pl.UInt32})  # fmt: skip
    for missing in ("", None):
        held = pl.DataFrame([{"ordinal": 7, **HELD, "city": missing}], schema_overrides={"city": pl.String})
        assert proving_pairs(row, pairs((0, 7)), held, is_name_partial=False).rows() == [(0, 7, 100)]


def test_of_several_versions_of_a_record_the_one_that_agrees_most_counts() -> None:
    row = pl.DataFrame({"row": [0], "email": ["ada@example.org"], "name": ["ada example"], "city": ["turin"]},
                       schema_overrides={"row": pl.UInt32})  # fmt: skip
    for cities in permutations(["turin", "pisa", "rome"]):
        held = pl.DataFrame([{"ordinal": 7, **HELD, "city": city} for city in cities])
        assert proving_pairs(row, pairs((0, 7)), held, is_name_partial=False).rows() == [(0, 7, 101)]


def matching_size(choices: list[list[int]], taken: set[int]) -> int:
    """Return by trying everything how many records rows can show at once, each row one, none of those taken."""
    if not choices:
        return 0
    first, *rest = choices
    return max([matching_size(rest, taken), *(1 + matching_size(rest, taken | {one}) for one in set(first) - taken)])


SETS = [[], [1], [1, 2], [2, 3], [1, 2, 3]]


@pytest.mark.parametrize("taken", [[], [2], [1, 3]])
def test_as_many_records_are_proven_as_rows_can_show_at_once(taken) -> None:
    for choices in product(SETS, repeat=3):
        found = one_record_each(
            pairs(*((row, one) for row, some in enumerate(choices) for one in some)), BitMap(taken)
        )
        # A row that shows one record alone shows that one, whoever has taken it before.
        settled = {some[0] for some in choices if len(some) == 1}
        several = [some for some in choices if len(some) > 1]
        assert settled <= set(found) <= set(chain(*choices))
        assert len(found) == len(settled) + matching_size(several, settled | set(taken)), choices


@pytest.mark.parametrize(
    ("clear", "taken"), [((3, 1), {1}), ((1, 3), {50}), ((2, 2), {1, 50}), ((0, 0), {1, 50}), ((0, 1), {50})]
)
def test_a_row_of_two_brands_is_of_the_one_that_more_rows_are_of_without_doubt(clear, taken) -> None:
    rows = [(0, 1, 0, 1), (0, 50, 0, 2)]
    rows += [(row + 1, 2 + row if brand == 1 else 51 + row, 0, brand)
             for row, brand in enumerate([1] * clear[0] + [2] * clear[1])]  # fmt: skip
    proving = pl.DataFrame(rows, schema=["row", "ordinal", "score", "brand"], orient="row")
    counts: Counter[str] = Counter()
    found = best_pairs(proving, {0: "", 1: "house", 2: "other"}, counts)
    assert set(found.filter(pl.col("row") == 0)["ordinal"]) == taken
    assert (counts["house"], counts["other"]) == clear


def test_rows_without_doubt_in_earlier_batches_count_too() -> None:
    proving = pl.DataFrame({"row": [0, 0], "ordinal": [1, 50], "score": [0, 0], "brand": [1, 2]})
    counts = Counter(other=1)
    assert best_pairs(proving, {1: "house", 2: "other"}, counts)["ordinal"].to_list() == [50]
    assert counts == {"other": 1}


def test_a_row_that_shows_several_records_of_one_brand_is_one_row_of_it() -> None:
    proving = pl.DataFrame({"row": [0, 0, 1], "ordinal": [1, 2, 3], "score": [0, 0, 0], "brand": [1, 1, 1]})
    counts: Counter[str] = Counter()
    assert best_pairs(proving, {1: "house"}, counts).height == 3
    assert counts == {"house": 2}


@pytest.mark.parametrize(
    ("row", "held", "is_pair"),
    [
        (("d@example.org", "ada"), ("d@example.org", "ada"), True),
        (("d@example.org", "ada"), ("d@example.org", "zoe"), False),
        (("d@example.org", "ada"), ("e@example.org", "ada"), False),
        (("", "ada"), ("", "ada"), False),
        (("d@example.org", ""), ("d@example.org", ""), False),
    ],
)
def test_a_row_and_a_record_of_a_crowd_are_a_pair_by_address_and_name_together(row, held, is_pair) -> None:
    shown = pl.DataFrame({"row": [3], "email": [row[0]], "name": [row[1]]})
    records = pl.DataFrame({"ordinal": [7, 7], "email": [held[0]] * 2, "name": [held[1]] * 2})
    assert pairs_by_name(shown, records).rows() == ([(3, 7)] if is_pair else [])


@pytest.mark.parametrize("columns", [("email",), ("name",), ()])
def test_rows_that_show_no_address_or_no_name_are_no_pairs_of_a_crowd(columns) -> None:
    shown = pl.DataFrame({"row": [3], "email": ["d@example.org"], "name": ["ada"]}).select("row", *columns)
    records = pl.DataFrame({"ordinal": [7], "email": ["d@example.org"], "name": ["ada"]})
    assert pairs_by_name(shown, records).height == 0


def test_rows_without_any_key_column_prove_nothing() -> None:
    row = pl.DataFrame({"row": [0], "city": ["turin"]}, schema_overrides={"row": pl.UInt32})
    held = pl.DataFrame([{"ordinal": 7, **HELD}])
    assert proving_pairs(row, pairs((0, 7)), held, is_name_partial=False).height == 0
    assert proving_pairs(row, pairs(), held, is_name_partial=False).columns == ["row", "ordinal", "score"]
