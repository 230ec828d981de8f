"""A country is known by its code and by its names in the languages of the dumps, however these are written."""

from __future__ import annotations

import pytest

from cloakroom.claims.country_names import country_of


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("IT", ["IT", "it", "Italy", "ITALIA", "Italie", "Italien", "意大利"]),
        ("DE", ["Germany", "Deutschland", "Allemagne", "Germania"]),
        ("GB", ["United Kingdom", "UK", "uk", "England", "Great Britain", "Scotland", "Wales"]),
        ("US", ["United States", "USA", "U.S.A.", "u.s.", "United States of America", "America", "Etats-Unis"]),
        ("FR", ["France", "Frankreich", "Francia"]),
        ("AE", ["UAE", "United Arab Emirates"]),
        ("KR", ["Korea", "South Korea", "Republic of Korea"]),
        ("NL", ["Holland", "The Netherlands", "Netherlands"]),
        ("HK", ["Hong Kong", "HONG-KONG", "Hong Kong SAR"]),
        ("CZ", ["Czech Republic"]),
        ("TR", ["Turkey", "Türkiye", "turkiye"]),
        ("RU", ["Russia"]),
        ("VN", ["Vietnam", "Viet Nam"]),
        ("CI", ["Côte d'Ivoire", "COTE D IVOIRE"]),
    ],
)
def test_a_country_is_known_by_each_of_its_names(code, names) -> None:
    assert {name: country_of(name) for name in names} == dict.fromkeys(names, code)


@pytest.mark.parametrize("text", ["", " ", "-", "Nowhere", "Italy and France", "7", "ZZ", "I T"])
def test_what_is_no_country_has_no_code(text) -> None:
    assert country_of(text) is None


def test_a_name_may_stand_between_blanks_of_sixty_signs_in_all_and_no_more() -> None:
    assert country_of("Italia".ljust(60)) == "IT"
    assert country_of("Italia".ljust(61)) is None
