"""HTTP/1.1 connections: read by llhttp, bounded in time, size and number; one request of a connection at a time.

Nothing here depends on who asks. A connection is closed, without regard for what it might still want to say, when
it has been silent too long, when a request has not come in completely within its time, when the head or the body
is larger than allowed, when what comes is no HTTP, and when an answer is not taken off the wire. While a request is
worked on, what else its connection brings is not worked on, and not read beyond the first of it.

See `docs/adr/0011-a-core-behind-front-processes.md` for why this is not left to an ASGI server.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

import httptools

from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.front.http_request import HTTPRequest
from cloakroom.web.protocol.limits import Limits

SWEEP_SECONDS = 1.0
_REASONS = {
    200: "OK",
    204: "No Content",
    302: "Found",
    303: "See Other",
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Handler(Protocol):
    """Something that answers requests."""

    def handle(self, request: HTTPRequest, answered: Callable[[Answer], None]) -> Callable[[], None] | None:
        """Answer by calling `answered` once; return what to call if the caller goes away before, or None."""
        ...


@dataclass(frozen=True, slots=True)
class _Read:
    """A request that came in completely; nothing where its target is none."""

    request: HTTPRequest | None
    keep_alive: bool


class Connections:
    """All connections of a process, and the clock that ends those which take too long."""

    def __init__(self, handler: Handler, limits: Limits) -> None:
        """Take what answers, and the bounds."""
        self.handler = handler
        self.limits = limits
        self.open: set[HTTPConnection] = set()
        self.stopping = False
        self._sweep: asyncio.TimerHandle | None = None

    def accept(self) -> HTTPConnection:
        """Return the protocol for a new connection."""
        return HTTPConnection(self)

    def start(self) -> None:
        """Begin to watch the time."""
        self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._end_the_late)

    def make_room(self) -> bool:
        """Answer whether one more connection fits, ending an idle one for it if need be."""
        if len(self.open) < self.limits.connections:
            return True
        idle = [connection for connection in self.open if connection.is_idle]
        if not idle:
            return False
        min(idle, key=lambda connection: connection.deadline).abort()
        return True

    async def stop(self, grace_s: float) -> None:
        """End idle connections now, the others with their answers, and all of them when `grace_s` is over."""
        self.stopping = True
        for connection in [item for item in self.open if item.is_idle]:
            connection.close()
        until = time.monotonic() + grace_s
        while self.open and time.monotonic() < until:
            await asyncio.sleep(0.02)
        for connection in list(self.open):
            connection.abort()
        if self._sweep is not None:
            self._sweep.cancel()

    def _end_the_late(self) -> None:
        now = time.monotonic()
        for connection in [item for item in self.open if item.deadline < now]:
            connection.end_late()
        self.start()


class HTTPConnection(asyncio.Protocol):
    """One connection."""

    def __init__(self, connections: Connections) -> None:
        """Take the others; a connection counts among them from when it is made."""
        self._all = connections
        self._limits = connections.limits
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._peer: str | None = None
        self.deadline = float("inf")
        self._working = False
        self._reading = False
        self._closing = False
        self._stuck = False
        self._held = False
        self._cancel: Callable[[], None] | None = None
        self._read: deque[_Read] = deque()
        self._begin()

    @property
    def is_idle(self) -> bool:
        """Answer whether nothing of a request has come yet and none is being answered."""
        return not (self._working or self._reading or self._read)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = transport = cast(asyncio.Transport, transport)
        if not self._all.make_room():
            self._closing = True
            transport.write(_response(problem("busy", retry_after_s=1), keep_alive=False))
            transport.close()
            return
        self._all.open.add(self)
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else None
        self.deadline = time.monotonic() + self._limits.request_s

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._closing = True
        self._transport = None
        self._all.open.discard(self)
        self._read.clear()
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._closing:
            return
        ahead = self._working or self._stuck
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse_rest(problem("malformed", "this is no HTTP request that the service takes"))
            return
        if self._reading and not self._head_done:
            # A field that has not ended yet was told to nobody; what the parser keeps of it is bounded here.
            self._unfinished += len(data)
            if self._unfinished > self._limits.head_bytes:
                self._refuse_rest(problem("too-large"))
        # Read on while one request is worked on, to see its caller go; what else comes has to wait.
        ahead = ahead or bool(self._read)
        if ahead and self._transport is not None and not (self._closing or self._held):
            self._held = True
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`: answers are not taken off the wire, so nothing more is worked on."""
        self._stuck = True

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._stuck = False
        self._go_on()

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begin()
        self._reading = True
        self.deadline = time.monotonic() + self._limits.request_s

    def on_url(self, url: bytes) -> None:
        """Take a part of its target."""
        self._url += url
        self._check_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field; one after the body is read and ignored."""
        self._check_head(len(name) + len(value))
        if not self._head_done:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._head_done = True
        if self._headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body_size += len(body)
        if self._body_size <= self._limits.body_bytes:
            self._body.append(body)
        elif not self._closing:
            self._refuse_rest(problem("too-large"))

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._reading = False
        if self._closing:
            return
        keep_alive = self._parser.should_keep_alive() and not self._all.stopping
        try:
            target = httptools.parse_url(self._url)
            read = _Read(self._request(target.path or b"/", target.query or b""), keep_alive)
        except httptools.HttpParserInvalidURLError:
            read = _Read(None, keep_alive=False)
        self._read.append(read)
        self._next()

    # Answers.

    def _next(self) -> None:
        """Work on the next request that came in, unless one is worked on or its answer would have to wait."""
        if not self._read or self._working or self._stuck or self._closing:
            return
        read = self._read.popleft()
        if read.request is None:
            self._give_up(problem("malformed", "that is no target"))
            return
        self._working, self.deadline = True, float("inf")
        head, keep_alive = read.request.method == "HEAD", read.keep_alive

        def answered(answer: Answer) -> None:
            self._answer(answer, head=head, keep_alive=keep_alive)

        cancel = self._all.handler.handle(read.request, answered)
        if self._working:
            self._cancel = cancel

    def _answer(self, answer: Answer, *, head: bool, keep_alive: bool) -> None:
        self._working, self._cancel = False, None
        if self._transport is None or self._closing:
            return
        keep_alive = keep_alive and not self._all.stopping
        self._transport.write(_response(answer, keep_alive=keep_alive, head=head))
        if not keep_alive:
            self.close()
            return
        unsent = self._transport.get_write_buffer_size() > 0
        if not self._reading:
            self.deadline = time.monotonic() + (self._limits.request_s if unsent else self._limits.idle_s)
        self._go_on()

    def _go_on(self) -> None:
        if self._read:
            # In its own turn: a caller may have sent many requests at once.
            asyncio.get_running_loop().call_soon(self._next)
        elif self._held and self._transport is not None and not (self._working or self._stuck or self._closing):
            self._held = False
            self._transport.resume_reading()

    def close(self) -> None:
        """Close once everything is sent, but not later than a request may take."""
        self._closing = True
        self.deadline = time.monotonic() + self._limits.request_s
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    def end_late(self) -> None:
        """End a connection whose time is over: with a word where a request is incomplete."""
        if self._reading and not self._closing:
            self._give_up(problem("late"))
        else:
            self.abort()

    def _give_up(self, answer: Answer) -> None:
        if self._transport is not None:
            self._transport.write(_response(answer, keep_alive=False))
        self.close()

    def _refuse_rest(self, answer: Answer) -> None:
        if self._working or self._read:  # of an earlier request, whose answer comes first
            self.abort()
        else:
            self._give_up(answer)

    # Parts of the request that is being read.

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._head_done = False
        self._head_size = 0
        self._unfinished = 0
        self._body: list[bytes] = []
        self._body_size = 0

    def _check_head(self, more: int) -> None:
        self._head_size += more
        if self._head_size > self._limits.head_bytes and not self._closing:
            self._refuse_rest(problem("too-large"))

    def _request(self, path: bytes, query: bytes) -> HTTPRequest:
        return HTTPRequest(
            method=self._parser.get_method().decode("ascii"),
            path=path.decode("latin-1"),
            query=query.decode("latin-1"),
            headers=self._headers,
            peer=self._peer,
            body=self._body[0] if len(self._body) == 1 else b"".join(self._body),
        )


def _response(answer: Answer, *, keep_alive: bool, head: bool = False) -> bytes:
    lines = [
        f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, '')}",
        f"content-type: {answer.media_type.decode('latin-1')}",
        f"content-length: {len(answer.body)}",
        *(f"{name}: {value}" for name, value in answer.headers.items()),
    ]
    if "cache-control" not in answer.headers:
        lines.append("cache-control: no-store")
    if not keep_alive:
        lines.append("connection: close")
    text = "\r\n".join(lines) + "\r\n\r\n"
    return text.encode("latin-1") if head else text.encode("latin-1") + answer.body
