"""Codes of countries and of states."""

import pytest

from cloakroom.canonical.countries import COUNTRIES, EEA, country_code, subdivision_code


def test_there_are_249_countries_and_kosovo():
    assert len(COUNTRIES) == 250
    assert COUNTRIES >= EEA
    assert len(EEA) == 30


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fr", "FR"),
        (" DEU ", "DE"),
        ("GBR", "GB"),
        ("XK", "XK"),
        ("ZZ", None),
        ("France", None),
        ("", None),
        ("UK", None),
    ],
)
def test_a_country_is_known_by_its_code(text, expected):
    assert country_code(text) == expected


@pytest.mark.parametrize(
    ("country", "text", "expected"),
    [
        ("US", "TX", "US-TX"),
        ("US", " texas", "US-TX"),
        ("US", "us-tx", "US-TX"),
        ("US", "New  York", "US-NY"),
        ("US", "New York", "US-NY"),
        ("US", "XX", None),
        ("CA", "Québec", "CA-QC"),
        ("AU", "VIC", "AU-VIC"),
        ("AE", "Dubai", "AE-DU"),
        ("IT", "MI", "IT-MI"),
        ("IT", "Milano", None),
        ("JP", "Tokyo", None),
        ("FR", "", None),
    ],
)
def test_a_state_is_known_by_code_or_name(country, text, expected):
    assert subdivision_code(country, text) == expected
