"""What the page of commands promises about all of them: quick help, plain text, errors in words on standard error."""

import io
import subprocess
import sys

import pytest
from rich.console import Console
from rich.text import Text
from transcript import environment

from cloakroom.cli import output
from cloakroom.cli.main import main

ESCAPE = "\x1b]0;title\x07"


def run(*arguments, folder, stdin=""):
    return subprocess.run(
        [sys.executable, "-m", "cloakroom", *arguments],
        cwd=folder,
        env=environment(folder),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def printed(monkeypatch):
    """A terminal of 80 columns."""
    file = io.StringIO()
    monkeypatch.setattr(output, "console", Console(file=file, force_terminal=True, width=80, no_color=True))
    return file


@pytest.mark.parametrize("arguments", [["--help"], ["version"]])
def test_help_and_version_load_neither_database_nor_frames_nor_web(arguments, tmp_path):
    code = (
        "import sys; from cloakroom.cli.main import main; main(sys.argv[1:]);"
        "heavy = {'psycopg', 'polars', 'numpy', 'uvloop', 'phonenumbers', 'cryptography'} & set(sys.modules);"
        "sys.exit(f'loads {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_value_in_a_table_is_neither_markup_nor_a_command_to_the_terminal(printed):
    output.print_table("[bold]t[/]", ("[red]c",), [("[link=x]Ana[/link]",), (ESCAPE,), ("[/nonsense]",)])
    text = printed.getvalue()
    assert "[link=x]Ana[/link]" in text
    assert "[/nonsense]" in text
    assert "[red]c" in text
    assert ESCAPE not in text
    assert "\\u001b]0;title\\u0007" in text


@pytest.mark.parametrize("hostile", ["\x9b31m", "a\u202eb", "\udcff", "\x7f", "\r", "\x00"])
def test_a_character_that_acts_on_a_terminal_is_shown_and_not_sent(hostile, printed, capsys):
    output.say(f"x{hostile}y")
    output.print_json({"value": hostile})
    assert not set(hostile) - set("31mab") & set(printed.getvalue())
    shown = capsys.readouterr().out
    assert "\\u" in shown or "\\r" in shown
    shown.encode("utf-8")


def test_a_token_is_never_cut_or_broken_on_a_narrow_terminal(printed):
    token = "tok_Z_O8hGw7nCMoont45lWNHg"
    rows = [(token, *["a long value that needs its room"] * 4)]
    output.print_table("", ("token", "a", "b", "c", "d"), rows, whole=("token",))
    shown = Text.from_ansi(printed.getvalue()).plain
    assert token in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown


def test_counts_have_separators_and_a_table_in_a_pipe_is_not_folded(capsys):
    output.print_table("", ("name", "records"), [("n" * 150, 7_400_000)])
    shown = capsys.readouterr().out
    assert "7,400,000" in shown
    assert "n" * 150 in shown


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["status", "--home", "a[/red]b"], 2),
        (["policy", "check", "no[bold]where"], 2),
        (["ledger", "verify", "nowhere", "--key", "abc+def+ghi"], 1),
        (["ledger", "verify", ".", "--key", sys.executable], 1),
        (["ledger", "verify", ".", "--key", "nowhere.pub"], 1),
        (["ledger", "check-proof", "no[/b]proof", "--key", "k"], 2),
        (["ledger", "check-proof", sys.executable, "--key", "k"], 1),
        (["reveal", "@missing", "--as", "k", "--purpose", "p", "--field", "f"], 2),
        (["reveal", f"@{sys.executable}", "--as", "k", "--purpose", "p", "--field", "f"], 2),
        (["reveal", "-", "--as", "k", "--purpose", "p", "--field", "f"], 2),
        (["find", "-", "--as", "k", "--purpose", "p"], 2),
        (["erase", "tok_x", "--as", "k", "--purpose", "p", "--json"], 2),
        (["erase", "tok_x", "--as", "k", "--purpose", "p", "--receipt", "no/where/r", "--yes"], 2),
        (["affected", "--from", "yesterday"], 2),
        (["affected", "--facts", "f.toml"], 2),
        (["duties", "evaluate", "missing[/x].toml"], 2),
        (["duties", "evaluate", sys.executable], 2),
        (["filing", "draft", "missing.toml"], 2),
        (["claim", "check", "missing", "--claim", "nowhere"], 2),
        (["nosuch"], 2),
        (["ledger", "nosuch"], 2),
        (["import"], 2),
        (["init", "--config", "missing"], 2),
        (["rotate", "root", "ftp:x"], 2),
        (["demo", "--records", "1"], 2),
    ],
    ids=lambda value: " ".join(value).replace(sys.executable, "BINARY") if isinstance(value, list) else str(value),
)
def test_what_a_user_gets_wrong_is_said_in_words_on_standard_error(arguments, code, tmp_path):
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
    for argument in arguments:
        if "[" in argument and argument in done.stderr.replace("\n", ""):
            break
    else:
        assert not any("[" in argument for argument in arguments), done.stderr


def test_a_mistake_of_the_program_is_not_hidden(monkeypatch):
    def broken(**_):
        raise ZeroDivisionError

    monkeypatch.setattr("cloakroom.cli.main.say", broken)
    with pytest.raises(TypeError):
        main(["version"])
