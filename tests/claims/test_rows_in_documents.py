"""Rows lie where they lie: in JSON of any shape, in literals of shells and languages, in markup, inside cells."""

from __future__ import annotations

import json

import pytest
from memory_dump import open_bytes, survey

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.json_documents import closed, is_action
from cloakroom.claims.readers.nested_cells import unserialised
from cloakroom.claims.readers.relaxed_json import decode_relaxed

PEOPLE = [{"id": str(n), "mail": f"ada.{n}@example.org", "town": f"Town {n}"} for n in range(12)]


def read(text: str | bytes, limits: Limits | None = None) -> list[dict[str, str | None]]:
    data = text.encode() if isinstance(text, str) else text
    return [row for batch in open_bytes(data, limits=limits).batches for row in batch.whole().to_dicts()]


def mails(text: str | bytes, limits: Limits | None = None) -> list[str | None]:
    return [next((value for name, value in row.items() if "mail" in name), None) for row in read(text, limits)]


WRITTEN = [person["mail"] for person in PEOPLE]


@pytest.mark.parametrize(
    "document",
    [
        {"meta": {"page": 1}, "data": PEOPLE},
        {"a": {"b": {"c": {"d": PEOPLE}}}, "end": True},
        {"hits": {"total": 12, "hits": [{"_index": "c", "_source": person} for person in PEOPLE]}},
        {"data": {"people": {"edges": [{"cursor": "x", "node": person} for person in PEOPLE]}}},
        {"users": {f"-N{n}": person for n, person in enumerate(PEOPLE)}},
        {"schema": {"fields": [{"name": "id"}, {"name": "mail"}]}, "data": PEOPLE},
        {"columns": list(PEOPLE[0]), "data": [list(person.values()) for person in PEOPLE]},
        {name: {str(n): person[name] for n, person in enumerate(PEOPLE)} for name in PEOPLE[0]},
        [list(PEOPLE[0]), *(list(person.values()) for person in PEOPLE)],
        [{"page": 1, "rows": PEOPLE[:6]}, {"page": 2, "rows": PEOPLE[6:]}],
        [{**person, "orders": [{"no": 1}, {"no": 2}]} for person in PEOPLE],
    ],
    ids=["members", "deep", "search", "graph", "keys", "schema", "split", "columns", "lists", "pages", "nested"],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_rows_are_found_wherever_they_lie_in_a_document(document, indent) -> None:
    assert mails(json.dumps(document, indent=indent)) == WRITTEN


def test_tables_of_a_document_that_show_nobody_are_left_out_where_others_show_somebody() -> None:
    document = {"shops": [{"name": "North"}, {"name": "South"}], "people": PEOPLE, "colours": [{"name": "red"}] * 3}
    assert len(read(json.dumps(document))) == len(PEOPLE)


def test_action_lines_of_a_bulk_file_are_no_rows_and_an_object_named_like_one_is() -> None:
    lines = [line for person in PEOPLE for line in ({"index": {"_id": person["id"]}}, person)]
    assert mails("\n".join(map(json.dumps, lines))) == WRITTEN
    assert not is_action({"index": {"mail": "ada@example.org"}})
    assert not is_action({"index": {"_id": "1"}, "mail": "ada@example.org"})


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_document_that_was_cut_off_gives_what_it_holds_and_says_what_is_missing(share) -> None:
    text = json.dumps({"meta": 1, "data": PEOPLE})
    cut = text[: int(len(text) * share)]
    done, _ = survey({"dump": cut.encode()})
    whole = sum(f'"{mail}"' in cut.rpartition("},")[0] for mail in WRITTEN)
    assert done.size().rows >= whole > 0
    assert done.size().rejected_rows == 1
    assert done.size().emails_distinct_with_broken >= sum(f'"{mail}"' in cut for mail in WRITTEN)


def test_what_is_closed_is_a_document_of_whole_values() -> None:
    assert json.loads(closed(b'{"a": [{"b": 1}, {"b": 2}, {"b": ')) == {"a": [{"b": 1}, {"b": 2}]}
    assert json.loads(closed(b'[[1, "x"], [2, "}')) == [[1, "x"], [2]]


def test_a_document_that_is_too_large_to_be_held_is_read_object_by_object() -> None:
    assert mails(json.dumps(PEOPLE), Limits(document_bytes=64)) == WRITTEN


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': 'it\\'s', \"b\": None, 'c': [True, 1.5,],}", {"a": "it's", "b": None, "c": [True, 1.5]}),
        ('{ "_id" : ObjectId("6f"), at: ISODate("2025-01-01T00:00:00Z"), n: NumberLong(7) }',
         {"_id": "6f", "at": "2025-01-01T00:00:00Z", "n": 7}),
        ("{name: new Date(0), 'say \"hi\"': '\\x41\\u00e9', /* no */ x: undefined} // end",
         {"name": 0, 'say "hi"': "A\u00e9", "x": None}),
        ('{"kept": "a: ObjectId(1), True \'x\'"}', {"kept": "a: ObjectId(1), True 'x'"}),
        ("{'number': 007, 'float': .5}", {"number": "007", "float": 0.5}),
    ],
    ids=["python", "mongo", "javascript", "strings stay", "odd numbers"],
)  # fmt: skip
def test_literals_of_shells_and_languages_are_read_as_json(text, value) -> None:
    assert decode_relaxed(text.encode()) == value


