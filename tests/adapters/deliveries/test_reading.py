"""The same rows are read from every form in which a system may deliver them."""

import csv
import gzip
import io
import json
from datetime import UTC, date, datetime

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.adapters.deliveries import Limits, open_delivery
from cloakroom.errors import InputError
from cloakroom.vault.group import parse_group
from cloakroom.vault.mapping_file import parse_mapping

GROUP = parse_group(
    """
group = "Test"
[[controllers]]
id = "c"
name = "C"
country = "FR"
[[brands]]
id = "b"
controller = "c"
mapping = "b.toml"
[[stores]]
brand = "b"
code = "S1"
country = "GB"
""",
    "group.toml",
)
MAPPING = """
brand = "b"
[record]
id = "id"
modified_at = "changed"
deleted = "gone"
[columns]
"Prénom" = "given_name"
mail = "email"
tel = "mobile"
street = "street"
land = "country"
shop = "store"
born = "birth_date"
spend = { field = "spend_total", currency = "EUR", bands = ["100", "1000"] }
"""
HEADER = ["id", "Prénom", "mail", "tel", "street", "land", "shop", "born", "spend", "changed", "gone"]
ONE = ["1", "Élise", "Elise@Example.COM", "06 60 57 34 19", '1, rue "Neuve"', "FR", "", "2001-09-14", "12.50"]
ROWS = [
    [*ONE, "2025-01-01T00:00:00Z", "false"],
    ["2", " Bob", "", "07500 180674", "two\nlines", "", "S1", "", "1000", "2025-01-02T00:00:00.250Z", "false"],
    ["3", "", "x@ex?mple.com", "", "", "DE", "", "", "-3", "2025-01-03 00:00:00+01:00", "false"],
    ["4", "", "", "", "", "", "", "", "", "2025-01-04T00:00:00Z", "true"],
]


def mapping(text=MAPPING):
    return parse_mapping(text, "b.toml")


def as_csv(rows=ROWS, *, header=HEADER, delimiter=",", line_end="\n", quoting=csv.QUOTE_MINIMAL, quote='"'):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=line_end, quoting=quoting, quotechar=quote)
    writer.writerows([header, *rows])
    return out.getvalue()


def read(path, text=MAPPING, *, skip_rows=0, limits=None):
    delivery = open_delivery(path, mapping(text), GROUP, limits=limits)
    return list(delivery.batches(skip_rows=skip_rows))


def write(tmp_path, data, name="f.csv"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def check_rows(batch, *, lines=(2, 3, 5, 6)):
    assert batch.rejected == []
    assert batch.lines == list(lines)
    assert batch.record_ids == ["1", "2", "3", "4"]
    assert batch.modified_at == [1735689600000000, 1735776000250000, 1735858800000000, 1735948800000000]
    assert batch.deleted == [False, False, False, True]
    assert batch.columns["given_name"] == ["Élise", " Bob", None, None]
    assert batch.columns["email"] == ["Elise@Example.COM", None, "x@ex?mple.com", None]
    assert batch.normal["email"] == ["elise@example.com", None, None, None]
    assert batch.normal["mobile"] == ["+33660573419", "+447500180674", None, None]
    assert batch.columns["street"] == ['1, rue "Neuve"', "two\nlines", None, None]
    assert batch.columns["spend_total"] == ["12.5", "1000", "-3", None]
    assert batch.facets["spend_band"] == ["EUR <100", "EUR >=1000", "EUR <100", None]
    assert batch.facets["country"] == ["FR", None, "DE", None]
    assert batch.facets["birth_date"] == ["2001-09-14", None, None, None]
    assert batch.facets["store"] == [None, "S1", None, None]
    assert batch.rows_read == 4


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~", "\x1f"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_every_delimiter_line_end_and_quoting_is_recognised(tmp_path, delimiter, line_end, quoting):
    (batch,) = read(write(tmp_path, as_csv(delimiter=delimiter, line_end=line_end, quoting=quoting)))
    check_rows(batch)


def test_single_quotes_are_recognised(tmp_path):
    (batch,) = read(write(tmp_path, as_csv(quoting=csv.QUOTE_ALL, quote="'")))
    check_rows(batch)


def test_old_line_ends_are_recognised(tmp_path):
    rows = [[value.replace("\n", " ") for value in row] for row in ROWS]
    (batch,) = read(write(tmp_path, as_csv(rows, line_end="\r")))
    assert batch.record_ids == ["1", "2", "3", "4"]
    assert batch.lines == [2, 3, 4, 5]


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "cp850", "mac_roman"],
)
@pytest.mark.parametrize("is_stated", [False, True])
def test_every_encoding_is_recognised_or_taken_as_stated(tmp_path, encoding, is_stated):
    stated = f'[format]\nencoding = "{encoding}"\n' if is_stated else ""
    text = as_csv()
    (batch,) = read(write(tmp_path, text.encode(encoding)), MAPPING + stated)
    check_rows(batch)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Мария Иванова живёт в Москве, улица Ленина, дом пять"),
        ("cp1253", "Ελένη Παπαδοπούλου, οδός Σταδίου, Αθήνα"),
        ("shift_jis", "田中さくら、東京都港区、カタカナもあります"),
        ("gb18030", "王小明，北京市朝阳区建国路，中文地址很长"),
        ("cp1250", "Łukasz Święcicki, ulica Żółta, Kraków, Čeněk Dvořák žije v Plzni"),
    ],
)
def test_other_alphabets_are_guessed(tmp_path, encoding, text):
    simple = 'brand = "b"\n[record]\nid = "id"\n[columns]\nname = "name"\n'
    data = "id,name\n" + "".join(f'{number},"{text}"\n' for number in range(60))
    (batch,) = read(write(tmp_path, data.encode(encoding)), simple)
    assert set(batch.columns["name"]) == {text}


