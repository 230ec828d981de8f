"""Canaries of a release: records that nobody is behind, made to look like those of its audience."""

from __future__ import annotations

import random
from collections.abc import Mapping

from pyroaring import BitMap

from cloakroom.adapters.postgres.import_store import PostgresImports
from cloakroom.adapters.single_records import read_record
from cloakroom.clock import format_time
from cloakroom.crypto import random_bytes
from cloakroom.errors import InputError, UsageError
from cloakroom.flows.entry_writing import DurableEntry
from cloakroom.flows.opening import RecordOpener
from cloakroom.use_cases.records.importing import block_of
from cloakroom.use_cases.records.writing import import_block
from cloakroom.vault.canaries import invent_record
from cloakroom.vault.facets import CANARY, FacetChange, FacetSealer
from cloakroom.vault.key_ring import KeyPurpose
from cloakroom.vault.rows import RECORD_ID_INDEX
from cloakroom.vault.tokens import RecordReference
from cloakroom.wiring import Application

MIN_CANARIES = 5
RECORDS_PER_CANARY = 5_000
_ATTEMPTS = 50


def add_canaries(
    application: Application,
    brand_name: str,
    release: str,
    *,
    audience: BitMap,
    templates: DurableEntry,
    domain: str,
) -> BitMap:
    """Within the transaction of a release: write new canaries, and return their ordinals.

    Args:
        application: The opened store.
        brand_name: Name of the brand.
        release: Id of the release, under which they are known.
        audience: The records that it has without them.
        templates: The entry that says of which records, and which of their fields, they are made.
        domain: Domain of their e-mail addresses.

    Raises:
        UsageError: None could be made.
    """
    brand = application.catalogue.brand(brand_name)
    chance = random.Random(random_bytes(32))  # noqa: S311 - seeded from the system; nothing here is a key
    likenesses = _likenesses(application, brand_name, templates, audience)
    count = max(MIN_CANARIES, len(audience) // RECORDS_PER_CANARY)
    canaries = BitMap()
    for _ in range(count * _ATTEMPTS if likenesses else 0):
        if len(canaries) == count:
            break
        record_id, fields = invent_record(likenesses, domain, chance)
        try:
            batch = read_record(
                application.configuration.mappings[brand_name],
                application.configuration.group,
                record_id=record_id,
                fields=fields,
                modified_at=format_time(application.clock.now()),
            )
        except InputError:  # a mixture that the mapping does not take, or a number that looks like a card's
            continue
        digests = application.digests[brand]
        stored = digests.stored(RECORD_ID_INDEX, batch.record_ids).hex()
        index = application.catalogue.index_id(RECORD_ID_INDEX, digests.generations[0])
        if application.vault.look_up_pairs([brand], [index], [stored], only_current=False):
            continue
        canaries |= import_block(application, brand, block_of(batch, application.now())).records
    if len(canaries) < count:
        raise UsageError("no canaries could be made for this audience; nothing was released")
    sealer = FacetSealer(application.ring.get(KeyPurpose.FACET, brand), brand)
    change = sealer.seal_change(FacetChange(BitMap(), {(CANARY, release): canaries}))
    PostgresImports(application.connection).add_facet_change(brand, change)
    return canaries


def fields_of_canaries(application: Application, brand_name: str) -> list[str]:
    """Return the names of the fields that are opened of records to make canaries like them."""
    known = {column.field.name for column in application.configuration.mappings[brand_name].columns}
    return sorted(name for name in known | {"customer_number"} if name in application.catalogue.fields)


def _likenesses(
    application: Application, brand_name: str, templates: DurableEntry, audience: BitMap
) -> list[Mapping[str, str]]:
    """Open records to make others like them; no row of them leaves as it is."""
    known = set(fields_of_canaries(application, brand_name))
    opened = show_rows(application, brand_name, list(templates.records & audience), templates)
    return [{key: text for key, text in item.items() if key in known} for item in opened]


def show_rows(
    application: Application, brand_name: str, ordinals: list[int], entry: DurableEntry
) -> list[dict[str, str]]:
    """Return records of one brand as the entry that names them says, in the order of `ordinals`."""
    brand = application.catalogue.brand(brand_name)
    rows = {row.record.ordinal: row for row in application.vault.sealed_rows(ordinals)}
    bands = application.configuration.policy.bands
    opener = RecordOpener(application.catalogue, application.openers, rows, bands)
    return opener.show([RecordReference(brand, ordinal) for ordinal in ordinals], {brand_name: entry})
