"""``ledger``: verify, export, prove."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from cloakroom.cli.output import HomeOption, JsonOption, print_json, progress_bar, say, waiting
from cloakroom.errors import UncheckableError
from cloakroom.settings import load_settings
from cloakroom.tlog.note import Ed25519Verifier
from cloakroom.tlog.proof_file import ProofFile
from cloakroom.use_cases.ledger.files import export_ledger, prove_entry, verify_ledger
from cloakroom.wiring import application

Key = Annotated[str, typer.Option(help="The ledger's public key: its text, or the file that holds it.")]


def verify(
    directory: Annotated[Path, typer.Argument(help="Folder of exported files.")],
    key: Key,
    earlier: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint kept from before; may be repeated.")
    ] = None,
    open_sets: Annotated[
        bool, typer.Option("--open-sets", help="Also open the record sets, with the keys of the store here.")
    ] = False,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Verify an exported ledger from its files and the public key alone: no database, no configuration.

    Record sets are sealed: their hashes are checked by everybody, their contents with --open-sets by whoever has the
    store's keys.
    """
    sets = None
    if open_sets:
        with application(load_settings(home)) as opened:
            sets = opened.sets
    with progress_bar("verifying", quiet=json_output, unit="entries") as show:
        found = verify_ledger(
            directory,
            _key(key),
            earlier=earlier or (),
            sets=sets,
            progress=lambda done, total: show(done, total, done),
        )
    assert found.checkpoint is not None
    document = {
        "verified": True,
        "origin": found.origin,
        "size": found.checkpoint.size,
        "root": found.checkpoint.root.hex(),
        "entries": found.entries,
        "files": found.files,
        "sets": found.sets,
        "earlier": found.earlier,
    }
    if json_output:
        print_json(document)
        return
    say(("Verified", "bold green"), f": {found.entries:,} entries and {found.sets:,} record sets.")
    say(f"{found.origin}, root {found.checkpoint.root.hex()}")


def export(
    directory: Annotated[Path, typer.Argument(help="Where to write; may hold an earlier export.")],
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Write the whole ledger as static files that foreign tools verify (C2SP tlog-tiles)."""
    with application(load_settings(home)) as opened, waiting("writing", quiet=json_output):
        done = export_ledger(opened, directory)
    if json_output:
        print_json({"size": done.size, "root": done.root.hex(), "files": done.files, "key": done.key})
        return
    say(f"{done.size:,} entries in {done.files:,} files.")
    say(f"Verify with: cloakroom ledger verify {shlex.quote(str(directory))} --key '{done.key}'")


def proof(
    index: Annotated[int, typer.Argument(help="Number of the entry, from 0.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Write a proof file that one entry is in the log (C2SP tlog-proof); it needs nothing else to be checked."""
    with application(load_settings(home)) as opened:
        found, checkpoint = prove_entry(opened.log, opened.sequencer, index)
    out.write_bytes(found.render())
    if json_output:
        print_json({"index": index, "size": checkpoint.size, "file": str(out)})
    else:
        say(f"Entry {index:,} of {checkpoint.size:,}: proof in {out}.")


def check_proof(
    file: Annotated[Path, typer.Argument(help="The proof file.")], key: Key, json_output: JsonOption = False
) -> None:
    """Check a proof file with the public key and print the entry that it proves."""
    entry, signed = ProofFile.parse(file.read_bytes()).verify(Ed25519Verifier.parse(_key(key)))
    if json_output:
        print_json({"verified": True, "entry": entry.decode(), "size": signed.checkpoint.size})
    else:
        say(("Verified", "bold green"), f" against a log of {signed.checkpoint.size:,} entries:")
        say(entry.decode())


def _key(text: str) -> str:
    path = Path(text)
    if "+" not in text or path.is_file():
        try:
            return path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UncheckableError("--key is neither a verifier key nor a readable file that holds one") from error
    return text


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Verify, export and prove the ledger.", no_args_is_help=True)
    group.command("verify")(verify)
    group.command("export")(export)
    group.command("proof")(proof)
    group.command("check-proof")(check_proof)
    app.add_typer(group, name="ledger")
