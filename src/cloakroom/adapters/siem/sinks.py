"""Where events go: a file, standard output, or a syslog daemon (RFC 5424)."""

from __future__ import annotations

import os
import socket
import sys
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from cloakroom.errors import UsageError

_FACILITY = 13  # log audit
_SEVERITIES = {1: 6, 2: 5, 3: 4, 4: 3, 5: 2}


class Sink(Protocol):
    """Takes events."""

    def write(self, line: bytes, severity: int, at: datetime) -> None:
        """Take one event as a JSON line; `severity` is OCSF's."""
        ...

    def flush(self) -> None:
        """Make sure that what was written is out of our hands."""
        ...

    def close(self) -> None:
        """End."""
        ...


def open_sink(uri: str) -> Sink:
    """Return the sink that a URI names.

    Args:
        uri: ``stdout``, ``file:PATH``, ``syslog:PATH`` of a Unix socket, ``syslog+udp://HOST:PORT`` or
            ``syslog+tcp://HOST:PORT``.

    Raises:
        UsageError: It names none.
    """
    if uri == "stdout":
        return _Lines(os.dup(sys.stdout.fileno()), sync=False)
    scheme, _, rest = uri.partition(":")
    if scheme == "file" and rest:
        return _Lines(os.open(Path(rest), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), sync=True)
    if scheme == "syslog" and rest:
        return _Syslog(_unix(rest), framed=False)
    parts = urlsplit(uri)
    if parts.scheme in {"syslog+udp", "syslog+tcp"} and parts.hostname:
        kind = socket.SOCK_DGRAM if parts.scheme.endswith("udp") else socket.SOCK_STREAM
        default = 514 if kind is socket.SOCK_DGRAM else 601
        return _Syslog(_internet(parts.hostname, parts.port or default, kind), framed=kind is socket.SOCK_STREAM)
    raise UsageError("a feed goes to stdout, file:PATH, syslog:PATH, syslog+udp://HOST or syslog+tcp://HOST")


class _Lines:
    def __init__(self, handle: int, *, sync: bool) -> None:
        self._file = os.fdopen(handle, "wb")
        self._sync = sync

    def write(self, line: bytes, severity: int, at: datetime) -> None:
        self._file.write(line + b"\n")

    def flush(self) -> None:
        self._file.flush()
        if self._sync:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


class _Syslog:
    def __init__(self, connection: socket.socket, *, framed: bool) -> None:
        self._socket = connection
        self._framed = framed
        self._host = socket.gethostname()

    def write(self, line: bytes, severity: int, at: datetime) -> None:
        priority = _FACILITY * 8 + _SEVERITIES.get(severity, 6)
        stamp = at.isoformat().replace("+00:00", "Z")
        message = f"<{priority}>1 {stamp} {self._host} cloakroom {os.getpid()} entry - ".encode() + line
        # Over a stream each message is preceded by its length (RFC 6587, octet counting).
        self._socket.sendall(b"%d %b" % (len(message), message) if self._framed else message)

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        self._socket.close()


def _unix(path: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.connect(path)
    return made


def _internet(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
    made = socket.socket(family, kind)
    made.connect(address)
    return made
