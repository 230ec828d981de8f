import json
import re
from pathlib import Path

import pytest
from test_duty_facts import EXAMPLE
from typer.testing import CliRunner

from cloakroom.cli.incident.duties import app
from cloakroom.duty.duties import NOT_LEGAL_ADVICE
from cloakroom.errors import InputError, RuleError, UsageError

REPOSITORY = Path(__file__).parents[2]
US = """
[[affected]]
controller = "balmere"
country = "US"
subdivision = "TX"
persons = 249
data = ["name", "national_id"]
"""


@pytest.fixture
def facts(tmp_path):
    path = tmp_path / "facts.toml"
    path.write_text(EXAMPLE + US, encoding="utf-8")
    return path


def run(*arguments):
    result = CliRunner().invoke(app, [str(item) for item in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_evaluate_prints_a_list_of_duties_as_json(facts):
    found = {item["id"]: item for item in json.loads(run("evaluate", facts, "--json"))}
    lead = found["eu-gdpr-33:FR:balmere"]
    assert (lead["status"], lead["recipient"], lead["deadline"]) == ("due", "CNIL", "2026-03-05T09:00:00Z")
    assert lead["clock"] == {"event": "aware", "start": "2026-03-02T09:00:00Z", "amount": 72, "unit": "hour"}
    below = found["us-tx-ag:US-TX:balmere"]
    assert below["status"] == "not_due"
    assert "249 persons count: the threshold is 250 or more" in below["reasons"]
    assert "change: from 250 persons on: due (now 249)" in below["reasons"]


def test_severity_decides_where_nobody_says_otherwise(facts):
    found = {item["id"]: item for item in json.loads(run("evaluate", facts, "--json"))}
    assert found["eu-gdpr-34:FR:balmere"]["status"] == "due"
    assert any("the assessment finds" in reason for reason in found["eu-gdpr-34:FR:balmere"]["reasons"])


def test_every_output_for_people_says_that_it_is_not_legal_advice_and_shows_the_marks(facts):
    for command in (
        ("evaluate", facts, "--at", "2026-03-02T10:00:00Z"),
        ("board", facts, "--at", "2026-03-02T10:00:00Z"),
        ("explain", "eu-gdpr-33:FR:balmere", facts),
        ("rules", "list"),
        ("rules", "show", "eu-gdpr-33"),
        ("evaluate", facts, "--before", facts),
    ):
        assert "not legal advice" in re.sub(r"\s+", " ", run(*command)), command
    assert " V1 " in run("evaluate", facts)


def test_what_waits_for_an_answer_is_printed_with_its_question(facts):
    facts.write_text(EXAMPLE + US.replace('"US"', '"CH"').replace('"TX"', '""'), encoding="utf-8")
    output = re.sub(r"\s+", " ", run("evaluate", facts))
    assert "ch-fadp-24-4:CH:balmere: open: is telling the persons needed for their protection" in output
    facts.write_text(EXAMPLE + US.replace('"US"', '"VA"').replace('"TX"', '""'), encoding="utf-8")
    assert "no rule table covers VA: ask counsel there" in re.sub(r"\s+", " ", run("evaluate", facts))


def test_the_time_left_is_counted_from_the_given_time(facts):
    output = run("board", facts, "--at", "2026-03-03T09:00:00Z")
    assert "2 d 0 h" in output
    assert "next due: eu-gdpr-33:FR:balmere" in output
    assert "overdue" in run("board", facts, "--at", "2026-03-05T09:00:01Z")


def test_the_board_shows_what_is_done_with_its_proof(facts, tmp_path):
    progress = tmp_path / "progress.toml"
    progress.write_text(
        '[[done]]\nduty = "eu-gdpr-33:FR:balmere"\nat = 2026-03-04T09:00:00Z\nproof = "sha256:1234"\n',
        encoding="utf-8",
    )
    plain = json.loads(run("board", facts, "--at", "2026-03-06T09:00:00Z", "--progress", progress, "--json"))
    row = next(row for row in plain["rows"] if row["duty"]["id"] == "eu-gdpr-33:FR:balmere")
    assert (row["state"], row["left_seconds"], row["done"]["proof"]) == ("done", None, "sha256:1234")
    progress.write_text('[[done]]\nduty = "nothing"\nat = 2026-03-04T09:00:00Z\nproof = "x"\n', encoding="utf-8")
    with pytest.raises(InputError):
        run("board", facts, "--progress", progress)


def test_a_difference_names_exactly_what_changed(facts, tmp_path):
    later = tmp_path / "later.toml"
    later.write_text((EXAMPLE + US).replace("persons = 249", "persons = 250"), encoding="utf-8")
    changed = json.loads(run("evaluate", later, "--before", facts, "--json"))
    assert {item["id"].split(":")[1] for item in changed} == {"US-TX"}
    assert "us-tx-ag:US-TX:balmere: not_due -> due" in run("evaluate", later, "--before", facts)


def test_an_own_target_is_used_where_the_law_has_no_number(facts):
    plain = json.loads(run("board", facts, "--at", "2026-03-02T10:00:00Z", "--target-hours", "24", "--json"))
    row = next(row for row in plain["rows"] if row["duty"]["id"] == "eu-gdpr-34:FR:balmere")
    assert row["target"] == "2026-03-03T09:00:00Z"
    assert row["duty"]["deadline"] is None


def test_rules_check_holds_for_the_packaged_rules():
    assert "all hold" in run("rules", "check")
    assert "1 instruments" in run("rules", "check", "europe/tr.toml", "--thorough")


def test_rules_of_an_own_folder_are_checked_and_used(facts, tmp_path):
    folder = tmp_path / "rules" / "us"
    folder.mkdir(parents=True)
    text = (REPOSITORY / "src/cloakroom/duty/rules/us/tx.toml").read_text(encoding="utf-8")
    (folder / "tx.toml").write_text(text.replace("persons_from = 250", "persons_from = 249"), encoding="utf-8")
    shared = (REPOSITORY / "src/cloakroom/duty/rules/us/definitions.toml").read_text(encoding="utf-8")
    (folder / "definitions.toml").write_text(shared, encoding="utf-8")
    with pytest.raises(RuleError, match="249"):
        run("rules", "check", "--rules", folder.parent)
    found = {item["id"]: item for item in json.loads(run("evaluate", facts, "--rules", folder.parent, "--json"))}
    assert found["us-tx-ag:US-TX:balmere"]["status"] == "due"
    assert found["uncovered-authority:FR:balmere"]["status"] == "ask_counsel"


def test_an_own_file_or_folder_is_checked_as_it_stands(tmp_path):
    folder = REPOSITORY / "src/cloakroom/duty/rules/us"
    assert "1 instruments" in run("rules", "check", folder / "tx.toml")
    assert "all hold" in run("rules", "check", folder.parent / "europe")
    text = (REPOSITORY / "src/cloakroom/duty/rules/europe/tr.toml").read_text(encoding="utf-8")
    own = tmp_path / "tr.toml"
    for old, new in (
        ("amount = 72, unit", "amount = 71, unit"),
        ("read = 2026-11-23\n", ""),
        ('"excluded"', '"possible"'),
    ):
        assert old in text
        own.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(RuleError, match=r"tr\.toml"):
            run("rules", "check", own)


@pytest.mark.parametrize(
    "command",
    [
        ("explain", "no-such-duty"),
        ("rules", "show", "no-such-rule"),
        ("rules", "check", "no-such-file.toml"),
    ],
)
def test_unknown_names_are_a_mistake_of_the_caller(command, facts):
    with pytest.raises(UsageError):
        run(*command, *([facts] if command[0] == "explain" else []))


def test_a_time_without_an_offset_is_refused(facts):
    with pytest.raises(UsageError):
        run("evaluate", facts, "--at", "2026-03-02 10:00")


def test_bad_facts_are_refused_with_file_and_line(facts):
    facts.write_text(EXAMPLE.replace('"criminal"', '"crook"'), encoding="utf-8")
    with pytest.raises(InputError, match=r"facts\.toml:10: incident\.holder"):
        run("evaluate", facts)


def test_the_rule_list_as_json_has_mark_source_and_date():
    for rule in json.loads(run("rules", "list", "--json")):
        assert rule["source"].startswith("https://")
        assert rule["confidence"] in {"V1", "V2", "V3", "X"}
        assert rule["read"]


def test_the_warning_is_a_sentence():
    assert NOT_LEGAL_ADVICE.endswith(".")


def test_progress_that_names_no_duty_of_these_facts_is_refused_with_its_file(facts, tmp_path):
    progress = tmp_path / "progress.toml"
    progress.write_text('[[done]]\nduty = "eu-gdpr-33:XX:nobody"\nat = 2026-03-03T08:00:00Z\nproof = "p"\n')
    with pytest.raises(RuleError, match=r"progress\.toml: 1 entries"):
        run("board", facts, "--progress", progress)


def test_a_request_to_wait_is_shown_among_what_waits(facts):
    hold = '\n[[hold]]\nground = "law_enforcement"\njurisdiction = "US-TX"\n'
    facts.write_text(EXAMPLE + US.replace("249", "5000") + hold, encoding="utf-8")
    output = re.sub(r"\s+", " ", run("evaluate", facts))
    assert re.search(r"us-tx-[a-z]+:US-TX:balmere: on hold \(law enforcement\)", output)
