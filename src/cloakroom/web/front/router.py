"""Paths in, answers out: signed endpoints by the front and the core, everything else from memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import unquote

import msgspec

from cloakroom.web.api.description import MEDIA_TYPE, describe
from cloakroom.web.api.endpoints import ENDPOINTS, Endpoint
from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.front.front import Front
from cloakroom.web.front.http_request import HTTPRequest
from cloakroom.web.pages.sign_in import page_answers

_TEXT = b"text/plain; charset=utf-8"
_READABLE = frozenset({"GET", "HEAD"})


class Router:
    """The way from a path to who answers it."""

    def __init__(self, front: Front) -> None:
        """Take the front."""
        self._front = front
        self._endpoints: dict[str, dict[str, Endpoint]] = {}
        for endpoint in ENDPOINTS:
            self._endpoints.setdefault(endpoint.path, {})[endpoint.method] = endpoint
        self._unsigned: Mapping[str, Callable[[], Answer]] = {
            "/openapi.json": _always(Answer(200, msgspec.json.encode(describe()), MEDIA_TYPE)),
            "/healthz": _always(Answer(200, b"well\n", _TEXT)),
            "/readyz": self._readiness,
            **{path: _always(answer) for path, answer in page_answers().items()},
        }

    def handle(self, request: HTTPRequest, answered: Callable[[Answer], None]) -> Callable[[], None] | None:
        """See `http_connection.Handler`."""
        methods = self._endpoints.get(request.path)
        if methods is None:
            answered(self._unsigned_answer(request))
            return None
        endpoint = methods.get(request.method)
        if endpoint is None:
            answered(_wrong_method(methods))
            return None
        pending = self._front.ask(endpoint, request, answered)
        return None if pending is None else lambda: self._front.cancel(pending)

    def _unsigned_answer(self, request: HTTPRequest) -> Answer:
        give = self._unsigned.get(unquote(request.path))
        if give is None:
            return problem("not-found")
        return give() if request.method in _READABLE else _wrong_method(_READABLE)

    def _readiness(self) -> Answer:
        if self._front.is_ready():
            return Answer(200, b"ready\n", _TEXT)
        return Answer(503, b"not ready\n", _TEXT)


def _always(answer: Answer) -> Callable[[], Answer]:
    return lambda: answer


def _wrong_method(allowed: Mapping[str, Endpoint] | frozenset[str]) -> Answer:
    answer = problem("method-not-allowed")
    return Answer(answer.status, answer.body, answer.media_type, {"allow": ", ".join(sorted(allowed))}, answer.code)
