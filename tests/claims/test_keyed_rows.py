"""Rows with the keys by which they can be looked up: each address and number wherever it stands, and counted once."""

from __future__ import annotations

import polars as pl
import pytest

from cloakroom.claims.concepts import Concept, Recognised
from cloakroom.claims.keys import email_keys, id_keys, in_public_form
from cloakroom.claims.sizing import Size, Sizer, keyed_rows, legible_frame
from cloakroom.claims.sources import InTurn
from cloakroom.claims.tables import Batch, Unparsed, frame_of, frame_of_records, share_of, unique_names

MEANINGS = {"mail": Concept.EMAIL, "mail 2": Concept.EMAIL, "tel": Concept.PHONE, "id": Concept.RECORD_ID,
            "note": Concept.OTHER, "city": Concept.CITY, "land": Concept.COUNTRY}  # fmt: skip


def batch(*rows: dict[str, str | None], **more: object) -> tuple[Batch, Recognised]:
    columns = [name for name in MEANINGS if any(name in row for row in rows)]
    frame = pl.DataFrame([{name: row.get(name) for name in columns} for row in rows],
                         schema=dict.fromkeys(columns, pl.String))  # fmt: skip
    return Batch(frame, **more), Recognised({name: MEANINGS[name] for name in columns})


def emails(*rows: dict[str, str | None], **more: object) -> list[tuple[int, str]]:
    keyed, _ = keyed_rows(*batch(*rows, **more))
    return sorted(keyed.emails.select("row", "key").rows())


def test_each_column_of_addresses_gives_each_row_its_own() -> None:
    rows = [{"mail": "ADA@Example.org ", "mail 2": "zoe@example.org"}, {"mail": "", "mail 2": "no address"},
            {"mail": None, "mail 2": "eve@example.org"}]  # fmt: skip
    assert emails(*rows) == [(0, "ada@example.org"), (0, "zoe@example.org"), (2, "eve@example.org")]


@pytest.mark.parametrize("column", list(MEANINGS))
def test_an_address_inside_a_text_is_found_but_not_in_columns_that_never_hold_texts(column) -> None:
    found = emails({column: "write to ada@example.org, please"}, {column: "nothing"})
    assert found == ([(0, "ada@example.org")] if column in ("note", "city", "mail", "mail 2") else [])


@pytest.mark.parametrize(("signs", "is_looked_at"), [(None, True), (1, False), (2, True)])
def test_texts_are_searched_only_where_there_are_more_signs_than_addresses(signs, is_looked_at) -> None:
    found = emails({"mail": "ada@example.org", "note": "or zoe@example.org"}, at_signs=signs)
    assert ((0, "zoe@example.org") in found) is is_looked_at
    assert (0, "ada@example.org") in found


def test_ids_come_with_their_column_and_blank_ones_are_none() -> None:
    keyed, _ = keyed_rows(*batch({"id": " 007 "}, {"id": ""}, {"id": None}, {"id": "9"}))
    assert keyed.ids().rows() == [(0, "007", "id"), (3, "9", "id")]


def test_numbers_are_read_in_the_country_of_their_row() -> None:
    keyed, _ = keyed_rows(*batch({"tel": "06 12 34 56 78", "land": "France"}, {"tel": "06 12 34 56 78", "land": "IT"},
                                 {"tel": "06 12 34 56 78", "land": ""}))  # fmt: skip
    assert (0, "+33612345678", "tel") in keyed.phones.rows()
    assert "+33612345678" not in keyed.phones.filter(pl.col("row") > 0)["key"].to_list()
    assert (keyed.country.to_list(), keyed.countries) == (["FR", "IT", None], {"FR": 1, "IT": 1})


def size(*batches: tuple[Batch, Recognised]) -> Size:
    sizer = Sizer(7)
    for one in batches:
        sizer.take(sizer.prepare(*one))
    return sizer.size(InTurn())


