"""Dates of dumps in any spelling become the same day."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from cloakroom.claims.dates import date_reader

TODAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1980-05-14", "1980-05-14"), ("1980/5/14 00:00", "1980-05-14"), ("19800514", "1980-05-14"),
        ("1980年5月14日", "1980-05-14"), ("14.05.1980", "1980-05-14"), ("14/05/80", "1980-05-14"),
        ("14.05.26", "2026-05-14"), ("14.05.27", "1927-05-14"), ("14 May 1980", "1980-05-14"),
        ("May 14th, 1980", "1980-05-14"), ("14. März 1980", "1980-03-14"), ("14 août 1980", "1980-08-14"),
        ("14 мая 1980", "1980-05-14"), ("326937600", "1980-05-12"), ("1980-02-31", None), ("31/31/1980", None),
        ("none", None), ("", None), ("２０００-01-02", "2000-01-02"),
    ],
)  # fmt: skip
def test_a_date_is_read(text, day):
    assert date_reader(pl.Series([text]), TODAY)(text) == day


def test_the_order_of_day_and_month_is_that_of_the_whole_column():
    american = date_reader(pl.Series(["02/03/1980", "12/25/1980"]), TODAY)
    european = date_reader(pl.Series(["02/03/1980", "25/12/1980"]), TODAY)
    assert (american("02/03/1980"), european("02/03/1980")) == ("1980-02-03", "1980-03-02")


def test_counts_of_milliseconds_are_told_from_those_of_seconds():
    read = date_reader(pl.Series(["326937600000", "-86400000", "1000000000000"]), TODAY)
    assert (read("326937600000"), read("-86400000")) == ("1980-05-12", "1969-12-31")
