"""Telephone numbers: E.164, and the short way agrees with the library."""

import random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.canonical.phone import canonical_phone, canonical_phones, is_region, parse_phone

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


def example_numbers():
    for region in REGIONS:
        for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                yield region, number


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("06 60 57 34 19", "FR", "+33660573419"),
        ("0033 6 60 57 34 19", "FR", "+33660573419"),
        ("+33 (0)6 60 57 34 19", "FR", "+33660573419"),
        ("07500.180674", "GB", "+447500180674"),
        ("(512) 788-1805", "US", "+15127881805"),
        ("1-512-788-1805", "US", "+15127881805"),
        ("011 39 333 219 3348", "US", "+393332193348"),
        ("3406558957", "IT", "+393406558957"),
        ("02 1234567", "IT", "+39021234567"),
        ("080-3978-4353", "JP", "+818039784353"),
        ("０８０−３９７８−４３５３", "JP", "+818039784353"),
        ("+852 6564 5571", None, "+85265645571"),
        (" +852 6564 5571\t", "FR", "+85265645571"),
        ("020 7946 0958 ext. 12", "GB", "+442079460958"),
        ("06 60 57 34 19", None, None),
        ("n/a", "FR", None),
        ("", "FR", None),
        ("+", "FR", None),
        ("+0", "FR", None),
        ("++33660573419", "FR", "+33660573419"),
        ("12", "FR", None),
        ("1" * 300, "FR", None),
        ("06 60 57 34 19", "ZZ", None),
    ],
)
def test_a_spelling_becomes_e164(text, region, expected):
    assert canonical_phone(text, region) == expected


def test_nothing_stays_nothing():
    assert canonical_phones([None, "06 60 57 34 19"], ["FR", "FR"]) == [None, "+33660573419"]


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError):
        canonical_phones(["1"], [])


def test_regions_are_those_of_the_library():
    assert is_region("FR")
    assert not is_region("ZZ")


def test_both_ways_agree_on_every_example_number_in_every_spelling_from_every_large_country():
    formats = (
        phonenumbers.PhoneNumberFormat.E164,
        phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        phonenumbers.PhoneNumberFormat.NATIONAL,
    )
    for region, number in example_numbers():
        texts = [phonenumbers.format_number(number, form) for form in formats]
        texts.append(phonenumbers.national_significant_number(number))
        texts.append("00" + texts[0][1:])
        texts.append("011" + texts[0][1:])
        texts.append(texts[0][1:])
        texts.append("0" + texts[3])
        for home in (region, "US", "FR", "IT", "JP", "BR", "AR", "MX"):
            for text in texts:
                assert canonical_phone(text, home) == parse_phone(text, home), (region, home)


@settings(max_examples=4000, deadline=None)
@given(
    st.sampled_from(REGIONS),
    st.sampled_from(["", "", "+", "0", "00", "1", "8", "011", "cc", "+cc", "+cc0", "00cc", "+cc 0"]),
    st.text("0123456789", min_size=1, max_size=13),
    st.sampled_from(["", " ", "-", ".", "/", " (", ")"]),
)
def test_both_ways_agree_on_random_digits_with_every_prefix_in_every_country(region, prefix, digits, separator):
    code = str(phonenumbers.country_code_for_region(region))
    middle = len(digits) // 2
    text = prefix.replace("cc", code) + digits[:middle] + separator + digits[middle:]
    assert canonical_phone(text, region) == parse_phone(text, region)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=30), st.sampled_from([*REGIONS, None]))
def test_both_ways_agree_on_any_text(text, region):
    assert canonical_phone(text, region) == parse_phone(text, region)


def test_the_short_way_agrees_on_sixty_thousand_drawn_numbers():
    source = random.Random(20250417)
    for _ in range(60_000):
        region = source.choice(REGIONS)
        code = str(phonenumbers.country_code_for_region(region))
        prefix = source.choice(["", "0", "+" + code, "00" + code, code, "+" + code + "0", "1", "15", "9", "8"])
        text = prefix + "".join(source.choices("0123456789", k=source.randint(4, 11)))
        assert canonical_phone(text, region) == parse_phone(text, region), (region, prefix)
