"""Parquet as another library writes it: every type, codec and page says the same; one bad value refuses one row."""

from __future__ import annotations

import gzip
import io
from datetime import date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from delivery_world import NOTES, delivered, refused, taken, values

from cloakroom.adapters.deliveries import Limits, parquet_rows
from cloakroom.errors import InputError, LimitError

IDS = pa.array(["1", "2"])
CHANGED = '[record]\nid = "id"\nmodified_at = "at"\n[columns]\nnote = "notes"\n'
SPENT = '[record]\nid = "id"\n[columns]\nspend = "spend_total"\n'


def written(columns: dict[str, pa.Array], **options: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **options)
    return out.getvalue()


LONG = {"id": pa.array([str(number) for number in range(7)]), "note": pa.array(["é", None, "c", "", "e", " ", "g"])}
WRITERS = {
    **{codec: {"compression": codec} for codec in ("none", "snappy", "gzip", "zstd", "brotli", "lz4")},
    "pages of version 2 without dictionary": {"data_page_version": "2.0", "use_dictionary": False},
    "small row groups": {"row_group_size": 2},
    "format 1.0": {"version": "1.0"},
    "with checksums": {"write_page_checksum": True},
    "delta lengths": {"use_dictionary": False, "column_encoding": {"note": "DELTA_LENGTH_BYTE_ARRAY"}},
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gz", "zst"])
def test_rows_are_the_same_however_the_file_was_written(tmp_path, writer, pack):
    data = pack(written(LONG, **WRITERS[writer]))
    for batch_rows in (2, 100):
        batches = delivered(tmp_path, data, limits=Limits(batch_rows=batch_rows))
        assert taken(batches) == list("0123456")
        assert values(batches, "notes") == ["é", None, "c", None, "e", None, "g"]
        assert [line for batch in batches for line in batch.lines] == [1, 2, 3, 4, 5, 6, 7]
        assert max(map(len, batches)) == min(batch_rows, 7)
        assert refused(batches) == []


TYPES = {
    "dictionary": (pa.array(["a", None]).dictionary_encode(), ["a", None]),
    "long text": (pa.array(["a", None], pa.large_string()), ["a", None]),
    "unmarked text": (pa.array(["é".encode(), None], pa.binary()), ["é", None]),
    "text of one length": (pa.array([b"ab", None], pa.binary(2)), ["ab", None]),
    "truth": (pa.array([True, False]), ["true", "false"]),
    "day": (pa.array([date(2020, 2, 29), None]), ["2020-02-29", None]),
    "time of day": (pa.array([time(1, 2, 3), None]), ["01:02:03", None]),
    "small number": (pa.array([-128, 127], pa.int8()), ["-128", "127"]),
    "large number": (pa.array([2**64 - 1, 0], pa.uint64()), ["18446744073709551615", "0"]),
    "nothing at all": (pa.nulls(2), [None, None]),
}  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("is_nested", [False, True], ids=["flat", "beside a list"])
def test_a_value_of_any_type_is_the_text_that_it_stands_for(tmp_path, name, is_nested):
    column, expected = TYPES[name]
    columns = {"id": IDS, "note": column}
    if is_nested:
        columns["more"] = pa.array([[1], [2]])
    batches = delivered(tmp_path, written(columns), ('ignore = ["more"]\n' if is_nested else "") + NOTES)
    assert values(batches, "notes") == expected
    assert refused(batches) == []


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
@pytest.mark.parametrize("is_nested", [False, True], ids=["flat", "beside a list"])
def test_a_moment_is_the_same_in_every_unit_and_zone(tmp_path, unit, zone, is_nested):
    if is_nested and unit == "s":
        return  # Parquet has no unit of seconds; the writer makes it milliseconds.
    ticks = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    at = pa.array([-ticks, 1_735_689_600 * ticks], pa.timestamp(unit, tz=zone))
    columns = {"id": IDS, "at": at, "note": IDS} | ({"more": pa.array([[1], [2]])} if is_nested else {})
    batches = delivered(tmp_path, written(columns), ('ignore = ["more"]\n' if is_nested else "") + CHANGED)
    assert batches[0].modified_at == [-1_000_000, 1_735_689_600_000_000]


def test_a_moment_without_zone_is_of_the_mappings_zone_and_one_with_a_zone_is_not(tmp_path):
    for zone, hours in ((None, 9), ("UTC", 0)):
        at = pa.array([datetime(2025, 1, 1), datetime(2025, 1, 1)], pa.timestamp("us", tz=zone))
        batches = delivered(
            tmp_path, written({"id": IDS, "at": at, "note": IDS}), 'timezone = "Asia/Tokyo"\n' + CHANGED
        )
        assert batches[0].modified_at == [(1_735_689_600 - hours * 3600) * 10**6] * 2


@pytest.mark.parametrize("is_nested", [False, True], ids=["flat", "beside a list"])
def test_bytes_that_are_no_text_refuse_their_row_alone(tmp_path, is_nested):
    columns = {
        "id": pa.array(["1", "2", "3", "4"]),
        "note": pa.array([b"a", b"\xff", None, b"d"], pa.binary()),
        "memo": pa.array([b"", b"\xfe", b"\xc3", b""], pa.binary()),
    }
    if is_nested:
        columns["more"] = pa.array([[1]] * 4)
        del columns["memo"]
    batches = delivered(tmp_path, written(columns), 'ignore = ["memo", "more"]\n' + NOTES)
    wrong = "holds bytes that are no text"
    assert taken(batches) == (["1", "3", "4"] if is_nested else ["1", "4"])
    assert refused(batches) == [(2, "note", wrong)] + ([] if is_nested else [(3, "memo", wrong)])
    assert values(batches, "notes") == (["a", None, "d"] if is_nested else ["a", "d"])


@pytest.mark.parametrize("is_nested", [False, True], ids=["flat", "beside a list"])
def test_a_moment_beyond_the_calendar_is_told_with_its_file_and_never_a_crash(tmp_path, is_nested):
    """What a writer leaves that took milliseconds for microseconds, or the largest number for "never"."""
    columns = {"id": IDS, "at": pa.array([2**62, 1], pa.timestamp("us")), "note": IDS}
    if is_nested:
        columns["more"] = pa.array([[1], [2]])
        with pytest.raises(InputError) as caught:
            delivered(tmp_path, written(columns), 'ignore = ["more"]\n' + CHANGED)
        assert str(caught.value) == "f.csv: rows 1 to 2 hold a time beyond the year 9999"
    else:
        batches = delivered(tmp_path, written(columns), CHANGED)
        assert refused(batches) == [(1, "at", "is no time as the mapping describes it")]
        assert taken(batches) == ["2"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([Decimal("10.00"), Decimal("-100.10")], pa.decimal128(10, 2)), ["10", "-100.1"]),
        (pa.array([Decimal(10), Decimal(100)], pa.decimal128(10, 0)), ["10", "100"]),
        (pa.array([Decimal("0.001"), None], pa.decimal128(5, 3)), ["0.001", None]),
        (pa.array([1234.5, float("nan")]), ["1234.5", None]),
        (pa.array([-0.0, 1e15]), ["0", "1000000000000000"]),
        (pa.array([2.0**53 - 1, 2.0**53]), ["9007199254740991", "9007199254740992"]),
        (pa.array([12.5, 3.0], pa.float32()), ["12.5", "3"]),
    ],
)
@pytest.mark.parametrize("marks", ["", 'decimal_mark = ","\ngrouping_mark = "."\n'], ids=["points", "commas"])
def test_an_amount_that_is_a_number_knows_no_decimal_comma(tmp_path, column, expected, marks):
    batches = delivered(tmp_path, written({"id": IDS, "spend": column}), marks + SPENT)
    assert values(batches, "spend_total") == expected
    assert refused(batches) == []


