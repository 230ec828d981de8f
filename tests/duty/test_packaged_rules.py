"""The rules that ship: every case holds, every boundary is tried, every place of the reference table is there."""

import pytest

from cloakroom.adapters.legal_data import load_rules
from cloakroom.duty.case_checking import failed_cases
from cloakroom.duty.mutations import mutants, unnoticed
from cloakroom.duty.places import EEA
from cloakroom.duty.validation import case_problems
from cloakroom.vocabulary import DATA_ELEMENTS

RULES = load_rules()
INSTRUMENTS = {instrument.file: instrument for instrument in RULES.instruments}


def others(instrument):
    return tuple(item for item in RULES.authorities.values() if item not in instrument.authorities)


@pytest.mark.parametrize("file", INSTRUMENTS)
def test_every_case_beside_the_rules_holds(file):
    instrument = INSTRUMENTS[file]
    assert [str(item) for item in (*case_problems(instrument), *failed_cases(instrument, others(instrument)))] == []


@pytest.mark.parametrize("file", INSTRUMENTS)
def test_every_small_wrong_change_to_a_rule_makes_a_case_fail(file):
    instrument = INSTRUMENTS[file]
    assert [f"{item.rule.id}: {item.change}" for item in unnoticed(instrument, others(instrument))] == []


def test_there_are_many_mutants_so_that_the_check_above_means_something():
    assert sum(1 for instrument in RULES.instruments for _ in mutants(instrument)) > 1000


def test_every_rule_has_a_source_on_the_web_a_date_and_a_mark():
    for rule in RULES.rules:
        assert rule.source.startswith("https://"), rule.id
        assert rule.read.year == 2026, rule.id
        assert rule.confidence in {"V1", "V2", "V3", "X"}, rule.id


def test_every_duty_without_a_number_has_a_target():
    for rule in RULES.rules:
        if rule.clock is not None and rule.clock.period.amount is None:
            assert rule.clock.target is not None, rule.id


def test_rule_ids_begin_with_the_country_of_their_instrument():
    for rule in RULES.rules:
        assert rule.id.startswith(rule.instrument.partition("-")[0]), rule.id


def test_a_rule_file_stays_one_instrument_of_readable_size():
    for instrument in RULES.instruments:
        assert len(instrument.rules) <= 12, instrument.file


def test_the_address_book_knows_every_authority_of_the_eea_and_every_land():
    assert set(RULES.authorities) >= EEA
    assert sum(place.startswith("DE-") for place in RULES.authorities) == 16


def test_every_pending_rule_is_without_dates():
    pending = [rule for rule in RULES.rules if rule.pending]
    assert pending
    assert all(rule.valid_from is rule.valid_until is None for rule in pending)


def test_elements_in_rules_are_known():
    assert all(item.data <= DATA_ELEMENTS for case in RULES.cases for item in case.facts.affected)


def test_rules_read_without_their_cases_are_the_same_rules():
    quick = load_rules(with_cases=False)
    assert quick.rules == RULES.rules
    assert quick.authorities == RULES.authorities
    assert quick.cases == ()
