"""Numbers that are numbers in the file: ids keep no fraction, amounts know no decimal comma."""

import io
import json
from decimal import Decimal

import polars as pl
import pytest

from cloakroom.adapters.deliveries import open_delivery
from cloakroom.adapters.deliveries.numbers import NumberText, number_text
from cloakroom.vault.group import parse_group
from cloakroom.vault.mapping_file import parse_mapping

GROUP = parse_group(
    'group = "T"\n[[controllers]]\nid = "c"\nname = "C"\ncountry = "DE"\n'
    '[[brands]]\nid = "b"\ncontroller = "c"\nmapping = "b.toml"\n',
    "group.toml",
)
MAPPING = """brand = "b"
decimal_mark = ","
grouping_mark = "."
date_order = "unix_milliseconds"
ignore = ["more"]
[record]
id = "id"
modified_at = "at"
[columns]
spend = "spend_total"
zip = "postcode"
"""
ROWS = [
    {"id": 100234.0, "at": 1704067200000.0, "spend": 1234.5, "zip": 10115.0, "more": [1]},
    {"id": 7.0, "at": 1704067200250.0, "spend": 1000.0, "zip": None, "more": [2]},
]


def parquet(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


FORMS = {
    "JSON": "\n".join(map(json.dumps, ROWS)).encode(),
    "JSON with exponents": b'{"id": 1.00234e5, "at": 1.7040672e12, "spend": 12345e-1, "zip": 10115}\n'
    b'{"id": 7, "at": 1704067200250, "spend": 1e3, "zip": null}',
    "nested Parquet": parquet(pl.DataFrame(ROWS)),
    "flat Parquet": parquet(pl.DataFrame(ROWS).drop("more").with_columns(more=pl.lit("x"))),
    "Parquet with decimals and NaN": parquet(
        pl.DataFrame(ROWS)
        .drop("more")
        .with_columns(
            pl.col("spend").cast(pl.Decimal(12, 2)), pl.col("zip").fill_null(float("nan")), more=pl.lit("x")
        )
    ),
    "Parquet with unmarked texts": parquet(
        pl.DataFrame({"id": [b"100234", b"7"], "at": ["1704067200000", "1704067200250"], "spend": ["1.234,5", "1000"],
                      "zip": ["10115", None], "more": [[1], [2]]})
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_rows_are_the_same_in_every_form(tmp_path, form):
    path = tmp_path / "delivery"
    path.write_bytes(FORMS[form])
    (batch,) = open_delivery(path, parse_mapping(MAPPING, "b.toml"), GROUP).batches()
    assert batch.rejected == []
    assert batch.record_ids == ["100234", "7"]
    assert batch.columns["spend_total"] == ["1234.5", "1000"]
    assert batch.columns["postcode"] == ["10115", None]
    assert batch.modified_at == [1704067200000000, 1704067200250000]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (1.5, "1,5"), (NumberText("12.10"), "12,10"), (Decimal("3.00"), "3"),
     (1e20, "100000000000000000000"),
     (float("nan"), None), (float("inf"), "inf"), (NumberText("1e999"), "1e999"), (-0.0, "-0")],
)  # fmt: skip
def test_a_number_is_written_as_a_cell_would_show_it(value, text):
    assert number_text(value, ",") == text
