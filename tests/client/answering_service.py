"""A service in memory for the client's tests: reads requests as the real one does, and answers as it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from cloakroom.adapters.credentials import PrivateCredential
from cloakroom.client import Client
from cloakroom.crypto import SigningKey
from cloakroom.signing import Message
from cloakroom.signing.digest import check_content_digest
from cloakroom.signing.signature import ReadSignature, check_times, read_signature
from cloakroom.web.api.decoding import RequestDecoder
from cloakroom.web.api.endpoints import ENDPOINTS
from cloakroom.web.api.requests.elements import Request

DECODER = RequestDecoder()
KEY = SigningKey(b"k" * 32)
CREDENTIAL = PrivateCredential("key-1", "anna", KEY)
Answer = httpx.Response | httpx.HTTPError


@dataclass
class Service:
    """Holds what was asked, as the service's own decoder reads it, and the answers that are still to be given."""

    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, Request]] = field(default_factory=list)
    signatures: list[ReadSignature] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Check the signature over exactly what came, decode it for its endpoint, and answer."""
        path, _, query = request.url.raw_path.decode().partition("?")
        [endpoint] = [one for one in ENDPOINTS if (one.method, one.path) == (request.method, path)]
        digest = request.headers.get("content-digest")
        assert (digest is None) == (request.content == b"")
        assert digest is None or check_content_digest(digest, request.content)
        assert digest is None or request.headers["content-type"] == "application/json"
        signature = read_signature(request.headers["signature-input"], request.headers["signature"])
        message = Message(request.method, request.headers["host"], path, f"?{query}", digest)
        signature.verify(message, KEY.verifying_key)
        self.signatures.append(signature)
        self.bodies.append(request.content)
        self.asked.append((endpoint.name, DECODER.read(endpoint.name, query, request.content)))
        answer = self.answers.pop(0)
        if isinstance(answer, httpx.HTTPError):
            raise answer
        return answer

    def client(self, address: str = "https://Vault.Example", **options: object) -> Client:
        transport = httpx.MockTransport(self.handle)
        return Client(address, CREDENTIAL, transport=transport, **options)  # type: ignore[arg-type]

    def asks(self, call: Callable[[Client], object], *answers: object) -> object:
        """Return what `call` gives where the service answers these documents."""
        self.answers = [httpx.Response(200, json=answer) for answer in answers]
        with self.client() as client:
            found = call(client)
        assert not self.answers, "the client asked less often than was expected"
        return found

    @property
    def signed_at(self) -> int:
        check_times(self.signatures[-1], self.signatures[-1].created)
        return self.signatures[-1].created


def problem(status: int, document: object, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=document, headers={name.replace("_", "-"): to for name, to in headers.items()})
