"""vCards of the versions 2.1, 3.0 and 4.0: a row for each card (RFC 6350, RFC 2426, versit 2.1).

Folded lines are joined, quoted-printable values decoded, escapes undone. Names and postal addresses are taken apart;
several values of one kind become several columns. Pictures, sounds and keys are left out.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.tolerant import logical_lines
from cloakroom.claims.tables import BROKEN_KEPT, Batch, frame_of_records

CARD = re.compile(r"(?im)^[ \t]*+BEGIN:VCARD[ \t\r]*+$")
_LINE = re.compile(r"""(?:[\w-]+\.)?([\w-]+)((?:;(?:[^:;"]|"[^"]*")*)*):(.*)""", re.DOTALL)
_PARTS = {
    "N": ("family name", "given name", "additional name", "prefix", "suffix"),
    "ADR": ("post box", "address line", "street", "city", "region", "postal code", "country"),
    "ORG": ("organisation", "department"),
}
_NAMES = {
    "FN": "full name", "EMAIL": "email", "TEL": "phone", "BDAY": "birth date", "UID": "uid", "URL": "web site",
    "NOTE": "note", "TITLE": "job", "ROLE": "function", "NICKNAME": "nickname", "GENDER": "gender",
    "LANG": "language", "REV": "revision", "CATEGORIES": "categories",
}  # fmt: skip
_LEFT_OUT = frozenset({"BEGIN", "END", "VERSION", "PRODID", "PHOTO", "LOGO", "SOUND", "KEY", "LABEL", "AGENT"})
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SEMICOLON = re.compile(r"(?<!\\);")
_SCHEME = re.compile(r"(?i)^(?:tel|mailto|urn:uuid):")
_CHARSET = re.compile(r"(?i);CHARSET=\"?([\w-]+)")
_CODED = re.compile(r"(?i);(?:ENCODING=)?QUOTED-PRINTABLE")
_BINARY = re.compile(r"(?i);(?:ENCODING=)?(?:B|BASE64)(?:;|$)")
_LINES_MAX, _VALUE_MAX = 4_000, 1 << 16
_ROWS_PER_BATCH = 20_000


def read_cards(blocks: Iterator[bytes], limits: Limits) -> Iterator[Batch]:
    """Yield a row for each card.

    Args:
        blocks: Valid UTF-8.
        limits: Lines are cut at `record_bytes`, rows at `columns` values.
    """
    cards = _Cards(limits.columns)
    for line in logical_lines(blocks, limits.record_bytes):
        cards.take(line)
        if len(cards.rows) >= _ROWS_PER_BATCH:
            yield cards.batch()
    cards.end()
    yield cards.batch()


@dataclass(slots=True)
class _Cards:
    """Cards gathered from lines."""

    columns_max: int
    rows: list[dict[str, str]] = field(default_factory=list, repr=False)
    broken: list[str] = field(default_factory=list, repr=False)
    _lines: list[str] | None = field(default=None, repr=False)

    def take(self, line: str) -> None:
        """Take a line in."""
        word = line.strip().upper()
        if word == "BEGIN:VCARD":
            self.end()
            self._lines = []
        elif word == "END:VCARD":
            self.end()
        elif self._lines is not None and len(self._lines) < _LINES_MAX:
            self._lines.append(line)

    def end(self) -> None:
        """End the card at hand, if there is one."""
        lines, self._lines = self._lines, None
        if lines is None:
            return
        row = self._row(lines)
        if row:
            self.rows.append(row)

    def batch(self) -> Batch:
        """Hand over what was gathered."""
        rows, broken = self.rows, tuple(self.broken)
        self.rows, self.broken = [], []
        return Batch(frame_of_records(rows, self.columns_max), broken, len(broken))

    def _row(self, lines: list[str]) -> dict[str, str]:
        row: dict[str, str] = {}
        for line in _unfolded(lines):
            match = _LINE.match(line)
            if match is None:
                if "@" in line:
                    self.broken.append(line[:BROKEN_KEPT])
                continue
            name, parameters = match[1].upper(), match[2]
            if name in _LEFT_OUT or _BINARY.search(parameters):
                continue
            for column, value in _values(name, _decoded(match[3][:_VALUE_MAX], parameters)):
                self._enter(row, column, value)
        return row

    def _enter(self, row: dict[str, str], column: str, value: str) -> None:
        if not value or len(row) >= self.columns_max:
            return
        number = 1
        while f"{column} ({number})" in row or (number == 1 and column in row):
            number += 1
            if number > self.columns_max:
                return
        row[column if number == 1 else f"{column} ({number})"] = value


def _unfolded(lines: list[str]) -> Iterator[str]:
    """Join folded lines: those that begin with a blank, and those after a soft break of quoted-printable."""
    parts: list[str] = []
    for line in lines:
        is_soft = bool(parts) and parts[-1].endswith("=") and _CODED.search(parts[0].partition(":")[0]) is not None
        if is_soft:
            parts[-1] = parts[-1][:-1]
            parts.append(line)
        elif parts and line[:1] in (" ", "\t"):
            parts.append(line[1:])
        else:
            if parts:
                yield "".join(parts)
            parts = [line]
    if parts:
        yield "".join(parts)


def _decoded(value: str, parameters: str) -> str:
    if _CODED.search(parameters) is None:
        return value
    raw = quopri.decodestring(value.encode())
    charset = _CHARSET.search(parameters)
    for encoding in (charset[1] if charset is not None else "utf-8", "utf-8"):
        try:
            return raw.decode(encoding)
        except (LookupError, UnicodeError):
            continue
    return raw.decode("cp1252", "replace")


def _values(name: str, value: str) -> Iterator[tuple[str, str]]:
    """Yield the columns that a property fills."""
    if name in _PARTS:
        pieces = _SEMICOLON.split(value)
        yield from ((column, _plain(piece)) for column, piece in zip(_PARTS[name], pieces, strict=False))
        return
    yield _NAMES.get(name, name.removeprefix("X-").lower()), _SCHEME.sub("", _plain(value))


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda match: " " if match[1] in "nN" else match[1], value).strip()
