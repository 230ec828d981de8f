"""Threads that read and work ahead; the order of what they give stays."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WorkerThreads:
    """The `claims.sources.Workers` that use threads, started for each iteration and ended with it.

    Attributes:
        count: Tasks that are done at the same time.
    """

    count: int = 2

    def ahead(self, items: Iterator[T]) -> Iterator[T]:
        """Yield the same items, the next one got ready while the caller works on this one.

        When the iteration ends, in whatever way, nothing reads any longer: the stream below belongs to somebody else.
        """
        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(next, items, None)
            while (item := coming.result()) is not None:
                coming = reader.submit(next, items, None)
                yield item

    def results(self, tasks: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Yield what tasks give, in their order, while up to `count` later ones are being done, in any order."""
        coming = iter(tasks)
        waiting: deque[Future[T]] = deque()
        damage: Exception | None = None
        with ThreadPoolExecutor(self.count) as pool:
            while True:
                try:
                    task = next(coming, None)
                except Exception as error:  # noqa: BLE001 - raised again below, after what came before it
                    damage = error
                    break
                if task is None:
                    break
                waiting.append(pool.submit(task))
                if len(waiting) > self.count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        if damage is not None:
            raise damage
