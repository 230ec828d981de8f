"""Reading ahead changes when things are read, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from cloakroom.claims.readers.read_ahead import read_ahead


def test_items_come_in_their_order_each_once():
    assert list(read_ahead(iter(range(1, 100)))) == list(range(1, 100))


def test_an_error_comes_after_the_items_before_it():
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("a damaged block")

    items = read_ahead(broken())
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(ValueError, match="a damaged block"):
        next(items)


def test_one_item_at_most_is_read_ahead():
    read = []

    def slow() -> Iterator[int]:
        for number in range(1, 10):
            read.append(number)
            yield number

    items = read_ahead(slow())
    assert next(items) == 1
    time.sleep(0.05)
    assert read in ([1], [1, 2])
    items.close()


def test_nothing_reads_any_longer_once_the_iteration_was_given_up():
    reading, threads = threading.Event(), threading.active_count()

    def slow() -> Iterator[int]:
        yield 1
        reading.set()
        time.sleep(0.2)
        yield 2

    items = read_ahead(slow())
    next(items)
    assert reading.wait(5)
    items.close()
    assert threading.active_count() == threads
