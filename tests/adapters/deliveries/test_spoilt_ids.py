"""Ids that a spreadsheet spoilt make no one customer out of many: the import stops, or refuses the row."""

import pytest
from delivery_world import delivered, refused, taken

from cloakroom.adapters.deliveries import Limits, open_delivery
from cloakroom.errors import InputError
from cloakroom.vault.group import parse_group
from cloakroom.vault.mapping_file import parse_mapping

FULL = '[record]\nid = "id"\n[columns]\nfirst = "given_name"\nlast = "family_name"\nmail = "email"\n'
CHANGES = FULL.replace('id = "id"\n', 'id = "id"\nmodified_at = "at"\n')
NO_NAMES = '[record]\nid = "id"\n[columns]\nmail = "email"\n'
PHONES = '[record]\nid = "id"\n[columns]\nfirst = "given_name"\nlast = "family_name"\ntel = "phone"\n'
SHORTENED = "is a number that a spreadsheet shortened; its last digits are lost"
HEADER = "id,first,last,mail"


def people(ids, *, same_name=False):
    rows = [f"{one},{'Ann' if same_name else f'Ann{at}'},Moss,a{at}@example.com" for at, one in enumerate(ids)]
    return "\n".join([HEADER, *rows]) + "\n"


def changes(ids, *, same_name=False):
    head, *rows = people(ids, same_name=same_name).splitlines()
    times = [f"2026-01-01T00:00:{at % 60:02d}.{at:06d}Z" for at in range(len(rows))]
    return "\n".join([f"{head},at", *(f"{row},{time}" for row, time in zip(rows, times, strict=True))])


def stopped(tmp_path, data, mapping=FULL):
    with pytest.raises(InputError) as caught:
        delivered(tmp_path, data, mapping)
    (problem,) = caught.value.problems
    message = str(caught.value)
    assert problem.position.field == "id"
    assert "one id stands for several customers" in message
    assert not any(word in message for word in ("Ann", "Moss", "@example", "E+", "10001"))  # no personal data
    return problem.position.line, message


@pytest.mark.parametrize("spelling", ["1.00012E+14", "1,00012E+14", "1.00012e14", "1E+14", "'1.00012E+14"])
@pytest.mark.parametrize("count", [2, 5])
def test_customers_under_one_shortened_id_stop_the_import_at_their_first_line(tmp_path, spelling, count):
    line, message = stopped(tmp_path, people(["A1", *[f'"{spelling}"'] * count]))
    assert line == 3
    assert f"lines {', '.join(str(number) for number in range(3, 3 + count))})" in message


def test_a_shortened_id_stops_a_file_of_changes_too(tmp_path):
    data = changes(["A1", "1.00012E+14", "1.00012E+14"])
    assert stopped(tmp_path, data, CHANGES)[0] == 3


def test_a_shortened_id_by_itself_is_refused_with_its_row(tmp_path):
    batches = delivered(tmp_path, people(["A1", "1.00012E+14", "A2"]), FULL)
    assert refused(batches) == [(3, "id", SHORTENED)]
    assert taken(batches) == ["A1", "A2"]


def test_the_same_customer_twice_under_a_shortened_id_is_refused_and_does_not_stop_the_import(tmp_path):
    row = "1.00012E+14,Ann,Moss,a@example.com\n"
    batches = delivered(tmp_path, f"{HEADER}\n{row}{row}A1,Bo,Moss,b@example.com\n", FULL)
    assert refused(batches) == [(2, "id", SHORTENED), (3, "id", SHORTENED)]
    assert taken(batches) == ["A1"]


@pytest.mark.parametrize("identifier", ["1E5", "12E10", "7e14", "E+14", "1.5", "3.2.1", "AB1.2E+3"])
def test_ids_that_only_remind_of_numbers_are_taken(tmp_path, identifier):
    assert taken(delivered(tmp_path, people([identifier]), FULL)) == [identifier]


def test_long_ids_that_lost_their_last_digits_without_a_sign_stop_the_import(tmp_path):
    assert stopped(tmp_path, people(["1000123456789010"] * 3))[0] == 2
    assert stopped(tmp_path, people(["7", *["1000123456789010"] * 4], same_name=True))[0] == 3
    assert stopped(tmp_path, "id,mail\n" + "".join(f"9,a{at}@example.com\n" for at in range(4)), NO_NAMES)[0] == 2


def test_where_there_is_no_address_the_telephone_number_tells(tmp_path):
    data = "id,first,last,tel\n" + "".join(f"9,Ann{at},Moss,+4474001234{at:02d}\n" for at in range(4))
    assert "different telephone numbers" in stopped(tmp_path, data, PHONES)[1]


