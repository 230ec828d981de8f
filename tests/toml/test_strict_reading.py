"""A file written by hand is taken whole or refused with every mistake, and no message repeats what stands there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.errors import InputError, RuleError
from cloakroom.toml import DocumentLimits, Table, parse_document


def read(text: str | bytes, **options) -> Table:
    return parse_document(text, "f.toml", **options)


def problems(root: Table) -> list[str]:
    with pytest.raises(RuleError) as caught:
        root.check()
    return [str(problem) for problem in caught.value.problems]


def refusal(text: str | bytes, **options) -> str:
    with pytest.raises(RuleError) as caught:
        read(text, **options)
    return str(caught.value)


@pytest.mark.parametrize("content", ["\ufeffa = 1\r\nb = 2", b"\xef\xbb\xbfa = 1\r\nb = 2\r\n"])
def test_a_byte_order_mark_and_windows_line_ends_are_taken(content):
    root = read(content)
    assert (root.number("a"), root.number("b"), root.line("b")) == (1, 2, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\na = 2", "f.toml:2: not TOML: cannot overwrite a value"),
        ("[t]\n[t]", "f.toml:2: not TOML: cannot declare a table twice"),
        ("a = {b = 1, b = 2}", "f.toml:1: not TOML: duplicate inline table key"),
        ("a = 1\nb = ", "f.toml:2: not TOML: invalid value"),
        ("a = 1\nb", "f.toml:2: not TOML: expected '=' after a key in a key/value pair"),
        ("a = [1,\n2", "f.toml:2: not TOML: unclosed array"),
        ("a = 2026-02-30", "f.toml:1: not TOML: invalid date or datetime"),
        ("a = 1; b = 2", "f.toml:1: not TOML: expected newline or end of document after a statement"),
        ("a = 1" + "0" * 5_000, "f.toml: not TOML: holds a value that cannot be read"),
        ('a = "x"\n\nb = "\x01"', "f.toml:3: not TOML: illegal character"),
        (b"a = 1\n# caf\xe9", "f.toml:2: not UTF-8"),
    ],
)
def test_what_is_no_toml_is_refused_on_its_line_in_the_same_words_everywhere(text, message):
    assert refusal(text) == message


def test_the_line_of_a_syntax_error_is_that_of_the_file_as_it_was_written():
    text = "a = 1; b = 2\n[t]\nc = 3\n[u]\nd = 4; e = \n"
    assert refusal(text, semicolons=True).startswith("f.toml:5: not TOML")
    assert refusal(text, semicolons=True, without=frozenset({"t"})).startswith("f.toml:5: not TOML")


@pytest.mark.parametrize(
    ("limits", "text", "message"),
    [
        (DocumentLimits(bytes_max=9), "a = 12345", None),
        (DocumentLimits(bytes_max=9), "a = 123456", "f.toml: larger than 9 bytes"),
        (DocumentLimits(bytes_max=9), 'a = "éé"', "f.toml: larger than 9 bytes"),
        (DocumentLimits(bytes_max=9), b"a = 123456", "f.toml: larger than 9 bytes"),
        (DocumentLimits(depth_max=2), "a = [[1]]", None),
        (DocumentLimits(depth_max=2), "\na = [[[1]]]", "f.toml:2: nested deeper than 2 levels"),
        (DocumentLimits(depth_max=2), "a.b.c = 1", None),
        (DocumentLimits(depth_max=2), "a.b.c.d = 1", "f.toml: nested deeper than 2 levels"),
        (DocumentLimits(depth_max=2), "[a.b.c.d]", "f.toml: nested deeper than 2 levels"),
        (DocumentLimits(depth_max=2), "a = {b.c.d = 1}", "f.toml: nested deeper than 2 levels"),
    ],
)
def test_size_and_depth_are_bounded_to_the_last_byte_and_level(limits, text, message):
    if message is None:
        read(text, limits=limits)
    else:
        assert refusal(text, limits=limits) == message


def test_entries_and_texts_are_bounded_to_the_last_one():
    limits = DocumentLimits(items_max=2, text_max=3)
    root = read(
        'a = ["x", "y"]\nb = ["x", "y", "z"]\nc = "abc"\nd = "abcd"\ne = ["abcd"]\n[t]\nx = 1\ny = 2\nz = 3',
        limits=limits,
    )
    assert root.texts("a") == ("x", "y")
    assert root.text("c") == "abc"
    assert (root.texts("b"), root.text("d"), root.table("t")) == ((), "", None)
    root.texts("e")
    assert problems(root) == [
        "f.toml:2: b: has more than 2 entries",
        "f.toml:4: d: is longer than 3 characters",
        "f.toml:5: e: has an entry of more than 3 characters",
        "f.toml:6: t: has more than 2 entries",
    ]


def test_a_key_that_nobody_took_is_refused_with_the_one_that_was_probably_meant():
    root = read('nmae = "x"\n[[deep]]\n[[deep]]\nzzz = 1\n')
    root.text("name", default="")
    for table in root.tables("deep"):
        table.flag("open")
        table.has("shut")
        table.close()
    root.close()
    assert problems(root) == [
        "f.toml:1: nmae: unknown key; did you mean name?",
        "f.toml:4: deep[2].zzz: unknown key; known here: open, shut",
    ]


SECRET = "jane.doe@example.org"


def test_a_value_of_another_type_is_refused_and_never_repeated():
    names = ("text", "empty", "choice", "texts", "mixed", "word", "twice", "none", "number", "least", "span")
    written = (
        7,
        '"  "',
        f'"{SECRET}"',
        f'"{SECRET}"',
        f'["{SECRET}", 1]',
        f'["{SECRET}"]',
        f'["{SECRET}", "{SECRET}"]',
    )
    written += ("[]", "true", "0", "11")
    more = {"flag": 1, "day": "2026-03-02T09:00:00Z", "time": "2026-03-02T09:00:00", "table": f'"{SECRET}"'}
    pairs = [
        *zip(names, written, strict=True),
        *more.items(),
        ("tables", f'["{SECRET}"]'),
        ("map", f'{{a = "{SECRET}", b = 1}}'),
    ]
    root = read("".join(f"{name} = {value}\n" for name, value in pairs))
    root.text("text"), root.text("empty"), root.text("choice", choices=["a", "b"])
    root.texts("texts"), root.texts("mixed"), root.texts("none", required=True)
    assert root.texts("word", choices=["b", "a"]) == ()
    root.texts("twice")
    assert (root.number("number"), root.number("least", least=1), root.number("span", least=2, most=10)) == (0, 1, 2)
    assert (root.flag("flag", default=True), root.day("day"), root.time("time"), root.table("table")) == (
        True,
        None,
        None,
        None,
    )
    assert (root.tables("tables"), root.text_table("map")) == ((), {})
    found = problems(root)
    assert [line.split(": ", 1)[1] for line in found] == [
        "text: must be a text in quotes",
        "empty: must not be empty",
        "choice: must be one of a, b",
        "texts: must be a list of texts",
        "mixed: must be a list of texts",
        "word: has an entry that is not one of a, b",
        "twice: names an entry twice",
        "none: must not be empty",
        "number: must be a whole number",
        "least: must be at least 1",
        "span: must be a whole number from 2 to 10",
        "flag: must be true or false",
        "day: must be a date such as 2026-03-02",
        "time: needs an offset, such as Z or +02:00",
        "table: must be a table",
        "tables: must be tables, each under a [[tables]] line",
        "map: must be a table of texts",
    ]
    assert SECRET not in "".join(found)


def test_what_must_be_there_is_missed_and_what_need_not_be_has_its_default():
    root = read("")
    assert (root.text("a"), root.texts("b", required=True), root.number("c", least=3)) == ("", (), 3)
    assert (root.text("d", default="x"), root.texts("e"), root.number("f", default=5)) == ("x", (), 5)
    assert (root.flag("g", default=True), root.table("h"), root.tables("i"), root.text_table("j")) == (
        True,
        None,
        (),
        {},
    )
    assert root.table_or_empty("k").values == {}
    assert problems(root) == [f"f.toml:1: {key}: is missing" for key in "abc"]


def test_the_ends_of_a_span_are_inside_and_a_time_is_taken_as_utc():
    root = read('low = 2\nhigh = 10\nat = 2026-03-02T09:00:00+02:00\nblank = ""')
    assert (root.number("low", least=2, most=10), root.number("high", least=2, most=10)) == (2, 10)
    assert root.time("at") == datetime(2026, 3, 2, 7, tzinfo=UTC)
    assert root.text("blank", may_be_empty=True) == ""
    root.check()


def test_mistakes_are_told_in_the_order_of_their_lines_and_not_without_end():
    root = read("a = 1\nb = 2\nc = 3\n", limits=DocumentLimits(problems_max=2))
    for key in "cba":
        root.report(key, "is wrong")
    assert problems(root) == ["f.toml:1: a: is wrong", "f.toml:2: b: is wrong"]


def test_the_error_is_of_the_kind_that_the_reader_asked_for():
    for text in ("a = ", "a = " + "[" * 99, b"\xff", "a" * 99):
        with pytest.raises(InputError) as caught:
            read(text, error=InputError, limits=DocumentLimits(bytes_max=98 if text == "a" * 99 else 1000))
        assert type(caught.value) is InputError


def test_a_table_that_is_passed_over_is_not_even_judged():
    root = read("a = 1\n[[case]]\nb = 1\nb = 2\n[case.deep]\nc = nonsense\n[d]\ne = 3\n", without=frozenset({"case"}))
    assert set(root.values) == {"a", "d"}
    assert root.table_or_empty("d").line("e") == 8


@given(
    st.text(max_size=200) | st.lists(st.sampled_from("ab=.,;\"'#[]{}\\\n 1"), max_size=60).map("".join), st.booleans()
)
def test_any_text_is_read_or_refused_with_a_mistake(text, semicolons):
    try:
        root = read(text, semicolons=semicolons)
    except RuleError:
        return
    for key in root.values:
        root.report(key, "here")
