"""Statements of the sellers about their dump, to be set beside what was found. Never printed as confirmed."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from cloakroom.clock import to_microseconds
from cloakroom.errors import InputError

_MONTH = re.compile(r"^(\d{4})-(\d{2})$")
_DAY = re.compile(r"^(\d{4})-(\d{2})-(\d{2})$")
_COUNTS = ("claimed_rows", "claimed_emails", "claimed_persons")


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim as made.

    Attributes:
        posted: Day on which it was made public, ISO 8601, or None.
        channel: Where it was seen.
        seller: Who makes it, by the name they use.
        brands: Whose data it is said to be.
        rows: Claimed number of rows.
        emails: Claimed number of e-mail addresses.
        persons: Claimed number of persons.
        theft: Claimed time of the theft: a day or a month, ISO 8601.
        price: What is asked for.
        text: Their words.
    """

    posted: str | None = None
    channel: str | None = None
    seller: str | None = None
    brands: tuple[str, ...] = ()
    rows: int | None = None
    emails: int | None = None
    persons: int | None = None
    theft: str | None = None
    price: str | None = None
    text: str | None = None

    def theft_begins(self) -> int | None:
        """Return the first moment of the claimed time of the theft, in microseconds."""
        return None if self.theft is None else _first_moment(self.theft)

    def as_dict(self) -> dict[str, Any]:
        """Return the statement as plain values."""
        return asdict(self) | {"brands": list(self.brands)}


def parse_statement(data: bytes, source: str) -> Statement:
    """Read a statement from JSON; unknown keys are ignored, since claims differ.

    Raises:
        InputError: It is no JSON object, or a known key has a value of the wrong form.
    """
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError.at(source, "is not JSON") from error
    if not isinstance(value, dict):
        raise InputError.at(source, "must be an object")
    for name in ("claimed_theft", "posted"):
        text = value.get(name)
        if text is not None and (not isinstance(text, str) or _first_moment(text) is None):
            raise InputError.at(source, "must be a month or a day, such as 2025-06 or 2025-06-10", field=name)
    for name in _COUNTS:
        count = value.get(name)
        if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 0):
            raise InputError.at(source, "must be a whole number", field=name)
    brands = value.get("claimed_brands") or []
    if not isinstance(brands, list):
        raise InputError.at(source, "must be a list", field="claimed_brands")
    price = value.get("price")
    return Statement(
        posted=value.get("posted"), channel=_text(value, "channel"),
        seller=_text(value, "seller") or _text(value, "actor"),
        brands=tuple(str(brand)[:200] for brand in brands[:100]), rows=value.get("claimed_rows"),
        emails=value.get("claimed_emails"), persons=value.get("claimed_persons"), theft=value.get("claimed_theft"),
        price=None if price is None else str(price)[:200], text=_text(value, "text"),
    )  # fmt: skip


def _text(value: dict[str, Any], name: str) -> str | None:
    found = value.get(name)
    return None if found is None else str(found)[:5000]


def _first_moment(text: str) -> int | None:
    """Return the first moment of a month or day in microseconds, None where it is neither."""
    match = _MONTH.match(text) or _DAY.match(text[:10])
    if match is None:
        return None
    year, month, *day = map(int, match.groups())
    try:
        return to_microseconds(datetime(year, month, day[0] if day else 1, tzinfo=UTC))
    except ValueError:
        return None
