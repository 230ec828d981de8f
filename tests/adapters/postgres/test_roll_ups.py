"""Roll-ups: any span of time gives what the entries of it give, read one by one."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from cloakroom.adapters.postgres.disclosures import FOREVER, HOUR, LENGTHS, cover
from cloakroom.adapters.postgres.ledger_store import PostgresLedger
from cloakroom.adapters.postgres.openings import PostgresOpenings
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.clock import to_microseconds
from cloakroom.errors import TamperedError
from cloakroom.flows.ledger.ports import PreparedEntry
from cloakroom.vocabulary import Operation

DAY = 24 * HOUR
times = st.integers(0, 400 * DAY)


@given(times, times)
def test_a_span_is_covered_once_by_whole_spans_and_two_cut_hours(one, other):
    start, end = min(one, other), max(one, other)
    spans, whole_from, whole_to = cover(start, end)
    assert start <= whole_from <= whole_to <= end
    if whole_from < whole_to:
        assert whole_from - start < HOUR
        assert end - whole_to < HOUR
    parts = sorted((first, past) for _, first, past in spans)
    for length, first, past in spans:
        assert length in LENGTHS
        assert first % length == past % length == 0
    # They lie end to end, from the first whole hour to the last.
    bounds = [whole_from, *[past for _, past in parts]] if parts else [whole_from]
    assert [first for first, _ in parts] == bounds[:-1]
    assert bounds[-1] == whole_to
    assert len(spans) <= 5


@pytest.fixture
def told(application):
    """Four hundred entries of three lineages over seventy days, some of them late, and what each disclosed."""
    source, ledger = random.Random(7), PostgresLedger(application.connection, application.sets)
    base = application.now() // (30 * DAY) * 30 * DAY - 70 * DAY
    application.connection.execute("insert into lineage (id) select unnest(array['a', 'b', 'c'])")
    story, versions = [], dict.fromkeys("abc", 0)
    for number in range(400):
        lineage = source.choice("abc")
        at = base + number * 70 * DAY // 400 - source.choice([0, 0, 0, 3 * HOUR, 40 * DAY])
        records = BitMap(source.sample(range(5000), source.randrange(1, 30)))
        entry = application.entries.prepare(
            lineage=lineage,
            operation=Operation.REVEAL,
            records=records,
            shape={"email": source.choice(["reveal", "mask"])},
            counted=True,
            at=at,
        )
        assert isinstance(entry, PreparedEntry)
        ledger.append({lineage: versions[lineage]}, [entry])
        versions[lineage] += 1
        story.append((lineage, at, entry.shape.decode(), records))
        if number in {150, 151, 320}:
            application.sequencer.run()
            application.disclosures.roll_up()
    return story, base


def test_any_span_gives_exactly_what_its_entries_give(application, told):
    story, base = told
    source = random.Random(11)
    spans = [(None, None)] + [
        tuple(sorted(base - 45 * DAY + source.choice([1, HOUR, DAY]) * source.randrange(120) for _ in "xy"))
        for _ in range(40)
    ]
    for start, end in spans:
        for lineage in (None, "b"):
            expected = {}
            for owner, at, shape, records in story:
                inside = (start is None or at >= start) and (end is None or at < end)
                if inside and lineage in {None, owner}:
                    members, first, last, entries = expected.get((owner, shape), (BitMap(), at, at, 0))
                    expected[owner, shape] = (members | records, min(first, at), max(last, at), entries + 1)
            found = application.disclosures.disclosed(lineage=lineage, start=start, end=end)
            assert {
                (item.who.id, f'{{"email":"{item.fields.forms["email"]}"}}'): (
                    item.records,
                    to_microseconds(item.when.begin),
                    to_microseconds(item.when.end),
                    item.evidence[0].items,
                )
                for item in found
            } == expected


def test_roll_ups_made_while_somebody_reads_hide_nothing(application, told, store, monkeypatch):
    """Another node takes entries into roll-ups after a reader has read the roll-ups and before it reads the rest."""
    story, _ = told
    application.sequencer.run()
    other, rows = store.open(node="other"), application.disclosures._rows

    def rows_beside_another(name, arguments):
        yield from rows(name, arguments)
        if name == "rolled_up":
            assert other.disclosures.roll_up() > 0

    monkeypatch.setattr(application.disclosures, "_rows", rows_beside_another)
    found = application.disclosures.disclosed()
    other.close()
    assert sum(item.evidence[0].items for item in found) == len(story)
    assert BitMap.union(*(item.records for item in found)) == BitMap.union(*(one[-1] for one in story))


def test_roll_ups_made_while_openings_are_looked_for_hide_none(application, told, store, monkeypatch):
    """The same between the search among roll-ups and that among entries that are in none."""
    story, _ = told
    application.sequencer.run()
    other, openings = store.open(node="other"), PostgresOpenings(application.connection, application.sets)
    rows = openings._rows

    def rows_beside_another(name, arguments):
        yield from rows(name, arguments)
        if name == "rolled_up_within" and arguments["length"] == HOUR:
            assert other.disclosures.roll_up() > 0

    monkeypatch.setattr(openings, "_rows", rows_beside_another)
    found = list(openings.holding(BitMap(range(5000)), size=application.log.latest_checkpoint().size))
    other.close()
    assert len(found) == len(story)


@pytest.mark.parametrize("query", ["not_rolled_up", "entries_of_no_place"])
@pytest.mark.parametrize("run", [10, 50_000])
def test_what_no_roll_up_holds_is_found_without_reading_the_whole_ledger(application, told, query, run):
    del told
    application.sequencer.run()
    connection, copies = application.connection, 50_000
    # As many entries of one kind as make the planner weigh, nearly all of them in roll-ups already.
    connection.execute(
        "insert into ledger_entry (lineage, lineage_version, epoch, at, operation, permitted, shape, records, body,"
        " sealed_set) select e.lineage, 1000 + n, e.epoch, e.at, e.operation, true, e.shape, e.records,"
        " e.body, e.sealed_set from generate_series(1, %s) n,"
        " (select * from ledger_entry where lineage_version = 1 and lineage = 'a') e",
        (copies,),
    )
    connection.execute(
        "insert into ledger_run select 1000 + id - first, id, %(run)s from ledger_entry,"
        " (select min(id) as first from ledger_entry where lineage_version > 1000) copy"
        " where id >= first and (id - first) %% %(run)s = 0",
        {"run": run},
    )
    connection.execute("update rollup_progress set leaf_index = %s", (1000 + copies - 25,))
    connection.execute("vacuum analyze ledger_entry, ledger_run")
    asked = {"lineage": None, "from": 0, "to": FOREVER, "whole_from": 0, "whole_to": FOREVER}
    text = "explain (analyze, format json) " + load_queries("rollup")[query]
    (found,) = connection.execute(text, asked | {"size": 1001 + copies, "uncounted": ["resolve"]}).fetchone()
    assert rows_read(found[0]["Plan"], "ledger_entry") < copies // 10


def rows_read(node, table):
    """Count the rows of a table that a plan looked at."""
    own = 0
    if node.get("Relation Name") == table:
        looked_at = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
        own = sum(node.get(name, 0) for name in looked_at) * node["Actual Loops"]
    return own + sum(rows_read(part, table) for part in node.get("Plans", []))


def test_a_set_that_somebody_exchanged_is_noticed_wherever_it_is_read(application, told):
    del told
    application.sequencer.run()
    application.disclosures.roll_up()
    application.connection.execute(
        "update rollup r set sealed_set = o.sealed_set from rollup o where r.lineage = 'a' and o.lineage = 'b'"
        " and r.length = o.length and r.length = %s",
        (LENGTHS[-1],),
    )
    with pytest.raises(TamperedError, match=r"^the record set of rollup/a/"):
        application.disclosures.disclosed()
    # Two entries of one lineage: each set opens, and neither is the one that its entry names.
    application.connection.execute(
        "update ledger_entry e set sealed_set = o.sealed_set from ledger_entry o"
        " where e.lineage = 'c' and o.lineage = 'c' and e.lineage_version = 1 and o.lineage_version = 2"
    )
    with pytest.raises(TamperedError, match="counted entry 1 of lineage c does not name the set beside it"):
        application.ledger.counted_since("c", 0)
