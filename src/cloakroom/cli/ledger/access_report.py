"""``access-report``: who opened a person's records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloakroom.cli.output import AsOption, HomeOption, JsonOption, print_json, print_table, say
from cloakroom.settings import load_settings


def access_report(
    tokens: Annotated[list[str], typer.Argument(help="Tokens of the person's records, as `find` gives them.")],
    credential: AsOption,
    purpose: Annotated[str, typer.Option(help="Purpose of the policy that allows `access-report`.")],
    reference: Annotated[str | None, typer.Option(help="Number of the case, where the purpose needs one.")] = None,
    proofs: Annotated[
        Path | None, typer.Option(help="New folder for a proof file of each entry, and the log's key.")
    ] = None,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Report who opened a person's records: which fields, when, for which purpose, each entry with its proof."""
    from cloakroom.clock import format_time, from_microseconds  # noqa: PLC0415
    from cloakroom.tlog.proof_file import SUFFIX  # noqa: PLC0415
    from cloakroom.use_cases.ledger.access_report import report_access  # noqa: PLC0415 - so that other commands start quickly
    from cloakroom.use_cases.people.principals import authenticate  # noqa: PLC0415
    from cloakroom.wiring import application  # noqa: PLC0415

    with application(load_settings(home)) as opened:
        who = authenticate(opened.records, credential, at=opened.now())
        found = report_access(opened, who, tokens, purpose=purpose, reference=reference)
    documents: list[dict[str, object]] = [
        {
            "entry": item.leaf_index,
            "at": format_time(from_microseconds(item.entry.at)),
            "principal": item.entry.principal,
            "operation": str(item.entry.operation),
            "purpose": item.entry.purpose,
            "reference": item.entry.reference,
            "fields": dict(item.entry.shape),
        }
        for item in found.openings
    ]
    if proofs is not None:
        proofs.mkdir(parents=True)
        (proofs / "log.key").write_text(f"{found.key}\n", "utf-8")
        for item in found.openings:
            (proofs / f"{item.leaf_index}{SUFFIX}").write_bytes(item.proof.render())
    if json_output:
        print_json({"records": found.records, "log_size": found.size, "log_key": found.key, "openings": documents})
        return
    columns = ("entry", "at", "principal", "operation", "purpose", "reference", "fields")
    rows = [[", ".join(value) if isinstance(value, dict) else value for value in item.values()] for item in documents]
    print_table("Openings", columns, rows)
    say(f"{len(documents)} openings of {found.records} records in {found.size} entries of the log.")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("access-report")(access_report)
