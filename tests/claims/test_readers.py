from __future__ import annotations

import csv
import io
import json
import struct

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_dump import open_bytes

from cloakroom.claims.limits import Limits


def read(
    data: bytes, name: str = "dump", limits: Limits | None = None
) -> tuple[str, str | None, list[dict[str, str]], int]:
    """Return form, encoding, rows and the number of rejected rows."""
    reading = open_bytes(data, name, limits)
    rows, rejected = [], 0
    for batch in reading.batches:
        rows += batch.frame.to_dicts()
        rejected += batch.rejected
    return reading.format, reading.encoding, rows, rejected


PEOPLE = [("0031", "Zoë", "zoe@example.org"), ("0032", "Jürgen", "j@example.org"), ("0033", "Ada", "ada@example.org")]


def csv_text(delimiter: str = ",", quote: str = "", end: str = "\n") -> str:
    rows = [("Id", "Name", "Mail"), *PEOPLE]
    return "".join(delimiter.join(f"{quote}{cell}{quote}" for cell in row) + end for row in rows)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~"])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_dialect_gives_the_same_rows(delimiter, quote, end) -> None:
    form, _, rows, rejected = read(csv_text(delimiter, quote, end).encode())
    assert form in ("csv", "tsv")
    assert [tuple(row.values()) for row in rows] == PEOPLE
    assert rejected == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "utf-32"])
def test_every_encoding_gives_the_same_rows(encoding) -> None:
    _, _, rows, _ = read(csv_text().encode(encoding))
    assert [tuple(row.values()) for row in rows] == PEOPLE


def test_two_encodings_in_one_file_are_read_line_by_line() -> None:
    data = "Id;Name;Mail\n1;Zoë;a@example.org\n".encode() + "2;Jürgen;b@example.org\n".encode("cp1252")
    _, encoding, rows, _ = read(data)
    assert [row["Name"] for row in rows] == ["Zoë", "Jürgen"]
    assert encoding == "mixed utf-8 and cp1252"


def test_quotes_hold_delimiters_line_ends_and_quotes() -> None:
    data = b'id,street,mail\n1,"12, rue X\nB\xc3\xa2t. ""C""",a@example.org\n2,plain,b@example.org\n'
    _, _, rows, rejected = read(data)
    assert rows[0]["street"] == '12, rue X\nBât. "C"'
    assert len(rows) == 2
    assert rejected == 0


BROKEN = [
    b'9;"cut in the middle of a quote',
    b"9;too few",
    b"9;too;many;cells;here;x",
    b"\x00\x1a##garbage someone@example.org 0612\x7f",
    b'9;"open quote;a;b',
]


@pytest.mark.parametrize("line", BROKEN, ids=["cut quote", "short", "long", "garbage", "stray quote"])
@pytest.mark.parametrize("quoted", [False, True])
def test_a_broken_line_is_one_rejected_row_and_its_neighbours_are_whole(line, quoted) -> None:
    good = [b'%d;"Street; %d";x%d@example.org;FR' % (n, n, n) if quoted else b"%d;Street;x%d@example.org;FR" % (n, n)
            for n in range(400)]  # fmt: skip
    data = b"id;street;mail;country\n" + b"\n".join([*good[:200], line, *good[200:]]) + b"\n"
    _, _, rows, rejected = read(data)
    assert (len(rows), rejected) == (400, 1)


@pytest.mark.parametrize("block_bytes", [64, 100, 333, 1000, 4096])
def test_where_blocks_are_cut_makes_no_difference(block_bytes) -> None:
    rows = [f'{n},"a ""quoted"" street\nwith {n} lines",x{n}@example.org' for n in range(100)]
    rows[50] = '50,"cut'
    data = ("id,street,mail\n" + "\n".join(rows)).encode()
    _, _, found, rejected = read(data, limits=Limits(block_bytes=block_bytes))
    assert (len(found), rejected) == (99, 1)


def test_a_header_in_the_middle_is_no_row() -> None:
    data = csv_text() + csv_text()
    assert len(read(data.encode())[2]) == 6


