"""``cloakroom``: every command, and how errors become words and exit codes.

Exit codes: 0 done, 1 refused or not verified, 2 bad usage or input, 130 interrupted with Ctrl-C.

A module of commands is imported when one of its commands is asked for: the list of commands and their summaries
stands here, and `tests/docs` compares it with what the modules say.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from cloakroom import __version__
from cloakroom.cli.output import JsonOption, complain, print_json, say
from cloakroom.errors import CloakroomError, DeniedError, OpenError, StatementError, UnverifiedError

INTERRUPTED = 130

# Command: module that registers it, summary. In the order in which people meet them.
COMMANDS = {
    "init": ("store.store", "Make a new store: database, root key, keys of each brand, ledger."),
    "import": ("store.store", "Import files of a brand's customer system, in the order given."),
    "status": ("store.store", "Show what the store holds: records by brand, ledger size, keys."),
    "migrate": ("store.store", "Bring an older store to the version that this program needs."),
    "policy": ("store.store", "Check and apply the configuration folder."),
    "principal": ("people.principals", "Enrol, list, freeze and renew people and applications."),
    "exposure": ("people.principals", "Show what a credential could open at most if it were stolen now."),
    "session": ("people.sessions", "See and end sessions of people."),
    "passkey": ("people.sessions", "Approve and revoke what people sign in with."),
    "find": ("records.find_and_reveal", "Find the records that hold a value; answers with tokens."),
    "reveal": ("records.find_and_reveal", "Show fields of the records behind tokens, as far as the purpose allows."),
    "affected": ("incident.affected", "Compute from the ledger who was opened: records, fields, persons."),
    "access-report": (
        "ledger.access_report",
        "Report who opened a person's records: which fields, when, for which purpose, each entry with its proof.",
    ),
    "ledger": ("ledger.ledger", "Verify, export and prove the ledger."),
    "erase": ("store.maintenance", "Destroy the keys of records, for good and in every backup."),
    "rotate": ("store.maintenance", "Rotate keys while the store serves."),
    "claim": ("incident.claim", "Check what thieves say they have."),
    "duties": ("incident.duties", "Whom to tell, by when, with what. Not legal advice."),
    "filing": ("incident.filing", "Filings to authorities: drafts, copy sheets, proofs. Not legal advice."),
    "register": ("incident.register", "The register of breaches. Not legal advice."),
    "serve": ("store.serve", "Serve applications over HTTP until told to stop."),
    "feed": ("ledger.feed", "Send every entry of the ledger as an OCSF event, in order, each at least once."),
    "release": ("releases.release", "Hand out bulk: requested, approved by others, marked and encrypted."),
    "demo": ("demo", "See all of it in a minute, on an invented group."),
}


class CommandTable(TyperGroup):
    """The commands of the table above; the one that is called is imported, the others are only named."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        named = {name: TyperCommand(name=name, help=summary) for name, (_, summary) in COMMANDS.items()}
        self.commands = {**named, **self.commands}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command that stands first in `args`, then go on as always."""
        if args and args[0] in COMMANDS:
            self.commands[args[0]] = load_command(args[0])
        return super().resolve_command(ctx, args)


def load_command(name: str) -> Any:
    """Return a command of the table as its module defines it."""
    own = typer.Typer()
    import_module(f"cloakroom.cli.{COMMANDS[name][0]}").register(own)
    return get_group(own).commands[name]


app = typer.Typer(
    name="cloakroom",
    cls=CommandTable,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    epilog="Exit codes: 0 done, 1 refused or not verified, 2 bad usage or input, 130 interrupted.",
)


@app.callback()
def cloakroom() -> None:
    """Keeps customers' personal data sealed, bounds and records every opening, and computes who was affected."""


@app.command()
def version(json_output: JsonOption = False) -> None:
    """Print the version."""
    if json_output:
        print_json({"version": __version__})
    else:
        say(f"cloakroom {__version__}")


def run() -> None:
    """Run the command line and exit."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: What stands after ``cloakroom``.
    """
    try:
        code = app(args=arguments, prog_name="cloakroom", standalone_mode=False)
    except Exception as error:  # what nobody foresaw is raised again below
        if hasattr(error, "exit_code") and hasattr(error, "show"):  # wrong usage, in the parser's own words
            error.show()
            return int(error.exit_code)
        spoken = _spoken(error)
        if spoken is None:
            raise
        code, kind, words = spoken
        complain((f"{kind}: ", "bold red"), words)
    if code == INTERRUPTED:
        complain("interrupted")
    return code if isinstance(code, int) else 0


def _spoken(error: Exception) -> tuple[int, str, str] | None:
    """Return exit code, kind and words of an error that a user can cause; None for a mistake of the program."""
    match error:
        case DeniedError() | UnverifiedError() | OpenError():
            return 1, "refused", str(error)
        case StatementError():
            return None
        case CloakroomError():
            return 2, "error", str(error)
        case typer.Abort():
            return 2, "aborted", "nothing was done"
        case OSError():
            return 2, "error", _file_words(error)
    return None


def _file_words(error: OSError) -> str:
    reason = error.strerror or type(error).__name__
    return reason if error.filename is None else f"{error.filename!s}: {reason}"
