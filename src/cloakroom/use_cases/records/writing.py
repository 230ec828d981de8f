"""Single records written by applications: through the same reading, sealing and writing as an import.

One durable transaction holds the record, its index rows, its facets, the entry and the kept answer. A repeated
request under the same idempotency key finds the kept answer and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from cloakroom.adapters.postgres.copy_rows import NewRowEncoder
from cloakroom.adapters.postgres.import_store import PostgresImports
from cloakroom.adapters.postgres.service_store import KeptAnswer, ServiceStore
from cloakroom.adapters.single_records import read_record
from cloakroom.clock import format_time
from cloakroom.crypto import hmac_sha256
from cloakroom.errors import BusyError, ConflictError, InputError
from cloakroom.flows.authorisation import Caller
from cloakroom.flows.import_delivery import DeliveryImport, ImportResult, IncomingBatch
from cloakroom.flows.import_ports import DeliveryState, NewRows
from cloakroom.use_cases.records.importing import TIME_AHEAD, block_of
from cloakroom.vault.facets import FacetSealer
from cloakroom.vault.key_ring import KeyPurpose
from cloakroom.vault.row_changes import RowFate
from cloakroom.vault.rows import RECORD_ID_INDEX, RowBlock
from cloakroom.vault.tokens import RecordReference
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application

_RECORD_LOCK = 4172031


@dataclass(frozen=True, slots=True)
class RecordWrite:
    """One record to write.

    Attributes:
        brand: Name of the brand.
        record_id: Its id in the brand's system.
        fields: Value by field; all of the record's values, not only changed ones.
        modified_at: RFC 3339; now if None.
        deleted: Whether the brand's system has deleted it.
    """

    brand: str
    record_id: str
    fields: Mapping[str, str]
    modified_at: str | None = None
    deleted: bool = False

    def __repr__(self) -> str:
        """Leave out what is personal."""
        return f"RecordWrite(brand={self.brand!r}, {len(self.fields)} fields)"


def write_record(
    application: Application,
    who: Caller,
    write: RecordWrite,
    *,
    purpose: str,
    key: str,
    request: bytes,
    reference: str | None = None,
) -> str:
    """Write a record and return its token; of a deletion, the empty text.

    Args:
        application: The opened store.
        who: Who writes; the caller has asked the policy.
        write: What to write.
        purpose: The purpose it is written for.
        key: Idempotency key of the caller.
        request: The request's own bytes, without what changes between repetitions.
        reference: Case number.

    Raises:
        InputError: A value cannot be taken.
        PaymentDataError: One holds payment data.
        BusyError: The brand's keys are being rotated, or a delivery of it is being imported.
        ConflictError: The key was used for another request, or the key is in use.
    """
    store = ServiceStore(application.connection)
    lineage, brand = who.lineage, application.catalogue.brand(write.brand)
    # Keyed: the request holds the values, and their plain hash would be searched for them.
    digest = hmac_sha256(application.ring.get(KeyPurpose.CONTENT, brand), request)
    at = application.now()
    block = _read(application, write, at)
    with application.connection.transaction():
        kept = store.kept_answer(lineage, key)
        if kept is not None:
            return _repeated(kept, digest)
        if not application.settle_keys(brand):
            raise BusyError("the keys of this brand are being rotated; try again")
        if not application.may_write(brand):
            raise BusyError("a delivery of this brand is being imported; try again")
        application.authoriser.hold_unfrozen(lineage)
        link = application.digests[brand].link(RECORD_ID_INDEX, block.record_ids)
        # Two who create the same record at the same time: the second waits, and then finds it.
        application.connection.execute(
            "select pg_advisory_xact_lock(%s, %s)", (_RECORD_LOCK, int.from_bytes(link[:4], "big", signed=True))
        )
        result = import_block(application, brand, block)
        token = "" if write.deleted else _token(application, who, brand, link)
        application.entries.append(
            lineage=lineage,
            operation=Operation.WRITE,
            brand=write.brand,
            purpose=purpose,
            reference=reference or "",
            records=result.records,
            detail={"credential": who.credential, "fate": _fate(result)},
        )
        if not store.keep_answer(lineage, key, KeptAnswer(digest, token.encode()), at):
            raise ConflictError("the same request is being done by another node")
        # Writing rows switched waiting for the disk off, as imports may; what is answered here must stay.
        application.connection.execute("set local synchronous_commit = on")
    return token


def _read(application: Application, write: RecordWrite, at: int) -> RowBlock:
    """Return the one row that is written, read by the rules of its brand's deliveries."""
    batch = read_record(
        application.configuration.mappings[write.brand],
        application.configuration.group,
        record_id=write.record_id,
        fields=write.fields,
        modified_at=write.modified_at or format_time(application.clock.now()),
        deleted=write.deleted,
    )
    block = block_of(batch, at)
    if block.modified_at and block.modified_at[0] > at + TIME_AHEAD:
        raise InputError.at("record", "the time of modification lies more than a day ahead", field="modified_at")
    return block


def _repeated(kept: KeptAnswer, digest: bytes) -> str:
    if kept.request != digest:
        raise ConflictError("the idempotency key was used for another request")
    return kept.answer.decode()


def import_block(application: Application, brand: int, block: RowBlock) -> ImportResult:
    """Write rows as an import does, within the caller's transaction, which has to switch the wait for the disk on."""
    encoder = NewRowEncoder(application.ring, application.catalogue, brand)

    def encode(rows: RowBlock, ordinals: Sequence[int]) -> Future[NewRows]:
        done: Future[NewRows] = Future()
        done.set_result(encoder.encode(rows, ordinals))
        return done

    run = DeliveryImport(
        store=PostgresImports(application.connection),
        brand=brand,
        sha256=b"",  # no delivery: there is no progress to keep
        digests=application.digests[brand],
        sealer=application.sealers[brand],
        open_index_cells=application.openers.index_cells(brand),
        facet_sealer=FacetSealer(application.ring.get(KeyPurpose.FACET, brand), brand),
        encode=encode,
        today=application.clock.now().date(),
        permutation=range,
    )
    return run.run([IncomingBatch(block, 0, len(block))], DeliveryState(0, finished=False, counts={}))


def _token(application: Application, who: Caller, brand: int, link: bytes) -> str:
    known = PostgresImports(application.connection).known(brand, application.digests[brand], link)
    if not known:
        raise ConflictError("the record was erased")
    reference = RecordReference(brand, known[0].ordinal)
    return application.codec(who.token_scope).issue([reference])[0]


def _fate(result: ImportResult) -> str:
    return next((str(fate) for fate in RowFate if result.counts[fate]), "unchanged")
