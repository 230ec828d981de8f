"""While the server works something else may be done, and nothing about the statements changes by it."""

from __future__ import annotations

import time

import pytest

from cloakroom.adapters.postgres.statements import Statements, int8
from cloakroom.errors import UnstorableError

SLOW = "select pg_sleep(%(seconds)s::bigint / 1000.0)::text, %(seconds)s::bigint"


@pytest.fixture
def statements(application):
    return Statements(application.connection)


def test_work_is_done_while_the_server_works_and_no_longer(statements):
    statements.run((SLOW, {"seconds": int8(0)}))  # prepared, so that only the server's time counts below
    done = []

    def work() -> bool:
        time.sleep(0.005)
        done.append(time.monotonic())
        return True

    statements.use_waiting(work)
    began = time.monotonic()
    assert statements.run((SLOW, {"seconds": int8(300)})) == [[("", 300)]]
    ended = time.monotonic()
    assert len(done) > 10
    assert began < done[0] < done[-1] < ended
    assert ended - began < 1.5  # there was always more to do, and it came back nevertheless


def test_work_that_takes_longer_than_the_server_loses_no_answer(statements):
    statements.use_waiting(lambda: time.sleep(0.05) is None)
    for number in range(5):
        assert statements.run((SLOW, {"seconds": int8(0)}), (SLOW, {"seconds": int8(number)})) == [
            [("", 0)],
            [("", number)],
        ]


def test_it_waits_when_there_is_nothing_left_to_do(statements):
    asked = []

    def work() -> bool:
        asked.append(None)
        return len(asked) < 3

    statements.use_waiting(work)
    before = time.process_time()
    statements.run((SLOW, {"seconds": int8(400)}))
    assert time.process_time() - before < 0.2
    assert len(asked) >= 3


def test_nothing_is_done_meanwhile_within_a_transaction_of_the_caller(statements, application):
    done = []
    statements.use_waiting(lambda: bool(done.append(None)))
    with application.connection.transaction():
        statements.run((SLOW, {"seconds": int8(50)}))
    assert not done
    statements.run((SLOW, {"seconds": int8(50)}))
    assert done


def test_an_error_of_the_server_comes_out_whatever_was_done_meanwhile(statements):
    statements.use_waiting(lambda: time.sleep(0.002) is None)
    with pytest.raises(UnstorableError, match="DivisionByZero"):
        statements.run((SLOW, {"seconds": int8(20)}), ("select 1 / %(zero)s::bigint", {"zero": int8(0)}))
    assert statements.run((SLOW, {"seconds": int8(1)})) == [[("", 1)]]
