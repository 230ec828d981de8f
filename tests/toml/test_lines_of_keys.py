"""Every key is found on the line where its name stands, whatever TOML allows around it."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.toml.statements import TooDeepError, line_of, locate_keys, split_statements


def lines_of(text, **options):
    return locate_keys(split_statements(text, depth_max=8, **options))


EVERYTHING = '''# [not.a.table]
top = "x # y"   # c = 1
"quoted.key" = """
[not.a.table]
x = 1 \\""" still
"""""
list = [
  "a", # ]
  "]", [1,
  2]]
[one] # two
a = { b = 1 }
'lit.eral' = \'\'\'
y = 2
\'\'\'
"esc\\u0061ped" = 3
[one . two]
c.d = 3

[[many]]
e = 4
[[many]]
e = 5
[many.below]
f = '#'
[[many.deep]]
g = 1
'''


def test_lines_are_found_through_everything_that_toml_allows():
    tomllib.loads(EVERYTHING)
    assert lines_of(EVERYTHING) == {
        (): 1,
        ("top",): 2,
        ("quoted.key",): 3,
        ("list",): 7,
        ("one",): 11,
        ("one", "a"): 12,
        ("one", "lit.eral"): 13,
        ("one", "escaped"): 16,
        ("one", "two"): 17,
        ("one", "two", "c"): 18,
        ("one", "two", "c", "d"): 18,
        ("many",): 20,
        ("many", 0): 20,
        ("many", 0, "e"): 21,
        ("many", 1): 22,
        ("many", 1, "e"): 23,
        ("many", 1, "below"): 24,
        ("many", 1, "below", "f"): 25,
        ("many", 1, "deep"): 26,
        ("many", 1, "deep", 0): 26,
        ("many", 1, "deep", 0, "g"): 27,
    }


def test_what_has_no_line_of_its_own_has_that_of_what_holds_it():
    lines = lines_of(EVERYTHING)
    assert line_of(lines, ("one", "a", "b")) == 12
    assert line_of(lines, ("list", 2, "nothing")) == 7
    assert line_of(lines, ("nowhere",)) == 1


keys = st.from_regex(r"[a-z]{1,4}", fullmatch=True)
values = st.sampled_from(
    ['"x"', "'''a\n[b]\n'''", '"""q\\"""\n#"""', "[1,\n 2]", "{a = 1}", "3 # c = 4", '"\\"" # "', '""""a\n""""']
)


@settings(deadline=None)
@given(st.lists(st.tuples(keys, values), unique_by=lambda pair: pair[0], max_size=8))
def test_the_line_of_a_key_is_where_its_name_stands(pairs):
    text = "".join(f"{key} = {value}\n" for key, value in pairs)
    expected, line = {(): 1}, 1
    for key, value in pairs:
        expected[(key,)] = line
        line += 1 + value.count("\n")
    assert set(tomllib.loads(text)) == {key for key, _ in pairs}
    assert lines_of(text) == expected


def test_a_semicolon_ends_a_statement_only_where_that_is_allowed_and_never_inside_anything():
    text = 'a = "x;y"; b = [1, # ;\n2]; c = 3 # ; d = 4\ne = 5'
    assert lines_of(text, semicolons=True) == {(): 1, ("a",): 1, ("b",): 1, ("c",): 2, ("e",): 3}
    assert lines_of(text) == {(): 1, ("a",): 1, ("e",): 3}


def test_brackets_are_counted_only_where_they_are_brackets():
    assert lines_of('a = "' + "[" * 9 + '"\nb = 1 # ' + "[" * 9)
    assert lines_of("a = " + "[" * 8 + "]" * 8)
    with pytest.raises(TooDeepError) as caught:
        lines_of("\na = " + "[" * 8 + "{" + "}" + "]" * 8)
    assert caught.value.line == 2
