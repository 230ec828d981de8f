"""Streams whose bytes are counted against the limits, and whose errors are those of `claims.sources`."""

from __future__ import annotations

import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from cloakroom.adapters import decompression
from cloakroom.claims.limits import Limits
from cloakroom.claims.sources import DamagedError, Readable, SourceLimitError
from cloakroom.errors import LimitError

DAMAGE = (
    *decompression.DAMAGE,
    OSError,
    tarfile.TarError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
)
"""What libraries raise over the bytes of a damaged file."""
_PIECE_BYTES, _FIRST_BYTES, _STEP_SHIFT = 8 << 20, 512, 3


@dataclass(slots=True)
class ReadCounter:
    """A counter of what was read of a dump, against its limits.

    Attributes:
        limits: What a dump may cost.
        clock: Gives seconds that only go forward.
        bytes_read: Bytes that came out of files so far, unpacked.
        files: Files so far.
    """

    limits: Limits
    clock: Callable[[], float] = time.monotonic
    bytes_read: int = 0
    files: int = 0
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    def add_file(self) -> None:
        """Count one more file.

        Raises:
            SourceLimitError: There are more than allowed.
        """
        self.files += 1
        if self.files > self.limits.members:
            raise SourceLimitError(f"more than {self.limits.members} files")

    def add_bytes(self, size: int) -> None:
        """Count bytes that came out of a file.

        Raises:
            SourceLimitError: There are more than allowed, or reading them took too long.
        """
        self.bytes_read += size
        if self.bytes_read > self.limits.expanded_bytes:
            raise SourceLimitError(f"more than {self.limits.expanded_bytes} bytes in all")
        if self.clock() - self._started > self.limits.seconds:
            raise SourceLimitError(f"reading took more than {self.limits.seconds:.0f} seconds")


class CountedStream:
    """A stream whose first bytes can be looked at, and whose bytes are counted.

    It is asked for little at first, and never for more than an eighth of what it gave: libraries drop what they were
    about to give when they meet damage, and so little is lost with it.

    Args:
        raw: Where the bytes come from.
        counter: Counts them.
        packed: Gives how many bytes they took when packed, so far or in all; None for those that were not packed.
    """

    def __init__(self, raw: Readable, counter: ReadCounter, *, packed: Callable[[], int] | None = None) -> None:
        self._raw = raw
        self._counter = counter
        self._packed = packed
        self._head = b""
        self._read = 0
        self._damage: DamagedError | None = None

    def peek(self, size: int = decompression.HEAD_BYTES, /) -> bytes:
        """Return the next bytes without taking them; fewer only at the end or before damage.

        Raises:
            DamagedError: There is not even one.
        """
        while len(self._head) < size:
            piece = self._take_before_damage(self._step(size - len(self._head)), is_first=not self._head)
            if not piece:
                break
            self._head += piece
        return self._head[:size]

    def read(self, size: int = -1, /) -> bytes:
        """Return exactly `size` bytes, fewer only at the end or before damage; all of them for -1.

        Raises:
            DamagedError: The bytes cannot be had: none of `size`, or not all of them for -1.
            LimitError: One compressed byte became too many, or the limits of the whole are reached.
        """
        parts = []
        wanted = size if size >= 0 else 1 << 62
        if self._head:
            parts.append(self._head[:wanted])
            self._head = self._head[wanted:]
            wanted -= len(parts[0])
        while wanted > 0:
            piece = self._take_before_damage(self._step(wanted), is_first=size < 0 or not parts)
            if not piece:
                break
            parts.append(piece)
            wanted -= len(piece)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _step(self, wanted: int) -> int:
        return min(wanted, _PIECE_BYTES, max(_FIRST_BYTES, self._read >> _STEP_SHIFT))

    def _take_before_damage(self, size: int, *, is_first: bool) -> bytes:
        """Return bytes; nothing where damage follows on bytes that the caller has, to be raised the next time."""
        try:
            return self._take(size)
        except DamagedError:
            if is_first:
                raise
            return b""

    def _take(self, size: int) -> bytes:
        if self._damage is not None:
            raise self._damage
        try:
            piece = self._raw.read(size)
        except (*DAMAGE, DamagedError) as error:
            self._damage = error if isinstance(error, DamagedError) else damaged(error)
            raise self._damage from error
        self._read += len(piece)
        self._counter.add_bytes(len(piece))
        limits = self._counter.limits
        if self._packed is not None and self._read > limits.ratio_free_bytes:
            packed = max(self._packed(), 1)
            if self._read > packed * limits.ratio:
                raise LimitError(f"decompresses to more than {limits.ratio} times its size")
        return piece


def damaged(error: Exception) -> DamagedError:
    """Return what is told of an error over a file's bytes: our own words, or the kind of a library's error."""
    if isinstance(error, EOFError):
        return DamagedError("cut off, its end is missing")
    if isinstance(error, zlib.error):
        return DamagedError("its compressed data is damaged")
    return DamagedError(str(error) if type(error) is ValueError else type(error).__name__)


class PackedBytes:
    """A stream that counts the compressed bytes that a decompressor has taken."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        piece = self._stream.read(size)
        self.count += len(piece)
        return piece
