"""``feed``: the ledger as OCSF events, for security monitoring."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from cloakroom.adapters.siem import open_sink
from cloakroom.cli.output import HomeOption, JsonOption, complain, print_json, say
from cloakroom.settings import load_settings
from cloakroom.use_cases.ledger.feed import Cursor, Fed, cursor_path, feed
from cloakroom.wiring import application


def feed_command(
    to: Annotated[
        str,
        typer.Option(
            help="file:PATH, stdout, syslog://HOST:PORT (TCP), syslog+udp://HOST:PORT or syslog+unix:///PATH."
        ),
    ],
    start: Annotated[
        int | None, typer.Option("--from", min=0, help="Begin at this entry, not where the last run ended.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until told to stop.")] = False,
    fsync: Annotated[bool, typer.Option(help="For files: flush each batch to the disk.")] = True,
    cursor: Annotated[
        Path | None, typer.Option(help="File that holds the place reached; below the store's folder unless told.")
    ] = None,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Send every entry of the ledger as an OCSF event, in order, each at least once."""
    settings = load_settings(home, node="feed")
    sink = open_sink(to, fsync=fsync)
    stop = threading.Event()
    if follow:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
    try:
        with application(settings) as opened:
            done = feed(
                opened,
                sink,
                Cursor(cursor or cursor_path(settings.home, sink.address)),
                start=start,
                wait=(lambda seconds: not stop.wait(seconds)) if follow else None,
                told=lambda error, pause: complain(
                    f"{sink.address}: {error.strerror or type(error).__name__}; trying again in {pause:.0f} s"
                ),
            )
    finally:
        sink.close()
    _report(done, sink.address, json_output=json_output)


def _report(done: Fed, address: str, *, json_output: bool) -> None:
    """Say what was done; beside the events where these went to standard output."""
    document = {"to": address, "sent": done.sent, "next": done.next}
    words = f"{done.sent:,} events sent; the next entry is {done.next:,}."
    if address == "stdout":
        complain(json.dumps(document) if json_output else words)
    elif json_output:
        print_json(document)
    else:
        say(words)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("feed")(feed_command)
