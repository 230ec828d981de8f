"""Two endpoints to compare with, over the same HTTP: one returns a constant, one reads a row by a plain SELECT."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import psycopg
import uvloop

from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.front.http_connection import Connections
from cloakroom.web.front.http_request import HTTPRequest
from cloakroom.web.protocol.limits import LIMITS

CONSTANT = Answer(200, b'{"forms":{},"records":[]}')
SELECT = "select contact from record where brand = 1 and ordinal = 7"


class PlainEndpoints:
    """Answers without a signature, a decision or an entry."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, request: HTTPRequest, answered: Callable[[Answer], None]) -> None:
        if request.path == "/constant":
            answered(CONSTANT)
        elif request.path == "/select":
            task = asyncio.create_task(self._select(answered))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            answered(problem("not-found"))

    async def _select(self, answered: Callable[[Answer], None]) -> None:
        row = await (await self._connection.execute(SELECT)).fetchone()
        answered(Answer(200, b"0" if row is None else b"1"))


async def serve(url: str, port: int) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=1) as connection:
        connections = Connections(PlainEndpoints(connection), LIMITS)
        server = await asyncio.get_running_loop().create_server(connections.accept, "127.0.0.1", port)
        connections.start()
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], int(sys.argv[2])))
