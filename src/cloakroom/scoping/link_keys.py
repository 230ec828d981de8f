"""The texts from which link keys are made: what two records of one person may have in common.

Strong keys (an e-mail address, a telephone number) say by themselves that two records are about one person,
unless the names speak against it. Corroborating keys say so less surely; they only serve the lower bound and
the best figure.

The caller digests each text with a secret key before anything is stored; kind and text together are the input,
so that an address never equals a name. Nothing here keeps a text.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING

from cloakroom.canonical.name import fold_name

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CORROBORATING", "STRONG", "KeyKind", "link_texts"]

_FIRST_NUMBER = re.compile(r"\d+")


class KeyKind(IntEnum):
    """Kind of a link key; the numbers are stored."""

    EMAIL = 1  # normalised address
    PHONE = 2  # E.164 number
    MAILBOX = 3  # normalised address without its plus tag
    NAME_BIRTH = 4  # folded name and full date of birth
    NAME_ADDRESS = 5  # folded name, country, postcode and house number


STRONG = frozenset({KeyKind.EMAIL, KeyKind.PHONE})
CORROBORATING = frozenset(KeyKind) - STRONG


def link_texts(
    *,
    emails: Iterable[str] = (),
    phones: Iterable[str] = (),
    name: str = "",
    birth_date: str = "",
    country: str = "",
    postcode: str = "",
    street: str = "",
) -> list[tuple[KeyKind, str]]:
    """Return the link keys of one version of a record, as texts to be digested.

    Args:
        emails: Normalised addresses (`cloakroom.canonical.email`).
        phones: E.164 numbers.
        name: Full name in any order and spelling.
        birth_date: ISO date, with a year.
        country: ISO 3166-1 code of the address.
        postcode: As delivered; spaces and case do not matter.
        street: Street line; only the first number in it is used, since spellings of streets differ.
    """
    texts = []
    for email in emails:
        texts += [(KeyKind.EMAIL, email), (KeyKind.MAILBOX, _without_tag(email))]
    texts += [(KeyKind.PHONE, phone) for phone in phones]
    folded = fold_name(name) if name else ""
    if folded and birth_date:
        texts.append((KeyKind.NAME_BIRTH, f"{folded}|{birth_date}"))
    number = _FIRST_NUMBER.search(street)
    if folded and number:
        place = "".join(postcode.split()).upper()
        texts.append((KeyKind.NAME_ADDRESS, f"{folded}|{country}|{place}|{number[0]}"))
    return texts


def _without_tag(email: str) -> str:
    local, _, domain = email.rpartition("@")
    stem = local.partition("+")[0]
    return f"{stem or local}@{domain}"