def test_lines_of_python_and_of_the_mongo_shell_are_rows() -> None:
    assert mails("\n".join(map(repr, PEOPLE))) == WRITTEN
    shell = [f'{{ "_id" : ObjectId("{n:024x}"), "mail" : "{mail}" }}' for n, mail in enumerate(WRITTEN)]
    assert mails("\n".join(shell)) == WRITTEN


@pytest.mark.parametrize("kind", ["html", "open", "sheet", "index"])
def test_tables_in_markup_are_read_whatever_stands_around_them(kind) -> None:
    def row(cells: list[str]) -> str:
        if kind == "html":
            return "<TR class=x>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</TR>\n"
        if kind == "open":
            return "<tr>" + "".join(f"<td>{cell}" for cell in cells)
        place = ' ss:Index="{}"' if kind == "index" else ""
        return "<Row>" + "".join(
            f'<Cell{place.format(n)}><Data ss:Type="String">{cell}</Data></Cell>' for n, cell in enumerate(cells, 1)
        ) + "</Row>\n"  # fmt: skip

    page = "<html><head><meta x='<table>'><style>td {}</style></head><body>"
    rows = row(list(PEOPLE[0])) + "".join(row(list(person.values())) for person in PEOPLE)
    assert read((page if kind in ("html", "open") else "<Workbook>") + f"<Table>{rows}</Table>") == PEOPLE


def test_links_give_the_address_that_their_text_does_not_show() -> None:
    rows = [f"<tr><td>{n}</td><td><a href='mailto:{mail}?cc=x'>write</a></td></tr>" for n, mail in enumerate(WRITTEN)]
    found = [list(row.values()) for row in read(f"<table>{''.join(rows)}</table>")]
    assert [row[1] for row in found] == WRITTEN


def test_a_repeated_cell_is_bounded() -> None:
    cell = "<table:table-cell table:number-columns-repeated='16384'><text:p>x@example.org</text:p></table:table-cell>"
    (row,) = read(f"<table:table><table:table-row>{cell}</table:table-row></table:table>")
    assert len(row) <= 64


def test_documents_in_cells_become_columns_and_rows_stay_rows() -> None:
    cells = [json.dumps({"who": {"mail": mail}, "n": n}).replace('"', '""') for n, mail in enumerate(WRITTEN)]
    data = "id,payload\n" + "\n".join(f'{n},"{cell}"' for n, cell in enumerate(cells))
    done, reports = survey({"dump.csv": data.encode()})
    assert (done.size().rows, done.size().emails_distinct) == (len(WRITTEN), len(WRITTEN))
    assert "email" in reports["dump.csv"].columns


def test_what_php_serialises_is_read_whatever_became_of_its_lengths() -> None:
    text = 'a:3:{s:5:"email";s:99:"ada@example.org";i:7;d:1.5;s:2:"in";O:4:"Shop":1:{s:4:"city";s:4:"Rome";}}'
    assert unserialised(text) == {"email": "ada@example.org", "7": "1.5", "in": {"city": "Rome"}}
    assert unserialised('a:1:{s:5:"email";s:15:"ada@example.org"') == {"email": {}} or unserialised("a:1:{") == {}


def test_lists_of_something_else_in_a_document_are_told() -> None:
    orders = [{"order": f"O-{number}", "total": number} for number in range(30)]
    document = json.dumps({"orders": orders, "people": PEOPLE}).encode()
    _, files = survey({"a.json": document})
    (report,) = files.values()
    assert (report.rows, report.rejected_rows) == (12, 0)
    assert report.notes == ("30 lines or objects are no rows: titles, remarks, lists of something else",)
