import re
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.duty.facts import parse_facts
from cloakroom.errors import CloakroomError, InputError
from cloakroom.toml import DocumentLimits, parse_document
from cloakroom.vocabulary import DATA_ELEMENTS

# The file of the specification, semicolons and all.
EXAMPLE = """\
[incident]
occurred_from = 2026-02-20T00:00:00Z   # all times optional except aware_at
occurred_to   = 2026-02-27T00:00:00Z
discovered_at = 2026-03-02T07:00:00Z
aware_at      = 2026-03-02T09:00:00Z
determined_at = 2026-03-03T09:00:00Z
nature = ["confidentiality"]            # confidentiality | integrity | availability
cause  = "external_malicious"           # external_malicious | internal_malicious | external_accident | …
taken  = "exfiltrated"                  # exfiltrated | accessed | possible | excluded
holder = "criminal"                     # criminal | unknown_many | known_few | trusted | none
intelligible = true                     # false: encrypted or hashed beyond reach, key safe
restored_hours = 0                      # for availability
service_harm = "none"                   # none | minor | serious | safety
deletion_confirmed = false
[[controller]]
id = "balmere"; name = "Balmère; SAS"; country = "FR"; eea_main_establishment = "FR"; brands = ["balmere"]
[[affected]]                            # one per controller × residence × data set × segment
controller = "balmere"; country = "FR"; subdivision = ""; persons = 120000; records = 150000
data = ["name", "email", "phone", "postal_address", "spend_total"]
segment = "general"                     # general | minor | high_spender | employee | protected_address | vulnerable
"""
LAST = len(EXAMPLE.splitlines())


def problems(text):
    with pytest.raises(InputError) as caught:
        parse_facts(text, "facts.toml")
    return [str(problem) for problem in caught.value.problems]


def test_the_example_of_the_specification_is_read_as_it_stands():
    facts = parse_facts(EXAMPLE, "facts.toml")
    assert facts.incident.aware_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert facts.incident.determined_at == datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert facts.controller("balmere").name == "Balmère; SAS"
    assert facts.affected[0].persons == 120_000
    assert facts.affected[0].data == {"name", "email", "phone", "postal_address", "spend_total"}


def test_the_same_file_without_semicolons_is_the_same():
    plain = EXAMPLE.replace("Balmère; SAS", "Balmère SAS").replace("; ", "\n")
    assert parse_facts(plain, "x").affected == parse_facts(EXAMPLE, "x").affected


def test_all_times_but_awareness_may_be_missing():
    text = "".join(
        line for line in EXAMPLE.splitlines(keepends=True) if "_at " not in line or line.startswith("aware")
    )
    text = text.replace("occurred_from = 2026-02-20T00:00:00Z   # all times optional except aware_at\n", "")
    incident = parse_facts(text, "x").incident
    assert incident.discovered_at is None
    assert incident.occurred_from is None


def test_missing_awareness_is_refused():
    text = EXAMPLE.replace("aware_at      = 2026-03-02T09:00:00Z\n", "")
    message = "is missing: it is the one time that every clock needs"
    assert problems(text) == [f"facts.toml:1: incident.aware_at: {message}"]


def test_every_mistake_is_reported_with_its_line():
    text = (
        EXAMPLE.replace('"criminal"', '"crook"')
        .replace("persons = 120000", 'persons = "many"')
        .replace("restored_hours = 0", "restored_hours = -1")
        .replace("brands", "brand")
    )
    assert [line.split(": ")[:2] for line in problems(text)] == [
        ["facts.toml:10", "incident.holder"],
        ["facts.toml:12", "incident.restored_hours"],
        ["facts.toml:16", "controller[1].brand"],
        ["facts.toml:18", "affected[1].persons"],
    ]


def test_messages_never_repeat_a_value():
    text = (
        EXAMPLE.replace('"criminal"', '"Jane Roe"')
        .replace('"FR"', '"jane@example.org"')
        .replace("= 150000", '= "Roe"')
    )
    text += 'unknown_key = "Jane Roe"\n'
    assert not [line for line in problems(text) if "Roe" in line or "jane" in line]
    assert not [line for line in problems("x = 'Jane' Roe") if "Jane" in line or "Roe" in line]


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ("2026-03-02T09:00:00Z", "2026-03-02T09:00:00", 5, "aware_at"),
        ("2026-03-02T09:00:00Z", "2026-03-02", 5, "aware_at"),
        ("2026-02-27T00:00:00Z", "2026-02-19T00:00:00Z", 3, "occurred_to"),
        ('["confidentiality"] ', "[] ", 7, "nature"),
        ('["confidentiality"] ', '["confidentiality", "confidentiality"] ', 7, "nature"),
        ("intelligible = true", "intelligible = 1", 11, "intelligible"),
        ('"FR"; eea', '"France"; eea', 16, "country"),
        ('eea_main_establishment = "FR"', 'eea_main_establishment = "fr"', 16, "eea_main_establishment"),
        ('id = "balmere"', 'id = "Bal mère"', 16, "id"),
        ('subdivision = ""', 'subdivision = "Île-de-France"', 18, "subdivision"),
        ('controller = "balmere"', 'controller = "other"', 18, "controller"),
        ("records = 150000", "records = true", 18, "records"),
        ('"spend_total"', '"iban"', 19, "data"),
        ('segment = "general"', 'segment = "vip"', 20, "segment"),
    ],
)
def test_a_wrong_value_is_refused_at_its_line(old, new, line, key):
    assert EXAMPLE.count(old) >= 1
    found = problems(EXAMPLE.replace(old, new))
    assert any(re.match(rf"facts\.toml:{line}: [a-z]+(\[1\])?\.{key}: ", item) for item in found), found


