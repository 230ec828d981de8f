"""Canonical record ids; of Salesforce ids the long form, see `canonical.salesforce_ids`."""

from __future__ import annotations

import re

from cloakroom.canonical.salesforce_ids import id_suffix
from cloakroom.vault.mapping import IdStyle

MAX_LENGTH = 255

_SALESFORCE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")


def canonical_id(text: str, style: IdStyle) -> str | None:
    """Return the canonical form of a record id, or None where `text` is no id of this style."""
    trimmed = text.strip()
    if style is IdStyle.PLAIN:
        return trimmed if 0 < len(trimmed) <= MAX_LENGTH and trimmed.isprintable() else None
    if not _SALESFORCE.fullmatch(trimmed):
        return None
    full = trimmed[:15] + id_suffix(trimmed[:15])
    # Upper-cased copies of the 18-character form exist; their suffix still tells the case, but nobody needs
    # them here.
    return full if len(trimmed) == 15 or trimmed[15:].upper() == full[15:] else None