def test_the_line_of_a_spreadsheet_program_names_the_delimiter(tmp_path):
    (batch,) = read(write(tmp_path, "sep=;\r\n" + as_csv(delimiter=";", line_end="\r\n")))
    check_rows(batch, lines=(3, 4, 6, 7))


def test_a_file_without_header_is_read_by_the_names_in_the_mapping(tmp_path):
    stated = f"[format]\nheader = {json.dumps(HEADER, ensure_ascii=False)}\n"
    body = as_csv(delimiter=";").split("\n", 1)[1]
    (batch,) = read(write(tmp_path, body), MAPPING + stated)
    check_rows(batch, lines=(1, 2, 4, 5))


def test_backslash_escapes_are_read_when_stated(tmp_path):
    data = 'id,name\n1,"a \\"b\\" c"\n2,d\n'
    text = 'brand = "b"\n[format]\nescape = "\\\\"\n[record]\nid = "id"\n[columns]\nname = "name"\n'
    (batch,) = read(write(tmp_path, data), text)
    assert batch.columns["name"] == ['a "b" c', "d"]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_compressed_files_are_read_whatever_their_name(tmp_path, compress):
    (batch,) = read(write(tmp_path, compress(as_csv().encode()), "odd.name"))
    check_rows(batch)


def objects():
    for row in ROWS:
        item = {key: (value or None) for key, value in zip(HEADER, row, strict=True)}
        item["gone"] = row[-1] == "true"
        item["spend"] = float(row[8]) if row[8] else None
        yield item


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.ZstdCompressor().compress])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_lines_are_read(tmp_path, compress, encoding):
    text = "\n".join(json.dumps(item, ensure_ascii=False) for item in objects()) + "\n\n"
    (batch,) = read(write(tmp_path, compress(text.encode(encoding))))
    check_rows(batch, lines=(1, 2, 3, 4))


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_parquet_is_read(tmp_path, compress):
    out = io.BytesIO()
    pl.DataFrame(list(objects()), schema_overrides={"born": pl.String}).write_parquet(out)
    (batch,) = read(write(tmp_path, compress(out.getvalue())))
    check_rows(batch, lines=(1, 2, 3, 4))


def test_parquet_with_real_types_is_read(tmp_path):
    out = io.BytesIO()
    frame = pl.DataFrame(
        {
            "id": [1, 2],
            "born": [date(2001, 9, 14), None],
            "changed": [datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, 0, 0, 0, 250000, tzinfo=UTC)],
            "spend": pl.Series(["12.50", "1000.00"]).cast(pl.Decimal(10, 2)),
            "gone": [False, True],
        }
    )
    frame.write_parquet(out)
    text = """
brand = "b"
[record]
id = "id"
modified_at = "changed"
deleted = "gone"
[columns]
born = "birth_date"
spend = "spend_total"
"""
    (batch,) = read(write(tmp_path, out.getvalue()), text)
    assert batch.record_ids == ["1", "2"]
    assert batch.columns == {"birth_date": ["2001-09-14", None], "spend_total": ["12.5", None]}
    assert batch.modified_at == [1735689600000000, 1735776000250000]


NESTED = """
brand = "b"
ignore = ["meta", "phones[2]"]
[record]
id = "key"
[columns]
"name.given" = "given_name"
"phones[0].number" = "mobile"
"phones[1].number" = "phone"
"land" = "country"
'["odd.key"]' = "notes"
"""
NESTED_ITEM = {
    "key": "1",
    "name": {"given": "Élise"},
    "phones": [{"number": "0660573419"}, {"number": "+447500180674"}, {"number": "3"}],
    "land": "FR",
    "odd.key": "n",
    "meta": {"any": [1, {"thing": True}]},
}


def test_nested_json_is_taken_by_path(tmp_path):
    (batch,) = read(write(tmp_path, json.dumps(NESTED_ITEM)), NESTED)
    assert batch.rejected == []
    assert batch.columns["given_name"] == ["Élise"]
    assert batch.normal["mobile"] == ["+33660573419"]
    assert batch.normal["phone"] == ["+447500180674"]
    assert batch.columns["notes"] == ["n"]


