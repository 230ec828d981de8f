"""``init``, ``import``, ``migrate``, ``status``, ``policy``: the store itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloakroom.adapters.configuration_folder import read_folder
from cloakroom.adapters.postgres.connection import apply_migrations, connect
from cloakroom.adapters.postgres.server import start_server
from cloakroom.cli.output import (
    HomeOption,
    JsonOption,
    going_on,
    print_json,
    print_table,
    progress_bar,
    say,
    waiting,
)
from cloakroom.errors import InputError
from cloakroom.flows.store.configuration import read_configuration
from cloakroom.settings import load_settings
from cloakroom.use_cases.records.importing import import_file
from cloakroom.wiring import application, initialise

_STATES = {0: "live", 1: "deleted", 2: "erased"}


def init(
    config: Annotated[Path, typer.Option(help="Configuration folder: group.toml, policy.toml, brands/*.toml.")],
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Make a new store: database, root key, keys of each brand, ledger. Refuses to touch an existing one."""
    settings = load_settings(home)
    with waiting("making the database", quiet=json_output):
        opened = initialise(settings, config)
    key_file = settings.home / "ledger.key.pub"
    key_file.write_text(opened.signer.verifier.render() + "\n", encoding="utf-8")
    document = {
        "store": str(opened.identity.id),
        "group": opened.identity.group_name,
        "brands": sorted(opened.catalogue.brands),
        "home": str(settings.home),
        "root_key": settings.root_key,
        "ledger_key": opened.signer.verifier.render(),
    }
    opened.close()
    if json_output:
        print_json(document)
        return
    say("Store of ", (opened.identity.group_name, "bold"), f" made in {settings.home}.")
    say(f"Brands: {', '.join(document['brands'])}.")
    say(f"The root key is {settings.root_key}. Without it nothing opens: keep a copy in another place.")
    say(f"The ledger's public key is in {key_file}; give it to whoever will verify the ledger.")


def import_command(
    files: Annotated[list[Path], typer.Argument(help="CSV, JSON Lines or Parquet files, plain, .gz or .zst.")],
    brand: Annotated[str, typer.Option(help="The brand they belong to.")],
    rejects: Annotated[
        Path | None, typer.Option(help="File for rejected rows (otherwise rejects/BRAND-FILE.jsonl in --home).")
    ] = None,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Import files of a brand's customer system, in the order given. Repeating a file changes nothing."""
    settings = load_settings(home)
    documents = []
    with going_on("The same command again goes on where this one stopped."), application(settings) as opened:
        for path in files:
            target = rejects or settings.home / "rejects" / f"{brand}-{path.name}.jsonl"
            target.parent.mkdir(parents=True, exist_ok=True)
            with progress_bar(path.name, quiet=json_output) as show:
                result = import_file(
                    opened,
                    path,
                    brand,
                    rejects=target,
                    progress=lambda done: show(done.bytes_read, done.bytes_total, done.rows),
                )
            counts = {str(fate): count for fate, count in sorted(result.counts.items()) if count}
            document = {"file": path.name, "rows": result.rows, "repeated": result.repeated, **counts}
            if result.without_key:
                document["without_key"] = dict(sorted(result.without_key.items()))
            if result.counts.get("rejected"):
                document["rejects"] = str(target)
            documents.append(document)
            if not json_output:
                words = ", ".join(f"{count:,} {fate.replace('_', ' ')}" for fate, count in counts.items())
                note = " (imported before; nothing changed)" if result.repeated else ""
                say(f"{path.name}: {result.rows:,} rows: {words or 'nothing'}{note}")
                if result.without_key:
                    fields = ", ".join(f"{count:,} of {name}" for name, count in sorted(result.without_key.items()))
                    say(f"  values kept as they are, under which no record is found: {fields}")
                if "rejects" in document:
                    say(f"  rejected rows are listed in {target}")
    if json_output:
        print_json(documents)


def status(home: HomeOption = None, json_output: JsonOption = False) -> None:
    """Show what the store holds: records by brand, ledger size, keys."""
    with application(load_settings(home)) as opened:
        counts = opened.vault.counts()
        rows = [
            (opened.catalogue.brand_name(brand), _STATES[state], count) for (brand, state), count in counts.items()
        ]
        checkpoint = opened.log.latest_checkpoint()
        size, unsequenced = checkpoint.size if checkpoint else 0, opened.log.waiting_count()
        document = {
            "store": str(opened.identity.id),
            "group": opened.identity.group_name,
            "records": [{"brand": brand, "state": state, "count": count} for brand, state, count in rows],
            "ledger": {"size": size, "waiting": unsequenced},
            "keys": len(opened.ring.names()),
            "policy": opened.configuration.policy.sha256,
        }
    if json_output:
        print_json(document)
        return
    print_table(f"{document['group']}", ("brand", "state", "records"), rows)
    say(f"Ledger: {size:,} entries, {unsequenced:,} waiting.")


def migrate(home: HomeOption = None, json_output: JsonOption = False) -> None:
    """Bring an older store to the version that this program needs."""
    settings = load_settings(home)
    url = settings.database_url or start_server(settings.database_directory, create=False)
    with connect(url) as connection:
        applied = apply_migrations(connection)
    if json_output:
        print_json({"applied": applied})
    else:
        say(f"Applied: {', '.join(map(str, applied))}." if applied else "Nothing to do.")


def policy_check(
    config: Annotated[Path, typer.Argument(help="Configuration folder.")], json_output: JsonOption = False
) -> None:
    """Check a configuration folder without a store; prints every mistake with file and line."""
    try:
        configuration = read_configuration(read_folder(config))
    except InputError as error:
        if json_output:
            print_json({"problems": [str(problem) for problem in error.problems]})
        raise
    document = {
        "group": configuration.group.name,
        "brands": sorted(configuration.group.brands),
        "fields": sorted(configuration.definitions),
        "purposes": sorted(configuration.policy.purposes),
        "roles": sorted(configuration.policy.roles),
        "policy": configuration.policy.sha256,
    }
    if json_output:
        print_json(document)
    else:
        say(f"{config} is in order: {len(document['brands'])} brands, {len(document['fields'])} fields.")


def policy_apply(
    config: Annotated[Path, typer.Argument(help="Configuration folder.")],
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Put a changed configuration folder into force: policy, mappings, new brands and fields."""
    from cloakroom.use_cases.store.configuration import apply_configuration  # noqa: PLC0415 - only this command needs it

    with application(load_settings(home)) as opened:
        document = apply_configuration(opened, read_folder(config))
    if json_output:
        print_json(document)
    else:
        say(f"In force: policy {document['policy']}, changed files: {document['changed'] or 'none'}.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init")(init)
    app.command("import")(import_command)
    app.command("status")(status)
    app.command("migrate")(migrate)
    policy = typer.Typer(help="Check and apply the configuration folder.", no_args_is_help=True)
    policy.command("check")(policy_check)
    policy.command("apply")(policy_apply)
    app.add_typer(policy, name="policy")
