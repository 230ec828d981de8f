"""Values in SQL are worth what their literals say, in the dialect that the dump is written in."""

from __future__ import annotations

import pytest
from sql_people import read

from cloakroom.claims.readers.sql_tokens import Tokens
from cloakroom.claims.readers.sql_values import ValueReader


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
        ("$12.50", "$12.50"),
        ("5132b130-ae79-11e4-ab27-0800200c9a66", "5132b130-ae79-11e4-ab27-0800200c9a66"),
        ("51321300-1234-1234-1234-0800200c9a66", "51321300-1234-1234-1234-0800200c9a66"),
        ("12345678-1", "12345678"),
        ("E'a\"\"b'", 'a""b'),
        ("ada@example.org", "ada@example.org"),
    ],
)  # fmt: skip
def test_a_value_is_worth_what_its_literals_say(written, worth) -> None:
    row = ValueReader(Tokens(f"('k', {written}, 'z')", 0, 1_000, has_escapes=False)).row(9)
    assert row.cells == ["k", worth, "z"]


@pytest.mark.parametrize("path", ["C:\\temp\\", "CORP\\nina", "\\\\host\\x"])
@pytest.mark.parametrize("mail", ["N'ada@example.org'", "'ada@example.org'::text", "E'ada@example.org'"])
def test_a_backslash_is_a_sign_of_its_own_in_dialects_of_the_standard(path, mail) -> None:
    text = f"INSERT INTO c (id, path, mail) VALUES (1, '{path}', {mail});\n" * 5
    assert read(text)[1] == [("1", path, "ada@example.org")] * 5


def test_a_backslash_escapes_in_mysql_and_what_descends_from_it() -> None:
    text = "INSERT INTO `c` (id, path, mail) VALUES (1,'C:\\\\new\\'','ada@example.org');\n"
    assert read(text)[1] == [("1", "C:\\new'", "ada@example.org")]
