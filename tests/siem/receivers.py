"""Real receivers of syslog on loopback, for tests."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time

HEAD = re.compile(
    rb"<(?P<priority>\d{1,3})>1 (?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z) "
    rb"(?P<host>[!-~]{1,255}) cloakroom - "
    rb'(?P<name>[!-~]{1,32}) \[meta sequenceId="(?P<sequence>[1-9]\d*)"\] (?P<body>\{.*\})',
    re.DOTALL,
)


class StreamReceiver:
    """Takes connections one after the other and cuts the stream into messages by their lengths."""

    def __init__(self, listener: socket.socket, *, hang_up_after: int | None = None) -> None:
        self.messages: list[bytes] = []
        self.connections = 0
        self._listener = listener
        self._hang_up_after = hang_up_after
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def finish(self) -> list[bytes]:
        """Wait for what is on its way, end, and return all messages."""
        self._thread.join(0.5)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        return self.messages

    def _run(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with line, line.makefile("rb") as stream:
                self._read(stream)

    def _read(self, stream) -> None:
        taken = 0
        while length := self._length(stream):
            text = stream.read(length)
            if len(text) < length:
                return
            self.messages.append(text)
            taken += 1
            if taken == self._hang_up_after and self.connections == 1:
                time.sleep(0.3)  # meanwhile the machine takes what this program will never read
                return

    @staticmethod
    def _length(stream) -> int:
        digits = b""
        while (found := stream.read(1)) not in {b"", b" "}:
            digits += found
        return int(digits) if digits else 0


def listen(family=socket.AF_INET, address=("127.0.0.1", 0), kind=socket.SOCK_STREAM) -> socket.socket:
    """Return a bound socket, listening where that makes sense."""
    found = socket.socket(family, kind)
    found.bind(address)
    if kind == socket.SOCK_STREAM:
        found.listen()
    return found
