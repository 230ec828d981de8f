"""Micro-batches: requests that arrive together are worked off together, by the one thread of the core process.

Front processes send requests over sockets; between batches the core reads what came, queues it fairly, takes a
batch, works it off in one go, and sends all answers back, one frame for each front. What of a batch needs no store
any more may be done while the store works on the next one. A request that arrives alone
after a quiet time is taken at once; in traffic the core waits for company until the oldest request is
`Limits.linger_s` old, and not at all where a batch took longer than that.

A request whose caller has gone before it was taken is dropped and had no effect. One that was taken is finished and
in the ledger, whether or not anybody still waits for the answer. The core ends when the last front has closed its
socket and everything it had asked is answered.
"""

from __future__ import annotations

import logging
import selectors
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.api.requests.elements import Request
from cloakroom.web.api.unenrolled import LINEAGE, key_of
from cloakroom.web.core.fair_queue import FairQueue
from cloakroom.web.core.pending import FrontConnection, PendingRequest
from cloakroom.web.protocol.frames import (
    CancelledRequest,
    ForwardedRequest,
    FrameError,
    KeyQuery,
    KeyReply,
    Readiness,
    RejectedRequests,
    frame,
)
from cloakroom.web.protocol.limits import Limits

_log = logging.getLogger("cloakroom.core")

_COMPANY = 4
"""Requests in a batch from which on the next batch waits for company."""
_READ_BYTES = 1 << 20
_IDLE_SECONDS = 0.25
_READINESS_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Work:
    """The core's part in what the batcher does; none of it raises.

    Attributes:
        decode_request: Decodes what a request asks, by the name of its endpoint; raises ValueError.
        answer: Answers a batch; some answers may only come with the next batch, or when finished.
        finish: Gives all answers that are still missing.
        keys: Looks up keys of credentials; None where the store does not answer.
        count_rejected: Is told of requests that a front rejected.
        idle: Called between batches and at least four times a second.
        is_ready: Whether requests can be answered.
        observe: Is told the size of each batch and how long its oldest request waited.
    """

    decode_request: Callable[[str, str, bytes], Request]
    answer: Callable[[Sequence[PendingRequest], Callable[[int, Answer], None]], None]
    finish: Callable[[], None]
    keys: Callable[[Sequence[str]], Mapping[str, bytes] | None]
    count_rejected: Callable[[str, str, int], None]
    idle: Callable[[], None]
    is_ready: Callable[[], bool]
    observe: Callable[[int, float], None]


