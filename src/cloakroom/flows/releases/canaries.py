"""Canaries of a release: records that nobody is behind, made to look like those of its audience.

They are made in three steps, which `release_run` orders: records of the audience are chosen, an entry says that they
are opened, and only then is each canary invented after them and written, in the transaction that fixes the set of the
release. So there is no canary that is not in a set that is entered, and nothing is opened to make one that no entry
names.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Final

from pyroaring import BitMap

from cloakroom.crypto import random_bytes
from cloakroom.errors import InputError, UsageError
from cloakroom.flows.ledger.entry_writing import DurableEntry
from cloakroom.flows.releases.audience import Audience
from cloakroom.flows.releases.ports import CanaryStore
from cloakroom.vault.canaries import invent_record
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.mapping import BrandMapping
from cloakroom.vault.rows import RECORD_ID_FIELD

CANARIES_MIN: Final = 5
RECORDS_PER_CANARY: Final = 5_000
TEMPLATES_MAX: Final = 200
"""Records that are opened at most to make canaries like them."""
_ATTEMPTS: Final = 50
"""Records invented for each canary at most: some the mapping does not take, or the brand has one of that id."""


class Canaries:
    """Makes the canaries of releases."""

    def __init__(
        self,
        *,
        audience: Audience,
        store: CanaryStore,
        catalogue: Catalogue,
        mappings: Mapping[str, BrandMapping],
        random_bytes: Callable[[int], bytes] = random_bytes,
    ) -> None:
        """Assemble.

        Args:
            audience: Shows the records that canaries are made like.
            store: Where canaries are written.
            catalogue: Knows the fields of the group.
            mappings: Knows the fields of each brand, by its name.
            random_bytes: Seeds the choice and the mixture.
        """
        self._audience = audience
        self._store = store
        self._catalogue = catalogue
        self._mappings = mappings
        self._random_bytes = random_bytes

    def fields(self, brand: str) -> list[str]:
        """Return the names of the fields that are opened of records to make canaries like them."""
        known = {column.field.name for column in self._mappings[brand].columns} | {RECORD_ID_FIELD}
        return sorted(known & self._catalogue.fields.keys())

    def choose_templates(self, records: BitMap) -> BitMap:
        """Return the records of an audience that canaries are made like."""
        return BitMap(self._chance().sample(list(records), min(TEMPLATES_MAX, len(records))))

    def add(self, brand: str, release: str, *, records: BitMap, templates: DurableEntry, email_domain: str) -> BitMap:
        """Within the transaction of a release: write its canaries, and return their ordinals.

        Args:
            brand: Name of the brand.
            release: Id of the release, under which they are known.
            records: Its audience.
            templates: The entry that says of which records, and which of their fields, they are made.
            email_domain: Domain of their e-mail addresses.

        Raises:
            UsageError: Too few could be made.
        """
        chance = self._chance()
        # Their values are mixed and shown to nobody; no row of them leaves as it is.
        likenesses = self._audience.show(brand, list(templates.records & records), templates)
        count = max(CANARIES_MIN, len(records) // RECORDS_PER_CANARY)
        canaries = BitMap()
        for _ in range(count * _ATTEMPTS if likenesses else 0):
            if len(canaries) == count:
                break
            record_id, fields = invent_record(likenesses, email_domain, chance)
            try:
                canaries |= self._store.add(brand, record_id, fields)
            except InputError:  # a mixture that the mapping does not take, or a number that looks like a card's
                continue
        if len(canaries) < count:
            raise UsageError("no canaries could be made for this audience; nothing was released")
        self._store.mark(brand, release, canaries)
        return canaries

    def _chance(self) -> random.Random:
        return random.Random(self._random_bytes(32))  # noqa: S311 - seeded from the system; nothing here is a key
