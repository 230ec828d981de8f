"""The front half of the service: takes a request apart, verifies its signature, and hands it to the core.

Everything here runs in the event loop of a front process, which knows no store and no key of it. A request gets as
far as the core only with a signature that verifies; the rest is decided there, in the batch (`core`).

What a process takes on is bounded before any work is done for it: beyond `Limits.waiting` requests that wait for
verification or for an answer, further ones are turned away at the price of reading them. Signatures are verified a
few at a time between turns of the event loop, so that answers leave and refusals are told while many wait.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cloakroom.crypto import VerifyingKey
from cloakroom.errors import UncheckableError
from cloakroom.signing import Message, ReadSignature, RequestError, check_content_digest, check_times, read_signature
from cloakroom.web.api.endpoints import Endpoint
from cloakroom.web.api.people_requests import NewcomerOrder
from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.api.unenrolled import key_of
from cloakroom.web.front.addresses import Surroundings, caller_address
from cloakroom.web.front.core_link import CoreLink
from cloakroom.web.front.known_keys import NOBODY, KnownKeys
from cloakroom.web.metrics.counters import Metrics
from cloakroom.web.protocol.frames import Abandoned, Answered, Asked, KeyFound, KeyWanted, Proof, TurnedAway
from cloakroom.web.protocol.limits import LIMITS, Limits

_log = logging.getLogger("cloakroom.front")

VERIFIED_PER_TURN = 4
"""Signatures verified before the event loop has its turn again."""
FLUSH_SECONDS = 1.0
MAX_KINDS = 200
"""Kinds of refusals told apart in a second; beyond them they are counted without the names of credentials."""


@dataclass(frozen=True, slots=True)
class Incoming:
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


class Asking:
    """A request on its way through this process."""

    __slots__ = ("answered", "arrived", "endpoint", "incoming", "number")

    def __init__(self, endpoint: Endpoint, incoming: Incoming, answered: Callable[[Answer], None]) -> None:
        """Take what is asked and what to call with the answer, once."""
        self.endpoint = endpoint
        self.incoming = incoming
        self.answered: Callable[[Answer], None] | None = answered
        self.arrived = time.monotonic()
        self.number = 0


class Service:
    """One front process's part of the service."""

    def __init__(self, around: Surroundings, limits: Limits = LIMITS) -> None:
        """Take what stands around the service, and the bounds; `new_link` is how it comes to a core."""
        self.limits = limits
        self.metrics = Metrics()
        self._around = around
        self._keys = KnownKeys()
        self._link: CoreLink | None = None
        self._reports: CoreLink | None = None
        self._unverified: deque[Asking] = deque()
        self._without_key: dict[str, list[Asking]] = {}
        self._asked: dict[int, Asking] = {}
        self._number = 0
        self._waiting = 0
        self._turn_due = False
        self._refused: Counter[tuple[str, str]] = Counter()
        self.core_lost = asyncio.Event()
        self.metrics.gauge("waiting_requests", lambda: float(self._waiting))
        self.metrics.gauge("ready", lambda: float(self.is_ready()))

    def new_link(self) -> CoreLink:
        """Return the protocol for the socket to the core."""
        self._link = CoreLink(self._take_answer, self._take_key, self._lose_core)
        return self._link

    def new_link_to_reports(self) -> CoreLink:
        """Return the protocol for the socket to the core that works off what takes long."""
        self._reports = CoreLink(self._take_answer, self._take_key, self._lose_core)
        return self._reports

    def close(self) -> None:
        """Tell the core what was counted, and leave it."""
        self.flush_refusals()
        for link in (self._link, self._reports):
            if link is not None:
                link.close()

    def is_ready(self) -> bool:
        """Answer whether requests can be answered."""
        return self._link is not None and self._link.is_ready

    @property
    def waiting(self) -> int:
        """Return how many requests have no answer yet."""
        return self._waiting

    def ask(self, endpoint: Endpoint, incoming: Incoming, answered: Callable[[Answer], None]) -> Asking | None:
        """Take a request in; `answered` is called once, possibly at once.

        Returns:
            What `abandon` takes, or None if the answer was given already.
        """
        if self._waiting >= self.limits.waiting:
            self._count(endpoint, problem("busy", retry_after_s=1), 0.0, answered)
            return None
        asking = Asking(endpoint, incoming, answered)
        self._waiting += 1
        self._unverified.append(asking)
        if not self._turn_due:
            self._turn_due = True
            asyncio.get_running_loop().call_soon(self._verify_some)
        return asking

    def abandon(self, asking: Asking) -> None:
        """Note that nobody waits for the answer any more."""
        if asking.answered is None:
            return
        asking.answered = None
        self._waiting -= 1
        link = self._link_for(asking.endpoint)
        if self._asked.pop(asking.number, None) is not None and link is not None:
            link.send(Abandoned(asking.number))

    def flush_refusals(self) -> None:
        """Tell the core what was turned away here since the last time."""
        refused, self._refused = self._refused, Counter()
        if self._link is not None:
            for (credential, code), count in refused.items():
                self._link.send(TurnedAway(credential, code, count))

    def _verify_some(self) -> None:
        done = 0
        while self._unverified and done < VERIFIED_PER_TURN:
            asking = self._unverified.popleft()
            if asking.answered is not None:
                done += 1
                self._verify(asking)
        self._turn_due = bool(self._unverified)
        if self._turn_due:
            asyncio.get_running_loop().call_soon(self._verify_some)

    def _verify(self, asking: Asking) -> None:
        incoming = asking.incoming
        authority = incoming.headers.get("host", "").lower()
        name = ""
        try:
            if authority not in self._around.authorities:
                raise RequestError("wrong-host", "no such host here")  # noqa: TRY301 - refused like the others
            signature = read_signature(incoming.headers.get("signature-input"), incoming.headers.get("signature"))
            newcomer = key_of(signature.key_id)
            key = newcomer or self._keys.get(signature.key_id)
            if key is None and not self._keys.is_unknown(signature.key_id, time.monotonic()):
                self._want_key(signature.key_id, asking)
                return
            name = signature.key_id if key is not None and newcomer is None else ""
            _check(incoming, authority, signature, key)
            if (newcomer is not None) != issubclass(asking.endpoint.order, NewcomerOrder):
                # A key of one's own making signs one in and does nothing else; an enrolled one has nobody to sign in.
                raise RequestError("bad-signature", "not a key for this")  # noqa: TRY301 - refused like the others
        except RequestError as error:
            self._refuse(error.code, name)
            self._answer(asking, problem(error.code))
            return
        self._forward(asking, authority, signature)

    def _forward(self, asking: Asking, authority: str, signature: ReadSignature) -> None:
        link = self._link_for(asking.endpoint)
        if link is None or self.core_lost.is_set():
            self._answer(asking, problem("unavailable", retry_after_s=1))
            return
        incoming = asking.incoming
        self._number = asking.number = self._number + 1
        self._asked[asking.number] = asking
        link.send(
            Asked(
                number=asking.number,
                endpoint=asking.endpoint.name,
                signature=Proof(signature.key_id, signature.nonce, signature.expires),
                address=caller_address(incoming.peer, authority, incoming.headers, self._around),
                query=incoming.query,
                body=incoming.body,
                arrived=asking.arrived,
            )
        )

    def _link_for(self, endpoint: Endpoint) -> CoreLink | None:
        return self._reports if endpoint.takes_long else self._link

    def _want_key(self, credential: str, asking: Asking) -> None:
        waiting = self._without_key.get(credential)
        if waiting is not None:
            waiting.append(asking)
            return
        if self._link is None or self.core_lost.is_set():
            self._answer(asking, problem("unavailable", retry_after_s=1))
            return
        self._without_key[credential] = [asking]
        self._link.send(KeyWanted(credential))

    def _take_key(self, found: KeyFound) -> None:
        waiting = self._without_key.pop(found.credential, [])
        key: VerifyingKey | None = None
        if found.key is not None:
            try:
                key = VerifyingKey(found.key)
            except UncheckableError:
                _log.error("the stored key of credential %s is none", found.credential)
        if found.failed:
            for asking in waiting:
                self._answer(asking, problem("unavailable", retry_after_s=1))
            return
        if key is None:
            self._keys.add_unknown(found.credential, time.monotonic())
        else:
            self._keys.add(found.credential, key)
        self._unverified.extendleft(reversed(waiting))
        if waiting and not self._turn_due:
            self._turn_due = True
            asyncio.get_running_loop().call_soon(self._verify_some)

    def _take_answer(self, message: Answered) -> None:
        asking = self._asked.pop(message.number, None)
        if asking is not None:
            answer = Answer(message.status, message.body, message.media_type, message.headers, message.code)
            self._answer(asking, answer)

    def _answer(self, asking: Asking, answer: Answer) -> None:
        answered, asking.answered = asking.answered, None
        if answered is not None:
            self._waiting -= 1
            self._count(asking.endpoint, answer, time.monotonic() - asking.arrived, answered)

    def _count(self, endpoint: Endpoint, answer: Answer, seconds: float, answered: Callable[[Answer], None]) -> None:
        answered(answer)
        self.metrics.answered(endpoint.name, answer.status, answer.code, seconds)

    def _refuse(self, code: str, credential: str) -> None:
        place = (credential, code)
        if place not in self._refused and len(self._refused) >= MAX_KINDS:
            place = ("", code)
        self._refused[place] += 1

    def _lose_core(self) -> None:
        self.core_lost.set()
        waiting = [*self._asked.values(), *(asking for group in self._without_key.values() for asking in group)]
        self._asked.clear()
        self._without_key.clear()
        for asking in waiting:
            self._answer(asking, problem("unavailable", retry_after_s=1))


def _check(incoming: Incoming, authority: str, signature: ReadSignature, key: VerifyingKey | None) -> None:
    check_times(signature, time.time())
    digest = incoming.headers.get("content-digest")
    if digest is None and not incoming.body:
        pass
    elif not check_content_digest(digest or "", incoming.body):
        raise RequestError("body-digest", "Content-Digest is not that of the body")
    message = Message(incoming.method, authority, incoming.path, f"?{incoming.query}", digest)
    # A credential that does not exist is refused as late and in the same words as a wrong signature.
    signature.verify(message, key or NOBODY)
