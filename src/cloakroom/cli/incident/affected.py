"""``affected``: who was opened, which fields, since when, through whom."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloakroom.cli.output import (
    HomeOption,
    JsonOption,
    option_time,
    print_counts,
    print_json,
    print_table,
    say,
    waiting,
)
from cloakroom.clock import format_time, from_microseconds, to_microseconds
from cloakroom.errors import UsageError
from cloakroom.settings import load_settings
from cloakroom.use_cases.incident.affected import Affected, affected_by
from cloakroom.use_cases.incident.facts_file import facts_of
from cloakroom.wiring import application


def affected_command(
    principal: Annotated[
        str | None, typer.Argument(help="Principal whose lineage is asked about; all unless told.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="First moment, such as 2026-02-20T00:00:00Z.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="First moment after.")] = None,
    persons: Annotated[
        bool, typer.Option(help="Count the persons behind the records, which opens their names.")
    ] = True,
    facts: Annotated[
        Path | None, typer.Option(help="Write the facts file for `cloakroom duties evaluate` (needs --aware-at).")
    ] = None,
    aware_at: Annotated[
        str | None, typer.Option(help="When the controller became aware, such as 2026-03-02T09:00:00Z.")
    ] = None,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Compute the affected set from the ledger: exact records and fields, persons as an interval."""
    aware, span = _time(aware_at, "--aware-at"), (_time(start, "--from"), _time(end, "--to"))
    if facts is not None and aware is None:
        raise UsageError("--facts needs --aware-at: the moment from which most clocks run")
    with application(load_settings(home)) as opened, waiting("counting", quiet=json_output):
        if principal is not None:
            opened.records.principal(principal)
        found = affected_by(opened, lineage=principal, start=span[0], end=span[1], count_persons=persons)
        opened.sequencer.run()
        if facts is not None and aware is not None:
            facts.write_text(
                facts_of(opened.catalogue, opened.configuration, found, aware_at=aware), encoding="utf-8"
            )
    document = affected_document(found)
    if json_output:
        print_json(document)
    else:
        _print(found)


def affected_document(found: Affected) -> dict[str, object]:
    """Return the JSON form of an affected set."""
    report = found.report
    persons = found.persons
    return {
        "records": len(report.records),
        "found_only": len(report.found_only),
        "by_brand": dict(report.splits["brand"]),
        "by_country": dict(report.splits["country"]),
        "by_region": dict(report.splits["region"]),
        "by_language": dict(report.splits["language"]),
        "by_kind": dict(report.splits["kind"]),
        "by_spend_band": dict(report.splits["spend_band"]),
        "minors": report.minors,
        "fields": {name: dict(forms) for name, forms in report.fields.items()},
        "field_sets": [{"fields": list(names), "records": count} for names, count in report.field_sets.items()],
        "persons": None
        if persons is None
        else {"lower": persons.lower, "best": persons.best, "upper": persons.upper, "method": persons.method},
        "first_at": None if report.first_at is None else format_time(from_microseconds(report.first_at)),
        "last_at": None if report.last_at is None else format_time(from_microseconds(report.last_at)),
        "entries": report.entries,
        "lineages": list(report.lineages),
    }


def _print(found: Affected) -> None:
    report = found.report
    if not report.records:
        say("Nobody: no permitted entry with records in this span.")
        return
    assert report.first_at is not None
    assert report.last_at is not None
    first, last = (format_time(from_microseconds(at)) for at in (report.first_at, report.last_at))
    say((f"{len(report.records):,} records", "bold"), f", proven by {report.entries:,} ledger entries.")
    say(f"First {first}, last {last}.")
    if found.persons is not None:
        say(f"Persons behind them: between {found.persons.lower:,} and {found.persons.upper:,}.")
    if report.found_only:
        say(f"Of {len(report.found_only):,} only the existence was told.")
    for name, title in (("brand", "By brand"), ("country", "By country"), ("spend_band", "By spend band")):
        print_counts(title, report.splits[name])
    rows = [(name, form, count) for name, forms in report.fields.items() for form, count in forms.items()]
    print_table("Fields", ("field", "form", "records"), rows)


def _time(text: str | None, option: str) -> int | None:
    return to_microseconds(option_time(text, option)) if text else None


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("affected")(affected_command)
