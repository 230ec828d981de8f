"""Documents that PHP serialised into cells of dumps."""

from __future__ import annotations

import pytest
from memory_dump import survey
from sql_people import slashed

from cloakroom.claims.readers.nested_cells import unserialised


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
