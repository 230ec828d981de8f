"""The published description is true: requests made from it are answered as it says, whatever they hold."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from service_world import World

from cloakroom.crypto import SigningKey
from cloakroom.signing import Message, content_digest, sign_request
from cloakroom.web.api.description import describe
from cloakroom.web.api.endpoints import ENDPOINTS
from cloakroom.web.api.requests.elements import UnenrolledRequest
from cloakroom.web.api.unenrolled import key_id_of
from patience import PATIENCE

SCHEMA = schemathesis.openapi.from_dict(describe())
UNENROLLED = {item.path for item in ENDPOINTS if issubclass(item.request, UnenrolledRequest)}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


class SignedBy(requests.auth.AuthBase):
    """Signs whatever the generator made."""

    def __init__(self, world: World, name: str) -> None:
        self._credential = world.credential(name)
        self._unenrolled = SigningKey.generate()

    def __call__(self, request):
        parts = urlsplit(request.url)
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
            request.body = body
        digest = content_digest(body) if body else None
        message = Message(request.method, parts.netloc, parts.path, f"?{parts.query}", digest)
        key_id, key = self._credential.id, self._credential.key
        if parts.path in UNENROLLED:
            key_id, key = key_id_of(self._unenrolled.verifying_key), self._unenrolled
        fields = sign_request(message, key_id=key_id, key=key, created=int(time.time()))
        request.headers.update(fields)
        if digest:
            request.headers["content-digest"] = digest
        return request


@pytest.mark.slow
@SCHEMA.parametrize()
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_are_what_the_description_says(case, peopled):
    node = peopled.nodes[0]
    response = case.call(base_url=node.address, auth=SignedBy(peopled, "privacy"), timeout=30)
    case.validate_response(response, checks=CHECKS)


def test_the_description_is_published(served: World):
    response = httpx.get(f"{served.nodes[0].address}/openapi.json", timeout=PATIENCE)
    assert response.json() == describe()
    assert response.json()["openapi"] == "3.1.0"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_every_endpoint_is_described_with_its_problems(endpoint):
    operation = describe()["paths"][endpoint.path][endpoint.method.lower()]
    assert operation["operationId"] == endpoint.name
    text = str(operation["responses"])
    assert all(f"`{code}`" in text for code in endpoint.problems)
