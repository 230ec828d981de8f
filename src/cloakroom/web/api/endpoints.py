"""The paths of the service, and what each takes and gives. The OpenAPI description is made from this table."""

from __future__ import annotations

from dataclasses import dataclass

from cloakroom.web.api import people_requests as people
from cloakroom.web.api import requests as orders

_COMMON = (
    *("bad-signature", "body-digest", "busy", "clock", "expired", "frozen", "internal", "malformed"),
    *("malformed-signature", "policy", "replayed", "too-large", "unavailable", "unsigned", "waiting", "wrong-host"),
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation of the service.

    Attributes:
        name: Its stable name, also in metrics.
        method: HTTP method.
        path: Path with parameters in braces; those of GET come from the path and the query, others from the body.
        order: What it takes.
        gives: What it gives, or the media type of what is not JSON.
        codes: Problems it can give besides the common ones.
        takes_long: Whether it reads so much that no other request may wait; see `core_processes.run_reports`.
    """

    name: str
    method: str
    path: str
    order: type[orders.Order]
    gives: type | str
    codes: tuple[str, ...] = ()
    takes_long: bool = False

    @property
    def problems(self) -> tuple[str, ...]:
        """Return every problem that it can give."""
        return tuple(sorted({*_COMMON, *self.codes}))


ENDPOINTS = (
    Endpoint(
        "reveal", "POST", "/v1/reveal", orders.Reveal, orders.Revealed, ("broken-history", "broken-record", "budget")
    ),
    Endpoint("find", "POST", "/v1/find", orders.Find, orders.Found, ("broken-history", "budget", "too-many")),
    Endpoint("write", "PUT", "/v1/records", orders.WriteRecord, orders.Written, ("conflict", "payment-data")),
    Endpoint("delete", "POST", "/v1/records/delete", orders.DeleteRecord, orders.Deleted, ("conflict",)),
    Endpoint(
        "exchange", "POST", "/v1/tokens/exchange", orders.Exchange, orders.Exchanged, ("broken-history", "budget")
    ),
    Endpoint(
        "exposure",
        "GET",
        "/v1/exposure",
        orders.ShowExposure,
        orders.ShownExposure,
        ("not-found",),
        takes_long=True,  # counts the records of each brand
    ),
    Endpoint("freeze", "POST", "/v1/freeze", orders.Freeze, orders.Frozen, ("not-found",)),
    Endpoint("request-release", "POST", "/v1/releases", orders.RequestRelease, orders.ReleaseDocument),
    Endpoint("releases", "GET", "/v1/releases", orders.ListReleases, orders.ReleaseList),
    Endpoint("release", "GET", "/v1/release", orders.ShowRelease, orders.ReleaseDocument, ("not-found",)),
    Endpoint(
        "approve-release",
        "POST",
        "/v1/releases/approve",
        orders.ApproveRelease,
        orders.ReleaseDocument,
        ("exhausted", "not-found"),
    ),
    Endpoint("checkpoint", "GET", "/v1/ledger/checkpoint", orders.ReadCheckpoint, "text/plain", ("not-found",)),
    Endpoint("tile", "GET", "/v1/ledger/tile", orders.ReadTile, "application/octet-stream", ("not-found",)),
    Endpoint("proof", "GET", "/v1/ledger/proof", orders.ProveEntry, "text/plain", ("not-found",)),
    Endpoint("sign-in", "GET", "/v1/sign-in", people.ShowSignIn, people.SignInOffer),
    Endpoint(
        "begin-passkey", "POST", "/v1/sign-in/passkey/begin", people.BeginPasskey, people.BegunPasskey, ("sign-in",)
    ),
    Endpoint(
        "finish-passkey",
        "POST",
        "/v1/sign-in/passkey/finish",
        people.FinishPasskey,
        people.SessionDocument,
        ("sign-in",),
    ),
    Endpoint(
        "begin-openid", "POST", "/v1/sign-in/openid/begin", people.BeginOpenID, people.BegunOpenID, ("sign-in",)
    ),
    Endpoint(
        "finish-openid",
        "POST",
        "/v1/sign-in/openid/finish",
        people.FinishOpenID,
        people.CollectedOpenID,
        ("sign-in",),
    ),
    Endpoint(
        "collect-openid",
        "POST",
        "/v1/sign-in/openid/collect",
        people.CollectOpenID,
        people.CollectedOpenID,
        ("sign-in",),
    ),
    Endpoint(
        "begin-enrolment", "POST", "/v1/passkeys/begin", people.BeginEnrolment, people.BegunEnrolment, ("sign-in",)
    ),
    Endpoint(
        "finish-enrolment",
        "POST",
        "/v1/passkeys/finish",
        people.FinishEnrolment,
        people.PasskeyDocument,
        ("sign-in",),
    ),
    Endpoint("passkeys", "GET", "/v1/passkeys", people.ListPasskeys, people.PasskeyList),
    Endpoint(
        "approve-passkey",
        "POST",
        "/v1/passkeys/approve",
        people.ApprovePasskey,
        people.PasskeyDocument,
        ("exhausted", "not-found"),
    ),
    Endpoint(
        "revoke-passkey", "POST", "/v1/passkeys/revoke", people.RevokePasskey, people.PasskeyDocument, ("not-found",)
    ),
    Endpoint("session", "GET", "/v1/session", people.ShowSession, people.SessionDocument, ("not-found",)),
    Endpoint("sessions", "GET", "/v1/sessions", people.ListSessions, people.SessionList),
    Endpoint(
        "revoke-sessions",
        "POST",
        "/v1/sessions/revoke",
        people.RevokeSessions,
        people.RevokedSessions,
        ("not-found",),
    ),
    Endpoint(
        "access-report", "POST", "/v1/access-report", people.ReportAccess, people.ReportedAccess, takes_long=True
    ),
    Endpoint(
        "run-release",
        "POST",
        "/v1/releases/run",
        people.RunRelease,
        people.ReleaseProgress,
        ("exhausted", "not-found"),
    ),
    Endpoint("release-run", "GET", "/v1/release/run", people.ShowReleaseRun, people.ReleaseProgress, ("not-found",)),
    Endpoint(
        "release-part",
        "GET",
        "/v1/release/part",
        people.ReadReleasePart,
        "application/octet-stream",
        ("not-found",),
    ),
)
