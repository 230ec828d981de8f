"""``principal`` and ``exposure``: who may open, and how much a stolen credential could."""

from __future__ import annotations

from typing import Annotated

import typer

from cloakroom.adapters.postgres.store_records import FOREVER, StoredPrincipal
from cloakroom.cli.output import AsOption, HomeOption, JsonOption, option_time, print_json, print_table, say, waiting
from cloakroom.clock import format_time, from_microseconds
from cloakroom.crypto import VerifyingKey
from cloakroom.errors import UsageError
from cloakroom.gate.policy import EVERY_BRAND, PrincipalKind
from cloakroom.settings import load_settings
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.people.exposure import exposure_of
from cloakroom.wiring import application

Name = Annotated[str, typer.Argument(help="Id of the principal: letters, digits and ._:@/+- without personal data.")]


def add(
    name: Name,
    role: Annotated[list[str], typer.Option(help="Role of the policy; may be repeated.")],
    kind: Annotated[PrincipalKind, typer.Option(help="What stands behind the credential.")] = PrincipalKind.PERSON,
    brand: Annotated[list[str] | None, typer.Option(help="Confine to a brand; may be repeated.")] = None,
    network: Annotated[list[str] | None, typer.Option(help="Confine to a network, as CIDR, or `local`.")] = None,
    valid_until: Annotated[
        str | None, typer.Option(help="First moment after validity, such as 2027-01-01T00:00Z.")
    ] = None,
    works_through: Annotated[str | None, typer.Option(help="Application whose tokens this person sees.")] = None,
    public_key: Annotated[
        str | None, typer.Option(help="Hex of its own Ed25519 public key; otherwise one is made.")
    ] = None,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Enrol a principal and make its credential."""
    with application(load_settings(home, node="cli")) as opened:
        path = principals.enrol(
            opened,
            name,
            kind=kind,
            roles=frozenset(role),
            brands=frozenset(brand or [EVERY_BRAND]),
            networks=tuple(network or ()),
            valid_until=option_time(valid_until, "--valid-until") if valid_until else None,
            works_through=works_through,
            public_key=_key(public_key),
        )
        exposed = exposure_of(opened, name)
    if json_output:
        print_json({"principal": name, "credential_file": str(path) if path else None, "ceiling": exposed.ceiling})
        return
    say(f"Enrolled {name}.")
    if path is not None:
        say(f"Its private key is in {path}; hand it over and keep no copy.")
    say(str(exposed))


def list_all(home: HomeOption = None, json_output: JsonOption = False) -> None:
    """List principals with roles, freezes and how much they have done."""
    with application(load_settings(home)) as opened:
        found = opened.records.principals()
    if json_output:
        print_json([_document(item) for item in found])
        return
    rows = [
        (
            item.principal.id,
            str(item.principal.kind),
            ", ".join(sorted(item.principal.roles)),
            ", ".join(sorted(item.principal.brands)),
            "" if item.principal.valid_until == FOREVER else format_time(item.principal.valid_until),
            f"frozen: {item.frozen_reason}" if item.frozen_at is not None else "",
            item.version,
        )
        for item in found
    ]
    print_table("Principals", ("id", "kind", "roles", "brands", "until", "state", "entries"), rows, whole=("id",))


def freeze(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why, as an identifier such as stolen-laptop or INC-2026-031.")],
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Freeze a principal and everything derived from it, on every node, from its next request on."""
    with application(load_settings(home)) as opened:
        done = principals.freeze(opened.gatekeeper, opened.records, name, by="operator", reason=reason)
    if json_output:
        print_json({"principal": name, "frozen": True, "was_frozen": not done})
    else:
        say(f"{name} is frozen{'' if done else ' already'}.")


def renew(
    name: Name,
    credential: AsOption,
    thaw: Annotated[bool, typer.Option("--thaw", help="End a freeze, too.")] = False,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Start a principal's lifetime budget anew. Takes somebody else whom the policy lets renew it."""
    with application(load_settings(home)) as opened:
        renewer = principals.authenticate(opened.records, credential, at=opened.now())
        principals.renew(opened, name, renewer, thaw=thaw)
        exposed = exposure_of(opened, name)
    if json_output:
        print_json({"principal": name, "renewed_by": renewer.lineage, "ceiling": exposed.ceiling})
    else:
        say(f"{name} is renewed. {exposed}")


def exposure(
    name: Annotated[str | None, typer.Argument(help="A principal; all of them unless told.")] = None,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Show what a credential could open at most if it were stolen now: the ceiling, stated in advance."""
    with application(load_settings(home)) as opened, waiting("computing", quiet=json_output):
        names = [name] if name else [item.principal.id for item in opened.records.principals()]
        found = [exposure_of(opened, item) for item in names]
    if json_output:
        documents = [
            {
                "principal": item.principal,
                "ceiling": item.ceiling,
                "fields": {field: str(form) for field, form in item.fields.items()},
                "windows": [
                    {
                        "window": str(bound.window),
                        "until": None if bound.until is None else format_time(from_microseconds(bound.until)),
                        "records": bound.records,
                        "in_full": bound.in_full,
                        "never_opened": bound.never_opened,
                        "classes": {str(key): value for key, value in bound.classes.items()},
                        "brands": dict(bound.brands),
                        "probes": bound.probes,
                    }
                    for bound in item.bounds
                ],
            }
            for item in found
        ]
        print_json(documents[0] if name else documents)
        return
    for item in found:
        say((item.principal, "bold"), f": {item}")
        if name:
            rows = [(str(b.window), b.records, b.in_full, b.never_opened, b.probes) for b in item.bounds]
            print_table("", ("window", "records", "of them in full", "never opened", "probes"), rows)
            say("Fields: " + ", ".join(f"{key} ({form})" for key, form in item.fields.items()))


def _document(item: StoredPrincipal) -> dict[str, object]:
    principal = item.principal
    return {
        "id": principal.id,
        "kind": str(principal.kind),
        "roles": sorted(principal.roles),
        "brands": sorted(principal.brands),
        "networks": list(item.networks),
        "valid_until": None if principal.valid_until == FOREVER else format_time(principal.valid_until),
        "frozen": item.frozen_reason if item.frozen_at is not None else None,
        "renewals": item.epoch,
        "entries": item.version,
    }


def _key(text: str | None) -> VerifyingKey | None:
    try:
        return VerifyingKey(bytes.fromhex(text)) if text else None
    except ValueError as error:
        raise UsageError("--public-key takes 64 hexadecimal digits") from error


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Enrol, list, freeze and renew people and applications.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_all)
    group.command("freeze")(freeze)
    group.command("renew")(renew)
    app.add_typer(group, name="principal")
    app.command("exposure")(exposure)
