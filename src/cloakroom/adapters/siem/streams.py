"""JSON lines to a file or to standard output."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from cloakroom.adapters.siem.message import DEFAULT_LIMITS, Limits, Message
from cloakroom.errors import UsageError


class FileSink:
    """Appends lines to a file that somebody else may rotate at any time.

    A batch is written in one piece at the end of the file. Before each batch the name is looked up anew, so that a
    renamed file is left and a new one begun; a file cut to nothing is simply appended to. A last line without its
    end, which a crash or a full disk leaves, is cut off before anything is added: its event comes again, whole.
    """

    recoverable = True
    overlap = 0

    def __init__(self, path: Path, *, fsync: bool = True, limits: Limits = DEFAULT_LIMITS) -> None:
        """Name the file; it is opened at the first batch.

        Args:
            path: The file; made with mode 0640 where it is missing. Its folder must exist.
            fsync: Whether a batch is on the disk when `send` returns, or only in the machine's memory.
            limits: Bounds.
        """
        self.address = f"file:{path.absolute()}"
        self._path = path
        self._fsync = fsync
        self._limits = limits
        self._file: int | None = None

    def send(self, messages: Sequence[Message]) -> None:
        """See `Sink.send`.

        Raises:
            UsageError: The name is that of something else than a file.
        """
        file = self._current()
        rest = memoryview(b"".join([part for message in messages for part in (message.line, b"\n")]))
        try:
            while rest:
                rest = rest[os.write(file, rest) :]
            if self._fsync:
                os.fsync(file)
        except OSError:
            self.close()  # opened anew, where the torn line is cut off
            raise

    def close(self) -> None:
        """See `Sink.close`."""
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)

    def _current(self) -> int:
        if self._file is not None:
            held = os.fstat(self._file)
            try:
                named = self._path.stat()
            except FileNotFoundError:
                self.close()
            else:
                if (named.st_dev, named.st_ino) != (held.st_dev, held.st_ino):
                    self.close()
        if self._file is None:
            self._file = self._open()
        return self._file

    def _open(self) -> int:
        new = not self._path.exists()
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o640)
        try:
            self._mend(file)
            if new and self._fsync:
                _flush_folder(self._path.absolute().parent)
        except BaseException:
            os.close(file)
            raise
        return file

    def _mend(self, file: int) -> None:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise UsageError(f"{self._path} is no ordinary file")
        size = os.fstat(file).st_size
        start = max(0, size - self._limits.torn_bytes)
        tail = os.pread(file, size - start, start)
        if not tail or tail.endswith(b"\n"):
            return
        end = tail.rfind(b"\n") + 1
        if end or start == 0:
            os.ftruncate(file, start + end)
        else:
            os.write(file, b"\n")  # nothing of ours has lines this long; leave it, on a line of its own


class OutputSink:
    """Writes lines to standard output."""

    address = "stdout"
    recoverable = False
    overlap = 0

    def __init__(self, output: BinaryIO) -> None:
        """Take the stream."""
        self._output = output

    def send(self, messages: Sequence[Message]) -> None:
        """See `Sink.send`."""
        self._output.write(b"".join([part for message in messages for part in (message.line, b"\n")]))
        self._output.flush()

    def close(self) -> None:
        """See `Sink.close`."""


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
