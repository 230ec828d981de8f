"""Planting: records that nobody is behind, made to look like those of a release.

What is opened here was entered before, by `releasing`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from pyroaring import BitMap

from cloakroom.adapters.single_records import read_record
from cloakroom.clock import format_time
from cloakroom.crypto import random_bytes
from cloakroom.errors import InputError, UsageError
from cloakroom.flows.asks import Admission
from cloakroom.flows.reveal import RecordOpener
from cloakroom.gate.policy import Form
from cloakroom.use_cases.records.importing import block_of
from cloakroom.use_cases.records.writing import import_block
from cloakroom.vault.canaries import invent_record
from cloakroom.vault.facets import CANARY, FacetChange, FacetSealer
from cloakroom.vault.key_ring import KeyPurpose
from cloakroom.vault.rows import RECORD_ID_INDEX
from cloakroom.vault.tokens import RecordReference
from cloakroom.wiring import Application

CANARIES_LEAST = 5
RECORDS_PER_CANARY = 5_000
_ATTEMPTS = 50


def plant_canaries(
    application: Application, brand_name: str, release: str, *, audience: int, templates: BitMap, domain: str
) -> BitMap:
    """Within the transaction of a release: write new planted records, and return their ordinals.

    Args:
        application: The opened store.
        brand_name: Name of the brand.
        release: Id of the release, under which they are known.
        audience: How many records it has without them.
        templates: Records to make them like; a durable entry says that these are opened.
        domain: Domain of their e-mail addresses.

    Raises:
        UsageError: None could be made.
    """
    brand = application.catalogue.brand(brand_name)
    chance = random.Random(random_bytes(32))  # noqa: S311 - seeded from the system; nothing here is a key
    likenesses = _likenesses(application, brand_name, templates)
    count = max(CANARIES_LEAST, audience // RECORDS_PER_CANARY)
    planted = BitMap()
    for _ in range(count * _ATTEMPTS if likenesses else 0):
        if len(planted) == count:
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
        planted |= import_block(application, brand, block_of(batch, application.now())).records
    if len(planted) < count:
        raise UsageError("no planted records could be made for this audience; nothing was released")
    sealer = FacetSealer(application.ring.get(KeyPurpose.FACET, brand), brand)
    change = sealer.seal_change(FacetChange(BitMap(), {(CANARY, release): planted}))
    application.connection.execute("insert into facet_change (brand, sealed) values (%s, %s)", (brand, change))
    return planted


def _likenesses(application: Application, brand_name: str, templates: BitMap) -> list[Mapping[str, str]]:
    """Open records that were entered, to make others like them; no row of them leaves as it is."""
    known = {column.field.name for column in application.configuration.mappings[brand_name].columns}
    names = sorted(known | {"customer_number"})
    forms = dict.fromkeys((name for name in names if name in application.catalogue.fields), Form.REVEAL)
    opened = open_rows(application, brand_name, list(templates), forms)
    return [{key: text for key, text in item.items() if key in known or key == "customer_number"} for item in opened]


def open_rows(
    application: Application, brand_name: str, ordinals: list[int], forms: Mapping[str, Form]
) -> list[dict[str, str]]:
    """Open records of one brand that an entry covers, and return them in the forms given, in the same order."""
    brand = application.catalogue.brand(brand_name)
    rows = {row.record.ordinal: row for row in application.vault.sealed_rows(ordinals)}
    bands = application.configuration.policy.bands
    opener = RecordOpener(application.catalogue, application.openers, rows, bands)
    admission = {brand_name: Admission(permitted=True, code="granted", explanation="", forms=forms)}
    return opener.show([RecordReference(brand, ordinal) for ordinal in ordinals], admission)
