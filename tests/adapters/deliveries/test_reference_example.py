"""The worked example of the reference pages is read from those pages, and does what they say."""

import json
import re
from pathlib import Path

import pytest

from cloakroom.adapters.deliveries import open_delivery
from cloakroom.flows.store.configuration import read_configuration
from cloakroom.vault.fields import WELL_KNOWN_FIELDS, FieldKind
from cloakroom.vault.mapping_file import parse_mapping
from cloakroom.vocabulary import DATA_ELEMENTS

PAGES = Path(__file__).parents[3] / "docs" / "reference"
MAPPING_PAGE = (PAGES / "brand-mapping.md").read_text(encoding="utf-8")
GROUP_PAGE = (PAGES / "group-configuration.md").read_text(encoding="utf-8")


def blocks(page):
    return re.findall(r"```toml\n(.*?)```", page, re.DOTALL)


@pytest.fixture
def configuration():
    texts = {"group.toml": blocks(GROUP_PAGE)[0], "policy.toml": ""}
    for text in blocks(MAPPING_PAGE):
        name = re.match(r"# (brands/\w+\.toml)\n", text)
        if name:
            texts[name.group(1)] = text
    return read_configuration(texts)


def test_the_bookseller_of_the_page_is_read(configuration, tmp_path):
    header = ["Kunden-Nr.", "Anrede", "Name", "E-Mail", "Telefon", "Straße", "PLZ", "Ort", "Bundesland", "Geburtstag"]
    header += ["Filiale", "Umsatz", "Geändert am", "Gelöscht", "Bearbeiter", "Filialtext"]
    first = ["k-1", "Frau", "Jutta Ährenfeld", "Jutta@Postfächer.example", "030 7654321", '"Am ""Hof"" 1"', "10115"]
    first += ["Berlin", "Bayern", "01.02.1990", "B1", "1.234,50", "31.12.2024 23:30:00", "", "xy", "z"]
    second = ["k-2", "Herr", "k. A.", "", "0171 1234567", "", "", "", "", "unbekannt"]
    second += ["WEB", "12", "01.07.2025 12:00", "", "", ""]
    third = ["k-3", *[""] * 11, "01.07.2025 12:00", "X", "", ""]
    path = tmp_path / "export.txt"
    lines = ["\t".join(row) + "\r\n" for row in (header, first, second, third)]
    path.write_bytes("".join(lines).encode("utf-16"))
    (batch,) = open_delivery(path, configuration.mappings["lindgruen"], configuration.group).batches()
    assert batch.rejected == []
    assert batch.record_ids == ["k-1", "k-2", "k-3"]
    assert batch.deleted == [False, False, True]
    assert batch.modified_at[0] == 1735684200_000000  # 22:30 UTC
    assert batch.columns["gender"] == ["female", "male", None]
    assert batch.columns["name"] == ["Jutta Ährenfeld", None, None]
    assert batch.columns["street"] == ['Am "Hof" 1', None, None]
    assert batch.columns["birth_date"] == ["1990-02-01", "unbekannt", None]
    assert batch.columns["spend_total"] == ["1234.5", "12", None]
    assert batch.columns["loyalty_points"] == [None, None, None]
    assert batch.normal["phone"] == ["+49307654321", "+491711234567", None]
    assert batch.normal["email"] == ["jutta@xn--postfcher-z2a.example", None, None]
    assert batch.normal["customer_number"] == ["k-1", "k-2", None]
    assert batch.facets["region"] == ["DE-BY", None, None]
    assert batch.facets["country"] == ["DE", "DE", None]
    assert batch.facets["kind"] == ["customer", "customer", None]
    assert batch.facets["birth_date"] == ["1990-02-01", None, None]
    assert batch.facets["spend_band"] == ["EUR >=1000", "EUR <250", None]


def test_the_stationer_of_the_page_is_read(configuration, tmp_path):
    item = {
        "key": "p1",
        "changed": 1735689600123,
        "person": {"first": "Ada", "last": "Winter", "born": "1985-05-05"},
        "contact": {"mail": None, "phones": [{"number": "0664 1234567"}, None, {"number": "x"}]},
        "home": {"land": "Österreich", "town": "Wien"},
        "role": "giftee",
        "turnover": {"eur": 10.10},
        "meta": {"source": "till"},
    }
    path = tmp_path / "export"
    path.write_text(json.dumps(item) + "\n", encoding="utf-8")
    (batch,) = open_delivery(path, configuration.mappings["papierhaus"], configuration.group).batches()
    assert batch.rejected == []
    assert batch.modified_at == [1735689600123000]
    assert batch.normal["mobile"] == ["+436641234567"]
    assert batch.facets["country"] == ["AT"]
    assert batch.facets["kind"] == ["recipient"]
    assert batch.columns["spend_total"] == ["10.1"]


def test_the_group_of_the_page_is_what_it_says(configuration):
    group = configuration.group
    assert group.controllers["papierhaus-ag"].eea_main_establishment is None
    assert group.controllers["papierhaus-ag"].representatives[0].country == "AT"
    assert group.brands_of("lindgruen-gmbh") == ("lindgruen", "papierhaus")
    assert group.store_country("lindgruen", "B1") == "DE"
    assert group.store_country("lindgruen", "WEB") is None
    assert group.placeholders.is_placeholder("phone", "+49301234567")
    assert group.placeholders.is_placeholder("email", "noreply@any.example")
    assert not group.placeholders.is_placeholder("email", "anna@any.example")
    assert group.placeholders.is_test_name("muster", "MAX")


def test_the_page_lists_every_field_kind_and_data_element():
    table = MAPPING_PAGE.split("### Fields")[1].split("### Kinds")[0].splitlines()
    for name, field in WELL_KNOWN_FIELDS.items():
        row = next(line for line in table if line.startswith("|") and f"`{name}`" in line.split("|")[1])
        assert field.kind in row
        assert field.field_class in row
        assert ("| yes" in row) is field.indexed
        assert field.data_element in row
    listed = re.search(r"Data elements: (.*?)\.\n\n", MAPPING_PAGE, re.DOTALL).group(1)
    assert set(re.findall(r"\w+", listed)) == DATA_ELEMENTS
    for kind in FieldKind:
        assert f"| `{kind}` |" in MAPPING_PAGE


def test_the_smallest_mapping_of_the_page_loads():
    mapping = parse_mapping(blocks(MAPPING_PAGE)[0], "b.toml")
    assert [field.name for field in mapping.fields] == ["email"]
