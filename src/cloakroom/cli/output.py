"""Options that commands share, and how they print: for people by default, one JSON document with ``--json``.

Everything goes out through `say`, `complain` and the functions called `print`. They take text as it is: nothing in
it is markup, and a control character that could move the cursor, or a name that is no Unicode, is shown and not sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from cloakroom.clock import SystemClock, parse_time
from cloakroom.errors import InputError, UsageError

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="The store's folder (env: CLOAKROOM_HOME; otherwise .cloakroom)."),
]
AsOption = Annotated[
    Path,
    typer.Option("--as", help="Credential file of the principal who asks.", metavar="FILE"),
]

Cell = object | tuple[str, str]
"""A cell of a table: a value, or a pair of text and style."""

_WIDEST = 2_000
_TOKEN_FILE_BYTES = 1_000_000

console = Console()
stderr = Console(stderr=True)

# C0 but for tab and line feed, DEL and C1 (terminals act on them), bidirectional overrides (text that reads as
# other text), lone surrogates (bytes of a file name that are no UTF-8; they cannot be encoded).
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""Return `text` with every character that a terminal would act on written as ``\u001b``."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def say(*parts: str | tuple[str, str]) -> None:
    """Print a sentence on standard output; a part may be a pair of text and style."""
    console.print(_assembled(parts), soft_wrap=True)


def complain(*parts: str | tuple[str, str]) -> None:
    """Print a sentence on standard error."""
    stderr.print(_assembled(parts), soft_wrap=True)


def print_json(document: object) -> None:
    """Print one JSON document on standard output."""
    typer.echo(visible(json.dumps(document, indent=2, ensure_ascii=False, default=str)))


def print_document(text: str) -> None:
    """Print a document byte by byte into a pipe or a file; on a terminal, show what it would act on."""
    typer.echo(visible(text) if console.is_terminal else text, nl=False)


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    whole: Sequence[str] = (),
    width: int = _WIDEST,
) -> None:
    """Print a table; numbers are set to the right, and nothing is cut off.

    Args:
        title: Printed above it, unless empty.
        columns: Names of the columns.
        rows: Cells of each row.
        whole: Columns whose cells stay on one line, so that they can be copied: tokens and ids.
        width: Characters in a pipe or a file, which have no width of their own.
    """
    if title:  # not the table's own, which is folded to the width of the table
        say((title, "bold"))
    table = Table(header_style="bold")
    for at, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[at], int) for row in rows)
        longest = max((len(_cell(row[at])) for row in rows), default=0) if name in whole else None
        table.add_column(
            Text(visible(name)), justify="right" if numeric else "left", overflow="fold", min_width=longest
        )
    for row in rows:
        table.add_row(*map(_cell, row))
    (console if console.is_terminal else Console(width=width)).print(table)


def print_columns(rows: Sequence[Sequence[Cell]], *, headings: Sequence[str] = ()) -> None:
    """Print rows one below the other in columns, without a frame.

    Args:
        rows: Cells of each row.
        headings: Names of the columns; none are printed unless given.
    """
    table = Table(box=None, padding=(0, 1), show_header=bool(headings))
    for heading in headings:
        table.add_column(Text(visible(heading)), overflow="fold", min_width=len(heading))
    for row in rows:
        table.add_row(*map(_cell, row))
    console.print(table)


def _cell(value: Cell) -> Text:
    if isinstance(value, tuple):
        text, style = value
        return Text(visible(text), style=style)
    return Text(f"{value:,}" if isinstance(value, int) else visible(str(value)))


def print_counts(title: str, counts: Mapping[str, int]) -> None:
    """Print counts, largest first."""
    largest_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    print_table(title, ("", "records"), largest_first)


@contextmanager
def progress_bar(title: str, *, quiet: bool, unit: str = "rows") -> Iterator[Callable[[int, int, int], None]]:
    """Show a progress bar on standard error; gives a function that takes (done, total, count of units)."""
    if quiet or not stderr.is_terminal:
        yield lambda _done, _total, _count: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[count]:,} " + unit),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr, transient=True) as progress:
        task = progress.add_task(visible(title), total=None, count=0, rate=0.0)

        def show(done: int, total: int, count: int) -> None:
            elapsed = progress.tasks[0].elapsed or 0.0
            rate = count / elapsed if elapsed else 0.0
            progress.update(task, completed=done, total=total or None, count=count, rate=rate)

        yield show


@contextmanager
def waiting(words: str, *, quiet: bool) -> Iterator[None]:
    """Show on standard error that something is going on whose end is not known."""
    if quiet or not stderr.is_terminal:
        yield
        return
    with stderr.status(Text(words)):
        yield


@contextmanager
def going_on(words: str) -> Iterator[None]:
    """Say how to go on if somebody presses Ctrl-C in here."""
    try:
        yield
    except KeyboardInterrupt:
        complain(words)
        raise


def read_tokens(arguments: Sequence[str], limit: int) -> list[str]:
    """Return the tokens that arguments name: themselves, ``@FILE`` with one on each line, ``-`` for standard input.

    Raises:
        InputError: A file cannot be read, is too large, or is no UTF-8 text.
        UsageError: There are none, or more than `limit`.
    """
    tokens: list[str] = []
    for argument in arguments:
        if argument == "-":
            tokens += _lines(typer.get_binary_stream("stdin"), "standard input")
        elif argument.startswith("@"):
            path = Path(argument[1:])
            try:
                with path.open("rb") as file:
                    tokens += _lines(file, str(path))
            except OSError as error:
                raise InputError.at(str(path), f"cannot be read: {error.strerror}") from error
        else:
            tokens.append(argument)
    if not 0 < len(tokens) <= limit:
        raise UsageError(f"between 1 and {limit:,} tokens at once")
    return tokens


def _lines(file: BinaryIO, source: str) -> list[str]:
    data = file.read(_TOKEN_FILE_BYTES + 1)
    if len(data) > _TOKEN_FILE_BYTES:
        raise InputError.at(source, f"is larger than {_TOKEN_FILE_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError.at(source, "is not UTF-8 text", line=data[: error.start].count(b"\n") + 1) from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def moment(text: str, option: str = "--at") -> datetime:
    """Return the time that an option names, or the time now where it is empty; see `option_time`."""
    return option_time(text, option) if text else SystemClock().now()


def option_time(text: str, option: str) -> datetime:
    """Return the time that the text of an option names.

    Raises:
        UsageError: It is no time with an offset.
    """
    try:
        return parse_time(text)
    except ValueError:
        raise UsageError(f"{option} needs a time with an offset, such as 2026-03-02T09:00:00Z") from None


def _assembled(parts: Sequence[str | tuple[str, str]]) -> Text:
    return Text.assemble(*[visible(part) if isinstance(part, str) else (visible(part[0]), part[1]) for part in parts])
