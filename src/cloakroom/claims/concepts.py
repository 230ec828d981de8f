"""Concepts of columns: told by a header in several languages, checked against the content, or by content alone."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

import polars as pl

from cloakroom.canonical.countries import country_code
from cloakroom.claims import dates
from cloakroom.claims.country_names import country_of
from cloakroom.claims.tables import share_of
from cloakroom.toml import Table, parse_document


class Concept(StrEnum):
    """The meaning of a column, as far as it matters here."""

    RECORD_ID = "record_id"
    NAME = "name"
    GIVEN_NAME = "given_name"
    FAMILY_NAME = "family_name"
    EMAIL = "email"
    PHONE = "phone"
    STREET = "street"
    CITY = "city"
    REGION = "region"
    POSTCODE = "postcode"
    COUNTRY = "country"
    BIRTH_DATE = "birth_date"
    LANGUAGE = "language"
    KIND = "kind"
    STORE = "store"
    TOTAL_SALES = "total_sales"
    PURCHASES = "purchases"
    GENDER = "gender"
    TIMESTAMP = "timestamp"
    BRAND = "brand"
    OTHER = "other"


REPORTED: Mapping[Concept, str] = {
    Concept.RECORD_ID: "record_id",
    Concept.NAME: "name",
    Concept.GIVEN_NAME: "name",
    Concept.FAMILY_NAME: "name",
    Concept.EMAIL: "email",
    Concept.PHONE: "phone",
    Concept.STREET: "address",
    Concept.CITY: "address",
    Concept.REGION: "address",
    Concept.POSTCODE: "address",
    Concept.BIRTH_DATE: "birth_date",
    Concept.LANGUAGE: "language",
    Concept.KIND: "kind",
    Concept.STORE: "store",
    Concept.TOTAL_SALES: "total_sales",
    Concept.PURCHASES: "purchases",
    Concept.GENDER: "gender",
}
"""Names of fields in reports; a country alone is no address."""

_SAMPLE = 2_000
_COUNTRIES = 300
_CONTENT: Mapping[str, str] = {
    "email": r"@.*\.",
    "spoken": r"(?i)[@＠﹫]|%40|\S\s+at\s+\S.*\sdot\s|[\[(]\s*at\s*[\])]",
    "salesforce": r"^\s*00[0-9A-Za-z]{13}(?:[0-9A-Za-z]{3})?\s*$",
    "phone": r"^\s*(?:(?:\+|00)[\d\s().\-/]{7,24}|\(?0?[\d\s().\-/]{7,20})\s*$",
    "date": r"^\s*(?:(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)?\d\d)(?:[T ].*)?\s*$",
    "birth": dates.CONTENT,
    "amount": r"^\s*[-+]?[\d\s.,'’]*\d\s*(?:[€$£¥]|[A-Z]{3})?\s*$",
    "letters": r"\p{L}",
    "digit": r"\d",
}
_NEEDS: Mapping[Concept, tuple[str, float]] = {
    Concept.EMAIL: ("spoken", 0.3),
    Concept.PHONE: ("phone", 0.3),
    Concept.BIRTH_DATE: ("birth", 0.5),
    Concept.TOTAL_SALES: ("amount", 0.5),
    Concept.NAME: ("letters", 0.5),
    Concept.GIVEN_NAME: ("letters", 0.5),
    Concept.FAMILY_NAME: ("letters", 0.5),
}


@dataclass(frozen=True, slots=True)
class Recognised:
    """The columns of one table by meaning; a meaning may have several columns."""

    by_column: Mapping[str, Concept]

    def columns(self, *concepts: Concept) -> list[str]:
        """Return the columns of any of `concepts`, in the order of the table."""
        return [column for column, concept in self.by_column.items() if concept in concepts]

    @property
    def is_personal(self) -> bool:
        """Return whether the table has anything by which a person can be found."""
        return bool(self.columns(Concept.EMAIL, Concept.PHONE, Concept.RECORD_ID))


def recognise(frame: pl.DataFrame) -> Recognised:
    """Return the meaning of each column of `frame`."""
    sample = frame.head(_SAMPLE)
    shares = _shares(sample)
    by_header = {column: concept_of_header(column) for column in frame.columns}
    found: dict[str, Concept] = {}
    for column in frame.columns:
        found[column] = _checked(by_header[column], column, sample[column], shares[column])
    return Recognised(_settle(found, shares, sample))


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[Concept, re.Pattern[str]], ...]:
    """Return what headers say, from `headers.toml`."""
    root = parse_document(files("cloakroom.claims").joinpath("headers.toml").read_bytes(), "headers.toml")
    patterns = tuple(_pattern(table) for table in root.tables("header"))
    root.close()
    root.check()
    return tuple((Concept(concept), re.compile("|".join(map(_bare_letters, words)))) for concept, words in patterns)


def _pattern(table: Table) -> tuple[str, tuple[str, ...]]:
    concept = table.text("concept", choices=frozenset(Concept))
    words = table.texts("words", required=True)
    table.close()
    return concept, words


def concept_of_header(header: str) -> Concept:
    """Return the meaning that a header states, or OTHER."""
    words = header_words(header)
    for text in (words[-1:], words):
        joined = " ".join(text)
        for concept, pattern in _patterns():
            if pattern.search(joined):
                return concept
    return Concept.OTHER


def header_words(header: str) -> list[str]:
    """Return the parts of a header's path as plain words: ``Owner__r.FirstName`` gives ``owner``, ``first name``."""
    plain = _bare_letters(header)
    parts = []
    for part in plain.split("."):
        bare = re.sub(r"__[cr]$", "", part.strip(), flags=re.IGNORECASE)
        bare = re.sub(r"\[\d+\]|\(\d+\)", " ", bare).replace("#", " no ")
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", bare)
        words = " ".join(re.sub(r"[\W_]+", " ", spaced).lower().split())
        words = re.sub(
            r"^(mailing|contact|customer|client|billing|other|home|person|shipping) (?=\w)(?!id|no|nr|num|code|type)",
            "",
            words,
        )
        words = re.sub(r"^(mailing|billing|shipping|other)(?=[a-z])", "", words)
        if words:
            parts.append(words)
    return parts or [""]


