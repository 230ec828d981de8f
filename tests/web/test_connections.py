"""Connections are bounded in time, size and number, whoever is at the other end, with no proxy in front."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from cloakroom.web.api.problems import Answer
from cloakroom.web.front import http_connection
from cloakroom.web.front.http_connection import Connections
from cloakroom.web.front.http_request import HTTPRequest
from cloakroom.web.protocol.limits import LIMITS

SHORT = replace(LIMITS, request_s=0.4, idle_s=0.6, connections=4, head_bytes=2_000, body_bytes=5_000)


class Echo:
    """Answers with what it understood; waits where the path says so."""

    def __init__(self) -> None:
        self.seen: list[HTTPRequest] = []
        self.cancelled = 0
        self.held: list[Callable[[Answer], None]] = []

    def handle(self, request: HTTPRequest, answered: Callable[[Answer], None]) -> Callable[[], None] | None:
        self.seen.append(request)
        if request.path == "/hold":
            self.held.append(answered)
            return self.cancel
        if request.path == "/large":
            answered(Answer(200, b"x" * 4_000_000))
            return None
        document = {"method": request.method, "path": request.path, "query": request.query}
        document |= {"headers": dict(request.headers), "body": request.body.decode("latin-1")}
        answered(Answer(200, json.dumps(document).encode()))
        return None

    def cancel(self) -> None:
        self.cancelled += 1


def serve(test, limits=SHORT):
    """Run `test(port, echo, connections)` against a server of its own."""

    async def run():
        echo = Echo()
        connections = Connections(echo, limits)
        server = await asyncio.get_running_loop().create_server(connections.accept, "127.0.0.1", 0)
        connections.start()
        try:
            await asyncio.wait_for(test(server.sockets[0].getsockname()[1], echo, connections), 20)
        finally:
            server.close()
            await connections.stop(0.1)

    asyncio.run(run())


@pytest.fixture(autouse=True)
def quick_sweeps(monkeypatch):
    monkeypatch.setattr(http_connection, "SWEEP_SECONDS", 0.05)


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    return int(head[0].split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


async def talk(port: int, data: bytes) -> tuple[int, dict[str, str], bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    answer = await read_answer(reader)
    writer.close()
    return answer


async def nothing_more(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /a HTTP/1.1\r\nhost: x\r\n",
        b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nonly this",
        b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"GET /",
    ],
    ids=["head", "body", "chunks", "target"],
)
def test_an_unfinished_request_is_cut_off_though_it_trickles_on(begun: bytes):
    async def test(port, echo, connections):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)

        async def trickle():
            while True:
                await asyncio.sleep(0.05)
                writer.write(b"1")

        trickling = asyncio.create_task(trickle())
        began = asyncio.get_running_loop().time()
        status, _, body = await read_answer(reader)
        assert (status, json.loads(body)["code"]) == (408, "late")
        assert await reader.read() == b""
        assert asyncio.get_running_loop().time() - began < 3
        trickling.cancel()
        assert not echo.seen
        assert not connections.open

    serve(test)


def test_a_connection_that_says_nothing_is_closed():
    async def test(port, echo, connections):
        reader, _ = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        assert not connections.open

    serve(test)


def test_an_answer_that_nobody_takes_ends_the_connection():
    async def test(port, echo, connections):
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
        writer.write(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n" * 20)
        while not echo.seen:
            await asyncio.sleep(0.01)
        until = asyncio.get_running_loop().time() + 5
        while connections.open and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.05)
        assert not connections.open
        # Answers were not piled up for somebody who does not read.
        assert len(echo.seen) <= 2

    serve(test)


def test_what_is_too_large_or_no_http_is_refused():
    async def test(port, echo, connections):
        hostile = {
            b"GET / HTTP/1.1\r\nx: " + b"a" * 3_000 + b"\r\n\r\n": 413,
            b"GET / HTTP/1.1\r\nx: " + b"a" * 3_000: 413,
            b"GET /" + b"a" * 3_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n": 413,
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6000\r\n\r\n" + b"a" * 6_000: 413,
            b"this is no HTTP\r\n\r\n": 400,
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n": 400,
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd": 400,
        }
        for data, status in hostile.items():
            found, headers, _ = await talk(port, data)
            assert (found, headers.get("connection")) == (status, "close"), data[:40]
        assert not echo.seen

    serve(test)


def test_an_upgrade_is_not_taken_and_what_follows_is_not_read_as_a_request():
    async def test(port, echo, connections):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        upgrade = b"GET /first HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
        writer.write(upgrade + b"GET /second HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await read_answer(reader))[0] == 200
        assert b" 200 " not in await reader.read()
        assert [item.path for item in echo.seen] == ["/first"]

    serve(test)


def test_trailers_do_not_become_fields_of_the_request():
    async def test(port, echo, connections):
        status, _, body = await talk(
            port,
            b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
            b"2\r\nhi\r\n0\r\nx-forwarded-for: 10.0.0.1\r\n\r\n",
        )
        assert (status, json.loads(body)["body"]) == (200, "hi")
        assert "x-forwarded-for" not in echo.seen[0].headers

    serve(test)


def test_requests_sent_at_once_are_answered_in_their_order():
    async def test(port, echo, connections):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"".join(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % number for number in range(50)))
        for number in range(50):
            _, _, body = await read_answer(reader)
            assert json.loads(body)["path"] == f"/{number}"

    serve(test)


@pytest.mark.parametrize("cut", range(1, 90, 7))
def test_a_request_may_come_in_any_pieces(cut: int):
    async def test(port, echo, connections):
        data = b"PUT /a%20b?c=d HTTP/1.1\r\nHost: x\r\nX-One: 1\r\nx-one: 2\r\ncontent-length: 5\r\n\r\nhello"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data[:cut])
        await asyncio.sleep(0.01)
        writer.write(data[cut:])
        document = json.loads((await read_answer(reader))[2])
        assert (document["method"], document["path"], document["query"]) == ("PUT", "/a%20b", "c=d")
        assert (document["headers"]["x-one"], document["body"]) == ("1, 2", "hello")

    serve(test)


def test_the_number_of_connections_is_bounded_and_idle_ones_make_room():
    async def test(port, echo, connections):
        busy = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        for _, writer in busy:
            writer.write(b"GET /hold HTTP/1.1\r\nhost: x\r\n\r\n")
        idle_reader, _ = await asyncio.open_connection("127.0.0.1", port)
        while len(echo.held) < 3:
            await asyncio.sleep(0.01)
        # A fifth finds room, because the idle one goes; then it is busy, too.
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /hold HTTP/1.1\r\nhost: x\r\n\r\n")
        assert await nothing_more(idle_reader)
        while len(echo.held) < 4:
            await asyncio.sleep(0.01)
        status, headers, _ = await talk(port, b"")
        assert (status, headers["retry-after"]) == (503, "1")
        for answered in echo.held:
            answered(Answer(200, b"{}"))
        for held_reader, _ in [*busy, (reader, writer)]:
            assert (await read_answer(held_reader))[0] == 200

    serve(test)


def test_who_hangs_up_is_reported_once():
    async def test(port, echo, connections):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /hold HTTP/1.1\r\nhost: x\r\n\r\n")
        while not echo.held:
            await asyncio.sleep(0.01)
        writer.close()
        while not echo.cancelled:
            await asyncio.sleep(0.01)
        echo.held[0](Answer(200, b"{}"))
        await asyncio.sleep(0.05)
        assert echo.cancelled == 1

    serve(test)
