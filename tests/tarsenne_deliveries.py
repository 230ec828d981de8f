"""Deliveries of the demonstration's brand Tarsenne, a row at a time, for stores of the synthetic group."""

from __future__ import annotations

import csv
from pathlib import Path

from cloakroom.adapters.postgres.import_store import PostgresImports
from cloakroom.vault.rows import RECORD_ID_INDEX
from cloakroom.wiring import Application

BRAND = "tarsenne"
COLUMNS = (
    *("customer_id", "first_name", "last_name", "email", "phone", "mobile", "street", "city", "state", "postcode"),
    *("country", "birth_date", "language", "kind", "store", "total_spend", "created_at", "updated_at", "deleted"),
)


def row(number: int, day: str, **columns: str) -> dict[str, str]:
    """Return a row of the record of a number, which holds from a day on; columns not named are empty."""
    named = {"customer_id": f"T{number:08d}", "updated_at": f"{day}T00:00:00Z", "deleted": "false", **columns}
    return dict.fromkeys(COLUMNS, "") | named


def gone(number: int, day: str) -> dict[str, str]:
    """Return the row that says that a record was deleted on a day."""
    return row(number, day, deleted="true")


def deliver(path: Path, *rows: dict[str, str]) -> Path:
    """Write a delivery and return where it lies."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    return path


def ordinal_of(application: Application, number: int) -> int | None:
    """Return the ordinal of the record of a number, or None where nobody is known under it."""
    brand = application.catalogue.brand(BRAND)
    digests = application.digests[brand]
    link = digests.link(RECORD_ID_INDEX, [f"T{number:08d}"])
    known = PostgresImports(application.connection).known(brand, digests, link)
    return known[0].ordinal if known else None
