"""A core without sockets: what a request is answered by the process that has the store, without a node around it."""

from __future__ import annotations

import itertools
from base64 import urlsafe_b64encode
from collections.abc import Callable

import msgspec

from cloakroom.web.api.problems import Answer
from cloakroom.web.api.requests.elements import Request
from cloakroom.web.core.core import Core
from cloakroom.web.core.pending import PendingRequest
from cloakroom.web.protocol.frames import VerifiedSignature
from cloakroom.wiring import Application

_numbers = itertools.count(1)


def new_nonce() -> str:
    """Return a nonce that nobody presented before."""
    return urlsafe_b64encode(next(_numbers).to_bytes(16, "big")).decode().rstrip("=")


class RunningCore:
    """A core, and the one caller at a time that asks it."""

    def __init__(self, open_store: Callable[[], Application]) -> None:
        self.core = Core(open_store)
        self.core.idle()

    @property
    def application(self) -> Application:
        """What the core has open."""
        return self.core.open().application

    def ask(
        self, credential: str, request: Request, *, nonce: str | None = None, expires: int | None = None
    ) -> Answer:
        """Return the answer to a request whose signature was verified."""
        now = self.application.now() // 1_000_000
        signature = VerifiedSignature(credential, nonce or new_nonce(), now + 30 if expires is None else expires)
        pending = PendingRequest(
            lineage=credential,
            request=request,
            signature=signature,
            address=None,
            arrived=0.0,
            number=1,
            front=None,  # type: ignore[arg-type]  # answers go to `deliver`
        )
        answers: dict[int, Answer] = {}
        self.core.work([pending], answers.__setitem__)
        self.core.finish()
        return answers[0]

    def code(self, credential: str, request: Request, **options: object) -> str:
        """Return the code of the problem that a request is answered; empty where it is done."""
        return self.ask(credential, request, **options).code  # type: ignore[arg-type]

    def reason(self, credential: str, request: Request) -> str:
        """Return the gate's own reason in the answer."""
        return str(msgspec.json.decode(self.ask(credential, request).body).get("reason", ""))

    def look(self) -> None:
        """Do what is due between batches, now."""
        self.core._due["refresh"] = 0.0
        self.core.idle()

    def close(self) -> None:
        self.core.close()
