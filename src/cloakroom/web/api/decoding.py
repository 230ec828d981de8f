"""Decode what requests ask, strictly: unknown members, repeated parameters and bodies of GETs are refused."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

import msgspec

from cloakroom.web.api.endpoints import ENDPOINTS, Endpoint
from cloakroom.web.api.requests.elements import Request

MAX_PARAMETERS = 20


class RequestDecoder:
    """Decoders of the requests of all endpoints."""

    def __init__(self) -> None:
        """Prepare a decoder for each endpoint."""
        self._readers = {endpoint.name: _reader(endpoint) for endpoint in ENDPOINTS}

    def read(self, endpoint: str, query: str, body: bytes) -> Request:
        """Return what is asked of an endpoint, by its name.

        Raises:
            ValueError: It is not what the endpoint takes; says where, never what stood there.
        """
        reader = self._readers.get(endpoint)
        if reader is None:
            raise ValueError("no such endpoint")
        return reader(query, body)


def _reader(endpoint: Endpoint) -> Callable[[str, bytes], Request]:
    decode = msgspec.json.Decoder(endpoint.request).decode
    if endpoint.method != "GET":
        return lambda _, body: decode(body)
    return lambda query, body: _from_query(endpoint.request, query, body)


def _from_query(kind: type[Request], query: str, body: bytes) -> Request:
    if body:
        raise ValueError("a GET has no body")
    pairs = (
        parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=MAX_PARAMETERS) if query else []
    )
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a parameter is given twice")
    return msgspec.convert(values, kind, strict=False)
