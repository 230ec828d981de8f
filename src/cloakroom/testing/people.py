"""Invented persons and the records that brands hold about them, as columns.

One block of the world is drawn at a time, from a generator seeded with (seed, block): memory stays flat however many
records are asked for, and the same seed gives the same people.

- A `Population` is the truth: who exists, where, with which addresses and numbers.
- `Holdings` is what the brands hold about them. It is a state that changes month by month (`change_month`); the files
  are renderings of it (`cloakroom.testing.spelling`).

Realism that matters to linking and scoping: persons with several records in one brand and over brands; households
that share an address, a number or a mailbox; two mailboxes and two numbers for some; placeholder mailboxes and the
shop's own number held by many strangers; recipients who never gave an address; employees; minors; test rows; spend
with a heavy tail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cloakroom.testing.atlas import POSTCODES, Atlas, NamePool

__all__ = [
    "EMAIL",
    "KINDS",
    "PHONE",
    "Holdings",
    "Population",
    "change_month",
    "draw_counts",
    "draw_holdings",
    "draw_population",
]

Integers = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

KINDS = ("customer", "recipient", "employee", "test")
CUSTOMER, RECIPIENT, EMPLOYEE, TEST = range(4)

# What stands in a record's address column and number columns.
EMAIL = {"none": 0, "first": 1, "second": 2, "placeholder": 3, "shared": 4}
PHONE = {"none": 0, "first": 1, "second": 2, "store": 3}

DAY = 86_400
RECORDS_PER_PERSON = np.array([0.42, 0.24, 0.14, 0.09, 0.05, 0.03, 0.02, 0.01])
BRAND_SHARES = np.array([0.40, 0.33, 0.27])
DOMAINS = 8
DOMAIN_SHARES = np.array([0.34, 0.12, 0.12, 0.12, 0.12, 0.09, 0.08, 0.01])


@dataclass(frozen=True, slots=True)
class Population:
    """The persons of one block; every column has one row per person.

    Attributes:
        first: Number of the first person; numbers go on over blocks.
        country: Row in the atlas' countries.
        place: Two columns: rows of the first and the second place of residence, both in `country`.
        street: Two columns: rows of streets.
        house: Two columns: house numbers.
        postcode: Two columns: rows of postcodes.
        language: Row in the atlas' languages.
        given: Row of the given name.
        family: Row of the family name.
        mailbox: Whose mailbox this person uses: its own row, or a housemate's.
        number: Whose telephone this person uses, likewise.
        pattern: Two columns: how the local parts of the two mailboxes are built.
        domain: Two columns: the domains of the two mailboxes.
        prefix: Two columns: rows of telephone prefixes.
        digits: Two columns: the random digits after the prefix.
        born: Date of birth in days since 1970-01-01.
        only_recipient: Whether the brands know this person only as a recipient.
        wealth: Factor on spend.
    """

    first: int
    country: Integers
    place: Integers
    street: Integers
    house: Integers
    postcode: Integers
    language: Integers
    given: Integers
    family: Integers
    mailbox: Integers
    number: Integers
    pattern: Integers
    domain: Integers
    prefix: Integers
    digits: Integers
    born: Integers
    only_recipient: Flags
    wealth: np.ndarray[Any, np.dtype[np.float64]]

    def __len__(self) -> int:
        return len(self.country)


@dataclass(slots=True)
class Holdings:
    """The records of one block as they stand at some moment; `change_month` moves them on.

    Attributes:
        person: Row of the person in the block's population; test rows point at an arbitrary one.
        brand: 0, 1 or 2.
        serial: Number of the record within its brand, from 0.
        kind: Index in `KINDS`.
        email: One of `EMAIL`.
        phone: One of `PHONE`: the landline column, where a brand has one.
        mobile: One of `PHONE`.
        residence: 0 first place, 1 second place, 2 no address given.
        spend: Cents.
        with_birth: Whether the date of birth is recorded.
        store: Number of the shop within country and brand, 0 for the web.
        style: Random bits that fix how this record is spelled, the same in every version.
        created: Seconds since the epoch.
        modified: Seconds since the epoch.
        appears: Month in which the record first appears, 0 for the full delivery.
        erased: Second of erasure, or −1.
        versions: Versions written so far, the erasure not counted.
    """

    person: Integers
    brand: Integers
    serial: Integers
    kind: Integers
    email: Integers
    phone: Integers
    mobile: Integers
    residence: Integers
    spend: Integers
    with_birth: Flags
    store: Integers
    style: np.ndarray[Any, np.dtype[np.uint64]]
    created: Integers
    modified: Integers
    appears: Integers
    erased: Integers
    versions: Integers

    def __len__(self) -> int:
        return len(self.person)


def draw_population(rng: np.random.Generator, atlas: Atlas, *, count: int, first: int) -> Population:
    """Draw `count` persons, numbered from `first`."""
    country = rng.choice(len(atlas.weights), size=count, p=atlas.weights)
    # A housemate follows the person it lives with and shares what a household shares.
    housemate = np.zeros(count, dtype=bool)
    housemate[1:] = (rng.random(count - 1) < 0.06) & (np.arange(1, count) % 2 == 1)
    host = np.arange(count) - housemate
    country = country[host]
    place = np.stack([_draw_by_country(rng, country, atlas.place_chances) for _ in range(2)])
    language = _draw_by_country(rng, country, atlas.language_chances)
    street = np.stack([_draw_span(rng, atlas.street_rows, country) for _ in range(2)])
    house = rng.integers(1, 190, (2, count))
    postcode = country * POSTCODES + rng.integers(0, POSTCODES, (2, count))
    family = _draw_name(rng, atlas.family, atlas.culture[country])
    for column in (place[0], street[0], house[0], postcode[0], language, family):
        column[:] = column[host]
    shares_mailbox = housemate & (rng.random(count) < 0.25)
    shares_number = housemate & (rng.random(count) < 0.35)
    ages = np.where(rng.random(count) < 0.004, rng.uniform(11, 17.5, count), rng.triangular(18.6, 38, 92, count))
    return Population(
        first=first,
        country=country,
        place=place,
        street=street,
        house=house,
        postcode=postcode,
        language=language,
        given=_draw_name(rng, atlas.given, atlas.culture[country]),
        family=family,
        mailbox=np.arange(count) - shares_mailbox,
        number=np.arange(count) - shares_number,
        pattern=np.stack([rng.integers(0, 4, count), rng.integers(4, 6, count)]),
        domain=rng.choice(DOMAINS, size=(2, count), p=DOMAIN_SHARES),
        prefix=np.stack([_draw_span(rng, atlas.prefix_rows, country) for _ in range(2)]),
        digits=rng.integers(0, 10**8, (2, count)),
        born=(20_270 - ages * 365.25).astype(np.int64),
        only_recipient=rng.random(count) < 0.05,
        wealth=np.exp(rng.normal(0.0, 1.1, count)),
    )


def _draw_by_country(rng: np.random.Generator, country: Integers, chances: tuple[tuple[Any, Any], ...]) -> Integers:
    drawn = np.zeros(len(country), dtype=np.int64)
    for number, (members, shares) in enumerate(chances):
        here = np.flatnonzero(country == number)
        drawn[here] = rng.choice(members, size=len(here), p=shares)
    return drawn


def _draw_span(rng: np.random.Generator, spans: Integers, country: Integers) -> Integers:
    drawn: Integers = spans[0][country] + (rng.random(len(country)) * spans[1][country]).astype(np.int64)
    return drawn


def _draw_name(rng: np.random.Generator, pool: NamePool, culture: Integers) -> Integers:
    return pool.first[culture] + (rng.random(len(culture)) * pool.count[culture]).astype(np.int64)


def draw_counts(rng: np.random.Generator, records: int) -> Integers:
    """Draw how many records each person has, until there are exactly `records` in all."""
    per_person = float((np.arange(1, 9) * RECORDS_PER_PERSON).sum())
    counts = 1 + rng.choice(8, size=int(records / per_person * 1.2) + 50, p=RECORDS_PER_PERSON)
    ends = np.cumsum(counts)
    last = int(np.searchsorted(ends, records))
    counts = counts[: last + 1].astype(np.int64)
    counts[-1] -= ends[last] - records
    return counts


def draw_holdings(
    rng: np.random.Generator, population: Population, counts: Integers, *, serials: Integers, months: int, start: int
) -> Holdings:
    """Draw the records of a block; `counts` says how many each person has.

    Args:
        rng: Source of chance.
        population: The persons.
        counts: Records per person.
        serials: Next serial number per brand.
        months: How many monthly deltas follow the full delivery.
        start: Second of the full delivery.
    """
    person = np.repeat(np.arange(len(population)), counts)
    size = len(person)
    home = rng.choice(3, size=len(population), p=BRAND_SHARES)[person]
    brand = np.where(rng.random(size) < 0.5, home, rng.choice(3, size=size, p=BRAND_SHARES))
    first_of_person = np.zeros(size, dtype=bool)
    first_of_person[np.cumsum(counts) - counts] = True
    appears = np.zeros(size, dtype=np.int64)
    if months:
        late = (rng.random(size) < 0.004 * months) & ~first_of_person
        appears[late] = rng.integers(1, months + 1, int(late.sum()))
    kind = _draw_kinds(rng, population, person)
    created = start - 60 - rng.integers(0, 9 * 365 * DAY, size)
    modified = created + ((start - 60 - created) * rng.random(size) ** 0.5).astype(np.int64)
    spend = np.exp(rng.normal(6.0, 1.0, size)) * population.wealth[person] * 100
    holdings = Holdings(
        person=person,
        brand=brand,
        serial=_number_serials(brand, serials),
        kind=kind,
        email=_draw_emails(rng, kind),
        phone=rng.choice(4, size=size, p=[0.86, 0.06, 0.07, 0.01]),
        mobile=rng.choice(4, size=size, p=[0.15, 0.78, 0.06, 0.01]),
        residence=rng.choice(3, size=size, p=[0.78, 0.10, 0.12]),
        spend=np.where(kind == RECIPIENT, 0, spend).astype(np.int64),
        with_birth=rng.random(size) < 0.45,
        store=np.where(rng.random(size) < 0.3, 0, rng.integers(1, 4, size)),
        style=rng.integers(0, 2**63, size, dtype=np.uint64),
        created=created,
        modified=modified,
        appears=appears,
        erased=np.full(size, -1, dtype=np.int64),
        versions=np.zeros(size, dtype=np.int64),
    )
    holdings.mobile[kind == TEST] = PHONE["none"]
    holdings.phone[kind == TEST] = PHONE["none"]
    return holdings


def _draw_kinds(rng: np.random.Generator, population: Population, person: Integers) -> Integers:
    chance = rng.random(len(person))
    kind = np.where(population.only_recipient[person], RECIPIENT, CUSTOMER)
    kind[(kind == CUSTOMER) & (chance < 0.01)] = RECIPIENT
    kind[(kind == CUSTOMER) & (chance > 0.994)] = EMPLOYEE
    kind[(chance > 0.5) & (chance < 0.5008)] = TEST
    return kind


def _draw_emails(rng: np.random.Generator, kind: Integers) -> Integers:
    size = len(kind)
    email = rng.choice(5, size=size, p=[0.06, 0.86, 0.06, 0.015, 0.005])
    email[(kind == RECIPIENT) & (rng.random(size) < 0.4)] = EMAIL["none"]
    return email


def _number_serials(brand: Integers, serials: Integers) -> Integers:
    numbered = np.zeros(len(brand), dtype=np.int64)
    for number in range(3):
        here = np.flatnonzero(brand == number)
        numbered[here] = serials[number] + np.arange(len(here))
    return numbered


def change_month(
    rng: np.random.Generator, holdings: Holdings, *, month: int, begin: int, end: int
) -> tuple[Integers, Integers]:
    """Move the records on by one month, in place.

    Args:
        rng: Source of chance.
        holdings: The records; `modified`, `erased` and the contents of those concerned are changed.
        month: Number of the month, from 1.
        begin: First second of the month.
        end: First second after it.

    Returns:
        Rows that are new or changed, and rows that are erased; both in order of time, no row in both.
    """
    size = len(holdings)
    chance = rng.random(size)
    there = (holdings.erased < 0) & (holdings.appears < month)
    new = holdings.appears == month
    erased = np.flatnonzero(there & (chance < 0.003))
    changed = np.flatnonzero(there & (chance >= 0.003) & (chance < 0.033))
    when = rng.integers(begin, end, size)
    _change(rng, holdings, changed)
    holdings.created[new] = when[new]
    written = np.concatenate([np.flatnonzero(new), changed])
    holdings.modified[written] = when[written]
    holdings.modified[erased] = when[erased]
    holdings.erased[erased] = when[erased]
    holdings.versions[written] += 1
    return written[np.argsort(when[written], kind="stable")], erased[np.argsort(when[erased], kind="stable")]


def _change(rng: np.random.Generator, holdings: Holdings, rows: Integers) -> None:
    what = rng.choice(4, size=len(rows), p=[0.15, 0.15, 0.15, 0.55])
    # Another mailbox or number: from the first to the second, from anything else to the first.
    moved = rows[what == 0]
    holdings.email[moved] = np.where(holdings.email[moved] == EMAIL["first"], EMAIL["second"], EMAIL["first"])
    moved = rows[what == 1]
    holdings.mobile[moved] = np.where(holdings.mobile[moved] == PHONE["first"], PHONE["second"], PHONE["first"])
    moved = rows[what == 2]
    holdings.residence[moved] = np.where(holdings.residence[moved] == 0, 1, 0)
    bought = rows[what == 3]
    holdings.spend[bought] += (np.exp(rng.normal(5.5, 1.0, len(bought))) * 100).astype(np.int64)
