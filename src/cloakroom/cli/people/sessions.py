"""``session`` and ``passkey``: who is signed in, and with what."""

from __future__ import annotations

from typing import Annotated

import typer

from cloakroom.cli.output import AsOption, HomeOption, JsonOption, print_json, print_table, say
from cloakroom.settings import load_settings

Id = Annotated[str, typer.Argument(help="Id of the passkey.")]
PurposeOption = Annotated[str, typer.Option(help="Purpose of the policy that allows `enrol`.")]


def list_sessions(
    principal: Annotated[str | None, typer.Argument(help="A principal; everybody unless told.")] = None,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """List the sessions that live."""
    from cloakroom.clock import format_time, from_microseconds  # noqa: PLC0415 - so that other commands start quickly
    from cloakroom.use_cases.people.sessions import live_sessions  # noqa: PLC0415
    from cloakroom.wiring import application  # noqa: PLC0415

    with application(load_settings(home)) as opened:
        found = live_sessions(opened.sign_ins, opened.now(), principal)
    documents: list[dict[str, object]] = [
        {
            "session": item.id,
            "principal": item.principal,
            "began_at": format_time(from_microseconds(item.created_at)),
            "ends_at": format_time(from_microseconds(item.expires_at)),
            "signed_in_by": item.signed_in_by,
        }
        for item in found
    ]
    if json_output:
        print_json(documents)
        return
    columns = ("session", "principal", "began_at", "ends_at", "signed_in_by")
    print_table("Sessions", columns, [[item[name] for name in columns] for item in documents], whole=("session",))


def revoke_session_command(
    session: Annotated[str | None, typer.Argument(help="Id of a session.")] = None,
    of: Annotated[str | None, typer.Option(help="End all sessions of a principal.")] = None,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """End a session, or all of a principal, on every node from its next request on."""
    from cloakroom.errors import UsageError  # noqa: PLC0415
    from cloakroom.use_cases.people.sessions import find_session, revoke_session, revoke_sessions_of  # noqa: PLC0415
    from cloakroom.wiring import application  # noqa: PLC0415

    if (session is None) == (of is None):
        raise UsageError("name a session, or a principal with --of")
    with application(load_settings(home)) as opened:
        if of is not None:
            ended = revoke_sessions_of(opened, of, by="operator")
        else:
            found = find_session(opened.sign_ins, session or "")
            ended = [found.id] if revoke_session(opened, found, by="operator") else []
    if json_output:
        print_json({"ended": ended})
    else:
        say(f"{len(ended)} sessions ended.")


def list_passkeys(home: HomeOption = None, json_output: JsonOption = False) -> None:
    """List passkeys and the requests that wait for approval."""
    from cloakroom.wiring import application  # noqa: PLC0415

    with application(load_settings(home)) as opened:
        found = opened.passkeys.passkeys(opened.now())
    documents: list[dict[str, object]] = [
        {
            "id": item.id,
            "principal": item.principal,
            "state": str(item.state),
            "fingerprint": item.fingerprint,
            "approvals": [name for name, _ in item.approvals],
        }
        for item in found
    ]
    if json_output:
        print_json(documents)
        return
    columns = ("id", "principal", "state", "fingerprint", "approvals")
    rows = [[", ".join(value) if isinstance(value, list) else value for value in item.values()] for item in documents]
    print_table("Passkeys", columns, rows, whole=("id", "fingerprint"))


def approve(
    name: Id,
    credential: AsOption,
    fingerprint: Annotated[str, typer.Option(help="What you compared with the person's screen, face to face.")],
    purpose: PurposeOption,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Approve somebody else's passkey. Takes two people."""
    from cloakroom.use_cases.people.passkey_enrolment import approve_passkey  # noqa: PLC0415
    from cloakroom.use_cases.people.principals import authenticate  # noqa: PLC0415
    from cloakroom.wiring import application  # noqa: PLC0415

    with application(load_settings(home)) as opened:
        who = authenticate(opened.records, credential, at=opened.now())
        found = approve_passkey(opened, who, name, fingerprint, purpose=purpose)
    if json_output:
        print_json({"id": found.id, "principal": found.principal, "state": str(found.state)})
    else:
        say(f"{found.id} of {found.principal} is {found.state}.")


def revoke(name: Id, home: HomeOption = None, json_output: JsonOption = False) -> None:
    """Let a passkey sign nobody in any more, and end the sessions that it began."""
    from cloakroom.use_cases.people.passkey_enrolment import revoke_passkey  # noqa: PLC0415
    from cloakroom.wiring import application  # noqa: PLC0415

    with application(load_settings(home)) as opened:
        done = revoke_passkey(opened, name, by="operator")
    if json_output:
        print_json({"id": name, "was_revoked": not done})
    else:
        say(f"{name} is revoked{'' if done else ' already'}.")


def link(
    name: Annotated[str, typer.Argument(help="Id of the person.")],
    provider: Annotated[str, typer.Option(help="Provider in service.toml.")],
    subject: Annotated[
        str | None, typer.Option(help="The person's `sub` there; without it, what was linked is taken away.")
    ] = None,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Let somebody at an OpenID provider sign in as a person here, or no longer. Only its digest is kept."""
    from cloakroom.use_cases.people.passkey_enrolment import link_subject, unlink_subjects  # noqa: PLC0415
    from cloakroom.wiring import application  # noqa: PLC0415

    with application(load_settings(home)) as opened:
        if subject is not None:
            link_subject(opened, name, provider, subject)
            count = 1
        else:
            count = unlink_subjects(opened, name, provider)
    if json_output:
        print_json({"principal": name, "provider": provider, "linked": subject is not None, "subjects": count})
    elif subject is not None:
        say(f"{name} signs in at {provider}.")
    else:
        say(f"{name} signs in at {provider} no longer.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    sessions = typer.Typer(help="See and end sessions of people.", no_args_is_help=True)
    sessions.command("list")(list_sessions)
    sessions.command("revoke")(revoke_session_command)
    app.add_typer(sessions, name="session")
    passkeys = typer.Typer(help="Approve and revoke what people sign in with.", no_args_is_help=True)
    passkeys.command("list")(list_passkeys)
    passkeys.command("approve")(approve)
    passkeys.command("revoke")(revoke)
    passkeys.command("link")(link)
    app.add_typer(passkeys, name="passkey")
