"""P5: what was opened in the first or last microsecond of a period is counted once, whenever it was committed.

Periods are the hours, days and thirty days of the roll-ups, and the spans that somebody asks about. The oracle is the
list of what was entered.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from people_world import with_people
from pyroaring import BitMap

from cloakroom.adapters.postgres import disclosures
from cloakroom.adapters.postgres.disclosures import HOUR, LENGTHS
from cloakroom.adapters.postgres.openings import PostgresOpenings
from cloakroom.clock import FixedClock, to_microseconds
from cloakroom.use_cases.incident.affected import affected_by
from cloakroom.use_cases.ledger.access_report import report_access
from cloakroom.use_cases.store.configuration import apply_configuration
from cloakroom.vocabulary import Operation
from spine_world import NOON, live_ordinals, staff, tokens_of

BORDER = to_microseconds(NOON - timedelta(days=90)) // LENGTHS[-1] * LENGTHS[-1]
"""Where an hour, a day and thirty days begin."""
TIMES = sorted({border + off for border in (BORDER, *(BORDER + item for item in LENGTHS)) for off in (-1, 0, 1)})
SPANS = [(None, None), *((None, end) for end in TIMES), *((start, None) for start in TIMES)]
SPANS += [(start, end) for start in TIMES for end in TIMES if start < end]


@pytest.fixture
def application(store):
    opened = store.open(clock=FixedClock(NOON), clock_tolerance=None)
    texts = dict(opened.configuration.texts)
    apply_configuration(opened, texts | {"policy.toml": with_people(texts["policy.toml"])})
    opened.refresh_configuration()
    opened.connection.execute("insert into lineage (id) values ('thief')")
    yield opened
    opened.close()


@pytest.fixture
def records(application):
    return live_ordinals(application)[: len(TIMES)]


def opening(application, at, record):
    return application.entries.prepare(
        lineage="thief",
        operation=Operation.REVEAL,
        records=BitMap([record]),
        shape={"email": "reveal"},
        counted=True,
        at=at,
    )


def enter(application, openings):
    """Enter openings, each (time, record), of one lineage."""
    version = application.ledger.states(["thief"])["thief"].version
    entries = [opening(application, at, record) for at, record in openings]
    outcome, _ = application.ledger.append({"thief": version}, entries)
    assert outcome["thief"].status == "ok"


def expected(openings, start, end):
    return sorted(
        (at, record) for at, record in openings if (start is None or at >= start) and (end is None or at < end)
    )


def assert_counted_once(application, openings):
    """Compare every span with the list, in affected sets and among the openings of the records."""
    size = application.log.latest_checkpoint().size
    openings_of = PostgresOpenings(application.connection, application.sets)
    everybody = BitMap(record for _, record in openings)
    waiting = application.log.waiting_count()
    for start, end in SPANS:
        inside = expected(openings, start, end)
        found = application.disclosures.disclosed(lineage="thief", start=start, end=end)
        assert sum(item.evidence[0].items for item in found) == len(inside), (start, end)
        assert BitMap.union(BitMap(), *(item.records for item in found)) == BitMap(item for _, item in inside)
        if inside:
            assert tuple(map(to_microseconds, (found[0].when.begin, found[0].when.end))) == (
                inside[0][0],
                inside[-1][0],
            )
        if not waiting:
            places = [place for place, _ in openings_of.holding(everybody, size=size, start=start, end=end)]
            assert len(places) == len(set(places)) == len(inside), (start, end)


def test_it_is_where_it_belongs_before_and_after_it_is_in_the_log_and_rolled_up(application, records):
    openings = list(zip(TIMES, records, strict=True))
    enter(application, openings)
    assert_counted_once(application, openings)
    application.sequencer.run()
    assert_counted_once(application, openings)
    application.disclosures.roll_up()
    assert_counted_once(application, openings)


@pytest.mark.parametrize("batch", [1, 5])
def test_it_is_where_it_belongs_when_roll_ups_end_in_the_middle(application, records, monkeypatch, batch):
    monkeypatch.setattr(disclosures, "ROLL_UP_BATCH", batch)
    openings = list(zip(TIMES, records, strict=True))
    for at in range(0, len(openings), 4):
        # The newest first: what comes later in the log belongs to hours that are rolled up already.
        enter(application, openings[::-1][at : at + 4])
        application.sequencer.run()
        if at != 4:
            application.disclosures.roll_up()
        assert_counted_once(application, openings[::-1][: at + 4])


def test_what_is_committed_late_is_counted_once_from_then_on(application, store, records):
    """An entry takes its number, and others after it are in the log and rolled up before it is committed."""
    openings = list(zip(TIMES, records, strict=True))
    late, others = openings[3], openings[:3] + openings[4:]
    application.connection.execute("insert into lineage (id) values ('slow')")  # so that nobody waits for it
    enter(application, others[:1])
    slow = store.open(node="slow", clock=FixedClock(NOON), clock_tolerance=None)
    with slow.connection.transaction():
        entry = slow.entries.prepare(
            lineage="slow",
            operation=Operation.REVEAL,
            records=BitMap([late[1]]),
            shape={"email": "reveal"},
            counted=True,
            at=late[0],
        )
        slow.ledger.append({"slow": 0}, [entry])
        enter(application, others[1:])
        application.sequencer.run()
        application.disclosures.roll_up()
        assert_counted_once(application, others)
    for step in (lambda: 0, application.sequencer.run, application.disclosures.roll_up):
        step()
        for start, end in ((late[0], late[0] + 1), (None, None), (BORDER, None), (None, late[0] + 1)):
            (found,) = application.disclosures.disclosed(lineage="slow", start=start, end=end)
            assert (found.evidence[0].items, found.records) == (1, BitMap([late[1]]))
        for start, end in ((late[0] + 1, None), (None, late[0])):
            assert application.disclosures.disclosed(lineage="slow", start=start, end=end) == []
    slow.close()


@pytest.mark.parametrize("border", [BORDER, *(BORDER + item for item in LENGTHS)])
def test_the_affected_and_the_access_report_of_neighbouring_spans_share_nobody_and_miss_nobody(
    application, records, border
):
    openings = list(zip(TIMES, records, strict=True))
    enter(application, openings)
    privacy = staff(application, "privacy", "privacy_officer")
    for start, end in ((None, border), (border, border + HOUR), (border + HOUR, None)):
        inside = expected(openings, start, end)
        report = affected_by(application, lineage="thief", start=start, end=end, count_persons=False).report
        assert (report.entries, report.records) == (len(inside), BitMap(record for _, record in inside))
        told = report_access(
            application,
            privacy,
            tokens_of(application, privacy, records),
            purpose="own_access",
            reference="DSAR-1",
            start=start,
            end=end,
        )
        assert sorted(item.entry.at for item in told.openings) == [at for at, _ in inside]