def test_a_file_without_header_keeps_its_first_row() -> None:
    data = "".join(f"{n};p{n}@example.org;Paris\n" for n in range(9)).encode()
    assert len(read(data)[2]) == 9


def test_a_bare_list_of_addresses_is_a_table_of_one_column() -> None:
    data = "".join(f"p{n}@example.org\n" for n in range(9)).encode()
    _, _, rows, rejected = read(data)
    assert (len(rows), rejected) == (9, 0)


def test_json_lines_arrays_wrappers_and_pretty_objects_give_the_same_rows() -> None:
    people = [
        {"id": n, "name": {"given": "Ada"}, "phones": ["+33612345678", "b"], "note": '{["x\\"'} for n in range(5)
    ]
    forms = [
        "\n".join(json.dumps(person) for person in people),
        json.dumps(people),
        json.dumps(people, indent=2),
        json.dumps({"total": 5, "records": people}),
        "\n".join(json.dumps(person, indent=1) for person in people),
    ]
    results = [read(form.encode())[2] for form in forms]
    assert all(result == results[0] for result in results)
    assert results[0][0]["name.given"] == "Ada"
    assert results[0][0]["phones[0]"] == "+33612345678"
    assert len(results[0]) == 5


@pytest.mark.parametrize("block_bytes", [16, 50, 333])
def test_an_array_read_in_small_pieces_is_the_same(block_bytes) -> None:
    people = [{"id": n, "note": 'a } in a [ string " { ' * 3} for n in range(40)]
    assert len(read(json.dumps(people).encode(), limits=Limits(block_bytes=block_bytes))[2]) == 40


def test_broken_json_lines_are_rejected_one_by_one() -> None:
    lines = [json.dumps({"email": f"p{n}@example.org"}) for n in range(10)]
    lines[4] = lines[4][:12]
    _, _, rows, rejected = read("\n".join(lines).encode())
    assert (len(rows), rejected) == (9, 1)


def test_sql_inserts_of_several_dialects_are_read() -> None:
    data = b"""
-- MySQL
CREATE TABLE `c` (
  `id` varchar(18) NOT NULL,
  `email` varchar(80),
  `note` text,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
INSERT INTO `c` VALUES ('1','a@example.org','it\\'s; (fine)\\nreally'),('2',NULL,'x'),
('3','c@example.org','two ''quotes''');
INSERT INTO c VALUES ('4','d@example.org','cut,
('5','e@example.org','fine');
/* PostgreSQL */
INSERT INTO "public"."d" ("id", email) VALUES (6, E'f@example.org'), (7, 'g@example.org'::text)
ON CONFLICT DO NOTHING;
COPY public.e (id, email, note) FROM stdin;
8\th@example.org\tone\\ttab
9\t\\N\tx
10\tshort
\\.
INSERT INTO [dbo].[f] ([id],[email]) VALUES (11, N'k@example.org');
"""
    form, _, rows, rejected = read(data)
    assert form == "sql"
    found = {row["id"]: row for row in rows}
    assert set(found) == {"1", "2", "3", "5", "6", "7", "8", "9", "11"}
    assert found["1"]["note"] == "it's; (fine)\nreally"
    assert found["3"]["note"] == "two 'quotes'"
    assert found["7"]["email"] == "g@example.org"
    assert found["8"]["note"] == "one\ttab"
    assert rejected == 2


def workbook(rows: list[list[object]]) -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            sheet.write(number, column, cell)
    book.close()
    return target.getvalue()


def test_a_workbook_gives_its_rows_and_never_computes_a_formula() -> None:
    rows = [
        ["Client ID", "E-mail", "Spend"],
        ["003A", "a@example.org", 12.5],
        ["003B", "b@example.org", '=HYPERLINK("http://x")'],
    ]
    form, _, found, _ = read(workbook(rows))
    assert form == "xlsx"
    assert [row["E-mail"] for row in found] == ["a@example.org", "b@example.org"]


def test_parquet_gives_its_rows_nested_ones_too() -> None:
    target = io.BytesIO()
    pl.DataFrame({"id": [1, 2], "name": [{"given": "Ada"}, {"given": "Bo"}], "phones": [["+331"], []]}).write_parquet(
        target
    )
    form, _, rows, _ = read(target.getvalue())
    assert form == "parquet"
    assert rows[0]["name.given"] == "Ada"
    assert rows[0]["phones[0]"] == "+331"
    assert rows[1]["id"] == "2"


