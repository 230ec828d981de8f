"""Names of countries in the languages of the dumps, from the tables of the telephone library."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from phonenumbers.geodata.locale import LOCALE_DATA

from cloakroom.canonical.countries import country_code

_COLLOQUIAL = {
    "uk": "GB", "england": "GB", "great britain": "GB", "scotland": "GB", "wales": "GB", "usa": "US", "u.s.a.": "US",
    "u.s.": "US", "united states of america": "US", "america": "US", "etats unis": "US", "uae": "AE", "korea": "KR",
    "south korea": "KR", "republic of korea": "KR", "holland": "NL", "the netherlands": "NL", "hong kong": "HK",
    "hong kong sar": "HK",
    "czech republic": "CZ", "turkey": "TR", "turkiye": "TR", "russia": "RU", "vietnam": "VN", "viet nam": "VN",
}  # fmt: skip


@lru_cache(maxsize=65536)
def country_of(text: str) -> str | None:
    """Return the ISO 3166-1 alpha-2 code for a code or a name in any of some 30 languages, or None."""
    if len(text) > 60:
        return None
    return country_code(text) or _names().get(_fold(text))


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    return " ".join(
        "".join(sign if sign.isalnum() else " " for sign in plain if not unicodedata.combining(sign)).split()
    )


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for code, by_language in LOCALE_DATA.items():
        for name in by_language.values():
            if not name.startswith("*"):
                names.setdefault(_fold(name), code)
    return names | {_fold(name): code for name, code in _COLLOQUIAL.items()}
