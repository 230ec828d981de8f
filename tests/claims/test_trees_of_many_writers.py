"""Every writer's tree gives one row for each person: services' answers, shells, languages, exports of databases."""

from __future__ import annotations

import datetime as dt
import io
import json
import pprint
import time
import zipfile
from decimal import Decimal

import pytest
from memory_dump import open_bytes, survey

from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.json_documents import documents_in, is_action, unwrapped
from cloakroom.claims.readers.relaxed_json import decode_relaxed
from cloakroom.claims.readers.xml_shape import row_elements

PEOPLE = [
    {"id": f"C{1000 + n}", "email": f"ada.{n}@example.org", "name": f"Ada {n}", "phone": f"+4930123{n:04d}"}
    for n in range(40)
]
HALVES = (PEOPLE[:20], PEOPLE[20:])
NAMES = list(PEOPLE[0])


def dumps(value: object) -> str:
    return json.dumps(value)


def lines(values: list[object]) -> str:
    return "\n".join(map(json.dumps, values)) + "\n"


def hits(people: list[dict[str, str]]) -> dict[str, object]:
    found = [{"_index": "c", "_id": person["id"], "_source": person, "sort": [1]} for person in people]
    return {"_scroll_id": "x", "_shards": {"total": 1}, "hits": {"total": len(people), "hits": found}}


def shell(person: dict[str, str], number: int) -> str:
    return (
        f'{{ "_id" : ObjectId("{number:024x}"), "part" : BinData(3,"ab=="), "at" : Timestamp(1500000000, 1), '
        f'"ref" : DBRef("orders", ObjectId("{number:024x}")), "like" : /a"b/i, {dumps(person)[1:]}'
    )


def language(person: dict[str, str]) -> dict[str, object]:
    return {
        **person,
        "since": dt.datetime(2020, 1, 2, 3, 4),
        "limit": Decimal("1.50"),
        "raw": b"\x01",
        "t": (1,),
    }


JSON = {
    "search": dumps(hits(PEOPLE)),
    "scroll lines": lines([hits(half) for half in HALVES]),
    "scroll printed": "\n".join(json.dumps(hits(half), indent=2) for half in HALVES),
    "pages without a line between": "".join(dumps({"links": {"next": "x"}, "users": half}) for half in HALVES),
    "pages in a list, the last empty": dumps([{"page": 1, "rows": half} for half in (*HALVES, [])]),
    "edges on lines": lines([{"data": {"c": {"edges": [{"node": person} for person in half]}}} for half in HALVES]),
    "bulk": lines([x for p in PEOPLE for x in ({"index": {"_id": p["id"], "routing": "x"}}, p)]),
    "bulk updates": lines([x for p in PEOPLE for x in ({"update": {"_id": "1", "version": 3}}, {"doc": p})]),
    "records with attributes": dumps({"records": [{"attributes": {"type": "C", "url": "/x"}, **p} for p in PEOPLE]}),
    "keys, some fields missing": dumps(
        {"users": {f"-N{n}": p if n % 2 else {"email": p["email"], "id": p["id"]} for n, p in enumerate(PEOPLE)}}
    ),
    "columns by name": dumps({name: {person["id"]: person[name] for person in PEOPLE} for name in NAMES}),
    "lists by name": dumps({name: [person[name] for person in PEOPLE] for name in NAMES} | {"count": 40}),
    "lists by key": dumps({person["id"]: [person["email"], person["name"]] for person in PEOPLE}),
    "addresses as keys": dumps({person["email"]: "secret" for person in PEOPLE}),
    "addresses alone": dumps({"emails": [person["email"] for person in PEOPLE]}),
    "tables after a header": dumps([{"type": "header"}, {"type": "table", "name": "c", "data": PEOPLE}]),
    "deep": dumps(json.loads('{"x":' * 20 + dumps(PEOPLE) + "}" * 20)),
    "in a string": dumps(dumps(PEOPLE)),
    "protected": ")]}',\n" + dumps(PEOPLE),
    "assigned": f"var customers = {dumps(PEOPLE)};\n",
    "called": f"callback({dumps({'meta': 1, 'data': PEOPLE})});",
    "commented": "// all of them\n{ customers: [\n" + ",\n".join(
        "{" + "".join(f"{name}: '{value}', " for name, value in person.items()) + "}" for person in PEOPLE
    ) + ",\n], }",
    "sequence": "".join(f"\x1e{dumps(person)}\n" for person in PEOPLE),
    "shell": "\n".join(shell(person, n) for n, person in enumerate(PEOPLE)),
    "prompt": "shop> db.c.find()\n" + pprint.pformat([{"_id": person["id"], **person} for person in PEOPLE]) + "\nit",
    "language lines": "\n".join(repr(language(person)) for person in PEOPLE),
    "language list": repr([language(person) for person in PEOPLE]),
    "tuples": repr([tuple(person.values()) for person in PEOPLE]),
}  # fmt: skip


def elements(form: str) -> str:
    return "".join(form.format(**person) for person in PEOPLE)


