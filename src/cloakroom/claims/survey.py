"""Goes through everything once: opens, reads, recognises, sizes, and hands the keyed rows on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import polars as pl

from cloakroom.claims.concepts import Concept, Recognised, recognise
from cloakroom.claims.limits import Limits
from cloakroom.claims.readers.choose import open_file
from cloakroom.claims.readers.display_names import with_display_names
from cloakroom.claims.readers.nested_cells import with_nested_cells
from cloakroom.claims.sizing import KeyedRows, Prepared, Size, Sizer
from cloakroom.claims.sources import (
    DamagedError,
    DumpSource,
    NotReadError,
    PlainFile,
    SourceLimitError,
    UnreadFile,
    Workers,
)
from cloakroom.claims.tables import BROKEN_CONTENT, Batch, Reading
from cloakroom.errors import LimitError

UNREAD = "unread"
_DOCUMENT_ROWS = 5
_BESIDE = -1


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file: what it is and how much of it was read.

    Attributes:
        path: Where it lies, containers included.
        format: What it is, or `UNREAD`.
        encoding: Of its text, or None.
        rows: Whole rows.
        rejected_rows: Rows lost in broken lines.
        columns: Number of columns by meaning.
        notes: What else must be said; never a value.
        is_cut_short: Whether reading ended before the file did.
    """

    path: str
    format: str
    encoding: str | None
    rows: int
    rejected_rows: int
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_cut_short: bool = False

    @property
    def is_unread(self) -> bool:
        """Return whether nothing of the file could be read although there is something."""
        return self.format == UNREAD or (self.is_cut_short and not self.rows and not self.rejected_rows)


@dataclass(frozen=True, slots=True)
class TableKey:
    """The name of a table: a file, and a section of it."""

    path: str
    section: int


@dataclass(slots=True)
class Survey:
    """One passage through a dump.

    Attributes:
        source: The dump.
        sizer: Counts on the way.
        workers: Read and work ahead.
        limits: What the dump may cost.
        progress: Called with the number of bytes read so far and the file at hand.
        files: Reports of the files read so far.
    """

    source: DumpSource
    sizer: Sizer
    workers: Workers
    limits: Limits = field(default_factory=Limits)
    progress: Callable[[int, str], None] | None = None
    files: list[FileReport] = field(default_factory=list)

    def tables(self) -> Iterator[tuple[TableKey, KeyedRows]]:
        """Yield the rows of the whole dump, with their keys."""
        for item in self.source.files():
            if isinstance(item, UnreadFile):
                self.files.append(FileReport(item.path, UNREAD, None, 0, 0, notes=(item.reason,)))
            else:
                yield from self._file(item)

    def size(self) -> Size:
        """Return the counts so far."""
        return self.sizer.size(self.workers)

    def _file(self, file: PlainFile) -> Iterator[tuple[TableKey, KeyedRows]]:
        state = _FileState(file.path)
        try:
            state.reading = open_file(file, self.limits, self.workers, self.sizer.seed)
            tasks = self._tasks(state, self.workers.ahead(state.reading.batches))
            for key, prepared in self.workers.results(tasks):
                state.saw(prepared)
                for keyed in self.sizer.take(prepared):
                    yield key, keyed
            for keyed in self.sizer.take(self._unshown(state)):
                yield TableKey(state.path, _BESIDE), keyed
        except SourceLimitError:
            state.cut_short("reading stopped here: a limit of the whole was reached")
            self.files.append(state.report())
            raise
        except LimitError as error:
            state.cut_short(f"stopped: {error}")
        except NotReadError as error:
            state.cut_short(str(error))
        except MemoryError:
            state.cut_short("stopped: asks for too much memory")
        except (DamagedError, *BROKEN_CONTENT) as error:
            is_ours = type(error) in {ValueError, DamagedError}
            reason = str(error) if is_ours else type(error).__name__
            state.cut_short(f"damaged after row {state.rows + state.rejected}: {reason}")
        self.files.append(state.report())

    def _tasks(
        self, state: _FileState, batches: Iterator[Batch]
    ) -> Iterator[Callable[[], tuple[TableKey, Prepared]]]:
        """Yield what works out one batch after the other."""
        for batch in map(with_nested_cells, map(with_display_names, batches)):
            if self.progress is not None:
                self.progress(self.source.bytes_read, state.path)
            recognised = state.recognise(batch)
            state.tell(batch, recognised)
            if recognised is None:
                state.notes.append("holds nothing by which a person can be found")
                continue
            state.rows += batch.frame.height
            state.rejected += batch.rejected
            state.remarks += batch.remarks
            yield partial(self._prepared, TableKey(state.path, batch.section), batch, recognised)

    def _unshown(self, state: _FileState) -> Prepared:
        """Return the addresses of the file's text that no row and no broken line shows."""
        witness = state.reading.witness if state.reading is not None else None
        beside = witness.missing() if witness is not None else None
        prepared = self.sizer.prepare(Batch(pl.DataFrame(), beside=beside), Recognised({}))
        state.saw(prepared)
        return prepared

    def _prepared(self, key: TableKey, batch: Batch, recognised: Recognised) -> tuple[TableKey, Prepared]:
        return key, self.sizer.prepare(batch, recognised)


@dataclass(slots=True)
class _FileState:
    """The state of a file that is being read."""

    path: str
    reading: Reading | None = None
    rows: int = 0
    rejected: int = 0
    beside: int = 0
    remarks: int = 0
    is_cut_short: bool = False
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

    def saw(self, prepared: Prepared) -> None:
        """Take in which addresses were found."""
        for keyed in prepared.parts:
            if keyed.is_beside:
                self.beside += keyed.emails.height
            elif self.reading is not None and self.reading.witness is not None:
                self.reading.witness.known(keyed.emails["key"])

    def tell(self, batch: Batch, recognised: Recognised | None) -> None:
        """Tell the reader which columns sizing looks at; the others are parsed when somebody asks for them."""
        if self.reading is not None and recognised is not None and batch.frame.height:
            columns = recognised.columns(Concept.EMAIL, Concept.PHONE, Concept.COUNTRY)
            self.reading.wanted.columns = frozenset(columns) if columns else None

    def cut_short(self, note: str) -> None:
        """Say why reading ended before the file did."""
        self.notes.append(note)
        self.is_cut_short = True

    def report(self) -> FileReport:
        """Return the report of what was read."""
        meanings: dict[str, None] = {}
        for found in self.meanings.values():
            meanings.update(dict.fromkeys(concept.value for concept in found.by_column.values()))
        form = self.reading.format if self.reading else UNREAD
        encoding = self.reading.encoding if self.reading else None
        notes = (self.reading.notes if self.reading else []) + self.notes
        if self.remarks:
            beside = "titles, remarks, lists of something else"
            notes = [*notes, f"{self.remarks:,} lines or objects are no rows: {beside}"]
        if self.beside:
            notes = [*notes, f"{self.beside:,} addresses stand in its text, in no row that could be read"]
        return FileReport(
            self.path, form, encoding, self.rows, self.rejected, tuple(meanings), tuple(notes), self.is_cut_short
        )
