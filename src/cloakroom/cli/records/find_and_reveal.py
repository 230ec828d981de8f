"""``find`` and ``reveal``: the two commands that people with customers in front of them use."""

from __future__ import annotations

from typing import Annotated

import typer

from cloakroom.cli.output import AsOption, HomeOption, JsonOption, print_json, print_table, read_tokens, say
from cloakroom.clock import format_time, from_microseconds
from cloakroom.errors import DeniedError, InputError, UsageError
from cloakroom.flows.admission.request import Admission
from cloakroom.flows.records.find import MAX_FOUND, FindRequest, find
from cloakroom.flows.records.reveal import MAX_TOKENS, RevealRequest, reveal
from cloakroom.settings import load_settings
from cloakroom.use_cases.people.principals import authenticate
from cloakroom.wiring import application

LINE_MAX = 4_096
"""Characters that are read of a value from standard input; every index takes less."""

Purpose = Annotated[str, typer.Option(help="Purpose of the policy under which you ask.")]
Reference = Annotated[str | None, typer.Option(help="Case, order or appointment number.")]


def find_command(
    value: Annotated[
        str,
        typer.Argument(
            help="What to look for. `-` reads it from standard input, "
            "so that no address stays in the shell's history or in the list of processes."
        ),
    ],
    credential: AsOption,
    purpose: Purpose,
    by: Annotated[str, typer.Option(help="Index: email, phone, customer_number, or another of the group.")] = "email",
    brand: Annotated[
        list[str] | None, typer.Option(help="Brand to search; may be repeated. All unless told.")
    ] = None,
    country: Annotated[str | None, typer.Option(help="Country of a national telephone number, such as FR.")] = None,
    reference: Reference = None,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Find the records that hold a value. Answers with tokens; counts against the budget like an opening."""
    text = _asked() if value == "-" else value
    with application(load_settings(home)) as opened:
        who = authenticate(opened.records, credential, at=opened.now())
        request = FindRequest(
            principal=who.principal,
            codec=opened.codec(who.token_scope),
            brands=brand or sorted(opened.catalogue.brands),
            index=by,
            text=text,
            purpose=purpose,
            country=country,
            reference=reference,
            credential=who.credential,
        )
        answer = find(
            [request],
            gatekeeper=opened.gatekeeper,
            catalogue=opened.catalogue,
            digests=opened.digests,
            index_reader=opened.vault,
        )[0]
        opened.sequencer.run()
    _check(answer.admission)
    if answer.too_many:
        raise InputError.at(
            "search", f"more than {MAX_FOUND} records of {', '.join(answer.too_many)} share this value"
        )
    if json_output:
        print_json({"tokens": {name: list(tokens) for name, tokens in answer.tokens.items()}})
        return
    rows = [(name, token) for name, tokens in answer.tokens.items() for token in tokens]
    if rows:
        print_table("", ("brand", "token"), rows, whole=("token",))
    else:
        say("Nobody found.")


def reveal_command(
    tokens: Annotated[
        list[str], typer.Argument(help="Tokens, @FILE with one on each line, or `-` for standard input.")
    ],
    credential: AsOption,
    purpose: Purpose,
    field: Annotated[list[str], typer.Option(help="Field to show; may be repeated.")],
    reference: Reference = None,
    home: HomeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Show fields of the records behind tokens, in the form that the purpose allows."""
    wanted = read_tokens(tokens, MAX_TOKENS)
    with application(load_settings(home)) as opened:
        who = authenticate(opened.records, credential, at=opened.now())
        request = RevealRequest(
            principal=who.principal,
            tokens=wanted,
            codec=opened.codec(who.token_scope),
            fields=frozenset(field),
            purpose=purpose,
            reference=reference,
            credential=who.credential,
        )
        answer = reveal([request], gatekeeper=opened.gatekeeper, catalogue=opened.catalogue, openers=opened.openers)[
            0
        ]
        opened.sequencer.run()
    _check(answer.admission)
    if answer.broken is not None:
        raise answer.broken
    forms = {name: str(form) for name, form in answer.forms.items()}
    if json_output:
        records = [{"token": item.token, "fields": dict(item.values)} for item in answer.revealed]
        print_json({"forms": forms, "records": records})
        return
    rows = [(item.token, *[item.values.get(name, "") for name in forms]) for item in answer.revealed]
    print_table("", ("token", *[f"{name} ({form})" for name, form in forms.items()]), rows, whole=("token",))


def _asked() -> str:
    """Read one line from standard input; a person at a terminal is asked for it, unseen."""
    stream = typer.get_text_stream("stdin")
    if stream.isatty():
        return str(typer.prompt("value", hide_input=True, err=True)).strip()
    try:
        text = stream.readline(LINE_MAX).strip()
    except UnicodeDecodeError:
        raise InputError.at("standard input", "is not UTF-8 text") from None
    if not text:
        raise UsageError("`-` reads the value from standard input, and nothing came")
    return text


def _check(admission: Admission) -> None:
    if not admission.permitted:
        later = (
            ""
            if admission.back_at is None
            else f"; room again at {format_time(from_microseconds(admission.back_at))}"
        )
        raise DeniedError(admission.code, f"{admission.explanation}{later}")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("find")(find_command)
    app.command("reveal")(reveal_command)
