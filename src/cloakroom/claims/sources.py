"""Ports through which a dump is read: where its bytes come from, and who works beside the reader.

`claims` opens no file and starts no thread. A `DumpSource` gives the plain files of a dump one after the other,
whatever they were packed in; a `Workers` does some of the work ahead. Both promise the same result as doing one thing
after the other, which is what `InTurn` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cloakroom.errors import CloakroomError, LimitError

T = TypeVar("T")


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, empty at the end.

        Raises:
            DamagedError: The bytes cannot be had; those before were given.
            LimitError: There are more of them than allowed.
        """
        ...


class Peekable(Readable, Protocol):
    """A stream that can be looked at before it is read."""

    def peek(self, size: int, /) -> bytes:
        """Return the next bytes without taking them; fewer only at the end."""
        ...


@dataclass(frozen=True, slots=True)
class PlainFile:
    """A file that is no container.

    Attributes:
        path: Name for people: the path, then ``!`` and the member's name for each container around it.
        stream: Its bytes; valid only until the next file is asked for.
    """

    path: str
    stream: Peekable


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """Something that could not be read, and why; never its content."""

    path: str
    reason: str


class DamagedError(CloakroomError):
    """A file ends too early or is not what it says it is; the message never holds any of its content."""


class NotReadError(CloakroomError):
    """A file that is encrypted, or of a form that is not read; the message names it and nothing of its content."""


class SourceLimitError(LimitError):
    """A limit of the whole dump was reached: no file gives anything any longer."""


class DumpSource(Protocol):
    """A dump, wherever it lies."""

    @property
    def bytes_read(self) -> int:
        """Return the number of bytes read so far, unpacked."""
        ...

    def files(self) -> Iterator[PlainFile | UnreadFile]:
        """Yield every file, those inside containers included, in a stable order.

        Raises:
            UsageError: There is no such dump.
        """
        ...


class Workers(Protocol):
    """Workers on what comes next, while the caller works on what came before."""

    def ahead(self, items: Iterator[T]) -> Iterator[T]:
        """Yield the same items, none of which may be None, in their order.

        An error comes where the item would have come. When the iteration ends, in whatever way, nothing is taken
        from `items` any longer.
        """
        ...

    def results(self, tasks: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Yield what tasks give, in their order, whichever is done first.

        An error in a task, or in the iterable of tasks, comes after the results of all tasks before it. When the
        iteration ends, in whatever way, no task is running any longer.
        """
        ...


class InTurn:
    """The `Workers` that do one thing after the other."""

    def ahead(self, items: Iterator[T]) -> Iterator[T]:
        """Yield the same items."""
        return items

    def results(self, tasks: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Yield what tasks give."""
        return (task() for task in tasks)
