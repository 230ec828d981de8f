"""Every mistake in a policy file is told with file, line and key, and never with the value that stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cloakroom.errors import RuleError
from cloakroom.gate.policy_text import Limits, parse_policy
from cloakroom.vocabulary import FieldClass

FIELDS = {"email": FieldClass.CONTACT, "spend_total": FieldClass.VALUE}

GOOD = """\
format = 1

[bands]
spend_total = [500, 2000]

[purposes.clienteling]
text = "Hold an appointment"
operations = ["find", "reveal"]
[purposes.clienteling.fields]
email = "reveal"
spend_total = "band"

[purposes.mailing]
text = "Hand out an audience"
operations = ["release"]
fields = {email = "reveal"}

[roles.associate]
text = "Sells"
purposes = ["clienteling"]
brands = ["auberon"]
networks = ["local", "10.20.0.0/16"]
budget = "counter"

[roles.marketing]
text = "Builds audiences"
purposes = ["mailing"]
brands = ["*"]
networks = ["local"]

[forbid.guests]
text = "No spend on the guest network"
networks = ["10.20.200.0/24"]
fields = ["spend_total"]

[budgets.counter]
mask_below_percent = 20
token_below_percent = 5
[budgets.counter.burst]
length = "10m"
records = 20
probes = 60
[budgets.counter.day]
length = "24h"
records = 120
probes = 600
[budgets.counter.lifetime]
records = 2000
probes = 9000

[renewals.staff]
by = ["marketing"]
budgets = ["counter"]