def test_addresses_and_numbers_are_counted_once_over_all_batches_and_rows_each_time() -> None:
    rows = [{"mail": "ada@example.com", "tel": "+39 333 1234567"}, {"mail": "ADA@example.com", "tel": ""}]
    found = size(batch(*rows), batch(*rows, rejected=3), batch({"mail": "zoe@example.com", "tel": "+393331234567"}))
    assert (found.rows, found.rejected_rows, found.emails_distinct, found.phones_distinct) == (5, 3, 2, 1)
    assert found.fields == {"email": 5, "phone": 3}


def test_the_public_rule_counts_what_it_finds_among_whole_rows_alone() -> None:
    found = size(batch({"mail": "ada@example.com"}, {"mail": "_ada@example.com"}, {"mail": "ada@example.notatld"},
                       broken=("x;zoe@example.com",), rejected=1))  # fmt: skip
    assert (found.emails_distinct, found.emails_public_rule, found.emails_distinct_with_broken) == (3, 1, 4)


def test_an_address_in_a_broken_line_counts_only_where_no_whole_row_shows_it() -> None:
    broken = ("a;ada@example.com;x", "b;zoe@example.com", "c;ZOE@example.com", "d;nothing")
    found = size(batch({"mail": "ada@example.com"}, broken=broken, rejected=4))
    assert (found.emails_distinct, found.emails_distinct_with_broken, found.rejected_rows) == (1, 2, 4)
    later = size(batch({"mail": "eve@example.com"}, broken=broken), batch({"mail": "zoe@example.com"}))
    assert (later.emails_distinct, later.emails_distinct_with_broken) == (2, 3)


def test_countries_come_most_frequent_first_and_fields_in_the_order_of_their_names_without_empty_ones() -> None:
    rows = [{"land": land, "mail": "ada@example.com", "city": ""} for land in ("FR", "IT", "Italia", "", "Nowhere")]
    found = size(batch(*rows))
    assert list(found.countries.items()) == [("IT", 2), ("FR", 1)]
    assert list(found.fields.items()) == [("country", 4), ("email", 5)]


def test_nothing_is_counted_before_it_is_taken() -> None:
    sizer = Sizer(7)
    prepared = sizer.prepare(*batch({"mail": "ada@example.com"}))
    assert sizer.size(InTurn()) == Size(0, 0, 0, 0, 0, 0, {}, {})
    assert [part.is_broken for part in sizer.take(prepared)] == [False]
    assert sizer.size(InTurn()).rows == 1


def test_whole_rows_come_before_what_was_legible_in_broken_ones() -> None:
    sizer = Sizer(7)
    parts = sizer.take(sizer.prepare(*batch({"mail": "ada@example.com"}, broken=("zoe@example.com",))))
    assert [(part.is_broken, part.emails["key"].to_list()) for part in parts] == [
        (False, ["ada@example.com"]), (True, ["zoe@example.com"]),
    ]  # fmt: skip


def test_columns_that_nobody_parsed_are_full_in_every_row() -> None:
    whole = pl.DataFrame({"mail": ["a@example.com", "b@example.com"], "note": ["x", "y"]})
    some = Batch(whole.select("mail"), unparsed=Unparsed(["mail", "note"], lambda: whole), at_signs=2)
    found = size((some, Recognised({"mail": Concept.EMAIL, "note": Concept.OTHER})))
    assert found.fields == {"email": 2, "other": 2}


def test_columns_are_parsed_once_and_only_when_somebody_asks() -> None:
    asked = []
    whole = pl.DataFrame({"a": ["1"], "b": ["2"]})
    some = Batch(whole.select("a"), unparsed=Unparsed(["a", "b"], lambda: asked.append(1) or whole))
    assert (some.columns, asked) == (("a", "b"), [])
    assert some.whole() is some.whole() is whole
    assert asked == [1]
    assert Batch(whole).whole() is whole
    assert Batch(whole).columns == ("a", "b")