def bson(document: dict[str, object]) -> bytes:
    body = b""
    for name, value in document.items():
        key = name.encode() + b"\0"
        if isinstance(value, str):
            text = value.encode() + b"\0"
            body += b"\x02" + key + struct.pack("<i", len(text)) + text
        elif isinstance(value, dict):
            body += b"\x03" + key + bson(value)
        elif isinstance(value, int):
            body += b"\x12" + key + struct.pack("<q", value)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def test_bson_gives_its_documents() -> None:
    data = b"".join(bson({"email": f"p{n}@example.org", "n": n, "name": {"given": "Ada"}}) for n in range(7))
    form, _, rows, rejected = read(data)
    assert (form, len(rows), rejected) == ("bson", 7, 0)
    assert rows[3]["name.given"] == "Ada"


def test_a_table_pasted_into_prose_is_read_with_its_folded_lines() -> None:
    data = """as sent, not checked

=== HOUSE ONE ===
Name | E-mail | City | Total
-----|--------|------|------
Ada Example | ada@example.org | Paris | 1,000.00
Bo Example | bo@example.org | Lyon |
    2.00
--- page 1 of 9 ---
Cy Example |  | Nice | 3.00

=== HOUSE TWO ===
Name | E-mail | City | Total
-----|--------|------|------
Di Example | di@example.org |  | 4.00
[end]
"""
    form, _, rows, rejected = read(data.encode())
    assert form == "text"
    assert [row["Total"] for row in rows] == ["1,000.00", "2.00", "3.00", "4.00"]
    assert rejected == 0


def test_xml_yaml_and_logs_give_rows() -> None:
    xml = (
        '<?xml version="1.0"?>\n<r>'
        + "".join(f"\n<c>\n<id>{n}</id>\n<email>p{n}@example.org</email>\n</c>" for n in range(5))
        + "\n</r>"
    )
    yaml = "".join(f"- id: {n}\n  email: p{n}@example.org\n  city: Paris\n" for n in range(5))
    log = "".join(f"2025-01-0{n + 1} level=info user=u{n} email=p{n}@example.org done\n" for n in range(5))
    for form, text in (("xml", xml), ("yaml", yaml), ("log", log)):
        found, _, rows, _ = read(text.encode())
        assert found == form
        assert [row["email"] for row in rows] == [f"p{n}@example.org" for n in range(5)], form


def test_prose_without_any_address_has_no_rows() -> None:
    assert read(b"HELLO\n\nWe hold your files. Answer in 72 hours.\n\nthe tailors\n")[2] == []


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\0\r\x1a\x01\ufeff"), max_size=12),
            min_size=3,
            max_size=3,
        ),
        min_size=2,
        max_size=12,
    ),
    st.sampled_from(";,\t"),
)
def test_what_a_csv_writer_writes_is_read_back(rows, delimiter) -> None:
    target = io.StringIO()
    writer = csv.writer(target, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "email", "remark"])
    for number, row in enumerate(rows):
        writer.writerow([str(number), f"p{number}@example.org", row[2]])
    _, _, found, rejected = read(target.getvalue().encode())
    assert rejected == 0
    assert [row["remark"] for row in found] == [row[2] for row in rows]


def test_xml_gives_its_elements_however_the_lines_are_broken() -> None:
    people = "".join(
        f"<c:client id='{n}'><!-- <mail>x@y.zz</mail> --><name><first>Ada</first><last>O&amp;K</last></name>"
        f"<mail>{'' if n == 3 else f'p{n}@example.org'}</mail><![CDATA[a <b>]]></c:client>"
        for n in range(5)
    )
    for text in (people, people.replace("><", ">\n<")):
        form, _, rows, _ = read(
            f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><clients>{text}</clients>'.encode()
        )
        assert (form, len(rows)) == ("xml", 5)
        assert [row["id"] for row in rows] == list("01234")
        assert rows[1]["mail"] == "p1@example.org"
        assert rows[1]["name.last"] == "O&K"


