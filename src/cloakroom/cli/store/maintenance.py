"""``erase`` and ``rotate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloakroom.adapters.root_key import create_root_key
from cloakroom.cli.output import (
    AsOption,
    HomeOption,
    JsonOption,
    going_on,
    print_json,
    progress_bar,
    read_tokens,
    say,
)
from cloakroom.clock import format_time, from_microseconds
from cloakroom.errors import UsageError
from cloakroom.settings import load_settings
from cloakroom.use_cases.ledger.files import prove_entry
from cloakroom.use_cases.people.principals import authenticate
from cloakroom.use_cases.records.erasing import erase
from cloakroom.use_cases.store import rotation as rotating
from cloakroom.wiring import application

ERASED_AT_ONCE = 1_000
ROTATION_GOES_ON = "The store works on under both keys; the same command again finishes the rotation."

Brand = Annotated[str, typer.Argument(help="The brand.")]


def erase_command(
    tokens: Annotated[
        list[str], typer.Argument(help="Tokens, @FILE with one on each line, or `-` for standard input.")
    ],
    credential: AsOption,
    purpose: Annotated[str, typer.Option(help="Purpose of the policy that allows erasing.")],
    reference: Annotated[str | None, typer.Option(help="Case number.")] = None,
    receipt: Annotated[Path | None, typer.Option(help="Where to write the receipt, a proof file.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask. Needed with --json and where nobody can answer.")
    ] = False,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Destroy the keys of records: every copy, backups included, becomes unreadable. Cannot be undone."""
    named = read_tokens(tokens, ERASED_AT_ONCE)
    if receipt is not None and not receipt.parent.is_dir():
        raise UsageError("the folder of --receipt does not exist; nothing was erased")
    if not yes:
        if json_output or not typer.get_text_stream("stdin").isatty():
            raise UsageError("erasing cannot be undone: say --yes where nobody is asked")
        typer.confirm(f"Erase {len(named):,} records for good?", abort=True, err=True)
    with application(load_settings(home)) as opened:
        who = authenticate(opened.records, credential, at=opened.now())
        done = erase(opened, named, who, purpose=purpose, reference=reference)
        if receipt is not None:
            receipt.write_bytes(prove_entry(opened.log, opened.sequencer, done.leaf_index)[0].render())
    at = format_time(from_microseconds(done.at))
    if json_output:
        print_json({"erased": done.records, "entry": done.leaf_index, "at": at, "receipt": str(receipt or "")})
    else:
        say(f"{done.records:,} records erased at {at}; receipt: ledger entry {done.leaf_index:,}.")


def rotate_root(
    new: Annotated[str, typer.Argument(help="URI of the new root key, such as file:/etc/cloakroom/root.key")],
    create: Annotated[bool, typer.Option("--create", help="Make the file of a file: URI first.")] = False,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Wrap the store's keys under another root key. Set CLOAKROOM_ROOT_KEY to its URI from then on."""
    if create and new.startswith("file:"):
        create_root_key(Path(new.removeprefix("file:")))
    with application(load_settings(home)) as opened:
        count = rotating.rotate_root(opened, new)
        opened.sequencer.run()
    _report({"keys": count, "root_key": new}, f"{count:,} keys are under {new} now.", json_output)


def rotate_brand(brand: Brand, home: HomeOption = None, json_output: JsonOption = False) -> None:
    """Give a brand new key-encryption keys; wraps follow while others serve, no value is opened."""
    with (
        going_on(ROTATION_GOES_ON),
        application(load_settings(home)) as opened,
        progress_bar("wrapping", quiet=json_output, unit="records") as show,
    ):
        total = sum(
            count for (number, _), count in opened.vault.counts().items() if number == opened.catalogue.brand(brand)
        )
        count = rotating.rotate_brand(opened, brand, lambda done: show(done, total, done))
        opened.sequencer.run()
    _report({"brand": brand, "records": count}, f"{count:,} records of {brand} are under new keys.", json_output)


def rotate_index(brand: Brand, home: HomeOption = None, json_output: JsonOption = False) -> None:
    """Give a brand a new index key; digests are permuted while others serve, no value is opened."""
    with (
        going_on(ROTATION_GOES_ON),
        application(load_settings(home)) as opened,
        progress_bar("permuting", quiet=json_output, unit="index rows") as show,
    ):
        count = rotating.rotate_index(opened, brand, lambda done: show(done, 0, done))
        opened.sequencer.run()
    _report({"brand": brand, "rows": count}, f"{count:,} index rows of {brand} are under a new key.", json_output)


def rotate_sets(home: HomeOption = None, json_output: JsonOption = False) -> None:
    """Seal sets of records beside new entries under a new key; what lies there keeps the key it has."""
    with application(load_settings(home)) as opened:
        generation = rotating.rotate_sets(opened)
        opened.sequencer.run()
    _report({"generation": generation}, f"Record sets are sealed under key {generation} from now on.", json_output)


def _report(document: dict[str, object], words: str, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        say(words)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("erase")(erase_command)
    group = typer.Typer(help="Rotate keys while the store serves.", no_args_is_help=True)
    group.command("root")(rotate_root)
    group.command("brand")(rotate_brand)
    group.command("index")(rotate_index)
    group.command("sets")(rotate_sets)
    app.add_typer(group, name="rotate")