class Batcher:
    """The queue and the loop that works it off."""

    def __init__(self, work: Work, limits: Limits, sockets: Sequence[socket.socket]) -> None:
        """Take what works batches off, the bounds, and a socket for each front process."""
        self._work = work
        self._limits = limits
        self._queue: FairQueue[PendingRequest] = FairQueue(limits)
        self._selector = selectors.DefaultSelector()
        self._fronts = [FrontConnection(connected) for connected in sockets]
        for front in self._fronts:
            self._selector.register(front.socket, selectors.EVENT_READ, front)
        self._wanted: list[tuple[FrontConnection, str]] = []
        self._oldest = 0.0
        self._lingers = False
        self._unanswered = 0
        self._readiness_at = 0.0

    def __len__(self) -> int:
        return len(self._queue)

    def run(self) -> None:
        """Work until every front has gone and everything is answered."""
        while self._fronts or len(self._queue):
            self._gather()
            if len(self._queue):
                self._answer(self._queue.take())
            self._work.idle()
            self._send_readiness()
            self._flush()
        self._selector.close()

    def _gather(self) -> None:
        self._receive(0.0 if len(self._queue) or self._unanswered else _IDLE_SECONDS)
        while self._lingers and 0 < len(self._queue) < self._limits.batch_requests and self._fronts:
            if self._left() <= 0:
                break
            self._finish()
            self._receive(max(self._left(), 0.0))

    def _left(self) -> float:
        """Return for how many seconds the oldest request may still wait for company."""
        return self._oldest + self._limits.linger_s - time.monotonic()

    def _receive(self, timeout_s: float) -> None:
        for key, _ in self._selector.select(timeout_s):
            front: FrontConnection = key.data
            try:
                data = front.socket.recv(_READ_BYTES)
                if not data:
                    self._part(front)
                    continue
                for message in front.reader.feed(data):
                    self._take(front, message)
            except (OSError, FrameError) as error:
                _log.error("a front process is given up: %s", type(error).__name__)
                self._part(front)
        self._look_up_keys()

    def _take(self, front: FrontConnection, message: object) -> None:
        if isinstance(message, ForwardedRequest):
            self._queue_up(front, message)
        elif isinstance(message, CancelledRequest):
            pending = front.waiting.pop(message.number, None)
            if pending is not None:
                pending.cancelled = True
        elif isinstance(message, KeyQuery):
            self._wanted.append((front, message.credential))
        elif isinstance(message, RejectedRequests):
            self._work.count_rejected(message.credential, message.code, message.count)

    def _queue_up(self, front: FrontConnection, forwarded: ForwardedRequest) -> None:
        try:
            request = self._work.decode_request(forwarded.endpoint, forwarded.query, forwarded.body)
        except ValueError as error:
            # A decoder's complaint names the place and the expectation, not what stood there.
            front.answer(forwarded.number, problem("malformed", str(error)[:300]))
            return
        pending = PendingRequest(
            lineage=LINEAGE if key_of(forwarded.signature.key_id) is not None else forwarded.signature.key_id,
            request=request,
            signature=forwarded.signature,
            address=forwarded.address,
            arrived=forwarded.arrived,
            number=forwarded.number,
            front=front,
        )
        if not len(self._queue):
            self._oldest = forwarded.arrived
        refused = self._queue.put(pending)
        if refused is not None:
            front.answer(forwarded.number, problem(refused, retry_after_s=1))
        else:
            front.waiting[forwarded.number] = pending

    def _look_up_keys(self) -> None:
        if not self._wanted:
            return
        wanted, self._wanted = self._wanted, []
        found = self._work.keys(sorted({credential for _, credential in wanted}))
        for front, credential in wanted:
            key = None if found is None else found.get(credential)
            front.outgoing.append(KeyReply(credential, key, failed=found is None))

    def _answer(self, batch: list[PendingRequest]) -> None:
        now = time.monotonic()
        self._lingers = len(batch) >= _COMPANY
        if len(self._queue):
            self._oldest = now - self._limits.linger_s
        self._work.observe(len(batch), now - min(item.arrived for item in batch))
        taken = []
        for item in batch:
            item.front.waiting.pop(item.number, None)
            if item.cancelled:
                continue
            if now - item.arrived > self._limits.wait_s:
                item.front.answer(item.number, problem("busy", retry_after_s=1))
            else:
                taken.append(item)
        if taken:
            self._unanswered += len(taken)
            missing = len(taken)

            def deliver(at: int, answer: Answer) -> None:
                nonlocal missing
                taken[at].front.answer(taken[at].number, answer)
                missing -= 1
                self._unanswered -= 1
                if missing == 0:
                    self._flush()

            self._work.answer(taken, deliver)
        self._receive(0.0)
        if not len(self._queue):
            self._finish()

    def _finish(self) -> None:
        """Give what was asked so far its answers."""
        if self._unanswered:
            self._work.finish()
        self._flush()

    def _send_readiness(self) -> None:
        now = time.monotonic()
        if now - self._readiness_at >= _READINESS_SECONDS:
            self._readiness_at = now
            ready = self._work.is_ready()
            for front in self._fronts:
                front.outgoing.append(Readiness(ready))

    def _flush(self) -> None:
        for front in list(self._fronts):
            outgoing, front.outgoing = front.outgoing, []
            if outgoing:
                try:
                    front.socket.sendall(frame(outgoing))
                except OSError as error:
                    _log.error("a front process is given up: %s", type(error).__name__)
                    self._part(front)

    def _part(self, front: FrontConnection) -> None:
        """Forget a front that has gone; what it asked and was not taken yet has nobody waiting."""
        if front in self._fronts:
            self._fronts.remove(front)
            self._selector.unregister(front.socket)
            front.socket.close()
            for pending in front.waiting.values():
                pending.cancelled = True
            front.waiting.clear()
