"""Reading ahead changes when things are read, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from cloakroom.claims.readers.read_ahead import done_ahead, read_ahead


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


def test_tasks_give_their_results_in_order_whichever_is_done_first():
    def task(number: int) -> Callable[[], int]:
        def done() -> int:
            time.sleep(0.02 if number % 3 == 0 else 0)
            return number

        return done

    assert list(done_ahead(map(task, range(30)), 4)) == list(range(30))


def test_tasks_are_done_at_the_same_time_but_only_as_many_as_there_are_workers():
    both, running, most = threading.Barrier(2, timeout=5), [0], [0]
    lock = threading.Lock()

    def task() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        both.wait()
        with lock:
            running[0] -= 1

    assert list(done_ahead(iter([task] * 8), 2)) == [None] * 8
    assert most == [2]


@pytest.mark.parametrize("is_in_the_task", [True, False])
def test_an_error_comes_after_the_results_of_all_tasks_before_it(is_in_the_task):
    def damaged() -> int:
        raise ValueError("a damaged block")

    def tasks() -> Iterator[Callable[[], int]]:
        yield lambda: 1
        yield lambda: 2
        if is_in_the_task:
            yield damaged
        raise ValueError("a damaged block")

    results = done_ahead(tasks(), 3)
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(ValueError, match="a damaged block"):
        next(results)


def test_no_task_is_left_running_once_the_iteration_was_given_up():
    threads = threading.active_count()
    results = done_ahead(iter([lambda: 1, lambda: time.sleep(0.2), lambda: time.sleep(0.2)]), 1)  # type: ignore[list-item]
    assert next(results) == 1
    results.close()
    assert threading.active_count() == threads
