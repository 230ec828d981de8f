"""Comparison forms of personal names, for the question whether two records may be about one person.

Two rules, since no rule is right: the **strict** one joins few strangers, the **loose** one misses few relations.

Strict: equal apart from letter case, diacritics, punctuation, the order of the parts and one typing error (one
letter added, left out, replaced, or two neighbours swapped), in texts of at least four letters. Names in
different scripts are compared by their transliteration where one exists letter by letter (Cyrillic, Greek, kana,
Hangul). Transliterations differ from one system to the next (김 is Gim, Kim or Kym), so across scripts only the
skeleton of consonant classes is compared. Two missing names are not compatible.

Loose: everything strict, and also the same given name with another family name (people marry), an initial for a given
name, a missing name on either side, names in scripts that cannot be compared (Han characters carry no sound), and
names in two scripts of which one word has nearly the same consonants.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from cloakroom.canonical.transliteration import Script, script_of, transliterate

MAX_LENGTH = 400

_SPECIAL = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŋ": "n", "ŧ": "t"}
)
_HIRAGANA_TO_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_SKELETON = str.maketrans(
    {"g": "k", "q": "k", "c": "k", "x": "k", "d": "t", "b": "p", "v": "p", "f": "p", "w": "", "z": "s", "j": "s"}
    | {"l": "r", "m": "n", "h": ""}
    | dict.fromkeys("aeiouy", "")
)
_DIGRAPHS = (
    ("shch", "s"),
    ("tch", "s"),
    ("sch", "s"),
    ("ch", "s"),
    ("sh", "s"),
    ("ts", "s"),
    ("th", "t"),
    ("ph", "p"),
)


class Rule(StrEnum):
    """The difference that two names of one person may have."""

    STRICT = "strict"
    LOOSE = "loose"


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name as a system holds it; either part may be missing, or hold both."""

    given: str | None = field(default=None, repr=False)
    family: str | None = field(default=None, repr=False)


def fold_name(text: str) -> str:
    """Return the comparison form: letters only, lower case, no diacritics, words in alphabetical order.

    Letters keep their script; Hangul stays in whole syllables.
    """
    return " ".join(sorted(_words(text)))


def names_compatible(one: PersonName, other: PersonName, rule: Rule = Rule.STRICT) -> bool:
    """Answer whether two names may belong to one person under `rule`. Symmetric."""
    first, second = _fold(one.given, one.family), _fold(other.given, other.family)
    if _strictly(first, second):
        return True
    return rule is Rule.LOOSE and _loosely(first, second)


@dataclass(frozen=True, slots=True)
class _Folded:
    given: tuple[str, ...]
    family: tuple[str, ...]
    script: Script

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(sorted(self.given + self.family))

    def latin(self) -> tuple[str, ...] | None:
        """Return the words in Latin letters, or None where they cannot be transliterated."""
        words = [transliterate(word) for word in self.words]
        return None if None in words else tuple(sorted(word for word in words if word))


@lru_cache(maxsize=16384)
def _fold(given: str | None, family: str | None) -> _Folded:
    parts = tuple(_words(given or "")), tuple(_words(family or ""))
    return _Folded(*parts, script_of("".join((*parts[0], *parts[1]))))


def _words(text: str) -> list[str]:
    # Piece by piece, since most pieces of names come again and again. No letter's form depends on one beyond a blank.
    return [word for piece in text[:MAX_LENGTH].split(" ") for word in _words_of_piece(piece)]


@lru_cache(maxsize=65536)
def _words_of_piece(text: str) -> tuple[str, ...]:
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(_SPECIAL)
    # Kana voicing marks are combining too, but they change the sound, hence the letter: put back by NFC below.
    kept = "".join(sign for sign in decomposed if not _is_accent(sign)).replace("'", "").replace("’", "")
    composed = unicodedata.normalize("NFC", kept).translate(_HIRAGANA_TO_KATAKANA)
    return tuple(word for word in _NOT_LETTERS.split(composed) if word)


def _is_accent(sign: str) -> bool:
    return unicodedata.combining(sign) != 0 and sign not in "\u3099\u309a"


def _strictly(one: _Folded, other: _Folded) -> bool:
    if not one.words or not other.words:
        return False
    if one.words == other.words or "".join(one.words) == "".join(other.words):
        return True
    if one.script == other.script:
        return _differ_by_one_slip(one, other)
    return _sound_alike(one, other)


def _differ_by_one_slip(one: _Folded, other: _Folded) -> bool:
    """Answer for two names in one script, in any order of their parts."""
    whole = "".join(one.given + one.family)
    return any(
        min(len(whole), len(text)) >= 4 and is_one_slip(whole, text)
        for text in ("".join(other.given + other.family), "".join(other.family + other.given))
    )


def _sound_alike(one: _Folded, other: _Folded) -> bool:
    first, second = one.latin(), other.latin()
    if first is None or second is None:
        return False
    here, there = sorted(map(_skeleton, first)), sorted(map(_skeleton, second))
    return here == there and len("".join(here)) >= 2


def _loosely(one: _Folded, other: _Folded) -> bool:
    if not one.words or not other.words:
        return True
    if one.script != other.script:
        return _may_sound_alike(one, other)
    for here, there in ((one.given, other.given), (one.given, other.family), (one.family, other.given)):
        # Parts may have been swapped on one side; family name against family name says nothing.
        if here and there and ("".join(here) == "".join(there) or _same_given(here, there)):
            return True
    return _is_initial(one, other) or _is_initial(other, one)


def _may_sound_alike(one: _Folded, other: _Folded) -> bool:
    """Answer loosely for two scripts: nothing to compare, or one word of each with nearly the same consonants."""
    first, second = one.latin(), other.latin()
    if first is None or second is None:
        return True
    here, there = map(_skeleton, first), list(map(_skeleton, second))
    return any(word and is_one_slip(word, match) for word in here for match in there if match)


def _same_given(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    here, there = "".join(one), "".join(other)
    return min(len(here), len(there)) >= 4 and is_one_slip(here, there)


def _is_initial(one: _Folded, other: _Folded) -> bool:
    """Answer whether the given name of `one` is the initial of that of `other`, the family names being equal."""
    return (
        len("".join(one.given)) == 1
        and bool(other.given)
        and other.given[0].startswith(one.given[0])
        and one.family == other.family
    )


def _skeleton(word: str) -> str:
    for digraph, sign in _DIGRAPHS:
        word = word.replace(digraph, sign)
    consonants = word.translate(_SKELETON)
    return re.sub(r"(.)\1+", r"\1", consonants)


def is_one_slip(one: str, other: str) -> bool:
    """Answer whether one added, missing, replaced letter or one swap of neighbours turns `one` into `other`."""
    if one == other:
        return True
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    here, there = one[start:], other[start:]
    if len(one) != len(other):
        return here[1:] == there or here == there[1:]
    return here[1:] == there[1:] or (here[:2] == there[1::-1] and here[2:] == there[2:])
