from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.duty.case_checking import failed_cases
from cloakroom.duty.mutations import mutants, unnoticed
from cloakroom.duty.parsing import parse_definitions, parse_instrument
from cloakroom.duty.rulebook import RuleFile, parse_rules
from cloakroom.duty.validation import case_problems
from cloakroom.errors import CloakroomError, RuleError

GOOD = """\
[instrument]
id = "us-zz"
name = "An invented law"
jurisdiction = "US-ZZ"
residents = ["US-ZZ"]
source = "https://example.org"
read = 2026-11-23
confidence = "V1"
[define]
pi = { all = [{ data = "name" }, { data = ["passport", "national_id"] }] }
[[rule]]
id = "us-zz-authority"
provision = "s. 1"
recipient_kind = "authority"
recipient = "Attorney General"
from = 2026-01-01
who = { use = "pi" }
when = { persons_from = 250 }
clock = { start = "determined", amount = 30, unit = "calendar_day" }
[[rule.exempt]]
text = "encrypted"
when = { intelligible = false }
[[rule]]
id = "us-zz-individuals"
provision = "s. 2"
recipient_kind = "individual"
effect = "none"
recipient = "residents"
notes = ["none"]
[[case]]
name = "249"
rule = "us-zz-authority"
persons = 249
data = ["name", "passport"]
expect = "not_due"
[[case]]
name = "250"
rule = "us-zz-authority"
persons = 250
data = ["name"]
each = ["passport", "national_id"]
expect = "due"
due_by = 2026-04-01
residents = 250
[[case]]
name = "without the name"
rule = "us-zz-authority"
data_except = ["name"]
expect = "not_due"
[[case]]
name = "without the rest"
rule = "us-zz-authority"
data_except = ["passport", "national_id"]
expect = "not_due"
[[case]]
name = "encrypted"
rule = "us-zz-authority"
data = ["name", "passport"]
incident = { intelligible = false }
expect = "not_due"
[[case]]
name = "the day before"
rule = "us-zz-authority"
at = 2025-12-31
data = ["name", "passport"]
expect = "not_due"
[[case]]
name = "the day"
rule = "us-zz-authority"
at = 2026-01-01
data = ["name", "passport"]
expect = "due"
[[case]]
name = "never"
rule = "us-zz-individuals"
expect = "not_due"
"""


def line_of(text, piece):
    return text[: text.index(piece)].count("\n") + 1


def problems(text):
    with pytest.raises(RuleError) as caught:
        parse_rules([RuleFile("us/zz.toml", text)])
    return [str(problem) for problem in caught.value.problems]


def check(text):
    (instrument,) = parse_rules([RuleFile("us/zz.toml", text)]).instruments
    return [str(item) for item in (*case_problems(instrument), *failed_cases(instrument))]


def test_a_good_file_has_no_problems_and_every_mutant_is_noticed():
    assert check(GOOD) == []
    instrument = parse_instrument(GOOD, "us/zz.toml")
    assert list(unnoticed(instrument)) == []
    changes = {mutant.change for mutant in mutants(instrument)}
    assert {
        "clock 29 calendar_day",
        "when: persons_from 251",
        "who: data without passport",
        "from 2026-01-02",
    } <= changes
    assert {"who: data with email", "exemption dropped: encrypted"} <= changes


