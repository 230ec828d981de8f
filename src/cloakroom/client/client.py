"""One client over one connection pool. May be used by several threads."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from cloakroom.adapters.credentials import PrivateCredential, read_credential
from cloakroom.client.release_file import download
from cloakroom.client.results import Exposure, Record, Release, Run
from cloakroom.errors import CloakroomError, DeniedError
from cloakroom.signing import Message, content_digest, sign_request

MAX_TOKENS = 1_000
_AGAIN = frozenset({"busy", "waiting", "unavailable"})


class RefusedError(DeniedError):
    """The service said no.

    Attributes:
        code: The problem's code, such as ``policy``, ``budget``, ``frozen``, ``expired`` or ``malformed``.
        status: HTTP status.
        reason: The gate's own code, where it is told.
        retry_after_s: When to try again, or None.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after_s: int | None) -> None:
        code = str(problem.get("code", "internal"))
        words = problem.get("detail") or problem.get("title") or "refused"
        super().__init__(code, f"{code}: {words}")
        self.status = status
        self.reason = str(problem.get("reason", ""))
        self.retry_after_s = retry_after_s


class UnreachableError(CloakroomError):
    """The service did not answer; whether it did what was asked is not known."""


class Client:
    """Asks the service as one credential."""

    def __init__(
        self,
        address: str,
        credential: Path | PrivateCredential,
        *,
        attempts: int = 4,
        timeout_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Connect lazily; nothing is asked yet.

        Args:
            address: Such as ``https://vault.example.com``.
            credential: The credential, or its file.
            attempts: How often to try where trying again is harmless.
            timeout_s: How long to wait for one answer.
            transport: How to reach the service; over the network unless told.
        """
        self._credential = read_credential(credential) if isinstance(credential, Path) else credential
        self._attempts = attempts
        self._http = httpx.Client(base_url=address, timeout=timeout_s, transport=transport)
        # What stands in the Host field: the name, with the port unless it is the default one.
        self._authority = self._http.base_url.netloc.decode().lower()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def reveal(
        self, tokens: Iterable[str], *, purpose: str, fields: Sequence[str], reference: str | None = None
    ) -> Iterator[Record]:
        """Yield what may be seen of the records behind `tokens`, in their order.

        More than 1,000 tokens become several requests; each is refused or answered whole.

        Raises:
            RefusedError: The service said no.
        """
        waiting: list[str] = []
        for token in tokens:
            waiting.append(token)
            if len(waiting) == MAX_TOKENS:
                yield from self._reveal(waiting, purpose, fields, reference)
                waiting = []
        if waiting:
            yield from self._reveal(waiting, purpose, fields, reference)

    def _reveal(
        self, tokens: list[str], purpose: str, fields: Sequence[str], reference: str | None
    ) -> Iterator[Record]:
        order = {"purpose": purpose, "tokens": tokens, "fields": list(fields), "reference": reference}
        answer = self.post("/v1/reveal", order)
        for item in answer["records"]:
            yield Record(item["token"], item["fields"], answer["forms"])

    def find(
        self,
        value: str,
        *,
        purpose: str,
        by: str = "email",
        brands: Sequence[str] | None = None,
        country: str | None = None,
        reference: str | None = None,
    ) -> dict[str, list[str]]:
        """Return the tokens of the records that hold `value`, by brand."""
        order = {
            "purpose": purpose,
            "by": by,
            "value": value,
            "brands": None if brands is None else list(brands),
            "country": country,
            "reference": reference,
        }
        found: dict[str, list[str]] = self.post("/v1/find", order)["tokens"]
        return found

    def write(
        self,
        brand: str,
        record_id: str,
        fields: Mapping[str, str],
        *,
        purpose: str,
        modified_at: str | None = None,
        reference: str | None = None,
    ) -> str:
        """Create a record or replace its values, and return its token."""
        order = {
            "purpose": purpose,
            "brand": brand,
            "record_id": record_id,
            "fields": dict(fields),
            "modified_at": modified_at,
            "reference": reference,
            "idempotency_key": uuid.uuid4().hex,
        }
        return str(self._send("PUT", "/v1/records", order)["token"])

    def delete(self, brand: str, record_id: str, *, purpose: str, reference: str | None = None) -> None:
        """Note that a brand's system has deleted a record."""
        order = {
            "purpose": purpose,
            "brand": brand,
            "record_id": record_id,
            "reference": reference,
            "idempotency_key": uuid.uuid4().hex,
        }
        self.post("/v1/records/delete", order)

    def exchange(
        self, tokens: Sequence[str], application: str, *, purpose: str, reference: str | None = None
    ) -> list[str]:
        """Return the tokens under which `application` knows the same records."""
        order = {"purpose": purpose, "tokens": list(tokens), "application": application, "reference": reference}
        exchanged: list[str] = self.post("/v1/tokens/exchange", order)["tokens"]
        return exchanged

    def exposure(self, principal: str | None = None, *, purpose: str | None = None) -> Exposure:
        """Return what a credential could open at most if it were stolen now; one's own unless told."""
        answer = self._get("/v1/exposure", {"principal": principal, "purpose": purpose})
        return Exposure(answer["principal"], answer["ceiling"], answer["fields"], answer["windows"])

    def freeze(self, principal: str, *, purpose: str, reason: str) -> bool:
        """Freeze a principal everywhere; say whether it was not frozen before."""
        order = {"purpose": purpose, "principal": principal, "reason": reason}
        return not self.post("/v1/freeze", order)["was_frozen"]

    def request_release(
        self,
        kind: str,
        *,
        brand: str,
        fields: Sequence[str],
        recipient: str,
        recipient_key: str,
        facets: Mapping[str, str] | None = None,
        form: str = "csv",
        maximum: int | None = None,
        reference: str | None = None,
    ) -> Release:
        """Ask for approved bulk."""
        order = {
            "kind": kind,
            "brand": brand,
            "fields": list(fields),
            "recipient": recipient,
            "recipient_key": recipient_key,
            "facets": dict(facets or {}),
            "format": form,
            "maximum": maximum,
            "reference": reference,
        }
        return _release(self.post("/v1/releases", order, again=False))

    def approve_release(self, release: Release) -> Release:
        """Approve a release exactly as it was shown."""
        return _release(self.post("/v1/releases/approve", {"id": release.id, "digest": release.digest}))

    def release(self, name: str) -> Release:
        """Return a release that the caller asked for or may approve."""
        return _release(self._get("/v1/release", {"id": name}))

    def run_release(self, name: str) -> Run:
        """Have an approved release run by the service."""
        return _run(self.post("/v1/releases/run", {"id": name}, again=False))

    def release_run(self, name: str) -> Run:
        """Return how far a run is."""
        return _run(self._get("/v1/release/run", {"id": name}))

    def await_release(self, name: str, *, timeout_s: float = 3_600.0, every_s: float = 1.0) -> Run:
        """Wait until a run has ended, and return it.

        Raises:
            UnreachableError: It did not end within the time.
        """
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            run = self.release_run(name)
            if run.state in {"done", "failed"}:
                return run
            time.sleep(every_s)
        raise UnreachableError(f"the run of {name} did not end within {timeout_s} s")

    def download_release(self, name: str, target: Path) -> Run:
        """Write the finished file, still encrypted to the recipient; go on where an earlier download ended.

        The file appears under its name when it is whole and its SHA-256 is that which the service names.

        Raises:
            RefusedError: The run is not done, or the release is gone.
            UncheckableError: What came is not what the service named.
        """
        run = self.release_run(name)
        if run.state != "done":
            raise RefusedError(404, {"code": "not-found", "title": "the run is not done"}, None)
        download(lambda number: self._part(name, number), run, target)
        return run

    def report_access(
        self,
        tokens: Sequence[str],
        *,
        purpose: str,
        reference: str | None = None,
        start: str | None = None,
        end: str | None = None,
        timeout_s: float = 600.0,
    ) -> Mapping[str, Any]:
        """Return who opened the records of one person, each line with its proof, as the service writes it.

        The service looks through all that was ever opened, which takes up to half a minute where that is millions of
        times; `timeout_s` is how long to wait for it. A connection that breaks meanwhile is not tried again.
        """
        order = {"purpose": purpose, "tokens": list(tokens), "reference": reference, "start": start, "end": end}
        found: Mapping[str, Any] = self.post("/v1/access-report", order, again=False, timeout_s=timeout_s)
        return found

    def session(self) -> Mapping[str, Any]:
        """Return the session that signs the requests of this client."""
        found: Mapping[str, Any] = self._get("/v1/session", {})
        return found

    def sessions(self, principal: str | None = None, *, purpose: str | None = None) -> list[Mapping[str, Any]]:
        """Return living sessions, one's own unless told."""
        found: list[Mapping[str, Any]] = self._get("/v1/sessions", {"principal": principal, "purpose": purpose})[
            "sessions"
        ]
        return found

    def revoke_sessions(
        self, *, session: str | None = None, principal: str | None = None, purpose: str | None = None
    ) -> list[str]:
        """End sessions everywhere; the one of this client unless told. Return those that ended now."""
        order = {"session": session, "principal": principal, "purpose": purpose}
        ended: list[str] = self.post("/v1/sessions/revoke", order)["sessions"]
        return ended

    def passkeys(self, *, purpose: str | None = None) -> list[Mapping[str, Any]]:
        """Return one's own passkeys, or everybody's with a purpose that allows it."""
        found: list[Mapping[str, Any]] = self._get("/v1/passkeys", {"purpose": purpose})["passkeys"]
        return found

    def approve_passkey(self, name: str, fingerprint: str, *, purpose: str | None = None) -> Mapping[str, Any]:
        """Approve exactly the passkey of that fingerprint."""
        order = {"id": name, "fingerprint": fingerprint, "purpose": purpose}
        found: Mapping[str, Any] = self.post("/v1/passkeys/approve", order)
        return found

    def revoke_passkey(self, name: str, *, purpose: str | None = None) -> Mapping[str, Any]:
        """Let a passkey sign nobody in any more."""
        found: Mapping[str, Any] = self.post("/v1/passkeys/revoke", {"id": name, "purpose": purpose})
        return found

    def releases(self) -> list[Release]:
        """Return the releases that the caller asked for or may approve, newest first."""
        return [_release(item) for item in self._get("/v1/releases", {})["releases"]]

    def post(self, path: str, order: Mapping[str, Any], *, again: bool = True, timeout_s: float | None = None) -> Any:
        """Return the answer to any order; those with a method of their own are asked through it.

        Args:
            path: Such as ``/v1/reveal``.
            order: Its members; those that are None are left out.
            again: Whether trying again is harmless.
            timeout_s: How long to wait for the answer; as long as for any other unless told.

        Raises:
            RefusedError: The service said no.
            UnreachableError: It did not answer.
        """
        return self._send("POST", path, order, again=again, timeout_s=timeout_s)

    def _send(
        self,
        method: str,
        path: str,
        order: Mapping[str, Any],
        *,
        again: bool = True,
        timeout_s: float | None = None,
    ) -> Any:
        body = msgspec.json.encode({name: value for name, value in order.items() if value is not None})
        return msgspec.json.decode(self._fetch(method, path, "", body, again=again, timeout_s=timeout_s))

    def _get(self, path: str, query: Mapping[str, str | None]) -> Any:
        text = urlencode({name: value for name, value in query.items() if value is not None})
        return msgspec.json.decode(self._fetch("GET", path, text, b"", again=True))

    def _part(self, name: str, number: int) -> bytes:
        text = urlencode({"id": name, "part": number})
        return self._fetch("GET", "/v1/release/part", text, b"", again=True)

    def _fetch(
        self, method: str, path: str, query: str, body: bytes, *, again: bool, timeout_s: float | None = None
    ) -> bytes:
        attempt = 0
        while True:
            attempt += 1
            last = attempt >= self._attempts
            try:
                request = self._signed(method, path, query, body)
                if timeout_s is not None:
                    request.extensions["timeout"] = httpx.Timeout(timeout_s).as_dict()
                response = self._http.send(request)
            except httpx.HTTPError as error:
                if last or not again:
                    raise UnreachableError(f"the service does not answer: {type(error).__name__}") from error
                _pause(attempt, None)
                continue
            if response.is_success:
                return response.content
            refused = _refused(response)
            if refused.code not in _AGAIN or last:
                raise refused
            _pause(attempt, refused.retry_after_s)

    def _signed(self, method: str, path: str, query: str, body: bytes) -> httpx.Request:
        """Return the request, signed anew: a signature serves once."""
        digest = content_digest(body) if body else None
        message = Message(method, self._authority, path, f"?{query}", digest)
        fields = sign_request(message, key_id=self._credential.id, key=self._credential.key, created=int(time.time()))
        if digest is not None:
            fields |= {"content-digest": digest, "content-type": "application/json"}
        return self._http.build_request(method, f"{path}?{query}" if query else path, content=body, headers=fields)


def _pause(attempt: int, retry_after_s: int | None) -> None:
    # Spread out, so that clients that were turned away together do not come back together.
    time.sleep(max(retry_after_s or 0, 0.05 * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret


def _refused(response: httpx.Response) -> RefusedError:
    try:
        problem = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        problem = {"code": "internal", "title": f"status {response.status_code}"}
    after = response.headers.get("retry-after", "")
    return RefusedError(response.status_code, problem, int(after) if after.isdigit() else None)


def _release(document: Mapping[str, Any]) -> Release:
    return Release(document["id"], document["state"], document["digest"], document)


def _run(document: Mapping[str, Any]) -> Run:
    return Run(
        document["id"],
        document["state"],
        document["failure"],
        document["rows_done"],
        document["records"],
        document["parts"],
        document["bytes"],
        document["file_sha256"],
    )
