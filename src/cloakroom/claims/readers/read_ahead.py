"""The next item of an iterator, got ready in a thread of its own while the last one is worked on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
