"""Joins the records of one person over all brands.

Strong keys are the digests that the blind indexes hold, taken out of the brands' permutations. Corroborating keys
with birth date, name with address, the mailbox without its tag) are stored nowhere: they are made by opening the
records that are to be counted, digested under the same key, and forgotten. Taking the digests of different brands
together and opening names is what only this use does; its entry names every record that may be opened, the neighbours
of the set included, and is durable before the first is.

Records that share no key with the set to be counted, over two steps, cannot change its count and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from cloakroom.canonical.email import canonical_email
from cloakroom.canonical.name import PersonName
from cloakroom.flows.ledger.entry_writing import DurableEntry
from cloakroom.flows.opening import open_rows
from cloakroom.gate.policy import Form
from cloakroom.scoping.link_keys import CORROBORATING, KeyKind, link_texts
from cloakroom.scoping.persons import KeyColumns, PersonCount, Persons, link_persons
from cloakroom.vault.blind_index import SHARED_SCOPE, LinkDigests
from cloakroom.vault.key_ring import KeyPurpose
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application

RECORDS_PER_READ = 20_000
CORROBORATED_MAX = 2_000_000
"""Records opened at most to make corroborating keys; a larger set is counted by strong keys alone."""

STEPS = 2
_STRONG = {"email": KeyKind.EMAIL, "phone": KeyKind.PHONE}
_CORROBORATING_OFFSET = 200
"""Kinds of corroborating keys are digested under numbers that no index has."""

_NAMES = ("given_name", "family_name", "name")
_OPENED = (*_NAMES, "email", "birth_date", "country", "postcode", "street")


@dataclass(frozen=True, slots=True)
class LinkedPersons:
    """The records around a set, joined to persons.

    Attributes:
        persons: The linkings.
        test_rows: Records of the set that the group knows to be tests; nobody stands behind them.
    """

    persons: Persons
    test_rows: BitMap

    def count(self, records: BitMap) -> PersonCount:
        """Count the persons behind `records`."""
        return self.persons.count(records - self.test_rows)


def persons_of(
    application: Application,
    records: BitMap,
    *,
    by: str,
    purpose: str = "",
    detail: Mapping[str, object] | None = None,
) -> LinkedPersons:
    """Join the records in and around `records` to persons.

    Args:
        application: The opened store.
        records: The set that is to be counted, or parts of it.
        by: Who asks.
        purpose: Named purpose, for the entry.
        detail: Identifiers and numbers for the entry.
    """
    linking = _Linking(application)
    kinds, ordinals, digests = _around(linking.strong_keys(), records)
    entry = application.entries.enter(
        lineage=by,
        operation=Operation.RESOLVE,
        records=records | BitMap(ordinals),
        fields=[name for name in _OPENED if name in application.catalogue.fields],
        purpose=purpose,
        detail={"counted": len(records), **(detail or {})},
    )
    test_rows = BitMap()
    if len(records) <= CORROBORATED_MAX:
        further, test_rows = linking.corroborating_keys(records, entry)
        kinds, ordinals, digests = _stacked([(kinds, ordinals, digests), further])
    persons = link_persons(
        KeyColumns(ordinals, kinds, np.ascontiguousarray(digests)),
        records=application.vault.ordinals_end(),
        names_of=partial(linking.names, entry),
        placeholders=linking.placeholders(),
    )
    return LinkedPersons(persons, test_rows)


Columns = tuple[NDArray[np.uint8], NDArray[np.uint32], NDArray[np.uint8]]
"""Kinds, ordinals, and digests of shape (n, 16)."""

Opened = Iterator[tuple[int, dict[str, str]]]
"""Ordinals of records with their values by field."""


def _stacked(parts: Sequence[Columns]) -> Columns:
    """Put columns under each other."""
    empty = (np.zeros(0, np.uint8), np.zeros(0, np.uint32), np.zeros((0, 16), np.uint8))
    kinds, ordinals, digests = zip(empty, *parts, strict=True)
    return np.concatenate(kinds), np.concatenate(ordinals), np.concatenate(digests)


def _around(columns: Columns, records: BitMap) -> Columns:
    """Keep the rows of records that share a key with the set, directly or through one other record."""
    kinds, ordinals, digests = columns
    inside = np.zeros(max(records.max() if records else 0, int(ordinals.max(initial=0))) + 1, np.bool_)
    inside[np.frombuffer(records.to_array(), np.uint32)] = True
    kept = inside[ordinals]
    if kept.all():
        return columns
    keys = _numbered(digests.view(np.uint64)[:, 0] ^ (kinds.astype(np.uint64) << np.uint64(56)))
    for _ in range(STEPS):
        shared = np.zeros(keys.size, np.bool_)
        shared[keys[kept]] = True
        inside[ordinals[shared[keys]]] = True
        kept = inside[ordinals]
    return kinds[kept], ordinals[kept], digests[kept]


def _numbered(words: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Give each word a number from 0, equal ones the same."""
    order = np.argsort(words)
    ordered = words[order]
    numbers = np.empty(words.size, np.uint32)
    numbers[order] = np.cumsum(np.concatenate(([False], ordered[1:] != ordered[:-1]))[: words.size])
    return numbers


