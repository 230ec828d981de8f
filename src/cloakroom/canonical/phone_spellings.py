"""Undoing what spreadsheets, chats and older plans make of a telephone number, where that is certain.

- A spreadsheet's or a data frame's number: ``447700900123.0`` is the number without its fraction. Of
  ``4.47700900123E+11`` all digits are there; of ``4.47701E+11`` they are lost, and nothing brings them back.
- Marks that show nothing, between the digits; blanks and dashes of every width.
- ``00`` before a calling code, whatever the country dials itself: no plan has national numbers that begin so.
- Mexico (Plan técnico fundamental de numeración, 3 August 2019): ``+52 1``, ``044``, ``045`` and ``01`` before the
  ten digits are of the plan before, and reach the same subscriber.
- Words in parentheses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from cloakroom.canonical.unseen_marks import without_unseen_marks

WHOLE_NUMBER = r"^(\s*['\"=]*\+?[0-9]{7,15})[.,]0{1,2}(['\"]*\s*)$"
"""A number with a fraction of nought, and the parts before and after it; understood by `re` and polars."""

_WHOLE = re.compile(WHOLE_NUMBER)
_EXPONENT = re.compile(r"\s*['\"=]*\+?(\d)[.,](\d{1,17})[eE]\+?0?(\d{1,2})['\"]*\s*")
_SPACES_AND_DASHES = re.compile(r"[\s\u2010-\u2015\u2212\ufe58\ufe63\uff0d\u30fc]")
_WORDS = re.compile(r"\([^()\d]{0,40}\)")
_SIGNS = str.maketrans("", "", " -.()/'\"=\u00a0")
_DIALLED = re.compile(r"\+?00([1-9]\d{6,14})")
_MEXICO_ABROAD = re.compile(r"52(?:1|01|044|045)(\d{10})")
_MEXICO_HOME = re.compile(r"(?:01|044|045)(\d{10})")


def written_out(text: str) -> str:
    """Return a number that was made a floating-point one as its digits, anything else as it is."""
    if not ("." in text or "," in text):
        return text
    if whole := _WHOLE.match(text):
        return whole[1] + whole[2]
    exponent = _EXPONENT.fullmatch(text)
    if exponent is None:
        return text
    first, rest, power = exponent.groups()
    return first + rest if len(rest) == int(power) else ""


def other_spellings(text: str, region: str | None) -> Iterator[str]:
    """Yield what `text`, out of which nothing was read as it is, means by other rules; the surest first.

    Args:
        text: Written out.
        region: ISO 3166-1 alpha-2 code, in capitals, of the country whose national form the number may have.
    """
    plain = text
    if not text.isascii():
        plain = _SPACES_AND_DASHES.sub(" ", unicodedata.normalize("NFKC", without_unseen_marks(text)))
    if "(" in plain:
        plain = _WORDS.sub(" ", plain)
    if plain != text:
        yield plain
    digits = plain.translate(_SIGNS)
    if dialled := _DIALLED.fullmatch(digits):
        digits = f"+{dialled[1]}"
        yield digits
    is_abroad = digits.startswith("+")
    if (is_abroad or region == "MX") and (number := _MEXICO_ABROAD.fullmatch(digits.removeprefix("+"))):
        yield f"+52{number[1]}"
    if region == "MX" and not is_abroad and (number := _MEXICO_HOME.fullmatch(digits)):
        yield f"+52{number[1]}"
