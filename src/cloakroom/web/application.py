"""The FastAPI application: paths in, answers out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cloakroom.web.description import describe
from cloakroom.web.endpoints import ENDPOINTS, Endpoint
from cloakroom.web.orders import Order
from cloakroom.web.problems import Answer, problem
from cloakroom.web.service import Incoming, Service
from cloakroom.web.sign_in_page import page_routes


def build_application(service: Service) -> ASGIApp:
    """Return the application over a service, which starts and stops with it.

    Paths of the service go straight to their handlers: they need none of the framework's layers, and at thousands of
    requests a second the layers cost more than the work. Everything else is FastAPI's.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(service.start)
        yield
        await asyncio.to_thread(service.stop)

    rest = FastAPI(title="Cloakroom", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    description = msgspec.json.encode(describe())
    by_path: dict[str, dict[str, _Handler]] = {}
    for endpoint in ENDPOINTS:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = _Handler(service, endpoint)
    paths = {path: _Path(handlers) for path, handlers in by_path.items()}

    def openapi(_: Request) -> Response:
        return Response(description, media_type="application/vnd.oai.openapi+json;version=3.1")

    def health(_: Request) -> Response:
        return Response(b"well\n", media_type="text/plain")

    def ready(_: Request) -> Response:
        good = service.is_ready()
        return Response(b"ready\n" if good else b"not ready\n", 200 if good else 503, media_type="text/plain")

    rest.router.routes += [
        Route("/openapi.json", openapi),
        Route("/healthz", health),
        Route("/readyz", ready),
        *page_routes(),
    ]
    rest.router.default = _nowhere

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = paths.get(scope["path"]) if scope["type"] == "http" else None
        await (rest if path is None else path)(scope, receive, send)

    return app


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await _send(send, problem("not-found"))


class _Path:
    """One path with its methods; an ASGI application, so that nothing stands between it and the server."""

    def __init__(self, handlers: dict[str, _Handler]) -> None:
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self._handlers.get(scope["method"])
        if handler is None:
            answer = problem("method-not-allowed")
            await _send(send, answer, {"allow": ", ".join(sorted(self._handlers))})
            return
        await handler(scope, receive, send)


class _Handler:
    """One endpoint."""

    def __init__(self, service: Service, endpoint: Endpoint) -> None:
        self._service = service
        self._endpoint = endpoint
        self._decode = msgspec.json.Decoder(endpoint.order).decode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        body = await _read(receive, self._service.limits.body_bytes)
        if body is None:
            answer = problem("too-large")
        else:
            incoming = _incoming(scope, body)
            answer = await self._service.ask(incoming, self._reader(incoming))
        await _send(send, answer)
        self._service.metrics.answered(self._endpoint.name, answer.status, answer.code, time.monotonic() - began)

    def _reader(self, incoming: Incoming) -> Callable[[], Order]:
        if self._endpoint.method != "GET":
            return lambda: self._decode(incoming.body)
        return lambda: _from_query(self._endpoint.order, incoming)


def _from_query(kind: type[Order], incoming: Incoming) -> Order:
    if incoming.body:
        raise ValueError("a GET has no body")
    pairs = (
        parse_qsl(incoming.query, keep_blank_values=True, strict_parsing=True, max_num_fields=20)
        if incoming.query
        else []
    )
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a parameter is given twice")
    return msgspec.convert(values, kind, strict=False)


def _incoming(scope: Scope, body: bytes) -> Incoming:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    client = scope.get("client")
    return Incoming(
        method=scope["method"],
        path=scope.get("raw_path", scope["path"].encode()).partition(b"?")[0].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        peer=client[0] if client else None,
        body=body,
    )


async def _read(receive: Receive, limit: int) -> bytes | None:
    """Return the body, or None if it is larger than `limit`."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False) and len(body) <= limit:
        return body
    parts, size = [body], len(body)
    while message.get("more_body", False) and size <= limit:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    return b"".join(parts) if size <= limit else None


async def _send(send: Send, answer: Answer, more: dict[str, str] | None = None) -> None:
    headers = [
        (b"content-type", answer.media_type),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    headers += [(name.encode(), value.encode()) for name, value in {**answer.headers, **(more or {})}.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
