"""The documentation of duties is true: examples load, keys and flags are complete, commands exist."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloakroom.cli.incident.duties import app
from cloakroom.duty.board import parse_progress
from cloakroom.duty.duties import duty_to_json
from cloakroom.duty.evaluation import evaluate_duties
from cloakroom.duty.expressions import _ATOMS
from cloakroom.duty.fact_values import CAUSES, FLAGS, HOLDERS, NATURES, SEGMENTS, SERVICE_HARMS, TAKEN
from cloakroom.duty.facts import parse_facts
from cloakroom.duty.instruments import EVENTS, UNITS
from cloakroom.duty.parsing import parse_instrument
from cloakroom.duty.rulebook import RuleFile, parse_rules
from cloakroom.vocabulary import DATA_ELEMENTS

DOCS = Path(__file__).parents[2] / "docs"
FACTS = (DOCS / "reference/facts.md").read_text(encoding="utf-8")
RULES = (DOCS / "reference/rule-files.md").read_text(encoding="utf-8")
DUTIES = (DOCS / "reference/duties.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "how-to/evaluate-duties.md").read_text(encoding="utf-8")


def block(text, language="toml", number=0):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)[number]


def test_the_example_of_the_facts_page_loads():
    assert parse_facts(block(FACTS), "facts.toml").affected[0].persons == 120_000


def test_the_example_of_the_rule_page_loads():
    example = block(RULES, number=-1)
    assert parse_instrument(example, "example.toml").rules
    assert parse_rules([RuleFile("us/xx.toml", example)]).rules


def test_the_example_of_the_progress_file_loads():
    assert parse_progress(block(DUTIES), "progress.toml")[0].reference


@pytest.mark.parametrize("words", [DATA_ELEMENTS, FLAGS, CAUSES, TAKEN, HOLDERS, NATURES, SEGMENTS, SERVICE_HARMS])
def test_every_word_of_a_facts_file_is_documented(words):
    assert [word for word in sorted(words) if f"`{word}`" not in FACTS] == []


@pytest.mark.parametrize("words", [set(_ATOMS) | {"all", "any", "not", "use"}, EVENTS, UNITS])
def test_every_word_of_a_rule_file_is_documented(words):
    assert [word for word in sorted(words) if f"`{word}`" not in RULES] == []


def test_every_key_of_the_result_is_documented():
    world = parse_facts(block(FACTS), "facts.toml")
    (duty, *_) = evaluate_duties(world, parse_rules([]), ())
    assert [key for key in duty_to_json(duty) if f"`{key}`" not in DUTIES] == []


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"cloakroom duties ([a-z]+(?: [a-z]+)?)", HOW_TO + RULES + DUTIES)))
)
def test_every_command_in_the_pages_exists(command):
    words = command.split()
    words = words if words[0] == "rules" else words[:1]
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0, result.output


def test_every_option_in_the_pages_exists():
    helps = "".join(
        CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"}).output
        for words in (["evaluate"], ["board"], ["explain"], ["rules", "check"])
    )
    mentioned = set(
        re.findall(
            r"`?(--[a-z-]+)", " ".join(re.findall(r"cloakroom duties[^\n`]*|^\| `--.*$", HOW_TO + DUTIES, re.M))
        )
    )
    assert mentioned
    assert [option for option in sorted(mentioned) if option not in helps] == []
