"""National numbers without a country: what they may be, in the countries that the column and the brands speak of."""

from __future__ import annotations

import polars as pl
import pytest
from pyroaring import BitMap

from cloakroom.claims import keys as keys_module
from cloakroom.claims.concepts import Concept, Recognised
from cloakroom.claims.keys import narrow_digits, phone_keys, phone_pairs, possible_numbers
from cloakroom.claims.sizing import keyed_rows
from cloakroom.claims.tables import Batch

ITALIAN, FRENCH, BRITISH = "+3933312{:05d}", "+336123{:05d}", "+44791112{:04d}"
# A mobile number as dialled inside each country, and its whole form.
INSIDE = {"IT": ("3931234567", "+393931234567"), "FR": ("0612345678", "+33612345678"),
          "GB": ("07911123456", "+447911123456")}  # fmt: skip


def whole(**counts: int) -> list[str]:
    forms = {"it": ITALIAN, "fr": FRENCH, "gb": BRITISH}
    return [forms[name].format(number) for name, count in counts.items() for number in range(count)]


def possible(text: str, *beside: str, regions: tuple[str, ...] = ()) -> set[str]:
    """Return what a number is or may be that stands in a column with others."""
    values = pl.Series([*beside, text], dtype=pl.String)
    known = phone_keys(values, pl.Series([None] * values.len(), dtype=pl.String))
    found = possible_numbers(values, known, regions)
    assert set(found["row"]) <= {len(beside)}
    return set(found["key"]) | {key for key in known[-1:].to_list() if key is not None}


@pytest.mark.parametrize(("others", "is_spoken_of"), [(499, True), (500, False)])
def test_a_column_speaks_of_the_countries_of_one_number_in_five_hundred(others, is_spoken_of) -> None:
    found = possible(INSIDE["FR"][0], *whole(it=others, fr=1))
    assert (INSIDE["FR"][1] in found) is is_spoken_of


@pytest.mark.parametrize(("count", "is_usual"), [(39, True), (40, False)])
def test_fewer_than_forty_whole_numbers_say_nothing_and_the_usual_countries_are_tried(count, is_usual) -> None:
    found = possible(INSIDE["FR"][0], *whole(it=count))
    assert (INSIDE["FR"][1] in found) is is_usual


def test_countries_of_the_brands_are_tried_beside_those_of_the_column() -> None:
    beside = whole(it=60)
    assert INSIDE["GB"][1] not in possible(INSIDE["GB"][0], *beside)
    assert INSIDE["GB"][1] in possible(INSIDE["GB"][0], *beside, regions=("GB",))
    assert INSIDE["IT"][1] in possible(INSIDE["IT"][0], *beside, regions=("GB",))


def test_a_number_that_is_one_in_several_countries_may_be_any_of_them() -> None:
    # Nine digits that begin with 6 are a Spanish mobile, and a French one without its zero.
    found = possible("612345678", regions=("ES", "FR"))
    assert {"+34612345678", "+33612345678"} <= found


@pytest.mark.parametrize(
    ("text", "is_tried"),
    [
        ("0612345678", True), ("06 12 34 56 78", True), ("06.12.34.56.78", True), ("(06) 12-34-56/78", True),
        ("０６１２３４５６７８", True), ("0612345678x", False), ("061234", False), ("", False),
        ("0612345678901234", False),
    ],
)  # fmt: skip
def test_only_seven_to_fifteen_digits_with_separators_are_tried(text, is_tried) -> None:
    assert bool(possible(text, *whole(fr=60))) is is_tried


@pytest.mark.parametrize(("text", "is_tried"), [("030123", False), ("0301234", True)])
def test_numbers_of_less_than_seven_digits_are_not_tried_even_where_a_country_has_them(text, is_tried) -> None:
    (known,) = phone_keys(pl.Series([text]), pl.Series(["DE"]))
    assert known == "+49" + text[1:]
    assert (known in possible(text, regions=("DE",))) is is_tried


