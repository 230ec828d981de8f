"""Nested objects: a path takes one value, what nobody named is refused by its name, and nothing hides a card."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from delivery_world import delivered, refused, taken, values

from cloakroom.adapters.deliveries.nested_rows import Flattener, RowShapeError
from cloakroom.vault.mapping_file import parse_mapping

HEAD = 'brand = "b"\n'
CARD = "4111111111111111"


def flattener(columns: str, *, more: str = "") -> Flattener:
    return Flattener(parse_mapping(f'{HEAD}{more}[record]\nid = "id"\n[columns]\n{columns}', "b.toml"))


def shape_error(made: Flattener, item: object) -> tuple[str | None, str]:
    with pytest.raises(RowShapeError) as caught:
        made.row(item)
    return caught.value.field, caught.value.reason


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ({"a": {"b": "x"}}, "x"),
        ({"a": {"b": ""}}, ""),
        ({"a": {"b": None}}, None),
        ({"a": {}}, None),
        ({"a": None}, None),
        ({}, None),
        ({"a": "x"}, None),
        ({"a": []}, None),
    ],
)
def test_a_path_that_leads_nowhere_gives_nothing(item, value):
    assert flattener('"a.b" = "notes"').row({"id": "1", **item}) == ["1", value]


@pytest.mark.parametrize(
    ("phones", "value"),
    [(["x", "y"], "y"), (["x"], None), ([], None), (None, None), (["x", None], None)],
)
def test_a_place_in_a_list_is_counted_from_nought(phones, value):
    made = flattener('"p[1]" = "notes"', more='ignore = ["p[0]"]\n')
    assert made.row({"id": "1", "p": phones}) == ["1", value]


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"b": 1}, "b"),
        ({"b": None}, "b"),
        ({"a": {"x": 1, "y": 2}}, "a.y"),
        ({"a": {"x": 1, "y": None}}, "a.y"),
        ({"l": [1, 2]}, "l[1]"),
        ({"l": [1, {"deep": 1}]}, "l[1]"),
        ({"o": [{"x": 1, "z": 1}]}, "o[0].z"),
        ({"ada@example.org": 1}, None),
        ({"a": {"ada@example.org": 1}}, "a"),
        ({"x" * 40: 1}, "x" * 40),
        ({"x" * 41: 1}, None),
        ({"a name with blanks": 1}, "a name with blanks"),
        ({"7up": 1}, None),
        ({"": 1}, None),
    ],
)
def test_what_nobody_named_is_refused_by_its_place_and_never_by_a_key_that_may_be_a_value(item, field):
    made = flattener('"a.x" = "notes"\n"l[0]" = "purchases"\n"o[0].x" = "name"')
    assert shape_error(made, {"id": "1", **item}) == (field, "is neither mapped nor ignored")


def test_a_list_may_be_longer_by_nothing():
    assert flattener('"l[0]" = "notes"').row({"id": "1", "l": ["x", None, None]}) == ["1", "x"]


@pytest.mark.parametrize("place", ["m", "m.n", "m[0]"])
def test_what_is_ignored_is_ignored_with_everything_below_it(place):
    made = flattener('a = "notes"', more=f'ignore = ["{place}"]\n')
    inner = {"any": [1, {"thing": {"deeper": [None, True]}}]}
    item = {"m": inner, "m.n": {"m": {"n": inner}}["m"], "m[0]": [inner]}[place]
    assert made.row({"id": "1", "a": "x", "m": item}) == ["1", "x"]


def test_a_place_below_an_ignored_one_may_still_be_mapped():
    made = flattener('"m.a" = "notes"', more='ignore = ["m"]\n')
    assert made.row({"id": "1", "m": {"a": "x", "b": {"c": 1}}}) == ["1", "x"]


def test_unknown_places_are_let_through_where_the_mapping_says_so():
    made = flattener('a = "notes"', more='unknown_columns = "ignore"\n')
    assert made.row({"id": "1", "a": "x", "b": {"c": [1]}}) == ["1", "x"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (False, "false"), (0, "0"), (-5, "-5"), (2**70, str(2**70)), (1.5, "1.5"), (1.0, "1"),
        (Decimal("12.10"), "12.10"), (b"caf\xc3\xa9", "café"), (date(2020, 2, 29), "2020-02-29"),
        (datetime(2020, 1, 2, 3, 4, 5), "2020-01-02T03:04:05"),
        (datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), "2020-01-02T03:04:05+00:00"),
        (datetime(2020, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=5))), "2020-01-01T22:04:05+00:00"),
        ("", ""), (" x ", " x "), (float("nan"), None),
    ],
)  # fmt: skip
def test_a_value_of_any_type_is_the_text_that_a_cell_would_show(value, text):
    assert flattener('a = "notes"').row({"id": "1", "a": value}) == ["1", text]


@pytest.mark.parametrize("value", [{}, [], {"x": 1}, [None]])
def test_a_value_that_holds_others_is_no_single_one(value):
    made = flattener('a = "notes"', more='unknown_columns = "ignore"\n')
    assert shape_error(made, {"id": "1", "a": value}) == ("a", "is nested where a single value is expected")


@pytest.mark.parametrize("item", [[], "x", 1, None, True])
def test_a_row_is_an_object(item):
    assert shape_error(flattener('a = "notes"'), item) == (None, "is not an object")


@pytest.mark.parametrize(("levels", "fits"), [(31, True), (32, True), (33, False)])
def test_named_places_lie_no_deeper_than_the_limit(levels, fits):
    path = ".".join(["a"] * levels + ["x"])
    item: object = {"x": "v"}
    for _ in range(levels):
        item = {"a": item}
    made = flattener(f'"{path}" = "notes"')
    if fits:
        assert made.row({"id": "1", **item}) == ["1", "v"]
    else:
        assert shape_error(made, {"id": "1", **item}) == (None, "is nested deeper than 32")


def test_everything_that_no_column_takes_is_searched_for_payment_data():
    made = flattener('a = "notes"\n"o.x" = "name"', more='ignore = ["m", "o"]\n')
    item = {"id": "1", "a": "mapped", "o": {"x": "mapped, too", "y": "other"}, "m": {"key": [1, True, None, "text"]}}
    # Values of columns are searched with their columns; keys that nobody named may be values.
    assert made.unmapped_text(item).split(" | ") == ["y", "other", "key", "1", "text"]


@pytest.mark.parametrize(
    "memo",
    [
        CARD,
        int(CARD),
        {"x": CARD},
        [[[CARD]]],
        {CARD: 1},
        [{"a": {CARD: None}}],
        "4111 1111 1111 1111",
        f"x {CARD} y",
    ],
)
@pytest.mark.parametrize("is_escaped", [False, True])
def test_a_card_in_an_ignored_place_is_found_however_deep_and_however_written(tmp_path, memo, is_escaped):
    line = json.dumps({"id": "2", "memo": memo})
    if is_escaped:
        line = line.replace('"4', '"\\u0034').replace("x 4", "x \\u0034")
    data = f'{{"id": "1"}}\n{line}\n{{"id": "3"}}\n'
    batches = delivered(tmp_path, data, 'ignore = ["memo"]\n[record]\nid = "id"\n[columns]\nnote = "notes"\n')
    assert refused(batches) == [(2, None, "holds a card number, which does not belong in a customer system")]
    assert batches[0].rejected[0].holds_payment_data
    assert taken(batches) == ["1", "3"]


@pytest.mark.parametrize("line", ["", " ", "\t", "\r"])
def test_blank_lines_are_no_rows_and_are_counted_as_lines(tmp_path, line):
    data = f'{{"id": "1"}}\n{line}\nx\n{line}\n{{"id": "2"}}'
    batches = delivered(tmp_path, data, '[record]\nid = "id"\n[columns]\nnote = "notes"\n')
    assert [number for batch in batches for number in batch.lines] == [1, 5]
    assert refused(batches) == [(3, None, "is not a JSON object on one line")]
    assert batches[-1].rows_read == 3


@pytest.mark.parametrize(
    "line",
    [
        "{", "}", "{'id': '1'}", '{"id": 01}', '{"id": +1}', '{"id": .5}', '{"id": NaN}', '{"id": "a\tb"}',
        '{"id": "1",}',
        '{"id": "\\x41"}', '{"id": "\\u12"}', '{"id": "1"} // note', "null x", "\ufeff{}", '{"id" "1"}', '{id: "1"}',
        "[" * 5000, '{"a":' * 5000, "\\", '{"id": "1"', '{"id": 1e}', '{"id": tru}',
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused_alone(tmp_path, line):
    """RFC 8259: no comments, no trailing commas, no single quotes, no bare names, no leading noughts or plus."""
    data = f'{{"id": "1"}}\n{line}\n{{"id": "3"}}\n'
    batches = delivered(tmp_path, data, '[record]\nid = "id"\n[columns]\nnote = "notes"\n')
    assert refused(batches) == [(2, None, "is not a JSON object on one line")]
    assert taken(batches) == ["1", "3"]


def test_a_number_keeps_its_digits_on_the_way_to_a_text_and_loses_needless_ones_as_an_id(tmp_path):
    mapping = '[record]\nid = "id"\n[columns]\nnote = "notes"\nspend = "spend_total"\n'
    data = (
        '{"id": 12345678901234567890, "note": 0.1000000000000000055, "spend": 1e2}\n'
        '{"id": 7.0, "note": 1E-2, "spend": -0}\n'
        '{"id": 7.50, "note": 100000000000000000000000000000000000000001, "spend": 12.10}\n'
    )
    batches = delivered(tmp_path, data, mapping)
    assert taken(batches) == ["12345678901234567890", "7", "7.50"]
    assert values(batches, "notes") == ["0.1000000000000000055", "0.01", "100000000000000000000000000000000000000001"]
    assert values(batches, "spend_total") == ["100", "0", "12.1"]


def test_a_key_that_comes_twice_has_the_value_that_comes_last(tmp_path):
    """What RFC 8259 leaves open; a writer that adds a key again means the later value."""
    mapping = '[record]\nid = "id"\n[columns]\nnote = "notes"\n'
    assert values(delivered(tmp_path, '{"id": "1", "note": "a", "note": "b"}', mapping), "notes") == ["b"]
