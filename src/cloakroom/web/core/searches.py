"""The searches of a batch: one admission, one transaction, one wait for the disk."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from pyroaring import BitMap

from cloakroom.errors import InputError
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.admission.gatekeeper import Gatekeeper
from cloakroom.flows.admission.request import AdmissionRequest
from cloakroom.flows.records.find import FindAnswer, FindRequest, find, normal_form
from cloakroom.gate.decision import Principal, roles_of
from cloakroom.gate.policy import EVERY_BRAND, Policy
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vocabulary import Operation
from cloakroom.web.api.problems import Answer, denial, problem
from cloakroom.web.api.requests.records import Find, Found
from cloakroom.web.core.answering import seconds_until
from cloakroom.web.core.batch import Batch
from cloakroom.web.core.opened_store import OpenedStore

_encode = msgspec.json.Encoder().encode


def search(store: OpenedStore, batch: Batch, callers: Mapping[int, Caller]) -> None:
    """Answer the searches of a batch.

    Raises:
        StoreError: The store does not answer.
    """
    requests, places = [], []
    for at, caller in callers.items():
        request = batch.items[at].request
        if isinstance(request, Find):
            prepared = _prepare(store, caller, request)
            if isinstance(prepared, Answer):
                batch.answers[at] = prepared
            else:
                places.append(at)
                requests.append(prepared)
    if not requests:
        return
    application = store.application
    found = find(
        requests,
        gatekeeper=application.gatekeeper,
        catalogue=application.catalogue,
        digests=application.digests,
        index_reader=application.vault,
    )
    now = application.now()
    for at, answer in zip(places, found, strict=True):
        batch.answers[at] = _shown(answer, now)


def _prepare(store: OpenedStore, caller: Caller, request: Find) -> FindRequest | Answer:
    """Return what the flow takes, or the answer to a search that does not get there."""
    application = store.application
    codec = store.codec(caller.token_scope)
    if codec is None:
        return problem("unavailable", retry_after_s=1)
    brands = request.brands or _reach(application.configuration.policy, application.catalogue, caller.principal)
    if not brands or any(brand not in application.catalogue.brands for brand in brands):
        return _refuse_brand(application.gatekeeper, caller, request)
    try:
        normal_form(application.catalogue, request.by, request.value, request.country)
    except InputError:
        return problem("malformed", "no such index, or not a value of its kind")
    return FindRequest(
        principal=caller.principal,
        codec=codec,
        brands=list(dict.fromkeys(brands)),
        index=request.by,
        text=request.value,
        purpose=request.purpose,
        country=request.country,
        reference=request.reference,
        address=caller.address,
        credential=caller.credential,
    )


def _shown(answer: FindAnswer, now: int) -> Answer:
    if not answer.admission.permitted:
        return denial(answer.admission.code, retry_after_s=seconds_until(answer.admission.back_at, now))
    if answer.too_many:
        return problem("too-many")
    return Answer(200, _encode(Found({brand: list(items) for brand, items in answer.tokens.items()})))


def _reach(policy: Policy, catalogue: Catalogue, principal: Principal) -> list[str]:
    """Return the brands within a principal's reach, for a search that names none."""
    roles = roles_of(policy, principal)
    return [
        brand
        for brand in sorted(catalogue.brands)
        if (EVERY_BRAND in principal.brands or brand in principal.brands)
        and any(role.covers_brand(brand) for role in roles)
    ]


def _refuse_brand(gatekeeper: Gatekeeper, caller: Caller, request: Find) -> Answer:
    """Refuse a search in brands that do not exist or that nothing grants, with the entry of any refusal."""
    refused = AdmissionRequest(
        principal=caller.principal,
        operation=Operation.FIND,
        purpose=request.purpose,
        brand="?",
        fields=frozenset(),
        records=BitMap(),
        reference=request.reference,
        address=caller.address,
        credential=caller.credential,
    )
    admissions, _ = gatekeeper.admit([refused])
    return denial(admissions[0].code)
