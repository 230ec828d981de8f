"""Opened versions and sealed facets as claims ask for them: a brand's own fields under known names, no canaries."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from pyroaring import BitMap

from cloakroom.adapters.claims.address_digests import address_digests
from cloakroom.adapters.claims.store_facets import StoreFacets, telephone_regions
from cloakroom.adapters.claims.version_frames import OpenedVersion, VersionFrames, phone_region
from cloakroom.flows.store.configuration import Configuration
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.fields import WELL_KNOWN_FIELDS, FieldDefinition, FieldKind
from cloakroom.vault.group import parse_group
from cloakroom.vault.mapping_file import parse_mapping
from cloakroom.vocabulary import FieldClass

GROUP = parse_group(
    'group = "G"\n[[controllers]]\nid = "c"\nname = "C"\ncountry = "FR"\n'
    '[[brands]]\nid = "a"\ncontroller = "c"\nmapping = "a.toml"\n'
    '[[brands]]\nid = "b"\ncontroller = "c"\nmapping = "b.toml"\n'
    '[[stores]]\nbrand = "a"\ncode = "S1"\ncountry = "GB"\n[[stores]]\nbrand = "b"\ncode = "S1"\ncountry = "IT"\n'
    '[[stores]]\nbrand = "b"\ncode = "WEB"\n',
    "group.toml",
)
MAPPINGS = {
    "a": parse_mapping(
        'brand = "a"\n[record]\nid = "id"\n[columns]\nl = "country"\ns = "store"\n[defaults]\ncountry = "DE"\n',
        "a.toml",
    ),
    "b": parse_mapping(
        'brand = "b"\nphone_country = ["store"]\n[record]\nid = "id"\n[columns]\nl = "country"\ns = "store"\n',
        "b.toml",
    ),
}


def configuration() -> Configuration:
    return Configuration(GROUP, MAPPINGS, {}, policy=None, service=None, texts={})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("brand", "texts", "country"),
    [
        ("a", {"country": "FR", "store": "S1"}, "FR"), ("a", {"store": "S1"}, "GB"), ("a", {"store": "S9"}, "DE"),
        ("a", {}, "DE"), ("b", {"country": "FR", "store": "S1"}, "IT"), ("b", {"country": "FR"}, None),
        ("b", {"store": "WEB"}, None), ("b", {}, None), ("unknown", {"country": "FR"}, None),
    ],
)  # fmt: skip
def test_the_country_of_national_numbers_is_that_of_the_brands_mapping(brand, texts, country):
    assert phone_region(configuration(), brand, texts) == country


def own(name: str, kind: FieldKind, element: str = "other") -> FieldDefinition:
    return FieldDefinition(name, kind, FieldClass.CONTACT, None, element)


OWN = [
    own("work_phone", FieldKind.PHONE, "phone"), own("home_phone", FieldKind.PHONE, "phone"),
    own("car_phone", FieldKind.PHONE, "phone"), own("work_email", FieldKind.EMAIL, "email"),
    own("middle_name", FieldKind.TEXT, "name"), own("birth_name", FieldKind.TEXT, "name"),
    own("hobby", FieldKind.TEXT), own("nickname", FieldKind.IDENTIFIER, "name"),
]  # fmt: skip


def frames(*more: FieldDefinition) -> VersionFrames:
    known = [WELL_KNOWN_FIELDS[name] for name in ("email", "phone", "given_name", "city")]
    definitions = {item.name: item for item in (*known, *more)}
    numbers = {name: number for number, name in enumerate(definitions, start=1)}
    return VersionFrames(Catalogue({"a": 1, "b": 2}, numbers, {}, definitions), configuration())


def test_fields_to_open_are_those_that_the_store_has_and_the_brands_own_contacts_and_names():
    assert frames().fields_to_open(["email", "street", "city", "email"]) == ["email", "city"]
    # Two numbers and one address in the order of their names, as many as matching has places for; every name.
    assert frames(*OWN).fields_to_open(["city"]) == [
        "city", "car_phone", "home_phone", "work_email", "birth_name", "middle_name",
    ]  # fmt: skip


def test_a_version_is_a_row_and_what_it_lacks_is_none():
    made = frames()
    fields = made.fields_to_open(["email", "city"])
    frame = made.frame(
        [
            OpenedVersion(7, 1, 10, 20, {"email": "ada@example.org", "city": ""}),
            OpenedVersion(7, 2, 20, None, {"city": "Rome", "given_name": "not asked for"}),
        ],
        fields,
    )
    assert frame.to_dicts() == [
        {
            "ordinal": 7,
            "valid_from": 10,
            "valid_to": 20,
            "phone_region": "DE",
            "email": "ada@example.org",
            "city": "",
        },
        {"ordinal": 7, "valid_from": 20, "valid_to": None, "phone_region": None, "email": None, "city": "Rome"},
    ]


def test_no_versions_give_a_frame_of_the_same_columns():
    made = frames(*OWN)
    fields = made.fields_to_open(["email"])
    empty, full = made.frame([], fields), made.frame([OpenedVersion(1, 1, 0, None, {})], fields)
    assert empty.schema == full.schema
    assert (len(empty), len(full)) == (0, 1)


def test_fields_of_a_brands_own_stand_under_the_names_that_matching_knows():
    made = frames(*OWN)
    texts = {
        "car_phone": "1", "home_phone": "2", "work_email": "x@example.org", "birth_name": "Lovelace",
        "email": "a@example.org",
    }  # fmt: skip
    (row,) = made.frame([OpenedVersion(1, 1, 0, None, texts)], made.fields_to_open(["email"])).to_dicts()
    assert row == {
        "ordinal": 1, "valid_from": 0, "valid_to": None, "phone_region": "DE", "email": "a@example.org",
        "phone_3": "1", "phone_4": "2", "email_2": "x@example.org", "name_more": "Lovelace ",
    }  # fmt: skip


def test_an_opened_version_does_not_print_its_values():
    assert "ada" not in repr(OpenedVersion(1, 1, 0, None, {"email": "ada@example.org"}))


@dataclass
class HeldFacets:
    """Facets as a store holds them, by brand and name."""

    held: dict[tuple[int, str], dict[str, BitMap]] = field(default_factory=dict)

    def values_of(self, brand: int, name: str) -> dict[str, BitMap]:
        return self.held.get((brand, name), {})


def facets(**names: dict[int, dict[str, set[int]]]) -> StoreFacets:
    held = {
        (brand, name): {value: BitMap(records) for value, records in values.items()}
        for name, brands in names.items()
        for brand, values in brands.items()
    }
    return StoreFacets(Catalogue({"b": 2, "a": 1}, {}, {}, {}), HeldFacets(held))  # type: ignore[arg-type]


def test_records_of_a_brand_are_all_but_the_canaries_of_any_brand():
    found = facets(
        record={1: {"all": {1, 2, 3}}, 2: {"all": {4, 5, 6}}},
        canary={1: {"release-1": {3}, "population": {2}}, 2: {"release-1": {6}}},
    )
    assert found.brand_records() == {"a": BitMap([1]), "b": BitMap([4, 5])}
    assert list(found.brand_records()) == ["a", "b"]
    assert found.canaries() == {"release-1": BitMap([3, 6]), "population": BitMap([2])}
    assert facets().brand_records() == {"a": BitMap(), "b": BitMap()}


def test_countries_are_counted_over_all_brands_most_first_and_none_that_is_empty():
    found = facets(country={1: {"FR": {1, 2}, "DE": {3}, "IT": {9}}, 2: {"DE": {4}, "AT": {5, 6}}})
    counts = found.by_country(BitMap([1, 2, 3, 4, 5, 6]))
    assert list(counts.items()) == [("AT", 2), ("DE", 2), ("FR", 2)]
    assert list(found.by_country(BitMap([1, 3, 4])).items()) == [("DE", 2), ("FR", 1)]
    assert found.by_country(BitMap()) == {}


def test_asking_changes_nothing_that_the_store_holds():
    found = facets(country={1: {"DE": {3}}, 2: {"DE": {4}}}, canary={1: {"": {1}}, 2: {"": {2}}})
    for _ in range(2):
        assert found.by_country(BitMap(range(10))) == {"DE": 2}
        assert found.canaries() == {"": BitMap([1, 2])}


def test_telephone_regions_are_those_of_mappings_and_shops_and_then_of_most_customers():
    most = {"US": 9, "GB": 8, "FR": 7}
    assert telephone_regions(configuration(), most) == ["DE", "GB", "IT", "US", "FR"]
    many = {f"{first}{second}": 1 for first in "QX" for second in "ABCDEFGHIJKLMNOPQRST"}
    assert telephone_regions(configuration(), many)[3:] == list(many)[:30]


def test_digests_of_addresses_are_hmac_sha_256_under_the_groups_key():
    """RFC 4231, test case 1; the second text differs by one letter and so in everything."""
    digest = address_digests(b"\x0b" * 20)
    first, second = digest(["Hi There", "Hi there"])
    assert first.hex() == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    assert second != first
    assert digest([]) == []
