"""Reveals through the whole flow: decide, count, durable entry, open; beside a plain SELECT of the same values."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from bench.stores import BRAND, BenchStore, enrol_reader
from cloakroom.flows.records.reveal import RevealRequest, reveal
from cloakroom.use_cases.people.principals import authenticate
from cloakroom.vault.tokens import RecordReference

FIELDS = frozenset({"given_name", "family_name", "email", "phone", "spend_total"})


@dataclass(frozen=True)
class RevealFigures:
    """Records per second and milliseconds.

    Attributes:
        batch_per_second: Records revealed per second, 500 in each request, each request one entry.
        plain_batch_per_second: The same rows by a plain SELECT.
        single_p50_ms: Median of one reveal of one record, entry durable.
        plain_single_p50_ms: Median of a plain SELECT of one row.
        joined_per_second: Single reveals per second, 64 of them in one transaction.
    """

    batch_per_second: float
    plain_batch_per_second: float
    single_p50_ms: float
    plain_single_p50_ms: float
    joined_per_second: float


def measure(store: BenchStore, *, batches: int = 60, singles: int = 400) -> RevealFigures:
    """Measure reveals on an imported store."""
    application = store.application
    who = authenticate(application.records, enrol_reader(application), at=application.now())
    brand = application.catalogue.brand(BRAND)
    codec = application.codec(who.token_scope)

    def run(groups: list[range]) -> None:
        requests = [
            RevealRequest(
                who.principal,
                codec.issue([RecordReference(brand, ordinal) for ordinal in group]),
                codec,
                FIELDS,
                "reading",
            )
            for group in groups
        ]
        answers = reveal(
            requests,
            gatekeeper=application.gatekeeper,
            catalogue=application.catalogue,
            openers=application.openers,
        )
        assert all(answer.admission.permitted and answer.revealed[0].values for answer in answers)

    run([range(1)])
    size = 500
    starts = [(index * 7919 * size) % (store.records - size) for index in range(batches)]
    started = time.perf_counter()
    for start in starts:
        run([range(start, start + size)])
    batch = batches * size / (time.perf_counter() - started)
    started = time.perf_counter()
    for start in starts:
        _select(store, list(range(start + 1, start + size + 1)))
    plain_batch = batches * size / (time.perf_counter() - started)
    single, plain_single = [], []
    for index in range(singles):
        ordinal = index * 104_729 % store.records
        started = time.perf_counter()
        run([range(ordinal, ordinal + 1)])
        single.append(time.perf_counter() - started)
        started = time.perf_counter()
        _select(store, [ordinal + 1])
        plain_single.append(time.perf_counter() - started)
    started = time.perf_counter()
    rounds = 30
    for index in range(rounds):
        run([range(o, o + 1) for o in ((index * 64 + k) * 50_021 % store.records for k in range(64))])
    joined = rounds * 64 / (time.perf_counter() - started)
    return RevealFigures(
        batch, plain_batch, statistics.median(single) * 1e3, statistics.median(plain_single) * 1e3, joined
    )


def _select(store: BenchStore, ordinals: list[int]) -> None:
    rows = store.application.connection.execute(
        "select given_name, family_name, email, phone, spend_total from plain_customer where ordinal = any (%s)",
        (ordinals,),
    ).fetchall()
    assert len(rows) == len(ordinals)
