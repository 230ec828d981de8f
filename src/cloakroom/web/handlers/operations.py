"""Everything that is asked rarely: each operation decides by the policy first, then does its work.

A function here takes the application, the service's own store, the caller and the order, and returns an answer or
raises one of `cloakroom.errors`; `failure` says what each error is answered with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cloakroom.adapters.postgres.release_store import StoredRelease
from cloakroom.adapters.postgres.service_store import Presented, ServiceStore
from cloakroom.clock import format_time, from_microseconds
from cloakroom.errors import (
    CloakroomError,
    ConflictError,
    DeniedError,
    InputError,
    LimitError,
    OpenError,
    UncheckableError,
    UsageError,
)
from cloakroom.gate.decision import Principal
from cloakroom.gate.exposure import Bound
from cloakroom.gate.policy import Operation
from cloakroom.gate.releases import ReleaseContent
from cloakroom.use_cases.ledger.files import prove_entry
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.people.exposure import exposure_of
from cloakroom.use_cases.records.exchanging import exchange
from cloakroom.use_cases.records.writing import KeysInMotion, RecordWrite, write_record
from cloakroom.use_cases.releases import requests as release_requests
from cloakroom.use_cases.releases.requests import release_document
from cloakroom.web.api import requests as orders
from cloakroom.web.api.problems import Answer, problem, refusal
from cloakroom.wiring import Application

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the store knows it at this moment.

    Attributes:
        presented: The credential and its principal.
        address: Network address; None on the machine itself.
    """

    presented: Presented
    address: str | None

    @property
    def principal(self) -> Principal:
        """The principal."""
        return self.presented.stored.principal

    @property
    def authenticated(self) -> principals.Authenticated:
        """The principal and its credential, as the flows take them."""
        return principals.Authenticated(self.presented.stored, self.credential)

    @property
    def credential(self) -> str:
        """Id of the credential."""
        return self.presented.credential.id


Do = Callable[[Application, ServiceStore, Caller, Any], Answer]


def failure(error: CloakroomError) -> Answer:
    """Return the answer for an error."""
    if isinstance(error, DeniedError):
        return problem("not-found") if error.code in {"unknown", "not-found"} else refusal(error.code)
    if isinstance(error, InputError):
        reasons = [item.reason for item in error.problems]
        code = "payment-data" if any(_PAYMENT in reason for reason in reasons) else "malformed"
        return problem(code, "; ".join(f"{item.position.field}: {item.reason}" for item in error.problems[:20]))
    code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), "internal")
    return problem(code, retry_after_s=5 if code == "busy" else None)


_PAYMENT = "which does not belong in a customer system"

_CODES: dict[type[CloakroomError], str] = {
    KeysInMotion: "busy",
    ConflictError: "conflict",
    OpenError: "broken-record",
    LimitError: "too-large",
    UncheckableError: "not-found",
    UsageError: "malformed",
}


def authorise(
    application: Application,
    caller: Caller,
    operation: Operation,
    purpose: str,
    *,
    brands: frozenset[str] = frozenset(),
    reference: str | None = None,
) -> None:
    """Refuse what the policy does not allow, or what a frozen credential asks, with an entry.

    Raises:
        DeniedError: It is refused.
    """
    application.authoriser.authorise(
        caller.authenticated.caller(caller.address), operation, purpose, brands=brands, reference=reference
    )


def show_exposure(application: Application, _: ServiceStore, caller: Caller, order: orders.ShowExposure) -> Answer:
    """Show the ceiling of a credential."""
    name = order.principal or caller.principal.id
    if name != caller.principal.id:
        if order.purpose is None:
            return problem("malformed", "the exposure of somebody else needs a purpose")
        authorise(application, caller, Operation.EXPOSURE, order.purpose)
    found = exposure_of(application, name)
    fields = {field: str(form) for field, form in found.fields.items()}
    windows = [_bound(bound) for bound in found.bounds]
    return Answer(200, _encode(orders.ShownExposure(found.principal, found.ceiling, fields, windows)))


def _bound(bound: Bound) -> orders.ExposureBound:
    return orders.ExposureBound(
        window=str(bound.window),
        until=None if bound.until is None else format_time(from_microseconds(bound.until)),
        records=bound.records,
        in_full=bound.in_full,
        never_opened=bound.never_opened,
        probes=bound.probes,
        classes={str(kind): count for kind, count in bound.classes.items()},
        brands=dict(bound.brands),
    )


def freeze(application: Application, _: ServiceStore, caller: Caller, order: orders.Freeze) -> Answer:
    """Freeze a lineage."""
    authorise(application, caller, Operation.FREEZE, order.purpose)
    done = principals.freeze(application, order.principal, by=caller.principal.id, reason=order.reason)
    return Answer(200, _encode(orders.Frozen(order.principal, not done)))


