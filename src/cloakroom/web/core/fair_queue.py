"""A bounded queue that takes turns between principals.

One principal with a thousand requests waiting delays another's single request by one turn, not by a thousand. Pure;
the caller locks.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, Protocol, TypeVar

from cloakroom.web.protocol.limits import Limits


class Waiting(Protocol):
    """Something in the queue."""

    @property
    def lineage(self) -> str:
        """Whose turn it takes."""
        ...

    @property
    def size(self) -> int:
        """Number of records that it names."""
        ...


T = TypeVar("T", bound=Waiting)


class FairQueue(Generic[T]):
    """Waiting requests by lineage."""

    def __init__(self, limits: Limits) -> None:
        """Take the bounds."""
        self._limits = limits
        self._queues: OrderedDict[str, deque[T]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def is_full(self) -> bool:
        """Answer whether nobody is taken in any more."""
        return self._count >= self._limits.waiting

    def put(self, item: T) -> str | None:
        """Queue `item`; return the code of the problem if it is rejected."""
        if self.is_full:
            return "busy"
        queue = self._queues.get(item.lineage)
        if queue is None:
            queue = self._queues[item.lineage] = deque()
        if len(queue) >= self._limits.waiting_per_principal:
            return "waiting"
        queue.append(item)
        self._count += 1
        return None

    def take(self) -> list[T]:
        """Return the next batch: one of each lineage in turn, until it is full."""
        batch: list[T] = []
        records = 0
        while self._count and len(batch) < self._limits.batch_requests:
            lineage, queue = next(iter(self._queues.items()))
            if batch and records + queue[0].size > self._limits.batch_records:
                break
            item = queue.popleft()
            self._count -= 1
            # To the end of the line, or out of it.
            self._queues.move_to_end(lineage)
            if not queue:
                del self._queues[lineage]
            batch.append(item)
            records += item.size
        return batch

    def drain(self) -> list[T]:
        """Return everything that waits and leave the queue empty."""
        items = [item for queue in self._queues.values() for item in queue]
        self._queues.clear()
        self._count = 0
        return items
