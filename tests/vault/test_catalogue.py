"""Numbers for names: a number keeps its meaning for the life of a store, and none is beyond its bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vault_worlds import ALBA, BOREAS, CATALOGUE, DEFINITIONS

from cloakroom.errors import InputError, UsageError
from cloakroom.vault.blind_index import SHARED_SCOPE
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.envelope import INDEX_CELL, EnvelopeClass
from cloakroom.vault.fields import FieldDefinition, FieldKind
from cloakroom.vocabulary import FieldClass

EMPTY = Catalogue({}, {}, {}, {})
names = st.sets(st.text("abc", min_size=1, max_size=3), max_size=6)


def definitions(fields, *, indexed=False):
    return {
        name: FieldDefinition(name, FieldKind.TEXT, FieldClass.VALUE, name if indexed else None, "other")
        for name in fields
    }


def numbers_of(catalogue):
    return dict(catalogue.brands), dict(catalogue.fields), dict(catalogue.indexes)


@given(st.lists(st.tuples(names, names), max_size=5))
def test_a_number_once_given_keeps_its_meaning_however_a_store_grows(story):
    catalogue = EMPTY
    for brands, fields in story:
        grown = catalogue.extended(brands, definitions(fields, indexed=True))
        for before, after in zip(numbers_of(catalogue), numbers_of(grown), strict=True):
            assert before.items() <= after.items()
            assert sorted(after.values()) == list(range(1, len(after) + 1))
        assert set(grown.brands) == set(catalogue.brands) | brands
        assert grown.extended(brands, definitions(fields, indexed=True)) == grown
        catalogue = grown


def test_new_names_get_the_next_numbers_in_alphabetical_order():
    grown = Catalogue({"m": 7}, {}, {}, {}).extended(["z", "a", "m"], definitions(["y", "b"]))
    assert grown.brands == {"m": 7, "a": 8, "z": 9}
    assert grown.fields == {"b": 1, "y": 2}


def test_no_field_has_the_number_of_the_index_cell():
    assert INDEX_CELL not in CATALOGUE.fields.values()


def test_definitions_are_those_of_today_while_numbers_of_old_fields_stay():
    first = EMPTY.extended([], definitions(["a", "b"]))
    second = first.extended([], definitions(["b"]))
    assert (set(second.definitions), second.fields) == ({"b"}, {"a": 1, "b": 2})
    assert first.definitions.keys() == {"a", "b"}


def test_a_store_has_as_many_fields_and_indexes_as_their_byte_can_number():
    fields = [f"f{number}" for number in range(256)]
    assert max(EMPTY.extended([], definitions(fields[:255])).fields.values()) == 255
    with pytest.raises(UsageError, match="at most 255 fields and 127 indexes"):
        EMPTY.extended([], definitions(fields))
    assert max(EMPTY.extended([], definitions(fields[:127], indexed=True)).indexes.values()) == 127
    with pytest.raises(UsageError, match="at most 255 fields and 127 indexes"):
        EMPTY.extended([], definitions(fields[:128], indexed=True))
    with pytest.raises(UsageError, match="at most"):  # also when they come one after the other
        EMPTY.extended([], definitions(fields[:255])).extended([], definitions(fields[255:]))


def test_an_index_and_a_generation_make_one_number():
    email = CATALOGUE.indexes["email"]
    assert CATALOGUE.index_id("email", 1) == email * 256 + 1
    assert CATALOGUE.index_id("email", 255) == email * 256 + 255
    ids = {CATALOGUE.index_id(index, generation) for index in CATALOGUE.indexes for generation in range(1, 256)}
    assert len(ids) == len(CATALOGUE.indexes) * 255
    for generation in (0, 256, -1):
        with pytest.raises(UsageError, match="at most 255 generations"):
            CATALOGUE.index_id("email", generation)


def test_the_largest_number_of_an_index_fits_sixteen_bits_with_a_sign():
    catalogue = EMPTY.extended([], definitions([f"f{number}" for number in range(127)], indexed=True))
    assert max(catalogue.index_id(index, 255) for index in catalogue.indexes) == 2**15 - 1


def test_only_addresses_and_telephones_mean_the_same_at_every_brand():
    for index in CATALOGUE.indexes:
        scopes = {CATALOGUE.index_scope(index, brand) for brand in (ALBA, BOREAS)}
        assert scopes == ({SHARED_SCOPE} if index in {"email", "phone"} else {ALBA, BOREAS})
    assert SHARED_SCOPE not in CATALOGUE.brands.values()


def test_names_and_numbers_lead_to_each_other():
    for name, number in CATALOGUE.brands.items():
        assert (CATALOGUE.brand(name), CATALOGUE.brand_name(number)) == (number, name)
    for name, number in CATALOGUE.fields.items():
        assert CATALOGUE.field_name(number) == name
    for name, definition in DEFINITIONS.items():
        assert CATALOGUE.envelope_class(name).name == definition.field_class.name
    assert CATALOGUE.envelope_class("spend_total") is EnvelopeClass.VALUE
    assert CATALOGUE.envelope_class("birth_date") is EnvelopeClass.IDENTITY


def test_a_brand_that_is_not_there_is_refused_with_those_that_are_and_not_repeated():
    with pytest.raises(InputError) as caught:
        CATALOGUE.brand("ada@example.com")
    assert str(caught.value) == "brand: no such brand; known: alba, boreas"
