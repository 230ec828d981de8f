"""A value is of exactly the type that was asked for: what Python takes for another is not."""

from __future__ import annotations

import pytest

from cloakroom.errors import RuleError
from cloakroom.toml import DocumentLimits, Table, parse_document


def read(text: str, **limits: int) -> Table:
    return parse_document(text, "f.toml", limits=DocumentLimits(**limits))


def reasons(root: Table) -> list[str]:
    with pytest.raises(RuleError) as caught:
        root.check()
    return [problem.reason for problem in caught.value.problems]


@pytest.mark.parametrize("value", ["true", "1.0", '"1"', "[1]", "2026-03-02", "{a = 1}"])
def test_only_a_whole_number_is_a_number(value: str) -> None:
    root = read(f"a = {value}")
    assert root.number("a", default=7, least=3) == 7
    assert reasons(root) == ["must be a whole number"]


@pytest.mark.parametrize(("value", "is_day"), [("2026-03-02", True), ("2026-03-02T09:00:00Z", False), ('"x"', False)])
def test_only_a_date_without_a_time_is_a_day(value: str, is_day: bool) -> None:
    root = read(f"a = {value}")
    assert (root.day("a") is not None) is is_day
    if not is_day:
        assert reasons(root) == ["must be a date such as 2026-03-02"]


@pytest.mark.parametrize("value", ["2026-03-02", "09:00:00", '"2026-03-02T09:00:00Z"', "1"])
def test_only_a_moment_is_a_time(value: str) -> None:
    root = read(f"a = {value}")
    assert root.time("a") is None
    assert reasons(root) == ["must be a time such as 2026-03-02T09:00:00Z"]


@pytest.mark.parametrize("value", ["0", "1", '"true"', "[]"])
def test_only_true_and_false_are_flags(value: str) -> None:
    root = read(f"a = {value}")
    assert root.flag("a", default=True) is True
    assert reasons(root) == ["must be true or false"]


def test_a_number_without_an_end_is_bounded_below_alone() -> None:
    root = read("a = 9007199254740993\nb = -1")
    assert root.number("a") == 9007199254740993
    assert root.number("b", default=5) == 0
    assert reasons(root) == ["must be at least 0"]


def test_a_choice_may_be_empty_only_where_that_is_one() -> None:
    root = read('a = ""\nb = ""')
    assert root.text("a", choices=["", "x"]) == ""
    assert root.text("b", choices=["x"]) == ""
    assert reasons(root) == ["must be one of x"]


def test_a_default_does_not_stand_in_silently_for_what_is_wrong() -> None:
    root = read('a = 1\nb = "long"\nc = ""', text_max=3)
    assert (root.text("a", default="x"), root.text("b", default="x"), root.text("c", default="x")) == ("x", "x", "")
    assert reasons(root) == ["must be a text in quotes", "is longer than 3 characters"]


def test_a_list_of_choices_keeps_the_right_ones_in_their_order() -> None:
    root = read('a = ["c", "x", "a"]')
    assert root.texts("a", choices=["a", "b", "c"]) == ("c", "a")
    assert reasons(root) == ["has an entry that is not one of a, b, c"]


@pytest.mark.parametrize("count", [2, 3])
def test_tables_are_bounded_like_lists(count: int) -> None:
    root = read("[[a]]\n" * count, items_max=2)
    assert len(root.tables("a")) == (2 if count == 2 else 0)
    if count == 3:
        assert reasons(root) == ["has more than 2 entries"]


def test_an_element_of_a_list_of_tables_has_its_own_line_and_its_keys_are_its_own() -> None:
    root = read("[[a]]\nx = 1\n[[a]]\n\ny = 2\n")
    first, second = root.tables("a")
    assert (first.line(), first.line("x"), second.line(), second.line("y"), second.line("x")) == (1, 2, 3, 5, 3)
    assert (first.has("x"), second.has("x")) == (True, False)
    second.report("y", "is wrong")
    second.report(None, "is incomplete")
    with pytest.raises(RuleError) as caught:
        root.check()
    assert [str(problem) for problem in caught.value.problems] == [
        "f.toml:3: a[2]: is incomplete", "f.toml:5: a[2].y: is wrong",
    ]  # fmt: skip


def test_what_was_asked_for_and_is_not_there_is_no_mistake_and_what_is_there_and_was_asked_for_is_known() -> None:
    root = read("a = 1\n[t]\nb = 2\n")
    assert root.raw("a") == 1
    assert root.raw("z") is None
    root.table_or_empty("t").raw("b")
    root.close()
    root.check()
