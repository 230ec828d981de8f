"""A small policy file whose every part a test can exchange. All names are invented."""

from __future__ import annotations

from cloakroom.errors import RuleError
from cloakroom.gate.policy import Policy
from cloakroom.gate.policy_text import parse_policy
from cloakroom.vocabulary import FieldClass

FIELDS = {
    "email": FieldClass.CONTACT,
    "birth_date": FieldClass.IDENTITY,
    "customer_number": FieldClass.IDENTITY,
    "spend_total": FieldClass.VALUE,
}

TEXT = """\
format = 1
bands = {spend_total = [500, 2000]}

[purposes.clienteling]
text = "Hold an appointment"
operations = ["find", "reveal"]
fields = {email = "reveal", spend_total = "band"}

[purposes.counting]
text = "Count segments"
operations = ["list"]
fields = {customer_number = "token"}

[purposes.mailing]
text = "Hand out an audience"
operations = ["release"]
fields = {email = "reveal"}

[roles.associate]
text = "Sells"
purposes = ["clienteling"]
brands = ["alba"]
networks = ["local", "10.20.0.0/16"]
budget = "counter"

[roles.analyst]
text = "Counts"
purposes = ["counting"]
brands = ["*"]
networks = ["10.30.0.0/16"]
budget = "desk"

[roles.officer]
text = "Approves"
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
burst = {length = "10m", records = 20, value = 10, per_brand = 15, probes = 60}
day = {length = "24h", records = 120, value = 60, per_brand = 90, probes = 400}
lifetime = {records = 2000, value = 900, per_brand = 1500, probes = 9000}

[budgets.desk]
burst = {length = "1h", records = 1000, probes = 1000}
day = {length = "7d", records = 1000, probes = 1000}
lifetime = {records = 1000, probes = 1000}

[renewals.staff]
by = ["officer"]
budgets = ["counter"]

[releases.campaign]
text = "A campaign"
purpose = "mailing"
approvers = ["officer"]
max_records = 1000
expires = "3d"
"""


def changed(old: str, new: str) -> str:
    """The file with its one `old` exchanged, or with `new` after it where `old` is empty."""
    assert not old or TEXT.count(old) == 1, old
    return TEXT.replace(old, new) if old else f"{TEXT}\n{new}\n"


def policy_with(old: str = "", new: str = "") -> Policy:
    return parse_policy(changed(old, new).encode(), "policy.toml", fields=FIELDS)


def mistakes_with(old: str, new: str) -> list[str]:
    """Everything that is wrong with the changed file, as `line: key: reason`; nothing if it is a policy."""
    try:
        policy_with(old, new)
    except RuleError as error:
        return [str(problem).removeprefix("policy.toml:") for problem in error.problems]
    return []


def line_of(written: str) -> int:
    """The line of the file on which `written` stands, counted from 1."""
    [line] = [number for number, text in enumerate(TEXT.split("\n"), 1) if written in text]
    return line
