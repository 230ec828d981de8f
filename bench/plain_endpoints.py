"""Two endpoints to compare with: one that returns a constant, one that reads one row by a plain SELECT."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import uvicorn
from fastapi import FastAPI, Request, Response

CONSTANT = b'{"forms":{},"records":[]}'


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.connection = await psycopg.AsyncConnection.connect(sys.argv[1], autocommit=True, prepare_threshold=1)
    yield
    await app.state.connection.close()


app = FastAPI(lifespan=lifespan)


@app.get("/constant")
async def constant() -> Response:
    return Response(CONSTANT, media_type="application/json")


@app.get("/select")
async def select(request: Request) -> Response:
    cursor = await request.app.state.connection.execute("select contact from record where brand = 1 and ordinal = 7")
    row = await cursor.fetchone()
    return Response(b"0" if row is None else b"1", media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", access_log=False)