def test_nested_parquet_is_taken_by_path(tmp_path):
    out = io.BytesIO()
    item = NESTED_ITEM | {"meta": {"any": [1, 2]}}
    pl.DataFrame([item, item | {"phones": None, "name": None}]).write_parquet(out)
    (batch,) = read(write(tmp_path, out.getvalue()), NESTED)
    assert batch.rejected == []
    assert batch.columns["given_name"] == ["Élise", None]
    assert batch.normal["phone"] == ["+447500180674", None]


@pytest.mark.parametrize("skip", range(8))
def test_skipping_rows_gives_the_rest_in_any_batch_size(tmp_path, skip):
    lines = as_csv().split("\n")
    data = "\n".join([*lines[:3], *lines[3:5], "ragged", *lines[5:]])
    path = write(tmp_path, data)
    whole = [(r.line, "bad") for b in read(path) for r in b.rejected]
    whole += [(line, identifier) for b in read(path) for line, identifier in zip(b.lines, b.record_ids, strict=True)]
    expected = sorted(whole)[skip:]
    for size in (1, 2, 3, 100):
        batches = read(path, skip_rows=skip, limits=Limits(batch_rows=size))
        found = [(r.line, "bad") for b in batches for r in b.rejected]
        found += [(line, identifier) for b in batches for line, identifier in zip(b.lines, b.record_ids, strict=True)]
        assert sorted(found) == expected
        assert not batches or batches[-1].rows_read == 5


def test_skipping_works_in_json_and_parquet(tmp_path):
    text = "\n\n".join(json.dumps(item) for item in objects())
    (batch,) = read(write(tmp_path, text), skip_rows=3)
    assert (batch.record_ids, batch.lines, batch.rows_read) == (["4"], [7], 4)
    out = io.BytesIO()
    pl.DataFrame(list(objects())).write_parquet(out)
    (batch,) = read(write(tmp_path, out.getvalue()), skip_rows=3)
    assert (batch.record_ids, batch.lines, batch.rows_read) == (["4"], [4], 4)
    assert read(write(tmp_path, out.getvalue()), skip_rows=4) == []


def test_progress_grows_to_the_size_of_the_file(tmp_path):
    rows = [[f"{number}", *ROWS[0][1:]] for number in range(50_000)]
    for name, data in (("plain", as_csv(rows).encode()), ("packed", gzip.compress(as_csv(rows).encode(), 1))):
        path = write(tmp_path, data, name)
        delivery = open_delivery(path, mapping(), GROUP, limits=Limits(batch_rows=5_000))
        steps = [batch.bytes_read for batch in delivery.batches()]
        assert steps == sorted(steps)
        assert len(steps) > 5
        assert steps[-1] == delivery.total_bytes == path.stat().st_size


cells = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\r\x1c\x1d\x1e\x1f", exclude_categories=["Cs"]), max_size=12
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=8), st.sampled_from([",", ";", "\t"]))
def test_whatever_python_writes_is_read_back_word_for_word(tmp_path_factory, rows, delimiter):
    text = 'brand = "b"\n[record]\nid = "id"\n[columns]\na = "notes"\nb = "purchases"\n'
    data = as_csv([[str(at), *row] for at, row in enumerate(rows)], header=["id", "a", "b"], delimiter=delimiter)
    path = write(tmp_path_factory.mktemp("any"), data)
    batches = read(path, text, limits=Limits(batch_rows=3))
    assert [r for b in batches for r in b.rejected] == []
    found = [pair for b in batches for pair in zip(b.columns["notes"], b.columns["purchases"], strict=True)]
    expected = [tuple(cell if cell.strip() else None for cell in row) for row in rows]
    assert found == expected


def test_a_batch_does_not_print_its_values(tmp_path):
    (batch,) = read(write(tmp_path, as_csv()))
    assert "Elise" not in repr(batch)


def test_reading_twice_gives_the_same(tmp_path):
    delivery = open_delivery(write(tmp_path, as_csv()), mapping(), GROUP)
    assert list(delivery.batches()) == list(delivery.batches())


def test_damage_behind_the_sample_is_told_when_it_is_reached(tmp_path):
    rows = [[f"{number}", *ROWS[0][1:]] for number in range(60_000)]
    data = gzip.compress(as_csv(rows).encode(), 1)
    delivery = open_delivery(write(tmp_path, data[: len(data) * 2 // 3]), mapping(), GROUP)
    with pytest.raises(InputError, match="damaged or ends too early"):
        list(delivery.batches())


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("stated", ['[format]\nencoding = "utf-16"\n', ""])
def test_utf_16_without_a_mark_is_read_whatever_the_order_of_its_bytes(tmp_path, encoding, stated):
    path = tmp_path / "delivery"
    path.write_bytes("id,who\n1,Žofie\n".encode(encoding))
    text = f'brand = "b"\n{stated}[record]\nid = "id"\n[columns]\nwho = "name"\n'
    (batch,) = open_delivery(path, parse_mapping(text, "b.toml"), GROUP).batches()
    assert batch.columns["name"] == ["Žofie"]
