"""What people paste and address books export gives one row for each person, every value in a column of its own."""

from __future__ import annotations

import time

import pytest
from memory_dump import open_bytes, survey
from memory_store import MemoryStore, Version, check, customer
from pasted_writers import PASTED

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.labelled import label_layout
from cloakroom.claims.readers.rewriting import rewriting_of

COLUMNS = ("id", "given_name", "family_name", "email", "phone", "city")
OURS = [{name: customer(number)[name] for name in COLUMNS} for number in range(24)]
PEOPLE = [
    {
        "id": f"K{1000 + n}",
        "given_name": ("Ada Maria", "Zoë", "José Luis")[n % 3],
        "family_name": f"von Example{'abcdefgh'[n % 8]}",
        "email": f"zora.{n}@example.net",
        "phone": f"+49 30 1234 5{n:02}",
        "city": ("Bad Homburg v. d. Höhe", "Saint-Étienne", "Köln")[n % 3],
    }
    for n in range(24)
]
STORE = MemoryStore([Version(number, customer(number)) for number in range(30)])


@pytest.mark.parametrize("writer", PASTED)
def test_what_was_pasted_of_ours_is_proven_row_by_row(writer) -> None:
    report = check(STORE, {"dump": PASTED[writer](OURS).encode()})
    size = report.size
    count = len(OURS)
    assert (size.rows, size.rejected_rows, size.emails_distinct, size.emails_public_rule) == (count, 0, count, count)
    assert size.phones_distinct == count
    assert (len(report.matched.proven), report.verdict.word) == (count, "genuine")


@pytest.mark.parametrize("writer", PASTED)
def test_values_with_blanks_and_letters_of_all_kinds_stay_whole_and_together(writer) -> None:
    read = [row for batch in open_bytes(PASTED[writer](PEOPLE).encode()).batches for row in batch.whole().rows()]
    assert len(read) == len(PEOPLE)
    for person, row in zip(PEOPLE, read, strict=True):
        assert set(person.values()) <= {cell for cell in row if cell}


@pytest.mark.parametrize("writer", PASTED)
def test_strangers_are_never_ours_whatever_they_were_pasted_from(writer) -> None:
    report = check(STORE, {"dump": PASTED[writer](PEOPLE).encode()})
    assert len(report.matched.proven) == 0
    assert report.verdict.word in ("foreign", "cannot tell")


def rows_of(text: str) -> list[dict[str, str]]:
    batches = list(open_bytes(text.encode()).batches)
    assert sum(batch.rejected for batch in batches) == 0
    return [
        {name: cell for name, cell in row.items() if cell}
        for batch in batches
        for row in batch.whole().rows(named=True)
    ]


def test_a_value_goes_on_below_itself_and_a_label_that_comes_twice_has_two_columns() -> None:
    text = "".join(
        f"Name: Ada {n}\nAddress: 1 Some Street,\n    01067 Dresden\nEmail: a{n}@example.org\n"
        f"Email: b{n}@example.org\n\n"
        for n in range(4)
    )
    read = rows_of(text)
    assert read[2] == {
        "Name": "Ada 2",
        "Address": "1 Some Street, 01067 Dresden",
        "Email": "a2@example.org",
        "Email (3)": "b2@example.org",
    }
    assert len(read) == 4


def test_lines_between_labels_do_not_cut_a_row_and_what_is_missing_does_not_join_two() -> None:
    doubled = "\n\n".join(f"Name: Ada {n}\n\nEmail: a{n}@example.org\n\nCity: Bonn" for n in range(5))
    assert [row["City"] for row in rows_of(doubled)] == ["Bonn"] * 5
    gaps = "\n".join(
        ("" if n % 2 else f"Name: Ada {n}\n") + f"Email: a{n}@example.org\nPhone: +49301234{n:03}\n" for n in range(6)
    )
    assert [(row.get("Name"), row["Email"]) for row in rows_of(gaps)] == [
        (None if n % 2 else f"Ada {n}", f"a{n}@example.org") for n in range(6)
    ]


