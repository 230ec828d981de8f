"""Letters of other alphabets have the Latin ones that the tables give them, and no others."""

from __future__ import annotations

import unicodedata

import pytest

from cloakroom.canonical.transliteration import Script, script_of, transliterate


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("жуков", "zhukov"), ("хрущёв", "khrushchev"), ("юрий", "iurii"), ("яна", "iana"), ("цой", "tsoi"),
        ("чайка", "chaika"), ("ольга", "olga"), ("объект", "obekt"), ("рыбак", "rybak"), ("эмма", "emma"),
        ("шевченко", "shevchenko"), ("їжак", "izhak"), ("єва", "ieva"), ("ґанок", "ganok"), ("наїна", "naina"),
        ("σοφια", "sofia"), ("θεα", "thea"), ("ψυχη", "psychi"), ("ξανθος", "xanthos"), ("σωσω", "soso"),
        ("サトウ", "satou"), ("シチツフジ", "shichitsufuji"), ("ヂヅ", "jizu"), ("ヲンヴ", "onvu"),
        ("さくら", "sakura"),
        ("キャシュチョジャ", "kyashuchoja"), ("ファ", "fua"), ("ティ", "tei"), ("ァ", "a"), ("パピ", "papi"),
        ("김", "gim"), ("철수", "cheolsu"), ("한글", "hangeul"), ("꽃", "kkot"), ("강", "gang"), ("쌀", "ssal"),
        ("이", "lee"), ("박", "park"), ("임", "lim"), ("노", "roh"), ("유", "yoo"), ("우", "woo"), ("오", "oh"),
        ("이나", "ina"), ("가", "ga"), ("힣", "hit"), ("anna", "anna"), ("", ""), ("12", "12"),
    ],
)  # fmt: skip
def test_a_word_has_its_letters(word: str, expected: str) -> None:
    assert transliterate(word) == expected


def test_a_letter_in_two_parts_is_the_letter() -> None:
    assert transliterate(unicodedata.normalize("NFD", "йёї")) == transliterate("йёї") == "iei"


@pytest.mark.parametrize("word", ["佐藤", "محمد", "כהן", "ไทย", "annaсофия", "佐藤さん", "ㄱ", "김ㄱ"])
def test_what_takes_a_dictionary_has_none(word: str) -> None:
    assert transliterate(word) is None


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Zoë", Script.LATIN), ("", Script.LATIN), ("12-3", Script.LATIN), ("Иван", Script.CYRILLIC),
        ("Άννα", Script.GREEK), ("さくら", Script.KANA), ("サクラ", Script.KANA), ("さサ", Script.KANA),
        ("김", Script.HANGUL), ("佐", Script.HAN), ("〆", Script.HAN), ("ع", Script.OTHER), ("aи", Script.MIXED),
        ("佐さ", Script.MIXED), ("Иван 1", Script.CYRILLIC),
    ],
)  # fmt: skip
def test_a_text_is_of_the_script_of_all_its_letters(text: str, script: Script) -> None:
    assert script_of(text) is script
