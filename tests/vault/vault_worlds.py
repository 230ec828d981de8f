"""A small catalogue and ring for tests of the vault."""

from __future__ import annotations

import hashlib

from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.fields import WELL_KNOWN_FIELDS
from cloakroom.vault.key_ring import GROUP, KeyName, KeyPurpose, KeyRing
from cloakroom.vault.opening import BrandOpener
from cloakroom.vault.rows import RowBlock
from cloakroom.vault.sealed_record import SealedKeys, SealedRecord
from cloakroom.vault.sealing import BrandSealer

NAMES = (
    "customer_number",
    "given_name",
    "family_name",
    "email",
    "phone",
    "mobile",
    "country",
    "birth_date",
    "spend_total",
)
DEFINITIONS = {name: WELL_KNOWN_FIELDS[name] for name in NAMES}
CATALOGUE = Catalogue({}, {}, {}, {}).extended(["alba", "boreas"], DEFINITIONS)
ALBA, BOREAS = CATALOGUE.brands["alba"], CATALOGUE.brands["boreas"]


def key(*parts):
    return hashlib.sha256(repr(parts).encode()).digest()


def ring(*, wrap=(1,), index=(1,)):
    """A ring with the given generations of wrap and index keys for both brands."""
    names = [KeyName(KeyPurpose.LINK, GROUP, "", 1)]
    for brand in (ALBA, BOREAS):
        names += [KeyName(KeyPurpose.WRAP, brand, item.name, number) for item in EnvelopeClass for number in wrap]
        names += [KeyName(KeyPurpose.INDEX, brand, "", number) for number in index]
        names += [KeyName(purpose, brand, "", 1) for purpose in (KeyPurpose.FACET, KeyPurpose.CONTENT)]
    return KeyRing({name: key(name) for name in names})


def sealer(brand=ALBA, **generations):
    return BrandSealer(ring(**generations), brand)


def opener(brand=ALBA, **generations):
    return BrandOpener(ring(**generations), brand)


def seal_one(brand_sealer, ordinal, cells):
    """Return the keys and the sealed record of one new record, its cells given by class."""
    columns = {item: [(number, [value]) for number, value in held] for item, held in cells.items()}
    wraps, envelopes = brand_sealer.seal_new([ordinal], columns)
    record = SealedRecord(ordinal, 1, tuple(envelopes[item][0] for item in EnvelopeClass))
    return SealedKeys(brand_sealer.generation, 0, wraps[0]), record


def block(*rows, at=1_000, deleted=()):
    """A block of rows given as dictionaries; e-mail and telephone are their own normal forms."""
    names = sorted({name for row in rows for name in row} - {"customer_number"})
    columns = {name: [row.get(name) for row in rows] for name in names}
    normal = {name: columns[name] for name in ("email", "phone", "mobile") if name in columns}
    return RowBlock(
        [row["customer_number"] for row in rows],
        [at + number for number in range(len(rows))],
        [number in deleted for number in range(len(rows))],
        columns,
        normal,
        {},
    )
