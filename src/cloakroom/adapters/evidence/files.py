"""The files and folders of a dump on disk, as `claims.sources.DumpSource` asks for them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from cloakroom.adapters.evidence.containers import Containers, shown_name
from cloakroom.adapters.evidence.counted import CountedStream, ReadCounter
from cloakroom.adapters.evidence.parts import PartSet, gathered, siblings
from cloakroom.claims.limits import Limits
from cloakroom.claims.report import Evidence
from cloakroom.claims.sources import PlainFile, SourceLimitError, UnreadFile
from cloakroom.errors import UsageError

_HASHED_BYTES = 1 << 22


class DumpFiles:
    """A dump that lies on disk; files that were cut into parts are joined.

    Args:
        paths: Files and folders; other parts of a file given, in the same folder, count as given with it.
        limits: What it may cost.
        skip: Resolved paths to leave out, such as the claim's own description.
    """

    def __init__(
        self, paths: Sequence[Path], limits: Limits | None = None, *, skip: frozenset[Path] = frozenset()
    ) -> None:
        self._paths = paths
        self._skip = skip
        self._counter = ReadCounter(limits or Limits())

    @property
    def bytes_read(self) -> int:
        """Return the number of bytes read so far, unpacked."""
        return self._counter.bytes_read

    def files(self) -> Iterator[PlainFile | UnreadFile]:
        """Yield every plain file, folders and containers opened, in a stable order; links are not followed.

        Raises:
            UsageError: A path does not exist.
        """
        containers = Containers(self._counter)
        shown = {file: shown_name(str(file.relative_to(path.parent))) for path, file in self._on_disk()}
        try:
            for file, item in gathered(list(shown)):
                if isinstance(item, PartSet):
                    yield from self._joined(shown[file], item, containers)
                elif file.is_symlink() or not file.is_file():
                    yield UnreadFile(shown[file], "a link" if file.is_symlink() else "not a regular file")
                else:
                    with file.open("rb") as raw:
                        yield from containers.open(shown[file], CountedStream(raw, self._counter), raw)
        except SourceLimitError as error:
            yield UnreadFile("(the rest)", f"stopped: {error}")

    def _joined(self, shown: str, parts: PartSet, containers: Containers) -> Iterator[PlainFile | UnreadFile]:
        """Yield what is in a file that was cut into parts, and what is missing of it."""
        name = shown_name(str(Path(shown).with_name(Path(parts.name).name)))
        if parts.paths:
            with parts.opened() as raw:
                yield from containers.open(name, CountedStream(raw, self._counter), raw)
        if parts.problem is not None:
            yield UnreadFile(name, parts.problem)

    def evidence(self) -> list[Evidence]:
        """Return every regular file as it was given, with its digest.

        Raises:
            UsageError: A path does not exist.
        """
        return [
            Evidence(str(file.relative_to(path.parent)), file.stat().st_size, _sha256(file))
            for path, file in self._on_disk()
            if file.is_file() and not file.is_symlink()
        ]

    def _on_disk(self) -> Iterator[tuple[Path, Path]]:
        """Yield each path given with each file under it."""
        missing = [path for path in self._paths if not path.exists()]
        if missing:
            raise UsageError("no such file: " + ", ".join(str(path) for path in missing))
        seen: set[Path] = set()
        for path in self._paths:
            for file in sorted(_files_under(path)) if path.is_dir() else siblings(path):
                if file.resolve() not in self._skip and file not in seen:
                    seen.add(file)
                    yield path, file


def _files_under(path: Path) -> Iterator[Path]:
    if path.is_dir() and not path.is_symlink():
        for child in path.iterdir():
            yield from _files_under(child)
    else:
        yield path


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(_HASHED_BYTES):
            digest.update(piece)
    return digest.hexdigest()
