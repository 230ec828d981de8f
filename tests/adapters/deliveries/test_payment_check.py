"""Telephone numbers, amounts and ids are not taken for cards; cards among them are."""

import random
from itertools import islice

from cloakroom.adapters.deliveries import Limits, open_delivery
from cloakroom.vault.group import parse_group
from cloakroom.vault.mapping_file import parse_mapping
from cloakroom.vault.payment_data import is_card_number

GROUP = parse_group(
    'group = "G"\n[[controllers]]\nid = "c"\nname = "C"\ncountry = "DE"\n'
    '[[brands]]\nid = "b"\ncontroller = "c"\nmapping = "b.toml"\n',
    "group.toml",
)
MAPPING = parse_mapping(
    """
brand = "b"
[record]
id = "id"
[columns]
tel = "phone"
sum = "spend_total"
note = "notes"
[defaults]
country = "DE"
""",
    "b.toml",
)


def read(tmp_path, rows, limits=None):
    path = tmp_path / "f.csv"
    path.write_text("\n".join(["id,tel,sum,note", *(",".join(row) for row in rows)]), encoding="utf-8")
    return list(open_delivery(path, MAPPING, GROUP, limits=limits).batches())


def like_cards(length, count):
    source = random.Random(length)
    drawn = (str(source.randrange(10 ** (length - 1), 10**length)) for _ in range(10**6))
    return list(islice((text for text in drawn if is_card_number(text)), count))


def test_a_telephone_number_that_satisfies_luhn_is_one(tmp_path):
    source = random.Random(3)
    drawn = (f"4930{source.randrange(10**9):09d}" for _ in range(1000))
    numbers = [text for text in drawn if is_card_number(text)][:5]
    (batch,) = read(tmp_path, [[str(at), f"+{number}", "", ""] for at, number in enumerate(numbers)])
    assert batch.rejected == []
    (batch,) = read(tmp_path, [[str(at), number, "", ""] for at, number in enumerate(numbers)])
    assert batch.rejected == []


def test_digits_behind_the_decimal_mark_are_no_card(tmp_path):
    digits = like_cards(16, 1)[0]
    (batch,) = read(tmp_path, [["1", "", f"{digits[:4]}.{digits[4:]}", ""], ["2", "", digits, ""]])
    assert [(rejection.line, rejection.field) for rejection in batch.rejected] == [(3, "sum")]


def test_ids_that_look_like_cards_by_chance_are_ids(tmp_path):
    source = random.Random(7)
    ids = {str(source.randrange(10**15, 10**16)) for _ in range(3000)}
    assert sum(map(is_card_number, ids)) > 50
    (batch,) = read(tmp_path, [[identifier, "", "", ""] for identifier in ids])
    assert batch.rejected == []


def test_a_column_of_cards_is_no_column_of_ids(tmp_path):
    (batch,) = read(tmp_path, [[card, "", "", ""] for card in like_cards(16, 50)])
    assert len(batch.rejected) == 50


def test_marks_are_not_forgotten_when_a_record_goes_on_in_the_next_block(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(b'id,tel,sum,note\n1,,,"a\xff\nb"\n2,,,c\n')
    stated = parse_mapping(
        'brand = "b"\nignore = ["tel", "sum"]\n[format]\nencoding = "utf-8"\n[record]\nid = "id"\n'
        '[columns]\nnote = "notes"\n',
        "b.toml",
    )
    batches = list(open_delivery(path, stated, GROUP, limits=Limits(batch_rows=1)).batches())
    assert [r.line for b in batches for r in b.rejected] == [2]
    assert [i for b in batches for i in b.record_ids] == ["2"]
