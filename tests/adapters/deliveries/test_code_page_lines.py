"""Lines of UTF-8 among lines of a code page are decoded as such or refused, and never stored as their mojibake."""

import json
import random
from itertools import product

import pytest
from delivery_world import NOTES, delivered, refused, taken, values

from cloakroom.adapters.deliveries import Limits

WORDS = {
    "cp1252": ["Müller", "Hélène", "Peña", "Ångström", "Straße 5", "Łódź", "Škoda", "“so”", "5 €"],
    "cp1250": ["Dvořák", "Černý", "Růžičková", "Žďár", "Plzeň"],
    "cp1251": ["Иванов", "Пётр", "Київ", "Ђорђевић", "№ 5"],
    "cp1253": ["Παπαδόπουλος", "Αθήνα"],
    "gb18030": ["王小明", "上海市", "张伟", "李娜"],
    "cp932": ["山田太郎", "東京都", "さくら", "カタカナ"],
}


def lines(page, seed, share):
    """Return rows of a file of both, and their words; what the page cannot hold is written in UTF-8."""
    drawn = random.Random(seed)
    words = [drawn.choice(WORDS[page]) for _ in range(200)]
    rows = []
    for number, word in enumerate(words):
        row = f"C{number},{word}\n"
        try:
            in_page = row.encode(page)
        except UnicodeEncodeError:
            in_page = row.encode()
        rows.append(row.encode() if drawn.random() < share else in_page)
    return b"id,note\n" + b"".join(rows), words


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
@pytest.mark.parametrize("page", WORDS)
def test_each_line_of_a_file_of_both_is_decoded_by_itself_or_refused(tmp_path, page, share):
    data, words = lines(page, 3, share)
    batches = delivered(tmp_path, data)
    expected = {f"C{number}": word for number, word in enumerate(words)}
    found = dict(zip(taken(batches), values(batches, "notes"), strict=True))
    assert {one: text for one, text in found.items() if text != expected[one]} == {}
    assert len(found) + len(refused(batches)) == len(words)
    assert len(found) >= len(words) * 0.9


@pytest.mark.parametrize("size", [20, 64, 1024])
def test_lines_of_utf_8_beyond_the_beginning_are_found_too(tmp_path, size):
    data = "id,note\n1,Müller\n2,Hélène\n".encode("cp1252") + "3,Müller\n4,Hélène\n".encode()
    batches = delivered(tmp_path, data, limits=Limits(sample_bytes=size, batch_rows=1))
    assert values(batches, "notes") == ["Müller", "Hélène"] * 2


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
def test_any_line_end_parts_them(tmp_path, newline):
    parts = [b"id,note", "1,Müller".encode("cp1252"), "2,Müller".encode(), "3,Jos\xe9".encode("cp1252")]
    batches = delivered(tmp_path, newline.encode().join(parts) + newline.encode())
    assert values(batches, "notes") == ["Müller", "Müller", "José"]


def test_json_lines_are_decoded_alike(tmp_path):
    rows = [json.dumps({"id": str(number), "note": "Müller"}, ensure_ascii=False) for number in range(4)]
    data = b"\n".join(row.encode("cp1252" if number % 2 else "utf-8") for number, row in enumerate(rows))
    assert values(delivered(tmp_path, data), "notes") == ["Müller"] * 4


def test_a_header_of_utf_8_over_lines_of_a_code_page_is_read(tmp_path):
    mapping = '[record]\nid = "id"\n[columns]\n"Prénom" = "given_name"\n'
    data = "id,Prénom\n".encode() + "1,Hélène\n2,André\n".encode("cp1252") + "3,Zoé\n".encode()
    assert values(delivered(tmp_path, data, mapping), "given_name") == ["Hélène", "André", "Zoé"]


def test_a_line_that_holds_both_is_refused_with_its_column(tmp_path):
    mapping = '[record]\nid = "id"\n[columns]\nfirst = "given_name"\nlast = "family_name"\n'
    both = b"2," + "Hélène".encode("cp1252") + b"," + "Müller".encode() + b"\n"
    data = b"id,first,last\n" + "1,Hélène,Müller\n".encode("cp1252") + both + "3,Zoé,Weiß\n".encode("cp1252")
    batches = delivered(tmp_path, data, mapping)
    assert taken(batches) == ["1", "3"]
    assert refused(batches) == [(3, "last", "holds bytes that are not cp1252")]


def test_a_letter_of_utf_8_that_was_cut_is_refused_and_does_not_make_the_file_another(tmp_path):
    """Exports that cut columns at a number of bytes leave halves of letters."""
    data = "id,note\n1,Müller\n2,Jose".encode() + b"\xc3\n" + "3,Ærø\n4,日本".encode() + b"\xe6\x9c\n5,x\n"
    batches = delivered(tmp_path, data)
    assert values(batches, "notes") == ["Müller", "Ærø", "x"]
    assert refused(batches) == [(line, "note", "holds bytes that are not utf-8") for line in (3, 5)]


def test_in_a_file_of_both_a_letter_that_was_cut_is_refused(tmp_path):
    data = "id,note\n1,Müller\n2,Jose".encode() + b"\xc3\n" + "3,Jos\xe9\n4,Wei\xdf\n".encode("cp1252")
    batches = delivered(tmp_path, data)
    assert values(batches, "notes") == ["Müller", "José", "Weiß"]
    assert refused(batches) == [(3, "note", "holds bytes that are not utf-8, nor certainly cp1252")]


def test_where_the_page_is_stated_lines_of_utf_8_are_refused_by_themselves(tmp_path):
    mapping = '[format]\nencoding = "cp1252"\n' + NOTES
    data = b"id,note\n" + "1,Hélène\n".encode("cp1252") * 3 + "4,Müller\n".encode() + "5,Zoé\n".encode("cp1252")
    batches = delivered(tmp_path, data, mapping)
    assert values(batches, "notes") == ["Hélène"] * 3 + ["Zoé"]
    assert refused(batches) == [(5, "note", "holds bytes that are not cp1252")]


@pytest.mark.parametrize("text", ["CAFÉ®", "ESPAÑ™", "STRAß–", "«à»", "Île", "É…", "AÎ´", "Ü·"])
def test_what_only_looks_like_utf_8_stays_text_of_its_page(tmp_path, text):
    rows = "".join(f"{number},Hélène à Besançon\n" for number in range(40))
    batches = delivered(tmp_path, f"id,note\n{rows}x,{text}\n".encode("cp1252"))
    assert values(batches, "notes")[-1] == text
    assert refused(batches) == []


@pytest.mark.parametrize(
    ("page", "words"),
    [
        *((page, WORDS[page]) for page in ("cp1252", "cp1250", "cp1253", "gb18030", "cp932")),
        *((page, ["Иванов", "Пётр", "сад", "хан"]) for page in ("cp1251", "cp866", "koi8_r")),
        ("cp850", ["Müller", "Hélène"]),
    ],
)
def test_a_file_of_one_page_is_read_as_before(tmp_path, page, words):
    held = [word for word in words if word.encode(page, "ignore").decode(page) == word]
    written = [f"{one} {other} {number}" for number, (one, other) in enumerate(product(held, held))]
    rows = "".join(f"{number},{text}\n" for number, text in enumerate(written))
    stated = f'[format]\nencoding = "{page}"\n' + NOTES
    for mapping in (NOTES, stated):
        batches = delivered(tmp_path, f"id,note\n{rows}".encode(page), mapping)
        assert values(batches, "notes") == written
        assert refused(batches) == []