def test_a_row_without_an_address_counts_where_the_others_have_one() -> None:
    items = [f"- id: {n}\n  name: Ada {n}\n  mail: {'' if n % 2 else f'p{n}@example.org'}\n" for n in range(6)]
    assert len(read("".join(items).encode(), "people.yaml")[2]) == 6
    lines = [f'level=info id={n} name="Ada {n}" mail="{"" if n % 2 else f"p{n}@example.org"}"\n' for n in range(6)]
    form, _, rows, _ = read("".join(lines).encode())
    assert (form, len(rows)) == ("labels", 6)


def test_settings_in_a_dump_of_people_are_no_rows() -> None:
    text = "host: local\nport: 1\nmode: fast\n---\nname: Ada\nmail: ada@example.org\ncity: Turin\n"
    assert [row.get("name") for row in read(text.encode(), "x.yaml")[2]] == ["Ada"]


def test_a_letter_is_no_table_and_gives_names_with_addresses() -> None:
    text = "Hi, this is what we were sent last night.\n\n" + "".join(
        f"Ada von Example{n} <p{n}@example.org>, tel. +3934567890{n}\n" for n in range(8)
    )
    form, _, rows, rejected = read(f"{text}\nThere are many more.\nRegards\n".encode())
    assert (form, len(rows), rejected) == ("text", 8, 0)
    assert rows[2]["email"] == "p2@example.org"


def test_objects_under_keys_and_arrays_of_arrays_are_rows() -> None:
    people = [{"name": f"Ada {n}", "mail": f"p{n}@example.org"} for n in range(5)]
    for text in (
        json.dumps({str(n): person for n, person in enumerate(people)}),
        json.dumps({str(n): person for n, person in enumerate(people)}, indent=1),
        json.dumps([["name", "mail"], *[list(person.values()) for person in people]]),
    ):
        form, _, rows, rejected = read(text.encode())
        assert (form, len(rows), rejected) == ("json", 5, 0)
        assert rows[4]["mail"] == "p4@example.org"


def test_a_record_of_nested_objects_is_one_row() -> None:
    line = json.dumps({"name": {"first": "Ada"}, "address": {"city": "Turin"}, "mail": "ada@example.org"})
    assert len(read(f"{line}\n{line}\n".encode())[2]) == 2


def test_statements_of_sql_server_are_read_with_their_casts() -> None:
    text = "".join(
        f"INSERT [dbo].[Clients] ([mail], [born]) VALUES (N'p{n}@example.org', CAST(N'1980-05-1{n}' AS Date))\nGO\n"
        for n in range(5)
    )
    form, _, rows, rejected = read(text.encode("utf-16"))
    assert (form, len(rows), rejected) == ("sql", 5, 0)
    assert rows[3] == {"mail": "p3@example.org", "born": "1980-05-13"}


def test_a_file_of_three_encodings_is_read_line_by_line() -> None:
    parts = [
        (["Żółkiewska", "Święcka", "Łącki", "Źródło", "Bączyński"], "cp1250"),
        (["Щербаков", "Воронцова", "Ёлкин"], "cp1251"),
        (["Élodie", "Zoë"], "utf-8"),
    ]
    data = b"".join(
        "".join(f"{n};{words[n % len(words)]};p{n}@example.org\n" for n in range(90)).encode(encoding)
        for words, encoding in parts
    )
    _, encoding, rows, _ = read(b"id;name;mail\n" + data)
    assert [row["name"] for row in rows] == [words[n % len(words)] for words, _ in parts for n in range(90)]
    assert encoding.startswith("mixed")


def test_a_title_above_a_table_and_a_header_glued_in_are_no_rows() -> None:
    text = "Export of clients,,\nname,mail,city\n" + "".join(f"Ada,p{n}@example.org,Turin\n" for n in range(5))
    assert len(read(text.encode())[2]) == 5
    glued = "\ufeffname,mail,city\nAda,a@example.org,Turin\n\ufeffname,mail,city\nBo,b@example.org,Rome\n"
    assert len(read(glued.encode())[2]) == 2