FIELDS = "<row>" + "".join(f'<field name="{name}">{{{name}}}</field>' for name in NAMES) + "</row>\n"
PLAIN = "".join(f"<{name}>{{{name}}}</{name}>" for name in NAMES)
XML = {
    "after a head": f"<x><head><made>2020</made><by><n>a</n></by></head><l>{elements(f'<c>{PLAIN}</c>')}</l></x>",
    "fields": "<dump><database name='s'><table_structure><field Field='id' Type='int'/><field Field='email'/>"
    f"</table_structure><table_data>{elements(FIELDS)}</table_data></database></dump>",
    "no root": elements('<c id="{id}" email="{email}" name="{name}" phone="{phone}"/>'),
    "envelope": f"<s:E><s:H><a>1</a></s:H><s:Body><R><D>{elements(f'<C>{PLAIN}</C>')}</D></R></s:Body></s:E>",
    "feed": "<feed><title>x</title>"
    + elements(f"<entry><id>u/{{id}}</id><content>{PLAIN}</content></entry>") + "</feed>",
    "plist": "<plist><array>" + elements(
        "<dict><key>mail</key><string>{email}</string><key>name</key><string>{name}</string></dict>"
    ) + "</array></plist>",
    "orders inside": "<cs>" + elements(
        "<c id='{id}'><email>{email}</email><os>" + "<o><no>1</no><mail>shop@example.net</mail></o>" * 3 + "</os></c>"
    ) + "</cs>",
    "lists inside": "<cs>" + elements(
        "<c><id>{id}</id><name>{name}</name><town>x</town><es><e>{email}</e><e>b.{email}</e></es></c>"
    ) + "</cs>",
    "divisions": "<html><body>"
    + elements("<div><span>{id}</span><span>{email}</span><br></div>\n") + "</body></html>",
    "definitions": "<!DOCTYPE cs [<!ELEMENT cs (c)>]><cs>"
    + elements("<!-- <c> --><c><id>{id}</id><email><![CDATA[{email}]]></email></c>") + "</cs>",
}  # fmt: skip

HEAD = "<tr>" + "".join(f"<th>{name}" for name in NAMES)
BODY = elements("<tr>" + "".join(f"<td>{{{name}}}" for name in NAMES) + "\n")
CELLS = elements(
    "<tr>" + "".join(f"<td>{{{name}}}</td>" for name in NAMES) + "<td><table><tr><td>a<td>b</table></td>\n"
)
HTML = {
    "head never closed": f"<meta charset=x><head><title>x</title><body><table>{HEAD}{BODY}</table>",
    "title above": f"<table><tr><td colspan=4>All customers</td></tr>{HEAD}{BODY}</table>",
    "inside a layout": f"<table><tr><td>menu</td><td><table>{HEAD}{BODY}</table></td></tr></table>",
    "tables in cells": f"<table>{HEAD}<th>tags</tr>{CELLS}</table>",
}


@pytest.mark.parametrize(
    "text", [*JSON.values(), *XML.values(), *HTML.values()], ids=[*JSON, *XML, *(f"table: {name}" for name in HTML)]
)
def test_each_person_is_a_row_with_an_address_within_a_second(text) -> None:
    survey({"warm": b"a,b\n1,2\n"})
    begun = time.process_time()
    done, reports = survey({"dump": text.encode()})
    assert time.process_time() - begun < 1
    size = done.size()
    addresses = sum(f"{person['email']}" in text for person in PEOPLE)
    assert (size.rows, size.rejected_rows) == (len(PEOPLE), 0)
    assert size.emails_distinct >= addresses == len(PEOPLE)
    assert "email" in reports["dump"].columns


def test_fields_that_an_attribute_names_are_columns_of_that_name() -> None:
    (batch,) = open_bytes(XML["fields"].encode()).batches
    assert batch.whole().rows(named=True)[0] == PEOPLE[0]


def test_what_a_person_has_several_of_makes_no_rows_of_the_others() -> None:
    """A list of somebody's addresses is no page of people; orders do not become rows."""
    entries = [{"kind": "home", "value": "{email}"}, {"kind": "work", "value": "w.{email}"}]
    people = [
        {"name": p["name"], "entries": [{**e, "value": e["value"].format(**p)} for e in entries]} for p in PEOPLE
    ]
    for text in (dumps(people), lines(people)):
        assert survey({"dump": text.encode()})[0].size().rows == len(PEOPLE)


def test_documents_are_taken_apart_whatever_stands_between_them() -> None:
    assert documents_in(b"x = {'a': ']'}; [1]\n") == ([b"{'a': ']'}", b"[1]"], b"")
    assert documents_in(b'{"a": 1}{"b": "') == ([b'{"a": 1}'], b'{"b": "')


def test_an_envelope_is_taken_off_only_where_it_shows_nobody_itself() -> None:
    person = PEOPLE[0]
    assert unwrapped({"_index": "c", "_source": person}) == person
    assert unwrapped({"id": "7", "attributes": {"email": "ada@example.org"}}) == {
        "id": "7",
        "email": "ada@example.org",
    }
    kept = {"attributes": {"type": "Contact"}, **person}
    assert unwrapped(kept) == kept


