"""Canonical record ids.

Salesforce ids have 15 characters whose case matters, and a form of 18 whose last three encode which of the others are
capitals: each of them stands for five characters, the first being the lowest bit, in A–Z and 0–5. The canonical form
is the long one.
"""

from __future__ import annotations

import re

from cloakroom.vault.mapping import IdStyle

MAX_LENGTH = 255

_SALESFORCE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_CAPITALS = str.maketrans(
    {chr(code): "1" for code in range(ord("A"), ord("Z") + 1)}
    | {chr(code): "0" for code in (*range(ord("a"), ord("z") + 1), *range(ord("0"), ord("9") + 1))}
)
_SUFFIX = {f"{value:05b}"[::-1]: "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[value] for value in range(32)}


def canonical_id(text: str, style: IdStyle) -> str | None:
    """Return the canonical form of a record id, or None where `text` is no id of this style."""
    trimmed = text.strip()
    if style is IdStyle.PLAIN:
        return trimmed if 0 < len(trimmed) <= MAX_LENGTH and trimmed.isprintable() else None
    if not _SALESFORCE.fullmatch(trimmed):
        return None
    full = trimmed[:15] + checksum(trimmed[:15])
    # Upper-cased copies of the 18-character form exist; their suffix still tells the case, but nobody needs
    # them here.
    return full if len(trimmed) == 15 or trimmed[15:].upper() == full[15:] else None


def checksum(id15: str) -> str:
    """Return the three characters that complete a 15-character id."""
    bits = id15.translate(_CAPITALS)
    return _SUFFIX[bits[:5]] + _SUFFIX[bits[5:10]] + _SUFFIX[bits[10:]]
