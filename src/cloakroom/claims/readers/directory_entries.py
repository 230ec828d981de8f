"""LDIF, as directories export their entries: a row for each entry about a person (RFC 2849).

Folded lines are joined, values in base64 decoded; several values of one attribute become several columns. Short names
of attributes (RFC 4519) are written out. Entries that show nobody, as those of units and groups, are no rows.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.row_filter import RowFilter
from cloakroom.claims.readers.tolerant import logical_lines
from cloakroom.claims.tables import Batch, frame_of_records

ENTRY = re.compile(r"(?im)^dn::? ?[^\s=]*+=")
_LINE = re.compile(r"([A-Za-z][\w.-]*)((?:;[\w-]+)*):([:<]?) *(.*)", re.DOTALL)
_NAMES = {
    "sn": "surname", "cn": "full name", "gn": "given name", "l": "city", "st": "state", "c": "country",
    "co": "country name", "o": "organisation", "ou": "unit", "userid": "uid", "rfc822mailbox": "mail",
    "telephonenumber": "telephone", "homephone": "home phone", "postalcode": "postal code", "givenname": "given name",
    "streetaddress": "street", "postaladdress": "postal address", "employeenumber": "employee number",
    "displayname": "display name", "preferredlanguage": "language", "dateofbirth": "date of birth",
}  # fmt: skip
_LEFT_OUT = frozenset(
    {"objectclass", "userpassword", "jpegphoto", "usercertificate", "changetype", "control", "version"}
)
_VALUE_MAX, _LINES_MAX = 1 << 16, 4_000
_ROWS_PER_BATCH = 20_000


def read_directory(blocks: Iterator[bytes], limits: Limits) -> Iterator[Batch]:
    """Yield a row for each entry about a person.

    Args:
        blocks: Valid UTF-8.
        limits: Lines are cut at `record_bytes`, rows at `columns` values.
    """
    kept = RowFilter()
    records: list[dict[str, str]] = []
    for entry in _entries(logical_lines(blocks, limits.record_bytes)):
        records.extend(kept.take(_row(entry, limits.columns)))
        if len(records) >= _ROWS_PER_BATCH:
            yield Batch(frame_of_records(records, limits.columns))
            records = []
    if records:
        yield Batch(frame_of_records(records, limits.columns))


def _entries(lines: Iterator[str]) -> Iterator[list[str]]:
    """Yield the lines of each entry, unfolded."""
    entry: list[list[str]] = []
    count = 0
    for line in lines:
        is_first = line[:3].lower() == "dn:"
        if not line.strip() or is_first:
            if entry:
                yield ["".join(parts) for parts in entry]
            entry, count = [], 0
            if not is_first:
                continue
        count += 1
        if count > _LINES_MAX:
            continue
        if line[0] == " " and entry:
            entry[-1].append(line[1:])
        else:
            entry.append([line])
    if entry:
        yield ["".join(parts) for parts in entry]


def _row(lines: list[str], columns_max: int) -> dict[str, str]:
    row: dict[str, str] = {}
    seen: dict[str, int] = {}
    for line in lines:
        match = None if line.startswith("#") else _LINE.match(line)
        if match is None or match[3] == "<" or match[1].lower() in _LEFT_OUT:
            continue
        name = _NAMES.get(match[1].lower(), match[1])
        value = match[4][:_VALUE_MAX]
        value = (_from_base64(value) if match[3] else value).strip()
        if not value or len(row) >= columns_max:
            continue
        seen[name] = seen.get(name, 0) + 1
        row[name if seen[name] == 1 else f"{name} ({seen[name]})"] = value
    return row


def _from_base64(value: str) -> str:
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4)).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return value
