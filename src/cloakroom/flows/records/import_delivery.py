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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from pyroaring import BitMap

from cloakroom.flows.records.import_ports import BatchWrite, DeliveryState, Encode, ImportStore, NewRows
from cloakroom.vault.facets import RECORD, FacetChange, FacetSealer
from cloakroom.vault.row_changes import LIVE, KnownRecord, OpenIndexCells, Replacement, RowFate, plan_changes
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
        without_key: How many values of an indexed field of these rows have no normal form, by field.
    """

    block: RowBlock
    rejected: int
    rows_read: int
    without_key: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class ImportResult:
    """The result of an import.

    Attributes:
        counts: Rows by fate, rejected ones included.
        records: Ordinals created, changed or deleted by this run.
        rows: Rows of the file.
        repeated: Whether the whole delivery was in the store already.
        without_key: Values of the taken rows under which their records cannot be found, by indexed field.
    """

    counts: Counter[str] = field(default_factory=Counter)
    records: BitMap = field(default_factory=BitMap)
    rows: int = 0
    repeated: bool = False
    without_key: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Sealing:
    """A batch on its way into the store: its new records are being sealed, its changes are ready."""

    future: Future[NewRows] | None
    replacements: Sequence[Replacement]
    record_ids: set[str]
    facet_change: FacetChange
    rows_done: int | None
    counts: Counter[str]
    without_key: Counter[str]


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
        open_index_cells: OpenIndexCells,
        facet_sealer: FacetSealer,
        encode: Encode,
        today: date,
        permutation: Callable[[int], Sequence[int]],
    ) -> None:
        """Take the collaborators; nothing is read yet.

        Args:
            store: Where to write.
            brand: Number of the brand.
            sha256: Names the delivery.
            digests: Digests of the brand.
            sealer: Seals the brand's records.
            open_index_cells: Opens the index cells of records that change.
            facet_sealer: Seals the brand's facets.
            encode: Seals and encodes new records, somewhere else.
            today: The day of the import, by which old birth dates are left out of the facets.
            permutation: Gives 0 to n − 1 in a random order.
        """
        self._store = store
        self._brand = brand
        self._sha256 = sha256
        self._digests = digests
        self._sealer = sealer
        self._open_index_cells = open_index_cells
        self._facet_sealer = facet_sealer
        self._encode = encode
        self._today = today
        self._permutation = permutation
        self._sealing: deque[_Sealing] = deque()
        self._result = ImportResult()
        self._seen: _SeenHashes | None = None

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
        self._result.without_key.update(state.without_key)
        self._result.rows = state.rows_done
        # Into an empty brand every row is new unless its record came before in this file. A hash that was not seen
        # proves that it did not; one that was seen may be another record's, and then the store is asked.
        self._seen = None if self._store.has_records(self._brand) else _SeenHashes()
        for batch in batches:
            self._result.counts["rejected"] += batch.rejected
            self._result.without_key.update(batch.without_key)
            self._take(batch)
        self._drain()
        return self._result

    def _take(self, batch: IncomingBatch) -> None:
        self._result.rows = batch.rows_read
        if len(set(batch.block.record_ids)) == len(batch.block):
            self._pass(batch.block, batch.rows_read)
            return
        passes = list(_passes(batch.block))
        self._drain()
        # The passes see each other's records and are still one transaction: a crash leaves all of them or none.
        with self._store.atomic():
            for number, positions in enumerate(passes):
                last = number == len(passes) - 1
                self._pass(batch.block.take(positions), batch.rows_read if last else None)
                self._drain()

    def _pass(self, block: RowBlock, rows_done: int | None) -> None:
        known = self._known(block)
        fresh = [row for row in range(len(block)) if row not in known and not block.deleted[row]]
        orphans = sum(1 for row in range(len(block)) if row not in known and block.deleted[row])
        self._result.counts[RowFate.UNKNOWN_DELETION] += orphans
        self._result.counts[RowFate.CREATED] += len(fresh)
        replacements, changed = self._changes(block, known)
        self._begin(
            block if len(fresh) == len(block) else block.take(fresh),
            replacements,
            changed,
            record_ids=set(block.record_ids),
            rows_done=rows_done,
        )

    def _known(self, block: RowBlock) -> dict[int, KnownRecord]:
        """Return the stored records of rows, by row; asks the store only about rows that can have one."""
        candidates: Sequence[int] = range(len(block))
        if self._seen is not None:
            candidates = self._seen.note(block.record_ids)
        if not candidates:
            return {}
        record_ids = [block.record_ids[row] for row in candidates]
        self._wait_for(set(record_ids))
        found = self._store.known(self._brand, self._digests, self._digests.link(RECORD_ID_INDEX, record_ids))
        return {candidates[position]: record for position, record in found.items()}

    def _changes(
        self, block: RowBlock, known: Mapping[int, KnownRecord]
    ) -> tuple[Sequence[Replacement], FacetChange]:
        if not known:
            return (), FacetChange(BitMap(), {})
        positions = sorted(known)
        rows = block.take(positions)
        plan = plan_changes(
            rows,
            [known[row] for row in positions],
            digests=self._digests,
            sealer=self._sealer,
            open_index_cells=self._open_index_cells,
        )
        self._result.counts.update(plan.fates)
        self._result.records |= BitMap(item.ordinal for item in plan.replacements)
        # A record that its brand deletes keeps its facets: who was opened before is still to be counted by country.
        live = [at for at, item in enumerate(plan.replacements) if item.state == LIVE]
        ordinals = [plan.replacements[at].ordinal for at in live]
        facets = self._facets(rows.take([plan.changed_rows[at] for at in live]), ordinals)
        return plan.replacements, FacetChange(BitMap(ordinals), facets)

    def _begin(
        self,
        fresh: RowBlock,
        replacements: Sequence[Replacement],
        changed: FacetChange,
        *,
        record_ids: set[str],
        rows_done: int | None,
    ) -> None:
        while len(self._sealing) >= IN_FLIGHT:
            self._write_oldest()
        future, added = None, dict(changed.added)
        if len(fresh):
            # In no order that a delivery had: two brands' files that are sorted alike must not be joined by place.
            taken = self._store.take_ordinals(len(fresh))
            ordinals = [taken[place] for place in self._permutation(len(fresh))]
            # Facets are sealed here, once for the whole brand: who seals records has no use for them.
            future = self._encode(replace(fresh, facets={}), ordinals)
            self._result.records.add_range(taken.start, taken.stop)
            for place, members in (self._facets(fresh, ordinals) | {(RECORD, "all"): BitMap(ordinals)}).items():
                added[place] = added[place] | members if place in added else members
        self._sealing.append(
            _Sealing(
                future,
                replacements,
                record_ids,
                FacetChange(changed.removed, added),
                rows_done,
                Counter(self._result.counts),
                Counter(self._result.without_key),
            )
        )

    def _wait_for(self, record_ids: set[str]) -> None:
        while any(not sealing.record_ids.isdisjoint(record_ids) for sealing in self._sealing):
            self._write_oldest()

    def _drain(self) -> None:
        while self._sealing:
            self._write_oldest()

    def _write_oldest(self) -> None:
        sealing = self._sealing.popleft()
        change = sealing.facet_change
        self._store.write(
            self._brand,
            self._sha256,
            self._digests,
            BatchWrite(
                sealing.future.result() if sealing.future is not None else None,
                sealing.replacements,
                self._facet_sealer.seal_change(change) if change.removed or change.added else None,
                sealing.rows_done,
                dict(sealing.counts),
                dict(sealing.without_key),
            ),
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


class _SeenHashes:
    """Remembers the record ids of an import by their hashes, in some five bytes each.

    Both halves of a hash must have been seen, each among its own, before a record id counts as seen: over millions of
    rows only a handful are asked for in vain, each of which makes the import wait. Python keys its hashes anew in
    each process, so nobody can write a file of ids that collide.
    """

    def __init__(self) -> None:
        self._low, self._high = BitMap(), BitMap()

    def note(self, record_ids: Sequence[str]) -> list[int]:
        """Return the positions of those that may have been noted before, and note all."""
        halves = np.fromiter(map(hash, record_ids), np.int64, len(record_ids)).view(np.uint32).reshape(-1, 2)
        low, high = halves[:, 0], halves[:, 1]
        # Sorted, they go in six times as fast.
        batch_low, batch_high = BitMap(np.sort(low)), BitMap(np.sort(high))
        found: list[int] = []
        seen_low = batch_low & self._low
        if seen_low:
            seen_high = batch_high & self._high
            rows = zip(low.tolist(), high.tolist(), strict=True)
            found = [row for row, (one, other) in enumerate(rows) if one in seen_low and other in seen_high]
        self._low |= batch_low
        self._high |= batch_high
        return found


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
