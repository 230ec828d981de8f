"""Mappings mean what their page says, and mistakes are found on their line."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.errors import RuleError
from cloakroom.vault.mapping import FileKind, IdStyle, SpendBands, parse_path
from cloakroom.vault.mapping_file import check_group_mappings, parse_mapping
from cloakroom.vocabulary import FieldClass

EXAMPLE = Path(__file__).parents[2] / "examples" / "valmont" / "brands"


def load(brand):
    return parse_mapping((EXAMPLE / f"{brand}.toml").read_text(encoding="utf-8"), f"{brand}.toml")


def test_the_example_says_what_it_shows():
    balmere = load("balmere")
    assert balmere.file_format.encoding == "cp1252"
    assert balmere.file_format.kind is FileKind.CSV
    assert balmere.record.id_style is IdStyle.SALESFORCE
    assert balmere.record.deleted_true == {"oui"}
    assert balmere.record.modified_at_format == "dmy"
    assert balmere.decimal_mark == ","
    assert balmere.column_of("kind").words == {"client": "customer", "destinataire": "recipient"}
    assert balmere.column_of("notes") is None
    assert balmere.spend_bands.field == "spend_total"
    assert balmere.facets == ("country", "region", "language", "kind", "store", "birth_date", "spend_band")


def test_the_brands_of_the_example_agree():
    fields = check_group_mappings([load("auberon"), load("balmere"), load("mcquarrie")])
    assert {"given_name", "family_name", "email", "phone", "country", "spend_total"} <= set(fields)
    assert fields["mobile"].index == "phone"


def test_a_field_may_be_adapted_and_declared():
    mapping = parse_mapping(
        """
brand = "b"
[record]
id = "id"
[columns]
a = { field = "notes", class = "value", index = true, data_element = "communication" }
b = { field = "email", index = false }
c = { field = "work_mail", kind = "email", class = "contact", data_element = "email", index = true }
""",
        "b.toml",
    )
    notes, email, work = mapping.fields
    assert (notes.field_class, notes.index, notes.data_element) == (FieldClass.VALUE, "notes", "communication")
    assert email.index is None
    assert work.index == "email"


@pytest.mark.parametrize(
    ("source", "steps"),
    [
        ("a", ("a",)),
        ("name.given", ("name", "given")),
        ("phones[0]", ("phones", 0)),
        ("a[1].b[2][3]", ("a", 1, "b", 2, 3)),
        ('["a.b"].c', ("a.b", "c")),
        ("Straße und Nr", ("Straße und Nr",)),
    ],
)
def test_a_path_has_steps(source, steps):
    assert parse_path(source) == steps


@pytest.mark.parametrize("source", ["", "[0]", "a[", "a..b", "a[x]", "]", '["'])
def test_what_is_no_path_is_refused(source):
    with pytest.raises(ValueError):
        parse_path(source)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6, unique=True), st.decimals(-10, 10**6 + 10, places=2))
def test_an_amount_lies_in_exactly_its_band(thresholds, amount):
    bands = SpendBands("spend_total", "EUR", tuple(Decimal(value) for value in sorted(thresholds)))
    assert len(bands.labels) == len(set(bands.labels)) == len(thresholds) + 1
    place = bands.labels.index(bands.label(amount))
    assert all(amount >= threshold for threshold in bands.thresholds[:place])
    assert all(amount < threshold for threshold in bands.thresholds[place:])


@given(st.text(max_size=200))
def test_any_text_is_a_mapping_or_refused(text):
    with pytest.raises(RuleError):
        parse_mapping(text, "b.toml")
