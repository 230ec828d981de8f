"""Requests that a core has taken in and not answered yet, and the front processes that wait for the answers."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from cloakroom.web.api.problems import Answer
from cloakroom.web.api.requests.elements import Request
from cloakroom.web.protocol.frames import ForwardedAnswer, ToFront, VerifiedSignature, front_reader

_SEND_SECONDS = 5.0
"""A front that takes nothing for so long is given up."""


@dataclass(slots=True, eq=False)
class PendingRequest:
    """A request on its way.

    Attributes:
        lineage: Whose turn it takes: the credential that it presents.
        request: What it asks.
        signature: What its verified signature proves; the nonce is not claimed yet.
        address: Network address of the caller; None on the machine itself.
        arrived: When it came, by the monotonic clock.
        number: Its name at the front that sent it.
        front: That front.
        cancelled: Whether nobody waits for its answer any more.
    """

    lineage: str
    request: Request
    signature: VerifiedSignature
    address: str | None
    arrived: float
    number: int
    front: FrontConnection
    cancelled: bool = False

    @property
    def size(self) -> int:
        """Return how many records it names."""
        return self.request.size


class FrontConnection:
    """The core's end of the sockets to one front process."""

    def __init__(self, connected: socket.socket) -> None:
        """Take the socket."""
        connected.settimeout(_SEND_SECONDS)
        self.socket = connected
        self.reader = front_reader()
        self.waiting: dict[int, PendingRequest] = {}
        self.outgoing: list[ToFront] = []

    def answer(self, number: int, answer: Answer) -> None:
        """Have an answer sent with the next `flush`."""
        self.outgoing.append(
            ForwardedAnswer(number, answer.status, answer.body, answer.media_type, dict(answer.headers), answer.code)
        )
