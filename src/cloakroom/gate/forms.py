"""Less than a value: masks and bands.

A mask tells exactly what the table says and nothing else, neither the length of the rest nor how it is built:

| kind | shown | example |
|---|---|---|
| e-mail | first letter of local part and domain, of each if it has three characters or more; | ``m•••@g•••.com`` |
| | and the last label if it has two or three ASCII letters | |
| telephone | the last two digits, if there are at least seven | ``••• 42`` |
| name | first letter of the first and last word, of words with two letters in a script with capitals | ``M. R.`` |
| date | the year | ``1984`` |
| country | all of it | ``IT`` |
| anything else | nothing | ``•••`` |

A script without capitals gives no initial, since one Chinese character is often the whole family name. What is
blank stays blank; what cannot be read as its kind shows nothing. Nothing here ever raises because of a value, or
repeats one.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cloakroom.gate.policy import Form

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HIDDEN: Final = "•••"
"""Stands for everything that is not shown, however long it is."""

LENGTH_MAX: Final = 10_000
"""Longer values show nothing; they are not looked at."""

_DATE: Final = re.compile(r"([0-9]{4})-[0-9]{2}-[0-9]{2}", re.ASCII)
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_SHORT_LABEL: Final = re.compile(r"[A-Za-z]{2,3}", re.ASCII)


class MaskKind(StrEnum):
    """The way in which a field is masked and banded."""

    AMOUNT = "amount"
    COUNTRY = "country"
    DATE = "date"
    EMAIL = "email"
    NAME = "name"
    OTHER = "other"
    PHONE = "phone"


_BY_KIND: Final = {
    "country": MaskKind.COUNTRY,
    "date": MaskKind.DATE,
    "decimal": MaskKind.AMOUNT,
    "email": MaskKind.EMAIL,
    "phone": MaskKind.PHONE,
}


def mask_kind(kind: str, data_element: str) -> MaskKind:
    """Return how to mask a field, from its kind and its legal data element; what is unknown shows nothing."""
    if data_element == "name":
        return MaskKind.NAME
    return _BY_KIND.get(kind, MaskKind.OTHER)


def render(form: Form, kind: MaskKind, value: str, steps: Sequence[int] = ()) -> str | None:
    """Return what leaves of `value` in `form`; None where nothing does and the record's token must do."""
    match form:
        case Form.REVEAL:
            return value
        case Form.BAND:
            return band(value, steps)
        case Form.MASK:
            return mask(kind, value)
        case Form.TOKEN:
            return None


def mask(kind: MaskKind, value: str) -> str:
    """Return the mask of `value` as the table above says."""
    if not value.strip():
        return ""
    how = _MASKS.get(kind)
    if how is None or len(value) > LENGTH_MAX:
        return HIDDEN
    return how(unicodedata.normalize("NFC", value).strip())


def band(value: str, steps: Sequence[int]) -> str:
    """Return the range between two neighbouring steps that an amount lies in.

    Args:
        value: A decimal number with a point.
        steps: Rising whole numbers; none of them shows nothing.
    """
    if not value.strip():
        return ""
    index = band_index(value, steps)
    if index is None:
        return HIDDEN
    if index == 0:
        return f"below {steps[0]}"
    if index == len(steps):
        return f"from {steps[-1]}"
    low, high = list(pairwise(steps))[index - 1]
    return f"from {low} to below {high}"


def band_index(value: str, steps: Sequence[int]) -> int | None:
    """Return how many steps an amount reaches, or None if it is no amount."""
    if not steps or len(value) > 64:
        return None
    try:
        amount = Decimal(value.strip())
    except InvalidOperation:
        return None
    return sum(amount >= step for step in steps) if amount.is_finite() else None


def _mask_email(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        return HIDDEN
    host, _, label = domain.rpartition(".")
    ending = label.lower() if host and _SHORT_LABEL.fullmatch(label) else HIDDEN
    return f"{_first(local)}{HIDDEN}@{_first(host or domain)}{HIDDEN}.{ending}"


def _first(part: str) -> str:
    return part[0].lower()[0] if len(part) >= 3 and part[0].isalnum() else ""


def _mask_phone(text: str) -> str:
    digits = [digit for character in text if (digit := unicodedata.digit(character, -1)) >= 0]
    return f"{HIDDEN} {digits[-2]}{digits[-1]}" if len(digits) >= 7 else HIDDEN


def _mask_date(text: str) -> str:
    found = _DATE.fullmatch(text)
    return found[1] if found else HIDDEN


def _mask_country(text: str) -> str:
    return text if _COUNTRY.fullmatch(text) else HIDDEN


def _mask_name(text: str) -> str:
    words = text.split()
    ends = [words[0], words[-1]] if len(words) > 1 else words
    initials = [f"{initial}." for word in ends if (initial := _initial(word))]
    return " ".join(initials) or HIDDEN


def _initial(word: str) -> str:
    letters = [character for character in word if character.isalpha()]
    if len(letters) < 2 or letters[0].upper() == letters[0].lower():
        return ""
    return unicodedata.normalize("NFC", letters[0].upper())[0]


_MASKS: Final[Mapping[MaskKind, Callable[[str], str]]] = MappingProxyType(
    {
        MaskKind.COUNTRY: _mask_country,
        MaskKind.DATE: _mask_date,
        MaskKind.EMAIL: _mask_email,
        MaskKind.NAME: _mask_name,
        MaskKind.PHONE: _mask_phone,
    }
)
