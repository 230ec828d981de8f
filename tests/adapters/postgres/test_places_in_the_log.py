"""Where entries stand in the log: in runs beside them, so that an entry is never changed."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

from cloakroom.adapters.postgres.connection import connect, create_schema, migrations
from cloakroom.adapters.postgres.log_store import PostgresLog, runs_of
from cloakroom.errors import StoreError
from cloakroom.vocabulary import Operation
from spine_world import live_ordinals, open_records, staff, tokens_of

WITHOUT_RUNS = 108
"""The last migration in which an entry had its place in a column."""
ADD_ENTRY = (
    "insert into ledger_entry (id, lineage, epoch, at, operation, permitted, records, body)"
    " overriding system value values (%s, 'anna', 0, 0, 'find', true, 0, %s)"
)


def all_subsets(numbers):
    return [subset for size in range(len(numbers) + 1) for subset in combinations(numbers, size)]


@pytest.fixture
def schema(empty_database):
    with connect(empty_database) as connection:
        create_schema(connection)
        yield connection


def add_entries(connection, ids):
    for number in ids:
        connection.execute(ADD_ENTRY, (number, str(number).encode()))
        connection.execute("insert into ledger_waiting values (%s)", (number,))


def in_log(connection, start=0, end=None):
    rows = connection.execute("select leaf_index, body from log_entries(%s, %s) order by leaf_index", (start, end))
    return [(leaf_index, int(bytes(body))) for leaf_index, body in rows]


def test_runs_are_as_long_as_can_be_and_together_what_they_were_made_of():
    for ids in all_subsets(range(1, 9)):
        runs = runs_of(ids)
        assert [number for first, count in runs for number in range(first, first + count)] == list(ids)
        assert all(first + count < following for (first, count), (following, _) in pairwise(runs))


def test_every_entry_is_found_at_its_place_however_late_others_were_committed(schema):
    """Of six entries any may be taken first, in order, and the others afterwards; each time in another store."""
    log = PostgresLog(schema)
    for first in all_subsets(range(1, 7)):
        with schema.transaction(force_rollback=True):
            rest = [number for number in range(1, 7) if number not in first]
            taken = [*first, *rest, 7]
            add_entries(schema, first)
            log.integrated(first, 0)
            add_entries(schema, [*rest, 7])
            log.integrated([*rest, 7], len(first))
            assert log.waiting_count() == 0
            expected = list(enumerate(taken))
            assert in_log(schema) == expected
            for start in range(8):
                for end in range(start, 9):
                    assert in_log(schema, start, end) == expected[start:end]
            for leaf_index, number in expected:
                assert log.leaf(leaf_index) == str(number).encode()
                assert schema.execute("select * from place_in_log(%s)", (number,)).fetchall() == [(leaf_index,)]
            assert (
                schema.execute("select * from place_in_log(0) union select * from place_in_log(8)").fetchall() == []
            )


def test_what_one_sequencer_takes_in_a_row_is_one_run(schema):
    log = PostgresLog(schema)
    for first in range(1, 31, 3):
        add_entries(schema, range(first, first + 3))
        log.integrated(range(first, first + 3), first - 1)
    assert schema.execute("select * from ledger_run").fetchall() == [(0, 1, 30)]


def test_an_entry_gets_a_place_once(schema):
    log = PostgresLog(schema)
    add_entries(schema, [1, 2, 3])
    log.integrated([1, 2], 0)
    for again in ([2], [2, 3], [1, 2, 3]):
        with pytest.raises(StoreError), schema.transaction():
            log.integrated(again, 2)
    assert in_log(schema) == [(0, 1), (1, 2)]
    assert [number for number, _ in log.waiting(9)] == [3]


def test_an_older_store_keeps_the_place_of_every_entry(empty_database):
    older = [sql for number, sql in migrations() if number <= WITHOUT_RUNS]
    newer = [sql for number, sql in migrations() if number > WITHOUT_RUNS]
    places = {3: 0, 4: 1, 6: 2, 5: 3, 7: 4, 8: 5, 1: 6, 2: 7, 9: None, 11: 8, 12: None}
    with connect(empty_database) as connection:
        for sql in older:
            connection.execute(sql.encode())
        for number, leaf_index in places.items():
            connection.execute(ADD_ENTRY, (number, str(number).encode()))
            connection.execute("update ledger_entry set leaf_index = %s where id = %s", (leaf_index, number))
        for sql in newer:
            connection.execute(sql.encode())
        assert in_log(connection) == sorted((place, number) for number, place in places.items() if place is not None)
        assert [number for number, _ in PostgresLog(connection).waiting(9)] == [9, 12]
        assert connection.execute("select count(*) from ledger_run").fetchone() == (6,)


def test_no_work_of_the_ledger_changes_an_entry(application):
    connection = application.connection
    connection.execute(
        "create function refuse() returns trigger language plpgsql as $$ begin raise 'an entry was changed'; end $$"
    )
    connection.execute("create trigger refuse before update or delete on ledger_entry execute function refuse()")
    who = staff(application, "anna")
    tokens = tokens_of(application, who, live_ordinals(application)[:3])
    assert open_records(application, who, tokens).admission.permitted
    application.ledger.append({}, [application.entries.prepare(lineage="system", operation=Operation.HEARTBEAT)])
    assert application.sequencer.run() > 0
    assert application.disclosures.roll_up() > 0
    assert application.disclosures.disclosed()
