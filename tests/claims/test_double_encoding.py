"""Texts that were encoded twice are read as they were; others stay as they are."""

from __future__ import annotations

import pytest

from cloakroom.claims.double_encoding import undo_double_encoding

TEXTS = ["Zoé Garçon", "Käthe Straßburger", "Dell’Acqua", "Gökhan Kılıç", "五十嵐 陽葵", "Ольга Щербакова",
         "Małgorzata Wąsik", "خالد الشمري", "Πέτρος", "서연 김", "Łódź", "Düsseldorf", "Œuvre", "É"]  # fmt: skip
ENCODINGS = ["latin-1", "cp1252", "mac_roman", "cp437", "cp1251"]


def garbled(text: str, encoding: str) -> str | None:
    """Return a text whose bytes were taken for another encoding; None where that encoding has no sign for one."""
    try:
        return text.encode().decode(encoding)
    except UnicodeDecodeError:
        return None


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_text_taken_for_a_single_byte_encoding_is_restored(encoding) -> None:
    pairs = [(text, wrong) for text in TEXTS if (wrong := garbled(text, encoding)) is not None]
    assert len(pairs) > len(TEXTS) / 2
    assert [
        (wrong, undo_double_encoding(wrong)) for text, wrong in pairs if undo_double_encoding(wrong) != text
    ] == []


@pytest.mark.parametrize("times", [2, 3])
def test_a_text_encoded_several_times_is_restored(times) -> None:
    for text in TEXTS:
        wrong = text
        for _ in range(times):
            wrong = wrong.encode().decode("latin-1")
        assert undo_double_encoding(wrong) == text


@pytest.mark.parametrize("text", [*TEXTS, "", "plain", "Â", "Ã", "Ãris à la carte", "Рёв", "A©"])
def test_what_people_write_stays_as_it_is(text) -> None:
    assert undo_double_encoding(text) == text
