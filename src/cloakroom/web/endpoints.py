"""The paths of the service, and what each takes and gives. The OpenAPI description is made from this table."""

from __future__ import annotations

from dataclasses import dataclass

from cloakroom.web import orders

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
    """

    name: str
    method: str
    path: str
    order: type[orders.Order]
    gives: type | str
    codes: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """Return every problem that it can give."""
        return tuple(sorted({*_COMMON, *self.codes}))


ENDPOINTS = (
    Endpoint("reveal", "POST", "/v1/reveal", orders.Reveal, orders.Revealed, ("broken-record", "budget")),
    Endpoint("find", "POST", "/v1/find", orders.Find, orders.Found, ("budget", "too-many")),
    Endpoint("write", "PUT", "/v1/records", orders.WriteRecord, orders.Written, ("conflict", "payment-data")),
    Endpoint("delete", "POST", "/v1/records/delete", orders.DeleteRecord, orders.Deleted, ("conflict",)),
    Endpoint("exchange", "POST", "/v1/tokens/exchange", orders.Exchange, orders.Exchanged, ("budget",)),
    Endpoint("exposure", "GET", "/v1/exposure", orders.ShowExposure, orders.ShownExposure, ("not-found",)),
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
)
