"""``release``: ask for bulk, approve it, run it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloakroom.cli.output import AsOption, HomeOption, JsonOption, console, print_json, print_table, progress_bar
from cloakroom.errors import UsageError
from cloakroom.settings import load_settings

Name = Annotated[str, typer.Argument(help="Id of the release.")]


def request(
    kind: Annotated[str, typer.Argument(help="Kind of release in the policy.")],
    credential: AsOption,
    brand: Annotated[str, typer.Option(help="The brand.")],
    field: Annotated[list[str], typer.Option(help="Field wanted; may be repeated.")],
    recipient: Annotated[str, typer.Option(help="Identifier of whoever gets the file.")],
    recipient_key: Annotated[str, typer.Option(help="The recipient's age public key.")],
    facet: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE that a record must have, such as country=FR; may be repeated."),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    maximum: Annotated[
        int | None, typer.Option(min=1, help="Records at most; what the policy allows unless told.")
    ] = None,
    reference: Annotated[str, typer.Option(help="Number of the campaign or case.")] = "",
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Ask for a release. Others must approve it before it can run."""
    from cloakroom.gate.releases import ReleaseContent, kind_of  # noqa: PLC0415 - so that other commands start quickly
    from cloakroom.use_cases.people.principals import authenticate  # noqa: PLC0415
    from cloakroom.use_cases.releases.requests import release_document, request_release  # noqa: PLC0415
    from cloakroom.wiring import application  # noqa: PLC0415

    with application(load_settings(home)) as opened:
        who = authenticate(opened.records, credential, at=opened.now())
        policy = opened.configuration.policy
        content = ReleaseContent(
            kind=kind,
            brand=brand,
            fields=tuple(sorted(set(field))),
            facets=_facets(facet or []),
            recipient=recipient,
            recipient_key=recipient_key,
            form=form,
            maximum=maximum or kind_of(policy, kind).max_records,
            reference=reference,
        )
        found = request_release(opened, who, content)
        document = release_document(found, policy)
        opened.sequencer.run()
    if json_output:
        print_json(document)
        return
    console.print(
        f"{found.id} waits for {document['approvals_needed']} approvals of {content.digest}.", highlight=False
    )


def approve(
    name: Name,
    credential: AsOption,
    digest: Annotated[str, typer.Option(help="Digest of what you approve, as `release show` prints it.")],
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Approve a release that somebody else asked for, exactly as it was shown."""
    from cloakroom.use_cases.people.principals import authenticate  # noqa: PLC0415
    from cloakroom.use_cases.releases.requests import approve_release, release_document  # noqa: PLC0415
    from cloakroom.wiring import application  # noqa: PLC0415

    with application(load_settings(home)) as opened:
        found = approve_release(opened, authenticate(opened.records, credential, at=opened.now()), name, digest)
        document = release_document(found, opened.configuration.policy)
        opened.sequencer.run()
    if json_output:
        print_json(document)
    else:
        console.print(f"{found.id} is {found.standing.state}.", highlight=False)


def run(
    name: Name,
    credential: AsOption,
    out: Annotated[Path, typer.Option(help="Where to write the encrypted file.")],
    canary_domain: Annotated[str, typer.Option(help="Domain whose mail you receive, for the addresses of canaries.")],
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Run an approved release, or take up again one that was interrupted."""
    from cloakroom.use_cases.people.principals import authenticate  # noqa: PLC0415
    from cloakroom.use_cases.releases.running import run_release  # noqa: PLC0415
    from cloakroom.wiring import application  # noqa: PLC0415

    with (
        application(load_settings(home)) as opened,
        progress_bar("releasing", quiet=json_output, unit="records") as show,
    ):
        who = authenticate(opened.records, credential, at=opened.now())
        done = run_release(
            opened,
            who,
            name,
            out,
            canary_domain=canary_domain,
            progress=lambda count, total: show(count, total, count),
        )
        opened.sequencer.run()
    if json_output:
        print_json(
            {"release": name, "records": done.records, "canaries": done.canaries, "file_sha256": done.file_sha256}
        )
    else:
        console.print(f"{done.records:,} records in {out}, encrypted to the recipient.", highlight=False)


def show(name: Name, home: HomeOption = None, json_output: JsonOption = False) -> None:
    """Show one release: what was asked for, by whom, who approved it."""
    from cloakroom.use_cases.releases.requests import release_document  # noqa: PLC0415
    from cloakroom.wiring import application  # noqa: PLC0415

    with application(load_settings(home)) as opened:
        found = opened.releases.get(name)
        document = release_document(found, opened.configuration.policy)
    if json_output:
        print_json(document)
        return
    print_table(name, ("", ""), [(key, value) for key, value in document.items() if key != "id"])


def list_all(home: HomeOption = None, json_output: JsonOption = False) -> None:
    """List releases, newest first."""
    from cloakroom.use_cases.releases.requests import release_document  # noqa: PLC0415
    from cloakroom.wiring import application  # noqa: PLC0415

    with application(load_settings(home)) as opened:
        policy = opened.configuration.policy
        documents = [release_document(item, policy) for item in opened.releases.newest()]
    if json_output:
        print_json(documents)
        return
    columns = ("id", "kind", "state", "requested_by", "expires_at", "records")
    print_table("Releases", columns, [[document[name] for name in columns] for document in documents])


def _facets(texts: list[str]) -> dict[str, str]:
    facets = dict(text.split("=", 1) for text in texts if "=" in text)
    if len(facets) != len(texts):
        raise UsageError("--facet takes NAME=VALUE, each name once")
    return facets


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Bulk, approved by others and marked.", no_args_is_help=True)
    group.command("request")(request)
    group.command("approve")(approve)
    group.command("run")(run)
    group.command("show")(show)
    group.command("list")(list_all)
    app.add_typer(group, name="release")
