"""A customer who moves leaves the old facets and is in the new ones, once: for affected sets, releases and facts."""

from __future__ import annotations

import tomllib

import pytest
from pyroaring import BitMap
from release_world import DOMAIN, approved, enrol_everybody, release_entries

from cloakroom.clock import FixedClock
from cloakroom.gate.policy import PrincipalKind
from cloakroom.use_cases.incident.affected import affected_by
from cloakroom.use_cases.incident.facts_file import facts_of
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.records.erasing import erase
from cloakroom.use_cases.records.importing import import_file
from cloakroom.use_cases.records.writing import RecordWrite, write_record
from cloakroom.use_cases.releases import running
from cloakroom.vault.facets import ERASED, RECORD
from spine_world import NOON, open_records, search, staff, tokens_of
from tarsenne_deliveries import BRAND, deliver, gone, ordinal_of, row

NUMBER = 90_000_001
FIELDS = {
    "given_name": "Ada",
    "family_name": "Riva",
    "email": "ada.riva@example.com",
    "birth_date": "2010-05-17",
    "kind": "customer",
}
IN_ITALY = {"country": "IT", "language": "it", "store": "TAR-IT-01", "spend_total": "100"}
IN_BAVARIA = {"country": "DE", "region": "BY", "language": "de", "store": "TAR-DE-01", "spend_total": "12000"}
COLUMNS = {
    "given_name": "first_name",
    "family_name": "last_name",
    "region": "state",
    "spend_total": "total_spend",
}


def delivered(day, place, number=NUMBER):
    return row(number, day, **{COLUMNS.get(name, name): value for name, value in (FIELDS | place).items()})


@pytest.fixture
def application(store):
    opened = store.open(clock=FixedClock(NOON), clock_tolerance=None)
    yield opened
    opened.close()


@pytest.fixture
def shop(application):
    path = principals.enrol(application, "shop", kind=PrincipalKind.APPLICATION, roles=frozenset({"web_shop"}))
    return principals.authenticate(application.records, path, at=application.now())


@pytest.fixture
def bring(application, tmp_path):
    """Import a delivery of these rows, and return the ordinal of the customer."""
    names = iter(range(100))

    def do(*rows):
        import_file(application, deliver(tmp_path / f"{next(names)}.csv", *rows), BRAND)
        return ordinal_of(application, NUMBER)

    return do


def facets_of(application, ordinal):
    """Return every facet that a record is in, with the values of each name; the brand's other facets do not count."""
    found = {}
    for (name, value), members in application.facets.load(application.catalogue.brand(BRAND)).items():
        if ordinal in members:
            found.setdefault(name, []).append(value)
    return found


def expected(place):
    band = {"100": "EUR <500", "12000": "EUR 10000-50000"}[place["spend_total"]]
    facets = {
        "record": ["all"],
        "country": [place["country"]],
        "language": [place["language"]],
        "kind": ["customer"],
        "store": [place["store"]],
        "spend_band": [band],
        "adult_on": ["2028-05-17"],
    }
    return facets | ({"region": [f"{place['country']}-{place['region']}"]} if "region" in place else {})


def assert_is_where(application, ordinal, place):
    """Check the facets as they wait to be folded in, and folded."""
    assert facets_of(application, ordinal) == expected(place)
    application.facets.fold_changes(application.catalogue.brand(BRAND))
    assert facets_of(application, ordinal) == expected(place)


def write(application, shop, day, place, *, deleted=False):
    fields = {} if deleted else FIELDS | place
    name = f"{NUMBER:08d}"
    return write_record(
        application,
        shop,
        RecordWrite(BRAND, f"T{name}", fields, f"{day}T00:00:00Z", deleted),
        purpose="order_confirmation",
        key=f"key-{day}",
        request=day.encode(),
    )


def test_by_a_delivery(application, bring):
    ordinal = bring(delivered("2025-03-01", IN_ITALY))
    assert_is_where(application, ordinal, IN_ITALY)
    assert bring(delivered("2025-03-02", IN_BAVARIA)) == ordinal
    assert_is_where(application, ordinal, IN_BAVARIA)


def test_by_one_delivery_that_holds_the_moves_one_after_the_other(application, bring):
    moves = [IN_ITALY, IN_BAVARIA, IN_ITALY, IN_BAVARIA]
    ordinal = bring(*[delivered(f"2025-03-0{day}", place) for day, place in enumerate(moves, 1)])
    assert_is_where(application, ordinal, IN_BAVARIA)


def test_with_a_newcomer_to_the_same_place_in_the_same_batch(application, bring):
    bring(delivered("2025-03-01", IN_ITALY))
    ordinal = bring(delivered("2025-03-02", IN_BAVARIA), delivered("2025-03-02", IN_BAVARIA, NUMBER + 1))
    assert_is_where(application, ordinal, IN_BAVARIA)
    assert_is_where(application, ordinal_of(application, NUMBER + 1), IN_BAVARIA)


def test_by_a_write_through_the_service_and_back_by_a_delivery(application, bring, shop):
    ordinal = bring(delivered("2025-03-01", IN_ITALY))
    write(application, shop, "2025-03-02", IN_BAVARIA)
    assert_is_where(application, ordinal, IN_BAVARIA)
    assert bring(delivered("2025-03-03", IN_ITALY)) == ordinal
    assert_is_where(application, ordinal, IN_ITALY)


def test_an_older_delivery_that_arrives_late_moves_nobody(application, bring):
    ordinal = bring(delivered("2025-03-05", IN_BAVARIA))
    bring(delivered("2025-03-01", IN_ITALY))
    assert_is_where(application, ordinal, IN_BAVARIA)
    bring(gone(NUMBER, "2025-03-02"))
    assert_is_where(application, ordinal, IN_BAVARIA)


