"""Write docs/reference/limits.md from the limits in the code. `tests/docs` compares them."""

from __future__ import annotations

import re
import sys
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs/reference/limits.md"

HEAD = """\
# Limits

<!-- Written by tools/limits.py from the code; a test compares them. -->

Everything that comes from outside is bounded. Beyond a limit a file, row or request is refused with a message that
names the limit; nothing is silently cut off.
"""

# Heading: module and dataclass whose fields are the limits.
TABLES = {
    "Deliveries of a brand": ("cloakroom.adapters.deliveries.batches", "Limits"),
    "Policy file": ("cloakroom.gate.policy_reader", "Limits"),
    "Events for a SIEM": ("cloakroom.adapters.siem.message", "Limits"),
    "Requests over HTTP": ("cloakroom.web.protocol.limits", "Limits"),
    "Signatures of requests": ("cloakroom.signing.signature", "Limits"),
    "Log files and proofs": ("cloakroom.tlog.limits", "Limits"),
    "Verifying an export": ("cloakroom.ledger.export_files", "VerificationLimits"),
    "Alleged dumps": ("cloakroom.claims.limits", "Limits"),
    "Disclosures": ("cloakroom.disclosures.disclosure", "Limits"),
    "Persons behind records": ("cloakroom.scoping.persons", "Limits"),
    "Other files written by hand": ("cloakroom.toml.document", "DocumentLimits"),
    "Severity": ("cloakroom.duty.severity.model", "AssessmentLimits"),
    "Filings": ("cloakroom.duty.filings.model", "FilingLimits"),
}

# Module, constant, what it bounds.
CONSTANTS = (
    ("cloakroom.flows.records.reveal", "MAX_TOKENS", "tokens in one `reveal`"),
    ("cloakroom.flows.records.find", "MAX_FOUND", "records of a brand that one search may find"),
    ("cloakroom.cli.store.maintenance", "ERASED_AT_ONCE", "tokens in one `erase` on the command line"),
    ("cloakroom.cli.records.find_and_reveal", "LINE_MAX", "characters of a value read from standard input"),
    ("cloakroom.use_cases.ledger.access_report", "MAX_RECORDS", "records of one access report"),
    ("cloakroom.use_cases.ledger.access_report", "MAX_OPENINGS", "openings of one access report"),
    ("cloakroom.use_cases.people.ceremonies", "MAX_CEREMONIES", "sign-ins and enrolments under way at once"),
    ("cloakroom.use_cases.people.ceremonies", "MAX_CEREMONIES_FROM_ADDRESS", "those from one address"),
    (
        "cloakroom.use_cases.people.passkey_enrolment",
        "MAX_REQUESTED",
        "passkeys of one person that wait for approval",
    ),
    ("cloakroom.gate.validity", "UNUSED_DAYS", "days after which a credential that nobody used has lapsed"),
    ("cloakroom.ledger.entry", "MAX_ENTRY_SIZE", "bytes of one ledger entry"),
    ("cloakroom.vault.envelope", "MAX_VALUE_SIZE", "bytes of one sealed value"),
    ("cloakroom.vault.envelope", "MAX_FIELD_NUMBER", "fields of a group, over its whole life"),
    ("cloakroom.vault.catalogue", "MAX_INDEX_NUMBER", "indexes of a group"),
    ("cloakroom.vault.catalogue", "MAX_INDEX_GENERATION", "rotations of a brand's index key"),
    ("cloakroom.adapters.configuration_folder", "MAX_FILES", "files of a configuration folder"),
    ("cloakroom.adapters.configuration_folder", "MAX_FILE_BYTES", "bytes of one of them"),
    ("cloakroom.adapters.deliveries.parquet_rows", "MAX_COMPRESSED_BYTES", "bytes of a compressed Parquet file"),
    ("cloakroom.adapters.deliveries.record_ids", "MAX_LENGTH", "characters of a record's id"),
    ("cloakroom.canonical.email", "MAX_LENGTH", "characters of an e-mail address that is normalised"),
    ("cloakroom.canonical.name", "MAX_LENGTH", "characters of a name that is normalised"),
    ("cloakroom.canonical.phone", "MAX_LENGTH", "characters of a telephone number that is normalised"),
    ("cloakroom.canonical.json", "MAX_INTEGER", "largest integer in canonical JSON"),
)

_ATTRIBUTE = re.compile(r"^        (\w+): (.*?)(?=^        \w+: |\Z)", re.MULTILINE | re.DOTALL)


def rows_of(module: str, name: str) -> list[tuple[str, str, str]]:
    """Return name, value and meaning of every limit of a dataclass."""
    kind = getattr(import_module(module), name)
    limits = kind()
    words = {found[1]: " ".join(found[2].split()) for found in _ATTRIBUTE.finditer(kind.__doc__ or "")}
    rows = []
    for field in fields(kind):
        value = getattr(limits, field.name)
        if is_dataclass(value):
            continue  # has a table of its own
        if field.name not in words:
            raise SystemExit(f"{module}.{name}.{field.name} has no sentence in its docstring")
        rows.append((field.name, _number(value), words[field.name]))
    return rows


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for heading, (module, name) in TABLES.items():
        parts.append(f"\n## {heading}\n\n`{module}.{name}`\n\n| Limit | Value | Bounds |\n|---|---:|---|\n")
        parts += [f"| `{limit}` | {value} | {words} |\n" for limit, value, words in rows_of(module, name)]
    parts.append("\n## Single numbers\n\n| Constant | Value | Bounds |\n|---|---:|---|\n")
    for module, name, words in CONSTANTS:
        parts.append(f"| `{module}.{name}` | {_number(getattr(import_module(module), name))} | {words} |\n")
    return "".join(parts)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) or value < 1 else f"{value:,.0f}"


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
