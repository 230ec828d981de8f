"""``siem``: the ledger as a feed of OCSF events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloakroom.cli.output import HomeOption, JsonOption, console, print_json
from cloakroom.settings import load_settings


def feed_command(
    to: Annotated[
        str,
        typer.Argument(help="stdout, file:PATH, syslog:/dev/log, syslog+udp://HOST:PORT or syslog+tcp://HOST:PORT"),
    ],
    cursor: Annotated[
        Path | None, typer.Option(help="File that keeps the place, so that the feed goes on where it stopped.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for more at the end of the log.")] = False,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Send entries as OCSF JSON lines, in the order of the log."""
    from cloakroom.adapters.siem import open_sink  # noqa: PLC0415 - so that other commands start quickly
    from cloakroom.feeding import Cursor, feed  # noqa: PLC0415
    from cloakroom.wiring import application  # noqa: PLC0415

    sink = open_sink(to)
    try:
        with application(load_settings(home, node="siem")) as opened:
            opened.sequencer.run()
            sent = feed(opened, sink, Cursor(cursor), until=(lambda: False) if follow else None)
    except KeyboardInterrupt:
        return
    finally:
        sink.close()
    if to == "stdout":
        return
    if json_output:
        print_json({"sent": sent})
    else:
        console.print(f"{sent:,} events sent.", highlight=False)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("siem")(feed_command)
