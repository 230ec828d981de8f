"""Names not equal letter by letter: letters lost, names cut off, other scripts; and names told by addresses."""

from __future__ import annotations

import time

import pytest

from cloakroom.canonical.name import fold_name
from cloakroom.claims.alike_names import LOST, Likeness, is_told, is_with_lost_letters, likeness
from cloakroom.claims.values import _folded_name


def says(shown: str, held: str, further: str = "", *, cut: bool = False, part: bool = False) -> str:
    return likeness(_folded_name(shown), fold_name(held), fold_name(further), is_cut=cut, is_part=part).name


@pytest.mark.parametrize(
    ("shown", "held", "expected"),
    [
        ("G?khan K?l?ç", "Gökhan Kılıç", "AGREES"),
        ("G??khan K??l??ç", "Gökhan Kılıç", "AGREES"),  # One mark for each byte.
        ("Ma\ufffdgorzata W\ufffdsik", "Małgorzata Wąsik", "AGREES"),
        ("Dell?Acqua Chiara", "Chiara Dell’Acqua", "AGREES"),
        ("Jean?Pierre Roux", "Jean Pierre Roux", "AGREES"),  # A blank of another kind is lost, too.
        ("K?l?ç", "Gökhan Kılıç", "DIFFERS"),
        ("G?khan Demir", "Gökhan Kılıç", "DIFFERS"),
        ("G?khan K?l?çay", "Gökhan Kılıç", "DIFFERS"),
        ("Zo? Stra?burger", "Zoë Straßburger", "AGREES"),  # One sign, two letters.
        ("?? ???", "五十嵐 陽葵", "SILENT"),
        ("? Okafor", "Oliver Okafor", "DIFFERS"),  # One letter is lost, not six.
    ],
)
def test_lost_letters_match_any_letter_and_no_more(shown, held, expected) -> None:
    assert says(shown, held) == expected


def test_lost_letters_of_one_part_of_a_name_agree_where_a_table_shows_one_part() -> None:
    assert says("K?l?ç", "Gökhan Kılıç", part=True) == "AGREES"
    assert says("K?l?ç Mehm?t", "Gökhan Kılıç", "Mehmet", part=True) == "AGREES"


@pytest.mark.parametrize(
    ("shown", "cut", "expected"),
    [
        ("Alexandr Feathersto", True, "AGREES"), ("Alexandr Feathersto", False, "DIFFERS"),
        ("Alexandra", True, "AGREES"), ("Al", True, "DIFFERS"), ("Alexandra F", True, "AGREES"),
        ("Alexandr Smith", True, "DIFFERS"),
        ("Alexander Featherstone", True, "DIFFERS"),
    ],
)  # fmt: skip
def test_a_name_that_ends_where_its_column_ends_is_the_beginning_of_one(shown, cut, expected) -> None:
    assert says(shown, "Alexandra Featherstonehaugh", cut=cut) == expected


@pytest.mark.parametrize(
    ("shown", "held", "expected"),
    [
        ("Mueller Joerg", "Jörg Müller", "AGREES"), ("Muller Jorg", "Jörg Müller", "AGREES"),
        ("Mueller Karl", "Jörg Müller", "DIFFERS"),
        ("Olga Shcherbakova", "Ольга Щербакова", "AGREES"), ("Olga Ivanova", "Ольга Щербакова", "DIFFERS"),
        ("Georgios Papadopoulos", "Γεώργιος Παπαδόπουλος", "AGREES"),
        ("Himari Igarashi", "五十嵐 陽葵", "SILENT"),  # Han characters do not tell their sound.
        ("Anna Rossi", "Anno Rossi", "DIFFERS"),  # A slip of one letter is no other spelling.
    ],
)  # fmt: skip
def test_names_are_compared_across_scripts_as_far_as_letters_tell_the_sound(shown, held, expected) -> None:
    assert says(shown, held) == expected


def test_texts_with_lost_letters_are_compared_in_order() -> None:
    assert is_with_lost_letters("diyarbak?r", "diyarbakır")
    assert is_with_lost_letters("? rue de l?h?pital", "8 rue de l’hôpital")
    assert not is_with_lost_letters("diyarbak?", "diyarbakır merkez")


@pytest.mark.parametrize("text", ["?a" * 200, "?" * 400, "??a" * 130, f"{LOST}a" * 200])
def test_no_text_full_of_marks_takes_long(text) -> None:
    begin = time.monotonic()
    for held in ("a" * 400, "a" * 399 + "b", "ab" * 200):
        likeness(text, held, "", is_cut=False, is_part=False)
        is_with_lost_letters(text, held)
    assert time.monotonic() - begin < 0.5


@pytest.mark.parametrize(
    ("name", "address", "expected"),
    [
        ("ada example", "ada.example@example.org", True), ("example ada", "adaexample97@example.org", True),
        ("ada", "ada.example@example.org", True), ("ada example", "ada@example.org", False),
        ("zoé garçon", "zoe.garcon@example.org", False),  # The address does not tell the accents.
        ("ada example", "kunde7@example.org", False), ("", "ada@example.org", False),
        ("ada example", "desk@ada.example", False),
    ],
)  # fmt: skip
def test_a_name_is_told_where_all_of_it_stands_before_the_at_sign(name, address, expected) -> None:
    assert is_told(name, address) is expected


def test_silence_stands_between_yes_and_no() -> None:
    assert Likeness.DIFFERS < Likeness.SILENT < Likeness.AGREES