@pytest.mark.parametrize(
    "gone",
    ["249", "250", "without the name", "without the rest", "encrypted", "the day before", "the day"],
)
def test_every_case_of_the_good_file_is_needed_by_some_mutant(gone):
    start = GOOD.index(f'[[case]]\nname = "{gone}"')
    end = GOOD.index("[[case]]", start + 1)
    instrument = parse_instrument(GOOD[:start] + GOOD[end:], "us/zz.toml")
    assert list(unnoticed(instrument))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('source = "https://example.org"\n', "", "source: is missing"),
        ("read = 2026-11-23\n", "", "read: is missing"),
        ('confidence = "V1"\n', "", "confidence: is missing"),
        ('provision = "s. 1"\n', "", "provision: is missing"),
        ('recipient = "Attorney General"\n', "", "recipient: is missing"),
        ('jurisdiction = "US-ZZ"\n', "", "jurisdiction: is missing"),
        ('residents = ["US-ZZ"]\n', "", "residents: is missing"),
        ('clock = { start = "determined", amount = 30, unit = "calendar_day" }\n', "", "clock: is missing"),
        ("amount = 30, ", "", "amount: is missing"),
        ("calendar_day", "days", "unit: must be one of"),
        ("amount = 30", "amount = -1", "amount: must be at least 0"),
        ('unit = "calendar_day"', 'unit = "without_undue_delay"', "amount: does not go with"),
        ('"determined"', '"tuesday"', "start: must be one of"),
        ('recipient_kind = "authority"', 'recipient_kind = "king"', "recipient_kind: must be one of"),
        ('"authority"\nrecipient', '"authority"\nrecipiant', "recipiant: unknown key; did you mean recipient?"),
        ("persons_from = 250", "persons_form = 250", "when: 'persons_form' is not an operator"),
        ("persons_from = 250", 'persons_from = "250"', "when: 'persons_from' needs a whole number"),
        ("persons_from = 250", "persons_from = 250, taken = 'accessed'", "exactly one operator"),
        ("persons_from = 250", "taken = 'stolen'", "names a value that is not known"),
        ("persons_from = 250", "flag = 'rich'", "names a value that is not known"),
        ("persons_from = 250", "all = []", "'all' needs a list"),
        ("persons_from = 250", "risk = 'huge'", "'risk' is 'risk' or 'high'"),
        ("persons_from = 250", "intelligible = 1", "'intelligible' needs true or false"),
        ("persons_from = 250", "open = ''", "'open' needs a text"),
        ('use = "pi"', 'use = "po"', "'use' names no definition"),
        ('"passport", "national_id"] }] }', '"iban"] }] }', "names a value that is not known"),
        ('notes = ["none"]\n', "", "notes: is missing"),
        ("[[rule.exempt]]\ntext", "[[rule.exempt]]\ntekst", "text: is missing"),
        ("when = { intelligible = false }\n[[rule]]", "[[rule]]", "when: is missing"),
        ('expect = "due"\ndue_by', 'expect = "perhaps"\ndue_by', "expect: must be one of"),
        ('rule = "us-zz-individuals"', 'rule = "us-zz-nobody"', "rule: is not the id of a rule in this file"),
        ('id = "us-zz-individuals"', "pending = true\nfrom = 2026-01-01\nid = 'us-zz-individuals'", "has no dates"),
    ],
)
def test_a_mistake_in_a_file_is_refused_with_its_place(old, new, message):
    assert GOOD.count(old) >= 1
    found = problems(GOOD.replace(old, new, 1))
    assert any(message in item for item in found), found
    assert all(item.startswith("us/zz.toml:") for item in found)


def test_a_mistake_is_found_on_its_line():
    text = GOOD.replace("persons_from = 250", "persons_form = 250")
    place = f"us/zz.toml:{line_of(text, 'persons_form')}: rule[1].when"
    assert f"{place}: 'persons_form' is not an operator" in problems(text)


def test_all_mistakes_of_all_files_are_reported_together():
    files = [RuleFile("a.toml", GOOD.replace("calendar_day", "days")), RuleFile("b.toml", "x = ")]
    with pytest.raises(RuleError) as caught:
        parse_rules(files)
    assert {problem.position.source for problem in caught.value.problems} == {"a.toml", "b.toml"}


AGAIN = GOOD[GOOD.index('[[rule]]\nid = "us-zz-authority"') : GOOD.index('[[rule]]\nid = "us-zz-individuals"')]
CASES = GOOD[GOOD.index("[[case]]") :]
RULES = GOOD[: GOOD.index("[[case]]")]


def with_rule(text):
    return RULES + text + CASES


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (AGAIN, "overlaps in time"),
        (AGAIN.replace("us-zz-authority", "us-zz-other"), "conflicts with us-zz-authority"),
        (AGAIN.replace("from = 2026-01-01", "from = 2025-01-01\nuntil = 2025-01-01"), "never in force"),
        (AGAIN.replace("from = 2026-01-01", "until = 2026-01-02"), "overlaps in time"),
        (
            AGAIN.replace("s. 1", "s. 9")
            .replace("us-zz-authority", "b")
            .replace("from = 2026", 'after = ["c"]\nfrom = 2026'),
            "no rule",
        ),
        (
            AGAIN.replace("s. 1", "s. 9")
            .replace("us-zz-authority", "b")
            .replace("from = 2026", 'after = ["b"]\nfrom = 2026'),
            "circle",
        ),
        (
            AGAIN.replace("s. 1", "s. 9").replace("us-zz-authority", "b").replace('"determined"', '"duty:c"'),
            "no rule",
        ),
        (
            AGAIN.replace("s. 1", "s. 9")
            .replace("us-zz-authority", "b")
            .replace('"calendar_day"', '"business_day", holidays = "ZZ"'),
            "no calendar of holidays",
        ),
        (
            AGAIN.replace("s. 1", "s. 9").replace("us-zz-authority", "b").replace('use = "pi"', "persons_from = 3"),
            "thresholds belong into 'when'",
        ),
    ],
)
def test_rules_that_contradict_each_other_are_refused(text, message):
    found = problems(with_rule(text))
    assert any(message in item for item in found), found


