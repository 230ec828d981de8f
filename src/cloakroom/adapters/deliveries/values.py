"""From the texts of a source column to what is stored, indexed and counted.

What is stored: texts, names, addresses, e-mail addresses and telephone numbers exactly as the source shows them,
white space and all, so that a leaked copy can be compared word for word. Dates, times, amounts, countries,
languages, choices and shops are stored in canonical form: how a system spells those says something about the
system, not the person.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from cloakroom.adapters.deliveries.times import TimeReader
from cloakroom.canonical.countries import country_code
from cloakroom.canonical.email import canonical_email
from cloakroom.canonical.phone import canonical_phones
from cloakroom.vault.fields import CHOICES, FieldKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cloakroom.vault.mapping import BrandMapping, ColumnMapping, SpendBands

Texts: TypeAlias = list[str | None]

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3}")
_AMOUNT = re.compile(r"([+-]?)0*(\d{1,18})(?:\.(\d{1,12}))?")
_REMEMBERED = 100_000
# Addresses that `canonical_email` would only trim and lower-case: ASCII, short enough for every limit.
_PLAIN_EMAIL = (
    r"^[a-z0-9!#$%&*+/=^_`{|}~.-][a-z0-9!#$%&'*+/=^_`{|}~.-]{0,63}@"
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,3}[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?$"
)

REASONS = {
    FieldKind.DATE: "is no date as the mapping describes it",
    FieldKind.TIMESTAMP: "is no time as the mapping describes it",
    FieldKind.DECIMAL: "is no amount as the mapping describes it",
    FieldKind.COUNTRY: "is no country code, and no word of the mapping",
    FieldKind.LANGUAGE: "is no language code, and no word of the mapping",
    FieldKind.CHOICE: "is no word of the mapping",
}
"""Why a value of a kind was not taken."""


def reader_of(column: ColumnMapping, mapping: BrandMapping) -> Callable[[str], str | None] | None:
    """Return the function that makes the canonical form of a value, or None where the text itself is stored."""
    words, times = column.words, TimeReader(column.format, mapping.timezone)
    allowed = CHOICES.get(column.field.name)
    readers: dict[FieldKind, Callable[[str], str | None]] = {
        FieldKind.DATE: times.date,
        FieldKind.TIMESTAMP: times.timestamp,
        FieldKind.DECIMAL: partial(
            read_amount, decimal_mark=mapping.decimal_mark, grouping_mark=mapping.grouping_mark
        ),
        FieldKind.COUNTRY: remembering(lambda text: words.get(text.strip().lower()) or country_code(text)),
        FieldKind.LANGUAGE: remembering(lambda text: words.get(text.strip().lower()) or read_language(text)),
        FieldKind.CHOICE: remembering(lambda text: _choice(text.strip(), words, allowed)),
        FieldKind.STORE: remembering(lambda text: words.get(text.strip().lower()) or text.strip()),
    }
    return readers.get(column.field.kind)


def read_amount(text: str, decimal_mark: str, grouping_mark: str) -> str | None:
    """Return a decimal number without exponent, plus sign and needless zeros, or None where `text` is none."""
    plain = text.strip()
    if grouping_mark:
        whole, mark, fraction = plain.partition(decimal_mark)
        if grouping_mark in whole and not _is_grouped(whole, grouping_mark):
            return None
        plain = whole.replace(grouping_mark, "").replace("\u00a0", "").replace("\u202f", "") + mark + fraction
    if decimal_mark != ".":
        if "." in plain:
            return None
        plain = plain.replace(decimal_mark, ".")
    match = _AMOUNT.fullmatch(plain)
    if match is None or not plain.isascii():
        return None
    sign, whole, fraction = match.groups()
    rest = (fraction or "").rstrip("0")
    number = f"{whole}.{rest}" if rest else whole
    return f"-{number}" if sign == "-" and number != "0" else number


def _is_grouped(whole: str, mark: str) -> bool:
    groups = whole.lstrip("+-").split(mark)
    return len(groups[0]) <= 3 and all(2 <= len(group) <= 3 for group in groups[1:]) and len(groups[-1]) == 3


def read_language(text: str) -> str | None:
    """Return a BCP 47 tag in lower case, or None where `text` is none."""
    tag = text.strip().lower().replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else None


def band_reader(bands: SpendBands) -> Callable[[str], str]:
    """Return the function from a canonical amount to the name of its band."""
    labels = bands.labels
    if all(threshold == threshold.to_integral_value() and threshold >= 0 for threshold in bands.thresholds):
        thresholds = [int(threshold) for threshold in bands.thresholds]
        # A whole threshold lies above an amount exactly when it lies above the amount's whole part.
        return lambda amount: labels[
            0 if amount[0] == "-" else bisect_right(thresholds, int(amount.partition(".")[0]))
        ]
    return lambda amount: bands.label(Decimal(amount))


def normal_forms(kind: FieldKind, texts: Texts, regions: list[str | None]) -> Texts:
    """Return the forms under which values are looked up."""
    if kind is FieldKind.EMAIL:
        return _emails(texts)
    if kind is FieldKind.PHONE:
        return canonical_phones(texts, regions)
    if kind is FieldKind.IDENTIFIER:
        return [None if text is None else canonical_identifier(text) for text in texts]
    return [None if text is None else canonical_text(text) for text in texts]


def _emails(texts: Texts) -> Texts:
    """Return what `canonical_emails` returns, the plain addresses all at once."""
    folded = pl.Series(texts, dtype=pl.String).str.strip_chars().str.to_lowercase()
    is_plain = folded.str.contains(_PLAIN_EMAIL) & ~folded.str.contains("--", literal=True)
    forms: Texts = folded.to_list()
    for at in (~is_plain).arg_true().to_list():
        forms[at] = canonical_email(texts[at])
    return forms


def canonical_identifier(text: str) -> str | None:
    """Return an identifier trimmed and in NFKC; its letter case matters."""
    return unicodedata.normalize("NFKC", text).strip() or None


def canonical_text(text: str) -> str | None:
    """Return a text in NFKC, case-folded, with single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()) or None


def remembering(function: Callable[[str], str | None]) -> Callable[[str], str | None]:
    """Return `function` with a bounded memory, for columns of few different values."""
    memory: dict[str, str | None] = {}

    def remembered(text: str) -> str | None:
        try:
            return memory[text]
        except KeyError:
            if len(memory) >= _REMEMBERED:
                memory.clear()
            return memory.setdefault(text, function(text))

    return remembered


def _choice(text: str, words: Mapping[str, str], allowed: frozenset[str] | None) -> str | None:
    meaning = words.get(text.lower())
    if meaning is not None:
        return meaning
    if allowed is not None:
        return text.lower() if text.lower() in allowed else None
    return None if words else text
