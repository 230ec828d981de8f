"""Answers those who sign in: their requests come with a key that nobody has enrolled yet."""

from __future__ import annotations

import psycopg

from cloakroom.errors import CloakroomError, ConflictError, DeniedError, StoreError
from cloakroom.ledger.entry import Operation
from cloakroom.use_cases.people.sessions import SignInRefused
from cloakroom.web.api import people_requests as orders
from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.api.unenrolled import Newcomer, key_of
from cloakroom.web.core.batching import Pending
from cloakroom.web.core.rejected import Refusals
from cloakroom.web.handlers.operations import failure
from cloakroom.web.handlers.sign_in import SIGN_INS
from cloakroom.wiring import Application

_AGAIN = {"busy": 5, "waiting": 5}


def answer_newcomer(application: Application, refusals: Refusals, pending: Pending) -> Answer:
    """Answer a newcomer's request whose nonce is claimed, and count a refusal to be entered.

    Raises:
        StoreError: The store does not answer.
    """
    order, key = pending.order, key_of(pending.signature.key_id)
    if key is None or not isinstance(order, orders.NewcomerOrder):  # an enrolled credential that is gone
        refusals.add("bad-signature")
        return problem("bad-signature")
    try:
        return SIGN_INS[type(order)](application, Newcomer(key, pending.address), order)
    except DeniedError as error:
        named = error.named if isinstance(error, SignInRefused) else ""
        refusals.add(error.code, named, operation=Operation.SIGN_IN)
        return _failure(error)
    except ConflictError as error:
        return failure(error)
    except StoreError:
        raise
    except CloakroomError as error:
        return failure(error)
    except psycopg.DataError:
        return problem("malformed", "a text holds what cannot be stored")


def _failure(error: DeniedError) -> Answer:
    """Return the answer for a refused sign-in: that it was, not why."""
    if error.code in _AGAIN:
        return problem(error.code, retry_after_s=_AGAIN[error.code])
    return problem("replayed" if error.code == "replayed" else "sign-in")
