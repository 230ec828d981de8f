"""Payment data, which does not belong in a customer system: found wherever it hides, so that it can be refused.

- **Card numbers** (ISO/IEC 7812): 13 to 19 digits that satisfy Luhn's formula and begin with the prefix of an
  issuer, of that issuer's length; written together or in groups, in any script's digits, alone or inside a longer
  text. Alone, any grouping counts; inside a text only groups of three digits and more, since long chains of short
  groups are telephone numbers. A number after a plus sign is a telephone number.
- **Card security codes** and **gift-card PINs**: three or four, respectively four to eight digits behind their label
  in one of the languages of the trade. Digits without a label could be anything.

Bank accounts (IBAN) are legitimate for refunds and are not looked for.

A random string of 16 digits is taken for a card number in about one case in thirty; columns of numeric identifiers
and telephone numbers need their reader's judgement (`cloakroom.adapters.deliveries.payment_check`).
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

_SEPARATOR = r"[\s\-._/\u00a0\u00ad\u200b\u2010-\u2015\u2212\u3000]"
_LABELS = (
    r"cv[vc]|cvn|cryptogramme|kartenpr|pr[üu]fziffer|security\s+code|verification\s+(?:code|value|number)"
    r"|code\s+de\s+s[ée]curit|codice\s+di\s+sicurezza|c[óo]digo\s+de\s+seguridad|セキュリティコード|安全码"
    r"|gift|voucher|cadeau|geschenk|gutschein|regalo|presente|ギフト|기프트|礼品卡|禮品卡"
)
_FOLDED = (
    r"[\x{aa}\x{b2}\x{b3}\x{b9}\x{ba}\x{bc}-\x{be}\x{2b0}-\x{36f}\x{1100}-\x{11ff}\x{1d2c}-\x{1dbf}\x{2024}\x{2025}"
    r"\x{2070}-\x{209f}\x{2100}-\x{218f}\x{2460}-\x{24ff}\x{2c7c}\x{2c7d}\x{2f00}-\x{2fdf}\x{3099}\x{309a}"
    r"\x{3130}-\x{318f}\x{3200}-\x{33ff}\x{a7f2}-\x{a7f4}\x{f900}-\x{faff}\x{fb00}-\x{fb06}\x{fe30}-\x{fe6f}"
    r"\x{ff0b}-\x{ff0f}\x{ff21}-\x{ff3a}\x{ff3f}\x{ff41}-\x{ff5a}\x{ff65}-\x{ffdc}\x{1d400}-\x{1d7ff}"
    r"\x{1f100}-\x{1f16f}\x{2f800}-\x{2fa1f}]"
)
"""Blocks of characters that are other forms of digits, letters or separators, or that compose with others."""

SUSPICIOUS = rf"(?i:{_LABELS})|(?:[0-9]{_SEPARATOR}{{0,2}}){{12}}[0-9]|[\x{{660}}-\x{{1fbf9}}&&\p{{Nd}}]|{_FOLDED}"
"""A text that does not match this, in the syntax of Rust's regex, holds nothing to find; quick over many texts."""

