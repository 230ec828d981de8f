"""The paths of the service, and what each takes and gives. The OpenAPI description is made from this table."""

from __future__ import annotations

from dataclasses import dataclass

from cloakroom.web.api.requests import ledger, people, records, releases, sign_in
from cloakroom.web.api.requests.elements import Request

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
        request: What it takes.
        answer: What it gives, or the media type of what is not JSON.
        codes: Problems it can give besides the common ones.
        takes_long: Whether it reads so much that no other request may wait; see `store_processes.run_reports`.
    """

    name: str
    method: str
    path: str
    request: type[Request]
    answer: type | str
    codes: tuple[str, ...] = ()
    takes_long: bool = False

    @property
    def problems(self) -> tuple[str, ...]:
        """Return every problem that it can give."""
        return tuple(sorted({*_COMMON, *self.codes}))


ENDPOINTS = (
    Endpoint(
        "reveal",
        "POST",
        "/v1/reveal",
        records.Reveal,
        records.Revealed,
        ("broken-history", "broken-record", "budget"),
    ),
    Endpoint("find", "POST", "/v1/find", records.Find, records.Found, ("broken-history", "budget", "too-many")),
    Endpoint("write", "PUT", "/v1/records", records.WriteRecord, records.Written, ("conflict", "payment-data")),
    Endpoint("delete", "POST", "/v1/records/delete", records.DeleteRecord, records.Deleted, ("conflict",)),
    Endpoint(
        "exchange", "POST", "/v1/tokens/exchange", records.Exchange, records.Exchanged, ("broken-history", "budget")
    ),
    Endpoint(
        "exposure",
        "GET",
        "/v1/exposure",
        people.ShowExposure,
        people.ShownExposure,
        ("not-found",),
        takes_long=True,  # counts the records of each brand
    ),
    Endpoint("freeze", "POST", "/v1/freeze", people.Freeze, people.Frozen, ("not-found",)),
    Endpoint("request-release", "POST", "/v1/releases", releases.RequestRelease, releases.ReleaseDocument),
    Endpoint("releases", "GET", "/v1/releases", releases.ListReleases, releases.ReleaseList),
    Endpoint("release", "GET", "/v1/release", releases.ShowRelease, releases.ReleaseDocument, ("not-found",)),
    Endpoint(
        "approve-release",
        "POST",
        "/v1/releases/approve",
        releases.ApproveRelease,
        releases.ReleaseDocument,
        ("exhausted", "not-found"),
    ),
    Endpoint("checkpoint", "GET", "/v1/ledger/checkpoint", ledger.ReadCheckpoint, "text/plain", ("not-found",)),
    Endpoint("tile", "GET", "/v1/ledger/tile", ledger.ReadTile, "application/octet-stream", ("not-found",)),
    Endpoint("proof", "GET", "/v1/ledger/proof", ledger.ProveEntry, "text/plain", ("not-found",)),
    Endpoint("sign-in", "GET", "/v1/sign-in", sign_in.ShowSignIn, sign_in.SignInOffer),
    Endpoint(
        "begin-passkey", "POST", "/v1/sign-in/passkey/begin", sign_in.BeginPasskey, sign_in.BegunPasskey, ("sign-in",)
    ),
    Endpoint(
        "finish-passkey",
        "POST",
        "/v1/sign-in/passkey/finish",
        sign_in.FinishPasskey,
        people.SessionDocument,
        ("sign-in",),
    ),
    Endpoint(
        "begin-openid", "POST", "/v1/sign-in/openid/begin", sign_in.BeginOpenID, sign_in.BegunOpenID, ("sign-in",)
    ),
    Endpoint(
        "finish-openid",
        "POST",
        "/v1/sign-in/openid/finish",
        sign_in.FinishOpenID,
        sign_in.CollectedOpenID,
        ("sign-in",),
    ),
    Endpoint(
        "collect-openid",
        "POST",
        "/v1/sign-in/openid/collect",
        sign_in.CollectOpenID,
        sign_in.CollectedOpenID,
        ("sign-in",),
    ),
    Endpoint(
        "begin-enrolment", "POST", "/v1/passkeys/begin", sign_in.BeginEnrolment, sign_in.BegunEnrolment, ("sign-in",)
    ),
    Endpoint(
        "finish-enrolment",
        "POST",
        "/v1/passkeys/finish",
        sign_in.FinishEnrolment,
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
        "access-report", "POST", "/v1/access-report", ledger.ReportAccess, ledger.ReportedAccess, takes_long=True
    ),
    Endpoint(
        "run-release",
        "POST",
        "/v1/releases/run",
        releases.RunRelease,
        releases.ReleaseProgress,
        ("exhausted", "not-found"),
    ),
    Endpoint(
        "release-run", "GET", "/v1/release/run", releases.ShowReleaseRun, releases.ReleaseProgress, ("not-found",)
    ),
    Endpoint(
        "release-part",
        "GET",
        "/v1/release/part",
        releases.ReadReleasePart,
        "application/octet-stream",
        ("not-found",),
    ),
)
