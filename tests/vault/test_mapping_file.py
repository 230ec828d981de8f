"""A brand's mapping file: its defaults, its boundaries, and each of its mistakes on its line, without a value."""

# ruff: noqa: E501 (a case and its message are read side by side)

from __future__ import annotations

from decimal import Decimal

import pytest

from cloakroom.errors import RuleError
from cloakroom.vault.fields import WELL_KNOWN_FIELDS, FieldKind
from cloakroom.vault.mapping import DATE_ORDERS, FACETS, FileFormat, FileKind, IdStyle, SpendBands
from cloakroom.vault.mapping_file import check_group_mappings, parse_mapping
from cloakroom.vocabulary import FieldClass

TOP = 'brand = "b"\n'
RECORD = '[record]\nid = "id"\n'
COLUMNS = '[columns]\na = "email"\n'


def mapping(top="", *, record="", columns=COLUMNS, more="", source="b.toml"):
    """Lines 1 to 3 are the brand, `[record]` and its id, where `top` and `record` are empty."""
    return parse_mapping(TOP + top + RECORD + record + columns + more, source)


def refused(top="", **parts):
    with pytest.raises(RuleError) as caught:
        mapping(top, **parts)
    return [str(problem).removeprefix("b.toml:") for problem in caught.value.problems]


def column(text):
    return f"[columns]\na = {text}\n"


def test_a_file_that_says_little_means_the_defaults():
    least = mapping()
    assert (least.brand, least.source, least.file_format) == ("b", "b.toml", FileFormat())
    assert (least.timezone, least.decimal_mark, least.grouping_mark) == ("UTC", ".", "")
    assert (least.empty, least.ignore, least.refuse_unknown) == (frozenset(), frozenset(), True)
    assert (least.phone_country, least.defaults, least.facets, least.spend_bands) == (
        ("country", "store"),
        {},
        (),
        None,
    )
    record = least.record
    assert (record.id, record.id_style, record.modified_at, record.modified_at_format) == (
        "id",
        IdStyle.PLAIN,
        None,
        "iso",
    )
    assert (record.deleted, record.sources) == (None, ("id",))
    assert record.deleted_true == {"true", "1", "yes", "y", "t"}
    assert record.deleted_false == {"false", "0", "no", "n", "f", ""}
    (email,) = least.columns
    assert (email.source, email.field, email.words, email.format) == ("a", WELL_KNOWN_FIELDS["email"], {}, "iso")
    assert (email.strict, email.optional) == (True, False)
    assert least.lines == {"a": 5}


def test_a_file_that_says_everything_is_taken_at_its_word():
    whole = mapping(
        'date_order = "dmy"\ntimezone = "Europe/Paris"\ndecimal_mark = ","\ngrouping_mark = "."\nempty = [" N/A ", "-"]\n'
        'ignore = ["memo"]\nunknown_columns = "ignore"\nphone_country = ["store"]\nfacets = ["kind", "country"]\n',
        record='id_style = "salesforce"\nmodified_at = "at"\nmodified_at_format = "%d.%m.%Y"\ndeleted = "gone"\n'
        'deleted_true = [" Oui "]\ndeleted_false = ["NON"]\n',
        columns='[columns]\na = { field = "country", words = { " Italia " = "IT" }, strict = false, optional = true }\n'
        'b = { field = "birth_date", format = "mdy" }\nc = "created_at"\n',
        more='[format]\nkind = "csv"\nencoding = "cp1252"\ndelimiter = ";"\nquote = ""\nescape = "\\\\"\nline_end = "crlf"\n'
        'header = ["id", "at", "gone", "a", "b", "c"]\n[defaults]\nkind = "customer"\ncountry = "IT"\n',
    )
    header = ("id", "at", "gone", "a", "b", "c")
    assert whole.file_format == FileFormat(FileKind.CSV, "cp1252", ";", "", "\\", "crlf", header)
    record = whole.record
    assert (record.id_style, record.sources, record.modified_at_format) == (
        IdStyle.SALESFORCE,
        ("id", "at", "gone"),
        "%d.%m.%Y",
    )
    assert (record.deleted_true, record.deleted_false) == ({"oui"}, {"non"})
    assert (whole.empty, whole.ignore, whole.refuse_unknown) == ({"n/a", "-"}, {"memo"}, False)
    assert (whole.timezone, whole.decimal_mark, whole.grouping_mark) == ("Europe/Paris", ",", ".")
    assert (whole.phone_country, whole.defaults) == (("store",), {"kind": "customer", "country": "IT"})
    assert whole.facets == ("country", "kind")  # in the product's order, whatever the file's
    country, birth, created = whole.columns
    assert (country.words, country.strict, country.optional) == ({"italia": "IT"}, False, True)
    assert (birth.format, created.format) == ("mdy", "dmy")