_RUN = re.compile(rf"\d(?:{_SEPARATOR}{{0,2}}\d){{12,}}")
_GROUP = re.compile(r"\d+")
_CODE = re.compile(
    r"(?:\bcv[vc]2?|\bcvn|cryptogramme(?:\s+visuel)?|kartenprüf(?:nummer|ziffer)|prüfziffer|card\s+security\s+code"
    r"|card\s+verification\s+(?:code|value|number)|code\s+de\s+sécurité(?:\s+(?:de\s+la\s+)?carte)?"
    r"|codice\s+di\s+sicurezza|código\s+de\s+seguridad|セキュリティコード|安全码)"
    r"(?:\s+(?:is|est|ist|è|es|code|number|no|nr))?[\s:=#.\-]{0,4}(?<!\d)\d{3,4}(?!\d)"
)
_GIFT_CARD = re.compile(
    r"(?:gift\s*-?\s*(?:card|voucher|certificate)|carte[\s-]+cadeau|chèque[\s-]+cadeau|geschenk(?:karte|gutschein)"
    r"|carta\s+regalo|buono\s+regalo|tarjeta\s+(?:de\s+)?regalo|cartão[\s-]+presente|ギフトカード|기프트\s?카드|[礼禮]品卡)"
    r".{0,60}?(?:\bpin\b|\bpin[\s-]*code|\bcode\s+secret|geheimzahl|暗証番号|비밀번호|密[码碼])"
    r"(?:\s+(?:is|est|ist|è|es|code|number|no|nr))?[\s:=#.\-]{0,4}(?<!\d)\d{4,8}(?!\d)",
    re.DOTALL,
)
_ISSUERS: tuple[tuple[re.Pattern[str], frozenset[int]], ...] = tuple(
    (re.compile(prefix), frozenset(lengths))
    for prefix, lengths in (
        (r"4", (13, 16, 19)),  # Visa
        (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),  # Mastercard
        (r"3[47]", (15,)),  # American Express
        (r"30[0-5]|3095|3[689]", range(14, 20)),  # Diners Club
        (r"6011|64[4-9]|65", range(16, 20)),  # Discover
        (r"35(?:2[89]|[3-8])", range(16, 20)),  # JCB
        (r"62|81", range(16, 20)),  # UnionPay
        (r"5018|5020|5038|5893|6304|6759|676[1-3]", range(13, 20)),  # Maestro
        (r"220[0-4]", range(16, 20)),  # Mir
        (r"60|82|508", (16,)),  # RuPay
        (r"9792", (16,)),  # Troy
    )
)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


class PaymentData(StrEnum):
    """The kind of payment data found; the words go into messages."""

    CARD_NUMBER = "card number"
    CARD_SECURITY_CODE = "card security code"
    GIFT_CARD_PIN = "gift-card PIN"


def find_payment_data(text: str) -> PaymentData | None:
    """Return the first kind of payment data that `text` holds, or None."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    if _holds_card_number(plain):
        return PaymentData.CARD_NUMBER
    lower = plain.lower()
    if _CODE.search(lower):
        return PaymentData.CARD_SECURITY_CODE
    return PaymentData.GIFT_CARD_PIN if _GIFT_CARD.search(lower) else None


def is_card_number(digits: str) -> bool:
    """Answer for a string of ASCII digits: an issuer's prefix and length, and Luhn's formula."""
    return any(len(digits) in lengths and prefix.match(digits) for prefix, lengths in _ISSUERS) and _luhn(digits)


def _luhn(digits: str) -> bool:
    values = [ord(digit) - 48 for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_DOUBLED[value] for value in values[1::2])) % 10 == 0


def _holds_card_number(text: str) -> bool:
    for run in _RUN.finditer(text):
        groups = [_ascii_digits(group) for group in _GROUP.findall(run.group())]
        is_alone = run.group() == text.strip()
        after_plus = text[: run.start()].rstrip().endswith(("+", "＋", "+(", "+ ("))
        if not after_plus and is_card_number("".join(groups)) and (is_alone or _are_long(groups)):
            return True
        if any(_are_long(part) and is_card_number("".join(part)) for part in _parts(groups, skip_first=after_plus)):
            return True
    return False


def _are_long(groups: list[str]) -> bool:
    """Card numbers are grouped by four, or 4-6-5; the last group may be short."""
    return all(len(group) >= 3 for group in groups[:-1])


def _parts(groups: list[str], *, skip_first: bool) -> list[list[str]]:
    """Return the neighbouring groups that are as long as a card number: other numbers may stand beside it."""
    found: list[list[str]] = []
    for start in range(int(skip_first), len(groups)):
        size = 0
        for end in range(start, min(start + 19, len(groups))):
            size += len(groups[end])
            if size > 19:
                break
            if size >= 13 and end - start + 1 < len(groups):
                found.append(groups[start : end + 1])
    return found


def _ascii_digits(group: str) -> str:
    return group if group.isascii() else "".join(str(unicodedata.decimal(digit)) for digit in group)
