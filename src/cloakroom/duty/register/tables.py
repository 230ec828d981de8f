"""The register as JSON, as a table for spreadsheets, and as values for a PDF."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Final

from cloakroom.duty.register.entries import entry_to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cloakroom.duty.register.entries import Entry

__all__ = ["REGISTER_NOTE", "render_csv", "render_json", "render_page"]

REGISTER_NOTE: Final = (
    "Register of personal data breaches (GDPR Article 33(5) and its kin). Computed from facts; not legal advice."
)


def _joined(values: dict[str, Any]) -> str:
    return "; ".join(f"{name} {number}" for name, number in values.items())


def _statuses(entry: Entry, status: str) -> str:
    return "; ".join(d["duty"] for d in entry.decisions if d["status"] == status)


def _not_due(entry: Entry) -> str:
    refused = [d for d in entry.decisions if d["status"] == "not_due" and d["reasons"]]
    return "; ".join(f"{d['duty']}: {', '.join(d['reasons'])}" for d in refused)


def _severity(entry: Entry) -> str:
    return "; ".join(
        f"{s['segment']}: {s['score']} ({s['band'].replace('_', ' ')})" for s in entry.effects["segments"]
    )


def _decided(entry: Entry) -> str:
    return "; ".join(
        f"{s['segment'].replace('_', ' ')}: {s['decided'] or s['recommended']}"
        + (f" ({s['decided_by']}: {s['decision_reasons']})" if s["decided_by"] else " (recommended)")
        for s in entry.effects["segments"]
    )


_COLUMNS: Final[dict[str, Callable[[Entry], object]]] = {
    "incident": lambda e: e.incident,
    "controller": lambda e: e.name,
    "aware_at": lambda e: e.facts["aware_at"],
    "occurred_from": lambda e: e.facts.get("occurred_from", ""),
    "occurred_to": lambda e: e.facts.get("occurred_to", ""),
    "nature": lambda e: "; ".join(e.facts["nature"]),
    "cause": lambda e: e.facts["cause"],
    "taken": lambda e: e.facts["taken"],
    "data": lambda e: "; ".join(e.facts["data"]),
    "persons": lambda e: e.facts["persons"],
    "records": lambda e: e.facts["records"],
    "persons_by_place": lambda e: _joined(e.facts["persons_by_place"]),
    "severity": _severity,
    "decision": _decided,
    "consequences": lambda e: e.effects["consequences"],
    "remedy": lambda e: "; ".join(e.remedy.values()),
    "notified": lambda e: "yes" if e.notified else "no",
    "filings": lambda e: "; ".join(f"{f['authority']} {f['reference']} {f['at']}" for f in e.filings),
    "persons_told": lambda e: e.persons_told,
    "duties_due": lambda e: _statuses(e, "due"),
    "duties_conditional": lambda e: _statuses(e, "conditional"),
    "ask_counsel": lambda e: _statuses(e, "ask_counsel"),
    "not_due_because": _not_due,
    "recorded_at": lambda e: e.recorded_at,
    "recorded_by": lambda e: e.by,
    "keep_until": lambda e: e.keep_until,
}


def render_json(entries: Sequence[Entry]) -> str:
    """Return the register as JSON."""
    values = {"note": REGISTER_NOTE, "entries": [entry_to_json(entry) for entry in entries]}
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def render_csv(entries: Sequence[Entry]) -> str:
    """Return the register as CSV (RFC 4180), one row for each incident and controller.

    Text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for entry in entries:
        writer.writerow([_harmless(read(entry)) for read in _COLUMNS.values()])
    return out.getvalue()


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value


def render_page(entries: Sequence[Entry], *, made_at: str) -> dict[str, Any]:
    """Return the values that the PDF template reads."""
    return {
        "title": "Register of personal data breaches",
        "language": "en",
        "note": REGISTER_NOTE,
        "made_at": made_at,
        "entries": [
            {**entry_to_json(entry), "severity": _severity(entry), "decided": _decided(entry)} for entry in entries
        ],
    }
