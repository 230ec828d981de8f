"""The ledger: entries appended, integrated, and the affected set over many of them.

The store holds no records: an affected set is computed from the sets beside entries and from facets, so the bench
plants facets of as many records as it is told, over the three brands of the demo's group.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pyroaring import BitMap

from cloakroom.adapters.postgres.ledger_store import PostgresLedger
from cloakroom.adapters.postgres.server import stop_server
from cloakroom.canonical import json as canonical_json
from cloakroom.crypto import sha256
from cloakroom.flows.ledger.ports import PreparedEntry
from cloakroom.ledger.entry import Entry, encode_entry
from cloakroom.ledger.record_sets import entry_place, hash_set
from cloakroom.settings import Settings
from cloakroom.testing.group import copy_configuration
from cloakroom.use_cases.incident.affected import affected_by
from cloakroom.use_cases.ledger.files import export_ledger, verify_ledger
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application, initialise

LINEAGES = 200
DAYS = 90
POLICY = sha256(b"a policy").hex()
RECORDS_EACH = 20
SHAPES = (
    {"email": "reveal"},
    {"email": "reveal", "phone": "reveal"},
    {"email": "mask", "family_name": "reveal", "given_name": "reveal"},
    {"city": "reveal", "family_name": "reveal", "phone": "reveal", "street": "reveal"},
    {"family_name": "reveal", "spend_total": "band"},
)
COUNTRIES = (
    "AE",
    "AT",
    "AU",
    "BR",
    "CA",
    "CH",
    "CN",
    "DE",
    "ES",
    "FR",
    "GB",
    "HK",
    "IT",
    "JP",
    "KR",
    "MX",
    "SG",
    "US",
)
LANGUAGES = ("de", "en", "es", "fr", "it", "ja", "ko", "zh")
BANDS = ("0", "500", "2000", "10000")


@dataclass(frozen=True)
class LedgerFigures:
    """Seconds and rates.

    Attributes:
        appended_per_second: Entries per second, 256 in a durable transaction.
        unlogged_per_second: The same rows into a table without log, checks or versions: what the ledger costs.
        integrated_per_second: Entries per second into the Merkle log, tiles and checkpoint included.
        entries: How many entries the affected set was computed over.
        records: Of how many records.
        roll_up_seconds: Taking all of them into roll-ups, once.
        affected_seconds: The whole answer for everybody: sets read and opened, facets read and opened, all splits.
        affected_one_seconds: The same for one lineage.
        affected_week_seconds: The same for everybody, of a week that begins and ends within hours.
        export_seconds: Writing log and sealed sets as files, each flushed to the disk.
        verify_seconds: Verifying them from files and public key: every hash, every entry looked into, every set.
    """

    appended_per_second: float
    unlogged_per_second: float
    integrated_per_second: float
    entries: int
    records: int
    roll_up_seconds: float
    affected_seconds: float
    affected_one_seconds: float
    affected_week_seconds: float
    export_seconds: float
    verify_seconds: float


@contextmanager
def ledger_store(records: int) -> Iterator[Application]:
    """Make a store of three brands with the facets of `records` records and no records, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="cloakroom-bench-"))
    copy_configuration(folder / "configuration")
    settings = Settings(folder / "store", None, f"file:{folder / 'store' / 'root.key'}", "bench")
    application = initialise(settings, folder / "configuration")
    try:
        _plant_facets(application, records)
        yield application
    finally:
        application.close()
        stop_server(settings.database_directory)
        shutil.rmtree(folder, ignore_errors=True)


def _plant_facets(application: Application, records: int) -> None:
    random = np.random.default_rng(20250417)
    brands = sorted(application.catalogue.brands.values())
    owner = random.integers(0, len(brands), records)
    for place, number in enumerate(brands):
        own = np.flatnonzero(owner == place).astype(np.uint32)
        facets = {("record", "all"): BitMap(own)}
        for name, values in (("country", COUNTRIES), ("language", LANGUAGES), ("spend_band", BANDS)):
            chosen = random.integers(0, len(values), len(own))
            for at, value in enumerate(values):
                facets[name, value] = BitMap(own[chosen == at])
        facets["kind", "customer"] = BitMap(own)
        for month in range(120):
            facets["adult_on", f"{2026 + month // 12}-{month % 12 + 1:02}-01"] = BitMap(own[month::4000])
        application.facets.store(number, facets)


def measure(application: Application, *, records: int, entries: int) -> LedgerFigures:
    """Append counted entries of 200 lineages with 20 records each, integrate them, and ask who was affected."""
    connection = application.connection
    with connection.cursor() as cursor:
        cursor.executemany("insert into lineage (id) values (%s)", [(f"lineage-{n:03}",) for n in range(LINEAGES)])
    first = application.now() - DAYS * 86_400_000_000
    step = DAYS * 86_400_000_000 // entries
    versions = [0] * LINEAGES
    random = np.random.default_rng(7)
    asked = random.integers(0, records, (entries, RECORDS_EACH), np.uint32)
    prepared = [_entry(application, number, first + number * step, asked[number]) for number in range(entries)]
    bench_ledger = PostgresLedger(connection, application.sets)  # entries of the past: no comparison with the clock
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
    unlogged = _unlogged(application, prepared[: min(entries, 50_000)])
    started = time.perf_counter()
    application.sequencer.run()
    integrated = entries / (time.perf_counter() - started)
    started = time.perf_counter()
    application.disclosures.roll_up()
    rolled = time.perf_counter() - started
    exported, verified = _export_and_verify(application, entries)
    week = first + 40 * 86_400_000_000 + 1_234_567
    return LedgerFigures(
        appended,
        unlogged,
        integrated,
        entries,
        records,
        rolled,
        _seconds(application, None),
        _seconds(application, "lineage-007"),
        _seconds(application, None, week, week + 7 * 86_400_000_000 + 987_654_321),
        exported,
        verified,
    )


def _export_and_verify(application: Application, entries: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="cloakroom-bench-") as folder:
        started = time.perf_counter()
        export = export_ledger(application, Path(folder))
        exported = time.perf_counter() - started
        started = time.perf_counter()
        found = verify_ledger(Path(folder), export.key)
        verified = time.perf_counter() - started
    assert found.entries == export.size >= entries
    assert found.sets >= entries
    return exported, verified


def _seconds(application: Application, lineage: str | None, *span: int) -> float:
    started = time.perf_counter()
    start, end = span or (None, None)
    found = affected_by(application, lineage=lineage, start=start, end=end, count_persons=False)
    seconds = time.perf_counter() - started
    assert len(found.report.records) > 0
    assert sum(found.report.splits["country"].values()) == len(found.report.records)
    return seconds


def _entry(application: Application, number: int, at: int, asked: np.ndarray) -> PreparedEntry:
    lineage = f"lineage-{number % LINEAGES:03}"
    records, shape = BitMap(asked), SHAPES[number % len(SHAPES)]
    sealed = application.sets.seal(entry_place(lineage), records)
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
        brand="tarsenne",
        shape=shape,
        records=len(records),
        set_sha256=hash_set(sealed),
        policy=POLICY,
        detail={"drawn": ["contact"]},
    )
    return PreparedEntry(
        lineage=lineage,
        counted=True,
        at=at,
        operation="reveal",
        permitted=True,
        shape=canonical_json.encode(shape),
        records=len(records),
        body=encode_entry(entry),
        sealed_set=sealed,
    )


def _unlogged(application: Application, prepared: list[PreparedEntry]) -> float:
    connection = application.connection
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
