"""The group's file: what it says, and each of its mistakes on its line, without a value."""

# ruff: noqa: E501 (a case and its message are read side by side)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.errors import RuleError
from cloakroom.vault.group import Placeholders, Representative, Store, parse_group

WHOLE = """group = "Valmont"

[[controllers]]
id = "uk"
name = "Valmont UK Ltd"
country = "GB"
eea_main_establishment = "FR"
languages = ["en", "fr"]
  [[controllers.representatives]]
  name = "Valmont EU"
  country = "IE"

[[controllers]]
id = "fr"
name = "Valmont SA"
country = "FR"

[[brands]]
id = "alba"
label = "Alba"
trade = "leather"
controller = "uk"
joint_controllers = ["fr"]
mapping = "brands/alba.toml"

[[brands]]
id = "boreas"
controller = "fr"
mapping = "boreas.toml"

[[establishments]]
name = "Alba Italia"
controller = "uk"
country = "IT"
brands = ["alba"]
role = "sales"

[[stores]]
brand = "alba"
code = "P1"
name = "Paris"
country = "FR"
telephone = "01 44 00 00 00"

[[stores]]
brand = "boreas"
code = "P1"

[placeholders]
emails = ["none@valmont.example", "*@noreply.example"]
phones = ["+33199000000"]
names = ["Test Téster"]
"""


def refused(text):
    with pytest.raises(RuleError) as caught:
        parse_group(text, "g.toml")
    return [str(problem) for problem in caught.value.problems]


def test_a_whole_file_says_what_it_shows():
    group = parse_group(WHOLE, "g.toml")
    uk, fr = group.controllers.values()
    assert (group.name, list(group.controllers), list(group.brands)) == ("Valmont", ["uk", "fr"], ["alba", "boreas"])
    assert (uk.name, uk.country, uk.eea_main_establishment, uk.languages) == (
        "Valmont UK Ltd",
        "GB",
        "FR",
        ("en", "fr"),
    )
    assert uk.representatives == (Representative("Valmont EU", "IE"),)
    assert (fr.eea_main_establishment, fr.languages, fr.representatives) == (None, (), ())
    alba, boreas = group.brands.values()
    assert (alba.label, alba.trade, alba.controller, alba.joint_controllers) == ("Alba", "leather", "uk", ("fr",))
    assert (boreas.label, boreas.trade, boreas.joint_controllers, boreas.mapping) == ("boreas", "", (), "boreas.toml")
    (italy,) = group.establishments
    assert (italy.name, italy.controller, italy.country, italy.brands, italy.role) == (
        *("Alba Italia", "uk", "IT"),
        ("alba",),
        "sales",
    )
    assert group.stores == {
        ("alba", "P1"): Store("alba", "P1", "Paris", "FR", "+33144000000"),
        ("boreas", "P1"): Store("boreas", "P1", "", None, None),
    }


def test_a_shop_is_known_by_brand_and_code_together():
    group = parse_group(WHOLE, "g.toml")
    assert group.store_country("alba", "P1") == "FR"
    for brand, code in (("boreas", "P1"), ("alba", "P2"), ("alba", "p1"), ("", "")):
        assert group.store_country(brand, code) is None


def test_a_controller_answers_for_its_brands_alone_or_jointly():
    group = parse_group(WHOLE, "g.toml")
    assert group.brands_of("uk") == ("alba",)
    assert group.brands_of("fr") == ("alba", "boreas")
    assert group.brands_of("nobody") == ()


def test_placeholders_are_those_written_and_the_telephones_of_all_shops():
    known = parse_group(WHOLE, "g.toml").placeholders
    assert known.phones == {"+33199000000", "+33144000000"}
    assert known.is_placeholder("email", "none@valmont.example")
    assert known.is_placeholder("email", "anything@noreply.example")
    assert not known.is_placeholder("email", "none@valmont.example.org")
    assert not known.is_placeholder("email", "anything@noreply.example2")
    assert known.is_placeholder("phone", "+33144000000")
    assert not known.is_placeholder("phone", "+33144000001")
    for index, normal in (("phone", "none@valmont.example"), ("email", "+33144000000"), ("customer_number", "1")):
        assert not known.is_placeholder(index, normal)


