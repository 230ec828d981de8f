"""What a row becomes: cells by class, index entries once each, and a digest by which its repetition is known."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vault_worlds import ALBA, BOREAS, CATALOGUE, block, ring

from cloakroom.crypto import hmac_sha256
from cloakroom.vault.envelope import INDEX_CELL, EnvelopeClass
from cloakroom.vault.key_ring import KeyPurpose
from cloakroom.vault.rows import (
    IndexEntries,
    RowBlock,
    RowDigests,
    cells_of_row,
    columns_of,
    links_by_row,
    read_index_cell,
)

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


def test_the_signs_between_texts_make_no_two_rows_alike():
    texts = [None, "", "-", "\x1e", "\x1f", "\x1e\x1f", "\x1f\x1e", "\x1f-", "\x1f1,1"]
    names = ("customer_number", "family_name", "given_name")
    every = itertools.product(["a", "a\x1f", "a\x1f\x1e"], texts, texts)
    rows = [dict(zip(names, row, strict=True)) for row in every]
    together = DIGESTS.contents(block(*rows))
    assert len(set(together)) == len(rows) == 3 * 9 * 9
    assert [DIGESTS.contents(block(row))[0] for row in rows] == together


def test_a_text_that_moves_to_the_next_field_with_a_sign_between_is_a_change():
    one = {"customer_number": "1", "family_name": "a\x1fb", "given_name": "c"}
    moved = {"customer_number": "1", "family_name": "a", "given_name": "b\x1fc"}
    for other in (moved, {"customer_number": "1\x1fa", "family_name": "b", "given_name": "c"}):
        assert len(set(DIGESTS.contents(block(one, other)))) == 2
    said, silent = {"customer_number": "1", "given_name": "\x1e"}, {"customer_number": "1", "given_name": None}
    assert len(set(DIGESTS.contents(block(said, silent)))) == 2


def test_the_digest_of_a_usual_row_is_what_it_always_was():
    """Digests lie in stores; another one would make each repeated row a change."""
    row = {"customer_number": "C1", "given_name": "Ada", "email": None}
    [digest] = DIGESTS.contents(block(row))
    content = ring().get(KeyPurpose.CONTENT, ALBA)
    assert digest == hmac_sha256(content, b"email\x1fgiven_name\x1fC1\x1f\x1e\x1fAda")[:16]


def test_a_text_is_not_the_same_in_another_field():
    first, second = (DIGESTS.contents(block({"customer_number": "1", name: "a"})) for name in ("given_name", "city"))
    assert first != second


def test_taken_rows_are_those_at_their_positions_in_every_column():
    rows = [ADA | {"customer_number": f"C{number}", "given_name": f"N{number}"} for number in range(4)]
    whole = block(*rows, deleted={2})
    some = whole.take([2, 0, 2])
    assert (len(whole), len(some)) == (4, 3)
    assert (some.record_ids, some.modified_at, some.deleted) == (
        ["C2", "C0", "C2"],
        [1_002, 1_000, 1_002],
        [True, False, True],
    )
    assert some.columns["given_name"] == ["N2", "N0", "N2"]
    assert some.normal["email"] == ["ada@example.com"] * 3
    assert DIGESTS.contents(some) == [DIGESTS.contents(whole)[at] for at in (2, 0, 2)]
    assert len(whole.take([])) == 0


def test_each_index_entry_leads_from_its_row_to_the_link_of_its_form():
    two = block(ADA | {"mobile": "+39022"}, {"customer_number": "C2"}, {"customer_number": "C3", "phone": "+39021"})
    entries = {item.number: item for item in DIGESTS.index_entries(two)}
    phone = entries[CATALOGUE.indexes["phone"]]
    assert sorted(zip(phone.rows, (phone.links[at : at + 16] for at in range(0, 48, 16)), strict=True)) == sorted(
        [(0, DIGESTS.link("phone", [form])) for form in ("+39021", "+39022")]
        + [(2, DIGESTS.link("phone", ["+39021"]))]
    )
    assert entries[CATALOGUE.indexes["email"]].rows == [0]
    record_ids = entries[CATALOGUE.indexes["customer_number"]]
    assert (record_ids.rows, record_ids.links) == ([0, 1, 2], DIGESTS.link("customer_number", ["C1", "C2", "C3"]))


def test_a_record_id_that_is_a_column_too_enters_its_index_once():
    one = RowBlock(["C1"], [0], [False], {"customer_number": ["c1 "]}, {"customer_number": ["c1"]}, {})
    [entry] = DIGESTS.index_entries(one)
    assert entry.links == DIGESTS.link("customer_number", ["C1"])
    cells = cells_of_row(columns_of(one, CATALOGUE), 0, b"")
    assert dict(cells[EnvelopeClass.IDENTITY]) == {INDEX_CELL: b"", CATALOGUE.fields["customer_number"]: b"c1 "}


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(min_size=16, max_size=16)), max_size=8))
def test_an_index_cell_is_read_back_as_it_was_written(entries):
    items = [IndexEntries(number, [0], link) for number, link in entries]
    [cell] = links_by_row(1, items)
    assert read_index_cell(cell) == entries
    assert len(cell) == 17 * len(entries)


def test_a_row_without_entries_has_an_empty_index_cell_and_silent_fields_no_cell():
    assert links_by_row(3, [IndexEntries(2, [1], bytes(16))]) == [b"", b"\x02" + bytes(16), b""]
    silent = block({"customer_number": "C1", "email": None, "spend_total": None})
    assert set(cells_of_row(columns_of(silent, CATALOGUE), 0, b"")) == {EnvelopeClass.IDENTITY}
    empty = block({"customer_number": "C1", "email": ""})
    held = cells_of_row(columns_of(empty, CATALOGUE), 0, b"x")
    assert held[EnvelopeClass.CONTACT] == [(CATALOGUE.fields["email"], b"")]
    assert held[EnvelopeClass.IDENTITY] == [(INDEX_CELL, b"x"), (CATALOGUE.fields["customer_number"], b"C1")]


def test_columns_go_to_their_class_in_the_order_of_their_numbers_as_utf_8():
    row = {"customer_number": "C1", "given_name": "Zoë", "family_name": "Ng", "email": "z@x.example"}
    columns = columns_of(block(row), CATALOGUE)
    for numbered in columns.values():
        assert [number for number, _ in numbered] == sorted(number for number, _ in numbered)
    assert dict(columns[EnvelopeClass.CONTACT])[CATALOGUE.fields["given_name"]] == ["Zoë".encode()]


def test_a_stored_digest_is_found_under_the_generation_that_it_was_made_with():
    both = RowDigests(ring(index=(1, 2)), CATALOGUE, ALBA)
    links = both.link("email", ["a@b.example", "c@d.example"])
    for generation in (None, 1, 2):
        assert both.stored_links(links, generation) == both.stored(
            "email", ["a@b.example", "c@d.example"], generation
        )
        assert both.to_link(both.stored_links(links, generation), generation or 2) == links
    assert both.stored_links(links) == both.stored_links(links, 2) != both.stored_links(links, 1)
    assert both.to_link(both.stored_links(links, 1), 2) != links
    with pytest.raises(KeyError):
        both.stored_links(links, 3)
