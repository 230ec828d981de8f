"""Runs the shell blocks of a page, in order, in one shell and one folder.

The convention: a fenced block of language ``sh`` is run as it stands. In one of language ``console`` lines that begin
with ``$ `` are run (with those below where a line ends in ``\\``), and the lines below are what they print, where
``…`` stands for anything, on a line of its own for any lines. A command ends with ``# exits N`` if it is to fail.
Other blocks are not run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = re.compile(r"^```(sh|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXITS = re.compile(r"#\s*exits (\d+)\s*$")
_SEPARATOR = "\x1e"


@dataclass
class Step:
    command: str
    line: int
    expected: list[str] | None = None
    exits: int = 0


@dataclass
class Outcome:
    step: Step
    output: str
    code: int
    problems: list[str] = field(default_factory=list)


def environment(folder: Path) -> dict[str, str]:
    """The environment of a reader who has set nothing up."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CLOAKROOM_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return {
        **kept,
        "PATH": path,
        "NO_COLOR": "1",
        "TERM": "dumb",
        "COLUMNS": "100",
        "PYTHONUTF8": "1",
        "PWD": str(folder),
    }


def steps_of(page: str) -> list[Step]:
    steps: list[Step] = []
    for block in _BLOCK.finditer(page):
        first = page[: block.start()].count("\n") + 2
        read = _shell if block[1] == "sh" else _console
        steps += read(block[2].splitlines(), first)
    for step in steps:
        if found := _EXITS.search(step.command):
            step.exits = int(found[1])
    return steps


def run_page(page: str, folder, environment: dict[str, str], preamble: str = "") -> list[Outcome]:
    """Run every step; stops at the first whose exit code is not the stated one."""
    steps = steps_of(page)
    script = ["exec 2>&1", preamble]
    for step in steps:
        script += [
            step.command,
            f"__code=$?; printf '%s%d%s' '{_SEPARATOR}' $__code '{_SEPARATOR}'",
            f"[ $__code = {step.exits} ] || exit 99",
        ]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script) + "\n"],
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    parts = done.stdout.split(_SEPARATOR)
    outcomes = []
    for step, output, code in zip(steps, parts[0::2], parts[1::2], strict=False):
        outcome = Outcome(step, output, int(code))
        if outcome.code != step.exits:
            outcome.problems.append(f"exits {code}, not {step.exits}:\n{output}")
        elif step.expected is not None and not _matches(step.expected, output):
            outcome.problems.append(f"prints\n{output}\nand not\n" + "\n".join(step.expected))
        outcomes.append(outcome)
    return outcomes


def _shell(lines: list[str], first: int) -> list[Step]:
    steps, command, at = [], "", first
    for number, line in enumerate(lines, first):
        command, at = (line, number) if not command else (f"{command}\n{line}", at)
        if command.strip() and _is_complete(command):
            steps.append(Step(command, at))
            command = ""
        elif not command.strip():
            command = ""
    assert not command, f"line {at}: a command that does not end"
    return steps


def _console(lines: list[str], first: int) -> list[Step]:
    steps: list[Step] = []
    for number, line in enumerate(lines, first):
        if line.startswith("$ "):
            steps.append(Step(line[2:], number, expected=[]))
        elif steps and not steps[-1].expected and not _is_complete(steps[-1].command):
            steps[-1].command += "\n" + line
        else:
            assert steps, f"line {number}: output before any command"
            steps[-1].expected.append(line)
    return steps


def _is_complete(command: str) -> bool:
    if command.endswith("\\"):
        return False
    return subprocess.run(["bash", "-n"], input=command, capture_output=True, text=True, check=False).returncode == 0


def _matches(expected: list[str], output: str) -> bool:
    pattern = ""
    for line in expected:
        pattern += r"(?:.*\n)*" if line.strip() == "…" else re.escape(line.rstrip()).replace("…", ".*") + r"[ ]*\n"
    return re.fullmatch(pattern, output if output.endswith("\n") or not output else output + "\n") is not None
