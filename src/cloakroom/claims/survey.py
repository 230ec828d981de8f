"""Goes through everything once: opens, reads, recognises, sizes, and hands the keyed rows on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cloakroom.claims.concepts import Concept, Recognised, recognise
from cloakroom.claims.containers import DAMAGE, Leaf, Meter, Unread, WalkLimitError, walk
from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.choose import open_leaf
from cloakroom.claims.readers.display_names import with_display_names
from cloakroom.claims.readers.read_ahead import read_ahead
from cloakroom.claims.sizing import KeyedRows, Prepared, Sizer
from cloakroom.claims.tables import Batch, Reading
from cloakroom.errors import LimitError

_DOCUMENT_ROWS = 5
_WORKERS = 2


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file: what it is and how much of it was read.

    Attributes:
        path: Where it lies, containers included.
        format: What it is, or ``unread``.
        encoding: Of its text, or None.
        rows: Whole rows.
        rejected_rows: Rows lost in broken lines.
        columns: Number of columns by meaning.
        notes: What else must be said; never a value.
    """

    path: str
    format: str
    encoding: str | None
    rows: int
    rejected_rows: int
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableKey:
    """Names a table: a file, and a section of it."""

    path: str
    section: int


@dataclass(slots=True)
class Survey:
    """One passage through a dump.

    Attributes:
        limits: What the dump may cost.
        sizer: Counts on the way.
        files: Reports of the files read so far.
        progress: Called with the number of bytes read so far and the file at hand.
        skip: Files to leave out, such as the claim's own description.
    """

    limits: Limits
    sizer: Sizer
    files: list[FileReport] = field(default_factory=list)
    progress: Callable[[int, str], None] | None = None
    skip: frozenset[Path] = frozenset()
    _meter: Meter = field(init=False)

    def __post_init__(self) -> None:
        self._meter = Meter(self.limits)

    @property
    def bytes_read(self) -> int:
        """Count the bytes read so far, unpacked."""
        return self._meter.expanded

    def tables(self, paths: list[Path]) -> Iterator[tuple[TableKey, KeyedRows]]:
        """Yield the rows of everything under `paths`, with their keys."""
        for item in walk(paths, self._meter, self.skip):
            if isinstance(item, Unread):
                self.files.append(FileReport(item.path, "unread", None, 0, 0, notes=(item.reason,)))
            else:
                yield from self._file(item)

    def _file(self, leaf: Leaf) -> Iterator[tuple[TableKey, KeyedRows]]:
        state = _FileState(leaf.path)
        try:
            state.reading = open_leaf(leaf.path, leaf.stream, self.limits)
            with ThreadPoolExecutor(_WORKERS) as pool:
                yield from self._batches(leaf, state, read_ahead(state.reading.batches), pool)
        except WalkLimitError:
            state.notes.append("reading stopped here: a limit of the whole was reached")
            self.files.append(state.report())
            raise
        except LimitError as error:
            state.notes.append(f"stopped: {error}")
        except MemoryError:
            state.notes.append("stopped: asks for too much memory")
        except (*DAMAGE, pl.exceptions.PolarsError) as error:
            reason = str(error) if type(error) is ValueError else type(error).__name__
            state.notes.append(f"damaged after row {state.rows + state.rejected}: {reason}")
        self.files.append(state.report())

    def _batches(
        self, leaf: Leaf, state: _FileState, batches: Iterator[Batch], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[TableKey, KeyedRows]]:
        """Read on while earlier batches are worked out; give them back in their order."""
        waiting: deque[tuple[TableKey, Future[Prepared]]] = deque()
        damage: Exception | None = None
        while True:
            try:
                batch = next(batches, None)
            except Exception as error:  # noqa: BLE001 - raised again below, after what was read before it has counted
                damage = error
                break
            if batch is None:
                break
            if self.progress is not None:
                self.progress(self._meter.expanded, leaf.path)
            batch = with_display_names(batch)
            recognised = state.recognise(batch)
            state.tell(batch, recognised)
            if recognised is None:
                state.notes.append("holds nothing by which a person can be found")
                continue
            state.rows += batch.frame.height
            state.rejected += batch.rejected
            waiting.append((TableKey(leaf.path, batch.section), pool.submit(self.sizer.prepare, batch, recognised)))
            while len(waiting) > _WORKERS:
                yield from self._next(waiting)
        while waiting:
            yield from self._next(waiting)
        if damage is not None:
            raise damage

    def _next(self, waiting: deque[tuple[TableKey, Future[Prepared]]]) -> Iterator[tuple[TableKey, KeyedRows]]:
        key, work = waiting.popleft()
        for keyed in self.sizer.take(work.result()):
            yield key, keyed


@dataclass(slots=True)
class _FileState:
    """What is known of a file while it is read."""

    path: str
    reading: Reading | None = None
    rows: int = 0
    rejected: int = 0
    notes: list[str] = field(default_factory=list)
    meanings: dict[tuple[str, ...], Recognised] = field(default_factory=dict)

    def recognise(self, batch: Batch) -> Recognised | None:
        """Return the meaning of the columns; None for a document that is no table of people."""
        columns = batch.columns
        found = self.meanings.get(columns)
        if found is None and batch.frame.height:
            found = recognise(batch.frame)
            if not found.is_personal and not self.rows and batch.frame.height <= _DOCUMENT_ROWS and not batch.broken:
                return None
            self.meanings[columns] = found
        return found or Recognised(dict.fromkeys(columns, Concept.OTHER))

    def tell(self, batch: Batch, recognised: Recognised | None) -> None:
        """Tell the reader which columns sizing looks at; the others are parsed when somebody asks for them."""
        if self.reading is not None and recognised is not None and batch.frame.height:
            columns = recognised.columns(Concept.EMAIL, Concept.PHONE, Concept.COUNTRY)
            self.reading.wanted.columns = frozenset(columns) if columns else None

    def report(self) -> FileReport:
        """Say what was read."""
        meanings: dict[str, None] = {}
        for found in self.meanings.values():
            meanings.update(dict.fromkeys(concept.value for concept in found.by_column.values()))
        form = self.reading.format if self.reading else "unread"
        encoding = self.reading.encoding if self.reading else None
        notes = (self.reading.notes if self.reading else []) + self.notes
        return FileReport(self.path, form, encoding, self.rows, self.rejected, tuple(meanings), tuple(notes))
