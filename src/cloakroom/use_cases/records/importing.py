"""Imports a file into an opened store: reading, sealing and writing put together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from cloakroom.adapters.deliveries import Delivery, Rejection, RowBatch, open_delivery
from cloakroom.adapters.postgres.connection import open_store
from cloakroom.adapters.postgres.import_store import OverlappedImports, PostgresImports
from cloakroom.adapters.postgres.write_store import PostgresWrites
from cloakroom.adapters.sealing_workers import sealing_workers
from cloakroom.clock import from_microseconds
from cloakroom.errors import InputError
from cloakroom.flows.records.import_delivery import DeliveryImport, ImportResult, IncomingBatch
from cloakroom.flows.records.import_ports import DeliveryState
from cloakroom.vault.facets import FacetSealer
from cloakroom.vault.key_ring import KeyPurpose
from cloakroom.vault.rows import RECORD_ID_INDEX, RowBlock, RowDigests
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application

TIME_AHEAD = 86_400_000_000
"""Microseconds by which a row may be newer than now: clocks and time zones are set wrongly."""


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """The progress of an import.

    Attributes:
        rows: Rows of the file done.
        bytes_read: Bytes of the file read.
        bytes_total: Size of the file.
    """

    rows: int
    bytes_read: int
    bytes_total: int


def import_file(
    application: Application,
    path: Path,
    brand_name: str,
    *,
    rejects: Path | None = None,
    progress: Callable[[ImportProgress], None] | None = None,
) -> ImportResult:
    """Import one file of a brand.

    Args:
        application: The opened store.
        path: The file.
        brand_name: Name of the brand.
        rejects: Where to write the rows that were refused: line, field and reason, never a value.
        progress: Is told how far it is.

    Raises:
        InputError: The brand is unknown, or the file as a whole is not what the mapping says.
    """
    brand = application.catalogue.brand(brand_name)
    if not path.is_file():
        raise InputError.at(str(path), "is not a file")
    with application.keys.settled(brand), PostgresWrites(application.connection).sole_import(brand):
        return _import(application, path, brand_name, rejects=rejects, progress=progress)


def _import(
    application: Application,
    path: Path,
    brand_name: str,
    *,
    rejects: Path | None,
    progress: Callable[[ImportProgress], None] | None,
) -> ImportResult:
    brand = application.catalogue.brand(brand_name)
    delivery = open_delivery(path, application.configuration.mappings[brand_name], application.configuration.group)
    sha256 = _hash(path)
    store = PostgresImports(application.connection)
    state = store.delivery(brand, sha256, path.name, application.now())
    if state.finished:
        result = ImportResult(rows=state.rows_done, repeated=True)
        result.counts["unchanged"] = sum(state.counts.values())
        result.without_key.update(state.without_key)
        return result
    digests = RowDigests(application.ring, application.catalogue, brand)
    with (
        open_store(application.url) as writer,
        closing(OverlappedImports(store, PostgresImports(writer))) as overlapped,
        sealing_workers(application.ring, application.catalogue, brand, delivery.total_bytes) as encode,
    ):
        run = DeliveryImport(
            store=overlapped,
            brand=brand,
            sha256=sha256,
            digests=digests,
            sealer=application.sealers[brand],
            open_index_cells=application.openers.index_cells(brand),
            facet_sealer=FacetSealer(application.ring.get(KeyPurpose.FACET, brand), brand),
            encode=encode,
            today=application.clock.now().date(),
            permutation=_permutation,
        )
        ids = delivery.ids_with_fraction()
        # A store that knows them with the fraction took them so before; its customers are not to become others.
        whole_ids = bool(ids) and not store.known(brand, digests, digests.link(RECORD_ID_INDEX, ids))
        at = application.now()
        result = run.run(_incoming(at, delivery, state, rejects, progress, whole_ids=whole_ids), state)
        overlapped.settle()
    _finish(application, store, brand_name, sha256, result)
    return result


def _incoming(
    at: int,
    delivery: Delivery,
    state: DeliveryState,
    rejects: Path | None,
    progress: Callable[[ImportProgress], None] | None,
    *,
    whole_ids: bool,
) -> Iterator[IncomingBatch]:
    file: IO[str] | None = None
    try:
        today = from_microseconds(at).date()
        for batch in delivery.batches(skip_rows=state.rows_done, today=today, whole_ids=whole_ids):
            block, rejected = _taken(batch, at)
            if rejected and rejects is not None:
                file = file or rejects.open("a", encoding="utf-8")
                _write_rejects(file, delivery.path.name, rejected)
            yield IncomingBatch(block, len(rejected), batch.rows_read, batch.without_key)
            if progress is not None:
                progress(ImportProgress(batch.rows_read, batch.bytes_read, delivery.total_bytes))
    finally:
        if file is not None:
            file.close()


def block_of(batch: RowBatch, at: int) -> RowBlock:
    """Return typed rows as the vault takes them; `at` stands in where a row does not say since when it holds."""
    return RowBlock(
        record_ids=batch.record_ids,
        modified_at=[at if modified is None else modified for modified in batch.modified_at],
        deleted=batch.deleted,
        columns=batch.columns,
        normal=batch.normal,
        facets=batch.facets,
    )


def _taken(batch: RowBatch, at: int) -> tuple[RowBlock, list[Rejection]]:
    """Return the rows that are taken, and those that are not: a time still to come would shut out every later one."""
    block = block_of(batch, at)
    late = {row for row, modified in enumerate(block.modified_at) if modified > at + TIME_AHEAD}
    if not late:
        return block, batch.rejected
    kept = block.take([row for row in range(len(block)) if row not in late])
    reason = "the time of modification lies more than a day ahead"
    return kept, [*batch.rejected, *(Rejection(batch.lines[row], "modified_at", reason) for row in sorted(late))]


def _write_rejects(file: IO[str], name: str, rejected: Sequence[Rejection]) -> None:
    for rejection in rejected:
        line = {"file": name, "line": rejection.line, "field": rejection.field, "reason": rejection.reason}
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
    file.flush()


def _finish(
    application: Application, store: PostgresImports, brand_name: str, sha256: bytes, result: ImportResult
) -> None:
    brand = application.catalogue.brand(brand_name)
    application.facets.fold_changes(brand)
    append_entry = partial(
        application.entries.append,
        lineage="system",
        operation=Operation.IMPORT,
        brand=brand_name,
        records=result.records,
        detail={
            "file_sha256": sha256.hex(),
            "rows": result.rows,
            **{str(k): v for k, v in result.counts.items() if v},
        },
    )
    store.finish(
        brand,
        sha256,
        at=application.now(),
        rows_done=result.rows,
        counts=_shown(result.counts),
        without_key=result.without_key,
        append=append_entry,
    )


def _permutation(size: int) -> list[int]:
    order: list[int] = np.random.default_rng().permutation(size).tolist()
    return order


def _hash(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _shown(counts: Mapping[str, int]) -> dict[str, int]:
    return {str(fate): count for fate, count in counts.items() if count}
