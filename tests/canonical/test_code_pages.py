"""The code page of text is guessed by what it makes the text look like."""

from __future__ import annotations

import random

import pytest

from cloakroom.canonical.code_pages import guess_code_page
from cloakroom.testing.atlas import load_atlas

CULTURES = {
    "Polish": (9, ["cp1250", "iso8859_2", "cp852"]), "Greek": (12, ["cp1253", "iso8859_7"]),
    "Turkish": (22, ["cp1254"]), "Hebrew": (21, ["cp1255"]), "Arabic": (20, ["cp1256", "iso8859_6"]),
    "Japanese": (13, ["cp932", "euc_jp"]), "Chinese": (15, ["gb18030"]), "Cantonese": (16, ["big5"]),
    "Korean": (14, ["cp949"]), "Thai": (17, ["cp874"]), "French": (1, ["cp1252", "mac_roman", "cp850"]),
    "German": (2, ["cp1252", "mac_roman", "cp850"]), "Swedish": (10, ["cp1252"]), "Spanish": (3, ["cp1252"]),
    "Portuguese": (11, ["cp1252", "cp850"]),
}  # fmt: skip
RUSSIAN = ["Воронцова", "Щербаков", "Ёлкин", "Юдин", "Жанна", "Артём", "Фёдоров", "Хованская", "Цой", "Эльза"]
CASES = [(culture, page) for culture, (_, pages) in CULTURES.items() for page in pages]


def names(culture: int, count: int) -> list[str]:
    atlas, pick = load_atlas(), random.Random(1)
    parts = []
    for _ in range(count):
        words = [
            str(pool.native[int(pool.first[culture]) + pick.randrange(int(pool.count[culture]))])
            for pool in (atlas.given, atlas.family)
        ]
        parts.append(",".join(words))
    return parts


def lines(words: list[str]) -> str:
    return "\n".join(f"{number},{word},p{number}@example.com" for number, word in enumerate(words))


@pytest.mark.parametrize(("culture", "page"), CASES)
def test_names_of_a_culture_are_read_with_their_page(culture, page):
    data = lines(names(CULTURES[culture][0], 150)).encode(page, "ignore")
    assert data.decode(guess_code_page(data).name) == data.decode(page)


@pytest.mark.parametrize("page", ["cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic"])
@pytest.mark.parametrize("case", [str, str.upper])
def test_russian_is_read_in_any_case(page, case):
    data = lines([case(word) for word in RUSSIAN]).encode(page)
    assert data.decode(guess_code_page(data).name) == data.decode(page)


def test_a_single_accented_letter_is_taken_for_western():
    assert guess_code_page("1,Élodie".encode("cp1252")).name == "cp1252"
    assert guess_code_page(b"").name == "cp1252"


def test_a_page_at_hand_is_kept_where_another_reads_the_same():
    data = "Müller, Köhler, Weiß".encode("cp1252")
    assert guess_code_page(data, preferred=["cp1250"]).name in ("cp1250", "cp1252")
    assert data.decode(guess_code_page(data, preferred=["cp1250"]).name) == "Müller, Köhler, Weiß"
