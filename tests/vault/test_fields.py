"""The registry of fields agrees with itself and with the vocabulary of duties."""

import re

from cloakroom.vault.fields import CHOICES, INDEXABLE_KINDS, WELL_KNOWN_FIELDS, FieldKind
from cloakroom.vocabulary import DATA_ELEMENTS, FieldClass


def test_every_field_is_named_as_it_is_filed_and_speaks_the_vocabulary_of_duties():
    for name, field in WELL_KNOWN_FIELDS.items():
        assert field.name == name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert field.data_element in DATA_ELEMENTS
        assert field.kind in FieldKind
        assert field.field_class in FieldClass


def test_only_values_that_differ_enough_are_indexed():
    for field in WELL_KNOWN_FIELDS.values():
        assert not field.indexed or field.kind in INDEXABLE_KINDS


def test_both_telephones_share_one_index():
    assert WELL_KNOWN_FIELDS["phone"].index == WELL_KNOWN_FIELDS["mobile"].index == "phone"
    assert WELL_KNOWN_FIELDS["email"].index == "email"


def test_spend_is_a_class_of_its_own():
    assert WELL_KNOWN_FIELDS["spend_total"].field_class is FieldClass.VALUE


def test_choices_belong_to_fields():
    assert set(CHOICES) <= set(WELL_KNOWN_FIELDS)
