"""The OpenAPI 3.1 description, made from the table of endpoints and the types of what they take and give."""

from __future__ import annotations

from typing import Any

import msgspec

from cloakroom import __version__
from cloakroom.web.api.endpoints import ENDPOINTS, Endpoint
from cloakroom.web.api.problems import KINDS
from cloakroom.web.api.requests.elements import UnenrolledRequest

MEDIA_TYPE = b"application/vnd.oai.openapi+json;version=3.1"
_REFERENCE = "#/components/schemas/{name}"
_SIGNED = "Signature-Input, Signature and, with a body, Content-Digest: see docs/reference/http-signatures.md."


def describe() -> dict[str, Any]:
    """Return the description as a JSON document."""
    types = [endpoint.request for endpoint in ENDPOINTS if endpoint.method != "GET"]
    types += [endpoint.answer for endpoint in ENDPOINTS if not isinstance(endpoint.answer, str)]
    _, schemas = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    schemas["Problem"] = _problem_schema()
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    paths["/healthz"] = {"get": _plain("health", "Answer whether the process lives.", (200,))}
    paths["/readyz"] = {"get": _plain("ready", "Answer whether requests can be answered.", (200, 503))}
    paths["/sign-in"] = {"get": _page()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Cloakroom", "version": __version__, "description": "Personal data behind tokens."},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "signature": {
                    "type": "http",
                    "scheme": "signature",
                    "description": f"HTTP Message Signatures (RFC 9421) with Ed25519. {_SIGNED}",
                },
                "newcomer": {
                    "type": "http",
                    "scheme": "signature",
                    "description": "The same by a key that nobody enrolled: keyid is new: and the key in hex.",
                },
            },
        },
        "security": [{"signature": []}],
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    summary = (endpoint.request.__doc__ or "").strip().splitlines()[0]
    operation: dict[str, Any] = {"operationId": endpoint.name, "summary": summary, "responses": _responses(endpoint)}
    if issubclass(endpoint.request, UnenrolledRequest):
        operation["security"] = [{"newcomer": []}]
    if endpoint.method == "GET":
        operation["parameters"] = _parameters(endpoint)
    else:
        schema = {"$ref": _REFERENCE.format(name=endpoint.request.__name__)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    _, schemas = msgspec.json.schema_components([endpoint.request], ref_template=_REFERENCE)
    schema = schemas[endpoint.request.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(item)}
        for name, item in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter of a query is there or not; it is never null."""
    kept = [item for item in schema.get("anyOf", []) if item != {"type": "null"}]
    return kept[0] if kept else {key: value for key, value in schema.items() if key != "default"}


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    if isinstance(endpoint.answer, str):
        content: dict[str, Any] = {endpoint.answer: {"schema": {"type": "string"}}}
    else:
        content = {"application/json": {"schema": {"$ref": _REFERENCE.format(name=endpoint.answer.__name__)}}}
    responses: dict[str, Any] = {"200": {"description": "Done.", "content": content}}
    for code in (*endpoint.problems, "method-not-allowed", "late"):
        kind = KINDS[code]
        response = responses.setdefault(
            str(kind.status),
            {
                "description": "",
                "content": {"application/problem+json": {"schema": {"$ref": _REFERENCE.format(name="Problem")}}},
            },
        )
        response["description"] += f"{' ' if response['description'] else ''}`{code}`: {kind.title}"
    return responses


def _plain(name: str, summary: str, statuses: tuple[int, ...]) -> dict[str, Any]:
    content = {"text/plain": {"schema": {"type": "string"}}}
    responses = {str(status): {"description": "Said in plain text.", "content": content} for status in statuses}
    return {"operationId": name, "summary": summary, "security": [], "responses": responses}


def _page() -> dict[str, Any]:
    content = {"text/html": {"schema": {"type": "string"}}}
    summary = "The page on which people sign in; static, unsigned, with nothing of anybody in it."
    responses = {"200": {"description": "The page.", "content": content}}
    return {"operationId": "sign-in-page", "summary": summary, "security": [], "responses": responses}


def _problem_schema() -> dict[str, Any]:
    return {
        "title": "Problem",
        "description": "Problem details (RFC 9457).",
        "type": "object",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "enum": sorted(KINDS)},
            "detail": {"type": "string"},
            "reason": {"type": "string"},
        },
    }
