"""Rows of SQL dumps are rows, however a database, a client or a person writes them; written from their manuals."""

from __future__ import annotations

import json
import sqlite3

import psycopg.sql
import pytest
from memory_dump import open_bytes
from sql_people import LISTED, PEOPLE, Person, doubled, each, into, read, rows, slashed, values

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.sql_rows import read_sql

LINE_END, POINT, AT_SIGN = "\\n", "\\u000a", "\\0040"
ORACLE_END, SERVER_END = "')||chr(10)||to_clob('", "'+CHAR(10)+N'"


def hexed(text: str) -> str:
    return text.encode().hex()


def with_ends(person: Person, end: str) -> str:
    return doubled(person[3]).replace("\n", end)


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
    "copy of another delimiter": f"COPY c ({LISTED}) FROM STDIN USING DELIMITERS '|' WITH NULL AS '';\n"
    + each(lambda p: "|".join(p).replace("\n", "\\n") + "\n")
    + "\\.\n",
    "copy with numbers of rows": "CREATE TABLE c (oid oid, id int, name text, mail text, note text);\n"
    f"COPY c ({LISTED}) WITH OIDS FROM stdin;\n"
    + each(lambda p: "\t".join(p).replace("\n", "\\n") + "\n")
    + "\\.\n",
    "copy as csv": f"COPY c ({LISTED}) FROM stdin WITH (FORMAT csv, HEADER);\n{LISTED}\n"
    + each(lambda p: ",".join('"' + cell.replace('"', '""') + '"' for cell in p) + "\n")
    + "\\.\n",
}  # fmt: skip


STRANGE = [
    (str(n), text, f"ada.{n}@example.org")
    for n, text in enumerate((
        "'", "''", '"', '""', "\\", "C:\\new\\", "\\'", "a\r\nb\tc", "),('9','", "');\nINSERT INTO c VALUES ('9",
        "-- x", "/*", "*/", "#", "$$", "q'[", "é 札幌 😀", "{'a': 1}", "\n(1,'x'),\n", "\\.", "\\N", "",
    ))
]  # fmt: skip


def by_sqlite() -> str:
    database = sqlite3.connect(":memory:")
    database.execute("create table c (id, note, mail)")
    database.executemany("insert into c values (?, ?, ?)", STRANGE)
    return "\n".join(database.iterdump())


def by_psycopg() -> str:
    listed = (", ".join(psycopg.sql.Literal(cell).as_string() for cell in row) for row in STRANGE)
    return "".join(f"INSERT INTO c (id, note, mail) VALUES ({row});\n" for row in listed)


def by_hand() -> str:
    listed = ",".join("(" + ",".join(map(slashed, row)) + ")" for row in STRANGE)
    return f"INSERT INTO `c` VALUES {listed};\n"


def by_pg_dump() -> str:
    escapes = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))

    def cell(text: str) -> str:
        for sign, escape in escapes:
            text = text.replace(sign, escape)
        return text

    return (
        "COPY c (id, note, mail) FROM stdin;\n"
        + "".join("\t".join(map(cell, row)) + "\n" for row in STRANGE)
        + "\\.\n"
    )


@pytest.mark.parametrize("write", [by_sqlite, by_psycopg, by_hand, by_pg_dump])
def test_signs_that_mean_something_in_sql_mean_nothing_in_texts(write) -> None:
    assert read(write()) == ("sql", STRANGE, 0)


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


COLUMNS = ("id", "full name", "e-mail", "key")
CREATED = {
    "mysqldump": """CREATE TABLE `c` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `full name` varchar(255) NOT NULL DEFAULT '' COMMENT 'it''s (a), b; -- c',
  `e-mail` enum('a','b,(') DEFAULT NULL,
  `key` int(11) GENERATED ALWAYS AS (`id` + 1) VIRTUAL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u` (`e-mail`(100)),
  KEY `x` (`key`,`id`) USING BTREE,
  FULLTEXT KEY `f` (`full name`),
  CONSTRAINT `k` FOREIGN KEY (`id`) REFERENCES `d` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB AUTO_INCREMENT=9;
""",
    "mysql, by hand": """create table if not exists c (id int, `full name` text, `e-mail` text, key varchar(20),
key k (id, `e-mail`), index (id), primary key (id));
""",
    "postgresql": """CREATE UNLOGGED TABLE public.c (
    id bigint DEFAULT nextval('public.c_id_seq'::regclass) NOT NULL,
    "full name" character varying(255) DEFAULT ''::character varying,
    "e-mail" public.citext,
    key text[] DEFAULT '{}'::text[],
    CONSTRAINT k CHECK (((key)::text = ANY (ARRAY['a'::text])))
)
PARTITION BY RANGE (id);
""",
    "sql server": """CREATE TABLE [dbo].[c](
\t[id] [int] IDENTITY(1,1) NOT NULL,
\t[full name] [nvarchar](255) NULL,
\t[e-mail] [dbo].[Mail] NULL,
\t[key] AS ([id]+(1)),
 CONSTRAINT [PK_c] PRIMARY KEY CLUSTERED\x20
(
\t[id] ASC
)WITH (PAD_INDEX = OFF, ALLOW_PAGE_LOCKS = ON) ON [PRIMARY]
) ON [PRIMARY]
GO
""",
    "oracle": """CREATE GLOBAL TEMPORARY TABLE "S"."c"
   ("id" NUMBER(10,0) DEFAULT "S"."Q"."NEXTVAL" NOT NULL ENABLE,
\t"full name" VARCHAR2(255 CHAR), -- it's
\t"e-mail" VARCHAR2(9), /* x, ( */
\t"key" TIMESTAMP (6) WITH TIME ZONE,
\t CONSTRAINT "PK" PRIMARY KEY ("id")
  USING INDEX PCTFREE 10
   ) SEGMENT CREATION IMMEDIATE;
""",
    "sqlite": """CREATE TABLE c(id INTEGER PRIMARY KEY, 'full name' TEXT, [e-mail], "key" REAL DEFAULT (1+2),
UNIQUE(id));
""",
}


@pytest.mark.parametrize("writer", CREATED)
def test_columns_that_no_statement_names_are_those_of_the_created_table(writer) -> None:
    text = CREATED[writer] + "INSERT INTO c VALUES (1,'Ada','ada@example.org','a');\n"
    batches = list(open_bytes(text.encode()).batches)
    assert [tuple(batch.whole().columns) for batch in batches] == [COLUMNS]


def test_assignments_of_an_update_are_a_row_with_what_its_condition_asks_for() -> None:
    text = each(
        lambda p: f"UPDATE c SET mail = {doubled(p[2])}, note = NULL WHERE id = {p[0]} AND name = {doubled(p[1])};\n"
    )
    assert read(text + "UPDATE c SET mail = lower(mail);\n")[1:] == ([(p[2], None, p[0], p[1]) for p in PEOPLE], 0)


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


def test_tables_of_a_dump_keep_apart_and_a_block_without_end_ends_with_the_next_statement() -> None:
    text = "COPY p (id, mail) FROM stdin;\n1\tada@example.org\n\\.\n"
    text += "COPY o (no, sum, id) FROM stdin;\n7\t\\N\t1\n8\t2.5\t1\n"
    text += "INSERT INTO p (id, mail) VALUES (2, 'bob@example.org');\n"
    batches = list(open_bytes(text.encode()).batches)
    assert [(batch.section, batch.whole().rows()) for batch in batches] == [
        (0, [("1", "ada@example.org"), ("2", "bob@example.org")]),
        (1, [("7", None, "1"), ("8", "2.5", "1")]),
    ]
