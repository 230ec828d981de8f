"""A front process's end of the sockets to the core."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import cast

from cloakroom.web.protocol.frames import ForwardedAnswer, FrameError, KeyReply, Readiness, ToCore, core_reader, frame

READINESS_LATE_S = 10.0
"""A core that said nothing for so long is not ready."""


class CoreLink(asyncio.Protocol):
    """Sends what gathers within one turn of the event loop in one frame, and hands on what comes back."""

    def __init__(
        self,
        answered: Callable[[ForwardedAnswer], None],
        key_found: Callable[[KeyReply], None],
        lost: Callable[[], None],
    ) -> None:
        """Take what is called.

        Args:
            answered: For each answer.
            key_found: For each key asked for.
            lost: Once, when the core is gone.
        """
        self._answered = answered
        self._key_found = key_found
        self._lost = lost
        self._reader = core_reader()
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[ToCore] = []
        self._readiness_at = 0.0
        self._ready = False

    @property
    def is_ready(self) -> bool:
        """Answer whether the core is there and said lately that it is well."""
        return (
            self._transport is not None and self._ready and time.monotonic() - self._readiness_at < READINESS_LATE_S
        )

    def send(self, message: ToCore) -> None:
        """Send at the end of this turn of the event loop; dropped where the core is gone."""
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self.flush)
        self._outgoing.append(message)

    def flush(self) -> None:
        """Send what gathered."""
        outgoing, self._outgoing = self._outgoing, []
        if outgoing and self._transport is not None:
            self._transport.write(frame(outgoing))

    def close(self) -> None:
        """Send what gathered, and close."""
        self.flush()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        try:
            for message in self._reader.feed(data):
                if isinstance(message, ForwardedAnswer):
                    self._answered(message)
                elif isinstance(message, KeyReply):
                    self._key_found(message)
                elif isinstance(message, Readiness):
                    self._ready, self._readiness_at = message.ready, time.monotonic()
        except FrameError:
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._transport = None
        self._lost()