def test_pastes_in_other_languages_are_read() -> None:
    for name, mail, phone in (
        ("Имя", "Почта", "Телефон"),
        ("お名前", "メールアドレス", "電話番号"),
        ("Nom", "Courriel", "Tél."),
    ):
        text = "".join(f"{name}：Ada {n}\n{mail}： a{n}@example.org\n{phone}：+49301234{n:03}\n\n" for n in range(5))
        read = rows_of(text)
        assert [row[mail] for row in read] == [f"a{n}@example.org" for n in range(5)]
        assert read[0][name] == "Ada 0"


def test_what_is_empty_or_said_to_be_nothing_is_empty() -> None:
    text = "".join(f"name: Ada {n}\nemail: a{n}@example.org\nphone: NULL\ncity: n/a\n\n" for n in range(4))
    assert rows_of(text)[0] == {"name": "Ada 0", "email": "a0@example.org"}


def test_links_of_markdown_give_what_they_show() -> None:
    text = "".join(f"**Name:** Ada {n}\n**Mail:** [a{n}@example.org](mailto:a{n}@example.org)\n\n" for n in range(4))
    assert rows_of(text)[3] == {"Name": "Ada 3", "Mail": "a3@example.org"}


@pytest.mark.parametrize(
    "text",
    [
        "id,email\n1,a@example.org\n2,b@example.org\n",
        "Dear all,\nplease note: the list follows.\nRegards: A.\nada@example.org\n",
        "12:30:01 ada@example.org logged in\n12:30:02 bob@example.org logged in\n",
        "https://example.org/a\nhttps://example.org/b\nhttps://example.org/c\n",
        "ada@example.org:secret\nbob@example.org:secret\n",
        "users:\n  - name: Ada\n    mail: a@example.org\n  - name: Bob\n    mail: b@example.org\n",
        "".join(f"{'IT' if n % 2 else 'FR'}\ta{n}@example.org\n" for n in range(9)),
        "".join(f"Valmont | a{n}@example.org\n" for n in range(9)),
        "".join(f"INFO: a{n}@example.org logged in\nWARN: nobody\n" for n in range(9)),
        "Smith: a@example.org\nJones: b@example.org\nMiller: c@example.org\nBaker: d@example.org\n",
    ],
)
def test_texts_without_labels_are_not_taken_for_labelled_ones(text) -> None:
    assert label_layout(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "a;b;;c\n1;2;;3\n4;5;;6\n",
        "a,b,,\n1,2,,\n3,4,,\n",
        'id,name\n1,"x || y"\n2,"z || w"\n',
        "ip,mail\n::1,a@example.org\n::2,b@example.org\n",
        "a|b||c\n1|2|x|3\n4|5||6\n",
        '"a","b"\n"1","2"\n"3","4"\n',
        '"ada@example.org"\n"bob@example.org"\n"eve@example.org"\n',
        "'tis,a\n'twas,b\n",
    ],
)
def test_empty_cells_and_what_stands_in_cells_are_no_signs_between_them(text) -> None:
    assert rewriting_of(text) is None


def test_empty_cells_between_several_signs_are_empty() -> None:
    text = "id||name||city||email\n" + "".join(f"{n}||||Bonn||a{n}@example.org\n" for n in range(9))
    assert rows_of(text)[4] == {"id": "4", "city": "Bonn", "email": "a4@example.org"}


def test_single_quotes_keep_the_delimiter_inside() -> None:
    text = "'id','name','mail'\n" + "".join(f"'{n}','O''Brien, Ada','a{n}@example.org'\n" for n in range(9))
    assert rows_of(text)[1] == {"id": "1", "name": "O'Brien, Ada", "mail": "a1@example.org"}


