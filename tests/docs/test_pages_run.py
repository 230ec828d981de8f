"""The tutorials and the how-to pages work as they stand."""

import pytest
from docs_pages import ROOT, name_of
from transcript import Step, environment, run_page, steps_of

HOW_TO = sorted(page for page in (ROOT / "docs/how-to").glob("*.md") if steps_of(page.read_text("utf-8")))


def problems_of(name, outcomes, steps):
    found = [f"{name}:{item.step.line}: {problem}" for item in outcomes for problem in item.problems]
    if not found and len(outcomes) < len(steps):
        found.append(f"{name}:{steps[len(outcomes)].line}: was not run")
    return found


def test_the_tutorial_works_as_written(tutorial):
    _, page, outcomes = tutorial
    assert problems_of("docs/tutorial/first-store.md", outcomes, steps_of(page)) == []


@pytest.mark.parametrize("page", HOW_TO, ids=name_of)
def test_a_how_to_works_as_written_in_the_store_of_the_tutorial(page, after_tutorial):
    text = page.read_text("utf-8")
    outcomes = run_page(
        text, after_tutorial, environment(after_tutorial), preamble='export CLOAKROOM_HOME="$PWD/first-store"'
    )
    assert problems_of(name_of(page), outcomes, steps_of(text)) == []


def test_the_how_tos_of_the_spine_are_run():
    run = {page.stem for page in HOW_TO}
    assert run >= {
        "answer-who-was-affected",
        "erase-a-person",
        "import-a-brand",
        "renew-a-credential",
        "rotate-keys",
        "verify-the-ledger",
    }


def test_the_runner_notices_a_wrong_exit_code_and_a_wrong_output(tmp_path):
    page = "```console\n$ echo one\ntwo\n$ false # exits 1\n$ false\n$ echo never\n```\n"
    outcomes = run_page(page, tmp_path, environment(tmp_path))
    assert [bool(item.problems) for item in outcomes] == [True, False, True]
    assert len(problems_of("page", outcomes, steps_of(page))) == 2


def test_the_runner_reads_commands_of_several_lines_and_outputs_with_gaps(tmp_path):
    page = (
        "```sh\necho 'a\nb'\n\necho \\\n  c\n```\n"
        "```console\n$ seq 5\n1\n…\n5\n$ echo 12 records\n… records\n```\n"
        "```\nfalse\n```\n"
    )
    assert [item.command for item in steps_of(page)] == ["echo 'a\nb'", "echo \\\n  c", "seq 5", "echo 12 records"]
    outcomes = run_page(page, tmp_path, environment(tmp_path))
    assert problems_of("page", outcomes, steps_of(page)) == []


def test_the_runner_keeps_the_shell_from_one_block_to_the_next(tmp_path):
    outcomes = run_page("```sh\nX=1\n```\n\n```console\n$ echo $X\n1\n```\n", tmp_path, environment(tmp_path))
    assert [item.problems for item in outcomes] == [[], []]
    assert isinstance(outcomes[0].step, Step)
