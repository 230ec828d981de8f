"""Writing: one record at a time, through the same reading, sealing and writing as an import.

The order of effects, and why a crash anywhere is harmless:

1. One durable transaction holds the record, its index rows, its facets, the entry and the kept answer. Where a crash
   comes before its end, nothing of it is there, and the request is done again. Where it comes after, a repeated
   request under the same idempotency key finds the kept answer and changes nothing.
2. Within it, locks are taken in this order: the brand's keys (a rotation would destroy those that the record is
   sealed under), imports of the brand, the caller's lineage (a freeze comes before or after all of it), the record's
   id (of two that make one record at the same time, the second waits and then finds it).
3. What is used of the keys is read after they are held.

The caller has asked the policy (`authorisation`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from cloakroom.clock import Clock, to_microseconds
from cloakroom.crypto import hmac_sha256
from cloakroom.errors import BusyError, ConflictError
from cloakroom.flows.admission.authorisation import Authoriser, Caller
from cloakroom.flows.ledger.entry_writing import EntryWriter
from cloakroom.flows.records.import_delivery import DeliveryImport, ImportResult, IncomingBatch
from cloakroom.flows.records.import_ports import DeliveryState, ImportStore, NewRows
from cloakroom.flows.records.ports import KeptAnswer, RowEncoder, WriteStore
from cloakroom.flows.store.keys import StoreKeys
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.facets import FacetSealer
from cloakroom.vault.key_ring import KeyPurpose, KeyRing
from cloakroom.vault.row_changes import RowFate
from cloakroom.vault.rows import RECORD_ID_INDEX, RowBlock
from cloakroom.vault.tokens import RecordReference
from cloakroom.vocabulary import Operation

MakeRowEncoder = Callable[[KeyRing, Catalogue, int], RowEncoder]
"""Makes what seals new records of a brand, out of the keys, the numbers and the brand's number."""


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """One record to write.

    Attributes:
        caller: Who writes.
        brand: Number of the brand.
        block: The record's one row.
        purpose: The purpose it is written for.
        key: Idempotency key of the caller.
        request: The request's own bytes, without what changes between repetitions.
        reference: Case number.
    """

    caller: Caller
    brand: int
    block: RowBlock
    purpose: str
    key: str
    request: bytes = field(repr=False)
    reference: str | None = None


def write_record(
    request: WriteRequest,
    *,
    store: WriteStore,
    imports: ImportStore,
    keys: StoreKeys,
    make_encoder: MakeRowEncoder,
    entries: EntryWriter,
    authoriser: Authoriser,
    clock: Clock,
) -> str:
    """Write a record and return its token; of a deletion, the empty text.

    Args:
        request: What to write, for whom and why.
        store: Keeps the answer, and others away meanwhile.
        imports: Takes the record.
        keys: The keys of its brand.
        make_encoder: Makes what seals a new record.
        entries: Writes the entry.
        authoriser: Looks whether the caller is frozen.
        clock: Tells the time.

    Raises:
        BusyError: The brand's keys are being rotated, or a delivery of it is being imported.
        ConflictError: The key was used for another request, or the key is in use; or the record was erased.
        DeniedError: The caller is frozen.
    """
    lineage, brand, at = request.caller.lineage, request.brand, to_microseconds(clock.now())
    # Keyed: the request holds the values, and their plain hash would be searched for them.
    digest = hmac_sha256(keys.ring.get(KeyPurpose.CONTENT, brand), request.request)
    with store.transaction():
        kept = store.kept_answer(lineage, request.key)
        if kept is not None:
            return _repeated(kept, digest)
        if not keys.settle(brand):
            raise BusyError("the keys of this brand are being rotated; try again")
        if not store.keep_imports_away(brand):
            raise BusyError("a delivery of this brand is being imported; try again")
        authoriser.hold_unfrozen(lineage)
        link = keys.digests[brand].link(RECORD_ID_INDEX, request.block.record_ids)
        store.hold_record_id(link)
        result = import_rows(request.block, brand, imports=imports, keys=keys, make_encoder=make_encoder, clock=clock)
        token = "" if request.block.deleted[0] else _token(request, link, imports=imports, keys=keys)
        entries.append(
            lineage=lineage,
            operation=Operation.WRITE,
            brand=keys.catalogue.brand_name(brand),
            purpose=request.purpose,
            reference=request.reference or "",
            records=result.records,
            detail={"credential": request.caller.credential, "fate": _fate(result)},
        )
        if not store.keep_answer(lineage, request.key, KeptAnswer(digest, token.encode()), at):
            raise ConflictError("the same request is being done by another node")
    return token


def import_rows(
    block: RowBlock,
    brand: int,
    *,
    imports: ImportStore,
    keys: StoreKeys,
    make_encoder: MakeRowEncoder,
    clock: Clock,
) -> ImportResult:
    """Write rows as an import does, within the caller's transaction, which has to wait for the disk itself.

    Args:
        block: The rows.
        brand: Number of the brand.
        imports: Takes the records.
        keys: The keys of the brand.
        make_encoder: Makes what seals new records.
        clock: Tells the day, by which old birth dates are left out of the facets.
    """
    encoder = make_encoder(keys.ring, keys.catalogue, brand)

    def encode(rows: RowBlock, ordinals: Sequence[int]) -> Future[NewRows]:
        done: Future[NewRows] = Future()
        done.set_result(encoder.encode(rows, ordinals))
        return done

    run = DeliveryImport(
        store=imports,
        brand=brand,
        sha256=b"",  # no delivery: there is no progress to keep
        digests=keys.digests[brand],
        sealer=keys.sealers[brand],
        open_index_cells=keys.openers.index_cells(brand),
        facet_sealer=FacetSealer(keys.ring.get(KeyPurpose.FACET, brand), brand),
        encode=encode,
        today=clock.now().date(),
        permutation=range,
    )
    return run.run([IncomingBatch(block, 0, len(block))], DeliveryState(0, finished=False, counts={}))


def _repeated(kept: KeptAnswer, digest: bytes) -> str:
    if kept.request != digest:
        raise ConflictError("the idempotency key was used for another request")
    return kept.answer.decode()


def _token(request: WriteRequest, link: bytes, *, imports: ImportStore, keys: StoreKeys) -> str:
    known = imports.known(request.brand, keys.digests[request.brand], link)
    if not known:
        raise ConflictError("the record was erased")
    reference = RecordReference(request.brand, known[0].ordinal)
    return keys.codec(request.caller.token_scope).issue([reference])[0]


def _fate(result: ImportResult) -> str:
    return next((str(fate) for fate in RowFate if result.counts[fate]), "unchanged")