def test_a_test_name_is_known_folded_and_whole():
    known = parse_group(WHOLE, "g.toml").placeholders
    assert known.is_test_name("test", "TESTER")
    assert known.is_test_name("Test", None, "Téster")
    assert known.is_test_name("Test Tester")
    assert known.is_test_name("Tester", "Test")
    for parts in (("Test",), ("Tester",), ("Test", "Tester", "Jr"), (None,), ()):
        assert not known.is_test_name(*parts)
    assert not Placeholders().is_test_name("Test", "Tester")


CONTROLLER = '[[controllers]]\nid = "c"\nname = "C"\ncountry = "FR"\n'
BRAND = '[[brands]]\nid = "b"\ncontroller = "c"\nmapping = "b.toml"\n'
START = 'group = "G"\n' + CONTROLLER + BRAND
"""Nine lines; what follows begins on line 10."""
STORE = '[[stores]]\nbrand = "b"\ncode = "1"\n'
IDENTIFIER = "must be lower-case letters, digits, - and _, beginning with a letter"
COUNTRY = "must be an ISO 3166-1 code of two letters"
OUTSIDE = "must lie inside the configuration folder"
ADDRESSES = "must be addresses or patterns in lower case, each with @"
PHONES = "must be numbers in E.164 form, such as +33144000000"
EEA = "must be a country of the European Economic Area, or left out"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (START.replace('group = "G"', ""), ["1: group: is missing"]),
        (START.replace('"G"', '""'), ["1: group: must not be empty"]),
        (START.replace('"G"', "7"), ["1: group: must be a text in quotes"]),
        (START.replace('name = "C"\n', ""), ["2: controllers[1].name: is missing"]),
        (START.replace('country = "FR"\n', ""), ["2: controllers[1].country: is missing"]),
        (START.replace('id = "b"\n', ""), ["6: brands[1].id: is missing"]),
        (START.replace('mapping = "b.toml"\n', ""), ["6: brands[1].mapping: is missing"]),
        (START.replace('controller = "c"\n', ""), ["6: brands[1].controller: is missing"]),
        (START + CONTROLLER, ["11: controllers[2].id: is used twice"]),
        (START.replace('"b"', '"1b"'), [f"7: brands[1].id: {IDENTIFIER}"]),
        (START.replace('"b"', '"b.c"'), [f"7: brands[1].id: {IDENTIFIER}"]),
        (START.replace('"b"', '"b' + "x" * 63 + '"'), [f"7: brands[1].id: {IDENTIFIER}"]),
        (START.replace('"b"', '"b\\n"'), [f"7: brands[1].id: {IDENTIFIER}"]),
        (START.replace('"FR"', '"XX"'), [f"5: controllers[1].country: {COUNTRY}"]),
        (START.replace('"b.toml"', '"/b.toml"'), [f"9: brands[1].mapping: {OUTSIDE}"]),
        (START.replace('"b.toml"', '"x/../../b.toml"'), [f"9: brands[1].mapping: {OUTSIDE}"]),
        (START + 'joint_controllers = ["c", "d"]\n', ["10: brands[1].joint_controllers: holds a name that is none of: c"]),
        (START + 'countries = ["FR"]\n', ["10: brands[1].countries: unknown key; did you mean controller?"]),
        (
            START.replace('"FR"\n', '"FR"\n[[controllers.representatives]]\ncountry = "?"\nsince = 1\n'),
            [
                "6: controllers[1].representatives[1].name: is missing",
                f"7: controllers[1].representatives[1].country: {COUNTRY}",
                "8: controllers[1].representatives[1].since: unknown key; known here: country, name",
            ],
        ),
        (
            START + '[[establishments]]\nname = "E"\ncontroller = "d"\ncountry = "?"\nbrands = ["b", "x"]\n',
            [
                "12: establishments[1].controller: names none of: c",
                f"13: establishments[1].country: {COUNTRY}",
                "14: establishments[1].brands: holds a name that is none of: b",
            ],
        ),
        (START + STORE + STORE, ["15: stores[2].code: is used twice for this brand"]),
        (START + STORE.replace('code = "1"\n', ""), ["10: stores[1].code: is missing"]),
        (START + STORE + 'country = "?"\n', [f"13: stores[1].country: {COUNTRY}"]),
        (START + STORE + 'telephone = "01 44 00 00 00"\n', ["13: stores[1].telephone: is no telephone number"]),
        (START + STORE + 'fax = "1"\n', ["13: stores[1].fax: unknown key; known here: brand, code, country, name, telephone"]),
        (START + '[placeholders]\nemails = ["None@b.example"]\n', [f"11: placeholders.emails: {ADDRESSES}"]),
        (START + '[placeholders]\nphones = ["01 44 00 00 00"]\n', [f"11: placeholders.phones: {PHONES}"]),
        (START + '[placeholders]\nphones = ["+33 144000000"]\n', [f"11: placeholders.phones: {PHONES}"]),
        (START + '[placeholders]\nphone = ["+33144000000"]\n', ["11: placeholders.phone: unknown key; did you mean phones?"]),
        (START.replace('"FR"', '"FR"\neea_main_establishment = "fr"'), [f"6: controllers[1].eea_main_establishment: {EEA}"]),
        (START.replace('"FR"', '"FR"\neea_main_establishment = "CH"'), [f"6: controllers[1].eea_main_establishment: {EEA}"]),
    ],
)  # fmt: skip
def test_each_mistake_is_told_with_its_line_and_field(text, messages):
    assert refused(text) == [f"g.toml:{message}" for message in messages]


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines():
    text = START.replace('"FR"', '"?"').replace('"b.toml"', '"/b"').replace('"G"', "1") + STORE.replace('"b"', '"x"')
    assert [message.split(":")[1] for message in refused(text)] == ["1", "5", "9", "11"]


