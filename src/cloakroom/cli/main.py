"""``cloakroom``: every command, and how errors become words and exit codes.

Exit codes: 0 done, 1 refused or not verified, 2 bad usage or input.
"""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from cloakroom import __version__
from cloakroom.cli.output import stderr
from cloakroom.errors import CloakroomError, DeniedError, OpenError, UnverifiedError

app = typer.Typer(
    name="cloakroom",
    help="Keeps customers' personal data sealed, bounds and records every opening, and computes who was affected.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

# Each module adds its commands to the application it is given.
for _module in (
    "store", "people", "opening", "scoping", "ledger", "maintenance",
    "claim", "duties", "filing", "register", "serving", "demo",
):  # fmt: skip
    import_module(f"cloakroom.cli.{_module}").register(app)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"cloakroom {__version__}")


def run() -> None:
    """Run the command line and exit."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: What stands after ``cloakroom``.
    """
    try:
        code = app(args=arguments, standalone_mode=False)
    except (DeniedError, UnverifiedError, OpenError) as error:
        stderr.print(f"[bold red]refused:[/] {error}", highlight=False, markup=True)
        return 1
    except CloakroomError as error:
        stderr.print(f"[bold red]error:[/] {error}", highlight=False, markup=True)
        return 2
    except typer.Abort:
        stderr.print("aborted")
        return 2
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "show"):
            error.show()
            return int(error.exit_code)
        raise
    return code if isinstance(code, int) else 0
