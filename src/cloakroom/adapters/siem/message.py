"""Messages to sinks, and the interface of a sink."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what goes out.

    Attributes:
        datagram_bytes: Largest UDP datagram: what IPv4 carries (65,535 less both headers).
        unix_datagram_bytes: Largest datagram to a local socket; below Linux's usual send buffer.
        torn_bytes: How far back the beginning of a torn last line is looked for in a file.
        unread_messages: How many messages the receiving machine may hold for a program that does not read them: Linux
            buffers up to 6 MiB for a connection (tcp_rmem), and hardly an event is smaller than 1 kB.
        answer_s: How long a receiver may take to accept a connection or to take a message.
    """

    datagram_bytes: int = 65_507
    unix_datagram_bytes: int = 131_072
    torn_bytes: int = 1_048_576
    unread_messages: int = 10_000
    answer_s: float = 10.0


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Message:
    """One event.

    Attributes:
        index: Index of its entry in the log.
        at: When, in microseconds since the epoch.
        severity_id: OCSF severity, 1 to 5.
        name: What it is about: the entry's operation.
        line: The event as JSON in ASCII, without an end of line.
        short: The same without its long parts.
    """

    index: int
    at: int
    severity_id: int
    name: str
    line: bytes
    short: bytes


class Sink(Protocol):
    """Takes messages. After an error it may be used again: it connects or opens anew by itself."""

    address: str
    """Its address in the one spelling that names it."""

    recoverable: bool
    """Whether it makes sense to try again after an error."""

    overlap: int
    """How many messages sent before an error are to be sent again: those that may have been lost unseen."""

    def send(self, messages: Sequence[Message]) -> None:
        """Send a batch in order; on return it is out of this process's hands.

        Raises:
            OSError: It could not be sent; any beginning of the batch may have arrived.
        """
        ...

    def close(self) -> None:
        """Let go of the receiver."""
        ...
