"""The ledger: checkpoints, tiles, proofs, and who opened what of a person."""

from __future__ import annotations

import msgspec

from cloakroom.clock import format_time, from_microseconds, parse_time, to_microseconds
from cloakroom.errors import (
    UsageError,
)
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.use_cases.ledger import files
from cloakroom.use_cases.ledger.access_report import Opening, report_access
from cloakroom.vocabulary import Operation
from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.api.requests import ledger as requests
from cloakroom.wiring import Application

_encode = msgspec.json.Encoder().encode


def read_checkpoint(application: Application, caller: Caller, request: requests.ReadCheckpoint) -> Answer:
    """Give out the newest checkpoint."""
    application.authoriser.authorise(caller, Operation.LEDGER, request.purpose)
    checkpoint = application.log.latest_checkpoint()
    if checkpoint is None:
        return problem("not-found")
    return Answer(200, checkpoint.note, b"text/plain; charset=utf-8", {"cache-control": "no-store"})


def read_tile(application: Application, caller: Caller, request: requests.ReadTile) -> Answer:
    """Give out a tile or bundle."""
    application.authoriser.authorise(caller, Operation.LEDGER, request.purpose)
    data = application.log.read_path(request.path)
    return problem("not-found") if data is None else Answer(200, data, b"application/octet-stream")


def prove_entry(application: Application, caller: Caller, request: requests.ProveEntry) -> Answer:
    """Give out a proof file."""
    application.authoriser.authorise(caller, Operation.LEDGER, request.purpose)
    proof, _checkpoint = files.prove_entry(application.log, application.sequencer, request.leaf_index)
    return Answer(200, proof.render(), b"text/plain; charset=utf-8")


def show_access(application: Application, caller: Caller, request: requests.ReportAccess) -> Answer:
    """Report who opened records."""
    found = report_access(
        application,
        caller,
        request.tokens,
        purpose=request.purpose,
        reference=request.reference,
        start=_moment(request.start),
        end=_moment(request.end),
    )
    openings = [reported_opening(item) for item in found.openings]
    return Answer(200, _encode(requests.ReportedAccess(found.records, found.size, found.key, openings)))


def reported_opening(opening: Opening) -> requests.ReportedOpening:
    """Return one opening as a report shows it."""
    entry = opening.entry
    return requests.ReportedOpening(
        leaf_index=opening.leaf_index,
        at=format_time(from_microseconds(entry.at)),
        lineage=entry.lineage,
        principal=entry.principal,
        operation=str(entry.operation),
        purpose=entry.purpose,
        brand=entry.brand,
        reference=entry.reference,
        fields=dict(entry.shape),
        records=entry.records,
        proof=opening.proof.render().decode(),
    )


def _moment(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return to_microseconds(parse_time(text))
    except (ValueError, OverflowError):
        raise UsageError("a time is RFC 3339 with an offset, such as 2027-01-01T00:00:00Z") from None
