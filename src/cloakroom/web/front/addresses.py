"""Network addresses: the caller's, and the one that a request was meant for.

A caller is on the machine itself only if the connection comes from a loopback address, nothing says that it was
forwarded, and it was addressed to a loopback name: so a proxy on the same machine never makes the world look local,
even when it is set up badly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The network around the service, as far as it knows.

    Attributes:
        authorities: Names (with port, unless it is the default one) that clients use for this service.
        proxies: Networks of the proxies that stand before it; their X-Forwarded-For is believed.
    """

    authorities: frozenset[str]
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()


def caller_address(peer: str | None, authority: str, headers: Mapping[str, str], around: Surroundings) -> str | None:
    """Return the network address of the caller; None for one on the machine itself.

    Args:
        peer: Address at the other end of the connection; None for a Unix socket.
        authority: Host that the request names.
        headers: Fields of the request, names in lower case.
        around: What stands around the service.
    """
    forwarded = headers.get("x-forwarded-for")
    if _is_proxy(peer, around):
        # From the right: each proxy appends whom it saw; the first that is no proxy of ours is the caller.
        for address in reversed([part.strip() for part in (forwarded or "").split(",")]):
            if not _is_proxy(address, around):
                return address or "unknown"
        return "unknown"
    local = peer is None or _is_loopback(peer)
    if local and not any(name in headers for name in _FORWARDED):
        host = authority.rsplit(":", 1)[0] if not authority.endswith("]") else authority
        if host in _LOOPBACK_NAMES:
            return None
    return peer or "unknown"


def _is_proxy(address: str | None, around: Surroundings) -> bool:
    if not around.proxies:
        return False
    try:
        parsed = _parsed(address or "")
    except ValueError:
        return False
    return any(parsed in network for network in around.proxies)


def _is_loopback(address: str) -> bool:
    try:
        return _parsed(address).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=4_096)  # a tenth of what a request costs here, for the few addresses that most requests come from
def _parsed(address: str) -> IPv4Address | IPv6Address:
    return ip_address(address)
