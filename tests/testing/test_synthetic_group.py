"""The synthetic group: the same seed gives the same bytes, the truth agrees with the files, nobody in it is real."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import phonenumbers
import pytest

from cloakroom.adapters.configuration_folder import read_folder
from cloakroom.canonical.email import canonical_email
from cloakroom.errors import UsageError
from cloakroom.flows.store.configuration import read_configuration
from cloakroom.testing.bench_customers import write_bench_customers
from cloakroom.testing.dialects import BRANDS
from cloakroom.testing.group import GroupPlan, copy_configuration, write_group
from cloakroom.vault.payment_data import find_payment_data

RECORDS = 6_000


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    folder = tmp_path_factory.mktemp("group")
    world = write_group(folder, GroupPlan(records=RECORDS))
    return folder, world


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows_of(folder: Path, name: str) -> list[dict]:
    data = (folder / name).read_bytes()
    if name.endswith(".gz"):
        return [json.loads(line) for line in gzip.decompress(data).splitlines()]
    french = name.startswith("ombrelune")
    text = data.decode("cp1252" if french else "utf-8")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if french else ","))


def flat(row: dict) -> dict:
    """One naming for the three dialects."""
    if "person" in row:
        phones = (row["contact"] or {}).get("phones") or []
        return {
            "id": row["id"],
            "email": (row["contact"] or {}).get("email"),
            "phones": phones,
            "country": (row["address"] or {}).get("country"),
            "kind": (row["profile"] or {}).get("kind"),
            "deleted": row["deleted"],
            "modified": row["changed"],
        }
    if "N° client" in row:
        return {
            "id": row["N° client"],
            "email": row["Adresse e-mail"] or None,
            "phones": [row["Téléphone"]] if row["Téléphone"] else [],
            "country": row["Pays"] or None,
            "kind": row["Catégorie"],
            "deleted": row["Effacé"] == "oui",
            "modified": row["Modifié le"],
        }
    return {
        "id": row["customer_id"],
        "email": row["email"] or None,
        "phones": [phone for phone in (row["mobile"], row["phone"]) if phone],
        "country": row["country"] or None,
        "kind": row["kind"],
        "deleted": row["deleted"] == "true",
        "modified": row["updated_at"],
    }


def everything(group):
    folder, world = group
    for brand, names in world.files.items():
        for name in names:
            for row in rows_of(folder, name):
                yield brand, name, flat(row)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(tmp_path):
    plan = GroupPlan(records=800, months=2, seed=7)
    write_group(tmp_path / "one", plan)
    write_group(tmp_path / "two", plan)
    write_group(tmp_path / "three", GroupPlan(records=800, months=2, seed=8))
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert digests(tmp_path / "one") != digests(tmp_path / "three")


def test_the_number_of_records_is_the_one_asked_for_and_agrees_with_the_files(group):
    _folder, world = group
    seen = {}
    versions = erased = 0
    for brand, _, row in everything(group):
        seen.setdefault(brand, set()).add(row["id"])
        versions += not row["deleted"]
        erased += row["deleted"]
    assert {brand: len(ids) for brand, ids in seen.items()} == dict(world.records)
    assert sum(world.records.values()) == RECORDS
    assert versions == world.versions
    assert erased == sum(world.erased.values()) > 0


def test_the_truth_file_names_every_record_once_with_its_person(group):
    folder, world = group
    with (folder / "truth" / "records.csv").open(encoding="utf-8", newline="") as file:
        truth = list(csv.DictReader(file))
    ids = {(row["brand"], row["record_id"]) for row in truth}
    assert ids == {(brand, row["id"]) for brand, _, row in everything(group)}
    assert len(ids) == len(truth)
    persons = {row["person"] for row in truth if row["person"]}
    assert len(persons) == world.persons
    minors = {row["person"] for row in truth if row["person"] and row["minor"] == "true"}
    assert len(minors) == world.minors > 0
    assert {row["kind"] for row in truth if not row["person"]} == {"test"}


def test_rows_of_a_delta_are_in_order_of_time_and_no_erased_record_comes_back(group):
    gone = set()
    for brand, name, row in everything(group):
        assert (brand, row["id"]) not in gone, name
        if row["deleted"]:
            gone.add((brand, row["id"]))
    folder, world = group
    for name in world.files["tarsenne"][1:]:
        times = [flat(row)["modified"] for row in rows_of(folder, name)]
        assert times == sorted(times)


def test_an_erased_row_shows_nothing_but_its_id_its_time_and_its_flag(group):
    folder, world = group
    for names in world.files.values():
        for name in names[1:]:
            for row in rows_of(folder, name):
                if not flat(row)["deleted"]:
                    continue
                shown = json.loads(json.dumps(row))
                for key in ("id", "customer_id", "N° client", "changed", "updated_at", "Modifié le"):
                    shown.pop(key, None)
                for key in ("deleted", "Effacé"):
                    shown.pop(key, None)
                assert not any(leaves(shown)), name


def leaves(value):
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def test_every_address_is_at_a_reserved_domain(group):
    for _, name, row in everything(group):
        if row["email"] is not None:
            normal = canonical_email(row["email"])
            assert normal is not None, name
            domain = normal.partition("@")[2]
            assert domain in {"example.com", "example.org", "example.net"} or domain.endswith(".example")


def test_every_telephone_number_is_valid_in_the_country_of_its_row_or_in_its_own(group):
    for _, name, row in everything(group):
        for phone in row["phones"]:
            assert phonenumbers.is_valid_number(phonenumbers.parse(phone, row["country"])), name


def test_every_country_of_the_reference_incident_has_customers(group):
    _, world = group
    wanted = "IT FR DE ES GB CH US JP KR CN HK TW AE SA QA BR MX CA AU NZ SG TH MY IN TR ZA NL BE AT PL IE SE IL"
    assert set(wanted.split()) <= set(world.countries)


def test_the_mess_of_real_systems_is_there(group):
    folder, world = group
    rows = [row for _, _, row in everything(group) if not row["deleted"]]
    addresses = [row["email"] for row in rows if row["email"]]
    assert any(address != address.strip() for address in addresses)
    assert any(address.isupper() for address in addresses)
    assert any("+news@" in address for address in addresses)
    assert sum(address == "na@example.com" for address in addresses) > 10
    assert sum(address.startswith("noemail@") for address in addresses) > 30
    assert any(row["email"] is None for row in rows)
    kinds = {row["kind"] for row in rows}
    assert {"customer", "recipient", "employee"} <= kinds
    assert any(
        b"\n" in value.encode() for row in rows_of(folder, world.files["tarsenne"][0]) for value in row.values()
    )


def test_persons_have_several_records_and_are_known_to_several_brands(group):
    folder, world = group
    with (folder / "truth" / "records.csv").open(encoding="utf-8", newline="") as file:
        truth = [row for row in csv.DictReader(file) if row["person"]]
    brands = {}
    for row in truth:
        brands.setdefault(row["person"], []).append(row["brand"])
    assert max(map(len, brands.values())) >= 6
    assert {len(set(held)) for held in brands.values()} == {1, 2, 3}
    assert sum(world.brand_persons.values()) > world.persons


def test_spend_has_a_heavy_tail(group):
    folder, world = group
    spend = sorted(float(row["total_spend"]) for row in rows_of(folder, world.files["tarsenne"][0]))
    assert spend[len(spend) // 2] < 1_500
    assert spend[-1] > 20 * spend[len(spend) // 2]


def test_nothing_looks_like_payment_data(group):
    folder, world = group
    for names in world.files.values():
        for name in names:
            for row in rows_of(folder, name):
                for value in leaves(row):
                    assert find_payment_data(str(value)) is None, name


def test_the_configuration_that_ships_maps_every_column_of_its_files(group, tmp_path):
    folder, world = group
    copy_configuration(tmp_path / "configuration")
    configuration = read_configuration(read_folder(tmp_path / "configuration"))
    assert list(configuration.mappings) == [brand.name for brand in BRANDS]
    for brand, mapping in configuration.mappings.items():
        known = {column.source for column in mapping.columns} | set(mapping.record.sources) | mapping.ignore
        first = rows_of(folder, world.files[brand][0])[0]
        headers = set(first)
        if brand == "hollinwray":
            headers = {
                f"{key}.{part}" if isinstance(value, dict) else key
                for key, value in first.items()
                for part in (value if isinstance(value, dict) else [""])
            }
            headers = {"contact.phones[0]" if header == "contact.phones" else header for header in headers}
        assert headers - known == set()


def test_the_bench_configuration_seals_nine_fields_in_three_classes_with_three_indexes(tmp_path):
    copy_configuration(tmp_path / "configuration", group="bench_group")
    configuration = read_configuration(read_folder(tmp_path / "configuration"))
    fields = configuration.mappings["pellandre"].fields
    assert len(fields) == 9
    assert len({field.field_class for field in fields}) == 3
    assert sum(field.indexed for field in fields) == 3
    write_bench_customers(tmp_path / "customers.csv", records=500)
    with (tmp_path / "customers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 500
    assert all(all(row.values()) for row in rows)
    assert list(rows[0]) == [column.source for column in configuration.mappings["pellandre"].columns]


def test_a_configuration_is_never_written_over_another(tmp_path):
    with pytest.raises(UsageError):
        copy_configuration(tmp_path)
    with pytest.raises(UsageError):
        copy_configuration(tmp_path / "new", group="../secrets")


@pytest.mark.parametrize("records", [0, -1, 10**9])
def test_impossible_sizes_are_refused(tmp_path, records):
    with pytest.raises(UsageError):
        GroupPlan(records=records)
    with pytest.raises(UsageError):
        write_bench_customers(tmp_path / "customers.csv", records=records)


def test_the_smallest_group_is_one_record(tmp_path):
    world = write_group(tmp_path, GroupPlan(records=1, months=0))
    assert sum(world.records.values()) == 1


def test_the_generator_needs_no_test_library():
    modules = "cloakroom.testing.group, cloakroom.testing.bench_customers"
    code = f"import sys; sys.modules['hypothesis'] = None; import {modules}"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_records(tmp_path):
    code = (
        "import resource, sys; from pathlib import Path; from cloakroom.testing.group import *;"
        "write_group(Path(sys.argv[1]), GroupPlan(records=int(sys.argv[2]), months=1));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = []
    for records in (150_000, 600_000):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / str(records)), str(records)],
            check=True,
            capture_output=True,
            text=True,
        )
        peaks.append(int(done.stdout))
    assert peaks[1] < 1.35 * peaks[0]


def test_persons_of_different_blocks_are_different_persons(tmp_path):
    world = write_group(tmp_path, GroupPlan(records=70_000, months=0))
    with (tmp_path / "truth" / "records.csv").open(encoding="utf-8", newline="") as file:
        persons = {row["person"] for row in csv.DictReader(file) if row["person"]}
    assert len(persons) == world.persons