@pytest.mark.parametrize(
    ("parts", "messages"),
    [
        ({"top": 'decimal_mark = ";"\n'}, ["2: decimal_mark: must be one of ,, ."]),
        ({"top": 'grouping_mark = ";"\n'}, ["2: grouping_mark: must be one of ,  , ', ,, ., \u2019"]),
        ({"top": 'unknown_columns = "keep"\n'}, ["2: unknown_columns: must be one of ignore, refuse"]),
        ({"top": 'phone_country = ["country", "home"]\n'}, ["2: phone_country: may name country and store only"]),
        ({"top": 'timezone = "/etc/passwd"\n'}, ["2: timezone: is no time zone, such as UTC or Europe/Paris"]),
        ({"top": 'timezone = "../UTC"\n'}, ["2: timezone: is no time zone, such as UTC or Europe/Paris"]),
        ({"top": 'timezone = "a\\u0000"\n'}, ["2: timezone: is no time zone, such as UTC or Europe/Paris"]),
        ({"top": 'facets = ["gender"]\n'}, [f"2: facets: may name {', '.join(FACETS)} only"]),
        ({"top": 'facets = ["spend_band"]\n', "columns": column('"spend_total"')}, ["2: facets: no column gives spend_band"]),
        ({"top": 'facets = ["store", "kind"]\n'}, ["2: facets: no column gives kind, store"]),
        ({"top": 'decimal_mark = ","\ngrouping_mark = ","\n'}, ["3: grouping_mark: is the decimal mark too"]),
        ({"top": 'empty = ["a", "a"]\n'}, ["2: empty: names an entry twice"]),
        ({"record": 'id_style = "oracle"\n'}, ["4: record.id_style: must be one of plain, salesforce"]),
        ({"record": 'modified_at_format = "ydm"\n'}, [f"4: record.modified_at_format: must be one of {', '.join(DATE_ORDERS)}, or a pattern such as %d.%m.%Y"]),
        ({"record": 'deletd = "x"\n'}, ["4: record.deletd: unknown key; did you mean deleted?"]),
        ({"more": '[format]\nkind = "xml"\n'}, ["7: format.kind: must be one of csv, jsonl, parquet"]),
        ({"more": '[format]\ndelimiter = "\\n"\n'}, ["7: format.delimiter: must be one character, and not a quote or line end"]),
        ({"more": "[format]\ndelimiter = '\"'\n"}, ["7: format.delimiter: must be one character, and not a quote or line end"]),
        ({"more": '[format]\nquote = "`"\n'}, ["7: format.quote: must be \", ' or empty for none"]),
        ({"more": "[format]\nquote = false\n"}, ["7: format.quote: must be \", ' or empty for none"]),
        ({"more": '[format]\nescape = "/"\n'}, ["7: format.escape: must be one of , \\"]),
        ({"more": '[format]\nline_end = "\\n"\n'}, ["7: format.line_end: must be one of cr, crlf, lf"]),
        ({"more": '[format]\nencoding = "rot13"\n'}, ["7: format.encoding: is no encoding known here; try utf-8, cp1252, latin-1, utf-16"]),
        ({"more": '[format]\nencoding = "idna\\u0000"\n'}, ["7: format.encoding: is no encoding known here; try utf-8, cp1252, latin-1, utf-16"]),
        ({"more": '[format]\nheader = ["a"]\n'}, ["7: format.header: column `id` is used but not named"]),
        ({"more": '[defaults]\ncountry = "FRA"\n'}, ["7: defaults.country: must be an ISO 3166-1 code of two capitals"]),
        ({"more": '[defaults]\ncountry = "fr"\n'}, ["7: defaults.country: must be an ISO 3166-1 code of two capitals"]),
        ({"more": '[defaults]\nkind = "person"\n'}, ["7: defaults.kind: must be one of customer, employee, recipient"]),
        ({"more": '[defaults]\nregion = "IT-25"\n'}, ["7: defaults.region: unknown key; known here: country, kind, language, store"]),
        ({"columns": column("{ field = 'email', index = 1 }")}, ["5: columns.a.index: must be true or false"]),
        ({"columns": column("{ field = 'email', format = 'x' }")}, [f"5: columns.a.format: must be one of {', '.join(DATE_ORDERS)}, or a pattern such as %d.%m.%Y"]),
        ({"columns": column("{ field = 'email', strict = 'no' }")}, ["5: columns.a.strict: must be true or false"]),
        ({"columns": column("{ field = 'email', words = { x = 1 } }")}, ["5: columns.a.words: must be a table of texts"]),
        ({"columns": column("{ index = true }")}, ["5: columns.a.field: is missing"]),
        ({"columns": column("{ field = 'email', data_element = 'soul' }")}, ["5: columns.a.data_element: *"]),
        ({"columns": column("{ field = 'nationality', words = { x = 'fr' } }")}, ["5: columns.a.words: a country's words must stand for ISO 3166-1 codes of two capitals"]),
        ({"columns": column("{ field = 'points', kind = 'number', class = 'value', data_element = 'other' }")}, ["5: columns.a.kind: *"]),
        ({"columns": column("{ field = 'points', kind = 'decimal', class = 'value' }")}, ["5: columns.a.field: `points` is not well known and needs `data_element`; *"]),
        ({"columns": column("{ field = '" + "x" * 64 + "', kind = 'text', class = 'value', data_element = 'other' }")}, ["5: columns.a.field: must be lower-case letters, digits and _, beginning with a letter"]),
        ({"columns": column("{ field = '_x', kind = 'text', class = 'value', data_element = 'other' }")}, ["5: columns.a.field: must be lower-case letters, digits and _, beginning with a letter"]),
    ],
)  # fmt: skip
def test_each_mistake_is_told_with_its_line_and_field(parts, messages):
    """A star stands for a list of choices that the message goes on with."""
    found = refused(**parts)
    assert len(found) == len(messages)
    for told, wanted in zip(found, messages, strict=True):
        assert told.startswith(wanted[:-1]) if wanted.endswith("*") else told == wanted