@pytest.mark.parametrize(
    "when",
    [
        "{ all = [{ persons_from = 500 }, { not = { persons_from = 500 } }] }",
        "{ all = [{ persons_over = 500 }, { not = { persons_over = 400 } }] }",
        "{ all = [{ taken = 'accessed' }, { taken = ['excluded', 'possible'] }] }",
        "{ all = [{ intelligible = true }, { intelligible = false }] }",
        "{ all = [{ data = 'health' }, { not = { data = 'health' } }] }",
        "{ any = [{ data = 'health' }, { all = [{ always = false }, { data = 'name' }] }] }",
    ],
)
def test_what_can_never_be_true_is_refused(when):
    found = problems(GOOD.replace("when = { persons_from = 250 }", f"when = {when}"))
    assert any("unreachable" in item for item in found), found


@pytest.mark.parametrize(
    "when",
    [
        "{ all = [{ persons_from = 500 }, { not = { persons_from = 501 } }] }",
        "{ all = [{ taken = 'accessed' }, { taken = ['accessed', 'possible'] }] }",
        "{ all = [{ data = 'health' }, { not = { data = 'name' } }] }",
        "{ any = [{ intelligible = true }, { intelligible = false }] }",
    ],
)
def test_what_can_be_true_is_accepted(when):
    parse_rules([RuleFile("us/zz.toml", GOOD.replace("when = { persons_from = 250 }", f"when = {when}"))])


def test_two_instruments_must_not_share_an_id_nor_two_entries_a_place():
    with pytest.raises(RuleError, match="is the id of"):
        parse_rules([RuleFile("us/a.toml", GOOD), RuleFile("us/b.toml", GOOD)])
    book = GOOD + '[[authority]]\nplace = "US-ZZ"\nname = "A"\n[[authority]]\nplace = "US-ZZ"\nname = "B"\n'
    assert any("is there twice" in item for item in problems(book))


def test_a_rule_without_cases_on_both_sides_is_reported():
    assert any("has no case" in item for item in check(RULES))
    never = RULES + CASES.replace('expect = "due"', 'expect = "not_due"')
    assert any("is unreachable as far as its cases show" in item for item in check(never))
    always = GOOD.replace('[[case]]\nname = "never"\nrule = "us-zz-individuals"\nexpect = "not_due"\n', "")
    assert any("us-zz-individuals: has no case" in item for item in check(always))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("amount = 30", "amount = 31", "due by"),
        ("persons_from = 250", "persons_from = 251", "expected due"),
        ("residents = 250", "residents = 251", "counts 250 persons"),
        ('name = "250"', 'name = "250"\nrecipient = "nobody"', "goes to 'Attorney General'"),
        ('name = "250"', 'name = "250"\njurisdiction = "US-YY"', "gives no result"),
    ],
)
def test_a_case_that_fails_says_why_and_where(old, new, message):
    text = GOOD.replace(old, new, 1)
    found = check(text)
    assert any(message in item for item in found), found
    assert all(item.startswith("us/zz.toml:") for item in found)


def test_definitions_are_shared_within_a_folder_only():
    shared = RuleFile("us/definitions.toml", "[define]\npi = { data = 'name' }\nmore = { not = { use = 'pi' } }\n")
    text = GOOD.replace('[define]\npi = { all = [{ data = "name" }, { data = ["passport", "national_id"] }] }\n', "")
    assert parse_rules([RuleFile("us/zz.toml", text), shared]).rules
    with pytest.raises(RuleError, match="'use' names no definition"):
        parse_rules([RuleFile("world/zz.toml", text), shared])
    with pytest.raises(RuleError, match="is defined already"):
        parse_rules([RuleFile("us/zz.toml", GOOD), shared])
    with pytest.raises(RuleError):
        parse_definitions("[define]\na = { use = 'a' }\n", "definitions.toml")


def test_deep_nesting_is_refused_not_crashed_on():
    deep = "{ not = " * 3000 + "{ always = true }" + " }" * 3000
    with pytest.raises(CloakroomError):
        parse_rules([RuleFile("us/zz.toml", GOOD.replace("{ persons_from = 250 }", deep))])


@given(st.integers(0, len(GOOD) - 1), st.sampled_from(['"', "[", "]", "\n", ";", "=", "{", "}", "0", "x", ""]))
def test_a_damaged_file_is_loaded_or_refused_and_nothing_else(position, piece):
    with suppress(CloakroomError):
        parse_rules([RuleFile("us/zz.toml", GOOD[:position] + piece + GOOD[position + 1 :])])
