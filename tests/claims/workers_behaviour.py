"""What every implementation of `claims.sources.Workers` must do; run against each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cloakroom.claims.sources import Workers


def damaged() -> int:
    raise ValueError("a damaged block")


class WorkersBehaviour:
    """Subclasses give the workers in a fixture of that name."""

    def test_items_come_in_their_order_each_once(self, workers: Workers) -> None:
        assert list(workers.ahead(iter(range(1, 100)))) == list(range(1, 100))

    def test_an_error_comes_after_the_items_before_it(self, workers: Workers) -> None:
        def broken() -> Iterator[int]:
            yield 1
            yield 2
            yield damaged()

        items = workers.ahead(broken())
        assert [next(items), next(items)] == [1, 2]
        with pytest.raises(ValueError, match="a damaged block"):
            next(items)

    def test_tasks_give_their_results_in_their_order(self, workers: Workers) -> None:
        assert list(workers.results(lambda number=number: number for number in range(30))) == list(range(30))

    @pytest.mark.parametrize("is_in_the_task", [True, False])
    def test_an_error_comes_after_the_results_of_all_tasks_before_it(
        self, workers: Workers, is_in_the_task: bool
    ) -> None:
        def tasks() -> Iterator[Callable[[], int]]:
            yield lambda: 1
            yield lambda: 2
            if is_in_the_task:
                yield damaged
            damaged()

        results = workers.results(tasks())
        assert [next(results), next(results)] == [1, 2]
        with pytest.raises(ValueError, match="a damaged block"):
            next(results)

    def test_nothing_gives_nothing(self, workers: Workers) -> None:
        assert list(workers.ahead(iter(()))) == []
        assert list(workers.results([])) == []