KINDS_TO_INDEX = {"identifier", "text", "email", "phone"}


@pytest.mark.parametrize("kind", FieldKind)
def test_a_declared_field_may_be_indexed_only_if_its_kind_shows_no_distribution(kind):
    columns = column(f"{{ field = 'x', kind = '{kind}', class = 'value', data_element = 'other', index = true }}")
    if kind in KINDS_TO_INDEX:
        (field,) = mapping(columns=columns).fields
        assert field.index == {"email": "email", "phone": "phone"}.get(kind, "x")
    else:
        reason = f"a field of kind {kind} has too few different values to be indexed safely"
        assert refused(columns=columns) == [f"5: columns.a.index: {reason}"]


def test_a_declared_field_is_not_indexed_unless_told():
    (field,) = mapping(
        columns=column("{ field = 'x', kind = 'text', class = 'value', data_element = 'other' }")
    ).fields
    assert (field.index, field.indexed, field.kind, field.field_class) == (
        None,
        False,
        FieldKind.TEXT,
        FieldClass.VALUE,
    )


def test_a_well_known_field_keeps_what_is_not_adapted():
    (field,) = mapping(columns=column("{ field = 'mobile', class = 'identity' }")).fields
    known = WELL_KNOWN_FIELDS["mobile"]
    assert field.field_class is FieldClass.IDENTITY
    assert (field.kind, field.index, field.data_element) == (known.kind, "phone", known.data_element)


@pytest.mark.parametrize("name", ["x", "x" * 63, "a_1"])
def test_a_name_of_a_field_may_be_of_each_allowed_form(name):
    columns = column(f"{{ field = '{name}', kind = 'text', class = 'value', data_element = 'other' }}")
    assert mapping(columns=columns).column_of(name).source == "a"


def banded(amounts, currency="EUR"):
    return column(f"{{ field = 'spend_total', currency = '{currency}', bands = {amounts} }}")


def test_bands_are_one_to_twenty_finite_ascending_amounts():
    twenty = [str(amount) for amount in range(20)]
    bands = mapping(columns=banded(twenty)).spend_bands
    assert bands == SpendBands("spend_total", "EUR", tuple(map(Decimal, twenty)))
    assert mapping(columns=banded(["0.50"])).spend_bands.thresholds == (Decimal("0.50"),)
    assert refused(columns=banded([*twenty, "20"])) == ["5: columns.a.bands: must be 1 to 20 amounts"]
    assert refused(columns=banded([])) == ["5: columns.a.bands: must be 1 to 20 amounts"]
    assert refused(columns=banded(["x"])) == ['5: columns.a.bands: must be amounts in quotes, such as "1000"']
    for amounts in (["1", "1.0"], ["2", "1"], ["NaN"], ["1", "Infinity"], ["sNaN"]):
        assert refused(columns=banded(amounts)) == ["5: columns.a.bands: must ascend"]
    for currency in ("", "eur", "EURO", "E1R", "EUR "):
        reason = "5: columns.a.currency: must be an ISO 4217 code of three capitals"
        assert refused(columns=banded(["1"], currency)) == [reason]


def test_only_one_column_has_bands():
    second = "b = { field = 'total', kind = 'decimal', class = 'value', data_element = 'other', currency = 'EUR', bands = ['1'] }\n"
    assert refused(columns=banded(["5"]) + second) == ["6: columns.b.bands: only one column may have bands"]
    assert mapping(columns=COLUMNS + second).spend_bands.field == "total"


