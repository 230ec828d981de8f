"""Addresses are found wherever people and programs write them, each once, and nothing else is taken for one."""

from __future__ import annotations

import polars as pl
import pytest

from cloakroom.claims.addresses import addresses_in, addresses_of_text, missing_addresses, public_form


def found_in(text: str, *, is_column: bool = False) -> list[str]:
    return addresses_in(pl.Series([text], dtype=pl.String), is_column=is_column)["key"].to_list()


@pytest.mark.parametrize(
    "written",
    [
        "<ada.b@example.org>",
        "mailto:ada.b@example.org",
        "ada.b@example.org.",
        "'ada.b@example.org'",
        '"""ada.b@example.org"""',
        "ada.b@example.org;",
        "(ada.b@example.org)",
        "[ada.b@example.org]",
        "{ada.b@example.org}",
        "**ada.b@example.org**",
        "Ada B. <ADA.B@EXAMPLE.ORG>",
        "\u200bada.b@example.org\ufeff",
        "\u202aada.b@example.org\u202c",
        "email=ada.b@example.org&next=1",
        "/unsubscribe/ada.b@example.org?x=1",
        "https://shop.example/?m=ada.b%40example.org",
        "ada.b＠example.org",
        "ada.b&#64;example.org",
        "&lt;ada.b@example.org&gt;",
        r"row\nada.b@example.org\tnext",
        "\\u003cada.b@example.org\\u003e",
        "ada.b[at]example.org",
        "ada.b (at) example (dot) org",
        'a:1:{s:5:"email";s:17:"ada.b@example.org";}',
        '{"mail":"ada.b@example.org"}',
        "N'ada.b@example.org'",
        "、ada.b@example.org。",
        "«ada.b@example.org»",
        "ada.b@example.org:Pa:ss0word",
    ],
)
def test_an_address_is_found_in_whatever_stands_around_it(written) -> None:
    assert found_in(written) == ["ada.b@example.org"]


@pytest.mark.parametrize("written", ["ada.b @ example.org", "ada.b@ example.org", "ada.b at example dot org"])
def test_blanks_and_words_for_the_signs_are_read_in_columns_of_addresses_alone(written) -> None:
    assert found_in(written, is_column=True) == ["ada.b@example.org"]
    assert found_in(written) == []


@pytest.mark.parametrize(
    "written",
    [
        "logo@2x.png",
        "@example.org",
        "ada@",
        "ada@localhost",
        "ada@example.notadomain",
        "m?ller@example.org",
        "m\ufffdller@example.org",
        "\x00\x1a##ada@example.org",
        "user@10.0.0.1",
        "see you at nine dot",
    ],
)
def test_what_only_looks_like_an_address_is_none(written) -> None:
    assert found_in(written) == []


def test_all_addresses_of_a_cell_are_found_each_with_its_row() -> None:
    cells = pl.Series(["a@example.org, b@example.org;c@example.org", None, "", "nothing", "Cc: d@example.org"])
    found = addresses_in(cells)
    assert found.select("row", "key").rows() == [
        (0, "a@example.org"),
        (0, "b@example.org"),
        (0, "c@example.org"),
        (4, "d@example.org"),
    ]


def test_an_apostrophe_is_part_of_an_address_unless_it_quotes_it() -> None:
    assert found_in("o'brien@example.org") == ["o'brien@example.org"]
    assert found_in("('it','brien@example.org')") == ["brien@example.org"]
    assert found_in("E'brien@example.org'") == ["brien@example.org"]


def test_signs_that_stand_around_addresses_and_may_be_in_them_make_a_long_form() -> None:
    found = addresses_of_text(b"a=1&b@example.org and r&d@example.org")
    assert found.rows() == [
        ("b@example.org", "a=1&b@example.org"),
        ("d@example.org", "r&d@example.org"),
    ]
    assert missing_addresses(found, pl.Series(["r&d@example.org"])).to_list() == ["b@example.org"]
    assert missing_addresses(found, pl.Series(["d@example.org", "b@example.org"])).to_list() == []


@pytest.mark.parametrize("before", [0, 65_000, 65_520, 65_530, 65_536, 130_000])
def test_an_address_in_a_line_without_an_end_is_found_wherever_it_stands(before) -> None:
    text = b"x" * before + b" long.name@example.org," + b"y" * 70_000
    assert addresses_of_text(text)["key"].to_list() == ["long.name@example.org"]


def test_what_the_public_rule_finds_of_an_address_begins_after_the_last_sign_that_it_does_not_know() -> None:
    assert public_form("ada@example.org") == "ada@example.org"
    assert public_form("o'brien@example.org") == "brien@example.org"
    assert public_form("éric@example.org") == "ric@example.org"
    assert public_form("andré@example.org") is None


@pytest.mark.parametrize("literal", ["N'{}'", "N'{} '", "E'{} '", "N'{}', N'", "'{} '"])
def test_an_address_in_a_literal_of_sql_is_itself_wherever_the_other_quote_stands(literal) -> None:
    found = addresses_of_text(f"VALUES (1, {literal.format('ada.7@example.org')}, 2)\n".encode())
    assert found["key"].to_list() == ["ada.7@example.org"]


def test_an_apostrophe_after_one_letter_belongs_to_an_address_of_small_letters() -> None:
    assert addresses_of_text(b"write to n'golo@example.org today")["key"].to_list() == ["n'golo@example.org"]
