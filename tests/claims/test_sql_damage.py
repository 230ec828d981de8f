"""Damage in SQL dumps costs the rows that it touches, and is counted."""

from __future__ import annotations

import pytest
from sql_people import doubled, read, slashed

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.sql_rows import read_sql


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


def read_rows(text: str) -> tuple[list[tuple[str | None, ...]], int]:
    batches = list(read_sql(iter([text.encode()]), Limits()))
    found = [row for batch in batches for row in batch.whole().rows()]
    return found, sum(batch.rejected for batch in batches)


ROWS = [(str(1000 + n), f"O'Neil {n}", f"ada.{n}@example.org", f"note ({n}); 'x'") for n in range(24)]
COLUMNS = "id, name, mail, note"


def listed(quoted) -> list[str]:
    return [", ".join(map(quoted, row)) for row in ROWS]


DUMPS = {
    "mysqldump": f"INSERT INTO `c` VALUES {','.join(f'({row})' for row in listed(slashed))};\n",
    "lines": f"INSERT INTO `c` ({COLUMNS}) VALUES\n" + ",\n".join(f"({row})" for row in listed(slashed)) + ";\n",
    "standard lines": "SET standard_conforming_strings = on;\n"
    f"INSERT INTO c ({COLUMNS}) VALUES\n" + ",\n".join(f"({row})" for row in listed(doubled)) + ";\n",
    "statements": "".join(f"INSERT INTO c ({COLUMNS}) VALUES ({row});\n" for row in listed(doubled)),
    "one line": " ".join(f"INSERT INTO c ({COLUMNS}) VALUES ({row});" for row in listed(doubled)),
    "insert all": "INSERT ALL\n"
    + "".join(f"  INTO c ({COLUMNS}) VALUES ({row})\n" for row in listed(doubled))
    + "SELECT * FROM dual;\n",
    "union": f"INSERT INTO c ({COLUMNS})\n" + " UNION ALL\n".join(f"SELECT {row}" for row in listed(doubled)) + ";\n",
    "copy": f"COPY c ({COLUMNS}) FROM stdin;\n" + "".join("\t".join(row) + "\n" for row in ROWS) + "\\.\n",
    "copy as csv": f"COPY c ({COLUMNS}) FROM stdin CSV;\n"
    + "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in ROWS)
    + "\\.\n",
}


@pytest.mark.parametrize("kind", DUMPS)
@pytest.mark.parametrize("sign", ["'", '"', "(", ")", ",", ";", "\n", "/*", "$$", "x", ""])
def test_a_sign_too_many_or_too_few_costs_few_rows_and_no_row_in_silence(kind, sign) -> None:
    text = DUMPS[kind]
    begin = text.index("1011")
    for at in range(begin - 8, begin + 60, 5):
        found, rejected = read_rows(text[:at] + sign + text[at + (not sign) :])
        assert len(set(ROWS) & set(found)) >= len(ROWS) - 2
        assert len(found) + rejected >= len(ROWS) - 1


@pytest.mark.parametrize("kind", DUMPS)
@pytest.mark.parametrize("other", [None, *DUMPS])
def test_a_dump_whose_beginning_is_missing_is_read_from_its_first_whole_row_on(kind, other) -> None:
    text = DUMPS[kind]
    at = text.index("ada.3@example.org")
    found, rejected = read_rows(text[at:] + (DUMPS[other] if other else ""))
    assert set(ROWS[4:]) <= set(found)
    assert len(found) + rejected == len(ROWS[3:]) + (len(ROWS) if other else 0)


def test_rows_that_lost_their_statement_have_the_columns_of_the_next_one_of_their_width() -> None:
    text = DUMPS["lines"]
    batches = list(read_sql(iter([(text[text.index("ada.3@") :] + text).encode()]), Limits()))
    assert [(batch.whole().columns, batch.whole().height, batch.rejected) for batch in batches] == [
        (["id", "name", "mail", "note"], len(ROWS) + 20, 1)
    ]


@pytest.mark.parametrize("size", [0, 3, 30, 300])
@pytest.mark.parametrize("kind", DUMPS)
def test_a_dump_whose_end_is_missing_gives_all_rows_before_it(kind, size) -> None:
    text = DUMPS[kind]
    at = text.index("ada.20@example.org") + size % 7
    found, rejected = read_rows(text[:at])
    assert set(ROWS[:20]) <= set(found)
    assert len(found) + rejected == 21


@pytest.mark.parametrize(
    "heading", ["INSERT INTO c (id, name", "INSERT INTO c (id,, name)", "INSERT INTO", "REPLACE INTO"]
)
def test_rows_behind_a_heading_that_cannot_be_read_are_rows_without_names(heading) -> None:
    text = "INSERT INTO c (id, mail) VALUES (1, 'ada@example.org');\n"
    found = read_rows(f"{text}{heading} VALUES (2, 'bob@example.org');\n{text}")[0]
    assert sorted(found) == [("1", "ada@example.org"), ("1", "ada@example.org"), ("2", "bob@example.org")]


def test_what_may_follow_rows_is_no_damage() -> None:
    row = "INSERT INTO c (id, mail) VALUES (1, 'ada@example.org')"
    for behind in (
        " ON DUPLICATE KEY UPDATE id = VALUES(id),\n mail = VALUES(mail);\n", " RETURNING (id),\n (2);\n", "\nGO\n",
        " AS new (a, b) ON DUPLICATE KEY UPDATE id = new.a;\n", " ON CONFLICT (id) DO UPDATE SET mail = 'x';\n",
        ";\n;\n",
    ):  # fmt: skip
        assert read_rows((row + behind) * 3) == ([("1", "ada@example.org")] * 3, 0)
