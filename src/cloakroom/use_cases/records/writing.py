"""Writes single records of applications into an opened store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cloakroom.adapters.postgres.copy_rows import NewRowEncoder
from cloakroom.adapters.postgres.import_store import PostgresImports
from cloakroom.adapters.postgres.write_store import PostgresWrites
from cloakroom.adapters.single_records import read_record
from cloakroom.clock import Clock, format_time, to_microseconds
from cloakroom.errors import InputError
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.records.import_delivery import ImportResult
from cloakroom.flows.records.write_record import WriteRequest, import_rows
from cloakroom.flows.records.write_record import write_record as write_one_record
from cloakroom.flows.store.configuration import Configuration
from cloakroom.flows.store.keys import StoreKeys
from cloakroom.use_cases.records.importing import TIME_AHEAD, block_of
from cloakroom.vault.rows import RowBlock
from cloakroom.wiring import Application


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
    """Write a record and return its token; of a deletion, the empty text; see `flows.records.write_record`.

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
    return write_one_record(
        WriteRequest(
            who,
            application.catalogue.brand(write.brand),
            _read(application.configuration, write, application.clock),
            purpose,
            key,
            request,
            reference,
        ),
        store=PostgresWrites(application.connection),
        imports=PostgresImports(application.connection),
        keys=application.keys,
        make_encoder=NewRowEncoder,
        entries=application.entries,
        authoriser=application.authoriser,
        clock=application.clock,
    )


def _read(configuration: Configuration, write: RecordWrite, clock: Clock) -> RowBlock:
    """Return the one row that is written, read by the rules of its brand's deliveries."""
    batch = read_record(
        configuration.mappings[write.brand],
        configuration.group,
        record_id=write.record_id,
        fields=write.fields,
        modified_at=write.modified_at or format_time(clock.now()),
        deleted=write.deleted,
    )
    at = to_microseconds(clock.now())
    block = block_of(batch, at)
    if block.modified_at and block.modified_at[0] > at + TIME_AHEAD:
        raise InputError.at("record", "the time of modification lies more than a day ahead", field="modified_at")
    return block


def import_block(
    imports: PostgresImports, keys: StoreKeys, clock: Clock, brand: int, block: RowBlock
) -> ImportResult:
    """Write rows as an import does, within the caller's transaction, which has to switch the wait for the disk on."""
    return import_rows(
        block,
        brand,
        imports=imports,
        keys=keys,
        make_encoder=NewRowEncoder,
        clock=clock,
    )
