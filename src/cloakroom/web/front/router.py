"""Paths in, answers out: the service's endpoints straight to the service, everything else to FastAPI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cloakroom.web.api.description import describe
from cloakroom.web.api.endpoints import ENDPOINTS, Endpoint
from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.front.front import Front
from cloakroom.web.front.http_request import HTTPRequest
from cloakroom.web.pages.sign_in import page_routes


def build_application(front: Front) -> ASGIApp:
    """Return what answers everything that is no signed endpoint: the description, health, readiness."""
    rest = FastAPI(title="Cloakroom", openapi_url=None, docs_url=None, redoc_url=None)
    description = msgspec.json.encode(describe())

    def openapi(_: Request) -> Response:
        return Response(description, media_type="application/vnd.oai.openapi+json;version=3.1")

    def health(_: Request) -> Response:
        return Response(b"well\n", media_type="text/plain")

    def ready(_: Request) -> Response:
        good = front.is_ready()
        return Response(b"ready\n" if good else b"not ready\n", 200 if good else 503, media_type="text/plain")

    rest.router.routes += [
        Route("/openapi.json", openapi),
        Route("/healthz", health),
        Route("/readyz", ready),
        *page_routes(),
    ]
    rest.router.default = _nowhere
    return rest


class Router:
    """Finds who answers a request.

    Endpoints of the service need none of a framework's layers, and at thousands of requests a second the layers cost
    more than the work.
    """

    def __init__(self, front: Front, rest: ASGIApp) -> None:
        """Take the front, and the ASGI application for all other paths."""
        self._front = front
        self._rest = rest
        self._paths: dict[str, dict[str, Endpoint]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        for endpoint in ENDPOINTS:
            self._paths.setdefault(endpoint.path, {})[endpoint.method] = endpoint

    def handle(self, request: HTTPRequest, answered: Callable[[Answer], None]) -> Callable[[], None] | None:
        """See `http_connection.Handler`."""
        methods = self._paths.get(request.path)
        if methods is None:
            task = asyncio.get_running_loop().create_task(_run(self._rest, request, answered))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return None
        endpoint = methods.get(request.method)
        if endpoint is None:
            answer = problem("method-not-allowed")
            answered(Answer(answer.status, answer.body, answer.media_type, {"allow": ", ".join(sorted(methods))}))
            return None
        pending = self._front.ask(endpoint, request, answered)
        return None if pending is None else lambda: self._front.cancel(pending)


async def _run(application: ASGIApp, request: HTTPRequest, answered: Callable[[Answer], None]) -> None:
    """Have an ASGI application answer one request that has come in completely."""
    told: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: Any) -> None:
        told.append(dict(message))

    try:
        await application(_scope(request), receive, send)
        start = next(message for message in told if message["type"] == "http.response.start")
    except Exception:  # noqa: BLE001 - one request's defect must not end the service
        answered(problem("internal"))
        return
    body = b"".join(message.get("body", b"") for message in told if message["type"] == "http.response.body")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start.get("headers", ())}
    headers.pop("content-length", None)
    media_type = headers.pop("content-type", "application/octet-stream").encode("latin-1")
    answered(Answer(start["status"], body, media_type, headers))


def _scope(request: HTTPRequest) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(request.path),
        "raw_path": request.path.encode("latin-1"),
        "query_string": request.query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()],
        "client": (request.peer, 0) if request.peer else None,
        "server": None,
    }


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    answer = problem("not-found")
    headers = [(b"content-type", answer.media_type), (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
