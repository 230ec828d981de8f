from __future__ import annotations

import random

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.canonical.email import canonical_emails
from cloakroom.canonical.phone import canonical_phones
from cloakroom.canonical.salesforce_ids import long_ids
from cloakroom.claims.keys import email_keys, id_keys, in_public_form, phone_keys, possible_numbers

_ADDRESS = st.text(st.sampled_from("aB1._+-@?é ｍ\u00a0"), max_size=14) | st.emails()


@settings(max_examples=150, deadline=None)
@given(st.lists(_ADDRESS | st.none(), max_size=12))
def test_addresses_have_the_same_form_as_in_the_canonical_module(texts) -> None:
    keys, _ = email_keys(pl.Series(texts, dtype=pl.String))
    assert keys.to_list() == canonical_emails(texts)


@settings(max_examples=150, deadline=None)
@given(st.lists(_ADDRESS, max_size=12))
def test_the_public_rule_is_applied_to_plain_and_odd_addresses_alike(texts) -> None:
    keys, public = email_keys(pl.Series(texts, dtype=pl.String))
    assert public.to_list() == [key is not None and in_public_form(key) for key in keys]


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("ada@example.com", True),
        ("_x@example.com", False),
        ("x_@example.com", False),
        ("a..b@example.com", False),
        ("a@ex--ample.com", False),
        ("a@example.notatld", False),
        ("a@xn--wtq448huln.com", False),
        ("a@house.example", False),
        ("a'b@example.com", False),
    ],
)
def test_the_public_rule_refuses_what_its_authors_refuse(address, found) -> None:
    assert in_public_form(address) is found


def numbers(seed: int, count: int) -> tuple[list[str], list[str | None]]:
    random_ = random.Random(seed)
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    forms = [
        phonenumbers.PhoneNumberFormat.E164,
        phonenumbers.PhoneNumberFormat.NATIONAL,
        phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    ]
    texts: list[str] = []
    countries: list[str | None] = []
    for _ in range(count):
        region = random_.choice(regions)
        number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        text = list(phonenumbers.format_number(number, random_.choice(forms)) if number else "12345")
        for _ in range(random_.randint(0, 3)):
            place = random_.randrange(len(text))
            if text[place].isdigit():
                text[place] = random_.choice("0123456789")
        if random_.random() < 0.1:
            text.insert(random_.randrange(len(text)), random_.choice("0 9-./x"))
        texts.append("".join(text))
        countries.append(region if random_.random() < 0.9 else None)
    return texts, countries


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_numbers_of_every_country_have_the_same_form_as_in_the_canonical_module(seed) -> None:
    texts, countries = numbers(seed, 6_000)
    keys = phone_keys(pl.Series(texts), pl.Series(countries, dtype=pl.String)).to_list()
    assert keys == canonical_phones(texts, countries)


def test_international_numbers_of_every_beginning_and_length_have_the_same_form_as_in_the_canonical_module() -> None:
    random_ = random.Random(4)
    texts = [
        "+" + (beginning + "".join(random_.choices("0123456789", k=20)))[:length]
        for beginning in map(str, range(0, 10_000, 7))
        for length in range(1, 22)
    ]
    odd = [text[:4] + sign + text[4:] for text, sign in zip(texts[:60], "+-_ .e٣x０\0" * 6, strict=True)]
    odd += [text[1:] for text in texts[:200]]
    texts += [text for text in odd if text]
    keys = phone_keys(pl.Series(texts), pl.Series([None] * len(texts), dtype=pl.String)).to_list()
    assert keys == canonical_phones(texts, [None] * len(texts))


def test_a_national_number_without_country_may_be_of_the_countries_seen_beside_it() -> None:
    values = pl.Series(["+33612345678"] * 60 + ["+393401234567"] * 60 + ["06 12 34 56 78"])
    keys = phone_keys(values, pl.Series([None] * 121, dtype=pl.String))
    found = possible_numbers(values, keys)
    assert found["row"].unique().to_list() == [120]
    assert "+33612345678" in found["key"].to_list()


def test_ids_of_15_and_18_characters_and_of_any_letter_case_are_one() -> None:
    whole = "003Qx0000031ZbSIAU"
    assert long_ids([whole[:15], whole, whole.lower(), whole.upper()]) == [whole] * 4


def test_ids_that_are_no_salesforce_ids_are_only_trimmed() -> None:
    assert id_keys(pl.Series([" 10023 ", "", None, "123456789012345"])).to_list() == [
        "10023",
        None,
        None,
        "123456789012345",
    ]
