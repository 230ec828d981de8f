"""Arguments and options that the commands over an incident share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

FactsPath = Annotated[Path, typer.Argument(help="The facts file (docs/reference/facts.md).")]
AppraisalPath = Annotated[
    Path | None, typer.Option("--appraisal", help="What people judged and decided (docs/reference/severity.md).")
]
AnswersPath = Annotated[Path | None, typer.Option("--answers", help="What people wrote (docs/reference/filings.md).")]
DutiesPath = Annotated[
    Path | None, typer.Option("--duties", help="Output of `duties evaluate --json`; else evaluated now.")
]
ProgressPath = Annotated[Path | None, typer.Option("--progress", help="What was done (docs/reference/duties.md).")]
RulesPath = Annotated[
    Path | None, typer.Option("--rules", help="Folder of rule files to use instead of the packaged ones.")
]
TargetHours = Annotated[int | None, typer.Option(min=1, help="Your own aim where the law gives no number.")]
At = Annotated[str, typer.Option("--at", help="As if it were this time, such as 2026-03-02T09:00:00Z.")]
CaseOption = Annotated[Path, typer.Option("--case", envvar="CLOAKROOM_CASE", help="Folder of the case.")]

DEFAULT_CASE: Final = Path(".cloakroom/case")
WIDTH: Final = 180
"""Characters of a table of duties where nobody said how wide it is, such as in a pipe."""
