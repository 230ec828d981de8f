"""A request as it came over the wire, and one that has no answer yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cloakroom.web.api.endpoints import Endpoint
from cloakroom.web.api.problems import Answer


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """A request as it came over the wire.

    Attributes:
        method: Upper case.
        path: As sent, percent-encoded.
        query: As sent, without the question mark.
        headers: Fields, names in lower case; a repeated one is joined with commas.
        peer: Address at the other end; None for a Unix socket.
        body: The content.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    peer: str | None
    body: bytes


class PendingHTTPRequest:
    """A request on its way through this process."""

    __slots__ = ("answered", "arrived", "endpoint", "number", "request")

    def __init__(self, endpoint: Endpoint, request: HTTPRequest, answered: Callable[[Answer], None]) -> None:
        """Take what is asked and what to call with the answer, once."""
        self.endpoint = endpoint
        self.request = request
        self.answered: Callable[[Answer], None] | None = answered
        self.arrived = time.monotonic()
        self.number = 0
