"""Pieces of answers that several parts of the core give."""

from __future__ import annotations

import logging

import msgspec

from cloakroom.flows.records.reveal import RevealAnswer
from cloakroom.web.api.problems import Answer, denial, problem
from cloakroom.web.api.requests.records import Revealed, RevealedRecord

_log = logging.getLogger("cloakroom.core")
_encode = msgspec.json.Encoder().encode


def revealed(answer: RevealAnswer, now: int) -> Answer:
    """Return the answer to a reveal; `now` in microseconds."""
    if not answer.admission.permitted:
        return denial(answer.admission.code, retry_after_s=seconds_until(answer.admission.back_at, now))
    if answer.broken is not None:
        _log.error("%s", answer.broken)
        return problem("broken-record")
    forms = {name: str(form) for name, form in answer.forms.items()}
    records = [RevealedRecord(item.token, item.values) for item in answer.revealed]
    return Answer(200, _encode(Revealed(forms, records)))


def seconds_until(back_at: int | None, now: int) -> int | None:
    """Return in how many seconds a moment comes, rounded up; both in microseconds."""
    return None if back_at is None else -(-(back_at - now) // 1_000_000)


def place(error: BaseException) -> str:
    """Return where an error was raised; its text may hold a value, its place does not."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