def test_signs_that_blocks_cut_keep_cells_apart() -> None:
    text = "id||mail\n" + "".join(f"{n}||a{n}@example.org\n" for n in range(30_000))
    for data in (text.encode(), text.encode("utf-16")):
        done, _ = survey({"dump": data}, Limits(block_bytes=70_001))
        assert (done.size().rows, done.size().rejected_rows, done.size().emails_distinct) == (30_000, 0, 30_000)


CARD = (
    "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=F6rg;;;\r\n"
    "EMAIL;INTERNET;PREF:joerg@example.org\r\nEMAIL;INTERNET:j.work@example.org\r\nTEL;HOME:030 1234567\r\n"
    "ADR;HOME;ENCODING=QUOTED-PRINTABLE:;;Stra=\r\n=C3=9Fe 1;K=C3=B6ln;;50667;Germany\r\nBDAY:19800514\r\n"
    "X-Customer-Number:K77\r\nEND:VCARD\r\n"
)


def test_cards_of_old_telephones_are_decoded() -> None:
    assert rows_of(CARD) == [
        {
            "family name": "Müller", "given name": "Jörg", "email": "joerg@example.org",
            "email (2)": "j.work@example.org", "phone": "030 1234567", "street": "Straße 1", "city": "Köln",
            "postal code": "50667", "country": "Germany", "birth date": "19800514", "customer-number": "K77",
        }
    ]  # fmt: skip


def test_a_card_that_never_ends_is_a_card_and_the_next_one_too() -> None:
    text = CARD.replace("END:VCARD\r\n", "") + CARD
    assert len(rows_of(text)) == 2


def test_entries_of_units_are_no_rows_and_binary_values_are_left_out() -> None:
    people = "".join(
        f"dn: uid=u{n},dc=example,dc=org\nuid: u{n}\ncn:: w4lsaW8=\nmail: a{n}@example.org\n"
        f"mail: b{n}@exam\n ple.org\n"
        f"jpegPhoto:: {'QUJD' * 18}\n {'QUJD' * 18}\nuserPassword:: e1NTSEF9eA==\n\n"
        for n in range(5)
    )
    text = f"version: 1\n\ndn: dc=example,dc=org\ndc: example\nobjectClass: domain\n\n{people}# the end\n"
    read = rows_of(text)
    assert len(read) == 5
    assert read[1] == {
        "dn": "uid=u1,dc=example,dc=org", "uid": "u1", "full name": "Élio", "mail": "a1@example.org",
        "mail (2)": "b1@example.org",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "a" + " " * 60_000 + "\n" + "-- " * 20_000 + "\n",
        "a\n" + "-- -- \n" * 20_000,
        "Name: x\n" * 60_000,
        "a=" * 100_000 + "\n",
        "Name: a | " * 20_000 + "\n" + "Name: a | " * 20_000,
        ("Name: Ada\n" + "more\n" * 200) * 300,
        "BEGIN:VCARD\n" * 40_000,
        "BEGIN:VCARD\n" + "EMAIL:a@example.org\n" * 30_000,
        "BEGIN:VCARD\n" + "N;ENCODING=QUOTED-PRINTABLE:=\n" * 20_000,
        "dn: x=1\n" + " x\n" * 60_000,
        "dn: x=1\n" + "mail: a@example.org\n" * 30_000,
        "||" * 100_000 + "\na||b\n" * 3,
        "'" * 100_000 + "\n" + "','\n" * 20_000,
        "-[ RECORD 1 ]" * 9_000 + "\nName: x\nName: y\n",
        "Name" + " " * 60_000 + "x\nName: a\n" * 20,
        "Name" + "." * 60_000 + "x\nName: a\n" * 20,
        "*" * 60_000 + "Name: a\nName: b\n",
    ],
    ids=range(17),
)
def test_hostile_pastes_take_linear_time(text) -> None:
    begun = time.process_time()
    survey({"dump": text.encode()})
    assert time.process_time() - begun < 2