def test_facets_are_those_that_columns_defaults_and_bands_can_give():
    assert mapping(columns=COLUMNS + 'b = "country"\nc = "gender"\n').facets == ("country",)
    assert mapping(more='[defaults]\nkind = "customer"\nstore = "P1"\n').facets == ("kind", "store")
    assert mapping(columns=banded(["1"])).facets == ("spend_band",)
    assert mapping("facets = []\n", columns=COLUMNS + 'b = "country"\n').facets == ()


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_names_in_nested_formats_are_paths_and_names_in_csv_are_anything(kind):
    odd = '[columns]\n"a..b" = "email"\n'
    assert mapping(columns=odd, more='[format]\nkind = "csv"\n').columns[0].source == "a..b"
    assert mapping(columns=odd).columns[0].source == "a..b"
    reason = "is no path such as name.given or phones[0]"
    assert refused(columns=odd, more=f'[format]\nkind = "{kind}"\n') == [f"5: columns.a..b: `a..b` {reason}"]
    assert refused(record='modified_at = "[0]"\n', more=f'[format]\nkind = "{kind}"\n') == [
        f"2: record: `[0]` {reason}"
    ]


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines():
    found = refused(
        'timezone = "x"\n', record="id_style = 1\n", columns=column("{ field = 'email', strict = 1 }"), more="z = 1\n"
    )
    assert [message.split(":")[0] for message in found] == ["2", "5", "7", "8"]


SECRET = "ada.lovelace"


@pytest.mark.parametrize(
    "parts",
    [
        *({"top": f'{key} = "{SECRET}"\n'} for key in ("date_order", "timezone", "decimal_mark", "grouping_mark", "unknown_columns", "empty")),
        *({"top": f'{key} = ["{SECRET}"]\n'} for key in ("facets", "phone_country", "timezone")),
        *({"record": f'{key} = "{SECRET}"\n'} for key in ("id_style", "modified_at_format", "deleted_true")),
        {"record": f'deleted_true = ["{SECRET}"]\ndeleted_false = ["{SECRET}"]\n'},
        *({"more": f'[format]\n{key} = "{SECRET}"\n'} for key in ("kind", "encoding", "delimiter", "quote", "escape", "line_end", "header")),
        *({"more": f'[defaults]\n{key} = "{SECRET}"\n'} for key in ("country", "kind")),
        *({"columns": column(f"{{ field = 'email', {key} = '{SECRET}' }}")} for key in ("kind", "class", "data_element", "index", "format", "strict", "bands", "currency")),
        {"columns": column(f"{{ field = 'kind', words = {{ x = '{SECRET}' }} }}")},
        {"columns": column(f"{{ field = 'country', words = {{ '{SECRET}' = 'Italy' }} }}")},
        {"columns": banded([SECRET])},
    ],
)  # fmt: skip
def test_no_message_repeats_a_value(parts):
    assert SECRET not in "\n".join(refused(**parts))


def declared(source, **definition):
    said = {"kind": "text", "class": "value", "data_element": "other"} | definition
    written = ", ".join(
        f"{key} = '{value}'" if isinstance(value, str) else f"{key} = {str(value).lower()}"
        for key, value in said.items()
    )
    return mapping(columns=column(f"{{ {written} }}"), source=source)


@pytest.mark.parametrize(
    ("other", "name"),
    [
        ({"kind": "decimal"}, "kind"),
        ({"class": "identity"}, "class"),
        ({"data_element": "preferences"}, "data_element"),
        ({"index": True}, "index"),
    ],
)
def test_a_field_means_the_same_at_every_brand(other, name):
    one, two = declared("one.toml", field="points"), declared("two.toml", field="points", **other)
    with pytest.raises(RuleError) as caught:
        check_group_mappings([one, two])
    assert str(caught.value) == f"two.toml:5: columns.a: field `points` has another {name} than in one.toml"
    assert list(check_group_mappings([one, declared("two.toml", field="points")])) == ["points"]


def test_an_index_holds_one_kind_whichever_brands_fill_it():
    one = mapping(columns=column("{ field = 'notes', index = true }"), source="one.toml")
    two = declared("two.toml", field="mail_two", kind="email", index=True)
    assert set(check_group_mappings([one, mapping(), two])) == {"notes", "email", "mail_two"}
    assert check_group_mappings([]) == {}


def test_an_index_that_would_hold_two_kinds_is_refused():
    one = declared("one.toml", field="points", index=True)
    two = declared("two.toml", field="points", kind="identifier", index=True)
    with pytest.raises(RuleError) as caught:
        check_group_mappings([one, two])
    assert [problem.reason for problem in caught.value.problems] == [
        "field `points` has another kind than in one.toml",
        "index `points` already holds field `points` of kind text",
    ]
