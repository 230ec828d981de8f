"""Days on which nobody living was born are refused with their line and column, and stored nowhere."""

import json
from datetime import date, timedelta

import pytest
from delivery_world import delivered, refused, taken, values

from cloakroom.adapters.deliveries.birth_dates import BirthDates

TODAY = date(2026, 6, 15)
MAPPING = '{top}[record]\nid = "id"\n[columns]\nborn = "birth_date"\n'
AHEAD = "lies in the future, which is no birth date"
BUDDHIST = AHEAD + "; is the year one of the Buddhist calendar?"
LONG_AGO = "lies more than 120 years back, which is no birth date"


def reasons(born):
    return [reason for _, reason in BirthDates(TODAY).wrong([born])]


@pytest.mark.parametrize(
    ("order", "text", "reason"),
    [
        ("dmy", "14/02/2531", BUDDHIST),
        ("iso", "2540-12-01", BUDDHIST),
        ("ymd", "2569/01/31", BUDDHIST),
        ("iso", "2900-01-01", AHEAD),
        ("%d/%m/%y", "14/02/45", AHEAD),
        ("iso", "1366-02-14", LONG_AGO),
        ("iso", "0088-02-14", LONG_AGO),
        ("mdy", "01/01/1900", LONG_AGO),
        ("unix_seconds", "-2208988800", LONG_AGO),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_a_day_on_which_nobody_living_was_born_is_refused_in_any_order(tmp_path, order, text, reason, strict):
    mapping = f'date_order = "{order}"\n[record]\nid = "id"\n[columns]\n'
    mapping += f'born = {{ field = "birth_date", strict = {str(strict).lower()} }}\n'
    good = {"unix_seconds": "641865600", "%d/%m/%y": "05/05/90"}.get(order, "1990-05-05")
    batches = delivered(tmp_path, f"id,born\nC1,{text}\nC3,{good}\n", mapping)
    assert refused(batches) == [(2, "born", reason)]
    assert taken(batches) == ["C3"]
    assert values(batches, "birth_date") == ["1990-05-05"]
    assert [list(batch.facets["birth_date"]) for batch in batches] == [["1990-05-05"]]


@pytest.mark.parametrize("text", ["1900-01-00", "0000-00-00", "2001-02-30", "14/02/45"])
def test_a_day_that_does_not_exist_is_refused_as_before(tmp_path, text):
    batches = delivered(tmp_path, f"id,born\nC1,{text}\n", MAPPING.format(top=""))
    assert refused(batches) == [(2, "born", "is no date as the mapping describes it")]


def test_a_text_that_looks_like_a_day_and_is_none_makes_nobody_a_minor(tmp_path):
    mapping = '[record]\nid = "id"\n[columns]\nborn = { field = "birth_date", strict = false }\n'
    (batch,) = delivered(tmp_path, "id,born\nC1,2531-02-30\nC2,2025-W01-1\n", mapping)
    assert batch.columns["birth_date"] == ["2531-02-30", "2025-W01-1"]
    assert batch.facets["birth_date"] == [None, None]


def test_json_is_judged_alike(tmp_path):
    lines = [json.dumps({"id": "1", "born": "2531-02-14"}), json.dumps({"id": "2", "born": "1988-02-14"})]
    batches = delivered(tmp_path, "\n".join(lines), MAPPING.format(top=""))
    assert taken(batches) == ["2"]
    assert refused(batches) == [(1, "born", BUDDHIST)]


@pytest.mark.parametrize(
    ("born", "is_taken"),
    [
        (TODAY, True),
        (TODAY + timedelta(days=1), True),  # It is tomorrow already in the east.
        (TODAY + timedelta(days=2), False),
        (date(1906, 6, 15), True),
        (date(1906, 6, 14), False),
    ],
)
def test_the_bounds_are_the_day_of_the_import_and_120_years_before(born, is_taken):
    assert (reasons(born.isoformat()) == []) is is_taken


def test_a_leap_day_has_its_bounds_too():
    assert list(BirthDates(date(2028, 2, 29)).wrong(["1908-02-28"])) == []


def test_other_dates_may_lie_in_the_future(tmp_path):
    mapping = '[record]\nid = "id"\n[columns]\n'
    mapping += 'ends = { field = "contract_end", kind = "date", class = "identity", data_element = "other" }\n'
    assert taken(delivered(tmp_path, "id,ends\nC1,2531-02-14\n", mapping)) == ["C1"]


def test_a_field_of_ones_own_that_holds_births_is_judged(tmp_path):
    mapping = '[record]\nid = "id"\n[columns]\n'
    mapping += 'kid = { field = "child_born", kind = "date", class = "identity", data_element = "birth_date" }\n'
    assert refused(delivered(tmp_path, "id,kid\nC1,2531-02-14\n", mapping)) == [(2, "kid", BUDDHIST)]


def test_days_beyond_the_bounds_do_not_count_as_written_the_other_way_round(tmp_path):
    """01/12/2540 could be read as mdy; three of them must not refuse the file, whose order is right."""
    rows = "".join(f"C{day},0{day}/12/2540\n" for day in range(1, 6))
    batches = delivered(tmp_path, "id,born\n" + rows, MAPPING.format(top='date_order = "dmy"\n'))
    assert {reason for _, _, reason in refused(batches)} == {BUDDHIST}