def test_two_that_lack_an_id_are_missing_one_each():
    nameless = CONTROLLER.replace('id = "c"\n', "")
    assert refused('group = "G"\n' + nameless + nameless + BRAND) == [
        "g.toml:2: controllers[1].id: is missing",
        "g.toml:5: controllers[2].id: is missing",
        "g.toml:10: brands[1].controller: names none of: nothing defined",
    ]


@pytest.mark.parametrize("identifier", ["b", "b-1_c", "b" + "x" * 62])
def test_an_identifier_may_be_of_each_allowed_form(identifier):
    assert list(parse_group(START.replace('"b"', f'"{identifier}"'), "g.toml").brands) == [identifier]


def test_a_folder_may_be_named_with_dots():
    text = START.replace('"b.toml"', '"brands/..b/b..toml"')
    assert parse_group(text, "g.toml").brands["b"].mapping == "brands/..b/b..toml"


def test_a_country_may_be_written_in_three_letters_and_is_kept_in_two():
    assert parse_group(START.replace('"FR"', '"FRA"'), "g.toml").controllers["c"].country == "FR"


SECRET = "ada.lovelace"
PLACES = [
    START.replace('"FR"', f'"{SECRET}"'),
    START.replace('id = "b"', f'id = "{SECRET}"'),
    START.replace('controller = "c"', f'controller = "{SECRET}"'),
    START.replace('"b.toml"', f'"/{SECRET}"'),
    START.replace('"FR"', f'"FR"\neea_main_establishment = "{SECRET}"'),
    START + f'joint_controllers = ["{SECRET}"]\n',
    START + STORE + f'telephone = "{SECRET}"\n',
    START + STORE.replace('"b"', f'"{SECRET}"'),
    START + STORE.replace('"1"', f'"{SECRET}"') * 2,
    START + f'[placeholders]\nemails = ["{SECRET}"]\n',
    START + f'[placeholders]\nphones = ["{SECRET}"]\n',
    START + f'[placeholders]\nnames = ["{SECRET}", "{SECRET}"]\n',
]  # fmt: skip


@pytest.mark.parametrize("text", PLACES)
def test_no_message_repeats_a_value(text):
    assert SECRET not in "\n".join(refused(text))


@given(st.text(max_size=200))
def test_any_text_is_a_group_or_refused(text):
    with pytest.raises(RuleError):
        parse_group(text, "g.toml")
    with pytest.raises(RuleError):
        parse_group(START + "\n[placeholders]\nemails = " + repr([text]) + "\nphones = 1", "g.toml")
