"""Bad deliveries, mappings and group files: each is refused with a message that names the place and never the value."""

# ruff: noqa: E501 (a case and its message are read side by side)

import gzip
import io

import polars as pl
import pytest
import zstandard

from cloakroom.adapters.deliveries import Limits, open_delivery
from cloakroom.errors import InputError, RuleError
from cloakroom.vault.group import parse_group
from cloakroom.vault.mapping_file import check_group_mappings, parse_mapping

GROUP_TEXT = """group = "Test"
[[controllers]]
id = "c"
name = "C"
country = "FR"
[[brands]]
id = "b"
controller = "c"
mapping = "b.toml"
"""
GROUP = parse_group(GROUP_TEXT, "group.toml")
MAPPING = """brand = "b"
ignore = ["memo"]
[record]
id = "id"
modified_at = "changed"
deleted = "gone"
[columns]
mail = "email"
tel = "mobile"
land = "country"
born = "birth_date"
role = "kind"
tongue = "language"
spend = { field = "spend_total", currency = "EUR", bands = ["100"] }
note = "notes"
"""
HEADER = "id,mail,tel,land,born,role,tongue,spend,note,memo,changed,gone"
GOOD = "1,a@b.com,0660573419,FR,2001-09-14,customer,fr,12.5,n,m,2025-01-01T00:00:00Z,false"
SECRET = "SECRETVALUE"


def changed(**values):
    cells = dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | values
    return ",".join(cells.values())


def rejections(tmp_path, data, *, limits=None, text=MAPPING):
    path = tmp_path / "f.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    found = [
        r
        for b in open_delivery(path, parse_mapping(text, "b.toml"), GROUP, limits=limits).batches()
        for r in b.rejected
    ]
    return [f"{r.line}: {r.field}: {r.reason}" if r.field else f"{r.line}: {r.reason}" for r in found]


def taken(tmp_path, text=MAPPING):
    return [
        i
        for b in open_delivery(tmp_path / "f.csv", parse_mapping(text, "b.toml"), GROUP).batches()
        for i in b.record_ids
    ]


PAYMENT = "holds a card number, which does not belong in a customer system"