def test_an_amount_without_end_is_refused_and_an_id_that_is_no_number_is_missing(tmp_path):
    batches = delivered(tmp_path, written({"id": IDS, "spend": pa.array([float("inf"), float("-inf")])}), SPENT)
    assert refused(batches) == [(row, "spend", "is no amount as the mapping describes it") for row in (1, 2)]
    batches = delivered(tmp_path, written({"id": pa.array([7.0, float("nan")]), "note": IDS}))
    assert taken(batches) == ["7"]
    assert refused(batches) == [(2, "id", "is missing")]


def test_a_map_or_list_where_a_value_is_expected_refuses_the_row_that_has_one(tmp_path):
    column = pa.array([[("a", "b")], None], pa.map_(pa.string(), pa.string()))
    batches = delivered(tmp_path, written({"id": IDS, "note": column}))
    assert taken(batches) == ["2"]
    assert refused(batches) == [(1, "note", "is nested where a single value is expected")]


def test_a_file_of_no_rows_is_a_delivery_of_nothing(tmp_path):
    empty = {"id": pa.array([], pa.string()), "note": pa.array([], pa.string())}
    assert delivered(tmp_path, written(empty)) == []


def test_a_column_that_nobody_names_refuses_the_file_flat_and_each_row_nested(tmp_path):
    columns = {"id": IDS, "note": IDS, "secret": IDS}
    with pytest.raises(InputError, match=r"column 3 \(`secret`\) is neither mapped nor ignored by b\.toml"):
        delivered(tmp_path, written(columns))
    batches = delivered(tmp_path, written(columns | {"note": pa.array([["a"], None])}))
    assert refused(batches) == [(row, "secret", "is neither mapped nor ignored") for row in (1, 2)]


@pytest.mark.parametrize("options", [{"compression": "none"}, {"compression": "zstd"}])
def test_a_file_cut_anywhere_is_no_parquet(tmp_path, options):
    data = written({"id": pa.array([str(number) for number in range(200)]), "note": pa.array(["x"] * 200)}, **options)
    for end in range(4, len(data), 31):
        with pytest.raises(InputError, match=r"^f\.csv: is not readable Parquet$"):
            delivered(tmp_path, data[:end])


def test_a_damaged_file_gives_its_own_error_or_every_row_but_never_a_crash_or_fewer_rows(tmp_path):
    columns = {"id": pa.array([str(number) for number in range(400)]), "note": pa.array(["x"] * 400)}
    data = written(columns, row_group_size=100, compression="gzip")
    told = 0
    for at in range(4, len(data), 97):
        broken = bytearray(data)
        broken[at] ^= 0xFF
        try:
            batches = delivered(tmp_path, bytes(broken))
        except InputError as error:
            told += str(error).startswith(("f.csv: is not readable Parquet", "f.csv: the Parquet data is damaged"))
        else:
            assert len(taken(batches)) + len(refused(batches)) == 400
    assert told > 5


def test_compressed_parquet_may_unpack_to_its_limit_and_no_further(tmp_path, monkeypatch):
    data = written({"id": IDS, "note": IDS})
    monkeypatch.setattr(parquet_rows, "MAX_COMPRESSED_BYTES", len(data))
    assert taken(delivered(tmp_path, gzip.compress(data))) == ["1", "2"]
    monkeypatch.setattr(parquet_rows, "MAX_COMPRESSED_BYTES", len(data) - 1)
    assert taken(delivered(tmp_path, data)) == ["1", "2"]
    with pytest.raises(LimitError, match=f"f.csv: compressed Parquet may unpack to {len(data) - 1} bytes"):
        delivered(tmp_path, gzip.compress(data))
