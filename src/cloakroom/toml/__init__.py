"""TOML files written by hand, read strictly: every mistake is reported, with its file, line and key.

    text ── parse_document ──▶ Table ── text, number, table … ──▶ values
                                 └── close, check ──▶ every mistake at once

- `parse_document` gives the root `Table`. Its reader takes each key that it knows, by type; `Table.close` reports the
  keys that nobody took, with the one that was probably meant. Mistakes are collected; `Table.check` raises them all,
  in the order of their lines.
- Messages name files, lines, keys and what was expected. They never repeat a value, which may be somebody's data.
- A byte-order mark at the beginning is passed over. A key or table that stands twice is a mistake. Size, depth,
  entries and texts are bounded by `DocumentLimits`.
- `statements` finds the lines, since the standard reader does not tell them.
"""

from __future__ import annotations

from cloakroom.toml.document import Document, DocumentLimits
from cloakroom.toml.parsing import parse_document
from cloakroom.toml.statements import Path
from cloakroom.toml.table import Table

__all__ = ["Document", "DocumentLimits", "Path", "Table", "parse_document"]
