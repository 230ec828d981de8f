"""The register of breaches (GDPR Article 33(5) and its kin): every incident, notified or not. Not legal advice."""

from cloakroom.duty.register.entries import Entry, entry_for, entry_from_json, entry_to_json, latest
from cloakroom.duty.register.retention import Law, Retention, parse_retention, retention_of
from cloakroom.duty.register.tables import REGISTER_NOTE, render_csv, render_json, render_page

__all__ = [
    "REGISTER_NOTE",
    "Entry",
    "Law",
    "Retention",
    "entry_for",
    "entry_from_json",
    "entry_to_json",
    "latest",
    "parse_retention",
    "render_csv",
    "render_json",
    "render_page",
    "retention_of",
]
