"""A small OpenID provider for tests, over loopback HTTP, with keys of its own, that can be told to lie."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import serialization
from joserfc import jwt
from joserfc.jwk import RSAKey
from software_authenticator import b64

CLIENT_ID = "cloakroom"


@dataclass
class Provider:
    """The provider; `claims` and `sign` are what a test bends."""

    subject: str = "subject-7"
    claims: dict = field(default_factory=dict)
    without: tuple[str, ...] = ()
    signs_as: str = "RS256"
    codes: dict = field(default_factory=dict)
    is_down: bool = False
    seen: list = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
        self.published = [self.key]
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                parts = urlsplit(self.path)
                provider.seen.append(parts.path)
                if parts.path == "/jwks":
                    keys = [item.as_dict(private=False) for item in provider.published]
                    self._answer(200, {"keys": keys})
                elif parts.path == "/authorize":
                    location = provider.authorize({k: v[0] for k, v in parse_qs(parts.query).items()})
                    self.send_response(302)
                    self.send_header("location", location)
                    self.end_headers()
                else:
                    self._answer(404, {})

            def do_POST(self):
                length = int(self.headers["content-length"])
                form = {k: v[0] for k, v in parse_qs(self.rfile.read(length).decode()).items()}
                provider.seen.append("/token")
                self._answer(*provider.token(form))

            def _answer(self, status, document):
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def configuration(self, redirect_uri: str, more: str = "") -> str:
        return f"""
[[providers]]
id = "corp"
label = "Valmont account"
issuer = "{self.issuer}"
authorization_endpoint = "{self.issuer}/authorize"
token_endpoint = "{self.issuer}/token"
jwks_uri = "{self.issuer}/jwks"
client_id = "{CLIENT_ID}"
redirect_uri = "{redirect_uri}"
algorithms = ["RS256"]
{more}
"""

    def authorize(self, query: dict) -> str:
        """What happens when the browser comes and the person authenticates."""
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(24)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.issuer})}"

    def visit(self, location: str) -> dict:
        """The browser's part without a browser: return what comes back to the redirect URI."""
        query = {k: v[0] for k, v in parse_qs(urlsplit(location).query).items()}
        return {k: v[0] for k, v in parse_qs(urlsplit(self.authorize(query)).query).items()}

    def token(self, form: dict) -> tuple[int, dict]:
        """The token endpoint: a code serves once, for its client, its redirect URI and its verifier."""
        if self.is_down:
            return 503, {}
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or challenge != asked["code_challenge"]
            or form.get("redirect_uri") != asked["redirect_uri"]
            or form.get("client_id") != asked["client_id"]
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": self.subject,
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "acr": "phishing-resistant",
            "amr": ["hwk", "user"],
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if name not in self.without}
        return 200, {"access_token": "unused", "token_type": "Bearer", "id_token": self.signed(claims)}

    def signed(self, claims: dict) -> str:
        header = {"alg": "RS256", "kid": "k1"}
        if self.signs_as == "none":
            head = b64(json.dumps({"alg": "none"}).encode())
            return f"{head}.{b64(json.dumps(claims).encode())}."
        if self.signs_as == "HS256":  # with the public key as the secret
            pem = self.key.raw_value
            public = pem.public_key() if hasattr(pem, "public_key") else pem
            secret = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            head = b64(json.dumps({"alg": "HS256", "kid": "k1"}).encode())
            signed = f"{head}.{b64(json.dumps(claims).encode())}"
            return f"{signed}.{b64(hmac.digest(secret, signed.encode(), 'sha256'))}"
        if self.signs_as == "stranger":
            return jwt.encode(header, claims, RSAKey.generate_key(2048, {"kid": "k1"}))
        if self.signs_as == "PS256":
            return jwt.encode({**header, "alg": "PS256"}, claims, self.key, algorithms=["PS256"])
        return jwt.encode(header, claims, self.key)