@pytest.mark.parametrize(
    "text", ["[incident\n", "a = [", 'a = "', "a = 1\na = 2", "[incident]\n[incident]\n", "= 3", "a = '''"]
)
def test_what_is_not_toml_is_refused_with_a_line(text):
    with pytest.raises(InputError) as caught:
        parse_facts(text, "facts.toml")
    assert caught.value.problems[0].position.line is not None


def test_a_line_is_found_after_multi_line_texts_lists_and_comments():
    text = EXAMPLE.replace(
        'data = ["name", "email", "phone", "postal_address", "spend_total"]',
        'data = [ # ; "not a text\n "name", # ]\n "email",\n]\nunknown = """\n a = 1;\n"""',
    )
    known = "controller, country, data, persons, persons_possible, records, segment, subdivision"
    assert problems(text) == [f"facts.toml:23: affected[1].unknown: unknown key; known here: {known}"]


def test_a_group_that_is_there_twice_is_refused():
    group = EXAMPLE[EXAMPLE.index("[[affected]]") :]
    assert problems(EXAMPLE + group) == [
        f"facts.toml:{LAST + 1}: affected[2]: repeats an earlier group: same controller, residence, data and segment"
    ]


def test_overseas_departments_are_groups_of_france_without_being_duplicates():
    group = EXAMPLE[EXAMPLE.index("[[affected]]") :].replace('country = "FR"', 'country = "RE"')
    facts = parse_facts(EXAMPLE + group, "x")
    assert [item.place for item in facts.affected] == ["FR", "FR"]


@pytest.mark.parametrize(
    ("country", "subdivision", "place"),
    [
        ("US", "TX", "US-TX"),
        ("US", "US-TX", "US-TX"),
        ("PR", "", "US-PR"),
        ("UK", "", "GB"),
        ("CN", "HK", "HK"),
        ("", "", "ZZ"),
        ("ZZ", "", "ZZ"),
        ("AX", "", "FI"),
    ],
)
def test_residences_are_brought_into_one_form(country, subdivision, place):
    text = EXAMPLE.replace(
        'controller = "balmere"; country = "FR"; subdivision = ""',
        f'controller = "balmere"; country = "{country}"; subdivision = "{subdivision}"',
    )
    assert parse_facts(text, "x").affected[0].place == place


def test_joint_controllers_must_exist():
    text = EXAMPLE.replace('brands = ["balmere"]', 'joint_with = ["nobody"]; bearer = "nobody"')
    assert len(problems(text)) == 2


def test_possible_persons_are_at_least_the_proven_ones():
    assert any(
        "persons_possible" in item for item in problems(EXAMPLE.replace("records", "persons_possible = 1; records"))
    )


def test_holds_and_flags_are_read():
    text = EXAMPLE.replace('brands = ["balmere"]', 'flags = ["listed_eu"]; timezone = "Europe/Paris"')
    text += '[[hold]]\nground = "law_enforcement"; jurisdiction = "US-CA"; until = 2026-04-01T00:00:00Z\n'
    facts = parse_facts(text, "x")
    assert facts.controllers[0].flags == {"listed_eu"}
    assert facts.holds[0].jurisdiction == "US-CA"
    assert problems(text.replace("listed_eu", "rich"))
    assert problems(text.replace("Europe/Paris", "Europe/Atlantis"))


def test_limits_hold():
    with pytest.raises(InputError):
        parse_facts(EXAMPLE, "x", limits=DocumentLimits(bytes_max=100))
    with pytest.raises(InputError):
        parse_facts(EXAMPLE, "x", limits=DocumentLimits(items_max=3))
    with pytest.raises(InputError):
        parse_facts(EXAMPLE, "x", limits=DocumentLimits(text_max=3))


def test_every_element_of_the_specification_is_known():
    listed = """name, email, phone, postal_address, birth_date, birth_place, gender, language, customer_number,
    spend_total, purchase_history, preferences, password, password_hash, security_answer, payment_card,
    payment_card_with_code, bank_account, financial_statement, wage, national_id, id_document, passport,
    driver_licence, tax_id, health, biometric, genetic, location, communication, education, family,
    religion, politics, ethnicity, union, sex_life, criminal, insurance, vehicle, photo, application,
    other"""
    assert {item.strip() for item in listed.split(",")} == DATA_ELEMENTS


@given(
    st.text(max_size=300)
    | st.lists(st.sampled_from([*EXAMPLE, ";", '"', "[", "]", "#", "\n"]), max_size=300).map("".join)
)
def test_any_text_is_read_or_refused_and_nothing_else(text):
    with suppress(CloakroomError):
        parse_facts(text, "x")


@given(st.integers(0, len(EXAMPLE)), st.sampled_from(['"', "[", "]", "\n", ";", "=", "#", "'", "{", "\x00", ""]))
def test_a_damaged_example_is_read_or_refused_and_nothing_else(position, piece):
    with suppress(CloakroomError):
        parse_facts(EXAMPLE[:position] + piece + EXAMPLE[position + 1 :], "x")


def test_nested_names_and_inline_tables_have_lines():
    root = parse_document('[a.b]\nc = { d = 1 }\n[[a.e]]\nx = 1\n[[a.e]]\nx = 2\n"y z" = 3\n', "s")
    a = root.table("a")
    inner = a.table("b").table("c")
    inner.report("d", "here")
    second = a.tables("e")[1]
    second.report("x", "there")
    second.report("y z", "there")
    assert [problem.position.line for problem in root.document.problems] == [2, 6, 7]
