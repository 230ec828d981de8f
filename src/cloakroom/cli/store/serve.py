"""``serve``: the service over HTTP."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

import typer

from cloakroom.cli.output import HomeOption
from cloakroom.errors import UsageError
from cloakroom.settings import load_settings


def serve_command(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8420,
    authority: Annotated[
        list[str] | None,
        typer.Option(
            help="Name that clients use, such as vault.example.com; may be repeated. Others are refused. "
            "HOST:PORT unless told."
        ),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None, typer.Option(help="Network of a proxy whose X-Forwarded-For is believed; may be repeated.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Front processes, which share the port and verify signatures.")
    ] = 1,
    node: Annotated[str, typer.Option(help="Name of this node in the ledger; another on each machine.")] = "node",
    metrics_port: Annotated[
        int | None,
        typer.Option(
            help="Port for metrics on 127.0.0.1; each further front process takes the next, and the core one more."
        ),
    ] = None,
    home: HomeOption = None,
) -> int:
    """Serve applications over HTTP until told to stop."""
    from cloakroom.web.node.serving import NodeOptions, serve  # noqa: PLC0415 - only those who serve load a web server

    try:
        proxies = tuple(ip_network(text) for text in trusted_proxy or ())
    except ValueError as error:
        raise UsageError("--trusted-proxy takes a network, such as 10.0.0.5/32") from error
    names = frozenset(name.lower() for name in authority or [f"{host}:{port}"])
    serving = NodeOptions(host, port, names, proxies, workers, metrics_port)
    return serve(load_settings(home, node=node), serving)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve_command)