def test_an_action_may_say_how_it_is_done_and_nothing_else() -> None:
    assert is_action({"update": {"_id": "1", "retry_on_conflict": 3}})
    assert not is_action({"update": {"name": "Ada"}})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': datetime.datetime(2020, 1, 2, 3, 4), 'b': datetime.date(1990, 12, 31)}",
         {"a": "2020-01-02T03:04", "b": "1990-12-31"}),
        ("{a: BinData(3,\"ab==\"), b: new Date(), c: f([1, 2])}", {"a": "3,ab==", "b": None, "c": [1, 2]}),
        ("{1: 'a', None: b'x', 't': (1, (2,))}", {"1": "a", "null": "x", "t": [1, [2]]}),
        ("{a: /x\\/\"/gi, b: `it's`, c: <Kind.A: 1>}", {"a": "/x\\/\"/gi", "b": "it's", "c": "<Kind.A: 1>"}),
    ],
    ids=["dates", "calls", "keys and tuples", "patterns"],
)  # fmt: skip
def test_literals_mean_what_their_language_says(text, value) -> None:
    assert decode_relaxed(text.encode()) == value


def test_the_row_is_the_outermost_element_of_one_person() -> None:
    (row,) = row_elements(XML["feed"])
    assert row.path == "/feed/entry"
    (row,) = row_elements(f"<a><b>{elements('<c><d><e>{email}</e><f>1</f></d></c>')}</b></a>")
    assert row.path == "/a/b/c"
    (row,) = row_elements(
        "<order><no>1</no><customer><name>Ada</name><mail>ada@example.org</mail></customer></order>"
    )
    assert row.path == "/order"


def document(rows: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("content.xml", f"<office:spreadsheet><table:table>{rows}</table:table></office:spreadsheet>")
    return made.getvalue()


def row(cells: list[str], times: int = 1) -> str:
    inside = "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in cells)
    return f'<table:table-row table:number-rows-repeated="{times}">{inside}</table:table-row>'


def test_an_open_document_is_read_and_what_it_repeats_is_bounded() -> None:
    end = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell {}><text:p>x</text:p>'
    end += "</table:table-cell></table:table-row>"
    rows = row(NAMES) + "".join(row(list(person.values())) for person in PEOPLE) + row(list(PEOPLE[0].values()), 3)
    for many in ("", 'table:number-columns-repeated="16384"'):
        done, _ = survey({"dump.ods": document(rows + end.format(many))})
        assert (done.size().rows, done.size().emails_distinct) == (len(PEOPLE) + 4, len(PEOPLE))


def test_numbers_and_dates_of_an_open_document_are_those_it_holds_not_those_it_shows() -> None:
    cells = (
        '<table:table-cell office:value-type="float" office:value="4930123000000"><text:p>4.93E+12</text:p>'
        '</table:table-cell><table:table-cell office:value-type="date" office:date-value="1990-12-31">'
        "<text:p>31/12/90</text:p></table:table-cell>"
    )
    (batch,) = open_bytes(document(f"<table:table-row>{cells}</table:table-row>")).batches
    assert batch.whole().rows() == [("4930123000000", "1990-12-31")]


@pytest.mark.parametrize(
    "text",
    [
        b"[/*" * 20_000, b'{"' + b'\\"' * 20_000, b'{"a":"x\n' * 20_000, b"[`" * 20_000, b"x=[" + b"(" * 20_000,
        b"<a>" + b"<!--x>" * 20_000, b"<a><![CDATA[" * 20_000, b"<r>" + b"x<b/>" * 20_000, b"<b>" + b"<!x" * 20_000,
        b"<table><tr><td>a</td></tr>" + b"<!--x" * 20_000, b"<table>" * 20_000, b"<table><tr><td>" * 20_000,
    ],
    ids=["comments", "escapes", "strings", "templates", "parentheses", "markup comments", "sections", "mixed", "bang",
         "comments in tables", "tables", "tables in cells"],
)  # fmt: skip
def test_what_is_never_closed_takes_linear_time(text) -> None:
    begun = time.process_time()
    survey({"dump": text})
    assert time.process_time() - begun < 2


def test_a_page_on_a_line_may_be_longer_than_a_row() -> None:
    text = lines([hits(half) for half in HALVES])
    read = [batch.frame.height for batch in open_bytes(text.encode(), limits=Limits(record_bytes=1_000)).batches]
    assert sum(read) == len(PEOPLE)


def test_rows_of_a_document_too_large_to_be_held_are_found_as_deep_as_they_lie() -> None:
    text = dumps({"took": 1, "shards": {"a": 1}, "hits": {"total": 1, "hits": PEOPLE}})
    read = [batch.frame.height for batch in open_bytes(text.encode(), limits=Limits(document_bytes=1_000)).batches]
    assert sum(read) == len(PEOPLE)