@pytest.mark.parametrize(("digits", "is_tried"), [(13, True), (14, False)])
def test_numbers_of_more_than_fifteen_digits_are_not_tried_with_their_prefix(digits, is_tried) -> None:
    number = "49" + "30123456789012"[:digits]
    assert bool(possible("00" + number)) is is_tried


def test_a_number_after_the_international_prefix_is_whole() -> None:
    assert "+447911123456" in possible("00447911123456", *whole(it=60))
    assert "+447911123456" in possible("0044 7911 123456", *whole(it=60))
    assert "+447911123456" not in possible("447911123456", *whole(it=60))
    # Also beside numbers of a country that dials abroad in another way.
    assert "+447911123456" in possible("00447911123456", *[f"+1202555{number:04d}" for number in range(60)])


def test_rows_whose_number_is_known_are_not_tried_again() -> None:
    values = pl.Series(["0612345678", "0612345678", None])
    found = possible_numbers(values, pl.Series(["+33612345678", None, None]), ("FR",))
    assert found.filter(pl.col("key") == "+33612345678")["row"].to_list() == [1]


def test_the_plan_and_the_library_give_the_same_where_there_are_many_rows(monkeypatch) -> None:
    values = pl.Series([f"33312{number:05d}" for number in range(60)])
    nothing = pl.Series([None] * 60, dtype=pl.String)
    few = possible_numbers(values, nothing, ("IT",)).sort("row", "key")
    assert set(few["row"]) == set(range(60))
    monkeypatch.setattr(keys_module, "_LIBRARY_MAX", 10)
    many = possible_numbers(values, nothing, ("IT",)).sort("row", "key")
    assert set(many.rows()) <= set(few.rows())
    assert (0, "+393331200000") in many.rows()


@pytest.mark.parametrize(
    ("text", "narrow"),
    [("０９０－１２３４", "090-1234"), ("＋８１", "+81"), ("090-1234", "090-1234"), ("", ""), (None, None)],
)
def test_wide_digits_and_signs_become_narrow(text, narrow) -> None:
    assert narrow_digits(pl.Series(["x", text], dtype=pl.String)).to_list() == ["x", narrow]


def keyed(phones: list[str], **more: object):
    meanings = Recognised({"tel": Concept.PHONE, "mobile": Concept.PHONE, "land": Concept.COUNTRY})
    frame = pl.DataFrame({"tel": phones, "mobile": [""] * len(phones), "land": [None] * len(phones)},
                         schema=dict.fromkeys(("tel", "mobile", "land"), pl.String))  # fmt: skip
    return keyed_rows(Batch(frame), meanings, **more)[0]


def test_broken_lines_are_not_tried_and_settled_batches_neither() -> None:
    phones = ["0612345678", "0612345679"]
    assert set(keyed(phones).possible_phones(BitMap(), ["FR"])["row"]) == {0, 1}
    assert keyed(phones).possible_phones(BitMap([0, 1]), ["FR"]).height == 0
    assert keyed(phones, is_broken=True).possible_phones(BitMap(), ["FR"]).height == 0


def test_pairs_of_rows_and_numbers_leave_out_what_is_no_number() -> None:
    values = pl.Series(["+393331234567", "call me", None, "", "06 12 34 56 78", "+39 333 1234567"])
    countries = pl.Series(["FR", "FR", "FR", "FR", "FR", None])
    assert sorted(phone_pairs(values, countries).rows()) == [
        (0, "+393331234567"), (4, "+33612345678"), (5, "+393331234567"),
    ]  # fmt: skip
    assert phone_keys(values, countries).to_list() == [
        "+393331234567", None, None, None, "+33612345678", "+393331234567",
    ]  # fmt: skip


@pytest.mark.parametrize("odd", [0, 1, 2, 7, 8])
def test_separators_come_off_however_many_numbers_have_them(odd) -> None:
    texts = ["+39.333/12-34 567"] * odd + ["+39 333 1234567"] * (8 - odd)
    keys = phone_keys(pl.Series(texts), pl.Series([None] * 8, dtype=pl.String))
    assert keys.to_list() == ["+393331234567"] * 8