[releases.campaign]
text = "A campaign"
purpose = "mailing"
approvers = ["associate"]
max_records = 1000
expires = "3d"
"""

# What is replaced in the good file, by what, and the one message that must come out after `policy.toml:`.
MISTAKES = [
    (
        "format = 1",
        "format = 2",
        "1: format: must be 1, the only format that this version reads",
    ),
    (
        "[bands]",
        "[band]",
        "3: band: unknown key; did you mean bands?",
    ),
    (
        "[500, 2000]",
        "[2000, 500]",
        "4: bands.spend_total: must be a list of 1 to 20 rising whole numbers",
    ),
    (
        "[500, 2000]",
        "[0, 500]",
        "4: bands.spend_total: must hold whole numbers from 1 to 4294967296",
    ),
    (
        'text = "Hold an appointment"',
        'text = ""',
        "7: purposes.clienteling.text: must not be empty",
    ),
    (
        'operations = ["find", "reveal"]',
        'operations = ["find", "jane.doe@example.org"]',
        (
            "8: purposes.clienteling.operations: has an entry that is not one of "
            "access-report, affected, enrol, erase, exchange, exposure, find, freeze, ledger, list, probe, release, "
            "reveal, write"
        ),
    ),
    (
        'operations = ["find", "reveal"]',
        'operations = ["find", "find"]',
        "8: purposes.clienteling.operations: names an entry twice",
    ),
    (
        'email = "reveal"\nspend',
        'email = "open"\nspend',
        "10: purposes.clienteling.fields.email: must be one of band, mask, reveal, token",
    ),
    (
        'email = "reveal"\nspend',
        'e_mail = "reveal"\nspend',
        "10: purposes.clienteling.fields.e_mail: no brand has this field",
    ),
    (
        'email = "reveal"\nspend',
        'email = "band"\nspend',
        "10: purposes.clienteling.fields.email: shown as a band, but bands has no steps for it",
    ),
    (
        '"band"',
        '"mask"',
        "4: bands.spend_total: is shown as a band by no purpose",
    ),
    (
        'fields = {email = "reveal"}',
        "fields = {}",
        "16: purposes.mailing.fields: an operation gives out fields, but there are none",
    ),
    (
        'operations = ["release"]',
        'operations = ["ledger"]',
        "16: purposes.mailing.fields: none of the operations gives out fields",
    ),
    (
        'purposes = ["clienteling"]',
        'purposes = ["clientelling"]',
        "20: roles.associate.purposes: names a purpose that does not exist",
    ),
    (
        'brands = ["auberon"]',
        'brands = ["auberon", "*"]',
        "21: roles.associate.brands: * stands for every brand and stands alone",
    ),
    (
        'brands = ["auberon"]',
        "brands = []",
        "21: roles.associate.brands: must not be empty",
    ),
    (
        '"10.20.0.0/16"',
        '"10.20.0.1/16"',
        "22: roles.associate.networks: must hold ranges such as 10.0.0.0/8 with no bits beyond the mask, or local",
    ),
    (
        '"10.20.0.0/16"',
        '"10.20.0.0/16", "10.20.3.0/24"',
        "22: roles.associate.networks: one range lies inside another",
    ),
    (
        'budget = "counter"',
        'budget = "desk"',
        "23: roles.associate.budget: names a budget that does not exist",
    ),
    (
        'budget = "counter"\n',
        "",
        "18: roles.associate.budget: clienteling opens or searches, which needs a budget",
    ),
    (
        'networks = ["local"]',
        'networks = ["local"]\nbudget = "counter"',
        "30: roles.marketing.budget: no purpose of the role opens or searches anything",
    ),
    (
        'networks = ["10.20.200.0/24"]\nfields = ["spend_total"]',
        "",
        "31: forbid.guests: has no condition, so it would forbid everything; an empty policy says that better",
    ),
    (
        'fields = ["spend_total"]',
        'fields = ["spend_total"]\nroles = ["marketing"]',
        "31: forbid.guests: forbids only what nothing permits",
    ),
    (
        'fields = ["spend_total"]',
        'roles = ["owner"]',
        "34: forbid.guests.roles: names a role that does not exist",
    ),
    (
        "token_below_percent = 5",
        "token_below_percent = 30",
        "38: budgets.counter.token_below_percent: is above mask_below_percent, so nothing would ever be masked",
    ),
    (
        'length = "10m"',
        'length = "ten minutes"',
        "40: budgets.counter.burst.length: must be a number with s, m, h or d, such as 10m",
    ),
    (
        'length = "10m"',
        'length = "30s"',
        "40: budgets.counter.burst.length: must be between one minute and 366 days",
    ),
    (
        'length = "10m"',
        'length = "24h"',
        "40: budgets.counter.burst.length: must be shorter than the length of day",
    ),
    (
        "records = 20\n",
        "records = -1\n",
        "41: budgets.counter.burst.records: must be a whole number from 0 to 4294967296",
    ),
    (
        "records = 20\n",
        "records = 20.5\n",
        "41: budgets.counter.burst.records: must be a whole number from 0 to 4294967296",
    ),
    (
        "records = 20\n",
        "records = true\n",
        "41: budgets.counter.burst.records: must be a whole number from 0 to 4294967296",
    ),
    (
        "records = 20\n",
        "records = 121\n",
        "41: budgets.counter.burst.records: is above that of day, so it can never be reached",
    ),
    (
        "records = 20\n",
        "records = 20\nvalue = 21\n",
        "42: budgets.counter.burst.value: is above records, so it can never be reached",
    ),
    (
        "probes = 60\n",
        "",
        "23: roles.associate.budget: clienteling searches, but a window of the budget has no probes",
    ),
    (
        "[budgets.counter.lifetime]\nrecords = 2000\nprobes = 9000\n",
        "",
        "36: budgets.counter.lifetime: needs a table; every budget has burst, day and lifetime",
    ),
    (
        "[budgets.counter.lifetime]\n",
        '[budgets.counter.lifetime]\nlength = "1d"\n',
        (
            "48: budgets.counter.lifetime.length: unknown key; known here: "
            "contact, identity, per_brand, probes, records, value"
        ),
    ),
    (
        'by = ["marketing"]',
        'by = ["associate"]',
        "52: renewals.staff.by: associate draws on a budget that it renews, so two of them could renew each other",
    ),
    (
        'budgets = ["counter"]',
        'budgets = ["counters"]',
        "53: renewals.staff.budgets: names a budget that does not exist",
    ),
    (
        'purpose = "mailing"',
        'purpose = "clienteling"',
        "57: releases.campaign.purpose: the purpose does not allow the operation release",
    ),
    (
        'expires = "3d"',
        'expires = "3d"\napprovals = 1',
        "61: releases.campaign.approvals: must be a whole number from 2 to 10",
    ),
    (
        "[roles.marketing]",
        "[roles.Marketing-2]",
        "25: roles.Marketing-2: a name is lower-case letters, digits and underscores, beginning with a letter",
    ),
    (
        "[roles.marketing]",
        "[roles.associate]",
        "25: not TOML: cannot declare a table twice",
    ),
    (
        "format = 1",
        "format = ",
        "1: not TOML: invalid value",
    ),
    (
        "format = 1",
        "format = 1\nformat = 1",
        "2: not TOML: cannot overwrite a value",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "message"), MISTAKES, ids=[message.split(": ", 1)[1] for *_, message in MISTAKES]
)
def test_a_mistake_is_told_with_its_place_and_its_remedy(old: str, new: str, message: str) -> None:
    assert GOOD.count(old) >= 1
    with pytest.raises(RuleError) as caught:
        parse_policy(GOOD.replace(old, new, 1).encode(), "policy.toml", fields=FIELDS)
    assert f"policy.toml:{message}" in str(caught.value).split("\n")


def test_the_good_file_has_no_mistake() -> None:
    parse_policy(GOOD.encode(), "policy.toml", fields=FIELDS)


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    broken = GOOD.replace("format = 1", "format = 3").replace('"10m"', '"soon"').replace('expires = "3d"', "")
    with pytest.raises(RuleError) as caught:
        parse_policy(broken.encode(), "policy.toml", fields=FIELDS)
    lines = [problem.position.line for problem in caught.value.problems]
    assert lines == sorted(lines, key=lambda line: line or 0)
    assert len(lines) == 3


def test_no_message_repeats_a_value() -> None:
    secret = "jane.doe@example.org"
    broken = re.sub(r'"[^"]*"', f'"{secret}"', GOOD)
    with pytest.raises(RuleError) as caught:
        parse_policy(broken.encode(), "policy.toml", fields=FIELDS)
    assert len(caught.value.problems) > 10
    assert secret not in str(caught.value)


def test_bytes_that_are_not_utf_8_are_told_with_their_line() -> None:
    with pytest.raises(RuleError, match=r"^policy\.toml:3: not UTF-8$"):
        parse_policy(b"format = 1\n\n# caf\xe9\n", "policy.toml")


def test_a_file_above_the_limit_is_not_read() -> None:
    with pytest.raises(RuleError, match=r"^policy\.toml: larger than 10 bytes$"):
        parse_policy(GOOD.encode(), "policy.toml", limits=Limits(bytes_max=10))


def test_a_file_nested_too_deeply_is_a_mistake_and_no_crash() -> None:
    with pytest.raises(RuleError, match=r"^policy\.toml:1: nested deeper than 64 levels$"):
        parse_policy(b"a = " + b"[" * 100_000, "policy.toml")


def test_the_example_group_has_no_mistake() -> None:
    path = Path(__file__).parents[2] / "examples" / "valmont" / "policy.toml"
    parse_policy(path.read_bytes(), str(path))
