"""Tables that readers give: rows as columns of text, and what was not whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from cloakroom.claims.witness import TextWitness

BROKEN_KEPT = 4096
BROKEN_CONTENT = (
    pl.exceptions.PolarsError,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    OverflowError,
)
"""What readers, and the libraries under them, raise over content that is not what it seemed to be."""


@dataclass(slots=True)
class Wanted:
    """The columns that a reader is told to parse, once their meaning is known.

    Attributes:
        columns: Columns that somebody looks at; None for all of them.
    """

    columns: frozenset[str] | None = None


class Unparsed:
    """Columns that nobody has looked at yet: none of their cells is empty."""

    def __init__(self, columns: Sequence[str], parse: Callable[[], pl.DataFrame]) -> None:
        """Take the names of all columns of the table, and what parses all of them."""
        self.columns = tuple(columns)
        self._parse = parse
        self._whole: pl.DataFrame | None = None

    def whole(self) -> pl.DataFrame:
        """Return the same rows with all their columns."""
        if self._whole is None:
            self._whole = self._parse()
        return self._whole


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of one table.

    Attributes:
        frame: Whole rows; every column holds text, null or empty where nothing stood.
        broken: Lines that are no whole row, as far as legible; each may still show an address. Never printed.
        rejected: How many rows were lost in them.
        at_signs: How many ``@`` the whole rows hold, where that is known without looking.
        text: The text that the rows and the broken lines were cut from, where the reader has it at hand; whatever
            addresses the rows do not show are looked for there.
        beside: Addresses that stand in no row; counted as addresses, not as rows. Never printed.
        remarks: How many lines or objects are neither rows nor damaged: titles, footers, lists of no people.
        section: Number of the table within the file; tables of one file are matched apart.
    """

    frame: pl.DataFrame = field(repr=False)
    broken: tuple[str, ...] = field(default=(), repr=False)
    rejected: int = 0
    remarks: int = 0
    section: int = 0
    at_signs: int | None = None
    unparsed: Unparsed | None = field(default=None, repr=False)
    text: bytes | None = field(default=None, repr=False)
    beside: pl.Series | None = field(default=None, repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of all columns, parsed or not."""
        return self.unparsed.columns if self.unparsed is not None else tuple(self.frame.columns)

    def whole(self) -> pl.DataFrame:
        """Return the whole rows with all their columns."""
        return self.unparsed.whole() if self.unparsed is not None else self.frame


@dataclass(slots=True)
class Reading:
    """One file being read.

    Attributes:
        format: What it is, such as ``csv`` or ``sql``.
        encoding: How its text is encoded, or None where that has no meaning; final at the end.
        batches: Its rows; may raise `LimitError`, `DamagedError` or what is in `BROKEN_CONTENT` on the way.
        notes: What should be said about it; positions and counts, never values.
        wanted: Where to tell the reader which columns are looked at; it may give all of them nevertheless.
        witness: Looks at the text as it passes, where batches do not bring theirs.
    """

    format: str
    encoding: str | None
    batches: Iterator[Batch] = field(repr=False)
    notes: list[str] = field(default_factory=list)
    wanted: Wanted = field(default_factory=Wanted)
    witness: TextWitness | None = field(default=None, repr=False)


def frame_of(columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> pl.DataFrame:
    """Make a frame of text columns from rows of equal length."""
    names = unique_names(columns)
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def unique_names(columns: Sequence[str]) -> list[str]:
    """Return names fit for a frame: not empty, not repeated."""
    seen: dict[str, int] = {}
    names = []
    for number, column in enumerate(columns, 1):
        name = " ".join(column.split())[:200] or f"column {number}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def frame_of_records(records: Sequence[dict[str, str]], columns_max: int) -> pl.DataFrame:
    """Make a frame from records that need not have the same keys."""
    names: dict[str, None] = {}
    for record in records:
        for name in record:
            if name not in names and len(names) < columns_max:
                names[name] = None
    return pl.DataFrame(
        {name: pl.Series([record.get(name) for record in records], dtype=pl.String) for name in names}
    )


def share_of(flags: pl.Series) -> float:
    """Return the share of true values, nulls counted as false; 0 for none at all."""
    return int(flags.fill_null(value=False).sum()) / flags.len() if flags.len() else 0.0
