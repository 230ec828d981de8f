"""Items of an iterator got ready in threads while earlier ones are worked on; their order stays."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def read_ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the same items, none of which may be None; an error comes where the item would have come.

    When the iteration ends, in whatever way, nothing reads any longer: the stream below belongs to somebody else.
    """
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = reader.submit(next, items, None)
            yield item


def done_ahead(tasks: Iterator[Callable[[], T]], workers: int) -> Iterator[T]:
    """Yield what tasks give, in their order, while up to `workers` later ones are being done.

    Tasks may be done in any order. An error in a task, or in the iterator of tasks, comes after the results of all
    tasks before it.
    """
    waiting: deque[Future[T]] = deque()
    damage: Exception | None = None
    with ThreadPoolExecutor(workers) as pool:
        while damage is None:
            try:
                task = next(tasks, None)
            except Exception as error:  # noqa: BLE001 - raised again below, after what came before it
                damage = error
                break
            if task is None:
                break
            waiting.append(pool.submit(task))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    if damage is not None:
        raise damage
