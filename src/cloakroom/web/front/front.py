"""The front half of the service: takes a request apart, verifies its signature, and hands it to the core.

Everything here runs in the event loop of a front process, which knows no store and no key of it. A request gets as
far as the core only with a signature that verifies; the rest is decided there, in the batch (`core`).

What a process takes on is bounded before any work is done for it: beyond `Limits.waiting` requests that wait for
verification or for an answer, further ones are rejected at the price of reading them. Signatures are verified a
few at a time between turns of the event loop, so that answers leave and rejections are told while many wait.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable

from cloakroom.crypto import VerifyingKey
from cloakroom.errors import UncheckableError
from cloakroom.signing import Message, ReadSignature, RequestError, check_content_digest, check_times, read_signature
from cloakroom.web.api.endpoints import Endpoint
from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.api.requests.elements import UnenrolledRequest
from cloakroom.web.api.unenrolled import key_of
from cloakroom.web.front.addresses import Surroundings, caller_address
from cloakroom.web.front.core_link import CoreLink
from cloakroom.web.front.http_request import HTTPRequest, PendingHTTPRequest
from cloakroom.web.front.known_keys import NOBODY, KnownKeys
from cloakroom.web.metrics.counters import Metrics
from cloakroom.web.protocol.frames import (
    CancelledRequest,
    ForwardedAnswer,
    ForwardedRequest,
    KeyQuery,
    KeyReply,
    RejectedRequests,
    VerifiedSignature,
)
from cloakroom.web.protocol.limits import LIMITS, Limits

_log = logging.getLogger("cloakroom.front")

VERIFIED_PER_TURN = 4
"""Signatures verified before the event loop has its turn again."""
FLUSH_SECONDS = 1.0
MAX_KINDS = 200
"""Kinds of rejections told apart in a second; beyond them they are counted without the names of credentials."""


class Front:
    """One front process's part of the service."""

    def __init__(self, around: Surroundings, limits: Limits = LIMITS) -> None:
        """Take what stands around the service, and the bounds; `new_link` is how it comes to a core."""
        self.limits = limits
        self.metrics = Metrics()
        self._around = around
        self._keys = KnownKeys()
        self._link: CoreLink | None = None
        self._reports: CoreLink | None = None
        self._unverified: deque[PendingHTTPRequest] = deque()
        self._without_key: dict[str, list[PendingHTTPRequest]] = {}
        self._forwarded: dict[int, PendingHTTPRequest] = {}
        self._number = 0
        self._waiting = 0
        self._turn_due = False
        self._rejected: Counter[tuple[str, str]] = Counter()
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
        self.flush_rejections()
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

    def ask(
        self, endpoint: Endpoint, request: HTTPRequest, answered: Callable[[Answer], None]
    ) -> PendingHTTPRequest | None:
        """Take a request in; `answered` is called once, possibly at once.

        Returns:
            What `cancel` takes, or None if the answer was given already.
        """
        if self._waiting >= self.limits.waiting:
            self._count(endpoint, problem("busy", retry_after_s=1), 0.0, answered)
            return None
        pending = PendingHTTPRequest(endpoint, request, answered)
        self._waiting += 1
        self._unverified.append(pending)
        if not self._turn_due:
            self._turn_due = True
            asyncio.get_running_loop().call_soon(self._verify_some)
        return pending

    def cancel(self, pending: PendingHTTPRequest) -> None:
        """Note that nobody waits for the answer any more."""
        if pending.answered is None:
            return
        pending.answered = None
        self._waiting -= 1
        link = self._link_for(pending.endpoint)
        if self._forwarded.pop(pending.number, None) is not None and link is not None:
            link.send(CancelledRequest(pending.number))

    def flush_rejections(self) -> None:
        """Tell the core what was rejected here since the last time."""
        rejected, self._rejected = self._rejected, Counter()
        if self._link is not None:
            for (credential, code), count in rejected.items():
                self._link.send(RejectedRequests(credential, code, count))

    def _verify_some(self) -> None:
        done = 0
        while self._unverified and done < VERIFIED_PER_TURN:
            pending = self._unverified.popleft()
            if pending.answered is not None:
                done += 1
                self._verify(pending)
        self._turn_due = bool(self._unverified)
        if self._turn_due:
            asyncio.get_running_loop().call_soon(self._verify_some)

    def _verify(self, pending: PendingHTTPRequest) -> None:
        request = pending.request
        authority = request.headers.get("host", "").lower()
        name = ""
        try:
            if authority not in self._around.authorities:
                raise RequestError("wrong-host", "no such host here")  # noqa: TRY301 - refused like the others
            signature = read_signature(request.headers.get("signature-input"), request.headers.get("signature"))
            unenrolled = key_of(signature.key_id)
            key = unenrolled or self._keys.get(signature.key_id)
            if key is None and not self._keys.is_unknown(signature.key_id, time.monotonic()):
                self._want_key(signature.key_id, pending)
                return
            name = signature.key_id if key is not None and unenrolled is None else ""
            _check(request, authority, signature, key)
            if (unenrolled is not None) != issubclass(pending.endpoint.request, UnenrolledRequest):
                # A key of one's own making signs one in and does nothing else; an enrolled one has nobody to sign in.
                raise RequestError("bad-signature", "not a key for this")  # noqa: TRY301 - refused like the others
        except RequestError as error:
            self._count_rejected(error.code, name)
            self._answer(pending, problem(error.code))
            return
        self._forward(pending, authority, signature)

    def _forward(self, pending: PendingHTTPRequest, authority: str, signature: ReadSignature) -> None:
        link = self._link_for(pending.endpoint)
        if link is None or self.core_lost.is_set():
            self._answer(pending, problem("unavailable", retry_after_s=1))
            return
        request = pending.request
        self._number = pending.number = self._number + 1
        self._forwarded[pending.number] = pending
        link.send(
            ForwardedRequest(
                number=pending.number,
                endpoint=pending.endpoint.name,
                signature=VerifiedSignature(signature.key_id, signature.nonce, signature.expires),
                address=caller_address(request.peer, authority, request.headers, self._around),
                query=request.query,
                body=request.body,
                arrived=pending.arrived,
            )
        )

    def _link_for(self, endpoint: Endpoint) -> CoreLink | None:
        return self._reports if endpoint.takes_long else self._link

    def _want_key(self, credential: str, pending: PendingHTTPRequest) -> None:
        waiting = self._without_key.get(credential)
        if waiting is not None:
            waiting.append(pending)
            return
        if self._link is None or self.core_lost.is_set():
            self._answer(pending, problem("unavailable", retry_after_s=1))
            return
        self._without_key[credential] = [pending]
        self._link.send(KeyQuery(credential))

    def _take_key(self, found: KeyReply) -> None:
        waiting = self._without_key.pop(found.credential, [])
        key: VerifyingKey | None = None
        if found.key is not None:
            try:
                key = VerifyingKey(found.key)
            except UncheckableError:
                _log.error("the stored key of credential %s is none", found.credential)
        if found.failed:
            for pending in waiting:
                self._answer(pending, problem("unavailable", retry_after_s=1))
            return
        if key is None:
            self._keys.add_unknown(found.credential, time.monotonic())
        else:
            self._keys.add(found.credential, key)
        self._unverified.extendleft(reversed(waiting))
        if waiting and not self._turn_due:
            self._turn_due = True
            asyncio.get_running_loop().call_soon(self._verify_some)

    def _take_answer(self, message: ForwardedAnswer) -> None:
        pending = self._forwarded.pop(message.number, None)
        if pending is not None:
            answer = Answer(message.status, message.body, message.media_type, message.headers, message.code)
            self._answer(pending, answer)

    def _answer(self, pending: PendingHTTPRequest, answer: Answer) -> None:
        answered, pending.answered = pending.answered, None
        if answered is not None:
            self._waiting -= 1
            self._count(pending.endpoint, answer, time.monotonic() - pending.arrived, answered)

    def _count(self, endpoint: Endpoint, answer: Answer, seconds: float, answered: Callable[[Answer], None]) -> None:
        answered(answer)
        self.metrics.answered(endpoint.name, answer.status, answer.code, seconds)

    def _count_rejected(self, code: str, credential: str) -> None:
        place = (credential, code)
        if place not in self._rejected and len(self._rejected) >= MAX_KINDS:
            place = ("", code)
        self._rejected[place] += 1

    def _lose_core(self) -> None:
        self.core_lost.set()
        waiting = [*self._forwarded.values(), *(pending for group in self._without_key.values() for pending in group)]
        self._forwarded.clear()
        self._without_key.clear()
        for pending in waiting:
            self._answer(pending, problem("unavailable", retry_after_s=1))


def _check(request: HTTPRequest, authority: str, signature: ReadSignature, key: VerifyingKey | None) -> None:
    check_times(signature, time.time())
    digest = request.headers.get("content-digest")
    if digest is None and not request.body:
        pass
    elif not check_content_digest(digest or "", request.body):
        raise RequestError("body-digest", "Content-Digest is not that of the body")
    message = Message(request.method, authority, request.path, f"?{request.query}", digest)
    # A credential that does not exist is refused as late and in the same words as a wrong signature.
    signature.verify(message, key or NOBODY)
