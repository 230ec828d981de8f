"""Micro-batches: requests that arrive together are worked off together, by one thread that owns the application.

The event loop puts requests into a fair queue; the worker thread takes a batch, works it off in one go, and hands all
answers back in one call. A request that arrives alone after a quiet time is taken at once; in traffic the worker
waits for company, never longer than `Limits.linger_s` after the first request came.

A request whose caller has gone before it was taken is dropped and had no effect. One that was taken is finished and
in the ledger, whether or not anybody still waits for the answer.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cloakroom.signing import ReadSignature
from cloakroom.web.limits import Limits
from cloakroom.web.orders import Order
from cloakroom.web.problems import Answer, problem
from cloakroom.web.queueing import FairQueue

_COMPANY = 4
"""Requests in a batch from which on the next batch waits for company."""


@dataclass(slots=True, eq=False)
class Pending:
    """A request on its way.

    Attributes:
        lineage: Whose turn it takes: the credential that it presents.
        order: What it asks.
        signature: Its verified signature; the nonce is not claimed yet.
        address: Network address of the caller; None on the machine itself.
        answered: Where the answer goes.
        arrived: When it came, by the monotonic clock.
    """

    lineage: str
    order: Order
    signature: ReadSignature
    address: str | None
    answered: asyncio.Future[Answer]
    arrived: float = field(default_factory=time.monotonic)

    @property
    def size(self) -> int:
        """Return how many records it names."""
        return self.order.size


Work = Callable[[Sequence[Pending]], Sequence[Answer]]


class Batcher:
    """The queue and the thread that works it off."""

    def __init__(
        self,
        work: Work,
        limits: Limits,
        *,
        idle: Callable[[], None],
        observe: Callable[[int, float], None],
    ) -> None:
        """Take what works a batch off, and the bounds.

        Args:
            work: Answers a batch; called by the worker thread only. Never raises.
            limits: The bounds.
            idle: Called by the worker thread between batches and at least every half second.
            observe: Is told the size of each batch and how long its oldest request waited.
        """
        self._work = work
        self._idle = idle
        self._observe = observe
        self._limits = limits
        self._queue: FairQueue[Pending] = FairQueue(limits)
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="core", daemon=True)
        self._lingers = False

    def start(self) -> None:
        """Start the worker."""
        self._thread.start()

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def is_full(self) -> bool:
        """Answer whether nobody is taken in any more."""
        return self._queue.is_full

    @property
    def is_alive(self) -> bool:
        """Answer whether the worker runs."""
        return self._thread.is_alive()

    def submit(self, pending: Pending) -> str | None:
        """Queue a request; return the code of the problem if it is turned away."""
        with self._changed:
            if self._stopping:
                return "busy"
            refused = self._queue.put(pending)
            if refused is None:
                self._changed.notify()
            return refused

    def stop(self, timeout_s: float = 30.0) -> None:
        """Work off what waits, then end. Called from another thread than the worker."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            batch = self._next()
            if batch is None:
                break
            if batch:
                self._answer(batch)
            self._idle()

    def _next(self) -> list[Pending] | None:
        """Return the next batch; empty after half a second without any, None when it is time to stop."""
        with self._changed:
            if not len(self._queue) and not self._stopping:
                self._changed.wait(0.5)
            if not len(self._queue):
                return None if self._stopping else []
            if self._lingers and not self._stopping:
                until = time.monotonic() + self._limits.linger_s
                while len(self._queue) < self._limits.batch_requests:
                    left = until - time.monotonic()
                    if left <= 0 or not self._changed.wait(left):
                        break
            batch = self._queue.take()
        self._lingers = len(batch) >= _COMPANY
        return batch

    def _answer(self, batch: list[Pending]) -> None:
        now = time.monotonic()
        self._observe(len(batch), now - min(item.arrived for item in batch))
        late = [item for item in batch if now - item.arrived > self._limits.wait_s]
        if late:
            _deliver(late, [problem("busy", retry_after_s=1)] * len(late))
        taken = [item for item in batch if item not in late and not item.answered.cancelled()] if late else batch
        if taken:
            _deliver(taken, self._work(taken))


def _deliver(batch: Sequence[Pending], answers: Sequence[Answer]) -> None:
    """Hand answers to the event loop, all in one call."""
    loop = batch[0].answered.get_loop()
    try:
        loop.call_soon_threadsafe(_set_all, [item.answered for item in batch], answers)
    except RuntimeError:  # the loop has ended; nobody waits any more
        return


def _set_all(futures: Sequence[asyncio.Future[Answer]], answers: Sequence[Answer]) -> None:
    for future, answer in zip(futures, answers, strict=True):
        if not future.done():
            future.set_result(answer)
