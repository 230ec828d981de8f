"""What a row becomes: cells by class, index entries once each, and a digest by which its repetition is known."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from vault_worlds import ALBA, BOREAS, CATALOGUE, block, ring

from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.rows import INDEX_CELL, RowDigests, cells_of_row, columns_of, links_by_row, read_index_cell

DIGESTS = RowDigests(ring(), CATALOGUE, ALBA)
ADA = {
    "customer_number": "C1",
    "given_name": "Ada",
    "email": "ada@example.com",
    "mobile": "+39021",
    "phone": "+39021",
}
text = st.one_of(st.none(), st.text(max_size=8))
rows = st.fixed_dictionaries(
    {"customer_number": st.text(min_size=1, max_size=4), "given_name": text, "family_name": text}
)


def test_each_field_goes_to_its_class_and_absent_ones_nowhere():
    one = block(ADA | {"spend_total": "12.50", "birth_date": None})
    cells = cells_of_row(columns_of(one, CATALOGUE), 0, b"")
    names = {
        CATALOGUE.field_name(number): (item, value)
        for item, held in cells.items()
        for number, value in held
        if number
    }
    assert names["email"] == (EnvelopeClass.CONTACT, b"ada@example.com")
    assert names["customer_number"] == (EnvelopeClass.IDENTITY, b"C1")
    assert names["spend_total"] == (EnvelopeClass.VALUE, b"12.50")
    assert "birth_date" not in names


def test_a_value_that_two_fields_share_enters_the_index_once():
    entries = {item.number: item.rows for item in DIGESTS.index_entries(block(ADA))}
    assert {CATALOGUE.indexes[name]: [0] for name in ("customer_number", "email", "phone")} == entries


def test_the_index_cell_remembers_every_entry_of_its_row():
    two = block(ADA, {"customer_number": "C2", "email": "bea@example.com"})
    entries = DIGESTS.index_entries(two)
    cells = [read_index_cell(cell) for cell in links_by_row(2, entries)]
    assert [len(cell) for cell in cells] == [3, 2]
    number = CATALOGUE.indexes["email"]
    assert (number, DIGESTS.link("email", ["ada@example.com"])) in cells[0]
    assert read_index_cell(b"") == []
    held = cells_of_row(columns_of(two, CATALOGUE), 1, links_by_row(2, entries)[1])[EnvelopeClass.IDENTITY]
    assert held[0][0] == INDEX_CELL


@given(rows, rows)
@settings(max_examples=200, deadline=None)
def test_two_rows_have_one_content_digest_only_if_they_say_the_same(one, other):
    first, second = DIGESTS.contents(block(one, other))
    assert (first == second) == (one == other)
    assert [first] == DIGESTS.contents(block(one | dict.fromkeys(other.keys() - one.keys())))


def test_absent_and_empty_are_told_apart_and_brands_share_no_digest():
    absent, empty = DIGESTS.contents(
        block({"customer_number": "1", "email": None}, {"customer_number": "1", "email": ""})
    )
    assert absent != empty
    assert RowDigests(ring(), CATALOGUE, BOREAS).contents(block(ADA)) != DIGESTS.contents(block(ADA))


def test_shared_values_link_brands_under_the_group_key_only_and_own_numbers_never():
    boreas = RowDigests(ring(), CATALOGUE, BOREAS)
    assert DIGESTS.link("email", ["a@b.example"]) == boreas.link("email", ["a@b.example"])
    assert DIGESTS.stored("email", ["a@b.example"]) != boreas.stored("email", ["a@b.example"])
    assert DIGESTS.link("customer_number", ["1"]) != boreas.link("customer_number", ["1"])


def test_generations_are_read_newest_first():
    both = RowDigests(ring(index=(1, 2)), CATALOGUE, ALBA)
    assert both.generations == [2, 1]
    old, new = both.stored("email", ["a@b.example"], 1), both.stored("email", ["a@b.example"])
    assert old != new
    assert both.to_link(old, 1) == both.to_link(new, 2)
    assert both.index_id("email") == both.index_id("email", 1) + 1


def test_no_representation_shows_a_row():
    assert "ada" not in repr(block(ADA)).lower()
