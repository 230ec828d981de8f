"""Working ahead changes when things are done, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from workers_behaviour import WorkersBehaviour

from cloakroom.adapters.evidence.threads import WorkerThreads
from cloakroom.claims.sources import InTurn, Workers
from patience import PATIENCE


class TestInTurn(WorkersBehaviour):
    @pytest.fixture
    def workers(self) -> Workers:
        return InTurn()


@pytest.mark.parametrize("count", [1, 2, 3])
class TestWorkerThreads(WorkersBehaviour):
    @pytest.fixture
    def workers(self, count: int) -> Workers:
        return WorkerThreads(count)


def test_one_item_at_most_is_read_ahead() -> None:
    read: list[int] = []
    is_second_read = threading.Event()

    def numbers() -> Iterator[int]:
        for number in range(1, 10):
            read.append(number)
            if number == 2:
                is_second_read.set()
            yield number

    items = WorkerThreads().ahead(numbers())
    assert next(items) == 1
    assert is_second_read.wait(PATIENCE)
    time.sleep(0.01)
    assert read == [1, 2]
    items.close()  # type: ignore[attr-defined]


def test_nothing_reads_any_longer_once_the_iteration_was_given_up() -> None:
    reading, threads = threading.Event(), threading.active_count()

    def slow() -> Iterator[int]:
        yield 1
        reading.set()
        time.sleep(0.05)
        yield 2

    items = WorkerThreads().ahead(slow())
    next(items)
    assert reading.wait(PATIENCE)
    items.close()  # type: ignore[attr-defined]
    assert threading.active_count() == threads


def test_results_come_in_order_whichever_task_is_done_first() -> None:
    def task(number: int) -> Callable[[], int]:
        def done() -> int:
            time.sleep(0.01 if number % 3 == 0 else 0)
            return number

        return done

    assert list(WorkerThreads(4).results(map(task, range(30)))) == list(range(30))


def test_tasks_are_done_at_the_same_time_but_only_as_many_as_there_are_workers() -> None:
    both, running, most = threading.Barrier(2, timeout=5), [0], [0]
    lock = threading.Lock()

    def task() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        both.wait()
        with lock:
            running[0] -= 1

    assert list(WorkerThreads(2).results([task] * 8)) == [None] * 8
    assert most == [2]


def test_no_more_tasks_wait_than_there_are_workers() -> None:
    asked: list[int] = []

    def tasks() -> Iterator[Callable[[], int]]:
        for number in range(50):
            asked.append(number)
            yield lambda number=number: number

    results = WorkerThreads(2).results(tasks())
    assert next(results) == 0
    assert asked == [0, 1, 2]
    results.close()  # type: ignore[attr-defined]


def test_no_task_is_left_running_once_the_iteration_was_given_up() -> None:
    threads = threading.active_count()
    results = WorkerThreads(1).results([lambda: 1, lambda: time.sleep(0.05), lambda: time.sleep(0.05)])
    assert next(results) == 1
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == threads