def test_a_customer_without_a_country_any_more_is_in_none(application, bring):
    ordinal = bring(delivered("2025-03-01", IN_BAVARIA))
    nowhere = dict.fromkeys(("country", "region", "store", "language", "spend_total"), "")
    bring(delivered("2025-03-02", nowhere))
    found = facets_of(application, ordinal)
    assert found.keys() - {"kind", "adult_on", "record"} == set()


def test_a_deleted_one_keeps_the_facets_by_which_openings_are_counted_and_moves_when_made_anew(
    application, bring, shop
):
    ordinal = bring(delivered("2025-03-01", IN_ITALY))
    bring(gone(NUMBER, "2025-03-02"))
    assert_is_where(application, ordinal, IN_ITALY)
    assert bring(delivered("2025-03-03", IN_BAVARIA)) == ordinal
    assert_is_where(application, ordinal, IN_BAVARIA)
    write(application, shop, "2025-03-04", {}, deleted=True)
    assert_is_where(application, ordinal, IN_BAVARIA)
    write(application, shop, "2025-03-05", IN_ITALY)
    assert_is_where(application, ordinal, IN_ITALY)


def test_an_erased_one_is_nowhere_and_a_later_delivery_makes_somebody_else(application, bring):
    ordinal = bring(delivered("2025-03-01", IN_ITALY))
    privacy = staff(application, "privacy", "privacy_officer")
    (token,) = tokens_of(application, privacy, [ordinal])
    erase(application, [token], privacy, purpose="access_request", reference="DSAR-1")
    assert facets_of(application, ordinal) == {RECORD: ["all"], ERASED: ["all"]}
    other = bring(delivered("2025-03-02", IN_BAVARIA))
    assert other not in {None, ordinal}
    assert_is_where(application, other, IN_BAVARIA)
    assert facets_of(application, ordinal) == {RECORD: ["all"], ERASED: ["all"]}


def test_no_place_is_counted_twice_whatever_moved(application, bring):
    """Each facet of which a record has one value holds each record once, over the whole brand."""
    for day, place in enumerate([IN_ITALY, IN_BAVARIA] * 2, 1):
        bring(*[delivered(f"2025-03-0{day}", place, NUMBER + at) for at in range(5)])
    facets = application.facets.load(application.catalogue.brand(BRAND))
    for name in ("country", "language", "kind", "store", "spend_band", "adult_on", "region"):
        sets = [members for (found, _), members in facets.items() if found == name]
        assert sum(map(len, sets)) == len(BitMap.union(*sets)), name


def test_a_customer_is_found_by_the_address_of_now_alone_and_again_by_one_that_came_back(application, bring):
    anna, neighbour = staff(application), NUMBER + 1

    def found(email):
        return len(search(application, anna, [BRAND], email).tokens[BRAND])

    old, new = {"email": "family@example.com"}, {"email": "own@example.com"}
    bring(delivered("2025-03-01", IN_ITALY | old), delivered("2025-03-01", IN_ITALY | old, neighbour))
    assert found("family@example.com") == 2
    bring(delivered("2025-03-02", IN_ITALY | new))
    assert (found("family@example.com"), found("own@example.com")) == (1, 1)
    bring(delivered("2025-03-03", IN_ITALY | old))
    assert (found("family@example.com"), found("own@example.com")) == (2, 0)


@pytest.fixture
def moved(application, bring):
    """A customer opened by Anna in Italy, who has moved to Bavaria since."""
    ordinal = bring(delivered("2025-03-01", IN_ITALY))
    anna = staff(application)
    answer = open_records(application, anna, tokens_of(application, anna, [ordinal]))
    assert answer.admission.permitted
    bring(delivered("2025-03-02", IN_BAVARIA))
    return ordinal


def test_an_affected_set_counts_where_the_customer_lives_now(application, moved):
    found = affected_by(application, lineage="anna").report
    assert found.records == BitMap([moved])
    splits = {name: dict(found.splits[name]) for name in ("country", "language", "store", "spend_band", "region")}
    assert splits == {
        "country": {"DE": 1},
        "language": {"de": 1},
        "store": {"TAR-DE-01": 1},
        "spend_band": {"EUR 10000-50000": 1},
        "region": {"DE-BY": 1},
    }
    assert found.minors == 1


def test_the_facts_name_the_new_residence_alone(application, moved):
    del moved
    found = affected_by(application, lineage="anna")
    facts = tomllib.loads(
        facts_of(application.catalogue, application.configuration, found, aware_at=application.now())
    )
    assert [(group["country"], group["subdivision"], group["persons"]) for group in facts["affected"]] == [
        ("DE", "BY", 1)
    ]


def test_a_release_goes_to_whoever_lives_there_now(application, moved, tmp_path):
    who = enrol_everybody(application)
    for country, is_in in (("IT", False), ("DE", True)):
        name = approved(application, who, facets={"country": country})
        done = running.run_release(
            application, who["marketing"], name, tmp_path / f"{country}.age", canary_domain=DOMAIN
        )
        _, members = release_entries(application, "run")[-1]
        assert (moved in members) == is_in
        assert done.records == len(members)


def test_a_release_goes_to_nobody_whom_the_brand_has_deleted(application, moved, bring, tmp_path):
    bring(gone(NUMBER, "2025-03-04"))
    who = enrol_everybody(application)
    name = approved(application, who, facets={"country": "DE"})
    running.run_release(application, who["marketing"], name, tmp_path / "DE.age", canary_domain=DOMAIN)
    _, members = release_entries(application, "run")[-1]
    assert moved not in members
