"""Months are known by their names in the languages of the dumps; the day or the month may come first."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from cloakroom.claims.dates import date_reader

TODAY = date(2026, 6, 1)
LANGUAGES = {
    "English": "January February March April May June July August September October November December",
    "Italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "German": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "Spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "Portuguese": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "French": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "Czech": "ledna února března dubna května června července srpna září října listopadu prosince",
    "Polish": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "Russian": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "Turkish": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
}


def read(text: str, *column: str) -> str | None:
    return date_reader(pl.Series([text, *column]), TODAY)(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_month_is_known_by_its_name(language) -> None:
    names = LANGUAGES[language].split()
    assert len(names) == 12
    expected = [f"1980-{number:02d}-14" for number in range(1, 13)]
    assert [read(f"14 {name} 1980") for name in names] == expected
    assert [read(f"{name} 14, 1980") for name in names] == expected


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1st May 1980", "1980-05-01"), ("2nd May 1980", "1980-05-02"), ("May 3rd 1980", "1980-05-03"),
        ("14-May-1980", "1980-05-14"), ("14 Foo 1980", None), ("31 June 1980", None),
        ("29 February 1980", "1980-02-29"), ("29 February 1981", None), ("14 May 80", None),
    ],
)  # fmt: skip
def test_a_named_month_makes_a_date_only_with_a_day_that_it_has_and_a_whole_year(text, day) -> None:
    assert read(text) == day


@pytest.mark.parametrize(
    ("column", "day"),
    [
        ([], "1980-03-02"),
        (["12.12.1980"], "1980-03-02"),
        (["12.13.1980"], "1980-02-03"),
        (["13.12.1980"], "1980-03-02"),
        (["12.13.1980", "13.12.1980"], "1980-03-02"),
    ],
    ids=["nothing else", "a twelfth", "a thirteenth month", "a thirteenth day", "both"],
)
def test_the_month_comes_first_only_where_no_first_number_and_some_second_one_is_above_twelve(column, day) -> None:
    assert read("02.03.1980", *column) == day


@pytest.mark.parametrize(("seconds", "day"), [("5000000000", "2128-06-11"), ("5000000001", "1970-02-27")])
def test_counts_are_of_milliseconds_where_the_median_is_above_five_thousand_million(seconds, day) -> None:
    assert read(seconds) == day


def test_a_single_large_count_does_not_make_the_others_milliseconds() -> None:
    assert read("326937600", "326937600", "326937600000") == "1980-05-12"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("19801301", None), ("19800532", None), ("18991231", "1970-08-08"), ("1234", None), ("12345", "1970-01-01"),
        ("-86400", "1969-12-31"), ("326937600.0", "1980-05-12"), ("326937600.5", None),
        (" 1980-05-14 ", "1980-05-14"), ("1980-05-14T23:59:59+02:00", "1980-05-14"), ("14.05.19800", None),
        ("99999999999999", "5138-11-16"),
    ],
)  # fmt: skip
def test_numbers_are_days_where_they_look_like_one_and_counts_of_seconds_from_five_digits_on(text, day) -> None:
    assert read(text) == day