ROWS = {
    "too few columns": ("1,a@b.com", "3: has 2 columns instead of 12"),
    "one column": (SECRET, "3: has 1 column instead of 12"),
    "too many columns": (GOOD + ",x", "3: has 13 columns instead of 12"),
    "a cut line": (GOOD[:40], "3: has 6 columns instead of 12"),
    "an unclosed quote": (changed(note='"open'), "3: text follows a closing quote, or a quote is not closed"),
    "text after a closing quote": (changed(note=f'"a"{SECRET}'), "3: text follows a closing quote, or a quote is not closed"),
    "no record id": (changed(id=""), "3: id: is missing"),
    "a blank record id": (changed(id="   "), "3: id: is missing"),
    "a control character in the record id": (changed(id="1\x07"), "3: id: is no record id"),
    "an endless record id": (changed(id="1" * 300), "3: id: is no record id"),
    "no time of change": (changed(changed=""), "3: changed: is no time as the mapping describes it"),
    "a wrong time of change": (changed(changed=SECRET), "3: changed: is no time as the mapping describes it"),
    "the 31st of February": (changed(changed="2025-02-31T00:00:00Z"), "3: changed: is no time as the mapping describes it"),
    "an unknown flag": (changed(gone="perhaps"), "3: gone: is none of the words of `deleted_true` and `deleted_false`"),
    "an unknown country": (changed(land="Utopia"), "3: land: is no country code, and no word of the mapping"),
    "a date in another order": (changed(born="14/09/2001"), "3: born: is no date as the mapping describes it"),
    "a date that does not exist": (changed(born="2001-02-30"), "3: born: is no date as the mapping describes it"),
    "an unknown choice": (changed(role=SECRET), "3: role: is no word of the mapping"),
    "an unknown language": (changed(tongue="Klingon!"), "3: tongue: is no language code, and no word of the mapping"),
    "an amount with another mark": (changed(spend='"12,50"'), "3: spend: is no amount as the mapping describes it"),
    "an amount with an exponent": (changed(spend="1e9"), "3: spend: is no amount as the mapping describes it"),
    "not a number": (changed(spend="NaN"), "3: spend: is no amount as the mapping describes it"),
    "a huge field": (changed(note="x" * 70_000), "3: note: is longer than 65536 characters"),
    "a NUL character": (changed(note="a\x00b"), "3: note: holds a NUL character; is the encoding right?"),
    "a card number in a note": (changed(note="paid 4111 1111 1111 1111 ok"), f"3: note: {PAYMENT}"),
    "a card number in an ignored column": (changed(memo="4111111111111111"), f"3: memo: {PAYMENT}"),
    "a card number as telephone": (changed(tel="4111-1111-1111-1111"), f"3: tel: {PAYMENT}"),
    "a card number as amount": (changed(spend="4111111111111111"), f"3: spend: {PAYMENT}"),
    "a card number as e-mail": (changed(mail="4111111111111111@b.com"), f"3: mail: {PAYMENT}"),
    "a card number as record id": (changed(id="4111111111111111"), f"3: id: {PAYMENT}"),
    "a card number in full-width digits": (changed(note="４１１１１１１１１１１１１１１１"), f"3: note: {PAYMENT}"),
    "a card number in an erased row": (changed(note="4111111111111111", gone="true"), f"3: note: {PAYMENT}"),
    "a card security code": (
        changed(note="CVV: 123"),
        "3: note: holds a card security code, which does not belong in a customer system",
    ),
    "a gift-card PIN": (
        changed(note="carte cadeau 17 PIN 4321"),
        "3: note: holds a gift-card PIN, which does not belong in a customer system",
    ),
    "a carriage return without quotes": (changed(note="a\rb"), "3: a line end stands inside a field without quotes"),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_a_bad_row_is_refused_alone(tmp_path, name):
    row, message = ROWS[name]
    data = "\n".join([HEADER, GOOD, row, changed(id="2"), changed(id="3", note='"q"'), changed(id="4")])
    assert rejections(tmp_path, data) == [message]
    assert taken(tmp_path) == ["1", "2", "3", "4"]
    assert SECRET not in message


@pytest.mark.parametrize("name", ROWS)
def test_a_bad_row_at_the_end_is_refused_alone(tmp_path, name):
    row, message = ROWS[name]
    if name == "an unclosed quote":
        message = "3: a quote is not closed"
    data = "\n".join([HEADER, GOOD, row])
    assert rejections(tmp_path, data) == [message]
    assert taken(tmp_path) == ["1"]


def test_bytes_that_do_not_decode_refuse_their_row(tmp_path):
    data = "\n".join([HEADER, GOOD, changed(note="?"), changed(id="2")]).encode().replace(b",?,", b",\xff\xfe,")
    utf8 = 'brand = "b"\n[format]\nencoding = "utf-8"\n' + MAPPING.split("\n", 1)[1]
    stated = utf8.replace(
        '[format]\nencoding = "utf-8"\nignore = ["memo"]', 'ignore = ["memo"]\n[format]\nencoding = "utf-8"'
    )
    assert rejections(tmp_path, data, text=stated) == ["3: note: holds bytes that are not utf-8"]
    assert taken(tmp_path, stated) == ["1", "2"]


def test_an_endless_line_is_refused_without_being_kept(tmp_path):
    data = "\n".join([HEADER, GOOD, "x" * 9_000_000, changed(id="2")])
    assert rejections(tmp_path, data) == ["3: the line is too long"]
    assert taken(tmp_path) == ["1", "2"]


def test_an_unclosed_quote_swallows_no_row_whatever_the_batch(tmp_path):
    rows = [changed(id=str(number)) for number in range(1, 40)]
    rows[9] = changed(id="10", note='"never closed')
    rows[20] = changed(id="21", note='"two\nlines"')
    data = "\n".join([HEADER, *rows])
    for size in (1, 2, 3, 7, 100):
        found = rejections(tmp_path, data, limits=Limits(batch_rows=size))
        assert [text.split(":")[0] for text in found] == ["11"]
    assert taken(tmp_path) == [str(number) for number in range(1, 40) if number != 10]


def test_a_quote_that_closes_in_a_later_row_swallows_none_either(tmp_path):
    rows = ['1,"a,b', "2,c,d", '3,e",f']
    text = 'brand = "b"\n[record]\nid = "id"\n[columns]\nx = "notes"\ny = "purchases"\n'
    data = "\n".join(["id,x,y", "0,x,y", *rows, "4,g,h"])
    assert rejections(tmp_path, data, text=text) == ["3: a quote is not closed"]
    assert taken(tmp_path, text) == ["0", "2", "3", "4"]


JSON_ROWS = {
    "cut": ('{"id": "1", "mail": ', "2: is not a JSON object on one line"),
    "a list": ("[1, 2]", "2: is not an object"),
    "a bare text": (f'"{SECRET}"', "2: is not an object"),
    "two objects": ('{"id": "1"}{"id": "2"}', "2: is not a JSON object on one line"),
    "an unknown key": ('{"id": "1", "secret": 1}', "2: secret: is neither mapped nor ignored"),
    "a key that is a value": ('{"id": "1", "a.b@c.com": 1}', "2: is neither mapped nor ignored"),
    "a nested value": ('{"id": {"x": 1}}', "2: id: is nested where a single value is expected"),
    "half a surrogate": ('{"id": "1", "mail": "\\ud800"}', "2: is not a JSON object on one line"),
    "a hidden card": ('{"id": "1", "note": "\\u0034111111111111111"}', f"2: note: {PAYMENT}"),
    "a card as a number": ('{"id": "1", "memo": {"x": 4111111111111111}}', f"2: {PAYMENT}"),
}


@pytest.mark.parametrize("name", JSON_ROWS)
def test_a_bad_object_is_refused_alone(tmp_path, name):
    line, message = JSON_ROWS[name]
    text = MAPPING.replace('modified_at = "changed"\ndeleted = "gone"\n', "")
    data = "\n".join(['{"id": "0"}', line, '{"id": "9"}'])
    assert rejections(tmp_path, data, text=text) == [message]
    assert taken(tmp_path, text) == ["0", "9"]


def parquet(frame):
    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


LATIN = "\n".join([HEADER, *[GOOD.replace(",n,", ",é,")] * 20]).encode("cp1252")
FILES = {
    "an empty file": (b"", "", "f.csv: is empty"),
    "blank lines only": (b"\n\n\n", "", "f.csv:1: the first line is no header that b.toml describes: id, changed, gone, mail, tel, land, born, role, tongue, spend, note are missing"),
    "no header": (f"9,{SECRET}@b.com,1,2,3,4,5,6,7,8,9,0\n".encode(), "", "f.csv:1: the first line is no header that b.toml describes: id, changed, gone, mail, tel, land, born, role, tongue, spend, note are missing"),
    "a missing column": (HEADER.replace("note,", "").encode(), "", "f.csv:1: column `note` of b.toml is missing"),
    "an unknown column": ((HEADER + ",loyalty").encode(), "", "f.csv:1: column 13 (`loyalty`) is neither mapped nor ignored by b.toml"),
    "a repeated column": ((HEADER + ",mail").encode(), "", "f.csv:1: column 13 is `mail` once more"),
    "another encoding": (LATIN, '[format]\nencoding = "utf-8"\n', "f.csv:2: not utf-8, as b.toml says; it looks like cp1252"),
    "another mark": (HEADER.encode("utf-16"), '[format]\nencoding = "utf-8"\n', "f.csv:1: begins with the mark of utf-16, but b.toml says utf-8"),
    "no UTF-16": (HEADER.encode(), '[format]\nencoding = "utf-16"\n', "f.csv:1: is not utf-16, as b.toml says"),
    "another format": (b'{"id": 1}', '[format]\nkind = "csv"\n', "f.csv: looks like jsonl, but b.toml says csv"),
    "an archive": (b"PK\x03\x04abcd", "", "f.csv: is a workbook or an archive; deliver its tables as CSV, plain or as .gz or .zst"),
    "another archive": (b"7z\xbc\xaf\x27\x1cabcd", "", "f.csv: is an archive; deliver its tables as CSV, plain or as .gz or .zst"),
    "a JSON array": (b'[\n {"id": 1}]', "", "f.csv: is a JSON array; deliver it as CSV, JSON Lines (one object a line) or Parquet"),
    "XML": (b'<?xml version="1.0"?>', "", "f.csv: is XML; deliver it as CSV, JSON Lines (one object a line) or Parquet"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1", "", "f.csv: is an old Office document; deliver it as CSV, JSON Lines (one object a line) or Parquet"),
    "UTF-8 under another name": ("\n".join([HEADER, GOOD, GOOD.replace(",n,", ",Élodie Lefèvre à Žižkov,")]).encode(), '[format]\nencoding = "cp1252"\n', "f.csv:3: is UTF-8, but b.toml says cp1252"),
    "cut gzip": (gzip.compress(HEADER.encode())[:-12], "", "f.csv: the compressed data is damaged or ends too early"),
    "cut Zstandard": (zstandard.compress(HEADER.encode())[:-4], "", "f.csv: the compressed data is damaged or ends too early"),
    "Zstandard cut after its last row": (zstandard.ZstdCompressor(write_checksum=True).compress(HEADER.encode())[:-1], "", "f.csv: the compressed data is damaged or ends too early"),
    "damaged gzip": (gzip.compress(HEADER.encode())[:12] + b"\xff" * 40, "", "f.csv: the compressed data is damaged or ends too early"),
    "damaged Parquet": (b"PAR1" + b"x" * 100, "", "f.csv: is not readable Parquet"),
    "Parquet without a column": (parquet(pl.DataFrame({"id": ["1"], "changed": ["x"], "gone": ["x"], "mail": [""], "tel": [""], "land": [""], "born": [""], "role": [""], "tongue": [""], "spend": [""]})), "", "f.csv:1: column `note` of b.toml is missing"),
    "too many columns": (",".join(["id", *map(str, range(1001))]).encode(), "", "f.csv:1: has 1002 columns; at most 1000 are read"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_refused_before_any_row_is_taken(tmp_path, name):
    data, extra, message = FILES[name]
    path = tmp_path / "f.csv"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        open_delivery(path, parse_mapping(MAPPING + extra, "b.toml"), GROUP)
    assert str(caught.value) == message
    assert SECRET not in message


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"f\.csv: cannot be read: No such file"):
        open_delivery(tmp_path / "f.csv", parse_mapping(MAPPING, "b.toml"), GROUP)


START = 'brand = "b"\n[record]\nid = "id"\n[columns]\n'
MAPPINGS = {
    "no TOML": ("brand = \n", ["b.toml:1: not TOML: invalid value"]),
    "a key twice": (START + 'a = "email"\na = "phone"\n', ["b.toml:6: not TOML: cannot overwrite a value"]),
    "nothing": ("", ["b.toml:1: [columns] maps no column", "b.toml:1: brand: is missing", "b.toml:1: record.id: is missing"]),
    "an unknown key": (START + 'a = { field = "email", indx = true }\n', ["b.toml:5: columns.a.indx: unknown key; did you mean index?"]),
    "an unknown table": (START + 'a = "email"\n[colums]\nb = "phone"\n', ["b.toml:6: colums: unknown key; did you mean columns?"]),
    "a wrong type": ('brand = 7\n[record]\nid = "id"\n[columns]\na = "email"\n', ["b.toml:1: brand: must be a text in quotes"]),
    "a column that is a number": (START + "a = 5\n", ['b.toml:5: columns.a: must name a field, such as "email", or be a table with `field`']),
    "two columns to one field": (START + 'a = "email"\nb = "email"\n', ["b.toml:6: columns.b: fills field `email`, as column `a` does already"]),
    "another kind": (START + 'a = { field = "email", kind = "text" }\n', ["b.toml:5: columns.a.kind: field `email` is of kind email"]),
    "an unknown class": (START + 'a = { field = "email", class = "secret" }\n', ["b.toml:5: columns.a.class: must be one of contact, identity, value"]),
    "an unsafe index": (START + 'a = { field = "country", index = true }\n', ["b.toml:5: columns.a.index: a field of kind country has too few different values to be indexed safely"]),
    "a bad field name": (START + 'a = { field = "E-Mail", kind = "email", class = "contact", data_element = "email" }\n', ["b.toml:5: columns.a.field: must be lower-case letters, digits and _, beginning with a letter"]),
    "a word for no choice": (START + 'a = { field = "kind", words = { x = "client" } }\n', ["b.toml:5: columns.a.words: field `kind` knows only customer, employee, recipient"]),
    "a word for no country": (START + 'a = { field = "country", words = { x = "Germany" } }\n', ["b.toml:5: columns.a.words: a country's words must stand for ISO 3166-1 codes of two capitals"]),
    "bands that fall": (START + 'a = { field = "spend_total", currency = "EUR", bands = ["5", "1"] }\n', ["b.toml:5: columns.a.bands: must ascend"]),
    "bands of no currency": (START + 'a = { field = "spend_total", bands = ["5"] }\n', ["b.toml:5: columns.a.currency: must be an ISO 4217 code of three capitals"]),
    "bands of a text": (START + 'a = { field = "notes", currency = "EUR", bands = ["5"] }\n', ["b.toml:5: columns.a.bands: belongs to a field of kind decimal"]),
    "an unknown time zone": ('timezone = "Mars/Olympus"\n' + START + 'a = "email"\n', ["b.toml:1: timezone: is no time zone, such as UTC or Europe/Paris"]),
    "an unknown date order": ('date_order = "ydm"\n' + START + 'a = "email"\n', ["b.toml:1: date_order: must be one of iso, ymd, dmy, mdy, unix_seconds, unix_milliseconds, or a pattern such as %d.%m.%Y"]),
    "an unknown encoding": (START + 'a = "email"\n[format]\nencoding = "klingon"\n', ["b.toml:7: format.encoding: is no encoding known here; try utf-8, cp1252, latin-1, utf-16"]),
    "a codec that is no encoding": (START + 'a = "email"\n[format]\nencoding = "base64"\n', ["b.toml:7: format.encoding: is no encoding known here; try utf-8, cp1252, latin-1, utf-16"]),
    "a long delimiter": (START + 'a = "email"\n[format]\ndelimiter = "||"\n', ["b.toml:7: format.delimiter: must be one character, and not a quote or line end"]),
    "one mark for two things": ('grouping_mark = "."\n' + START + 'a = "email"\n', ["b.toml:1: grouping_mark: is the decimal mark too"]),
    "mapped and ignored": ('ignore = [\n  "a",\n]\n' + START + 'a = "email"\n', ["b.toml:1: ignore: column `a` is both mapped and ignored"]),
    "a facet without a column": ('facets = ["country"]\n' + START + 'a = "email"\n', ["b.toml:1: facets: no column gives country"]),
    "one flag for both": ('brand = "b"\n[record]\nid = "id"\ndeleted_true = ["x"]\ndeleted_false = ["X"]\n[columns]\na = "email"\n', ["b.toml:5: record.deleted_false: holds a word that `deleted_true` holds too"]),
    "no path": ('brand = "b"\n[format]\nkind = "jsonl"\n[record]\nid = "id"\n[columns]\n"a[" = "email"\n', ["b.toml:7: columns.a[: `a[` is no path such as name.given or phones[0]"]),
    "a header without a column": ('brand = "b"\n[format]\nheader = ["id"]\n[record]\nid = "id"\n[columns]\na = "email"\n', ["b.toml:3: format.header: column `a` is used but not named"]),
    "several at once": ('brand = "b"\ntimezone = 1\n[record]\nid = ""\n[columns]\na = "email"\nb = "email"\n', ["b.toml:2: timezone: must be a text in quotes", "b.toml:4: record.id: must not be empty", "b.toml:7: columns.b: fills field `email`, as column `a` does already"]),
}  # fmt: skip


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_bad_mapping_is_refused_with_every_mistake(name):
    text, messages = MAPPINGS[name]
    with pytest.raises(RuleError) as caught:
        parse_mapping(text, "b.toml")
    assert [str(problem) for problem in caught.value.problems] == messages


def test_an_unknown_field_needs_a_definition():
    with pytest.raises(RuleError) as caught:
        parse_mapping(START + 'a = "points"\n', "b.toml")
    message = "b.toml:5: columns.a.field: `points` is not well known and needs `kind` and `class` and `data_element`"
    assert str(caught.value).startswith(message)


def test_brands_that_mean_different_things_by_one_field_are_refused():
    one = parse_mapping(
        START + 'a = "email"\nb = { field = "points", kind = "decimal", class = "value", data_element = "other" }\n',
        "one.toml",
    )
    two = parse_mapping(
        START
        + 'a = { field = "email", class = "identity", index = false }\nb = { field = "points", kind = "text", class = "value", data_element = "other" }\n',
        "two.toml",
    )
    with pytest.raises(RuleError) as caught:
        check_group_mappings([one, two])
    assert [str(problem) for problem in caught.value.problems] == [
        "two.toml:5: columns.a: field `email` has another class than in one.toml",
        "two.toml:5: columns.a: field `email` has another index than in one.toml",
        "two.toml:6: columns.b: field `points` has another kind than in one.toml",
    ]


GROUPS = {
    "no brand": ('group = "G"\n', ["g.toml:1: names no [[brands]]"]),
    "an unknown controller": (GROUP_TEXT.replace('controller = "c"', 'controller = "d"'), ["g.toml:8: brands[1].controller: names none of: c"]),
    "an id twice": (GROUP_TEXT + '[[brands]]\nid = "b"\ncontroller = "c"\nmapping = "x.toml"\n', ["g.toml:11: brands[2].id: is used twice"]),
    "an id in capitals": (GROUP_TEXT.replace('id = "b"', 'id = "B"'), ["g.toml:7: brands[1].id: must be lower-case letters, digits, - and _, beginning with a letter"]),
    "an unknown country": (GROUP_TEXT.replace('"FR"', '"France"'), ["g.toml:5: controllers[1].country: must be an ISO 3166-1 code of two letters"]),
    "an establishment outside the EEA": (GROUP_TEXT.replace('country = "FR"', 'country = "GB"\neea_main_establishment = "GB"'), ["g.toml:6: controllers[1].eea_main_establishment: must be a country of the European Economic Area, or left out"]),
    "a mapping elsewhere": (GROUP_TEXT.replace('"b.toml"', '"../b.toml"'), ["g.toml:9: brands[1].mapping: must lie inside the configuration folder"]),
    "a store of no brand": (GROUP_TEXT + '[[stores]]\nbrand = "x"\ncode = "1"\n', ["g.toml:11: stores[1].brand: names none of: b"]),
    "a store's wrong telephone": (GROUP_TEXT + '[[stores]]\nbrand = "b"\ncode = "1"\ncountry = "FR"\ntelephone = "12"\n', ["g.toml:14: stores[1].telephone: is no telephone number"]),
    "a placeholder that is no address": (GROUP_TEXT + '[placeholders]\nemails = ["NA"]\n', ["g.toml:11: placeholders.emails: must be addresses or patterns in lower case, each with @"]),
    "an unknown key": ('groop = "G"\n' + GROUP_TEXT, ["g.toml:1: groop: unknown key; did you mean group?"]),
}  # fmt: skip


@pytest.mark.parametrize("name", GROUPS)
def test_a_bad_group_is_refused_with_every_mistake(name):
    text, messages = GROUPS[name]
    with pytest.raises(RuleError) as caught:
        parse_group(text, "g.toml")
    assert [str(problem) for problem in caught.value.problems] == messages


def test_the_table_of_bad_inputs_is_long_enough():
    assert sum(map(len, (ROWS, JSON_ROWS, FILES, MAPPINGS, GROUPS))) >= 45


def lines_of(values, header="id,v"):
    return "\n".join([header, *(f"{number},{value}" for number, value in enumerate(values))]).encode()


BACKWARDS = {
    "days for months": ('born = "birth_date"', "born", [f"{day:02d}/{1 + day % 12:02d}/1980" for day in range(1, 29)],
                        'date_order = "mdy"\n', "f.csv:14: column `born` is written as dmy, but b.toml says mdy"),
    "months for days": ('born = "birth_date"', "born", [f"{1 + day % 12}-{day}-1980" for day in range(1, 29)],
                        'date_order = "dmy"\n', "f.csv:14: column `born` is written as mdy, but b.toml says dmy"),
    "days for months in times": ('since = "created_at"', "since", [f"{day}.3.2024 10:00" for day in range(1, 29)],
                                 'date_order = "mdy"\n', "f.csv:14: column `since` is written as dmy, but b.toml says mdy"),
    "commas for points": ('spend = "spend_total"', "spend", ["1.234", "500", '"1.234,50"', '"12,5"', '"7,00"'],
                          "", "f.csv:4: column `spend` is written with decimal mark `,`, but b.toml says `.`"),
    "points for commas": ('spend = "spend_total"', "spend", ['"1,234"', "500", "1234.50", "12.5", "7.00"],
                          'decimal_mark = ","\n', "f.csv:4: column `spend` is written with decimal mark `.`, but b.toml says `,`"),
}  # fmt: skip


@pytest.mark.parametrize("name", BACKWARDS)
def test_a_file_written_the_other_way_round_is_refused_as_a_whole(tmp_path, name):
    column, source, values, stated, message = BACKWARDS[name]
    text = f'brand = "b"\n{stated}[record]\nid = "id"\n[columns]\n{column}\n'
    with pytest.raises(InputError) as caught:
        rejections(tmp_path, lines_of(values, f"id,{source}"), text=text)
    assert str(caught.value) == message


def test_a_file_that_tells_its_order_is_taken_although_some_dates_are_wrong(tmp_path):
    text = 'brand = "b"\ndate_order = "dmy"\n[record]\nid = "id"\n[columns]\nborn = "birth_date"\n'
    values = ["31/01/1980", "02/13/1980", "02/14/1980", "02/15/1980", "02/03/1980"]
    found = rejections(tmp_path, lines_of(values, "id,born"), text=text)
    assert found == [f"{line}: born: is no date as the mapping describes it" for line in (3, 4, 5)]


def test_the_time_of_change_too_is_refused_when_written_the_other_way_round(tmp_path):
    text = 'brand = "b"\ndate_order = "mdy"\n[record]\nid = "id"\nmodified_at = "at"\n[columns]\nnote = "notes"\n'
    rows = "\n".join(["id,at,note", *(f"{day},{day:02d}/01/2024 10:00:00,x" for day in range(1, 29))])
    with pytest.raises(InputError, match=r"f\.csv:14: column `at` is written as dmy, but b\.toml says mdy"):
        rejections(tmp_path, rows, text=text)
