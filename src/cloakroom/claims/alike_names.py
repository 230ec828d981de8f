"""Names that are not equal and may be one all the same: letters lost, names cut off, names in another script.

All names are in comparison form (`cloakroom.canonical.name.fold_name`), with `LOST` for each letter that is lost.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

from cloakroom.canonical.name import PersonName, Rule, names_compatible
from cloakroom.canonical.transliteration import script_of, transliterate

LOST = "ʔ"
"""Stands for a letter that some system could not hold: a letter of no name here, so that folding leaves it."""
MARKS = ("?", "\ufffd", "¿")
_LEAST_KNOWN = 2
_LEAST_OF_NAME = 5
_WORDS_MAX = 12
_LETTERS_OF_MARK = 2
_TEXT_MAX = 400
_RUNS = re.compile(f"([?{LOST}\ufffd]+)")
_UMLAUTS = re.compile("[aou]e")


class Likeness(IntEnum):
    """Relation of one name to another."""

    DIFFERS = -1
    SILENT = 0
    AGREES = 1


@lru_cache(maxsize=200_000)
def likeness(shown: str, held: str, further: str, *, is_cut: bool, is_part: bool, in_ascii: str = "") -> Likeness:
    """Return what a shown name says of a held one.

    Args:
        shown: The name of a row.
        held: The name of a record.
        further: What the record holds beside it, such as a patronymic.
        is_cut: Whether the column that shows it may have cut it off.
        is_part: Whether the table shows only one part of names.
        in_ascii: Spellings of the held name without letters beyond ASCII, which some systems drop; ``|`` between.
    """
    if in_ascii and shown in in_ascii.split("|"):
        return Likeness.AGREES
    words, others = shown.split()[:_WORDS_MAX], held.split()[:_WORDS_MAX]
    more = further.split()[:_WORDS_MAX]
    if LOST in shown and LOST not in held:
        return _with_lost_letters(words, others, more, is_part=is_part)
    if _is_same_without_umlauts(words, others, is_part=is_part):
        return Likeness.AGREES
    if is_cut and _is_beginning(words, [*others, *more]):
        return Likeness.AGREES
    if script_of("".join(words)) != script_of("".join(others)):
        return _in_another_script(shown, held)
    return Likeness.DIFFERS


def _with_lost_letters(words: list[str], others: list[str], more: list[str], *, is_part: bool) -> Likeness:
    """Compare word by word; a mark stands for two letters at most, as of ß, or for none: some write one per byte."""
    left = list(others)
    for word in sorted(words, key=lambda word: -len(word.replace(LOST, ""))):
        found = next((pair for pair in _joined(left) if _fits(word, pair[0])), None)
        if found is None and not any(_fits(word, text) for text in more):
            return Likeness.DIFFERS
        for text in found[1] if found else ():
            left.remove(text)
    if left and not is_part:
        return Likeness.DIFFERS
    known = sum(len(word.replace(LOST, "")) for word in words)
    return Likeness.AGREES if known >= _LEAST_KNOWN else Likeness.SILENT


def is_with_lost_letters(shown: str, held: str) -> bool:
    """Return whether a shown text is the held one with letters lost; a name whatever the order of its words."""
    if LOST in shown:
        return likeness(shown, held, "", is_cut=False, is_part=False) is Likeness.AGREES
    return _fits(shown[:_TEXT_MAX], held[:_TEXT_MAX])


def _fits(shown: str, held: str) -> bool:
    """Return whether a text is another one, each mark in it standing for the letters that one sign folds to.

    Keeps the places that can be reached, so that no text takes long whatever marks stand in it.
    """
    places = {0}
    for number, part in enumerate(_RUNS.split(shown)):
        if number % 2:
            reach = _LETTERS_OF_MARK * len(part)
            places = {to for place in places for to in range(place, min(place + reach, len(held)) + 1)}
        elif part:
            places = {place + len(part) for place in places if held.startswith(part, place)}
        if not places:
            return False
    return len(held) in places


def _joined(words: list[str]) -> list[tuple[str, list[str]]]:
    """Return words, then pairs of them as one: what stood between them may be lost, too."""
    singles = [(word, [word]) for word in words]
    pairs = [(one + between + other, [one, other]) for one in words for other in words if one != other
             for between in ("", " ")]  # fmt: skip
    return singles + pairs


def _is_same_without_umlauts(words: list[str], others: list[str], *, is_part: bool) -> bool:
    here, there = ({_UMLAUTS.sub(lambda pair: pair[0][0], word) for word in some} for some in (words, others))
    return bool(here) and (here == there or (is_part and here <= there))


def _is_beginning(words: list[str], others: list[str]) -> bool:
    """Return whether each word is one of the others or the beginning of one, and enough of them is left to tell."""
    is_known = all(any(other.startswith(word) for other in others) for word in words)
    return is_known and len("".join(words)) >= _LEAST_OF_NAME


def _in_another_script(shown: str, held: str) -> Likeness:
    here, there = PersonName(None, shown), PersonName(None, held)
    if names_compatible(here, there, Rule.STRICT):
        return Likeness.AGREES
    has_sound = all(transliterate(word) is not None for word in (*shown.split(), *held.split()))
    return Likeness.DIFFERS if has_sound else Likeness.SILENT


def is_told(words: str, address: str) -> bool:
    """Return whether a name can be read off an address: each of its words stands in the part before the at sign.

    Args:
        words: The name as it is written, in lower case and with its accents, which an address does not tell.
        address: In normal form.
    """
    local = address.partition("@")[0]
    letters = re.sub(r"[^a-z]", "", local)
    parts = re.findall(r"[^\W\d_]+", words)
    return bool(parts) and all(part in letters for part in parts)