def read_checkpoint(
    application: Application, _: ServiceStore, caller: Caller, order: orders.ReadCheckpoint
) -> Answer:
    """Give out the newest checkpoint."""
    authorise(application, caller, Operation.LEDGER, order.purpose)
    checkpoint = application.log.latest_checkpoint()
    if checkpoint is None:
        return problem("not-found")
    return Answer(200, checkpoint.note, b"text/plain; charset=utf-8", {"cache-control": "no-store"})


def read_tile(application: Application, _: ServiceStore, caller: Caller, order: orders.ReadTile) -> Answer:
    """Give out a tile or bundle."""
    authorise(application, caller, Operation.LEDGER, order.purpose)
    row = application.connection.execute("select data from tile where path = %s", (order.path,)).fetchone()
    return problem("not-found") if row is None else Answer(200, row[0], b"application/octet-stream")


def prove(application: Application, _: ServiceStore, caller: Caller, order: orders.ProveEntry) -> Answer:
    """Give out a proof file."""
    authorise(application, caller, Operation.LEDGER, order.purpose)
    proof, _checkpoint = prove_entry(application, order.leaf_index)
    return Answer(200, proof.render(), b"text/plain; charset=utf-8")


def write(application: Application, _: ServiceStore, caller: Caller, order: orders.WriteRecord) -> Answer:
    """Create a record or replace its values."""
    token = _write(application, caller, order, order.fields, order.modified_at, deleted=False)
    return Answer(200, _encode(orders.Written(token)))


def delete(application: Application, _: ServiceStore, caller: Caller, order: orders.DeleteRecord) -> Answer:
    """Note that a record is gone."""
    _write(application, caller, order, {}, None, deleted=True)
    return Answer(200, _encode(orders.Deleted(done=True)))


def _write(
    application: Application,
    caller: Caller,
    order: orders.WriteRecord | orders.DeleteRecord,
    fields: Mapping[str, str],
    modified_at: str | None,
    *,
    deleted: bool,
) -> str:
    authorise(
        application,
        caller,
        Operation.WRITE,
        order.purpose,
        brands=frozenset({order.brand}),
        reference=order.reference,
    )
    return write_record(
        application,
        caller.authenticated,
        RecordWrite(order.brand, order.record_id, fields, modified_at, deleted),
        purpose=order.purpose,
        key=order.idempotency_key,
        request=_encode(order),
        reference=order.reference,
    )


def exchange_tokens(application: Application, _: ServiceStore, caller: Caller, order: orders.Exchange) -> Answer:
    """Turn tokens into those of another application."""
    tokens = exchange(
        application,
        caller.authenticated,
        order.tokens,
        order.application,
        purpose=order.purpose,
        reference=order.reference,
        address=caller.address,
    )
    return Answer(200, _encode(orders.Exchanged(tokens)))


def request(application: Application, _: ServiceStore, caller: Caller, order: orders.RequestRelease) -> Answer:
    """Ask for a release."""
    kind = application.configuration.policy.releases.get(order.kind)
    content = ReleaseContent(
        kind=order.kind,
        brand=order.brand,
        fields=tuple(sorted(set(order.fields))),
        facets=order.facets,
        recipient=order.recipient,
        recipient_key=order.recipient_key,
        form=order.format,
        maximum=order.maximum or (kind.max_records if kind is not None else 1),
        reference=order.reference or "",
    )
    found = release_requests.request_release(application, caller.authenticated, content, address=caller.address)
    return Answer(200, _encode(_shown(application, found)))


def approve(application: Application, _: ServiceStore, caller: Caller, order: orders.ApproveRelease) -> Answer:
    """Approve a release."""
    who, address = caller.authenticated, caller.address
    release_requests.visible_release(application, who, order.id, address=address)
    found = release_requests.approve_release(application, who, order.id, order.digest, address=address)
    return Answer(200, _encode(_shown(application, found)))


def show_release(application: Application, _: ServiceStore, caller: Caller, order: orders.ShowRelease) -> Answer:
    """Show a release."""
    found = release_requests.visible_release(application, caller.authenticated, order.id, address=caller.address)
    return Answer(200, _encode(_shown(application, found)))


def list_releases(application: Application, _: ServiceStore, caller: Caller, __: orders.ListReleases) -> Answer:
    """List releases."""
    found = release_requests.visible_releases(application, caller.authenticated, address=caller.address)
    return Answer(200, _encode(orders.ReleaseList([_shown(application, item) for item in found])))


def _shown(application: Application, found: StoredRelease) -> orders.ReleaseDocument:
    return msgspec.convert(release_document(found, application.configuration.policy), orders.ReleaseDocument)


OPERATIONS: Mapping[type[orders.Order], Do] = {
    orders.ApproveRelease: approve,
    orders.DeleteRecord: delete,
    orders.Exchange: exchange_tokens,
    orders.Freeze: freeze,
    orders.ListReleases: list_releases,
    orders.ProveEntry: prove,
    orders.ReadCheckpoint: read_checkpoint,
    orders.ReadTile: read_tile,
    orders.RequestRelease: request,
    orders.ShowExposure: show_exposure,
    orders.ShowRelease: show_release,
    orders.WriteRecord: write,
}
"""What does the work of each order that is not worked off in batches."""