class _Linking:
    """Reads and makes link keys, and opens names."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._catalogue = application.catalogue
        self._link = LinkDigests(application.ring.get(KeyPurpose.LINK))

    def strong_keys(self) -> Columns:
        """Return the keys of every version of every record of the group."""
        parts: list[Columns] = []
        for number in self._catalogue.brands.values():
            brand = self._application.digests[number]
            for index, kind in _STRONG.items():
                if index not in self._catalogue.indexes:
                    continue
                for generation in brand.generations:
                    index_id = self._catalogue.index_id(index, generation)
                    stored, found = self._application.vault.index_rows(number, index_id)
                    digests = np.frombuffer(brand.to_link(stored, generation), np.uint8).reshape(-1, 16)
                    parts.append((np.full(len(found), kind, np.uint8), found.astype(np.uint32), digests))
        return _stacked(parts)

    def corroborating_keys(self, records: BitMap, entry: DurableEntry) -> tuple[Columns, BitMap]:
        """Return the corroborating keys of `records`, and which of them are test rows."""
        parts: list[Columns] = []
        test_rows = BitMap()
        placeholders = self._application.configuration.group.placeholders
        for opened in self._opened(list(records), entry):
            texts: dict[KeyKind, tuple[list[int], list[str]]] = {kind: ([], []) for kind in CORROBORATING}
            for ordinal, values in opened:
                if placeholders.is_test_name(*_name_parts(values)):
                    test_rows.add(ordinal)
                    continue
                for kind, text in _corroborating_texts(values):
                    ordinals, found = texts[kind]
                    ordinals.append(ordinal)
                    found.append(text)
            parts += [self._digested(kind, *found) for kind, found in sorted(texts.items())]
        return _stacked(parts), test_rows

    def _digested(self, kind: KeyKind, ordinals: Sequence[int], texts: Sequence[str]) -> Columns:
        digests = self._link.digest(_CORROBORATING_OFFSET + kind, SHARED_SCOPE, texts)
        columns = np.frombuffer(digests, np.uint8).reshape(-1, 16)
        return np.full(len(ordinals), kind, np.uint8), np.array(ordinals, np.uint32), columns

    def names(self, entry: DurableEntry, wanted: Sequence[int]) -> list[PersonName | None]:
        """Return the name of each record, None for one that has none any more."""
        ordinals = [int(item) for item in wanted]
        found: dict[int, PersonName] = {}
        for opened in self._opened(ordinals, entry.at_most(dict.fromkeys(_NAMES, Form.REVEAL))):
            for ordinal, values in opened:
                if "name" in values:
                    found[ordinal] = PersonName(None, values["name"])
                elif values:
                    found[ordinal] = PersonName(values.get("given_name"), values.get("family_name"))
        return [found.get(ordinal) for ordinal in ordinals]

    def placeholders(self) -> list[tuple[int, bytes]]:
        """Return the keys that many share without meaning; patterns are left to the limit on holders."""
        placeholders = self._application.configuration.group.placeholders
        brand = next(iter(self._application.digests.values()))
        exact = [email for email in placeholders.emails if "*" not in email and "?" not in email]
        found: list[tuple[int, bytes]] = []
        for index, values in (("email", exact), ("phone", sorted(placeholders.phones))):
            if index in self._catalogue.indexes and values:
                links = brand.link(index, values)
                found += [(int(_STRONG[index]), links[at : at + 16]) for at in range(0, len(links), 16)]
        return found

    def _opened(self, ordinals: Sequence[int], entry: DurableEntry) -> Iterator[Opened]:
        """Yield the values of records by field, some thousand records at a time."""
        catalogue, openers = self._catalogue, self._application.openers
        for at in range(0, len(ordinals), RECORDS_PER_READ):
            rows = self._application.vault.sealed_rows(ordinals[at : at + RECORDS_PER_READ])
            opened = open_rows(entry, rows, catalogue=catalogue, openers=openers)
            yield ((row.record.ordinal, values) for row, values in opened)


def _name_parts(values: Mapping[str, str]) -> tuple[str | None, ...]:
    return tuple(values.get(name) for name in _NAMES)


def _corroborating_texts(values: Mapping[str, str]) -> list[tuple[KeyKind, str]]:
    email = canonical_email(values.get("email"))
    texts = link_texts(
        emails=[] if email is None else [email],
        name=" ".join(part for part in _name_parts(values) if part),
        birth_date=values.get("birth_date", ""),
        country=values.get("country", ""),
        postcode=values.get("postcode", ""),
        street=values.get("street", ""),
    )
    return [(kind, text) for kind, text in texts if kind in CORROBORATING]
