"""Every path has one answer: by an endpoint, from memory where it needs no signature, or that there is none."""

from __future__ import annotations

import msgspec
import pytest

from cloakroom.web.api.endpoints import ENDPOINTS
from cloakroom.web.api.problems import Answer
from cloakroom.web.front.http_request import HTTPRequest
from cloakroom.web.front.router import Router


class QuietFront:
    """Takes requests in and answers none of them."""

    def __init__(self) -> None:
        self.ready = True
        self.taken: list[tuple[str, HTTPRequest]] = []
        self.cancelled: list[str] = []

    def is_ready(self) -> bool:
        return self.ready

    def ask(self, endpoint, request, answered):
        self.taken.append((endpoint.name, request))
        return endpoint.name

    def cancel(self, pending) -> None:
        self.cancelled.append(pending)


@pytest.fixture
def front():
    return QuietFront()


def ask(front, method: str, path: str) -> Answer | None:
    answers: list[Answer] = []
    Router(front).handle(HTTPRequest(method, path, "", {}, None, b""), answers.append)
    assert len(answers) <= 1
    return answers[0] if answers else None


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_an_endpoint_is_found_by_its_path_and_method(front, endpoint):
    assert ask(front, endpoint.method, endpoint.path) is None
    assert [name for name, _ in front.taken] == [endpoint.name]


def test_who_goes_away_cancels_its_request(front):
    cancel = Router(front).handle(HTTPRequest("GET", "/v1/session", "", {}, None, b""), lambda _: None)
    assert not front.cancelled
    cancel()
    assert front.cancelled == ["session"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/reveal", "POST"),
        ("DELETE", "/v1/passkeys", "GET"),
        ("PATCH", "/v1/releases", "GET, POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("POST", "/sign-in", "GET, HEAD"),
    ],
)
def test_a_method_that_a_path_does_not_take_is_answered_with_those_that_it_takes(front, method, path, allowed):
    answer = ask(front, method, path)
    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "method-not-allowed", allowed)
    assert not front.taken


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/reveal/", "/sign-in/../healthz", "/healthz/", "//healthz"])
def test_what_is_nowhere_is_not_found(front, path):
    assert (ask(front, "GET", path).status, ask(front, "GET", path).code) == (404, "not-found")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/openapi.json", b"application/vnd.oai.openapi+json;version=3.1"),
        ("/healthz", b"text/plain; charset=utf-8"),
        ("/readyz", b"text/plain; charset=utf-8"),
        ("/sign-in", b"text/html; charset=utf-8"),
        ("/sign%2Din", b"text/html; charset=utf-8"),
        ("/sign-in/page.js", b"text/javascript; charset=utf-8"),
        ("/sign-in/page.css", b"text/css; charset=utf-8"),
    ],
)
def test_what_needs_no_signature_is_answered_at_once_with_its_media_type(front, method, path, kind):
    answer = ask(front, method, path)
    assert (answer.status, answer.media_type) == (200, kind)
    assert answer.body


def test_readiness_is_asked_each_time_and_health_is_not_readiness(front):
    router = Router(front)
    answers: list[Answer] = []
    for ready in (True, False, True):
        front.ready = ready
        for path in ("/readyz", "/healthz"):
            router.handle(HTTPRequest("GET", path, "", {}, None, b""), answers.append)
    assert [answer.status for answer in answers] == [200, 200, 503, 200, 200, 200]


def test_the_description_names_every_endpoint(front):
    paths = msgspec.json.decode(ask(front, "GET", "/openapi.json").body)["paths"]
    assert {(endpoint.path, endpoint.method.lower()) for endpoint in ENDPOINTS} <= {
        (path, method) for path, item in paths.items() for method in item
    }
