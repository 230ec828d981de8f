"""The ledger: entries appended, integrated, and the affected set over many of them."""

from __future__ import annotations

import time
from dataclasses import dataclass

from pyroaring import BitMap

from bench.stores import BenchStore
from cloakroom.canonical import json as canonical_json
from cloakroom.flows.affected import affected
from cloakroom.flows.ports import PreparedEntry
from cloakroom.ledger.entry import Entry, Operation, encode_entry
from cloakroom.ledger.record_sets import entry_place, hash_set
from cloakroom.scope import group_facets

SHAPE = {"email": "reveal", "phone": "reveal"}
LINEAGES = 200


@dataclass(frozen=True)
class LedgerFigures:
    """Seconds and rates.

    Attributes:
        appended_per_second: Entries per second, 256 in a durable transaction.
        unlogged_per_second: The same rows into a table without log, checks or versions: what the ledger costs.
        integrated_per_second: Entries per second into the Merkle log, tiles and checkpoint included.
        entries: How many entries the affected set was computed over.
        roll_up_seconds: Taking all of them into roll-ups, once.
        affected_seconds: The affected set of everybody with its splits.
        affected_one_seconds: The affected set of one lineage.
    """

    appended_per_second: float
    unlogged_per_second: float
    integrated_per_second: float
    entries: int
    roll_up_seconds: float
    affected_seconds: float
    affected_one_seconds: float


def measure(store: BenchStore, *, entries: int) -> LedgerFigures:
    """Append counted entries of 200 lineages with 20 records each, integrate them, and ask who was affected."""
    application = store.application
    connection = application.connection
    with connection.cursor() as cursor:
        cursor.executemany("insert into lineage (id) values (%s)", [(f"lineage-{n:03}",) for n in range(LINEAGES)])
    first = application.now() - 30 * 86_400_000_000
    step = 30 * 86_400_000_000 // entries
    versions = [0] * LINEAGES
    prepared = [_entry(store, number, first + number * step) for number in range(entries)]
    bench_ledger = type(application.ledger)(
        connection, application.sets
    )  # entries of the past: no comparison with the clock
    started = time.perf_counter()
    for at in range(0, entries, 256):
        block = prepared[at : at + 256]
        expected: dict[str, int] = {}
        for entry in block:
            expected.setdefault(entry.lineage, versions[int(entry.lineage[-3:])])
        outcome, _ = bench_ledger.append(expected, block)
        assert all(item.status == "ok" for item in outcome.values())
        for entry in block:
            versions[int(entry.lineage[-3:])] += 1
    appended = entries / (time.perf_counter() - started)
    unlogged = _unlogged(store, prepared[: min(entries, 50_000)])
    started = time.perf_counter()
    application.sequencer.run()
    integrated = entries / (time.perf_counter() - started)
    disclosures = application.disclosures
    started = time.perf_counter()
    disclosures.roll_up()
    rolled = time.perf_counter() - started
    facets, erased = group_facets(application)
    day = application.clock.now().date()
    started = time.perf_counter()
    affected(disclosures.disclosed(), facets=facets, erased=erased, on=day)
    everybody = time.perf_counter() - started
    started = time.perf_counter()
    affected(disclosures.disclosed(lineage="lineage-007"), facets=facets, erased=erased, on=day)
    one = time.perf_counter() - started
    return LedgerFigures(appended, unlogged, integrated, entries, rolled, everybody, one)


def _entry(store: BenchStore, number: int, at: int) -> PreparedEntry:
    lineage = f"lineage-{number % LINEAGES:03}"
    start = number * 7919 % max(1, store.records - 4000)
    records = BitMap(range(start, start + 4000, 200))
    sealed = store.application.sets.seal(entry_place(lineage), records)
    entry = Entry(
        at=at,
        node="bench",
        node_epoch=1,
        sequence=number,
        lineage=lineage,
        principal=lineage,
        operation=Operation.REVEAL,
        permitted=True,
        reason="granted",
        purpose="reading",
        brand="pellandre",
        shape=SHAPE,
        records=len(records),
        set_sha256=hash_set(sealed),
        policy="0" * 64,
        detail={"drawn": ["contact"]},
    )
    return PreparedEntry(
        lineage=lineage,
        counted=True,
        at=at,
        operation="reveal",
        permitted=True,
        shape=canonical_json.encode(SHAPE),
        records=len(records),
        body=encode_entry(entry),
        sealed_set=sealed,
    )


def _unlogged(store: BenchStore, prepared: list[PreparedEntry]) -> float:
    connection = store.application.connection
    connection.execute("create unlogged table bench_line (lineage text, at bigint, body bytea, sealed_set bytea)")
    started = time.perf_counter()
    for at in range(0, len(prepared), 256):
        block = prepared[at : at + 256]
        connection.execute(
            "insert into bench_line select * from unnest(%s::text[], %s::bigint[], %s::bytea[], %s::bytea[])",
            (
                [entry.lineage for entry in block],
                [entry.at for entry in block],
                [entry.body for entry in block],
                [entry.sealed_set for entry in block],
            ),
        )
    return len(prepared) / (time.perf_counter() - started)
