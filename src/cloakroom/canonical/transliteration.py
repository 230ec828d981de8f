"""Letters of other alphabets in Latin ones, for comparing names; not for showing them.

Cyrillic and Greek follow the tables of ICAO Doc 9303 part 3 §6 in substance, kana the Hepburn system, Hangul the
Revised Romanization (South Korea, 2000) syllable by syllable, without sound changes between syllables. Han
characters have no fixed sound, Arabic, Hebrew and Thai write vowels and word ends in ways that no table settles:
they give None.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum

_CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяієїґў",
        [
            "a",
            "b",
            "v",
            "g",
            "d",
            "e",
            "e",
            "zh",
            "z",
            "i",
            "i",
            "k",
            "l",
            "m",
            "n",
            "o",
            "p",
            "r",
            "s",
            "t",
            "u",
            "f",
            "kh",
            "ts",
            "ch",
            "sh",
            "shch",
            "",
            "y",
            "",
            "e",
            "iu",
            "ia",
            "i",
            "ie",
            "i",
            "g",
            "u",
        ],
        strict=True,
    )
)
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        [
            "a",
            "v",
            "g",
            "d",
            "e",
            "z",
            "i",
            "th",
            "i",
            "k",
            "l",
            "m",
            "n",
            "x",
            "o",
            "p",
            "r",
            "s",
            "s",
            "t",
            "y",
            "f",
            "ch",
            "ps",
            "o",
        ],
        strict=True,
    )
)
_KANA_ROWS = {
    "a i u e o": "アイウエオ",
    "ka ki ku ke ko": "カキクケコ",
    "ga gi gu ge go": "ガギグゲゴ",
    "sa shi su se so": "サシスセソ",
    "za ji zu ze zo": "ザジズゼゾ",
    "ta chi tsu te to": "タチツテト",
    "da ji zu de do": "ダヂヅデド",
    "na ni nu ne no": "ナニヌネノ",
    "ha hi fu he ho": "ハヒフヘホ",
    "ba bi bu be bo": "バビブベボ",
    "pa pi pu pe po": "パピプペポ",
    "ma mi mu me mo": "マミムメモ",
    "ya yu yo": "ヤユヨ",
    "ra ri ru re ro": "ラリルレロ",
    "wa o n vu": "ワヲンヴ",
}
_KANA = {
    sign: sound for sounds, signs in _KANA_ROWS.items() for sound, sign in zip(sounds.split(), signs, strict=True)
}
_SMALL_KANA = dict(zip("ャュョァィゥェォ", ["ya", "yu", "yo", "a", "i", "u", "e", "o"], strict=True))
_INITIALS = ("g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h")
_VOWELS = (
    "a",
    "ae",
    "ya",
    "yae",
    "eo",
    "e",
    "yeo",
    "ye",
    "o",
    "wa",
    "wae",
    "oe",
    "yo",
    "u",
    "wo",
    "we",
    "wi",
    "yu",
    "eu",
    "ui",
    "i",
)
_FINALS = (
    *("", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p", "l", "m", "p", "p", "t", "t", "ng"),
    *("t", "t", "k", "t", "p", "t"),
)
_HIRAGANA_BELOW = 0x60  # hiragana lie that far below the katakana of the same sound
# Family names whose customary spelling has other consonants than the system gives.
_KOREAN_FAMILY_NAMES = {"이": "lee", "박": "park", "임": "lim", "노": "roh", "유": "yoo", "우": "woo", "오": "oh"}
_FIRST_SYLLABLE, _LAST_SYLLABLE = 0xAC00, 0xD7A3


class Script(StrEnum):
    """The writing system of a word."""

    LATIN = "latin"
    CYRILLIC = "cyrillic"
    GREEK = "greek"
    KANA = "kana"
    HANGUL = "hangul"
    HAN = "han"
    OTHER = "other"
    MIXED = "mixed"


def script_of(text: str) -> Script:
    """Return the script of the letters of `text`; no letters count as Latin."""
    scripts = {_script_of_letter(sign) for sign in text if sign.isalpha()}
    if not scripts:
        return Script.LATIN
    return scripts.pop() if len(scripts) == 1 else Script.MIXED


def transliterate(word: str) -> str | None:
    """Return a folded, lower-case word in the letters a to z, or None where that takes a dictionary."""
    match script_of(word):
        case Script.LATIN:
            return word
        case Script.CYRILLIC:
            return "".join(_CYRILLIC.get(sign, "") for sign in unicodedata.normalize("NFC", word))
        case Script.GREEK:
            return "".join(_GREEK.get(sign, "") for sign in word)
        case Script.KANA:
            return _from_kana(word)
        case Script.HANGUL:
            return _from_hangul(word)
        case _:
            return None


def _script_of_letter(sign: str) -> Script:
    name = unicodedata.name(sign, "")
    for prefix, script in (
        ("LATIN", Script.LATIN),
        ("CYRILLIC", Script.CYRILLIC),
        ("GREEK", Script.GREEK),
        ("HIRAGANA", Script.KANA),
        ("KATAKANA", Script.KANA),
        ("HANGUL", Script.HANGUL),
        ("CJK", Script.HAN),
        ("IDEOGRAPHIC", Script.HAN),
    ):
        if name.startswith(prefix):
            return script
    return Script.OTHER


def _from_kana(word: str) -> str:
    sounds: list[str] = []
    for sign in word:
        katakana = chr(ord(sign) + _HIRAGANA_BELOW) if "ぁ" <= sign <= "ゖ" else sign
        if katakana in _SMALL_KANA:
            glide = _SMALL_KANA[katakana]
            if sounds and sounds[-1].endswith("i"):
                stem = sounds.pop()[:-1]
                sounds.append(stem + (glide[1:] if stem.endswith(("sh", "ch", "j")) else glide))
            else:
                sounds.append(glide)
        else:
            sounds.append(_KANA.get(katakana, ""))
    return "".join(sounds)


def _from_hangul(word: str) -> str | None:
    if word in _KOREAN_FAMILY_NAMES:
        return _KOREAN_FAMILY_NAMES[word]
    sounds: list[str] = []
    for sign in word:
        if not _FIRST_SYLLABLE <= ord(sign) <= _LAST_SYLLABLE:
            return None
        index = ord(sign) - _FIRST_SYLLABLE
        sounds.append(_INITIALS[index // 588] + _VOWELS[index % 588 // 28] + _FINALS[index % 28])
    return "".join(sounds)
