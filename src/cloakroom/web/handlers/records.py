"""Records: writing, deleting, exchanging tokens. Reveals and searches are answered in batches, by the core."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cloakroom.flows.admission.authorisation import Caller
from cloakroom.use_cases.records.exchanging import exchange
from cloakroom.use_cases.records.writing import RecordWrite, write_record
from cloakroom.vocabulary import Operation
from cloakroom.web.api.problems import Answer
from cloakroom.web.api.requests import records as requests
from cloakroom.wiring import Application

_encode = msgspec.json.Encoder().encode


def write(application: Application, caller: Caller, request: requests.WriteRecord) -> Answer:
    """Create a record or replace its values."""
    token = _write(application, caller, request, request.fields, request.modified_at, deleted=False)
    return Answer(200, _encode(requests.Written(token)))


def delete(application: Application, caller: Caller, request: requests.DeleteRecord) -> Answer:
    """Note that a record is gone."""
    _write(application, caller, request, {}, None, deleted=True)
    return Answer(200, _encode(requests.Deleted(done=True)))


def _write(
    application: Application,
    caller: Caller,
    request: requests.WriteRecord | requests.DeleteRecord,
    fields: Mapping[str, str],
    modified_at: str | None,
    *,
    deleted: bool,
) -> str:
    application.authoriser.authorise(
        caller,
        Operation.WRITE,
        request.purpose,
        brands=frozenset({request.brand}),
        reference=request.reference,
    )
    return write_record(
        application,
        caller,
        RecordWrite(request.brand, request.record_id, fields, modified_at, deleted),
        purpose=request.purpose,
        key=request.idempotency_key,
        request=_encode(request),
        reference=request.reference,
    )


def exchange_tokens(application: Application, caller: Caller, request: requests.Exchange) -> Answer:
    """Turn tokens into those of another application."""
    tokens = exchange(
        application,
        caller,
        request.tokens,
        request.application,
        purpose=request.purpose,
        reference=request.reference,
    )
    return Answer(200, _encode(requests.Exchanged(tokens)))
