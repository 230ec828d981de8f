"""Options of a node that serves."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """Options of a node that serves.

    Attributes:
        host: Address to listen on.
        port: Port to listen on.
        authorities: Names that clients use, with port unless it is the default one of the scheme.
        proxies: Networks of trusted proxies.
        workers: Front processes.
        metrics_port: Port on the loopback address for metrics of the first front process, the next for the second,
            and the one after the last for the core; or None.
        grace_s: How long requests may take to finish after a signal to stop.
    """

    host: str
    port: int
    authorities: frozenset[str]
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    workers: int = 1
    metrics_port: int | None = None
    grace_s: float = 20.0
