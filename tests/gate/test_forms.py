"""A mask shows what is documented and nothing else."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.gate.budget import lesser
from cloakroom.gate.forms import HIDDEN, MaskKind, band, band_index, mask, mask_kind, render
from cloakroom.gate.policy import Form


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (MaskKind.EMAIL, "marta.rossi@gmail.com", "m•••@g•••.com"),
        (MaskKind.EMAIL, "M@X.it", "•••@•••.it"),
        (MaskKind.EMAIL, "ab@example.museum", "•••@e•••.•••"),
        (MaskKind.EMAIL, "岩田@例え.テスト", "•••@•••.•••"),
        (MaskKind.EMAIL, "abc@localhost", "a•••@l•••.•••"),
        (MaskKind.EMAIL, "not an address", HIDDEN),
        (MaskKind.EMAIL, "@example.com", HIDDEN),
        (MaskKind.PHONE, "+39 333 219 3348", "••• 48"),
        (MaskKind.PHONE, "٠١٢٣٤٥٦٧", "••• 67"),
        (MaskKind.PHONE, "112", HIDDEN),
        (MaskKind.NAME, "Maria Fernanda Vila", "M. V."),
        (MaskKind.NAME, "élodie", "É."),
        (MaskKind.NAME, "e\u0301lodie", "É."),
        (MaskKind.NAME, "山田 太郎", HIDDEN),
        (MaskKind.NAME, "김지민", HIDDEN),
        (MaskKind.NAME, "O", HIDDEN),
        (MaskKind.NAME, "J. Doe", "D."),
        (MaskKind.DATE, "1979-11-12", "1979"),
        (MaskKind.DATE, "12/11/1979", HIDDEN),
        (MaskKind.COUNTRY, "IT", "IT"),
        (MaskKind.COUNTRY, "Italy", HIDDEN),
        (MaskKind.AMOUNT, "2840.50", HIDDEN),
        (MaskKind.OTHER, "Via Roma 1", HIDDEN),
        (MaskKind.NAME, "   ", ""),
        (MaskKind.NAME, "a" * 10_001, HIDDEN),
    ],
)
def test_each_kind_shows_what_the_table_says(kind: MaskKind, value: str, shown: str) -> None:
    assert mask(kind, value) == shown


def tail(text: str) -> str:
    return "".join(str(unicodedata.digit(c)) for c in text if unicodedata.digit(c, None) is not None)[-2:]


@settings(deadline=None)
@given(st.text(min_size=1), st.text(min_size=1))
def test_what_is_not_listed_never_changes_the_mask(one: str, other: str) -> None:
    if one.strip() and other.strip():
        assert mask(MaskKind.OTHER, one) == mask(MaskKind.OTHER, other) == HIDDEN
        assert mask(MaskKind.AMOUNT, one) == mask(MaskKind.AMOUNT, other) == HIDDEN


letters = st.text(st.characters(categories=["L", "N", "M"]), min_size=3, max_size=30)


@settings(deadline=None)
@given(letters, letters, st.sampled_from(["com", "it"]), st.text("abc.é", min_size=3, max_size=9))
def test_an_email_mask_depends_only_on_two_letters_and_the_last_label(
    local: str, domain: str, label: str, filler: str
) -> None:
    local, domain = unicodedata.normalize("NFC", local), unicodedata.normalize("NFC", domain)
    if len(local) >= 3 and len(domain) >= 3 and not unicodedata.combining(filler[0]):
        real = mask(MaskKind.EMAIL, f"{local}@{domain}.{label}")
        same = mask(MaskKind.EMAIL, f"{local[0]}xx@{domain[0]}xx.{label}")
        assert real == same


@settings(deadline=None)
@given(st.text(max_size=40))
def test_a_telephone_mask_depends_only_on_the_last_two_digits(text: str) -> None:
    shown = mask(MaskKind.PHONE, text)
    assert shown in {"", HIDDEN, f"{HIDDEN} {tail(unicodedata.normalize('NFC', text))}"}


@settings(deadline=None)
@given(st.sampled_from(list(MaskKind)), st.text(max_size=200))
def test_no_mask_is_longer_than_the_longest_that_is_documented(kind: MaskKind, text: str) -> None:
    longest = {MaskKind.EMAIL: 13, MaskKind.NAME: 5, MaskKind.PHONE: 6, MaskKind.DATE: 4}
    assert len(mask(kind, text)) <= longest.get(kind, 3)


@settings(deadline=None)
@given(st.lists(st.text(st.characters(categories=["Lu", "Ll"]), min_size=2, max_size=9), min_size=1, max_size=4))
def test_a_name_shows_at_most_two_letters(words: list[str]) -> None:
    shown = mask(MaskKind.NAME, " ".join(words))
    assert sum(character.isalpha() for character in shown) <= 2


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("-3", "below 500"),
        ("0", "below 500"),
        ("499.99", "below 500"),
        ("500", "from 500 to below 2000"),
        ("1999.99", "from 500 to below 2000"),
        ("2000", "from 2000"),
        ("1e9", "from 2000"),
        ("", ""),
        ("12,5", HIDDEN),
        ("NaN", HIDDEN),
        ("Infinity", HIDDEN),
        ("1" * 65, HIDDEN),
    ],
)
def test_an_amount_shows_its_band_on_both_sides_of_every_step(value: str, shown: str) -> None:
    assert band(value, [500, 2000]) == shown


@settings(deadline=None)
@given(st.integers(-100, 5000), st.integers(-100, 5000))
def test_two_amounts_of_one_band_look_the_same(one: int, other: int) -> None:
    steps = [500, 2000]
    assert (band(str(one), steps) == band(str(other), steps)) == (
        band_index(str(one), steps) == band_index(str(other), steps)
    )


def test_no_steps_show_nothing() -> None:
    assert band("12", []) == HIDDEN


def test_each_form_renders_less_than_the_one_before() -> None:
    value = "marta@gmail.com"
    assert render(Form.REVEAL, MaskKind.EMAIL, value) == value
    assert render(Form.MASK, MaskKind.EMAIL, value) == "m•••@g•••.com"
    assert render(Form.TOKEN, MaskKind.EMAIL, value) is None
    assert render(Form.BAND, MaskKind.AMOUNT, "700", [500]) == "from 500"


def test_kinds_of_the_store_are_masked_by_what_they_are() -> None:
    assert mask_kind("text", "name") is MaskKind.NAME
    assert mask_kind("email", "email") is MaskKind.EMAIL
    assert mask_kind("text", "postal_address") is MaskKind.OTHER
    assert mask_kind("country", "postal_address") is MaskKind.COUNTRY
    assert mask_kind("decimal", "spend_total") is MaskKind.AMOUNT
    assert mask_kind("something new", "other") is MaskKind.OTHER


@pytest.mark.parametrize("cap", list(Form))
@pytest.mark.parametrize("form", list(Form))
def test_a_cap_never_shows_more_than_the_form(form: Form, cap: Form) -> None:
    strength = {Form.TOKEN: 0, Form.MASK: 1, Form.BAND: 1, Form.REVEAL: 2}
    assert strength[lesser(form, cap)] == min(strength[form], strength[cap])
    assert lesser(form, Form.REVEAL) is form
