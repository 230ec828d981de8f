"""Import: takes the rows of one delivery into the store.

The order of effects, and why a crash anywhere loses nothing and doubles nothing:

1. A delivery is known by the SHA-256 of its file. One that is finished changes nothing; one that was interrupted goes
   on after the last batch that is in the store.
2. Each batch is one transaction: new records, replaced values, index rows, facet changes and the progress itself.
   Either all of it is there after a crash, or none.
3. New records, by far the most, are sealed by worker processes while earlier batches are written; the look-ups of a
   batch wait only for batches that hold a record of the same id.
4. The last transaction marks the delivery as finished and appends its ledger entry, durably.

Rows of one record are taken in the order of the file.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date

from pyroaring import BitMap

from cloakroom.flows.import_ports import BatchWrite, DeliveryState, Encode, ImportStore, NewRows
from cloakroom.vault.facets import RECORD, FacetChange, FacetSealer
from cloakroom.vault.row_changes import LIVE, KnownRecord, RowFate, plan_changes
from cloakroom.vault.rows import RECORD_ID_INDEX, RowBlock, RowDigests
from cloakroom.vault.sealing import BrandSealer

IN_FLIGHT = 4
"""Batches that may be sealed ahead of the one being written; bounds memory."""


@dataclass(frozen=True, slots=True)
class IncomingBatch:
    """Rows as they come from a delivery, with the progress they stand for.

    Attributes:
        block: The accepted rows.
        rejected: How many rows were not accepted.
        rows_read: Rows of the file up to the end of this batch.
    """

    block: RowBlock
    rejected: int
    rows_read: int


@dataclass(slots=True)
class ImportResult:
    """What an import did.

    Attributes:
        counts: Rows by fate, rejected ones included.
        records: Ordinals created, changed or deleted by this run.
        rows: Rows of the file.
        repeated: Whether the whole delivery was in the store already.
    """

    counts: Counter[str] = field(default_factory=Counter)
    records: BitMap = field(default_factory=BitMap)
    rows: int = 0
    repeated: bool = False


@dataclass(slots=True)
class _Sealing:
    """A batch whose new records are being sealed."""

    future: Future[NewRows]
    record_ids: set[str]
    facet_change: FacetChange
    rows_done: int | None
    counts: Counter[str]


class DeliveryImport:
    """Imports one delivery of one brand."""

    def __init__(
        self,
        *,
        store: ImportStore,
        brand: int,
        sha256: bytes,
        digests: RowDigests,
        sealer: BrandSealer,
        facet_sealer: FacetSealer,
        encode: Encode,
        today: date,
    ) -> None:
        """Take the collaborators; nothing is read yet.

        Args:
            store: Where to write.
            brand: Number of the brand.
            sha256: Names the delivery.
            digests: Digests of the brand.
            sealer: Seals the brand's records.
            facet_sealer: Seals the brand's facets.
            encode: Seals and encodes new records, somewhere else.
            today: The day of the import, by which old birth dates are left out of the facets.
        """
        self._store = store
        self._brand = brand
        self._sha256 = sha256
        self._digests = digests
        self._sealer = sealer
        self._facet_sealer = facet_sealer
        self._encode = encode
        self._today = today
        self._sealing: deque[_Sealing] = deque()
        self._result = ImportResult()

    def run(
        self,
        batches: Iterable[IncomingBatch],
        state: DeliveryState,
    ) -> ImportResult:
        """Take in what `batches` give, which begin after `state.rows_done` rows.

        Args:
            batches: Rows in the order of the file.
            state: How far the delivery was taken in before.
        """
        self._result.counts.update(state.counts)
        self._result.rows = state.rows_done
        for batch in batches:
            self._result.counts["rejected"] += batch.rejected
            self._take(batch)
        self._drain()
        return self._result

    def _take(self, batch: IncomingBatch) -> None:
        self._result.rows = batch.rows_read
        passes = list(_passes(batch.block))
        if len(passes) == 1:
            self._pass(batch.block, batch.rows_read)
            return
        for number, positions in enumerate(passes):
            last = number == len(passes) - 1
            self._drain()
            # Until the last pass the progress stays where it was: a crash between passes repeats the batch, and
            # rows that are in the store already are recognised as unchanged or stale.
            self._pass(batch.block.take(positions), batch.rows_read if last else None)
        self._drain()

    def _pass(self, block: RowBlock, rows_done: int | None) -> None:
        self._wait_for(set(block.record_ids))
        known = self._store.known(self._brand, self._digests, self._digests.link(RECORD_ID_INDEX, block.record_ids))
        fresh = [row for row in range(len(block)) if row not in known and not block.deleted[row]]
        orphans = sum(1 for row in range(len(block)) if row not in known and block.deleted[row])
        self._result.counts[RowFate.UNKNOWN_DELETION] += orphans
        self._result.counts[RowFate.CREATED] += len(fresh)
        if known:
            self._drain()
            self._change(block, known)
        self._create(block if len(fresh) == len(block) else block.take(fresh), rows_done)

    def _change(self, block: RowBlock, known: Mapping[int, KnownRecord]) -> None:
        positions = sorted(known)
        changed = block.take(positions)
        records = [known[row] for row in positions]
        plan = plan_changes(changed, records, digests=self._digests, sealer=self._sealer)
        self._result.counts.update(plan.fates)
        if not plan.replacements:
            return
        self._result.records |= BitMap(item.ordinal for item in plan.replacements)
        # A record that its brand deletes keeps its facets: who was opened before is still to be counted by country.
        live = [at for at, item in enumerate(plan.replacements) if item.state == LIVE]
        ordinals = [plan.replacements[at].ordinal for at in live]
        facets = self._facets(changed.take([plan.changed_rows[at] for at in live]), ordinals)
        change = FacetChange(BitMap(ordinals), facets)
        self._store.write(
            self._brand,
            self._sha256,
            self._digests,
            BatchWrite(
                None, plan.replacements, self._facet_sealer.seal_change(change), None, dict(self._result.counts)
            ),
        )

    def _create(self, block: RowBlock, rows_done: int | None) -> None:
        while len(self._sealing) >= IN_FLIGHT:
            self._write_oldest()
        ordinals = self._store.take_ordinals(len(block)) if len(block) else range(0)
        future = self._encode(block, ordinals)
        self._sealing.append(
            _Sealing(
                future,
                set(block.record_ids),
                FacetChange(BitMap(), self._facets(block, ordinals) | {(RECORD, "all"): BitMap(ordinals)}),
                rows_done,
                Counter(self._result.counts),
            )
        )
        self._result.records.add_range(ordinals.start, ordinals.stop)

    def _wait_for(self, record_ids: set[str]) -> None:
        while any(not sealing.record_ids.isdisjoint(record_ids) for sealing in self._sealing):
            self._write_oldest()

    def _drain(self) -> None:
        while self._sealing:
            self._write_oldest()

    def _write_oldest(self) -> None:
        sealing = self._sealing.popleft()
        sealed = self._facet_sealer.seal_change(sealing.facet_change) if sealing.record_ids else None
        rows = sealing.future.result()
        self._store.write(
            self._brand,
            self._sha256,
            self._digests,
            BatchWrite(rows if sealing.record_ids else None, (), sealed, sealing.rows_done, dict(sealing.counts)),
        )

    def _facets(self, block: RowBlock, ordinals: Sequence[int]) -> dict[tuple[str, str], BitMap]:
        groups: dict[tuple[str, str], list[int]] = {}
        for name, values in block.facets.items():
            if name == "birth_date":
                self._adult_on(values, ordinals, groups)
                continue
            for ordinal, value in zip(ordinals, values, strict=True):
                if value is not None:
                    groups.setdefault((name, value), []).append(ordinal)
        return {place: BitMap(members) for place, members in groups.items()}

    def _adult_on(
        self, values: Sequence[str | None], ordinals: Sequence[int], groups: dict[tuple[str, str], list[int]]
    ) -> None:
        """Keep the day on which a young person comes of age: who is a minor depends on the day asked about."""
        earliest = f"{self._today.year - 18 - YEARS_KEPT:04d}"
        for ordinal, value in zip(ordinals, values, strict=True):
            if value is not None and value >= earliest:
                groups.setdefault(("adult_on", f"{int(value[:4]) + 18:04d}{value[4:]}"), []).append(ordinal)


YEARS_KEPT = 7
"""How many years back "was a minor then" can be answered."""


def _passes(block: RowBlock) -> Iterator[list[int]]:
    """Split rows so that each pass holds a record at most once, in the order of the file."""
    seen: Counter[str] = Counter()
    passes: list[list[int]] = []
    for row, record_id in enumerate(block.record_ids):
        number = seen[record_id]
        seen[record_id] += 1
        if number == len(passes):
            passes.append([])
        passes[number].append(row)
    return iter(passes)
