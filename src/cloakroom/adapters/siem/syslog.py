"""Events as syslog messages (RFC 5424) over TCP, UDP or a local socket.

TCP: each message after its length in octets (RFC 6587 §3.4.1). UDP: one datagram each (RFC 5426). A local socket is
used as it is: datagrams where it takes them, else a stream with lengths. Syslog has no acknowledgement. Over TCP
`send` returns when the receiver's machine has confirmed every byte; what its program had not read when it died is
sent again after the connection breaks, as far as `overlap` reaches. UDP promises nothing.
"""

from __future__ import annotations

import errno
import fcntl
import select
import socket
import struct
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cloakroom.adapters.siem.message import DEFAULT_LIMITS, Limits, Message
from cloakroom.clock import format_time, from_microseconds

FACILITY = 13
"""Log audit (RFC 5424 table 1)."""

SEVERITIES = {1: 6, 2: 5, 3: 4, 4: 3, 5: 2}
"""Syslog severity by OCSF severity: informational, notice, warning, error, critical."""

_SEQUENCE_END = 2_147_483_647
_LOOK_S = 0.002


class Transport(StrEnum):
    """The transport of messages."""

    TCP = "tcp"
    UDP = "udp"
    UNIX = "unix"


@dataclass(frozen=True, slots=True)
class Receiver:
    """The address of a receiver: host and port, or the path of a local socket."""

    transport: Transport
    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        """Render as an address."""
        if self.transport is Transport.UNIX:
            return f"syslog+unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"syslog+{self.transport}://{host}:{self.port}"


def frame(message: Message, hostname: str, *, short: bool = False) -> bytes:
    """Return `message` as one RFC 5424 message; the text is ASCII, so that it needs no byte order mark."""
    priority = FACILITY * 8 + SEVERITIES[message.severity_id]
    at = format_time(from_microseconds(message.at))
    sequence = message.index % _SEQUENCE_END + 1
    head = f'<{priority}>1 {at} {hostname} cloakroom - {message.name} [meta sequenceId="{sequence}"] '
    return head.encode("ascii") + (message.short if short else message.line)


class SyslogSink:
    """Sends to one receiver; connects when there is something to send."""

    recoverable = True

    def __init__(self, receiver: Receiver, *, hostname: str, limits: Limits = DEFAULT_LIMITS) -> None:
        """Name the receiver.

        Args:
            receiver: Where it listens.
            hostname: This machine's name in messages; what syslog does not allow there is left out.
            limits: Bounds.
        """
        self.address = str(receiver)
        self.overlap = 0 if receiver.transport is Transport.UNIX else limits.unread_messages
        self._receiver = receiver
        self._hostname = "".join(c for c in hostname if 33 <= ord(c) <= 126)[:255] or "-"
        self._limits = limits
        self._socket: socket.socket | None = None

    def send(self, messages: Sequence[Message]) -> None:
        """See `Sink.send`."""
        try:
            line = self._connected()
            if line.type == socket.SOCK_DGRAM:
                self._send_datagrams(line, messages)
            else:
                self._send_stream(line, messages)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """See `Sink.close`."""
        if self._socket is not None:
            line, self._socket = self._socket, None
            line.close()

    def _connected(self) -> socket.socket:
        if self._socket is not None and self._socket.type == socket.SOCK_STREAM and _is_closed(self._socket):
            raise ConnectionResetError(errno.ECONNRESET, "the receiver closed the connection")
        if self._socket is None:
            self._socket = self._connect()
        return self._socket

    def _connect(self) -> socket.socket:
        receiver = self._receiver
        if receiver.transport is Transport.TCP:
            line = socket.create_connection((receiver.host, receiver.port), self._limits.answer_s)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return line
        if receiver.transport is Transport.UDP:
            family, kind, protocol, _, place = socket.getaddrinfo(
                receiver.host, receiver.port, type=socket.SOCK_DGRAM
            )[0]
            return self._opened(socket.socket(family, kind, protocol), place)
        try:
            return self._opened(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), receiver.path)
        except OSError as error:
            if error.errno != errno.EPROTOTYPE:
                raise
        return self._opened(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), receiver.path)

    def _opened(self, line: socket.socket, place: object) -> socket.socket:
        line.settimeout(self._limits.answer_s)
        try:
            line.connect(place)  # type: ignore[arg-type]  # a path or what getaddrinfo gave
        except BaseException:
            line.close()
            raise
        return line

    def _send_datagrams(self, line: socket.socket, messages: Sequence[Message]) -> None:
        local = self._receiver.transport is Transport.UNIX
        largest = self._limits.unix_datagram_bytes if local else self._limits.datagram_bytes
        for message in messages:
            datagram = frame(message, self._hostname)
            if len(datagram) > largest:
                datagram = frame(message, self._hostname, short=True)
            line.send(datagram)

    def _send_stream(self, line: socket.socket, messages: Sequence[Message]) -> None:
        framed = [frame(message, self._hostname) for message in messages]
        line.sendall(b"".join([part for text in framed for part in (b"%d " % len(text), text)]))
        deadline = time.monotonic() + self._limits.answer_s
        while not _is_closed(line):
            if not _unconfirmed_bytes(line):
                return
            if time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, "the receiver does not take what it is sent")
            time.sleep(_LOOK_S)
        raise ConnectionResetError(errno.ECONNRESET, "the receiver closed the connection")


def _is_closed(line: socket.socket) -> bool:
    """Answer whether the other side has hung up; a receiver of syslog never says anything else."""
    readable, _, _ = select.select([line], [], [], 0)
    return bool(readable) and not line.recv(4096)


def _unconfirmed_bytes(line: socket.socket) -> int:
    """Return how many sent bytes the other machine has not confirmed (Linux SIOCOUTQ)."""
    return int(struct.unpack("i", fcntl.ioctl(line, termios.TIOCOUTQ, b"\0\0\0\0"))[0])
