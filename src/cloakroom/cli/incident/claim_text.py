"""A claim's report for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.panel import Panel
from rich.text import Text

from cloakroom.cli.output import console, print_table, say, visible

_COLOURS = {
    "genuine": "red", "mixed": "yellow", "recycled": "cyan", "foreign": "green", "addresses only": "yellow",
    "cannot tell": "bold white",
}  # fmt: skip


def print_claim(document: Mapping[str, Any]) -> None:
    """Print one report."""
    word = document["verdict"]
    reasons = "\n".join(f"· {reason}" for reason in document["reasons"])
    title = Text(word, style=f"bold {_COLOURS.get(word, 'white')}")
    console.print(Panel(Text(visible(reasons)), title=title, title_align="left"))
    claimed, persons = document["claimed"], document["persons"]
    rows = [
        ("rows", _count(claimed.get("rows")), _count(document["rows"])),
        ("rejected rows", "", _count(document["rejected_rows"])),
        ("distinct e-mails", _count(claimed.get("emails")), _count(document["emails_distinct"])),
        ("  as the press will count them", "", _count(document["emails_public_rule"])),
        ("  known to us", "", _count(document["emails_known"])),
        ("  never held", "", _count(document["emails_foreign"])),
        ("distinct telephone numbers", "", _count(document["phones_distinct"])),
        ("persons", _count(claimed.get("persons")), f"{persons['lower']:,} to {persons['upper']:,}"),
    ]
    print_table("Claimed and found", ("", "claimed", "found"), rows)
    for name, brand in document["brands"].items():
        _print_brand(name, brand)
    for candidate in document["attribution"]:
        say((f"{candidate['kind']} {candidate['id']}", "bold"), f": {candidate['reason']}")
    for earlier in document["earlier"]:
        say(f"{earlier['share']:.1%} was in claim {earlier['id']} of {earlier['checked_at']} ({earlier['relation']})")
    files = [(item["path"], item["format"], item["encoding"] or "", item["rows"], item["rejected_rows"],
              "; ".join(item["notes"])) for item in document["files"]]  # fmt: skip
    print_table("Files", ("file", "form", "encoding", "rows", "rejected", "notes"), files)
    for unknown in document["unknown"]:
        say(f"Not known: {unknown}")
    say(f"Claim {document['id']}; values of {document['records_opened']:,} records were opened for it.")


def _print_brand(name: str, brand: Mapping[str, Any]) -> None:
    records = brand["records"]
    counts = f"{records['proven']:,} of {brand['of']:,} records proven, {records['bounded']:,} share an address only"
    say((name, "bold"), f": {counts}")
    if brand["fields"]:
        say(f"  fields: {', '.join(brand['fields'])}")
    if brand.get("fields_contradicted"):
        say(f"  filled with other values than ours: {', '.join(brand['fields_contradicted'])}")
    for snapshot in brand["snapshots"] if brand.get("is_borne_out", True) else ():
        say(f"  as of {snapshot['from']} to {snapshot['to']}: {snapshot['share']:.1%} of the rows")


def print_claims(reports: Sequence[Mapping[str, Any]]) -> None:
    """Print the register, oldest first."""
    rows = [
        (item["id"], item["checked_at"], item["claimed"].get("seller") or "", item["verdict"], item["rows"],
         sum(brand["records"]["proven"] for brand in item["brands"].values()))
        for item in reports
    ]  # fmt: skip
    print_table("Claims", ("id", "checked", "seller", "verdict", "rows", "records"), rows, whole=("id",))


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