def test_the_first_id_address_and_number_of_a_broken_line_are_legible() -> None:
    lines = ("0035g00000AbCdE;ada@example.org;zoe@example.org;+39 333 1234567;+39 333 7654321", "nothing")
    assert legible_frame(lines).rows() == [("0035g00000AbCdE", "ada@example.org", "+39 333 1234567"), (None,) * 3]


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["a", "b"], ["a", "b"]), (["a", "a", "a"], ["a", "a (2)", "a (3)"]), (["", " "], ["column 1", "column 2"]),
        (["  first \n name "], ["first name"]), (["x" * 201], ["x" * 200]),
    ],
)  # fmt: skip
def test_columns_have_names_that_are_neither_empty_nor_repeated(columns, names) -> None:
    assert unique_names(columns) == names
    assert frame_of(columns, [["v"] * len(columns)]).columns == names


@pytest.mark.parametrize(
    ("most", "columns"), [(1, ["a"]), (2, ["a", "b"]), (3, ["a", "b", "c"]), (9, ["a", "b", "c"])]
)
def test_records_of_different_keys_make_one_frame_with_no_more_columns_than_allowed(most, columns) -> None:
    frame = frame_of_records([{"a": "1", "b": "2"}, {"c": "3", "a": "4"}], most)
    assert frame.columns == columns
    assert frame["a"].to_list() == ["1", "4"]
    if "c" in columns:
        assert frame["c"].to_list() == [None, "3"]


@pytest.mark.parametrize(
    ("flags", "share"),
    [([], 0.0), ([None, None], 0.0), ([True, None], 0.5), ([True, False, False, None], 0.25), ([True], 1.0)],
)
def test_a_share_is_of_all_values_those_unknown_included(flags, share) -> None:
    assert share_of(pl.Series(flags, dtype=pl.Boolean)) == share


@pytest.mark.parametrize(
    ("values", "forms", "public"),
    [
        (["a@example.com", None, ""], ["a@example.com", None, None], [True, False, False]),
        (["A@Example.COM ", "a@example.com"], ["a@example.com"] * 2, [True, True]),
        (["l" * 52 + "@example.com"], ["l" * 52 + "@example.com"], [True]),  # 64 bytes: the longest plain one.
        (["l" * 53 + "@example.com"], ["l" * 53 + "@example.com"], [True]),
        (["l" * 64 + "@example.com"], ["l" * 64 + "@example.com"], [True]),
        (["l" * 65 + "@example.com"], [None], [False]),  # RFC 5321: 64 octets before the sign.
        (["ada@example.org", "ада@example.org", "no", "a b@example.org"],
         ["ada@example.org", "ада@example.org", None, None], [True, False, False, False]),
    ],
)  # fmt: skip
def test_an_address_has_its_normal_form_and_the_public_rule_finds_it_or_not(values, forms, public) -> None:
    keys, found = email_keys(pl.Series(values, dtype=pl.String))
    assert (keys.to_list(), found.fill_null(value=False).to_list()) == (forms, public)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("003Qx0000031ZbS", "003Qx0000031ZbSIAU"), ("003qx0000031zbsiau", "003Qx0000031ZbSIAU"),
        ("  A-17 ", "A-17"), ("a-17", "a-17"), ("   ", None), ("123456789012345678", "123456789012345678"),
    ],
)  # fmt: skip
def test_an_id_has_one_form_beside_others_and_alone(text, form) -> None:
    assert id_keys(pl.Series([text])).to_list() == [form]
    assert id_keys(pl.Series([text, "9", None, text])).to_list() == [form, "9", None, form]


@pytest.mark.parametrize(("length", "is_found"), [(255, True), (256, False)])
def test_the_public_rule_finds_addresses_of_255_signs_and_no_longer_ones(length, is_found) -> None:
    domain = ".".join(["d" * 60] * 4)[: length - len("ada@") - len(".com")].rstrip(".") + ".com"
    address = "ada@" + domain.rjust(length - 4, "d")
    assert len(address) == length
    assert in_public_form(address) is is_found
