"""Each limit on a delivery, one below, exactly and one above; what is beyond is refused by itself and said."""

from __future__ import annotations

import csv
import json

import pytest
from delivery_world import NOTES, delivered, refused, taken, values

from cloakroom.adapters.deliveries import Limits
from cloakroom.errors import InputError


@pytest.mark.parametrize("sign", ["x", "é", "😀", '"'])
@pytest.mark.parametrize(("length", "fits"), [(9, True), (10, True), (11, False)])
def test_a_field_is_as_long_as_its_characters_not_its_bytes(tmp_path, sign, length, fits):
    text = '"' + sign.replace('"', '""') * length + '"'
    batches = delivered(tmp_path, f"id,note\n1,{text}\n2,b\n", limits=Limits(field_chars=10))
    assert taken(batches) == (["1", "2"] if fits else ["2"])
    assert refused(batches) == ([] if fits else [(2, "note", "is longer than 10 characters")])


def test_the_length_of_a_field_that_nobody_maps_counts_too(tmp_path):
    batches = delivered(
        tmp_path, "id,note,memo\n1,a,12345678901\n2,b,1234567890\n", 'ignore = ["memo"]\n' + NOTES,
        limits=Limits(field_chars=10),
    )  # fmt: skip
    assert refused(batches) == [(2, "memo", "is longer than 10 characters")]
    assert taken(batches) == ["2"]


def test_a_quoted_field_beyond_what_the_grammar_keeps_is_refused_with_its_line_alone(tmp_path):
    """`csv` gives up at 131,072 characters, which is twice the longest field; nothing behind it may be lost."""
    most = csv.field_size_limit()
    for length, reason in (
        (most, "is longer than 65536 characters"),
        (most + 1, "a field is too long, or a quote is not closed"),
    ):
        batches = delivered(tmp_path, f'id,note\n1,a\n2,"{"x" * length}"\n3,"c"\n')
        assert taken(batches) == ["1", "3"]
        assert [(line, why) for line, _, why in refused(batches)] == [(3, reason)]


@pytest.mark.parametrize(("length", "fits"), [(18, True), (19, True), (20, False)])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_line_and_its_end_are_counted_together(tmp_path, length, fits, quote):
    line = f"2,{quote}{'x' * (length - 2 - 2 * len(quote))}{quote}"
    assert len(line) == length
    batches = delivered(tmp_path, f"id,note\n1,a\n{line}\n3,c\n", limits=Limits(line_chars=20))
    assert taken(batches) == (["1", "2", "3"] if fits else ["1", "3"])
    assert refused(batches) == ([] if fits else [(3, None, "the line is too long")])


@pytest.mark.parametrize("header", ["id,note", "id"])
def test_a_line_that_is_too_long_is_called_that_whatever_the_number_of_columns(tmp_path, header):
    mapping = NOTES if "note" in header else '[record]\nid = "id"\n[columns]\nid = "customer_number"\n'
    row = "1,a" if "note" in header else "1"
    batches = delivered(tmp_path, f"{header}\n{'x' * 40}\n{row}\n", mapping, limits=Limits(line_chars=20))
    assert taken(batches) == ["1"]
    assert refused(batches) == [(2, None, "the line is too long")]


def test_a_quoted_record_with_a_line_that_is_too_long_is_refused_from_its_first_line(tmp_path):
    data = f'id,note\n1,"a\n{"x" * 40}\nb"\n2,c\n'
    batches = delivered(tmp_path, data, limits=Limits(line_chars=20))
    assert taken(batches) == ["2"]
    assert refused(batches) == [(2, None, "the line is too long")]


def test_a_json_line_that_is_too_long_is_refused_alone(tmp_path):
    lines = [json.dumps({"id": str(number), "note": "x" * length}) for number, length in ((1, 3), (2, 90), (3, 3))]
    batches = delivered(tmp_path, "\n".join(lines), limits=Limits(line_chars=60))
    assert taken(batches) == ["1", "3"]
    assert refused(batches) == [(2, None, "the line is too long")]


@pytest.mark.parametrize(("lines", "fits"), [(2, True), (3, True), (4, False)])
@pytest.mark.parametrize("batch_rows", [1, 2, 3, 4, 5, 100])
def test_a_quoted_record_spans_as_many_lines_as_the_limit_says(tmp_path, lines, fits, batch_rows):
    note = "\n".join("abcdefg"[:lines])
    batches = delivered(
        tmp_path, f'id,note\n1,z\n2,"{note}"\n3,z\n', limits=Limits(record_lines=3, batch_rows=batch_rows)
    )
    if fits:
        assert taken(batches) == ["1", "2", "3"]
        assert values(batches, "notes") == ["z", note, "z"]
        assert refused(batches) == []
    else:
        assert taken(batches) == ["1", "3"]
        assert refused(batches)[0] == (3, None, "a quote is not closed")
        assert [line for line, _, _ in refused(batches)] == list(range(3, 3 + lines))


@pytest.mark.parametrize(("columns", "fits"), [(2, True), (3, True), (4, False)])
def test_a_file_has_as_many_columns_as_the_limit_says(tmp_path, columns, fits):
    header = ",".join(["id", "note", "m", "n"][:columns])
    mapping = 'ignore = ["m", "n"]\n' + NOTES
    row = ",".join("1abc"[:columns])
    if fits:
        assert taken(delivered(tmp_path, f"{header}\n{row}\n", mapping, limits=Limits(columns=3))) == ["1"]
    else:
        with pytest.raises(InputError) as caught:
            delivered(tmp_path, f"{header}\n{row}\n", mapping, limits=Limits(columns=3))
        assert str(caught.value) == "f.csv:1: has 4 columns; at most 3 are read"


@pytest.mark.parametrize(("length", "fits"), [(254, True), (255, True), (256, False)])
def test_a_record_id_has_at_most_255_characters_its_margins_left_out(tmp_path, length, fits):
    batches = delivered(tmp_path, f"id,note\n {'i' * length} ,a\n")
    assert taken(batches) == (["i" * length] if fits else [])
    assert refused(batches) == ([] if fits else [(2, "id", "is no record id")])


def test_a_letter_that_the_sample_cuts_in_two_does_not_change_what_the_file_is(tmp_path):
    data = "id,note\n1,Ærø\n2,Žofie\n3,😀\n"
    for size in range(len("id,note\n"), len(data.encode()) + 2):
        batches = delivered(tmp_path, data, limits=Limits(sample_bytes=size))
        assert values(batches, "notes") == ["Ærø", "Žofie", "😀"], size


def test_a_file_that_ends_within_a_letter_is_taken_but_for_its_last_row(tmp_path):
    whole = "id,note\n1,Ærø\n2,Žofi\u00e9".encode()
    (batch,) = delivered(tmp_path, whole[:-1])
    assert batch.columns["notes"] == ["Ærø"]
    assert refused([batch]) == [(3, "note", "holds bytes that are not utf-8")]
    stated = '[format]\nencoding = "utf-8"\n' + NOTES
    batches = delivered(tmp_path, whole[:-1], stated)
    assert taken(batches) == ["1"]
    assert refused(batches) == [(3, "note", "holds bytes that are not utf-8")]
