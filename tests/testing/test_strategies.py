"""The published strategies draw what they say."""

from __future__ import annotations

import csv
import io

import phonenumbers
from hypothesis import given, settings

from cloakroom.canonical.email import canonical_email
from cloakroom.canonical.phone import canonical_phone
from cloakroom.testing import strategies


@given(strategies.phones())
def test_telephone_numbers_have_the_normal_form_that_the_strategy_states(drawn):
    spelling, country, number = drawn
    assert canonical_phone(spelling, country) == number
    assert phonenumbers.is_possible_number(phonenumbers.parse(number))


@given(strategies.emails())
def test_addresses_have_a_normal_form(drawn):
    assert canonical_email(drawn) is not None


@given(strategies.names())
def test_names_have_both_parts(drawn):
    assert all(drawn)


@given(strategies.records())
def test_records_hold_text_or_nothing(drawn):
    assert all(value is None or isinstance(value, str) for value in drawn.values())


@given(strategies.untidy(strategies.emails()))
def test_untidy_values_keep_their_letters(drawn):
    assert "@" in drawn


@given(strategies.csv_texts())
@settings(max_examples=60)
def test_csv_reads_back_to_the_rows_it_states(drawn):
    text = drawn.data.decode(drawn.encoding)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=drawn.delimiter))
    assert tuple(map(tuple, rows)) == drawn.rows
