"""The normal form of a telephone number: E.164, as libphonenumber would write it.

A number is accepted when it can be dialled as far as its length goes ("possible"), not only when its range is
assigned ("valid"): numbering plans open new ranges every month, and a customer whose number is newer than our
tables must still be found. The country comes from the caller, row by row; a number in international form needs
none. An extension is left out: E.164 has none.

`phonenumbers.parse` takes some 30 µs, most of it for spellings that nobody uses. `canonical_phone` therefore
takes a short way for texts of digits, an optional plus, blanks and ``- . ( ) /``, built from the same tables, and
hands everything else to `parse_phone`. The short way gives an answer only where each step of the library's parser
is settled by

1. an international prefix (plus or the country's own), followed by a geographic calling code, or none of either and
   a number that does not look as if its calling code had been written without a plus;
2. a trunk prefix that does not occur, or is not to be rewritten and leaves a number of the plan when it is removed;
3. a length that the plan of the country, and of the main country of its calling code, both allow.

`tests/canonical/test_phone.py` compares both ways over every country of the library.

What spreadsheets, chats and older numbering plans make of a number is mended where that is certain, and only where
the library reads nothing, but for a fraction of nought, out of which it would read a digit: `phone_spellings`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, ValidationResult

from cloakroom.canonical.phone_spellings import other_spellings, written_out

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LENGTH = 250

_SEPARATORS = {ord(sign): None for sign in " -.()/\u00a0"}
_MIN_DIGITS = 5


@dataclass(frozen=True, slots=True)
class _Plan:
    """The part of a country's numbering plan that the short way needs.

    `common_lengths` are those that the main country of the calling code allows too.
    """

    calling_code: str
    general: re.Pattern[str]
    lengths: frozenset[int]
    common_lengths: frozenset[int]
    international_prefix: re.Pattern[str] | None
    trunk_prefix: re.Pattern[str] | None
    rewrites_prefix: bool


def canonical_phone(text: str | None, region: str | None) -> str | None:
    """Return `text` as E.164 (``+33612345678``), or None where it cannot be a telephone number.

    Args:
        text: What somebody typed, or None.
        region: ISO 3166-1 alpha-2 code, in capitals, of the country whose national form the number may have.
    """
    if text is None:
        return None
    digits = text if text.isdigit() else written_out(text).strip().translate(_SEPARATORS)
    short = None
    if digits.isascii():
        if digits.isdigit():
            short = None if region is None else _from_national(digits, region)
        elif digits[:1] == "+" and digits[1:].isdigit():
            short = _from_international(digits[1:])
    return parse_phone(text, region) if short is None else short


def canonical_phones(texts: Iterable[str | None], regions: Iterable[str | None]) -> list[str | None]:
    """Return each text as E.164, or None, with the country of the same position."""
    return [
        None if text is None else canonical_phone(text, region) for text, region in zip(texts, regions, strict=True)
    ]


def parse_phone(text: str, region: str | None) -> str | None:
    """Do the same as `canonical_phone` the long way, through the library and the spellings it does not know."""
    if len(text) > MAX_LENGTH:
        return None
    plain = written_out(text).strip()
    for spelling in (plain, *other_spellings(plain, region)):
        number = _by_library(spelling, region)
        if number is not None:
            return number
    return None


def _by_library(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def is_region(code: str) -> bool:
    """Answer whether national telephone numbers of this country can be read."""
    return code in phonenumbers.SUPPORTED_REGIONS


def _from_international(digits: str) -> str | None:
    for size in (1, 2, 3):
        regions = COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:size] or "0"))
        if regions is not None:
            break
    else:
        return None
    plan = _plan(regions[0])
    if plan is None or digits[0] == "0":
        return None
    return _significant(digits[size:], plan)


def _from_national(digits: str, region: str) -> str | None:
    plan = _plan(region)
    if plan is None or len(digits) < _MIN_DIGITS:
        return None
    if plan.international_prefix is not None and (prefix := plan.international_prefix.match(digits)):
        rest = digits[prefix.end() :]
        # A zero after the prefix means that it was none: step left to the library.
        return _from_international(rest) if rest and rest[0] != "0" else None
    if digits.startswith(plan.calling_code) and not (len(digits) in plan.lengths and plan.general.fullmatch(digits)):
        return None
    return _significant(digits, plan)


def _significant(digits: str, plan: _Plan) -> str | None:
    if plan.trunk_prefix is not None and (prefix := plan.trunk_prefix.match(digits)):
        if plan.rewrites_prefix and prefix.groups()[-1] is not None:
            return None
        digits = digits[prefix.end() :]
        if not plan.general.fullmatch(digits):
            return None
    if len(digits) < _MIN_DIGITS or len(digits) not in plan.common_lengths:
        return None
    return f"+{plan.calling_code}{digits}"


@lru_cache(maxsize=512)
def _plan(region: str) -> _Plan | None:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None or metadata.country_code is None:
        return None
    description = metadata.general_desc
    if description is None or description.national_number_pattern is None:
        return None
    trunk = metadata.national_prefix_for_parsing
    lengths = frozenset(description.possible_length) - frozenset(description.possible_length_local_only)
    main_region = COUNTRY_CODE_TO_REGION_CODE[metadata.country_code][0]
    main = None if main_region == region else _plan(main_region)
    return _Plan(
        calling_code=str(metadata.country_code),
        general=re.compile(description.national_number_pattern),
        lengths=lengths,
        common_lengths=lengths if main is None else lengths & main.lengths,
        international_prefix=re.compile(metadata.international_prefix) if metadata.international_prefix else None,
        trunk_prefix=re.compile(trunk) if trunk else None,
        rewrites_prefix=bool(metadata.national_prefix_transform_rule),
    )
