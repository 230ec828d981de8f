"""Problem details (RFC 9457): stable codes, fixed texts, nothing about anybody's records.

A problem never says whether a record exists. "No such record" and "not yours" are one code with one text; the finer
reason of the gate is given only where it follows from the request and the policy alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

MEDIA_TYPE = b"application/problem+json"
TYPE = "https://cloakroom.example/problems/"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its status and its title."""

    status: int
    title: str


KINDS: dict[str, Kind] = {
    "bad-signature": Kind(401, "The request is not signed by a credential that is enrolled here."),
    "body-digest": Kind(401, "Content-Digest is not that of the body."),
    "broken-history": Kind(500, "What was opened before does not read; the operator has to look into it."),
    "broken-record": Kind(500, "A stored record does not open; the operator has to look into it."),
    "budget": Kind(429, "The budget does not hold that many further records now."),
    "busy": Kind(503, "The service has more work than it can do; try again."),
    "clock": Kind(401, "The signature's times are not acceptable; check the clock."),
    "conflict": Kind(409, "The idempotency key was used for another request, or somebody else was first."),
    "exhausted": Kind(409, "The release was run, or it cannot be approved any more."),
    "expired": Kind(401, "The credential has expired, was revoked, or has lapsed because nobody used it."),
    "frozen": Kind(403, "The credential is frozen."),
    "internal": Kind(500, "The request could not be answered."),
    "late": Kind(408, "The request did not come in within its time."),
    "malformed": Kind(400, "The request is not what this endpoint takes."),
    "malformed-signature": Kind(401, "The signature fields are not of the profile that this service takes."),
    "method-not-allowed": Kind(405, "This path does not take this method."),
    "not-found": Kind(404, "There is nothing here for this caller."),
    "payment-data": Kind(422, "A value holds payment data, which does not belong here."),
    "policy": Kind(403, "The policy does not allow it."),
    "replayed": Kind(401, "This request was presented before."),
    "sign-in": Kind(401, "The sign-in was not accepted; begin anew."),
    "too-large": Kind(413, "The request is too large."),
    "too-many": Kind(422, "Too many records share this value; it is a placeholder, not an answer."),
    "unavailable": Kind(503, "The store does not answer; nothing was opened."),
    "unsigned": Kind(401, "The request is not signed."),
    "waiting": Kind(429, "Too many requests of this principal wait already."),
    "wrong-host": Kind(421, "This service does not answer for that host."),
}
"""Every code that this service gives."""

_GATE_CODES = {
    "exhausted": "exhausted",
    "frozen": "frozen",
    "budget": "budget",
    "broken-history": "broken-history",
    "expired": "expired",
    "not-yet-valid": "expired",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A response.

    Attributes:
        status: HTTP status.
        body: The content.
        media_type: Its media type.
        headers: Further fields, lower case.
        code: The problem's code, or empty.
    """

    status: int
    body: bytes
    media_type: bytes = b"application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str = ""


def problem(code: str, detail: str = "", *, reason: str = "", retry_after_s: int | None = None) -> Answer:
    """Return the answer for a problem.

    Args:
        code: One of `KINDS`.
        detail: A sentence that follows from the request alone; never a value.
        reason: The gate's own code, where it may be told.
        retry_after_s: When to try again.
    """
    kind = KINDS[code]
    document: dict[str, object] = {"type": TYPE + code, "title": kind.title, "status": kind.status, "code": code}
    if detail:
        document["detail"] = detail
    if reason:
        document["reason"] = reason
    headers = {} if retry_after_s is None else {"retry-after": str(max(1, retry_after_s))}
    return Answer(kind.status, msgspec.json.encode(document), MEDIA_TYPE, headers, code)


def denial(gate_code: str, *, retry_after_s: int | None = None) -> Answer:
    """Return the answer for what the gate denied."""
    code = _GATE_CODES.get(gate_code)
    if code is not None:
        return problem(code, retry_after_s=retry_after_s)
    return problem("policy", reason=gate_code)
