"""``demo``: what Cloakroom does, in a minute."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from cloakroom.cli.incident.affected import affected_document
from cloakroom.cli.output import JsonOption, console, print_counts, print_json, say, visible
from cloakroom.settings import load_settings
from cloakroom.testing.demo import DemoResult, run_demo


def demo(
    records: Annotated[int, typer.Option(min=1_000, max=40_000_000, help="Records of the synthetic group.")] = 50_000,
    keep: Annotated[Path | None, typer.Option(help="Folder to leave the store in; must not exist.")] = None,
    serve: Annotated[bool, typer.Option(help="Leave the store there at the end, until you press Enter.")] = True,
    json_output: JsonOption = False,
) -> None:
    """Import a three-brand group, let staff work, let a thief steal a credential, and count what he got."""
    folder = keep.absolute() if keep is not None else Path(tempfile.mkdtemp(prefix="cloakroom-demo-")) / "store"
    settings = replace(load_settings(folder, node="demo"), database_url=None, root_key=f"file:{folder / 'root.key'}")
    if not json_output:
        say(("Cloakroom demo", "bold"), ": all people, brands and addresses are invented.\n")
    try:
        result = run_demo(settings, records=records, narrate=_silent if json_output else _narrate)
        if json_output:
            print_json(demo_document(result))
        else:
            _print(result)
        if serve and not json_output and console.is_terminal:
            _serve(settings.home)
    finally:
        if keep is None:
            shutil.rmtree(folder.parent, ignore_errors=True)


def demo_document(result: DemoResult) -> dict[str, object]:
    """Return the JSON form of a demonstration."""
    theft, affected = result.theft, affected_document(result.affected)
    return {
        "records": sum(result.world.records.values()),
        "brands": dict(sorted(result.world.records.items())),
        "staff": {"records": result.staff_records},
        "thief": {
            "principal": theft.principal,
            "ceiling": theft.ceiling,
            "ceiling_opened": theft.bound.records,
            "ceiling_searched": theft.bound.probes,
            "opened": len(theft.opened),
            "values_seen": len(theft.values_seen),
            "refused": theft.refused,
            "requests": theft.requests,
            "frozen_after_s": theft.frozen_after_s,
        },
        "affected": affected,
        "ledger": {
            "entries": result.verified_entries,
            "size": result.export.size,
            "root": result.export.root.hex(),
            "verified": result.verified_entries == result.export.size,
        },
        "seconds": {name: round(value, 3) for name, value in result.seconds.items()},
    }


def _narrate(heading: str, sentence: str) -> None:
    say((heading, "bold cyan"))
    console.print(Padding(Text(visible(sentence)), (0, 0, 0, 2)))


def _silent(_heading: str, _sentence: str) -> None:
    """Say nothing."""


def _print(result: DemoResult) -> None:
    report = result.affected.report
    say("")
    print_counts("Affected records by brand", report.splits["brand"])
    print_counts("Affected records by country", report.splits["country"])
    fields = {name: sum(forms.values()) for name, forms in report.fields.items()}
    print_counts("Affected records by field", fields)
    same = report.records == result.theft.opened
    say(
        f"\nThe thief's own notes name {len(result.theft.opened):,} records, the ledger {len(report.records):,}: ",
        ("the same ones", "bold green") if same else ("not the same ones", "bold red"),
        ".",
    )
    total = sum(result.world.records.values())
    say(
        f"Out of {total:,} records, the stolen credential opened {len(result.theft.values_seen):,}; "
        f"the ceiling was {result.theft.bound.records:,}."
    )
    say(f"All of it took {sum(result.seconds.values()):.0f} s.")


def _serve(home: Path) -> None:
    say(f"\nThe store stays in {home} until you press Enter.")
    typer.prompt("", default="", show_default=False, prompt_suffix="")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)
