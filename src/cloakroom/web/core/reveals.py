"""The reveals of a batch: one admission, one transaction, one wait for the disk; opened when there is time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.opening import Openers
from cloakroom.flows.records.reveal import RevealRequest, admit_reveals
from cloakroom.vault.tokens import TokenCodec
from cloakroom.web.api.problems import problem
from cloakroom.web.api.requests.records import Reveal
from cloakroom.web.core.batch import Batch
from cloakroom.web.core.opened_store import OpenedStore
from cloakroom.web.core.openings import Openings


def admit(
    store: OpenedStore,
    batch: Batch,
    callers: Mapping[int, Caller],
    openings: Openings,
    refreshed: Callable[[], Openers],
) -> None:
    """Admit the reveals of a batch, and promise their answers to whoever finishes `openings`.

    Args:
        store: The store.
        batch: The batch.
        callers: Those whose requests have no answer yet, by place.
        openings: Takes what is admitted.
        refreshed: Gives the openers of a key ring read anew.

    Raises:
        StoreError: The store does not answer.
    """
    prepared = {}
    for at, caller in callers.items():
        request = batch.items[at].request
        if isinstance(request, Reveal):
            codec = store.codec(caller.token_scope)
            if codec is None:
                batch.answers[at] = problem("unavailable", retry_after_s=1)
            else:
                prepared[at] = _prepared(caller, request, codec)
    if not prepared:
        return
    application = store.application
    admitted = admit_reveals(
        list(prepared.values()),
        gatekeeper=application.gatekeeper,
        catalogue=application.catalogue,
        openers=application.openers,
    )
    admitted_at = application.now()  # May ask the store, hence fail; from the next line on answers are promised.
    batch.later.update(prepared)
    openings.add(admitted, list(prepared), admitted_at, batch.deliver, refreshed)


def _prepared(caller: Caller, request: Reveal, codec: TokenCodec) -> RevealRequest:
    return RevealRequest(
        principal=caller.principal,
        tokens=request.tokens,
        codec=codec,
        fields=frozenset(request.fields),
        purpose=request.purpose,
        reference=request.reference,
        address=caller.address,
        credential=caller.credential,
    )
