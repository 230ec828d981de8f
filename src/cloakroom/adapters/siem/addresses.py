"""Addresses of sinks, as people type them."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

from cloakroom.adapters.siem.message import Sink
from cloakroom.adapters.siem.streams import FileSink, OutputSink
from cloakroom.adapters.siem.syslog import Receiver, SyslogSink, Transport
from cloakroom.errors import UsageError

_SPELLINGS = "file:PATH, stdout, syslog://HOST:PORT, syslog+udp://HOST:PORT or syslog+unix:///PATH"
_SCHEMES = {
    "syslog": Transport.TCP,
    "syslog+tcp": Transport.TCP,
    "syslog+udp": Transport.UDP,
    "syslog+unix": Transport.UNIX,
}
_DEFAULT_PORTS = {Transport.TCP: 601, Transport.UDP: 514}


def open_sink(address: str, *, fsync: bool = True) -> Sink:
    """Return the sink at `address`; nothing is opened or connected before the first message.

    Args:
        address: ``file:PATH``, ``stdout``, ``syslog://HOST:PORT`` (TCP), ``syslog+udp://HOST:PORT``,
            ``syslog+unix:///PATH``. Ports are 601 (TCP, RFC 3195) and 514 (UDP, RFC 5426) unless told.
        fsync: For files: whether each batch is flushed to the disk.

    Raises:
        UsageError: It is no such address.
    """
    if address == "stdout":
        return OutputSink(sys.stdout.buffer)
    if address.startswith("file:") and len(address) > len("file:"):
        path = address.removeprefix("file:")
        return FileSink(Path(path.removeprefix("//") if path.startswith("///") else path), fsync=fsync)
    return SyslogSink(_receiver(address), hostname=socket.gethostname())


def _receiver(address: str) -> Receiver:
    try:
        parts = urlsplit(address)
        transport = _SCHEMES[parts.scheme]
        port = parts.port
    except (KeyError, ValueError) as error:
        raise UsageError(f"--to takes {_SPELLINGS}") from error
    extra = parts.query or parts.fragment or parts.username or parts.password
    if transport is Transport.UNIX:
        if extra or parts.netloc or not parts.path.startswith("/"):
            raise UsageError(f"--to takes {_SPELLINGS}")
        return Receiver(transport, path=parts.path)
    if extra or not parts.hostname or parts.path not in {"", "/"}:
        raise UsageError(f"--to takes {_SPELLINGS}")
    return Receiver(transport, host=parts.hostname, port=port or _DEFAULT_PORTS[transport])
