"""Invented records: like those around them value by value, nobody's as a whole, and reached by mail alone."""

from __future__ import annotations

import random
import re

import pytest

from cloakroom.vault.canaries import invent_record

GIVEN, FAMILY = ("Ada", "Bea", "Zoë", "Élodie"), ("Rossi", "Lefèvre", "O'Neil", "王")
TEMPLATES = [
    {
        "customer_number": f"C-{number}00{number}",
        "given_name": GIVEN[number],
        "family_name": FAMILY[number],
        "email": f"person{number}@home.example",
        "phone": f"+3902000{number}",
        "mobile": f"+3933300{number}",
        "street": f"Via {number}{number}",
        "city": f"City {number}",
        "region": f"R{number}",
        "postcode": f"P{number}",
        "country": f"X{number}",
        "language": f"l{number}",
        "birth_date": f"198{number}-01-01",
        "kind": "customer",
        "spend_total": f"{number}.50",
        "notes": f"likes {number}",
        "purchases": f"bag {number}",
    }
    for number in range(4)
]
PLACE = ("street", "city", "region", "postcode", "country", "language")


def invented(templates=TEMPLATES, *, count=200):
    return [invent_record(templates, "valmont.example", random.Random(seed)) for seed in range(count)]


def test_the_same_chance_invents_the_same_record():
    assert invented(count=5) == invented(count=5)
    assert len({record_id for record_id, _ in invented()}) > 150


def test_each_value_is_that_of_some_record_but_for_address_and_house_number():
    for _, fields in invented():
        for name, value in fields.items():
            if name not in {"email", "street"}:
                assert value in {template[name] for template in TEMPLATES}


def test_place_comes_from_one_record_whole():
    for _, fields in invented():
        assert (
            len({re.sub(r"\D", "", fields[name]) or name for name in ("city", "region", "postcode", "country")}) == 1
        )
        assert fields["language"][1:] == fields["country"][1:]


def test_names_and_place_are_mixed_out_of_several_records():
    seen = {
        (GIVEN.index(fields["given_name"]), FAMILY.index(fields["family_name"]), int(fields["country"][1:]))
        for _, fields in invented(count=600)
    }
    assert len(seen) == 4**3


def test_other_values_come_from_two_records_at_most_and_from_both():
    sources = [{fields["birth_date"][3], fields["spend_total"][0]} for _, fields in invented()]
    assert {len(source) for source in sources} == {1, 2}


def test_a_canary_has_no_telephone_and_no_story_of_somebody():
    for _, fields in invented():
        assert not {"phone", "mobile", "notes", "purchases", "customer_number"} & fields.keys()
    expected = TEMPLATES[0].keys() - {"phone", "mobile", "notes", "purchases", "customer_number"}
    assert all(fields.keys() == expected for _, fields in invented())
    assert all(list(fields) == sorted(fields) for _, fields in invented())


def test_its_address_is_new_under_the_groups_domain():
    written = re.compile(r"[a-z._]+\d{2,4}@valmont\.example", re.ASCII)
    addresses = [fields["email"] for _, fields in invented()]
    assert all(written.fullmatch(address) for address in addresses)
    assert len(set(addresses)) == len(addresses)


@pytest.mark.parametrize(
    ("name", "stems"),
    [
        ({"given_name": "Élodie", "family_name": "O'Neil"}, {"elodieoneil", "elodie.oneil", "elodie_oneil"}),
        ({"given_name": "王", "family_name": "李"}, {"mail"}),
        ({"given_name": "王", "family_name": "Li"}, {"li"}),
        ({"name": "Ada Maria Rossi"}, {"adarossi", "ada.rossi", "ada_rossi"}),
        ({"given_name": "Ada", "family_name": "王", "name": "Ada 王"}, {"ada"}),
        ({"given_name": "a" * 30}, {"a" * 20}),
        ({}, {"mail"}),
    ],
)
def test_its_mailbox_is_made_of_its_name_in_plain_letters(name, stems):
    template = {"customer_number": "1", "email": "x@home.example", **name}
    seen = {re.sub(r"\d+@.*", "", fields["email"]) for _, fields in invented([template])}
    assert seen == stems


def test_digits_of_number_and_street_are_drawn_and_their_form_stays():
    for record_id, fields in invented():
        assert re.fullmatch(r"C-\d00\d|C-\d{4}", record_id)
        assert re.fullmatch(r"Via [1-9]{2}", fields["street"])
    drawn = {record_id for record_id, _ in invented([{"customer_number": "00000"}])}
    assert len(drawn) > 190
    assert {digit for record_id in drawn for digit in record_id} == set("0123456789")


def test_records_without_a_field_make_a_canary_without_it():
    for record_id, fields in invented([{"customer_number": "A1", "city": "Rome"}], count=20):
        assert re.fullmatch(r"A\d", record_id)
        assert fields == {"city": "Rome"}


def test_where_some_have_an_address_every_canary_has_one():
    some = [{"customer_number": "1"}, {"customer_number": "2", "email": "x@home.example"}]
    assert all(fields["email"].endswith("@valmont.example") for _, fields in invented(some, count=40))


def test_a_record_id_is_made_up_where_the_records_have_none():
    assert all(re.fullmatch(r"\d{9}", record_id) for record_id, _ in invented([{"city": "Rome"}], count=20))


def test_a_whole_name_takes_its_first_word_from_one_and_its_last_from_another():
    templates = [
        {"customer_number": "1", "name": "Ada Maria Rossi"},
        {"customer_number": "2", "name": "Bea Le Blanc"},
    ]
    seen = {fields["name"] for _, fields in invented(templates)}
    assert seen == {"Ada Rossi", "Ada Blanc", "Bea Rossi", "Bea Blanc"}
