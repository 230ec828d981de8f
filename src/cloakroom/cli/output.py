"""How commands print: for people by default, one JSON document with ``--json``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="The store's folder [env: CLOAKROOM_HOME; default: .cloakroom]."),
]
AsOption = Annotated[
    Path,
    typer.Option("--as", help="Credential file of the principal who asks.", metavar="FILE"),
]

console = Console()
stderr = Console(stderr=True)


def print_json(document: object) -> None:
    """Print one JSON document on standard output."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; numbers are set to the right."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for at, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[at], int) for row in rows)
        table.add_column(name, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row])
    console.print(table)


def print_counts(title: str, counts: Mapping[str, int]) -> None:
    """Print counts, largest first."""
    print_table(title, ("", "records"), sorted(counts.items(), key=lambda item: (-item[1], item[0])))


@contextmanager
def progress_bar(title: str, *, quiet: bool, unit: str = "rows") -> Iterator[Callable[[int, int, int], None]]:
    """Show a progress bar on standard error; gives a function that takes (done, total, count of units)."""
    if quiet or not stderr.is_terminal:
        yield lambda _done, _total, _count: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[count]:,} " + unit),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr, transient=True) as progress:
        task = progress.add_task(title, total=None, count=0, rate=0.0)

        def show(done: int, total: int, count: int) -> None:
            elapsed = progress.tasks[0].elapsed or 0.0
            rate = count / elapsed if elapsed else 0.0
            progress.update(task, completed=done, total=total or None, count=count, rate=rate)

        yield show


def document_of(**values: Any) -> dict[str, Any]:
    """Return a JSON document without the values that are None."""
    return {name: value for name, value in values.items() if value is not None}
