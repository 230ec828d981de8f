"""Rows of SQL dumps are rows, however a database, a client or a person writes them; written from their manuals."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from memory_dump import open_bytes, survey

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.nested_cells import unserialised
from cloakroom.claims.readers.sql_rows import read_sql
from cloakroom.claims.readers.sql_tokens import Tokens
from cloakroom.claims.readers.sql_values import ValueReader

Person = tuple[str, str, str, str]
NAMES = ("id", "name", "mail", "note")
LISTED = "id, name, mail, note"
PEOPLE: list[Person] = [
    (str(1000 + n), f"Ada {n} O'Neil", f"ada.{n}@example.org", f"said; 'so' ({n}),\n-- no /* remark */ \"here\"")
    for n in range(6)
]


LINE_END, POINT, AT_SIGN = "\\n", "\\u000a", "\\0040"
ORACLE_END, SERVER_END = "')||chr(10)||to_clob('", "'+CHAR(10)+N'"


def doubled(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def slashed(text: str) -> str:
    for sign, escape in (("\\", "\\\\"), ("'", "\\'"), ('"', '\\"'), ("\n", "\\n")):
        text = text.replace(sign, escape)
    return f"'{text}'"


def values(person: Person, quoted: Callable[[str], str] = doubled) -> str:
    return ", ".join(map(quoted, person))


def rows(quoted: Callable[[str], str] = doubled, between: str = ",\n", row: str = "({})") -> str:
    return between.join(row.format(values(person, quoted)) for person in PEOPLE)


def each(statement: Callable[[Person], str]) -> str:
    return "".join(map(statement, PEOPLE))


def hexed(text: str) -> str:
    return text.encode().hex()


def with_ends(person: Person, end: str) -> str:
    return doubled(person[3]).replace("\n", end)


def into(listed: str) -> str:
    return f"INSERT INTO c ({LISTED}) VALUES ({listed})"


def read(text: str) -> tuple[str, list[tuple[str | None, ...]], int]:
    reading = open_bytes(text.encode())
    batches = list(reading.batches)
    found = [row for batch in batches for row in batch.whole().rows()]
    return reading.format, found, sum(batch.rejected for batch in batches)


WRITTEN = {
    "mysqldump": "CREATE TABLE `c` (\n  `id` int(11) NOT NULL,\n  `name` varchar(90) COMMENT 'a, (b)',\n"
    "  `mail` enum('a','b'),\n  `note` text,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB;\n"
    "/*!40000 ALTER TABLE `c` DISABLE KEYS */;\n"
    f"INSERT INTO `c` VALUES {rows(slashed, ',')};\nUNLOCK TABLES;\n",
    "mysql, a remark before each row": f"INSERT INTO c ({LISTED}) VALUES\n"
    + rows(slashed, row="# it's his\n({})")
    + ";",
    "mysql, assignments": each(
        lambda p: f"INSERT INTO c SET id={p[0]}, name={slashed(p[1])}, mail={slashed(p[2])}, note={slashed(p[3])};\n"
    ),
    "mysql, on duplicate key": f"INSERT INTO c ({LISTED}) VALUES {rows(slashed, ',')}"
    " ON DUPLICATE KEY UPDATE name=VALUES(name), mail=VALUES(mail);",
    "mysql, sets of signs": each(
        lambda p: into(
            f"{p[0]}, _utf8mb4{slashed(p[1])}, _binary {slashed(p[2])}, CONVERT({slashed(p[3])} USING utf8mb4)"
        )
        + ";\n"
    ),
    "mysql, hexadecimal": each(
        lambda p: into(f"{p[0]}, X'{hexed(p[1])}', 0x{hexed(p[2])}, UNHEX('{hexed(p[3])}')") + ";\n"
    ),
    "mysql, without blanks": f"INSERT INTO`c`(`id`,`name`,`mail`,`note`)VALUES{rows(slashed, ',')};",
    "mysql, all on one line": each(lambda p: into(values(p, slashed)) + ";"),
    "mysql, double quotes": f"INSERT INTO `c` ({LISTED}) VALUES {rows(json.dumps, ',')};",
    "row constructors": f"INSERT INTO c ({LISTED}) VALUES {rows(slashed, row='ROW({})')};",
    "clickhouse": f"INSERT INTO c ({LISTED}) FORMAT Values {rows(slashed, ',')}",
    "hive": f"INSERT OVERWRITE TABLE db.c PARTITION (day='2024-01-01') VALUES\n{rows(slashed)};",
    "upsert": f"UPSERT INTO c ({LISTED}) VALUES {rows()};",
    "replace": f"REPLACE INTO `c` ({LISTED}) VALUES {rows(slashed)};",
    "postgresql, escapes and casts": each(
        lambda p: f"INSERT INTO public.c ({LISTED}) OVERRIDING SYSTEM VALUE VALUES ({p[0]}::bigint, E{slashed(p[1])},"
        f" ({doubled(p[2])})::character varying(255), E{slashed(p[3])}::text) ON CONFLICT (id) DO NOTHING;\n"
    ),
    "postgresql, dollars": each(
        lambda p: into(f"{p[0]}, $${p[1]}$$, $t${p[2]}$t$, $x1${p[3]}$x1$") + " RETURNING id;\n"
    ),
    "postgresql, points of Unicode": each(
        lambda p: into(f"{p[0]}, {doubled(p[1])}, U&{doubled(p[2].replace('@', AT_SIGN))}, U&{doubled(p[3])}") + ";\n"
    ),
    "postgresql, texts over lines": each(
        lambda p: into(f"{p[0]}, 'Ada'\n  {doubled(p[1][3:])}, {doubled(p[2])}, {doubled(p[3])}") + ";\n"
    ),
    "sqlite": "PRAGMA foreign_keys=OFF;\nCREATE TABLE c (id INTEGER PRIMARY KEY, name TEXT, mail TEXT, note TEXT);\n"
    + each(
        lambda p: f"INSERT INTO c VALUES({p[0]},{doubled(p[1])},{doubled(p[2])},"
        f"replace({with_ends(p, LINE_END)},'{LINE_END}',char(10)));\n"
    ),
    "sqlite, points": each(
        lambda p: into(f"{p[0]},{doubled(p[1])},{doubled(p[2])},unistr({with_ends(p, POINT)})") + ";\n"
    ),
    "oracle, one by one": "SET DEFINE OFF;\n"
    + each(
        lambda p: f"Insert into S.C (ID,NAME,MAIL,NOTE) values ({p[0]},{doubled(p[1])},{doubled(p[2])},"
        f"to_clob({with_ends(p, ORACLE_END)}));\n"
    ),
    "oracle, quotes of one's choice": each(
        lambda p: into(f"{p[0]}, q'[{p[1]}]', nq'!{p[2]}!', Q'<{p[3]}>'") + ";\n"
    ),
    "oracle, insert all": "INSERT ALL\n"
    + rows(between="\n", row=f"  INTO c ({LISTED}) VALUES ({{}})")
    + "\nSELECT 1 FROM DUAL;\n",
    "union of dual": f"INSERT INTO c ({LISTED})\n{rows(between=' UNION ALL ', row='SELECT {} FROM dual')};\n",
    "union in parentheses": f"INSERT INTO c ({LISTED})\n{rows(between=' UNION ALL ', row='(SELECT {})')};\n",
    "union with names": "INSERT INTO c\n"
    + "\nUNION\n".join(
        f'SELECT {p[0]} AS id, {doubled(p[1])} name, {doubled(p[2])} AS "mail", {doubled(p[3])} [note]'
        for p in PEOPLE
    ),
    "where not exists": each(
        lambda p: f"INSERT INTO c ({LISTED}) SELECT * FROM (SELECT {values(p)}) AS t WHERE NOT EXISTS"
        f" (SELECT 1 FROM c WHERE id = '{p[0]}');\n"
    ),
    "values as a table": f"INSERT INTO c SELECT * FROM (VALUES\n{rows()}) AS v ({LISTED});\n",
    "sql server": "USE [shop]\nGO\nSET IDENTITY_INSERT [dbo].[Our Customers] ON\nGO\n"
    + each(
        lambda p: "INSERT [dbo].[Our Customers] ([id], [name (full)], [e, mail], [no]]te]) VALUES"
        f" (CAST({p[0]} AS Decimal(18, 0)), N{doubled(p[1])}, CONVERT(nvarchar(90), N{doubled(p[2])}),"
        f" N{with_ends(p, SERVER_END)})\nGO\n"
    ),
    "sql server, in a transaction": "BEGIN TRAN\n"
    + each(lambda p: f"INSERT c ({LISTED}) VALUES ({values(p)})\n")
    + "COMMIT\n",
    "conditions before": each(lambda p: f"IF NOT EXISTS (SELECT 1) {into(values(p))};\n"),
    "remarks everywhere": "INSERT INTO c (id, -- it's\n name, /* x, y) */ mail, note)\nVALUES -- it's\n"
    + rows(row="-- (it's\n({}) /* it's ( */")
    + "; -- it's\n",
    "merge of values": f"MERGE INTO [c] AS t USING (VALUES\n{rows()}\n) AS s ({LISTED}) ON t.id = s.id\n"
    f"WHEN NOT MATCHED THEN INSERT ({LISTED}) VALUES (s.id, s.name, s.mail, s.note);\n",
    "merge of one": each(
        lambda p: f"MERGE INTO c t USING (SELECT {p[0]} AS id, {doubled(p[1])} AS name, {doubled(p[2])} AS mail,"
        f" {doubled(p[3])} AS note FROM dual) s ON (t.id = s.id)\nWHEN MATCHED THEN UPDATE SET t.name = s.name\n"
        f"WHEN NOT MATCHED THEN INSERT ({LISTED}) VALUES (s.id, s.name, s.mail, s.note);\n"
    ),
    "copy as csv": f"COPY c ({LISTED}) FROM stdin WITH (FORMAT csv, HEADER);\n{LISTED}\n"
    + each(lambda p: ",".join('"' + cell.replace('"', '""') + '"' for cell in p) + "\n")
    + "\\.\n",
}  # fmt: skip


@pytest.mark.parametrize("writer", WRITTEN)
def test_rows_are_rows_whoever_writes_the_statement(writer) -> None:
    assert read(WRITTEN[writer]) == ("sql", PEOPLE, 0)


@pytest.mark.parametrize("size", [41, 500])
@pytest.mark.parametrize("writer", WRITTEN)
def test_blocks_may_be_cut_anywhere(writer, size) -> None:
    data = WRITTEN[writer].encode()
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    batches = list(read_sql(pieces, Limits(record_bytes=1_500)))
    assert [row for batch in batches for row in batch.whole().rows()] == PEOPLE
    assert sum(batch.rejected for batch in batches) == 0


def test_assignments_of_an_update_are_a_row_with_what_its_condition_asks_for() -> None:
    text = each(
        lambda p: f"UPDATE c SET mail = {doubled(p[2])}, note = NULL WHERE id = {p[0]} AND name = {doubled(p[1])};\n"
    )
    assert read(text + "UPDATE c SET mail = lower(mail);\n")[1:] == ([(p[2], None, p[0], p[1]) for p in PEOPLE], 0)


@pytest.mark.parametrize(
    ("written", "worth"),
    [
        ("NULL", None),
        ("DEFAULT", None),
        ("now()", None),
        ("(SELECT id FROM t WHERE n = 'x' LIMIT 1)", None),
        ("CASE WHEN 1 = 1 THEN 'x' ELSE 'y' END", None),
        ("-1.5e-3", "-1.5e-3"),
        ("'a' || NULL || 'b'", "ab"),
        ("N'a' + CHAR(64) + NCHAR(233)", "a@é"),
        ("CONCAT('a', 'b', 3)", "ab3"),
        ("concat_ws(', ', 'a', 'b')", "a, b"),
        ("CHAR(97, 98)", "ab"),
        ("REPLACE(REPLACE('a#b~c', '#', CHR(10)), '~', '')", "a\nbc"),
        ("TO_DATE('2024-05-06', 'YYYY-MM-DD')", "2024-05-06"),
        ("CAST(CAST(N'x, y' AS nvarchar(max)) AS [text])", "x, y"),
        ("CONVERT([datetime2], N'2024-05-06', 121)", "2024-05-06"),
        ("TIMESTAMP '2024-05-06 10:00' AT TIME ZONE 'UTC'", "2024-05-06 10:00"),
        ("{ts '2024-05-06'}", "2024-05-06"),
        ("ST_GeomFromText('POINT(1 2)', 4326)", "POINT(1 2)"),
        ("MDSYS.SDO_GEOMETRY(2001, NULL, 'x')", "x"),
        ("ARRAY['a', 'b']::text[]", "a, b"),
        ("'{a,b}'::character varying(9)[]", "{a,b}"),
        ("('x')::timestamp(3) without time zone", "x"),
        ("'x' COLLATE utf8mb4_bin", "x"),
        ("0x00ff", "0x00ff"),
        ("X'61'", "a"),
        ("ada@example.org", "ada@example.org"),
    ],
)  # fmt: skip
def test_a_value_is_worth_what_its_literals_say(written, worth) -> None:
    row = ValueReader(Tokens(f"('k', {written}, 'z')", 0, 1_000, has_escapes=False)).row(9)
    assert row.cells == ["k", worth, "z"]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON c BEGIN\n  INSERT INTO log (a, b) VALUES (NEW.id, NOW());\nEND;",
        "PREPARE p AS INSERT INTO c (id, mail) VALUES ($1, $2);",
        "INSERT INTO c (id, mail) VALUES (?, :mail);",
        "INSERT INTO old (id, mail) SELECT id, mail FROM c;",
        "INSERT INTO old SELECT * FROM c UNION ALL SELECT * FROM d;",
        "INSERT INTO old (id, mail) SELECT 7, mail FROM c WHERE x = 'y';",
        "INSERT INTO c DEFAULT VALUES;",
    ],
)  # fmt: skip
def test_statements_that_spell_no_row_out_give_none(statement) -> None:
    text = f"{statement}\nINSERT INTO c (id, mail) VALUES (1, 'ada@example.org');\n{statement}\n"
    assert read(text)[1:] == ([("1", "ada@example.org")], 0)


@pytest.mark.parametrize(
    "damaged", ["(1,'Ada', 'a@example.org'", "(1,'O'Neil','x')", "(1,'Ada)", "(1,'A', f('x')", "(1,,'x')", "(1,'x')"]
)
@pytest.mark.parametrize("between", [",\n", ","])
@pytest.mark.parametrize("quoted", [doubled, slashed])
def test_a_damaged_row_costs_itself_only(damaged, between, quoted) -> None:
    good = [f"({n},{quoted(f'''it's {n}''')},'p{n}@example.org')" for n in range(20)]
    lines = [*good[:10], damaged, *good[10:]]
    for text in (
        f"INSERT INTO c (id, name, mail) VALUES {between.join(lines)};\n",
        "".join(f"INSERT INTO c (id, name, mail) VALUES {line};\n" for line in lines),
    ):
        found, rejected = read(text)[1:]
        assert [row[0] for row in found if row[2] != "a@example.org"] == [str(n) for n in range(20)]
        assert rejected + len(found) == 21


def test_a_first_row_that_is_damaged_does_not_tell_how_many_columns_there_are() -> None:
    good = [f"({n},'p{n}@example.org')" for n in range(9)]
    assert len(read("INSERT INTO c VALUES (1),\n" + ",\n".join(good) + ";")[1]) == 9


@pytest.mark.parametrize("path", ["C:\\temp\\", "CORP\\nina", "\\\\host\\x"])
@pytest.mark.parametrize("mail", ["N'ada@example.org'", "'ada@example.org'::text", "E'ada@example.org'"])
def test_a_backslash_is_a_sign_of_its_own_in_dialects_of_the_standard(path, mail) -> None:
    text = f"INSERT INTO c (id, path, mail) VALUES (1, '{path}', {mail});\n" * 5
    assert read(text)[1] == [("1", path, "ada@example.org")] * 5


def test_a_backslash_escapes_in_mysql_and_what_descends_from_it() -> None:
    text = "INSERT INTO `c` (id, path, mail) VALUES (1,'C:\\\\new\\'','ada@example.org');\n"
    assert read(text)[1] == [("1", "C:\\new'", "ada@example.org")]


def test_tables_of_a_dump_keep_apart_and_a_block_without_end_ends_with_the_next_statement() -> None:
    text = "COPY p (id, mail) FROM stdin;\n1\tada@example.org\n\\.\n"
    text += "COPY o (no, sum, id) FROM stdin;\n7\t\\N\t1\n8\t2.5\t1\n"
    text += "INSERT INTO p (id, mail) VALUES (2, 'bob@example.org');\n"
    batches = list(open_bytes(text.encode()).batches)
    assert [(batch.section, batch.whole().rows()) for batch in batches] == [
        (0, [("1", "ada@example.org"), ("2", "bob@example.org")]),
        (1, [("7", None, "1"), ("8", "2.5", "1")]),
    ]


def test_documents_in_cells_of_a_dump_become_columns_of_its_rows() -> None:
    def php(n: int) -> str:
        return f'a:2:{{s:5:"email";s:17:"ada.{n}@example.org";s:4:"note";s:6:"a";"éb";}}'

    text = "INSERT INTO `s` (id, data) VALUES " + ",".join(f"({n},{slashed(php(n))})" for n in range(9)) + ";"
    done, reports = survey({"dump.sql": text.encode()})
    assert (done.size().rows, done.size().emails_distinct) == (9, 9)
    assert "email" in reports["dump.sql"].columns


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('a:2:{s:1:"a";s:8:"say "x";";s:1:"b";N;}', {"a": 'say "x";', "b": None}),
        ('a:1:{s:2:"é";s:99:"lengths \\" lie";}', {"é": 'lengths \\" lie'}),
        ('O:1:"P":1:{s:8:"\0*\0email";s:3:"a@b";}', {"email": "a@b"}),
        ('a:1:{s:1:"a";s:5:"cut o', {"a": "cut o"}),
    ],
)  # fmt: skip
def test_texts_that_php_serialised_are_as_long_as_stated_where_that_fits(text, value) -> None:
    assert unserialised(text) == value


HOSTILE = {
    "quotes of one's choice": "INSERT INTO c VALUES (" + "q'[ " * 25_000,
    "definitions": "create table a (\n" * 12_000,
    "tables": "".join(f"insert into t{n} (a, b) values (1, 2);\n" for n in range(1_500)),
    "blanks": "INSERT INTO c (a, b) VALUES " + " \n" * 50_000,
    "open quotes": "INSERT INTO c (a, b) VALUES\n" + "(1,'x\n" * 12_000,
    "open parentheses": "INSERT INTO c VALUES " + "(\n" * 15_000,
    "open remarks": "INSERT INTO c VALUES " + "(1,/* x\n" * 12_000,
    "tags": "INSERT INTO c VALUES " + "".join(f"($t{n}$\n" for n in range(12_000)),
    "replacements": "INSERT INTO c VALUES (" + "replace(" * 20 + "'aa'" + ",'a','aaaaaaaaaa')" * 20 + ");",
    "joined": "INSERT INTO c (a) VALUES ('a'" + "||'b'" * 20_000 + ");",
    "serialised": "INSERT INTO c (a) VALUES ('a:1:{" + 's:1:"' * 12_000 + "}'),('a:1:{" + "i:" * 25_000 + "}');",
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_text_made_to_be_slow_takes_no_more_time_than_any_of_its_length(kind) -> None:
    began = time.process_time()
    survey({"dump.sql": HOSTILE[kind].encode()})
    assert time.process_time() - began < 2.5