def _bare_letters(text: str) -> str:
    """Return `text` without diacritics; kana lose their voicing marks, in headers and in patterns alike."""
    decomposed = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ı", "i"))
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def _shares(sample: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Return for each column how many of its filled values look like what.

    All columns are looked at as one, under each other: tables have thousands of them, of a few rows each.
    """
    if not sample.height:
        return {column: dict.fromkeys((*_CONTENT, "filled"), 0.0) for column in sample.columns}
    cells = pl.concat(sample.get_columns(), rechunk=True) if sample.width else pl.Series([], dtype=pl.String)
    cells = cells.str.strip_chars().replace("", None)
    shape = (sample.width, sample.height)
    filled = cells.is_not_null().to_numpy().reshape(shape).sum(axis=1)
    looks = {
        name: cells.str.contains(pattern).fill_null(value=False).to_numpy().reshape(shape).sum(axis=1)
        for name, pattern in _CONTENT.items()
    }
    return {
        column: {name: float(found[place]) / max(int(filled[place]), 1) for name, found in looks.items()}
        | {"filled": float(filled[place]) / sample.height}
        for place, column in enumerate(sample.columns)
    }


def _distinct_share(values: pl.Series) -> float:
    """Return how many of the filled values of a column are different ones."""
    filled = values.drop_nulls().str.strip_chars()
    filled = filled.filter(filled != "")
    return filled.n_unique() / max(filled.len(), 1)


def _country_share(values: pl.Series) -> float:
    """Return how many of the first distinct values of a column are countries."""
    filled = values.drop_nulls().str.strip_chars()
    short = filled.filter(filled != "").unique().head(_COUNTRIES).to_list()
    return sum(country_of(value) is not None for value in short) / max(len(short), 1)


def _checked(concept: Concept, column: str, values: pl.Series, shares: Mapping[str, float]) -> Concept:
    """Believe the header only where the content bears it out; else go by the content."""
    if shares["filled"] == 0:
        return concept
    if shares["email"] >= 0.5:
        return Concept.EMAIL  # Whatever the header says: `email.address` is no street.
    if concept is Concept.COUNTRY:
        return concept if _country_share(values) >= 0.5 else Concept.OTHER
    if concept in _NEEDS:
        name, least = _NEEDS[concept]
        if shares[name] >= least and not (name == "letters" and shares["digit"] > 0.5):
            return concept
    elif concept is not Concept.OTHER:
        return concept
    return _by_content(column, values, shares)


def _by_content(column: str, values: pl.Series, shares: Mapping[str, float]) -> Concept:
    if shares["email"] >= 0.5:
        return Concept.EMAIL
    if shares["salesforce"] >= 0.9:
        return Concept.RECORD_ID
    is_named = not column.startswith("column ")
    filled = values.drop_nulls()
    if shares["phone"] >= 0.8 and shares["date"] < 0.5 and _looks_dialled(filled):
        return Concept.PHONE
    if is_named:
        return Concept.OTHER
    if shares["letters"] == 1 and _country_share(values) >= 0.9:
        return Concept.COUNTRY
    return Concept.OTHER


def _looks_dialled(values: pl.Series) -> bool:
    """Tell telephone numbers from other long numbers: a plus, a leading zero or separators occur."""
    return share_of(values.str.contains(r"^\s*[+0(]")) >= 0.3


def _settle(
    found: dict[str, Concept], shares: Mapping[str, Mapping[str, float]], sample: pl.DataFrame
) -> dict[str, Concept]:
    """Settle what only the table as a whole can tell."""
    columns = sample.columns
    if any(found[column] is Concept.PURCHASES for column in columns):
        for column in columns:
            is_code = shares[column]["digit"] > 0.9 and concept_of_header(column) in (Concept.NAME, Concept.OTHER)
            if found[column] is Concept.OTHER and is_code:
                found[column] = Concept.PURCHASES
    amounts = [column for column in columns if found[column] is Concept.PURCHASES]
    has_total = any(concept is Concept.TOTAL_SALES for concept in found.values())
    if (
        len(amounts) == 1
        and not has_total
        and shares[amounts[0]]["amount"] > 0.9
        and _distinct_share(sample[amounts[0]]) > 0.3
    ):
        found[amounts[0]] = Concept.TOTAL_SALES
    names = [column for column in columns if found[column] is Concept.NAME]
    for column in names if any(concept is Concept.FAMILY_NAME for concept in found.values()) else []:
        if not any(concept is Concept.GIVEN_NAME for concept in found.values()):
            found[column] = Concept.GIVEN_NAME
    return found


def country_column(frame: pl.DataFrame, recognised: Recognised) -> tuple[pl.Series, Counter[str]]:
    """Return the ISO 3166 code of each row's country, null where none is known, and how often each occurs."""
    columns = recognised.columns(Concept.COUNTRY)
    if not columns:
        return pl.Series("country", [None] * frame.height, dtype=pl.String), Counter()
    values = frame[columns[0]]
    written = dict(values.drop_nulls().value_counts().iter_rows())
    codes = {text: country_code(text) or country_of(text) for text in written}
    counts: Counter[str] = Counter()
    for text, count in written.items():
        if code := codes[text]:
            counts[code] += count
    if all(text == code for text, code in codes.items()):
        return values.alias("country"), counts
    mapped = values.replace_strict(list(codes), pl.Series(list(codes.values()), dtype=pl.String), default=None)
    return mapped.alias("country"), counts
