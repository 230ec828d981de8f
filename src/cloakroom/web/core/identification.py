"""Identify who asks: claim nonces, read credentials, and reject what either forbids."""

from __future__ import annotations

from cloakroom.adapters.postgres.service_store import Presented
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.web.api.problems import denial, problem
from cloakroom.web.api.requests.elements import UnenrolledRequest
from cloakroom.web.core.batch import Batch
from cloakroom.web.core.opened_store import OpenedStore
from cloakroom.web.core.pending import PendingRequest
from cloakroom.web.core.rejections import RejectionCounts
from cloakroom.web.core.unenrolled_requests import answer_unenrolled

NONCE_SECONDS = 60
"""By how much a nonce is remembered longer than its signature is valid, whatever the clocks of nodes say."""


def identify(store: OpenedStore, batch: Batch, rejections: RejectionCounts) -> dict[int, Caller]:
    """Claim the nonces of a batch, read the credentials presented, and return the callers by place.

    Everything else of the batch has its answer afterwards: replays, credentials that are gone or serve no more, and
    those who sign in with a key that nobody enrolled.

    Raises:
        StoreError: The store does not answer.
    """
    signatures = [item.signature for item in batch.items]
    fresh, presented = store.service.claim(
        [signature.key_id for signature in signatures],
        [signature.nonce for signature in signatures],
        [signature.expires + NONCE_SECONDS for signature in signatures],
    )
    now = store.application.now()
    callers: dict[int, Caller] = {}
    seen: set[tuple[str, str]] = set()
    for at, item in enumerate(batch.items):
        found = presented.get(item.signature.key_id)
        claimed = (item.signature.key_id, item.signature.nonce)
        if at not in fresh or claimed in seen:
            code = "replayed"
        elif found is None and isinstance(item.request, UnenrolledRequest):
            seen.add(claimed)
            batch.answers[at] = answer_unenrolled(store.application, rejections, item)
            continue
        else:
            code = _refusal(item, found, now)
            if found is not None and not code:
                seen.add(claimed)
                callers[at] = _caller(found, item.address)
                continue
        rejections.add(code, item.signature.key_id if found is not None else "")
        batch.answers[at] = denial(code) if code == "network" else problem(code)
    return callers


def _caller(found: Presented, address: str | None) -> Caller:
    return Caller(found.stored.principal, found.credential.id, found.stored.token_scope, address)


def _refusal(item: PendingRequest, found: Presented | None, now: int) -> str:
    """Return why a credential does not serve a request; empty where it does."""
    if found is None or isinstance(item.request, UnenrolledRequest):
        return "bad-signature"
    if found.credential.has_lapsed(now):
        return "expired"
    if not found.credential.serves_from(item.address):
        return "network"
    return ""
