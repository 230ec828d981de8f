"""Enter incidents in the register of breaches, and export it. Not legal advice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloakroom.adapters.case_folder import CaseFolder
from cloakroom.adapters.legal_data import load_form_library, load_retention
from cloakroom.adapters.pdf import Typesetter
from cloakroom.clock import format_time
from cloakroom.duty.filings.records import filing_id
from cloakroom.duty.register import (
    Entry,
    entry_for,
    entry_from_json,
    entry_to_json,
    latest,
    render_csv,
    render_json,
    render_page,
)
from cloakroom.errors import TamperedError, UsageError
from cloakroom.use_cases.incident.filing_records import FilingRecords
from cloakroom.use_cases.incident.filings import CaseFiles, load_case

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

__all__ = ["AddedEntry", "add_entries", "export_register", "read_register"]


@dataclass(frozen=True, slots=True)
class AddedEntry:
    """An entry that was kept, and its number among the versions of its incident and controller."""

    entry: Entry
    number: int


def add_entries(folder: Path, files: CaseFiles, *, incident: str, by: str, at: datetime) -> tuple[AddedEntry, ...]:
    """Enter an incident, or a new version of it, for each of its controllers.

    Args:
        folder: Folder of the case.
        files: What is known.
        incident: Name of the incident, such as 2026-03.
        by: Who makes the entry.
        at: Now.

    Raises:
        InputError: With every mistake of a file.
        UsageError: The incident or the person has no name.
        TamperedError: A filing was altered.
    """
    if not by.strip() or not incident.strip():
        raise UsageError("an entry needs --incident and --by")
    case = CaseFolder(folder)
    filed = FilingRecords(case).all()
    known = load_case(files, load_form_library(), filed)
    laws = load_retention()
    added = []
    for controller in known.facts.controllers:
        entry = entry_for(known, controller.id, incident=incident, at=at, by=by, laws=laws, records=filed)
        prefix = f"register/{filing_id(incident)}/{controller.id}/"
        number = len(case.names(prefix)) + 1
        data = json.dumps(entry_to_json(entry), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        case.put(f"{prefix}{number:04}.json", data.encode())
        added.append(AddedEntry(entry, number))
    return tuple(added)


def read_register(folder: Path) -> list[Entry]:
    """Return the newest version of every entry, the oldest incident first.

    Raises:
        TamperedError: An entry is not as it was written.
    """
    case = CaseFolder(folder)
    found = []
    for path in case.names("register/"):
        try:
            found.append(entry_from_json(json.loads(case.get(path))))
        except (ValueError, TypeError) as error:
            raise TamperedError(f"{path} is not as it was written") from error
    return latest(found)


def export_register(entries: list[Entry], form: str, *, at: datetime) -> bytes:
    """Return the register as a file.

    Args:
        entries: As `read_register` gives them.
        form: json, csv or pdf.
        at: Time printed on a PDF.

    Raises:
        UsageError: There is no such format.
    """
    match form:
        case "json":
            return render_json(entries).encode()
        case "csv":
            return render_csv(entries).encode()
        case "pdf":
            page = render_page(entries, made_at=format_time(at))
            return Typesetter().render("register", page, at=at).pdf
    raise UsageError("the register exports as json, csv or pdf")
