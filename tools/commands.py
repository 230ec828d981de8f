"""Write docs/reference/commands.md from the help of every command. Run after changing a command.

With `--check` it writes nothing and fails where the page differs. `tests/docs` runs the same comparison.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rich.text import Text
from typer.main import get_command
from typer.testing import CliRunner

from cloakroom.cli.main import COMMANDS, app, load_command

PAGE = Path(__file__).resolve().parents[1] / "docs/reference/commands.md"
COLUMNS = "80"

HEAD = """\
# Commands

<!-- Written by tools/commands.py from the program's own help; a test compares them. -->

Every command explains itself with `--help`. All print text for people, and one JSON document with `--json` where the
help names it. What went wrong goes to standard error; standard output stays empty then. `NO_COLOR` takes the colours
away; a table in a pipe or a file is as wide as it needs to be.

| Exit code | Means |
|---|---|
| 0 | done |
| 1 | refused by the gate, or not verified |
| 2 | bad usage or input; nothing was done |
| 130 | interrupted with Ctrl-C |

Where a command takes a value that is personal, `-` reads it from standard input. Where it takes tokens, `@FILE` reads
them from a file, one on each line, and `-` from standard input.

## Environment

| Variable | Means | Unless set |
|---|---|---|
| `CLOAKROOM_HOME` | folder of the store: root key, credentials, database; `--home` goes first | `.cloakroom` |
| `CLOAKROOM_DATABASE_URL` | address of a PostgreSQL of one's own, 15 or newer | the server that comes along |
| `CLOAKROOM_ROOT_KEY` | URI of the root key: `file:PATH` or `env:NAME` | `file:` and `root.key` in the folder |
| `CLOAKROOM_CASE` | folder of a case, for `filing` and `register` | `.cloakroom/case` |
"""

# One example each, as people type it; a test demands one for every command.
EXAMPLES = {
    "init": "cloakroom init --config examples/valmont",
    "import": "cloakroom import full.csv delta.csv --brand tarsenne",
    "status": "cloakroom status --json",
    "migrate": "cloakroom migrate",
    "policy check": "cloakroom policy check examples/valmont",
    "policy apply": "cloakroom policy apply examples/valmont",
    "principal add": "cloakroom principal add anna --role store_associate --brand tarsenne",
    "principal list": "cloakroom principal list",
    "principal freeze": "cloakroom principal freeze anna --reason stolen-laptop",
    "principal renew": "cloakroom principal renew anna --as sam.key --thaw",
    "exposure": "cloakroom exposure anna",
    "session list": "cloakroom session list anna",
    "session revoke": "cloakroom session revoke --of anna",
    "passkey list": "cloakroom passkey list",
    "passkey approve": "cloakroom passkey approve pk-1f2e3d4c5b6a7980 --as sam.key --fingerprint FINGERPRINT "
    "--purpose access_administration",
    "passkey revoke": "cloakroom passkey revoke pk-1f2e3d4c5b6a7980",
    "passkey link": "cloakroom passkey link anna --provider corp --subject 248289761001",
    "access-report": "cloakroom access-report tok_… --as pat.key --purpose own_access --reference DSAR-17",
    "find": "cloakroom find - --as anna.key --purpose clienteling --reference APPT-1 < address",
    "reveal": "cloakroom reveal @tokens --as anna.key --purpose clienteling --reference APPT-1 --field given_name",
    "affected": "cloakroom affected anna --from 2026-02-20T00:00:00Z --to 2026-03-02T00:00:00Z",
    "ledger verify": "cloakroom ledger verify exported --key ledger.key.pub --earlier kept-checkpoint",
    "ledger export": "cloakroom ledger export exported",
    "ledger proof": "cloakroom ledger proof 17 --out entry-17.tlog-proof",
    "ledger check-proof": "cloakroom ledger check-proof entry-17.tlog-proof --key ledger.key.pub",
    "erase": "cloakroom erase @tokens --as paula.key --purpose access_request --reference DSR-7",
    "rotate root": "cloakroom rotate root file:/etc/cloakroom/root.key --create",
    "rotate brand": "cloakroom rotate brand tarsenne",
    "rotate index": "cloakroom rotate index tarsenne",
    "rotate sets": "cloakroom rotate sets",
    "claim check": "cloakroom claim check dump/ --pdf report.pdf",
    "claim list": "cloakroom claim list",
    "duties evaluate": "cloakroom duties evaluate facts.toml",
    "duties board": "cloakroom duties board facts.toml",
    "duties severity": "cloakroom duties severity facts.toml",
    "claim show": "cloakroom claim show CLAIM --pdf report.pdf",
    "duties explain": "cloakroom duties explain DUTY facts.toml",
    "duties rules check": "cloakroom duties rules check us/tx.toml",
    "duties rules list": "cloakroom duties rules list --json",
    "duties rules show": "cloakroom duties rules show RULE",
    "feed": "cloakroom feed --to file:/var/log/cloakroom.ocsf.jsonl --follow",
    "filing draft": "cloakroom filing draft facts.toml --answers answers.toml",
    "filing show": "cloakroom filing show FILING",
    "filing export": "cloakroom filing export FILING --to papers",
    "register add": "cloakroom register add facts.toml --incident 2026-03 --by 'Data protection officer'",
    "register export": "cloakroom register export --to register.csv",
    "filing submitted": "cloakroom filing submitted FILING --reference N-123 --proof receipt.pdf --by DPO",
    "release request": "cloakroom release request campaign --as mia.key --brand tarsenne --field email"
    " --recipient printer --recipient-key age1…",
    "release approve": "cloakroom release approve RELEASE --as paula.key --digest DIGEST",
    "release run": "cloakroom release run RELEASE --as mia.key --out campaign.age --canary-domain canary.example",
    "release list": "cloakroom release list",
    "release show": "cloakroom release show RELEASE",
    "serve": "cloakroom serve --host 127.0.0.1 --port 8420 --authority vault.example.com",
    "demo": "cloakroom demo --records 50000",
    "version": "cloakroom version",
}


def help_of(words: list[str]) -> str:
    """Return the help that the program prints for a command, 80 columns wide, without colours."""
    settings = {"COLUMNS": COLUMNS, "NO_COLOR": "1", "TERM": "dumb"}
    shown = CliRunner().invoke(app, [*words, "--help"], prog_name="cloakroom", env=settings)
    if shown.exit_code:
        raise SystemExit(f"no help for {' '.join(words)}: {shown.output}")
    return "\n".join(line.rstrip() for line in Text.from_ansi(shown.output).plain.splitlines()).strip("\n")


def commands() -> list[list[str]]:
    """Return every command and group as its words, in the order of the help."""
    found: list[list[str]] = []

    def walk(command: object, words: list[str]) -> None:
        found.append(words)
        for name, below in getattr(command, "commands", {}).items():
            walk(below, [*words, name])

    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        walk(load_command(name) if name in COMMANDS else command, [name])
    return found


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for words in commands():
        name = " ".join(words)
        parts.append(f"\n{'#' * (1 + len(words))} {name}\n\n```text\n{help_of(words)}\n```\n")
        if name in EXAMPLES:
            parts.append(f"\nExample: `{EXAMPLES[name]}`\n")
    return "".join(parts)


def main() -> int:
    """Write the page, or compare it."""
    written = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(written, encoding="utf-8")
        return 0
    return 0 if PAGE.read_text("utf-8") == written else 1


if __name__ == "__main__":
    sys.exit(main())
