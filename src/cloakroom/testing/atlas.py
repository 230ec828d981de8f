"""Countries, places, languages and names of the synthetic world, as columns to draw from.

The tables live in `data/countries.toml` and `data/names.toml`. An `Atlas` holds them as polars columns, so that a
draw of a million indices becomes a million strings in one gather.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from cloakroom.toml import parse_document

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["POSTCODES", "Atlas", "NamePool", "load_atlas"]

POSTCODES = 64  # per country; several people share one, as in life

# Letters that NFKD leaves whole and that neither ASCII nor code page 1252 can hold.
_FLATTEN = str.maketrans(
    {"ł": "l", "Ł": "L", "ı": "i", "ø": "o", "Ø": "O", "ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe"}
)


def flatten_letters(text: str) -> str:
    """Return `text` without diacritics, in ASCII where Latin letters allow."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_FLATTEN))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def fit_code_page(text: str) -> str:
    """Return `text` as a system that only knows code page 1252 would hold it."""
    return "".join(_fit_letter(letter) for letter in text)


def _fit_letter(letter: str) -> str:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return flatten_letters(letter).encode("cp1252", "ignore").decode("cp1252")
    return letter


@dataclass(frozen=True, slots=True)
class NamePool:
    """Names in every spelling a record may hold; one row per name, the cultures one after another.

    Attributes:
        native: In the script of the culture.
        latin: In Latin letters with diacritics.
        plain: In Latin letters without.
        narrow: As code page 1252 can hold it.
        local: Lower-case letters a to z only, for local parts of addresses.
        first: Per culture, its first row.
        count: Per culture, how many rows.
    """

    native: pl.Series
    latin: pl.Series
    plain: pl.Series
    narrow: pl.Series
    local: pl.Series
    first: np.ndarray[Any, np.dtype[np.int64]]
    count: np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Atlas:
    """All tables. Countries, cultures, places and languages are rows, referred to by number.

    Attributes:
        countries: One row per country: code, calling, trunk, idd, digits, number_first.
        weights: Probability of each country.
        culture: Per country, the row of its names' culture.
        places: One row per place: city, city_native, city_narrow, subdivision.
        place_chances: Per country, rows of its places and their probabilities.
        languages: Language codes.
        language_chances: Per country, rows of its languages and their probabilities.
        streets: Street names, with `streets_narrow` for code page 1252.
        street_rows: Per country, first row and count in `streets`.
        postcodes: `POSTCODES` per country, null where a country has none.
        prefixes: Beginnings of telephone numbers.
        prefix_rows: Per country, first row and count in `prefixes`.
        given: Given names.
        family: Family names.
    """

    countries: pl.DataFrame
    weights: np.ndarray[Any, np.dtype[np.float64]]
    culture: np.ndarray[Any, np.dtype[np.int64]]
    places: pl.DataFrame
    place_chances: tuple[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]], ...]
    languages: pl.Series
    language_chances: tuple[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]], ...]
    streets: pl.DataFrame
    street_rows: np.ndarray[Any, np.dtype[np.int64]]
    postcodes: pl.Series
    prefixes: pl.Series
    prefix_rows: np.ndarray[Any, np.dtype[np.int64]]
    given: NamePool
    family: NamePool


@cache
def load_atlas() -> Atlas:
    """Load the tables that ship with the package."""
    countries = _load_table("countries.toml")
    cultures = _load_table("names.toml")
    rows = list(countries.values())
    culture_numbers = {name: number for number, name in enumerate(cultures)}
    languages = sorted({code for row in rows for code, _ in row["languages"]})
    places = [(number, *place) for number, row in enumerate(rows) for place in row["places"]]
    streets = [street for row in rows for street in row["streets"]]
    prefixes = [prefix for row in rows for prefix in row["prefixes"]]
    weights = np.array([row["weight"] for row in rows], dtype=np.float64)
    place_countries = np.array([place[0] for place in places])
    place_shares = np.array([place[4] for place in places], dtype=np.float64)
    return Atlas(
        countries=pl.DataFrame(
            {
                "code": list(countries),
                **{key: [row[key] for row in rows] for key in ("calling", "trunk", "idd", "digits")},
                "number_first": [row["number"] == "before" for row in rows],
            }
        ),
        weights=weights / weights.sum(),
        culture=np.array([culture_numbers[row["names"]] for row in rows], dtype=np.int64),
        places=pl.DataFrame(
            {
                "city": [place[1] for place in places],
                "city_native": [place[2] or place[1] for place in places],
                "city_narrow": [fit_code_page(place[1]) for place in places],
                "subdivision": [place[3] for place in places],
            }
        ),
        place_chances=tuple(
            _chances(np.flatnonzero(place_countries == number), place_shares) for number in range(len(rows))
        ),
        languages=pl.Series(languages),
        language_chances=tuple(_language_chances(row["languages"], languages) for row in rows),
        streets=pl.DataFrame({"street": streets, "street_narrow": [fit_code_page(street) for street in streets]}),
        street_rows=_spans([len(row["streets"]) for row in rows]),
        postcodes=pl.Series([_postcode(row["postcode"], draw) for row in rows for draw in range(POSTCODES)]),
        prefixes=pl.Series(prefixes),
        prefix_rows=_spans([len(row["prefixes"]) for row in rows]),
        given=_name_pool([culture["given"] for culture in cultures.values()]),
        family=_name_pool([culture["family"] for culture in cultures.values()]),
    )


def _load_table(name: str) -> Mapping[str, dict[str, Any]]:
    return parse_document(files("cloakroom.testing").joinpath("data", name).read_bytes(), name).values


def _postcode(pattern: str, draw: int) -> str | None:
    """Fill `pattern`: # takes a digit, ? a letter; the same draw gives the same code."""
    seed = 104_729 * (draw + 1)
    letters = {"#": "0123456789", "?": "ABCDEFGHJK"}
    signs = [letters.get(sign, sign) for sign in pattern]
    return "".join(choice[seed // (7 ** (place + 1)) % len(choice)] for place, choice in enumerate(signs)) or None


def _chances(members: np.ndarray[Any, Any], shares: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    return members, shares[members] / shares[members].sum()


def _language_chances(spoken: list[list[Any]], languages: list[str]) -> tuple[Any, Any]:
    shares = np.array([share for _, share in spoken], dtype=np.float64)
    return np.array([languages.index(code) for code, _ in spoken]), shares / shares.sum()


def _spans(lengths: list[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    counts = np.array(lengths, dtype=np.int64)
    return np.stack([np.cumsum(counts) - counts, counts])


def _name_pool(pools: list[list[str]]) -> NamePool:
    pairs = [tuple(name.split("|")) for pool in pools for name in pool]
    latin = [pair[-1] for pair in pairs]
    plain = [flatten_letters(name) for name in latin]
    spans = _spans([len(pool) for pool in pools])
    return NamePool(
        native=pl.Series([pair[0] for pair in pairs]),
        latin=pl.Series(latin),
        plain=pl.Series(plain),
        narrow=pl.Series([fit_code_page(name) for name in latin]),
        local=pl.Series(["".join(letter for letter in name.lower() if "a" <= letter <= "z") for name in plain]),
        first=spans[0],
        count=spans[1],
    )
