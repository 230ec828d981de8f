"""The policy file: its hash, its keys and its places."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cloakroom.errors import RuleError
from cloakroom.gate.policy import Networks, Policy, PrincipalKind, WindowName
from cloakroom.gate.policy_text import Limits, parse_policy
from cloakroom.vault.fields import WELL_KNOWN_FIELDS
from cloakroom.vocabulary import POLICY_OPERATIONS

ROOT = Path(__file__).parents[2]
VALMONT = ROOT / "examples" / "valmont" / "policy.toml"
REFERENCE = ROOT / "docs" / "reference" / "policy.md"


def test_the_hash_is_of_the_content_and_not_of_its_layout() -> None:
    text = VALMONT.read_text()
    policy = parse_policy(text.encode(), "policy.toml")
    assert re.fullmatch("[0-9a-f]{64}", policy.sha256)
    commented = "# another comment\n" + text.replace(" = ", "=")
    assert parse_policy(commented.encode(), "other.toml").sha256 == policy.sha256
    assert parse_policy(text.replace("\n", "\r\n").encode(), "policy.toml").sha256 == policy.sha256
    changed = text.replace("records = 2000", "records = 2001", 1)
    assert parse_policy(changed.encode(), "policy.toml").sha256 != policy.sha256


def test_the_empty_policy_has_a_hash_of_its_own() -> None:
    assert Policy.empty().sha256 == parse_policy(b"# nothing\n", "policy.toml").sha256


EVERY_SECTION = "zzzz = 1\n" + "".join(
    f"[{name}]\nzzzz = 1\n"
    for name in (
        "purposes.p",
        "roles.r",
        "forbid.f",
        "budgets.b",
        "budgets.b.burst",
        "budgets.b.day",
        "budgets.b.lifetime",
        "renewals.n",
        "releases.l",
    )
)
"""A policy with a key in every section that nobody knows."""


def test_every_key_of_the_file_is_in_the_reference_and_every_key_there_exists() -> None:
    documented: dict[str, set[str]] = {}
    section = ""
    for line in REFERENCE.read_text().splitlines():
        if heading := re.match(r"#+ .*<!-- keys: ([a-z ]*) -->", line):
            section = heading[1]
        elif line.startswith("#"):
            section = "none"
        elif row := re.match(r"\| `([a-z_]+)` \|", line):
            for name in section.split(" ") if section else [""]:
                documented.setdefault(name, set()).add(row[1])
    documented.pop("none", None)
    with pytest.raises(RuleError) as caught:
        parse_policy(EVERY_SECTION.encode(), "policy.toml")
    known = {}
    for problem in caught.value.problems:
        if problem.reason.startswith("unknown key"):
            names = str(problem.position.field).split(".")[:-1]
            section = names[-1] if len(names) > 2 else "".join(names[:1])
            known[section] = set(problem.reason.removeprefix("unknown key; known here: ").split(", "))
    assert documented == known


def test_the_reference_names_every_word_and_every_limit() -> None:
    text = REFERENCE.read_text()
    for word in [*POLICY_OPERATIONS, *PrincipalKind, *WindowName]:
        assert f"`{word.value}`" in text
    limits = Limits()
    assert f"{limits.bytes_max // 1024} KiB" in text
    assert f"{limits.items_max} entries" in text
    assert f"{limits.text_max} characters" in text


def test_the_examples_in_the_reference_are_policies() -> None:
    examples = re.findall(r"```toml\n(.*?)```", REFERENCE.read_text(), flags=re.DOTALL)
    assert examples
    for example in examples:
        parse_policy(example.encode(), "policy.md")


def test_the_example_group_speaks_only_of_fields_that_the_store_knows() -> None:
    fields = {name: definition.field_class for name, definition in WELL_KNOWN_FIELDS.items()}
    parse_policy(VALMONT.read_bytes(), "policy.toml", fields=fields)


@pytest.mark.parametrize("address", ["10.20.0.0", "10.20.255.255"])
def test_the_ends_of_a_range_are_inside(address: str) -> None:
    policy = parse_policy(VALMONT.read_bytes(), "policy.toml")
    assert policy.roles["store_associate"].networks.holds(address)


@pytest.mark.parametrize(
    "address", ["10.19.255.255", "10.21.0.0", "", "10.20.0.0/16", "localhost", "::1", "fe80::1%eth0"]
)
def test_everything_else_is_outside(address: str) -> None:
    policy = parse_policy(VALMONT.read_bytes(), "policy.toml")
    assert not policy.roles["store_associate"].networks.holds(address)


def test_no_network_holds_anybody() -> None:
    assert not Networks().holds(None)
    assert not Networks().holds("127.0.0.1")
