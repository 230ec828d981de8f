"""A log as static files: what any web server or memory stick can hold, and foreign tools can verify.

What is written is durable when `write` or `publish` returns: each file goes to a temporary name, is flushed to the
disk, takes its name in one step, and the directory is flushed as well. The checkpoint goes last, so that whoever
reads while this writes never sees a head without what it stands for. A crash leaves at most one file under a
temporary name, which nobody lists and the next write of that file replaces.

A tile or a bundle, of entries or of record sets, never changes: writing the same again does nothing, writing
something else under its name is refused. Only the checkpoint is replaced.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from cloakroom.errors import LimitError, TamperedError, UncheckableError, UsageError
from cloakroom.ledger.export_files import CHECKPOINT_PATH, set_bundle_path, tile_of
from cloakroom.tlog.limits import DEFAULT_LIMITS, Limits
from cloakroom.tlog.tiles import ENTRIES, Tile, edge_tiles, size_limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TEMPORARY = ".cloakroom-unfinished"


class TileDirectory:
    """The static files of one log under one directory.

    One writer at a time; any number of readers.
    """

    def __init__(self, root: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        self._root = root
        self._limits = limits

    def publish(self, files: Mapping[str, bytes], checkpoint: bytes) -> None:
        """Write tiles and bundles, then the checkpoint that covers them; durable on return.

        Raises:
            TamperedError: One of them is there with another content.
            UsageError: A path leads out of the directory.
        """
        self.write(files)
        self._replace(CHECKPOINT_PATH, checkpoint)
        self._flush_directories({self._root})

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files that never change again; durable on return.

        Raises:
            TamperedError: One of them is there with another content; those before it have been written.
            UsageError: A path leads out of the directory, or is the checkpoint's.
        """
        touched: set[Path] = set()
        for path, content in files.items():
            if path == CHECKPOINT_PATH:
                raise UsageError("the checkpoint is published, not written")
            if not self._is_present(path, content):
                touched |= self._replace(path, content)
            # Also where the file was there: the flush of an interrupted earlier run may never have happened.
            touched |= self._folders_of(path)
        self._flush_directories(touched)

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        """Return the content of a file, or None where there is none.

        Raises:
            LimitError: It is longer than `limit_bytes`.
            UncheckableError: It cannot be read, or is a link or no regular file.
            UsageError: The path leads out of the directory.
        """
        try:
            # Not blocking, so that a pipe in place of a file cannot hold us.
            descriptor = os.open(self._locate(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UncheckableError(f"cannot be read: {error.strerror}") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise UncheckableError("is no regular file")
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(limit_bytes + 1)
        if len(data) > limit_bytes:
            raise LimitError(f"is longer than {limit_bytes} bytes")
        return data

    def read_checkpoint(self) -> bytes | None:
        """Return the published checkpoint, or None before the first.

        Raises:
            LimitError: It is longer than any.
        """
        return self.read(CHECKPOINT_PATH, self._limits.note_bytes)

    def read_tiles(self, tiles: Sequence[Tile]) -> list[bytes]:
        """Return the content of each tile or of its full version, in order.

        Raises:
            UncheckableError: Neither is there.
            LimitError: A file is longer than any tile.
        """
        return [self._read_tile(tile) for tile in tiles]

    def paths(self) -> Iterator[str]:
        """Return the path of everything that is there but directories."""
        for folder, folders, names in os.walk(self._root):
            here = Path(folder)
            links = [name for name in folders if (here / name).is_symlink()]
            for name in (*names, *links):
                if not name.endswith(_TEMPORARY):
                    yield (here / name).relative_to(self._root).as_posix()

    def remove_superseded(self, size: int) -> int:
        """Remove partial files that a wider one has replaced; return their number.

        C2SP tlog-tiles allows it once the full tile is there. Here a wider partial one is enough, so that an export
        holds the files of its checkpoint and no others; a served log should keep them for a while.

        Args:
            size: Size of the published tree.
        """
        edge = edge_tiles(size)
        keep = {tile.path for tile in edge} | {set_bundle_path(tile) for tile in edge if tile.level == ENTRIES}
        removed = 0
        for path in list(self.paths()):
            tile = tile_of(path)
            if tile is not None and tile.is_partial and tile.span[1] <= size and path not in keep:
                (self._root / path).unlink()
                removed += 1
        return removed

    def _read_tile(self, tile: Tile) -> bytes:
        for candidate in dict.fromkeys((tile, Tile(tile.level, tile.index))):
            data = self.read(candidate.path, size_limit(tile, self._limits))
            if data is not None:
                return data
        raise UncheckableError(f"{tile.path} is missing")

    def _is_present(self, path: str, content: bytes) -> bool:
        try:
            present = self.read(path, len(content))
        except LimitError:
            raise TamperedError(f"{path} is there with another content") from None
        if present is not None and present != content:
            raise TamperedError(f"{path} is there with another content")
        return present is not None

    def _folders_of(self, path: str) -> set[Path]:
        target = self._locate(path)
        return {folder for folder in target.parents if folder.is_relative_to(self._root)}

    def _locate(self, path: str) -> Path:
        parts = path.split("/")
        if any(part in {"", ".", ".."} or "\0" in part for part in parts):
            raise UsageError("a path of the log stays below its directory")
        return self._root.joinpath(*parts)

    def _replace(self, path: str, content: bytes) -> set[Path]:
        """Put `content` under `path` in one step; return the directories that must be flushed to make that last."""
        target = self._locate(path)
        touched = self._make_directories(target.parent)
        unfinished = target.with_name(target.name + _TEMPORARY)
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
        return touched | {target.parent}

    def _make_directories(self, folder: Path) -> set[Path]:
        """Make `folder` and those above it; return the directories that hold a new name."""
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for new in reversed(missing):
            new.mkdir(exist_ok=True)
        return {new.parent for new in missing}

    @staticmethod
    def _flush_directories(folders: set[Path]) -> None:
        for folder in folders:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