def test_repeated_rows_and_customers_with_several_addresses_are_no_reason_to_stop(tmp_path):
    row = "9,Ann,Moss,a@example.com\n"
    assert len(taken(delivered(tmp_path, f"{HEADER}\n{row * 50}", FULL))) == 50
    assert len(taken(delivered(tmp_path, people(["9"] * 3, same_name=True), FULL))) == 3
    assert len(taken(delivered(tmp_path, people(["9", "9", "8", "8"]), FULL))) == 4  # Two may be a marriage.


def test_a_file_of_changes_goes_though_one_customer_changes_often(tmp_path):
    ids = [f"A{number}" for number in range(60)]
    assert len(taken(delivered(tmp_path, changes([*ids, *["T1"] * 19]), CHANGES))) == 79
    assert len(taken(delivered(tmp_path, changes(["A1"] * 40, same_name=True), CHANGES))) == 40


def test_a_file_of_changes_in_which_many_ids_have_several_customers_stops(tmp_path):
    ids = [f"10001234567890{number % 10}0" for number in range(40)]
    stopped(tmp_path, changes(ids), CHANGES)
    stopped(tmp_path, changes(["9"] * 5), CHANGES)
    crowds = [f"P{number // 3}" for number in range(21)] + [f"A{number}" for number in range(900)]
    stopped(tmp_path, changes(crowds), CHANGES)
    few = [f"P{number // 3}" for number in range(18)] + [f"A{number}" for number in range(900)]
    assert len(taken(delivered(tmp_path, changes(few), CHANGES))) == len(few)


def test_a_month_in_which_many_customers_change_name_and_address_once_is_no_crowd(tmp_path):
    pairs = [f"P{number // 2}" for number in range(400)] + [f"A{number}" for number in range(100)]
    assert len(taken(delivered(tmp_path, changes(pairs), CHANGES))) == len(pairs)


def test_rows_of_one_time_are_not_ordered_by_it(tmp_path):
    rows = [f"9,Ann{at},Moss,a{at}@example.com,2026-01-01T00:00:00Z" for at in range(3)]
    others = [f"A{at},Bo,Moss,b{at}@example.com,2026-01-01T00:00:00Z" for at in range(30)]
    assert stopped(tmp_path, "\n".join([f"{HEADER},at", *others, *rows]), CHANGES)[0] == 32


def test_rows_that_say_that_a_record_is_gone_are_nobody_else(tmp_path):
    mapping = FULL.replace('id = "id"\n', 'id = "id"\ndeleted = "gone"\n')
    rows = [f"9,Ann{at},Moss,a{at}@example.com,{'no' if at == 0 else 'yes'}" for at in range(5)]
    assert len(taken(delivered(tmp_path, "\n".join([f"{HEADER},gone", *rows]), mapping))) == 5


def opened(tmp_path, data):
    path = tmp_path / "f.csv"
    path.write_text(data)
    group = parse_group(
        'group = "G"\n[[controllers]]\nid = "c"\nname = "C"\ncountry = "FR"\n'
        '[[brands]]\nid = "b"\ncontroller = "c"\nmapping = "b.toml"\n',
        "group.toml",
    )
    return open_delivery(path, parse_mapping(f'brand = "b"\n{FULL}', "b.toml"), group, limits=Limits(batch_rows=2))


def test_whole_numbers_written_with_a_fraction_of_nought_are_taken_without_it(tmp_path):
    delivery = opened(tmp_path, people(["100230.0", " 100231.0", "100232.0"]))
    assert delivery.ids_with_fraction() == ["100230.0", "100231.0", "100232.0"]
    assert taken(list(delivery.batches(whole_ids=True))) == ["100230", "100231", "100232"]
    assert taken(list(delivery.batches())) == ["100230.0", "100231.0", "100232.0"]


@pytest.mark.parametrize("ids", [["100230.0", "100231.1"], ["100230.0", "100231"], ["1.0", "A"], ["1.00"], [""], []])
def test_ids_of_which_not_all_are_such_numbers_stay_as_they_are(tmp_path, ids):
    assert opened(tmp_path, people(ids)).ids_with_fraction() == []


def test_another_fraction_further_on_stops_the_import(tmp_path):
    delivery = opened(tmp_path, people(["100230.0", "100231.0", "100231.0", "100231.5"]))
    batches = delivery.batches(whole_ids=True)
    assert taken([next(batches)]) == ["100230", "100231"]
    with pytest.raises(InputError, match=r"f\.csv:5: id: has a fraction, while the ids at the beginning") as caught:
        next(batches)
    assert "100231" not in str(caught.value)
