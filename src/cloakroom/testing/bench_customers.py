"""Customers of one brand in one plain CSV file, for measuring import at any size up to tens of millions of rows.

Columns: customer_number, given_name, family_name, email, phone, street, city, country, spend_total. One record per
person, every value present and cleanly spelled: what is measured is sealing, not mending. The
configuration `bench_group` beside this module seals these nine in three classes with three indexes.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl

from cloakroom.errors import UsageError
from cloakroom.testing.atlas import Atlas, load_atlas
from cloakroom.testing.dialects import DeliveryFile
from cloakroom.testing.people import draw_population

__all__ = ["write_bench_customers"]

BLOCK_RECORDS = 131_072
RECORDS_MAX = 90_000_000
COLUMNS = (
    "customer_number",
    "given_name",
    "family_name",
    "email",
    "phone",
    "street",
    "city",
    "country",
    "spend_total",
)


def write_bench_customers(path: Path, *, records: int, seed: int = 1) -> None:
    """Write `records` customers to the CSV file `path`; the same seed gives the same bytes, memory stays flat.

    Raises:
        UsageError: `records` is not between 1 and 90 million.
    """
    if not 1 <= records <= RECORDS_MAX:
        raise UsageError(f"a bench file has 1 to {RECORDS_MAX:,} records")
    atlas = load_atlas()
    out = DeliveryFile(path, (",".join(COLUMNS) + "\n").encode())
    try:
        for number, begin in enumerate(range(0, records, BLOCK_RECORDS)):
            rng = np.random.default_rng([seed, number])
            out.write(_render_block(rng, atlas, count=min(BLOCK_RECORDS, records - begin), first=begin))
    finally:
        out.close()


def _render_block(rng: np.random.Generator, atlas: Atlas, *, count: int, first: int) -> bytes:
    people = draw_population(rng, atlas, count=count, first=first)
    countries = atlas.countries[people.country]
    numbers = pl.Series(first + np.arange(count))
    spend = (np.exp(rng.normal(6.0, 1.0, count)) * people.wealth * 100).astype(np.int64)
    frame = pl.DataFrame(
        {
            "number": numbers.cast(pl.String),
            "given": atlas.given.latin.gather(people.given),
            "family": atlas.family.latin.gather(people.family),
            "given_local": atlas.given.local.gather(people.given),
            "family_local": atlas.family.local.gather(people.family),
            "prefix": atlas.prefixes.gather(people.prefix[0]),
            "digits": pl.Series(people.digits[0]).cast(pl.String).str.zfill(8),
            "house": pl.Series(people.house[0]).cast(pl.String),
            "street": atlas.streets["street"].gather(people.street[0]),
            "city": atlas.places["city"].gather(people.place[0]),
            "spend": pl.Series(spend),
        }
    ).hstack(countries.rename({"digits": "wanted"}))
    email = pl.col("given_local") + "." + pl.col("family_local") + pl.col("number") + "@example.com"
    phone = "+" + pl.col("calling") + pl.col("prefix") + pl.col("digits").str.slice(0, pl.col("wanted"))
    cents = (pl.col("spend") % 100).cast(pl.String).str.zfill(2)
    columns = (
        "C" + pl.col("number").str.zfill(8),
        pl.col("given"),
        pl.col("family"),
        email,
        phone,
        pl.col("street") + " " + pl.col("house"),
        pl.col("city"),
        pl.col("code"),
        (pl.col("spend") // 100).cast(pl.String) + "." + cents,
    )
    text = frame.select(column.alias(name) for name, column in zip(COLUMNS, columns, strict=True))
    buffer = BytesIO()
    text.write_csv(buffer, include_header=False)
    return buffer.getvalue()
