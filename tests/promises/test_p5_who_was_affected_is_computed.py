"""P5: who was affected is computed: exact from our own ledger, an interval that holds the truth from other evidence.

A theft is played on a synthetic group whose truth is known. What the thief really took is never shown to the code
under test; it gets what each kind of evidence would show.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from pyroaring import BitMap, FrozenBitMap

from cloakroom.canonical.email import canonical_email
from cloakroom.canonical.name import PersonName
from cloakroom.canonical.phone import canonical_phone
from cloakroom.disclosures.disclosure import Coverage, Credential, Disclosure, Evidence, Fields, Place, Timespan
from cloakroom.disclosures.vocabulary import Certainty, Channel, CoverageStatus, FieldBasis, Selector, Stage
from cloakroom.scoping.affected import UNKNOWN, Statement, cross, split, split_by_fields, unite
from cloakroom.scoping.counts import count_four
from cloakroom.scoping.link_keys import link_texts
from cloakroom.scoping.persons import KeyColumns, link_persons
from cloakroom.testing.group import GroupPlan, write_group

NOON = datetime(2025, 4, 17, 11, 15, tzinfo=UTC)
NAMES = Fields(frozenset({"given_name", "family_name", "email"}))
EVERYTHING = Fields(frozenset({"given_name", "family_name", "email", "spend_total"}), FieldBasis.STAR_OF_SCHEMA)


def told(records, certainty, *, fields=NAMES, status=CoverageStatus.COMPLETE, **changes):
    listed = None if records is None else FrozenBitMap(records)
    size = 0 if listed is None else len(listed)
    values = {
        "incident": "case-1",
        "who": Credential("user", (("principal", "stolen.associate"),)),
        "when": Timespan(NOON, NOON),
        "where": Place("crm", Channel.API),
        "stage": Stage.DELIVERED,
        "selector": Selector.IDS,
        "records": listed,
        "fields": fields,
        "certainty": certainty,
        "lower": size if certainty is Certainty.PROVEN else 0,
        "upper": size,
        "evidence": (Evidence("ab" * 32, "line 7", "invented@1"),),
        "coverage": Coverage("crm", status, NOON, NOON),
    }
    return Disclosure(**{**values, **changes})


class Store:
    """The synthetic group as a store would hold it: ordinals, facets, link keys, names; apart from it, the truth."""

    def __init__(self, folder):
        world = write_group(folder, GroupPlan(records=12_000, months=2, seed=5))
        with (folder / "truth" / "records.csv").open(encoding="utf-8", newline="") as file:
            truth = list(csv.DictReader(file))
        self.ordinals = {(row["brand"], row["record_id"]): place for place, row in enumerate(truth)}
        self.person = [row["person"] for row in truth]
        self.tests = BitMap([place for place, row in enumerate(truth) if not row["person"]])
        self.erased = BitMap([place for place, row in enumerate(truth) if row["erased_at"]])
        self.all = BitMap(range(len(truth)))
        live = [(place, row) for place, row in enumerate(truth) if not row["erased_at"]]
        self.brands = facet((row["brand"], place) for place, row in enumerate(truth))
        self.countries = facet((row["country"], place) for place, row in live)
        self.names, self.keys = {}, ([], [], [])
        for brand, files in world.files.items():
            for name in files:
                for row in rows(folder / name):
                    self._take(brand, row)
        ordinals, kinds, digests = self.keys
        columns = KeyColumns(np.array(ordinals, np.uint32), np.array(kinds, np.uint8), b"".join(digests))
        self.persons = link_persons(
            columns, records=len(truth), names_of=lambda asked: [self.names.get(record) for record in asked]
        )

    def _take(self, brand, row):
        ordinal = self.ordinals[brand, row["id"]]
        self.names[ordinal] = PersonName(row["given"], row["family"])
        address = canonical_email(row["email"])
        numbers = [found for phone in row["phones"] if (found := canonical_phone(phone, row["country"]))]
        for kind, text in link_texts(
            emails=[address] if address else [],
            phones=numbers,
            name=f"{row['given'] or ''} {row['family'] or ''}",
            birth_date=row["born"] or "",
            country=row["country"] or "",
            postcode=row["postcode"] or "",
            street=row["street"] or "",
        ):
            for column, value in zip(self.keys, (ordinal, kind, digest(kind, text)), strict=True):
                column.append(value)

    def true_persons(self, records):
        return len({self.person[record] for record in records if self.person[record]})


def digest(kind, text):
    return hashlib.sha256(f"{int(kind)}|{text}".encode()).digest()[:16]


def facet(pairs):
    members = {}
    for value, place in pairs:
        members.setdefault(value, []).append(place)
    return {value: BitMap(places) for value, places in members.items()}


def rows(path):
    data = path.read_bytes()
    if path.suffix == ".gz":
        for line in gzip.decompress(data).splitlines():
            row = json.loads(line)
            if not row["deleted"]:
                yield {
                    **row["person"],
                    **row["contact"],
                    **row["address"],
                    "id": row["id"],
                    "given": row["person"]["first"],
                    "family": row["person"]["last"],
                    "postcode": row["address"]["zip"],
                }
        return
    french = path.parent.name == "ombrelune"
    text = io.StringIO(data.decode("cp1252" if french else "utf-8"), newline="")
    for row in csv.DictReader(text, delimiter=";" if french else ","):
        if french and row["Effacé"] == "non":
            yield {
                "id": row["N° client"],
                "given": row["Prénom"],
                "family": row["Nom de famille"],
                "email": row["Adresse e-mail"],
                "phones": [row["Téléphone"]],
                "country": row["Pays"],
                "born": "-".join(reversed(row["Né(e) le"].split("/"))),
                "street": row["Rue"],
                "postcode": row["CP"],
            }
        elif not french and row["deleted"] == "false":
            yield {
                "id": row["customer_id"],
                "given": row["first_name"],
                "family": row["last_name"],
                "email": row["email"],
                "phones": [row["mobile"], row["phone"]],
                "country": row["country"],
                "born": row["birth_date"],
                "street": row["street"],
                "postcode": row["postcode"],
            }


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("group"))


def test_from_our_own_ledger_the_affected_set_is_exact(store):
    rng = np.random.default_rng(3)
    pages = [BitMap(rng.choice(12_000, 20, replace=False).tolist()) for _ in range(60)]
    taken = BitMap.union(*pages)
    whole = unite([told(page, Certainty.PROVEN) for page in pages], channels_covered=True)
    assert whole.proven == taken
    assert whole.at_least == whole.at_most == whole.at_most_with_possible == len(taken)
    assert whole.open_reasons == ()
    untouched = next(iter(store.all - taken))
    assert whole.statement(untouched) is Statement.NOT_AFFECTED


@pytest.mark.parametrize("seed", range(8))
def test_from_foreign_evidence_the_interval_holds_the_truth_and_says_why_it_is_not_narrower(store, seed):
    """A thief filters by country, aborts at some row, fetches a few records by id, and could have read one brand."""
    rng = np.random.default_rng(seed)
    country, brand = rng.choice(list(store.countries)), rng.choice(list(store.brands))
    result = store.countries[country] & store.brands[brand]
    fetched = BitMap(rng.choice(sorted(result), min(len(result), int(rng.integers(1, 200))), replace=False).tolist())
    opened = BitMap(rng.choice(12_000, 30, replace=False).tolist())
    beyond = BitMap(rng.choice(sorted(store.brands[brand]), 5, replace=False).tolist())
    taken = fetched | opened | beyond
    evidence = [
        told(opened, Certainty.PROVEN),
        told(
            result,
            Certainty.BOUNDED,
            fields=EVERYTHING,
            selector=Selector.QUERY,
            lower=len(fetched),
            upper=len(fetched),
            reasons=("no_ids",),
            over=("abort",),
        ),
        told(
            store.brands[brand],
            Certainty.POSSIBLE,
            selector=Selector.REACH,
            status=CoverageStatus.PARTIAL,
            reasons=("session_valid",),
        ),
    ]
    whole = unite(evidence)
    assert whole.at_least <= len(taken) <= whole.at_most_with_possible
    assert whole.at_least <= len(fetched | opened) <= whole.at_most
    assert whole.proven <= taken <= whole.everything
    assert set(whole.open_reasons) == {"no_ids", "abort", "session_valid"}
    assert whole.statement(next(iter(store.all - whole.everything))) is Statement.NO_STATEMENT
    if not opened <= store.brands[brand]:
        assert whole.flags == ("reach_model_wrong",)


def test_every_split_adds_up_and_erased_people_stay_countable(store):
    rng = np.random.default_rng(11)
    taken = BitMap(rng.choice(12_000, 5_000, replace=False).tolist())
    half = BitMap(list(taken)[:2_500])
    whole = unite([told(taken, Certainty.PROVEN), told(half, Certainty.PROVEN, fields=EVERYTHING)])
    countries = split(whole.affected, store.countries, erased=store.erased)
    assert sum(countries.values()) == len(taken)
    assert countries["erased"] == len(taken & store.erased) > 0
    assert UNKNOWN not in countries
    assert split(whole.affected, store.brands) == {
        brand: len(taken & members) for brand, members in store.brands.items()
    }
    assert sum(cross(whole.affected, store.brands, store.countries).values()) == len(taken)
    assert split_by_fields(whole) == {NAMES.names: 2_500, EVERYTHING.names: 2_500}


@pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
def test_persons_are_an_interval_that_holds_their_true_number_and_is_tight(store, share):
    rng = np.random.default_rng(int(share * 100))
    taken = BitMap(rng.choice(12_000, int(12_000 * share), replace=False).tolist())
    counted = store.persons.count(taken - store.tests)
    true = store.true_persons(taken)
    assert counted.lower <= true <= counted.upper
    # People of this group use two addresses and leave values out more often than most: hence the width.
    assert counted.upper - counted.lower < 0.12 * true
    assert abs(counted.best - true) < 0.02 * true


def test_rows_addresses_records_and_persons_stand_side_by_side(store):
    taken = store.brands["tarsenne"]
    whole = unite([told(taken, Certainty.PROVEN)])
    four = count_four(whole, store.persons, not_people=store.tests, rows=9_999, emails=4_321)
    assert (four.rows, four.emails) == (9_999, 4_321)
    assert four.records_lower == four.records_upper == len(taken)
    assert four.persons_lower <= store.true_persons(taken) <= four.persons_upper < len(taken)
    assert four.not_people == len(taken & store.tests) > 0
    assert four.persons_upper == store.persons.count(taken - store.tests).upper
    assert "e-mail address or telephone number" in four.persons_method


def test_records_known_only_by_number_widen_the_persons_too(store):
    whole = unite(
        [
            told([1, 2, 3], Certainty.PROVEN),
            told(None, Certainty.BOUNDED, selector=Selector.COUNT, lower=10, upper=50, reasons=("count_only",)),
        ]
    )
    four = count_four(whole, store.persons)
    assert (four.records_lower, four.records_upper) == (10, 53)
    assert four.persons_upper >= 50
