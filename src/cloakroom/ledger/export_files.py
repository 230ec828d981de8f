"""Files of an export of the ledger: their names, how they are read, and how much is accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from cloakroom.errors import LimitError, UncheckableError, UnverifiedError
from cloakroom.tlog import Tile
from cloakroom.tlog.audit import FileReader, Finding
from cloakroom.tlog.limits import DEFAULT_LIMITS
from cloakroom.tlog.limits import Limits as LogLimits

CHECKPOINT_PATH = "checkpoint"
_SETS, _ENTRIES = "sets/", "tile/entries/"


@dataclass(frozen=True, slots=True)
class VerificationLimits:
    """Limits on what is accepted from an export.

    Attributes:
        log: Bounds on the log's own files.
        set_bundle_bytes: Longest set bundle; 256 sets of each of 2^24 records are 512 MiB.
        findings: After so many the rest is counted only.
    """

    log: LogLimits = DEFAULT_LIMITS
    set_bundle_bytes: int = 2**30
    findings: int = 1000


class ExportReader(FileReader, Protocol):
    """An export as files."""

    def paths(self) -> Iterable[str]:
        """Return the path of everything that is there, whatever it is, in any order."""
        ...


def set_bundle_path(bundle: Tile) -> str:
    """Return the path of the sealed sets beside an entry bundle, such as ``sets/x001/234.p/17``."""
    return _SETS + bundle.path.removeprefix(_ENTRIES)


def tile_of(path: str) -> Tile | None:
    """Return the tile at `path`, of a set bundle the entry bundle that it lies beside; None for anything else."""
    try:
        return Tile.parse(_ENTRIES + path.removeprefix(_SETS) if path.startswith(_SETS) else path)
    except UncheckableError:
        return None


def read_or_report(
    reader: FileReader,
    path: str,
    limit_bytes: int,
    on_finding: Callable[[Finding], None],
    entries: tuple[int, int] | None = None,
) -> bytes | None:
    """Return a file's bytes; None, and a finding, for one that is missing, too long or unreadable.

    Args:
        reader: The files.
        path: Which one.
        limit_bytes: How long it may be.
        on_finding: Takes the finding.
        entries: The entries that the file is about, as first and last, for the finding.
    """
    try:
        data = reader.read(path, limit_bytes)
    except (UnverifiedError, LimitError) as error:
        on_finding(Finding(path, str(error), isinstance(error, LimitError), entries))
        return None
    if data is None:
        on_finding(Finding(path, "is missing", is_tampered=False, entries=entries))
    return data
